//! A node without a machine, for tests: a list of records for a disk, keys of all guardians,
//! a clock that stands still unless told otherwise.
//!
//! Every record goes through its bytes, and a restart rebuilds all from them.

pub(crate) mod vault;

use crate::event::Body;
use crate::event::PolicyAdopted;
use crate::signature::{SigningKey, sign_hmac};
use crate::{ApplyError, Command, Context, Effect, Event, Governance, Message, Policy};
use abi::governance::{Action, Algorithm, GuardianChange, Impact, OverrideStatus, Role};
use abi::request::{
    ApprovalRequest, GuardianRequest, KeyMaterial, NewApproval, OverrideKind, OverrideRequest,
    Signature,
};
use abi::response::{ApprovalView, OverrideView};
use abi::time::UnixSeconds;
use abi::{Fault, GuardianId, RecordId, RecordPrefix, Response};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;

/// Epoch of every simulated ledger.
pub(crate) const EPOCH: [u8; 16] = [7; 16];
/// When the simulated clocks start: 2026-11-22.
pub(crate) const START: u64 = 1_795_319_034;
/// One hour.
pub(crate) const HOUR: u64 = 3600;

/// A guardian's secret: 32 bytes that serve either algorithm.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) algorithm: Algorithm,
    pub(crate) bytes: [u8; 32],
}

impl Secret {
    pub(crate) fn new(algorithm: Algorithm, number: u8) -> Self {
        Secret {
            algorithm,
            bytes: Sha256::digest([number]).into(),
        }
    }

    pub(crate) fn material(&self) -> KeyMaterial {
        KeyMaterial {
            algorithm: self.algorithm,
            bytes: match self.algorithm {
                Algorithm::HmacSha256 => self.bytes.to_vec(),
                Algorithm::Ed25519 => SigningKey::new(&self.bytes).public_key().to_vec(),
            },
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        Signature(match self.algorithm {
            Algorithm::HmacSha256 => sign_hmac(&self.bytes, message).to_vec(),
            Algorithm::Ed25519 => SigningKey::new(&self.bytes).sign(message).to_vec(),
        })
    }
}

/// The node.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) governance: Governance,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) now: UnixSeconds,
    pub(crate) secrets: BTreeMap<GuardianId, Secret>,
    pub(crate) effects: Vec<Effect>,
    /// Offered at each start.
    pub(crate) policy: PolicyAdopted,
    entropy: u64,
}

pub(crate) fn id(text: &str) -> GuardianId {
    GuardianId::new(text).unwrap()
}

pub(crate) fn prefix(id: RecordId) -> RecordPrefix {
    RecordPrefix::new(&id.to_string()).unwrap()
}

/// Holds the open requests that a state keeps apart against all of its requests.
pub(crate) fn check_open_requests(governance: &Governance) {
    let open = governance.requests.iter();
    let open = open.filter(|(_, request)| request.is_open());
    assert!(
        governance.open_requests.iter().eq(open.map(|(id, _)| id)),
        "exactly the open requests are kept as such"
    );
}

impl Node {
    /// A node with an empty ledger.
    pub(crate) fn empty() -> Self {
        Node::with_policy(Policy::built_in().unwrap())
    }

    pub(crate) fn with_policy(policy: Policy) -> Self {
        let policy = PolicyAdopted {
            policy,
            signed_by: None,
        };
        let mut node = Node {
            governance: Governance::new(EPOCH),
            records: Vec::new(),
            now: UnixSeconds(START),
            secrets: BTreeMap::new(),
            effects: Vec::new(),
            policy,
            entropy: 0,
        };
        node.start();
        node
    }

    /// A node with galahad (ethics), cerberus (security), codex_deus (charter, Ed25519) and
    /// safety_monitor (safety).
    pub(crate) fn with_guardians() -> Self {
        let mut node = Node::empty();
        for (name, role, algorithm) in [
            ("galahad", Role::Ethics, Algorithm::HmacSha256),
            ("cerberus", Role::Security, Algorithm::HmacSha256),
            ("codex_deus", Role::Charter, Algorithm::Ed25519),
            ("safety_monitor", Role::Safety, Algorithm::HmacSha256),
        ] {
            node.enrol(name, role, algorithm);
        }
        node
    }

    fn fresh(&mut self) -> [u8; 32] {
        self.entropy = self.entropy.wrapping_add(1);
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&self.entropy.to_le_bytes());
        bytes
    }

    /// Records what time brought about.
    pub(crate) fn record_due(&mut self) {
        for event in self.governance.due(self.now) {
            self.record(&event);
        }
        assert!(
            self.governance.due(self.now).is_empty(),
            "what is due is done once"
        );
    }

    pub(crate) fn record(&mut self, event: &Event) {
        let bytes = event.encode();
        let decoded = Event::decode(&bytes).unwrap();
        assert_eq!(decoded, *event);
        let seq = self.records.len() as u64;
        let effects = self.governance.apply(seq, &decoded).unwrap();
        check_open_requests(&self.governance);
        self.effects.extend(effects);
        self.records.push(bytes);
    }

    pub(crate) fn run(&mut self, command: Command<'_>) -> Result<Response, Fault> {
        self.record_due();
        let context = Context {
            now: self.now,
            entropy: Some(self.fresh()),
        };
        let decision = self.governance.decide(command, &context);
        if let Some(event) = &decision.event {
            self.record(event);
        }
        decision
            .outcome
            .map(|reply| self.governance.reply(reply, self.now))
    }

    /// Builds the state anew from the records, as a restart does.
    pub(crate) fn replay(&self) -> Result<Governance, ApplyError> {
        let mut governance = Governance::new(EPOCH);
        for (seq, bytes) in self.records.iter().enumerate() {
            governance.apply(seq as u64, &Event::decode(bytes).unwrap())?;
        }
        Ok(governance)
    }

    fn start(&mut self) {
        self.governance.start();
        self.governance.offer(self.policy.clone());
        self.record_due();
    }

    pub(crate) fn restart(&mut self) {
        self.governance = self.replay().unwrap();
        self.start();
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus(seconds);
        self.record_due();
    }

    pub(crate) fn last(&self) -> Event {
        Event::decode(self.records.last().unwrap()).unwrap()
    }

    // Guardians.

    pub(crate) fn propose(
        &mut self,
        change: GuardianChange,
        name: &str,
        role: Option<Role>,
        secret: Option<&Secret>,
    ) -> Result<Response, Fault> {
        self.run(Command::Guardian(&GuardianRequest::Change {
            change,
            guardian: id(name),
            role,
            key: secret.map(Secret::material),
        }))
    }

    /// Enrols with the agreement of as many active guardians as it takes.
    pub(crate) fn enrol(&mut self, name: &str, role: Role, algorithm: Algorithm) {
        let secret = Secret::new(algorithm, u8::try_from(self.secrets.len()).unwrap());
        let response = self
            .propose(GuardianChange::Enrol, name, Some(role), Some(&secret))
            .unwrap();
        self.agree(response);
        self.secrets.insert(id(name), secret);
    }

    /// Carries a proposed change through its quorum.
    pub(crate) fn agree(&mut self, proposed: Response) {
        let Response::GuardianChange { change } = proposed else {
            panic!("{proposed:?}")
        };
        let mut missing = change.signatures_missing;
        let signers: Vec<GuardianId> = self.secrets.keys().cloned().collect();
        for signer in signers {
            if missing == 0 {
                break;
            }
            if let Ok(Response::GuardianChange { change }) =
                self.sign_change(change.id, signer.as_str())
            {
                missing = change.signatures_missing;
            }
        }
        assert_eq!(missing, 0, "the change found its quorum");
    }

    pub(crate) fn sign_change(&mut self, change: RecordId, name: &str) -> Result<Response, Fault> {
        let challenge = self.run(Command::Guardian(&GuardianRequest::Challenge {
            change: prefix(change),
            signer: id(name),
            justification: "agreed".to_string(),
        }))?;
        let signature = self.answer_challenge(name, &challenge);
        self.run(Command::Guardian(&GuardianRequest::Sign {
            change: prefix(change),
            signer: id(name),
            signature,
        }))
    }

    /// What `glyphctl sign` does with the line of a challenge.
    pub(crate) fn answer_challenge(&self, name: &str, challenge: &Response) -> Signature {
        let Response::Challenge { line } = challenge else {
            panic!("{challenge:?}")
        };
        let message = Message::from_line(line).unwrap();
        assert_eq!(message.to_line(), *line);
        self.secrets[&id(name)].sign(&message.encode())
    }

    // Requests.

    pub(crate) fn request(&mut self, impact: Impact) -> RecordId {
        self.request_view(impact).request_id
    }

    pub(crate) fn request_view(&mut self, impact: Impact) -> ApprovalView {
        let response = self.run(Command::Approval(&ApprovalRequest::Create(NewApproval {
            impact,
            change_type: "config".to_string(),
            requester: "operator".to_string(),
            title: "open the vault".to_string(),
            description: "the vault is closed".to_string(),
            files_changed: 1,
            lines_changed: 10,
            metadata: Vec::new(),
        })));
        match response {
            Ok(Response::Approval(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn decide_request(
        &mut self,
        request: RecordId,
        name: &str,
        action: Action,
    ) -> Result<ApprovalView, Fault> {
        let challenge = self.run(Command::Approval(&ApprovalRequest::Challenge {
            request: prefix(request),
            guardian: id(name),
            action,
            justification: "looked at it".to_string(),
        }))?;
        let signature = self.answer_challenge(name, &challenge);
        let response = self.run(Command::Approval(&ApprovalRequest::Decide {
            request: prefix(request),
            guardian: id(name),
            action,
            signature,
        }))?;
        match response {
            Response::Approval(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn show_request(&mut self, request: RecordId) -> ApprovalView {
        match self.run(Command::Approval(&ApprovalRequest::Show(prefix(request)))) {
            Ok(Response::Approval(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    // Overrides.

    pub(crate) fn create_override(
        &mut self,
        request: RecordId,
        initiator: &str,
        kind: OverrideKind,
    ) -> Result<OverrideView, Fault> {
        let response = self.run(Command::Override(&OverrideRequest::Create {
            request: prefix(request),
            initiator: initiator.to_string(),
            justification: "it burns".to_string(),
            kind,
        }))?;
        match response {
            Response::Override { view, .. } => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn challenge(
        &mut self,
        item: RecordId,
        name: &str,
        action: Action,
    ) -> Result<Response, Fault> {
        self.run(Command::Override(&OverrideRequest::Challenge {
            id: prefix(item),
            guardian: id(name),
            action,
            text: "because".to_string(),
        }))
    }

    pub(crate) fn conclude(
        &mut self,
        item: RecordId,
        name: &str,
        action: Action,
        signature: Signature,
    ) -> Result<(OverrideView, String), Fault> {
        let response = self.run(Command::Override(&OverrideRequest::Conclude {
            id: prefix(item),
            guardian: id(name),
            action,
            signature,
        }))?;
        match response {
            Response::Override { view, note } => Ok((view, note)),
            other => panic!("{other:?}"),
        }
    }

    /// Challenge, signature, conclusion.
    pub(crate) fn act(
        &mut self,
        item: RecordId,
        name: &str,
        action: Action,
    ) -> Result<(OverrideView, String), Fault> {
        let challenge = self.challenge(item, name, action)?;
        if let Response::Override { view, note } = challenge {
            return Ok((view, note));
        }
        let signature = self.answer_challenge(name, &challenge);
        self.conclude(item, name, action, signature)
    }

    pub(crate) fn show(&mut self, item: RecordId) -> OverrideView {
        match self.run(Command::Override(&OverrideRequest::Show(prefix(item)))) {
            Ok(Response::Override { view, .. }) => view,
            other => panic!("{other:?}"),
        }
    }

    /// An override of a fresh request of this impact, active by three guardians.
    pub(crate) fn active_override(&mut self, impact: Impact) -> RecordId {
        let request = self.request(impact);
        let item = self
            .create_override(request, "operator", OverrideKind::Real)
            .unwrap()
            .override_id;
        for name in ["galahad", "cerberus", "codex_deus"] {
            self.act(item, name, Action::SignOverride).unwrap();
        }
        assert_eq!(self.show(item).status, OverrideStatus::Active);
        item
    }

    /// Whether the last record is a refusal, with this word for its reason.
    pub(crate) fn refused_for(&self, reason: &str) -> bool {
        matches!(self.last().body, Body::Refusal(refusal) if refusal.reason.name() == reason)
    }
}

//! One state of the explored world, and how a command, a restart and a replay change it.
//!
//! Properties 8, 9 and 10 are checked here, for every command.

use super::fingerprint::{of_governance, of_world};
use super::model::{self, Model};
use super::steps::{Held, Scope};
use super::{GUARDIANS, MOMENTS};
use crate::event::{Body, Refusal};
use crate::policy::BUILT_IN;
use crate::simulated::{EPOCH, Node, Secret, id};
use crate::{Command, Context, Event, Governance, Policy, Reply};
use abi::governance::{Algorithm, Impact};
use abi::request::Signature;
use abi::time::UnixSeconds;
use abi::{Fault, RecordId};
use std::rc::Rc;
use std::vec::Vec;

/// The records so far, shared between the states that follow from them.
struct Link {
    event: Event,
    before: Option<Rc<Link>>,
}

/// One state of the world.
#[derive(Clone)]
pub(super) struct World {
    pub(super) governance: Governance,
    pub(super) model: Model,
    pub(super) secrets: Rc<[Secret; 4]>,
    /// Explored overrides, oldest first.
    pub(super) overrides: Vec<RecordId>,
    /// Each guardian's last accepted signature on an override.
    pub(super) used: [Option<Rc<Signature>>; 4],
    pub(super) held: Option<Held>,
    pub(super) has_forged: bool,
    pub(super) scope: Scope,
    pub(super) request: RecordId,
    pub(super) moment: usize,
    /// Fingerprint of `governance`.
    pub(super) print: u128,
    start: UnixSeconds,
    records: Option<Rc<Link>>,
    seq: u64,
    entropy: u64,
}

/// The built-in policy with the number of signatures of the scope.
fn policy(scope: Scope) -> Policy {
    let asked = std::format!("min_signatures: {}", scope.signatures);
    Policy::parse(BUILT_IN.replace("min_signatures: 3", &asked).as_bytes()).unwrap()
}

impl World {
    pub(super) fn first(scope: Scope) -> Self {
        let mut node = Node::with_policy(policy(scope));
        for (name, role) in GUARDIANS.into_iter().zip(model::ROLES) {
            node.enrol(name, role, Algorithm::HmacSha256);
        }
        let request = node.request(Impact::High);
        let mut world = World {
            secrets: Rc::new(GUARDIANS.map(|name| node.secrets[&id(name)].clone())),
            used: [const { None }; 4],
            held: None,
            has_forged: false,
            scope,
            model: Model::new(scope.signatures),
            overrides: Vec::new(),
            request,
            moment: 0,
            print: 0,
            start: node.now,
            records: None,
            seq: node.records.len() as u64,
            entropy: 1 << 32,
            governance: node.governance,
        };
        for bytes in &node.records {
            world.records = Some(Rc::new(Link {
                event: Event::decode(bytes).unwrap(),
                before: world.records,
            }));
        }
        world.print = world.governance_print();
        world
    }

    pub(super) fn now(&self) -> UnixSeconds {
        self.start.plus(MOMENTS[self.moment])
    }

    /// Fingerprint of all that the future depends on.
    pub(super) fn fingerprint(&self) -> u128 {
        of_world(self)
    }

    fn governance_print(&self) -> u128 {
        of_governance(&self.governance, self.request, &self.overrides)
    }

    fn record(&mut self, event: Event) {
        self.governance
            .apply(self.seq, &event)
            .expect("what was decided applies");
        self.seq = self.seq.wrapping_add(1);
        self.records = Some(Rc::new(Link {
            event,
            before: self.records.take(),
        }));
        self.print = self.governance_print();
    }

    pub(super) fn record_due(&mut self) {
        for event in self.governance.due(self.now()) {
            self.record(event);
        }
    }

    /// A new override is part of the state from now on.
    pub(super) fn follow(&mut self, override_id: RecordId) {
        self.overrides.push(override_id);
        self.print = self.governance_print();
    }

    /// One command; properties 8 and 9 are checked here.
    pub(super) fn run(&mut self, command: Command<'_>) -> Result<Reply, Fault> {
        self.entropy = self.entropy.wrapping_add(1);
        let mut entropy = [0x5a; 32];
        entropy[..8].copy_from_slice(&self.entropy.to_le_bytes());
        let now = self.now();
        let decision = self.governance.decide(
            command,
            &Context {
                now,
                entropy: Some(entropy),
            },
        );
        assert_eq!(
            self.governance_print(),
            self.print,
            "property 9: deciding changes nothing"
        );
        assert!(
            decision.outcome.is_ok() || decision.event.is_some(),
            "property 8: a refusal has its record"
        );
        if let Some(event) = decision.event {
            let is_refusal = matches!(event.body, Body::Refusal(_));
            assert_eq!(
                is_refusal,
                decision.outcome.is_err(),
                "property 8: refusals are recorded as such"
            );
            let failed = matches!(&event.body, Body::Refusal(Refusal { reason, .. })
                if reason.is_failed_signature());
            let before = self.failures();
            if is_refusal && !failed {
                self.apply_and_leave(&event);
            } else {
                self.record(event);
            }
            assert!(
                !failed || self.failures() == before + 1,
                "property 14: a failed signature is counted"
            );
        }
        decision.outcome
    }

    fn failures(&self) -> u32 {
        let guardians = self.governance.guardians.iter();
        guardians.map(|guardian| guardian.failures).sum()
    }

    /// Applies the record of a plain refusal, which changes nothing (property 8), and leaves it out
    /// of the chain, so that the walk goes on from one state however often it was refused there.
    fn apply_and_leave(&mut self, refusal: &Event) {
        self.governance
            .apply(self.seq, refusal)
            .expect("a refusal applies");
        self.governance.last_seq = self.seq.checked_sub(1);
        assert_eq!(
            self.governance_print(),
            self.print,
            "property 8: a refusal changes nothing"
        );
    }

    /// The state that a replay of the records finds, before the node starts on it. That it is this
    /// one is what [`check_replay`](Self::check_replay) shows from state to state.
    fn replayed(&self) -> Governance {
        let mut governance = self.governance.clone();
        governance.is_live = false;
        governance.challenges.clear();
        for item in governance.overrides.values_mut() {
            if item.grant.as_ref().is_some_and(|grant| grant.stale)
                && let Some(grant) = &mut std::sync::Arc::make_mut(item).grant
            {
                grant.stale = false;
            }
        }
        governance
    }

    /// A restart: a replay of all records, and the node started on it.
    pub(super) fn restart(&mut self) {
        self.governance = self.replayed();
        self.governance.start();
        self.print = self.governance_print();
        self.record_due();
    }

    /// Property 10, by induction: if a replay finds the state before, then with the records that
    /// came since it finds the state after.
    pub(super) fn check_replay(before: &World, after: &World) {
        let mut since = Vec::new();
        let mut link = after.records.as_ref();
        let known = before.records.as_ref().map(Rc::as_ptr);
        while let Some(here) = link.filter(|here| Some(Rc::as_ptr(here)) != known) {
            since.push(&here.event);
            link = here.before.as_ref();
        }
        let mut replayed = before.replayed();
        for (seq, event) in (before.seq..).zip(since.into_iter().rev()) {
            replayed
                .apply(seq, event)
                .expect("property 10: every record replays");
        }
        after.compare_replayed(&replayed);
    }

    /// Property 10, from the first record on and through its bytes.
    pub(super) fn check_whole_replay(&self) {
        let mut records = Vec::new();
        let mut link = self.records.as_ref();
        while let Some(here) = link {
            records.push(here.event.encode());
            link = here.before.as_ref();
        }
        let mut replayed = Governance::new(EPOCH);
        for (seq, bytes) in (0..).zip(records.into_iter().rev()) {
            let event = Event::decode(&bytes).expect("property 10: every record is read");
            replayed
                .apply(seq, &event)
                .expect("property 10: every record replays");
        }
        self.compare_replayed(&replayed);
    }

    fn compare_replayed(&self, replayed: &Governance) {
        let ours = of_governance(&self.replayed(), self.request, &self.overrides);
        let theirs = of_governance(replayed, self.request, &self.overrides);
        assert_eq!(ours, theirs, "property 10: a replay finds the same state");
        assert_eq!(replayed.last_seq, self.governance.last_seq, "property 10");
        assert!(
            replayed.spent == self.governance.spent
                && replayed.used_keys == self.governance.used_keys,
            "property 10: a replay knows what was used up"
        );
    }
}

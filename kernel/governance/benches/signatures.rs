//! What signatures cost, and the replay of decisions that were signed: `cargo bench -p governance`.
//!
//! Prints figures and asserts none. A check by a key of ours takes turns with ed25519-dalek's own, so that
//! both have the same moments of the host.

use std::hint::black_box;
use std::time::Instant;

use abi::governance::{Action, Algorithm, GuardianChange, Impact, Role};
use abi::request::{ApprovalRequest, GuardianRequest, KeyMaterial, NewApproval, Signature};
use abi::time::UnixSeconds;
use abi::{GuardianId, RecordId, RecordPrefix, Response};
use ed25519_dalek::VerifyingKey;
use governance::event::PolicyAdopted;
use governance::signature::{Key, SigningKey, sign_hmac};
use governance::{Command, Context, Event, Governance, Message, Policy};

type Failure = Box<dyn std::error::Error>;

/// A message of about the length of a challenge.
const MESSAGE: [u8; 300] = [0x33; 300];
const SECRET: [u8; 32] = [0x71; 32];
/// Short rounds, of which the best counts: whatever takes longer is somebody else's work.
const ROUNDS: usize = 300;
const TURNS: u32 = 10;
/// Signed decisions that are replayed.
const DECISIONS: u32 = 100_000;
const REPLAYS: usize = 3;
const EPOCH: [u8; 16] = [7; 16];
const NOW: UnixSeconds = UnixSeconds(1_795_319_034);
const GUARDIAN: &str = "galahad";

fn main() -> Result<(), Failure> {
    signatures()?;
    replay()
}

fn report(what: &str, seconds: f64) {
    println!("{what:<56} {:12.0} ns", seconds * 1e9);
}

fn signatures() -> Result<(), Failure> {
    let signer = SigningKey::new(&SECRET);
    let public = signer.public_key();
    let enrol = || Key::new(Algorithm::Ed25519, &public);
    let hmac = Key::new(Algorithm::HmacSha256, &SECRET)?;
    let ed25519 = enrol()?;
    let peer = VerifyingKey::from_bytes(&public)?;
    let tag = sign_hmac(&SECRET, &MESSAGE);
    let signature = signer.sign(&MESSAGE);
    let for_peer = ed25519_dalek::Signature::from_bytes(&signature);
    if !hmac.verifies(&MESSAGE, &tag) || !ed25519.verifies(&MESSAGE, &signature) {
        return Err("a signature does not verify".into());
    }
    let mut contestants: [(&str, &dyn Fn()); 7] = [
        ("HMAC-SHA256, sign 300 B", &|| {
            black_box(sign_hmac(&SECRET, black_box(&MESSAGE)));
        }),
        ("HMAC-SHA256, verify", &|| {
            black_box(hmac.verifies(black_box(&MESSAGE), &tag));
        }),
        ("Ed25519, key from secret", &|| {
            black_box(SigningKey::new(black_box(&SECRET)));
        }),
        ("Ed25519, sign", &|| {
            black_box(signer.sign(black_box(&MESSAGE)));
        }),
        ("Ed25519, a key's first verify", &|| {
            let checked = enrol().map(|key| key.verifies(black_box(&MESSAGE), &signature));
            let _ = black_box(checked);
        }),
        ("Ed25519, verify", &|| {
            black_box(ed25519.verifies(black_box(&MESSAGE), &signature));
        }),
        ("Ed25519, verify_strict of ed25519-dalek", &|| {
            let _ = black_box(peer.verify_strict(black_box(&MESSAGE), &for_peer));
        }),
    ];
    let mut best = [f64::INFINITY; 7];
    for _ in 0..ROUNDS {
        for ((_, body), best) in contestants.iter_mut().zip(&mut best) {
            let began = Instant::now();
            (0..TURNS).for_each(|_| body());
            *best = best.min(began.elapsed().as_secs_f64() / f64::from(TURNS));
        }
    }
    for ((name, _), best) in contestants.iter().zip(best) {
        report(name, best);
    }
    Ok(())
}

/// A node whose ledger is a list.
struct Node {
    governance: Governance,
    records: Vec<Vec<u8>>,
    entropy: u64,
}

impl Node {
    fn record(&mut self, event: &Event) -> Result<(), Failure> {
        self.governance.apply(self.records.len() as u64, event)?;
        self.records.push(event.encode());
        Ok(())
    }

    fn run(&mut self, command: Command<'_>) -> Result<Response, Failure> {
        self.entropy += 1;
        let mut entropy = [0x5a; 32];
        // Ids are of its first bytes, and lie far apart.
        let number = self.entropy.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        entropy[..8].copy_from_slice(&number.to_be_bytes());
        let context = Context {
            now: NOW,
            entropy: Some(entropy),
        };
        let decision = self.governance.decide(command, &context);
        if let Some(event) = &decision.event {
            self.record(event)?;
        }
        let reply = decision.outcome.map_err(|fault| fault.to_string())?;
        Ok(self.governance.reply(reply, NOW))
    }

    /// A request, and the signed decision on it.
    fn decide(&mut self, signer: &SigningKey) -> Result<(), Failure> {
        let create = ApprovalRequest::Create(NewApproval {
            impact: Impact::Low,
            change_type: "config".to_owned(),
            requester: "operator".to_owned(),
            title: "open the vault".to_owned(),
            description: "the vault is closed".to_owned(),
            files_changed: 1,
            lines_changed: 10,
            metadata: Vec::new(),
        });
        let Response::Approval(view) = self.run(Command::Approval(&create))? else {
            return Err("no request".into());
        };
        let (request, guardian) = (prefix(view.request_id)?, GuardianId::new(GUARDIAN)?);
        let challenge = ApprovalRequest::Challenge {
            request,
            guardian: guardian.clone(),
            action: Action::RejectRequest,
            justification: "looked at it".to_owned(),
        };
        let Response::Challenge { line } = self.run(Command::Approval(&challenge))? else {
            return Err("no challenge".into());
        };
        let message = Message::from_line(&line)?;
        let signature = signer.sign(&message.encode());
        self.run(Command::Approval(&ApprovalRequest::Decide {
            request: prefix(view.request_id)?,
            guardian,
            action: Action::RejectRequest,
            signature: Signature(signature.to_vec()),
        }))?;
        Ok(())
    }
}

fn prefix(id: RecordId) -> Result<RecordPrefix, Failure> {
    Ok(RecordPrefix::new(&id.to_string())?)
}

/// The records of a node whose only guardian decides on every request.
fn records() -> Result<Vec<Vec<u8>>, Failure> {
    let signer = SigningKey::new(&SECRET);
    let mut node = Node {
        governance: Governance::new(EPOCH),
        records: Vec::new(),
        entropy: 0,
    };
    node.governance.start();
    node.governance.offer(PolicyAdopted {
        policy: Policy::built_in()?,
        signed_by: None,
    });
    for event in node.governance.due(NOW) {
        node.record(&event)?;
    }
    node.run(Command::Guardian(&GuardianRequest::Change {
        change: GuardianChange::Enrol,
        guardian: GuardianId::new(GUARDIAN)?,
        role: Some(Role::Ethics),
        key: Some(KeyMaterial {
            algorithm: Algorithm::Ed25519,
            bytes: signer.public_key().to_vec(),
        }),
    }))?;
    for _ in 0..DECISIONS {
        node.decide(&signer)?;
    }
    Ok(node.records)
}

fn replay() -> Result<(), Failure> {
    let records = records()?;
    let mut best = f64::INFINITY;
    for _ in 0..REPLAYS {
        let began = Instant::now();
        let mut governance = Governance::new(EPOCH);
        for (seq, record) in (0..).zip(&records) {
            governance.apply(seq, &Event::decode(record)?)?;
        }
        best = best.min(began.elapsed().as_secs_f64());
        black_box(&governance);
    }
    report(
        "replay of 100,000 signed decisions and their requests",
        best,
    );
    Ok(())
}

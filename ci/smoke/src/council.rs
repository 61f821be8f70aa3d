//! Guardians: their keys on the host, and the steps they take at a node's console.
//!
//! Every decision goes the way that people go: the console issues a challenge, `glyphctl` signs it
//! with the guardian's key file, and the signature is typed at the console.

use std::path::PathBuf;

use qemu::{Reply, Session};

use crate::case::{Failure, Place};
use crate::checks::demand;
use crate::glyphctl::Glyphctl;

/// The guardians that the stories enrol first: id, role and algorithm.
pub(crate) const FOUR: [(&str, &str, &str); 4] = [
    ("galahad", "ethics", "hmac"),
    ("cerberus", "security", "ed25519"),
    ("codex_deus", "charter", "hmac"),
    ("safety_monitor", "safety", "ed25519"),
];

struct Guardian {
    id: String,
    key_file: PathBuf,
}

/// The enrolled guardians of one node.
pub(crate) struct Council<'a> {
    place: &'a Place<'a>,
    glyphctl: Glyphctl,
    guardians: Vec<Guardian>,
}

impl<'a> Council<'a> {
    /// Nobody yet.
    pub(crate) fn new(place: &'a Place<'a>) -> Self {
        Self {
            place,
            glyphctl: Glyphctl::of(place),
            guardians: Vec::new(),
        }
    }

    /// Makes a key for `id` and enrols it, with as many signatures of those before as it takes.
    ///
    /// # Errors
    /// If the node refuses, or does not list the guardian afterwards.
    pub(crate) fn enrol(
        &mut self,
        session: &mut Session,
        (id, role, algorithm): (&str, &str, &str),
    ) -> Result<(), Failure> {
        let key_file = self.place.file(&format!("{id}.key"));
        let key = self.glyphctl.keygen(algorithm, &key_file)?;
        let enrol = format!("guardian enrol {id} {role} {algorithm} {key}");
        let mut answer = session.command_ok(&enrol)?;
        let change = required(&answer, "change")?;
        for signer in &self.guardians {
            if answer.field("signatures_missing").as_deref() == Some("0") {
                break;
            }
            let ask = format!("guardian challenge {change} {} \"known to me\"", signer.id);
            let conclude = format!("guardian sign {change} {}", signer.id);
            answer = self.decide(session, &signer.id, &ask, &conclude)?;
        }
        let missing = answer.field("signatures_missing");
        demand(missing.as_deref() == Some("0"), "guardian enrol", &answer)?;
        let listed = session.command_ok("guardian list")?;
        let is_listed = listed.lines.iter().any(|line| {
            let is = |key, value| qemu::field(line, key).as_deref() == Some(value);
            is("guardian", id) && is("role", role) && is("algorithm", algorithm)
        });
        demand(is_listed, "guardian list", &listed)?;
        self.guardians.push(Guardian {
            id: id.to_owned(),
            key_file,
        });
        Ok(())
    }

    /// Takes a step of an override in a guardian's name, with its signature.
    ///
    /// # Errors
    /// If no challenge is issued or no reply comes; a refused signature is a reply.
    pub(crate) fn step(
        &self,
        session: &mut Session,
        id: &str,
        guardian: &str,
        action: &str,
    ) -> Result<Reply, Failure> {
        let line = self.signed_step(session, id, guardian, action)?;
        Ok(session.command(&line)?)
    }

    /// As [`step`](Self::step), signed with the key of `forger`.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub(crate) fn forge(
        &self,
        session: &mut Session,
        id: &str,
        guardian: &str,
        forger: &str,
    ) -> Result<Reply, Failure> {
        let ask = format!("override challenge {id} {guardian} sign \"I looked at it myself\"");
        self.decide(
            session,
            forger,
            &ask,
            &format!("override sign {id} {guardian}"),
        )
    }

    /// The line that concludes a step of an override in a guardian's name, signed and not typed yet.
    ///
    /// # Errors
    /// If no challenge is issued.
    pub(crate) fn signed_step(
        &self,
        session: &mut Session,
        id: &str,
        guardian: &str,
        action: &str,
    ) -> Result<String, Failure> {
        let ask = format!("override challenge {id} {guardian} {action} \"I looked at it myself\"");
        let conclude = format!("override {action} {id} {guardian}");
        self.signed(session, guardian, &ask, &conclude)
    }

    /// Asks for a challenge, signs it with the key of `signer`, and types the signature.
    ///
    /// # Errors
    /// If no challenge is issued or no reply comes; a refused signature is a reply.
    pub(crate) fn decide(
        &self,
        session: &mut Session,
        signer: &str,
        ask: &str,
        conclude: &str,
    ) -> Result<Reply, Failure> {
        let line = self.signed(session, signer, ask, conclude)?;
        Ok(session.command(&line)?)
    }

    fn signed(
        &self,
        session: &mut Session,
        signer: &str,
        ask: &str,
        conclude: &str,
    ) -> Result<String, Failure> {
        let challenge = required(&session.command_ok(ask)?, "challenge")?;
        let guardian = self.guardians.iter().find(|guardian| guardian.id == signer);
        let guardian =
            guardian.ok_or_else(|| Failure::Wrong(format!("{signer} has no key here")))?;
        let signature = self.glyphctl.sign(&guardian.key_file, &challenge)?;
        Ok(format!("{conclude} {signature}"))
    }
}

/// Formats the node's disk by the word that it asks for.
///
/// # Errors
/// If the node asks for no word or refuses it.
pub(crate) fn format_ledger(session: &mut Session) -> Result<(), Failure> {
    let word = required(&session.command_ok("ledger format")?, "confirmation")?;
    let answer = session.command_ok(&format!("ledger format {word}"))?;
    let state = answer.field("state");
    demand(state.as_deref() == Some("ready"), "ledger format", &answer)
}

/// The value of `key` in a reply that has to have it.
///
/// # Errors
/// [`Failure::Wrong`] with the reply's words if it has not.
pub(crate) fn required(reply: &Reply, key: &str) -> Result<String, Failure> {
    reply.field(key).ok_or_else(|| {
        Failure::Wrong(format!(
            "a reply without `{key}`: {:?} {:?}",
            reply.text(),
            reply.outcome
        ))
    })
}

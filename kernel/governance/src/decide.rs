//! Deciding: from an operator's command to a record, an answer or a refusal.
//!
//! Invariants:
//! - deciding changes nothing but the table of waiting challenges;
//! - a command gives one record at most, so that a crash leaves it whole or not at all;
//! - a refused attempt to change something gives a record as well; a question gives none.

mod attempt;
mod guardians;
mod overrides;
mod requests;
mod vault;

pub use vault::VaultCommand;

use crate::challenge::{Challenge, Subject};
use crate::defect::{Defect, planted};
use crate::event::{Body, Event, Vote};
use crate::refused::Refused;
use crate::rules::{no_challenge, require_text};
use crate::signature::SignatureBytes;
use crate::state::Governance;
use abi::governance::Action;
use abi::request::{ApprovalRequest, GuardianRequest, OverrideRequest, Signature};
use abi::time::UnixSeconds;
use abi::{Fault, FaultCode, GuardianId, RecordId, RecordPrefix, Response};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use attempt::Attempt;
use sha2::{Digest as _, Sha256};

/// A command of governance, as parsed from the console's line.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// `guardian ...`
    Guardian(&'a GuardianRequest),
    /// `request ...`
    Approval(&'a ApprovalRequest),
    /// `override ...`
    Override(&'a OverrideRequest),
    /// `vault propose`, `challenge`, `sign`
    Vault(VaultCommand<'a>),
}

/// What deciding needs from the machine.
#[derive(Clone, Copy)]
pub struct Context {
    /// Wall-clock time; time before the newest record counts as that record's.
    pub now: UnixSeconds,
    /// Fresh random bytes for ids and challenges; `None` where the machine has no source.
    pub entropy: Option<[u8; 32]>,
}

/// The outcome of deciding.
#[must_use = "the record has to be written and applied before the outcome is told"]
#[derive(Debug)]
pub struct Decision {
    /// To be recorded and, once acknowledged, applied. If it cannot be recorded, a granted
    /// step has not happened; a refusal stays a refusal.
    pub event: Option<Event>,
    /// What to answer after that.
    pub outcome: Result<Reply, Fault>,
}

/// An answer that is rendered from the state after the record was applied.
#[derive(Debug)]
pub enum Reply {
    /// Complete already.
    Answer(Box<Response>),
    /// The change of guardians as it is then.
    GuardianChange(RecordId),
    /// The request as it is then.
    Request(RecordId),
    /// The change of the vault as it is then.
    VaultChange(RecordId),
    /// The override as it is then, and a sentence on the step.
    Override {
        /// The override.
        id: RecordId,
        /// The signed step; `None` for its creation.
        step: Option<Action>,
    },
}

/// A step that may be taken: its record, if it changes anything, and the answer.
struct Step {
    body: Option<Body>,
    reply: Reply,
}

impl Step {
    fn answer(response: Response) -> Self {
        Step {
            body: None,
            reply: Reply::Answer(Box::new(response)),
        }
    }

    fn record(body: Body, reply: Reply) -> Self {
        Step {
            body: Some(body),
            reply,
        }
    }
}

impl Governance {
    /// Decides on a command. The caller records [`Decision::event`], applies it, and only then
    /// gives the outcome, rendered by [`reply`](Governance::reply).
    pub fn decide(&mut self, command: Command<'_>, context: &Context) -> Decision {
        let time = self.time_at(context.now);
        let attempt = Attempt::of(command);
        if !self.is_live && !attempt.is_question() {
            let fault = Fault::new(
                FaultCode::CheckFailed,
                "governance is not started yet: wait for GLYPHOS READY",
            );
            return Decision {
                event: None,
                outcome: Err(fault),
            };
        }
        let served = match command {
            _ if attempt.is_question() => self.answer(command, time).map(Step::answer),
            _ => self.serve(command, time, context),
        };
        match served {
            Ok(step) => {
                if planted(Defect::ApplyEarly)
                    && let Some(body @ Body::PostMortemFiled(_)) = &step.body
                {
                    self.change_state(time, body);
                }
                Decision {
                    event: step.body.map(|body| Event { time, body }),
                    outcome: Ok(step.reply),
                }
            }
            Err(refused) => {
                let is_recorded = !attempt.is_question() && !planted(Defect::ForgetRefusal);
                let event = is_recorded.then(|| Event {
                    time,
                    body: attempt.refusal(&refused),
                });
                Decision {
                    event,
                    outcome: Err(refused.fault),
                }
            }
        }
    }

    fn serve(
        &mut self,
        command: Command<'_>,
        time: UnixSeconds,
        context: &Context,
    ) -> Result<Step, Refused> {
        self.require_policy()?;
        match command {
            Command::Guardian(request) => self.serve_guardian(request, time, context),
            Command::Approval(request) => self.serve_approval(request, time, context),
            Command::Override(request) => self.serve_override(request, time, context),
            Command::Vault(command) => self.serve_vault(command, time, context),
        }
    }

    /// Judges a record that is about to be proposed.
    fn propose_record(&self, time: UnixSeconds, body: Body, reply: Reply) -> Result<Step, Refused> {
        self.judge(time, &body)?;
        Ok(Step::record(body, reply))
    }

    /// Issues a challenge for a step that the guardian may take.
    fn issue(
        &mut self,
        time: UnixSeconds,
        context: &Context,
        subject: Subject,
        (action, id, text): (Action, &GuardianId, &str),
    ) -> Result<Step, Refused> {
        self.may(time, subject, action, id)?;
        require_text("the justification", text)?;
        let guardian = self.signer(id)?;
        let nonce = draw(context, b"challenge")?;
        if self.spent.contains(&nonce) || self.challenges.holds(&nonce) {
            return Err(repeated_entropy());
        }
        let line = self
            .message(subject, action, guardian, nonce, text)?
            .to_line();
        self.challenges.issue(Challenge {
            subject,
            guardian: id.clone(),
            action,
            nonce,
            issued_at: time,
            justification: text.into(),
        });
        Ok(Step::answer(Response::Challenge { line }))
    }

    /// The vote that a pasted signature claims to be, over the challenge that waits for it.
    fn vote(
        &self,
        time: UnixSeconds,
        subject: Subject,
        (action, id, signature): (Action, &GuardianId, &Signature),
    ) -> Result<Vote, Refused> {
        self.may(time, subject, action, id)?;
        let guardian = self.signer(id)?;
        let challenge = self
            .challenges
            .find(subject, id, action)
            .ok_or_else(|| no_challenge(subject, action, id))?;
        Ok(Vote {
            guardian_id: id.clone(),
            role: guardian.role,
            signature: SignatureBytes(signature.0.clone()),
            timestamp: time,
            justification: challenge.justification.clone(),
            challenge: challenge.nonce,
            challenged_at: challenge.issued_at,
        })
    }

    /// A new record's id.
    fn new_id(&self, context: &Context) -> Result<RecordId, Refused> {
        let id = RecordId(draw(context, b"record")?);
        if self.knows(&id) {
            return Err(repeated_entropy());
        }
        Ok(id)
    }
}

/// 128 bits for one purpose out of the context's entropy.
fn draw(context: &Context, purpose: &[u8]) -> Result<[u8; 16], Refused> {
    let entropy = context.entropy.as_ref().ok_or_else(|| {
        Refused::of(
            FaultCode::Unavailable,
            "this machine has no source of entropy, and ids and challenges need one: give it \
             RDRAND or a virtio-rng device",
        )
    })?;
    let digest: [u8; 32] = Sha256::new()
        .chain_update(b"glyphos.governance.draw.v1")
        .chain_update(purpose)
        .chain_update(entropy)
        .finalize()
        .into();
    digest.first_chunk().copied().ok_or_else(repeated_entropy)
}

fn repeated_entropy() -> Refused {
    Refused::of(
        FaultCode::CheckFailed,
        "the source of entropy gave the same bytes twice, and nothing is signed with it: attach \
         another one, such as a virtio-rng device",
    )
}

/// The one id that begins as typed.
pub(crate) fn resolve<T>(
    items: &BTreeMap<RecordId, T>,
    prefix: &RecordPrefix,
    (what, list): (&str, &str),
) -> Result<RecordId, Refused> {
    let mut matching = items
        .range(prefix.first()..)
        .map(|(id, _)| id)
        .take_while(|id| prefix.matches(id));
    match (matching.next(), matching.next()) {
        (Some(id), None) => Ok(*id),
        (Some(_), Some(_)) => Err(Refused::of(
            FaultCode::Ambiguous,
            format!(
                "{} fits more than one {what}: type more of its digits",
                prefix.as_str()
            ),
        )),
        _ => Err(Refused::of(
            FaultCode::NotFound,
            format!(
                "no {what} begins with {}: {list} shows them",
                prefix.as_str()
            ),
        )),
    }
}

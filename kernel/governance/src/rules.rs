//! The rules: whether a step may be taken, and what follows from it.
//!
//! Deciding and applying ask the same questions here, so that a record which breaks a rule is
//! refused at replay for the same reason as the attempt would have been. Nothing is changed.
//!
//! Choices that the spec leaves open:
//! - a vote counts while its guardian is active and has the key that made it; a guardian whose
//!   key was replaced can vote anew;
//! - a change of guardians, and the rejection of an override, need a strict majority of the
//!   active guardians;
//! - any active guardian may reject a request, sign an override, or review one; a revocation is
//!   for the role security;
//! - an overdue post-mortem, of a drill too, blocks the creation of overrides and the signing
//!   of pending ones; more signatures on an active one grant nothing and stay possible.

mod ballot;
mod guardians;
mod overrides;
mod requests;
mod vault;

use crate::challenge::Subject;
use crate::defect::{Defect, planted};
use crate::event::summary::short;
use crate::event::{Body, PolicyAdopted, RefusalReason, Vote};
use crate::message::{DOMAIN, Message};
use crate::policy::{CHALLENGE_SECONDS, Policy};
use crate::refused::Refused;
use crate::state::{Accepted, Governance, Guardian};
use crate::wire::is_plain;
use abi::governance::{Action, GuardianState};
use abi::limits::TEXT_BYTES_MAX;
use abi::time::UnixSeconds;
use abi::{FaultCode, GuardianId, RecordId};
use alloc::format;
use alloc::string::{String, ToString as _};

impl Governance {
    /// Whether the record `body` may follow now, with exactly what it says follows from it.
    pub(crate) fn judge(&self, time: UnixSeconds, body: &Body) -> Result<(), Refused> {
        match body {
            Body::PolicyAdopted(event) => self.judge_policy(event),
            Body::GuardianChangeProposed(event) => self.judge_change_proposed(time, event),
            Body::GuardianChangeSigned(event) => {
                let derived = self.judge_change_signed(time, event.change_id, &event.signed)?;
                same(derived == event.in_effect, "whether the change took effect")
            }
            Body::GuardianChangeExpired(event) => self.judge_change_expired(time, event.change_id),
            Body::RequestCreated(event) => self.judge_request_created(time, event),
            Body::RequestDecided(event) => {
                let derived = self.judge_decision(time, event)?;
                same(derived == event.status, "the request's status")
            }
            Body::RequestExpired(event) => self.judge_request_expired(time, event.request_id),
            Body::OverrideCreated(event) => self.judge_override_created(time, event),
            Body::OverrideSigned(event) => {
                let derived = self.judge_signing(time, event.override_id, &event.signed)?;
                same(derived == event.activation, "the activation")
            }
            Body::OverrideRejectSigned(event) => {
                let derived = self.judge_reject_vote(time, event.override_id, &event.signed)?;
                same(
                    derived == event.rejected,
                    "whether the override was rejected",
                )
            }
            Body::OverrideExpired(event) => self.judge_override_expired(time, event.override_id),
            Body::OverrideRevoked(event) => {
                let (subject, action) =
                    (Subject::Override(event.override_id), Action::RevokeOverride);
                self.judge_vote(time, subject, action, &event.signed)
            }
            Body::GrantEnded(event) => self.judge_grant_ended(time, event),
            Body::PostMortemFiled(event) => {
                let subject = Subject::Override(event.override_id);
                self.judge_vote(time, subject, Action::PostMortem, &event.signed)
            }
            Body::ReviewFiled(event) => {
                let subject = Subject::Override(event.override_id);
                self.judge_vote(time, subject, Action::Review, &event.signed)
            }
            Body::ReviewOverdue(event) => self.judge_review_overdue(time, event.override_id),
            Body::VaultPiece(event) => self.judge_vault_piece(event),
            Body::VaultChangeProposed(event) => self.judge_vault_proposed(time, event),
            Body::VaultChangeSigned(event) => {
                let derived = self.judge_vault_signed(time, event.change_id, &event.signed)?;
                same(derived == event.in_effect, "whether the vault is in force")
            }
            Body::VaultChangeExpired(event) => self.judge_vault_expired(time, event.change_id),
            // A refusal changes counters alone, and each text's form was checked on decoding.
            Body::Refusal(_) => Ok(()),
        }
    }

    pub(crate) fn judge_policy(&self, event: &PolicyAdopted) -> Result<(), Refused> {
        let Some(adopted) = &self.adopted else {
            return Ok(());
        };
        let (old, new) = (&adopted.policy, &event.policy);
        let goes_on = new.version > old.version && new.min_signatures >= old.min_signatures;
        let keeps_signed = event.signed_by.is_some() || adopted.signed_by.is_none();
        if goes_on && keeps_signed {
            return Ok(());
        }
        Err(Refused::of(
            FaultCode::CheckFailed,
            format!(
                "{} cannot follow {}, which stays in force: sign a vault with a policy of a higher \
                 version that asks for no fewer signatures",
                event.describe(),
                adopted.describe()
            ),
        ))
    }

    /// Whether `guardian` may take this step now; the signature itself is not looked at.
    pub(crate) fn may(
        &self,
        time: UnixSeconds,
        subject: Subject,
        action: Action,
        guardian: &GuardianId,
    ) -> Result<(), Refused> {
        self.require_policy()?;
        let guardian = self.signer(guardian)?;
        match (subject, action) {
            (Subject::Change(id), Action::ChangeGuardians) => {
                self.may_change_guardians(time, id, guardian)
            }
            (Subject::Vault(id), Action::ReplaceVault) => {
                self.may_replace_vault(time, id, guardian)
            }
            (Subject::Request(id), Action::ApproveRequest | Action::RejectRequest) => {
                self.may_decide(time, id, guardian)
            }
            (Subject::Override(id), Action::SignOverride) => self.may_sign(time, id, guardian),
            (Subject::Override(id), Action::RejectOverride) => {
                self.may_vote_down(time, id, guardian)
            }
            (Subject::Override(id), Action::RevokeOverride) => self.may_revoke(time, id, guardian),
            (Subject::Override(id), Action::PostMortem) => self.may_conclude(id, guardian),
            (Subject::Override(id), Action::Review) => self.may_review(id),
            (_, action) => Err(Refused::of(
                FaultCode::Usage,
                format!("`{action}` is no action here: type help to see those there are"),
            )),
        }
    }

    /// Whether the step is allowed and the vote is the guardian's own for exactly this step.
    pub(crate) fn judge_vote(
        &self,
        time: UnixSeconds,
        subject: Subject,
        action: Action,
        vote: &Vote,
    ) -> Result<(), Refused> {
        self.may(time, subject, action, &vote.guardian_id)?;
        let guardian = self.signer(&vote.guardian_id)?;
        require_text("a justification", &vote.justification)?;
        same(vote.timestamp == time, "the signature's time")?;
        same(vote.role == guardian.role, "the signer's role")?;
        let is_fresh = vote.challenged_at <= time
            && (time < vote.challenged_at.plus(CHALLENGE_SECONDS)
                || planted(Defect::KeepChallenge))
            && !self.spent.contains(&vote.challenge);
        if !is_fresh {
            return Err(no_challenge(subject, action, &guardian.id));
        }
        require_patience(time, guardian)?;
        self.verify(subject, action, guardian, vote)
    }

    fn verify(
        &self,
        subject: Subject,
        action: Action,
        guardian: &Guardian,
        vote: &Vote,
    ) -> Result<(), Refused> {
        let key = guardian.key.as_ref().ok_or_else(|| no_key(&guardian.id))?;
        let expected = key.signature_bytes();
        if vote.signature.0.len() != expected {
            return Err(Refused::signature(
                RefusalReason::Malformed,
                format!(
                    "a signature of {} has {} hex digits: paste the whole line that glyphctl sign \
                     printed",
                    guardian.id,
                    expected.saturating_mul(2),
                ),
            ));
        }
        let message = self.message(
            subject,
            action,
            guardian,
            vote.challenge,
            &vote.justification,
        )?;
        if key.verifies(&message.encode(), &vote.signature.0) || planted(Defect::TrustSignature) {
            return Ok(());
        }
        Err(Refused::signature(
            RefusalReason::Mismatch,
            format!(
                "the signature is not {}'s over the challenge issued last: sign that very line \
                 with {}'s key",
                guardian.id, guardian.id
            ),
        ))
    }

    /// The message that `guardian` signs for this step.
    pub(crate) fn message(
        &self,
        subject: Subject,
        action: Action,
        guardian: &Guardian,
        challenge: [u8; 16],
        justification: &str,
    ) -> Result<Message, Refused> {
        let key = guardian.key.as_ref().ok_or_else(|| no_key(&guardian.id))?;
        let (override_id, request_id, change_id) = match subject {
            Subject::Override(id) => (
                Some(id),
                Some(self.find_override(id)?.created.request_id),
                None,
            ),
            Subject::Request(id) => (None, Some(id), None),
            Subject::Change(id) | Subject::Vault(id) => (None, None, Some(id)),
        };
        Ok(Message {
            domain: DOMAIN.to_string(),
            epoch: self.epoch,
            policy_version: self.require_policy()?.version,
            override_id,
            request_id,
            change_id,
            challenge,
            action,
            guardian_id: guardian.id.clone(),
            role: guardian.role,
            algorithm: key.algorithm(),
            justification: justification.to_string(),
            subject: match subject {
                Subject::Override(id) => self.override_subject(id)?,
                Subject::Request(id) => self.request_subject(id)?,
                Subject::Change(id) => self.change_subject(id)?,
                Subject::Vault(id) => self.vault_subject(id)?,
            },
        })
    }

    /// The guardian, if its signature counts.
    pub(crate) fn signer(&self, id: &GuardianId) -> Result<&Guardian, Refused> {
        let guardian = self.guardian(id).ok_or_else(|| {
            Refused::of(
                FaultCode::NotFound,
                format!("there is no guardian {id}: guardian list shows them"),
            )
        })?;
        match guardian.state {
            GuardianState::Retired => Err(Refused::rule(format!(
                "guardian {id} is retired: ask another one, guardian list shows them"
            ))),
            GuardianState::Suspended => Err(Refused::rule(format!(
                "guardian {id} is suspended: give it a new key with guardian rotate {id}, which needs a \
                 quorum"
            ))),
            GuardianState::Active if guardian.key.is_none() => Err(no_key(id)),
            GuardianState::Active => Ok(guardian),
        }
    }

    /// The policy in force.
    pub(crate) fn require_policy(&self) -> Result<&Policy, Refused> {
        let adopted = self.adopted.as_ref().map(|adopted| &adopted.policy);
        adopted.ok_or_else(|| {
            Refused::of(
                FaultCode::CheckFailed,
                "no policy is in force yet: type ledger status to see why its record was not taken",
            )
        })
    }

    /// Whether this guardian has a vote among these that still counts.
    fn has_voted(&self, votes: &[Accepted], guardian: &Guardian) -> bool {
        self.counting(votes).any(|(id, _)| *id == guardian.id) && !planted(Defect::SignTwice)
    }

    /// Whether an id can name a new record.
    fn require_new(&self, id: &RecordId) -> Result<(), Refused> {
        if self.knows(id) {
            return Err(Refused::tampered(format!("the id {id} is used twice")));
        }
        Ok(())
    }
}

/// Whether enough time passed since the guardian's last failed signature.
pub(crate) fn require_patience(time: UnixSeconds, guardian: &Guardian) -> Result<(), Refused> {
    let next = guardian.next_try();
    if time < next {
        let wait = next.0.saturating_sub(time.0);
        return Err(Refused::of(
            FaultCode::TooSoon,
            format!(
                "{} failed signatures of {}: try again in {wait} s, at {next}",
                guardian.failures, guardian.id
            ),
        ));
    }
    Ok(())
}

pub(crate) fn no_key(id: &GuardianId) -> Refused {
    Refused::of(
        FaultCode::NoKey,
        format!("signing secret not configured: {id}; enrol one with guardian enrol {id}"),
    )
}

/// The word for an action of overrides as the console takes it.
pub(crate) const fn action_word(action: Action) -> &'static str {
    match action {
        Action::RejectOverride => "reject",
        other => other.name(),
    }
}

/// The refusal of a signature for which no challenge waits, with what to type.
pub(crate) fn no_challenge(subject: Subject, action: Action, guardian: &GuardianId) -> Refused {
    let next = match subject {
        Subject::Override(id) => {
            let word = action_word(action);
            format!(
                "override challenge {} {guardian} {word} \"why\"",
                short(&id)
            )
        }
        Subject::Request(id) => {
            format!(
                "request challenge {} {guardian} {action} \"why\"",
                short(&id)
            )
        }
        Subject::Change(id) => format!("guardian challenge {} {guardian} \"why\"", short(&id)),
        Subject::Vault(id) => format!("vault challenge {} {guardian} \"why\"", short(&id)),
    };
    Refused::signature(
        RefusalReason::NoChallenge,
        format!(
            "no challenge waits for {guardian} (each is used once, for 24 h, and ends with a \
             restart): type {next}, then sign its line"
        ),
    )
}

/// Whether a derived fact of a record is what the state says.
pub(crate) fn same(is_same: bool, what: &str) -> Result<(), Refused> {
    if is_same {
        Ok(())
    } else {
        Err(Refused::tampered(format!(
            "the record contradicts the state about {what}"
        )))
    }
}

/// Whether a text that must be there is plain and within the limit.
pub(crate) fn require_text(what: &str, text: &str) -> Result<(), Refused> {
    if text.trim().is_empty() {
        return Err(Refused::of(
            FaultCode::Usage,
            format!("{what} is missing: write it in quotes"),
        ));
    }
    require_plain(what, text, TEXT_BYTES_MAX)
}

/// Whether a text is plain and has at most `bytes_max` bytes.
pub(crate) fn require_plain(what: &str, text: &str, bytes_max: usize) -> Result<(), Refused> {
    if text.len() > bytes_max {
        return Err(Refused::of(
            FaultCode::OutOfRange,
            format!(
                "{what} has {} bytes, {bytes_max} at most: shorten it",
                text.len()
            ),
        ));
    }
    if is_plain(text) {
        Ok(())
    } else {
        Err(Refused::of(
            FaultCode::Usage,
            format!("{what} holds control characters: write one plain line"),
        ))
    }
}

/// Whether free pairs are within their limits, each key once.
pub(crate) fn require_metadata(pairs: &[crate::event::Pair]) -> Result<(), Refused> {
    use crate::event::{METADATA_BYTES_MAX, METADATA_PAIRS_MAX};
    let bytes: usize = pairs
        .iter()
        .map(|pair| pair.key.len().saturating_add(pair.value.len()))
        .fold(0, usize::saturating_add);
    if pairs.len() > METADATA_PAIRS_MAX || bytes > METADATA_BYTES_MAX {
        return Err(Refused::of(
            FaultCode::OutOfRange,
            format!(
                "metadata has {} pairs and {bytes} bytes, {METADATA_PAIRS_MAX} and \
                 {METADATA_BYTES_MAX} at most: leave some out",
                pairs.len()
            ),
        ));
    }
    let mut rest = pairs;
    while let Some((pair, others)) = rest.split_first() {
        require_text("a metadata key", &pair.key)?;
        require_plain("a metadata value", &pair.value, METADATA_BYTES_MAX)?;
        if others.iter().any(|other| other.key == pair.key) {
            return Err(Refused::of(
                FaultCode::Usage,
                format!(
                    "the metadata key {} is given twice: give each key once",
                    pair.key
                ),
            ));
        }
        rest = others;
    }
    Ok(())
}

/// Names for a list of roles, with the guardians that could sign for each.
pub(crate) fn role_names(governance: &Governance, roles: &[abi::governance::Role]) -> String {
    let mut text = String::new();
    for role in roles {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(role.name());
        let mut holders = governance
            .guardians
            .iter()
            .filter(|guardian| guardian.is_active() && guardian.role == *role)
            .map(|guardian| guardian.id.as_str());
        match holders.next() {
            None => text.push_str(" (no active guardian: guardian enrol)"),
            Some(first) => {
                text.push_str(" (");
                text.push_str(first);
                for holder in holders.take(3) {
                    text.push_str(" or ");
                    text.push_str(holder);
                }
                text.push(')');
            }
        }
    }
    text
}

//! Rules on emergency overrides.
//!
//! Transitions, and no others: pending to active by a quorum of distinct guardians that covers
//! ethics, security and charter without the initiator; pending to rejected by expiry or by a
//! majority; active to completed by a post-mortem; completed to reviewed by a review; active
//! or completed to review overdue by date, and from there to completed and reviewed. The end
//! of a grant is no transition: the duty stays.

use crate::challenge::Subject;
use crate::defect::{Defect, planted};
use crate::event::summary::short;
use crate::event::{Activation, GrantEnd, GrantEnded, OverrideCreated, Vote, WORD_BYTES_MAX};
use crate::policy::{OVERRIDE_ROLES, REVIEW_SECONDS, hours};
use crate::refused::Refused;
use crate::rules::{require_metadata, require_plain, require_text, same};
use crate::state::{Governance, Guardian, OVERRIDES_PENDING_MAX, Override};
use abi::governance::{Action, OverrideStatus, Role};
use abi::request::OverrideKind;
use abi::time::UnixSeconds;
use abi::{FaultCode, RecordId};
use alloc::format;
use alloc::string::String;

impl Governance {
    pub(super) fn judge_override_created(
        &self,
        time: UnixSeconds,
        event: &OverrideCreated,
    ) -> Result<(), Refused> {
        let policy = self.require_policy()?;
        self.request(event.request_id)?;
        self.require_new(&event.override_id)?;
        require_text("the justification", &event.justification)?;
        require_text("the initiator", &event.initiated_by)?;
        require_plain("the initiator", &event.initiated_by, WORD_BYTES_MAX)?;
        require_metadata(&event.metadata)?;
        self.require_post_mortems(time)?;
        let pending = self
            .overrides
            .values()
            .filter(|item| item.status == OverrideStatus::Pending)
            .count();
        if pending >= OVERRIDES_PENDING_MAX {
            return Err(Refused::of(
                FaultCode::Full,
                format!(
                    "{pending} overrides wait already: sign them, reject them or let them expire"
                ),
            ));
        }
        same(event.created_at == time, "the time of creation")?;
        same(
            event.auto_review_date == time.plus(REVIEW_SECONDS),
            "the review date",
        )?;
        same(
            event.post_mortem_required && event.auto_review_scheduled,
            "the duties",
        )?;
        same(
            event.initiator_role == self.initiator_role(&event.initiated_by),
            "the initiator",
        )?;
        same(
            event.min_signatures_required == policy.min_signatures,
            "the policy's signatures",
        )?;
        same(
            event.expires_at == policy.override_expiry(time),
            "the policy's expiry",
        )?;
        same(
            event.grant_seconds == hours(policy.grant_hours),
            "the policy's grant",
        )?;
        same(
            event.post_mortem_seconds == hours(policy.post_mortem_hours),
            "the policy's post-mortem date",
        )
    }

    /// Role of an initiator that is a guardian with a key.
    pub(crate) fn initiator_role(&self, initiated_by: &str) -> Option<Role> {
        self.guardians
            .iter()
            .find(|guardian| {
                guardian.generation > 0 && guardian.id.as_str().eq_ignore_ascii_case(initiated_by)
            })
            .map(|guardian| guardian.role)
    }

    /// Whether no post-mortem is overdue.
    fn require_post_mortems(&self, time: UnixSeconds) -> Result<(), Refused> {
        if planted(Defect::IgnoreOverdue) {
            return Ok(());
        }
        self.overdue_post_mortem(time).map_or(Ok(()), |item| {
            let id = short(&item.created.override_id);
            Err(Refused::rule(format!(
                "the post-mortem of override {id} is overdue and blocks the next override: type \
                 override challenge {id} GUARDIAN post-mortem \"report\" for a guardian who may write it"
            )))
        })
    }

    pub(super) fn may_sign(
        &self,
        time: UnixSeconds,
        id: RecordId,
        guardian: &Guardian,
    ) -> Result<(), Refused> {
        let item = self.find_override(id)?;
        match item.status {
            OverrideStatus::Pending => {
                require_unexpired(time, item)?;
                self.require_post_mortems(time)?;
            }
            OverrideStatus::Active => {}
            status => {
                return Err(Refused::rule(format!(
                    "the override is {status}, and signing is possible while it is pending or active: \
                     create another one with override create"
                )));
            }
        }
        if item.is_initiator(&guardian.id) && !planted(Defect::CountInitiator) {
            return Err(Refused::rule(format!(
                "{} initiated this override, so its signature does not count: type override challenge \
                 {} GUARDIAN sign \"why\" for another guardian; missing roles: {}",
                guardian.id,
                short(&id),
                super::role_names(self, &self.uncovered(item))
            )));
        }
        self.require_no_word(item, guardian)
    }

    pub(super) fn may_vote_down(
        &self,
        time: UnixSeconds,
        id: RecordId,
        guardian: &Guardian,
    ) -> Result<(), Refused> {
        let item = self.find_override(id)?;
        if item.status != OverrideStatus::Pending {
            return Err(Refused::rule(format!(
                "the override is {}, and only a pending one can be rejected: {}",
                item.status,
                if item.grant_in_force(time) {
                    format!(
                        "type override challenge {} GUARDIAN revoke \"why\" for a guardian of security",
                        short(&id)
                    )
                } else {
                    what_is_due(id)
                }
            )));
        }
        require_unexpired(time, item)?;
        self.require_no_word(item, guardian)
    }

    /// Whether the guardian has neither signed nor voted down: one guardian, one word.
    fn require_no_word(&self, item: &Override, guardian: &Guardian) -> Result<(), Refused> {
        for (votes, what) in [
            (&item.signatures, "signed"),
            (&item.reject_votes, "voted down"),
        ] {
            if self.has_voted(votes, guardian) {
                return Err(Refused::rule(format!(
                    "{} has {what} this override already, and counts once: ask another guardian; \
                     missing roles: {}",
                    guardian.id,
                    super::role_names(self, &self.uncovered(item))
                )));
            }
        }
        Ok(())
    }

    pub(super) fn may_revoke(
        &self,
        time: UnixSeconds,
        id: RecordId,
        guardian: &Guardian,
    ) -> Result<(), Refused> {
        let item = self.find_override(id)?;
        if !item.grant_in_force(time) {
            return Err(Refused::rule(format!(
                "the override is {} and grants nothing now, so there is nothing to revoke: {}",
                item.status,
                what_is_due(id)
            )));
        }
        if guardian.role != Role::Security {
            return Err(Refused::rule(format!(
                "revoking is for the role security, {} is {}: try {}",
                guardian.id,
                guardian.role,
                super::role_names(self, &[Role::Security])
            )));
        }
        Ok(())
    }

    pub(super) fn may_conclude(&self, id: RecordId, guardian: &Guardian) -> Result<(), Refused> {
        let item = self.find_override(id)?;
        if !item.awaits_post_mortem() {
            return Err(Refused::rule(format!(
                "the override is {}, and a post-mortem is written for an active one, once: {}",
                item.status,
                what_is_due(id)
            )));
        }
        let is_own =
            item.is_initiator(&guardian.id) || item.created.initiator_role == Some(guardian.role);
        if is_own && !planted(Defect::OwnPostMortem) {
            return Err(Refused::rule(format!(
                "{} has the role of the initiator {}: ask a guardian of another role to write the \
                 post-mortem",
                guardian.id, item.created.initiated_by
            )));
        }
        Ok(())
    }

    pub(super) fn may_review(&self, id: RecordId) -> Result<(), Refused> {
        let item = self.find_override(id)?;
        if item.awaits_review() || (planted(Defect::SkipPostMortem) && item.awaits_post_mortem()) {
            return Ok(());
        }
        if item.awaits_post_mortem() {
            let id = short(&item.created.override_id);
            return Err(Refused::rule(format!(
                "the post-mortem comes before the review: type override challenge {id} GUARDIAN \
                 post-mortem \"report\""
            )));
        }
        Err(Refused::rule(format!(
            "the override is {}, so there is nothing to review: {}",
            item.status,
            what_is_due(id)
        )))
    }

    /// Whether this signature is sound; then, what it sets in force if it completes the quorum.
    pub(crate) fn judge_signing(
        &self,
        time: UnixSeconds,
        id: RecordId,
        vote: &Vote,
    ) -> Result<Option<Activation>, Refused> {
        self.judge_vote(time, Subject::Override(id), Action::SignOverride, vote)?;
        let item = self.find_override(id)?;
        if item.status != OverrideStatus::Pending {
            return Ok(None);
        }
        let more = if planted(Defect::OneLess) { 2 } else { 1 };
        let signed = self.counting(&item.signatures).count().saturating_add(more);
        let needed = usize::try_from(item.created.min_signatures_required).unwrap_or(usize::MAX);
        let is_covered = OVERRIDE_ROLES.iter().all(|needed| {
            vote.role == *needed
                || self
                    .counting(&item.signatures)
                    .any(|(_, role)| role == *needed)
        }) || planted(Defect::SkipCoverage);
        if signed < needed || !is_covered {
            return Ok(None);
        }
        let is_real = item.created.kind == OverrideKind::Real || planted(Defect::GrantDrill);
        Ok(Some(Activation {
            grant_lapses_at: is_real.then(|| time.plus(item.created.grant_seconds)),
            approved_request_id: is_real.then_some(item.created.request_id),
            post_mortem_due_at: time.plus(item.created.post_mortem_seconds),
        }))
    }

    /// Whether this vote is sound; then, whether it rejects the override.
    pub(crate) fn judge_reject_vote(
        &self,
        time: UnixSeconds,
        id: RecordId,
        vote: &Vote,
    ) -> Result<bool, Refused> {
        self.judge_vote(time, Subject::Override(id), Action::RejectOverride, vote)?;
        let against = self
            .counting(&self.find_override(id)?.reject_votes)
            .count()
            .saturating_add(1);
        Ok(against >= usize::try_from(self.quorum()).unwrap_or(usize::MAX))
    }

    pub(super) fn judge_override_expired(
        &self,
        time: UnixSeconds,
        id: RecordId,
    ) -> Result<(), Refused> {
        let item = self.find_override(id)?;
        same(
            item.status == OverrideStatus::Pending && time >= item.created.expires_at,
            "the expiry of an override",
        )
    }

    pub(super) fn judge_grant_ended(
        &self,
        time: UnixSeconds,
        event: &GrantEnded,
    ) -> Result<(), Refused> {
        let item = self.find_override(event.override_id)?;
        let grant = item.grant.as_ref().filter(|grant| grant.ended.is_none());
        let is_due = grant.is_some_and(|grant| match event.reason {
            GrantEnd::Lapsed => time >= grant.lapses_at,
            // At replay every restart lies in the past: the record itself is the evidence.
            GrantEnd::Rebooted => time < grant.lapses_at && (grant.stale || !self.is_live),
            GrantEnd::Revoked | GrantEnd::Concluded => false,
        });
        same(is_due, "the end of a grant")
    }

    pub(super) fn judge_review_overdue(
        &self,
        time: UnixSeconds,
        id: RecordId,
    ) -> Result<(), Refused> {
        same(
            self.find_override(id)?.review_is_overdue(time),
            "an overdue review",
        )
    }

    pub(crate) fn find_override(&self, id: RecordId) -> Result<&Override, Refused> {
        self.overrides.get(&id).map(AsRef::as_ref).ok_or_else(|| {
            Refused::of(
                FaultCode::NotFound,
                format!("there is no override {id}: override list shows them"),
            )
        })
    }

    /// What a signer decides on, in one line.
    pub(super) fn override_subject(&self, id: RecordId) -> Result<String, Refused> {
        let created = &self.find_override(id)?.created;
        Ok(format!(
            "{} opened by {} for {}",
            match created.kind {
                OverrideKind::Real => "emergency override",
                OverrideKind::Drill => "drill of an override",
            },
            created.initiated_by,
            self.request_subject(created.request_id)?
        ))
    }
}

impl Override {
    /// Whether the passing of the review date is due to be recorded.
    pub(crate) fn review_is_overdue(&self, time: UnixSeconds) -> bool {
        (matches!(
            self.status,
            OverrideStatus::Active | OverrideStatus::Completed
        ) || (planted(Defect::ReviewRejected) && self.status == OverrideStatus::Rejected))
            && !self.overdue_recorded
            && time >= self.created.auto_review_date
    }
}

/// Where a person sees what can be done with an override now.
fn what_is_due(id: RecordId) -> String {
    format!("override show {} says what is due", short(&id))
}

fn require_unexpired(time: UnixSeconds, item: &Override) -> Result<(), Refused> {
    if time >= item.created.expires_at {
        return Err(Refused::rule(format!(
            "the override found no quorum until {}: create a new one",
            item.created.expires_at
        )));
    }
    Ok(())
}

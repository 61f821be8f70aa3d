//! One sentence after each step of an override: what it did, what is missing, what to type.

use crate::event::Vote;
use crate::event::summary::short;
use crate::rules::role_names;
use crate::state::{Governance, Override};
use abi::governance::{Action, OverrideStatus};
use abi::request::OverrideKind;
use abi::time::UnixSeconds;
use alloc::format;
use alloc::string::String;

/// The answer to a post-mortem that was written before.
pub(crate) fn post_mortem_done(report: &Vote) -> String {
    format!(
        "the post-mortem was done by {} ({}) at {}; nothing changed",
        report.guardian_id, report.role, report.timestamp
    )
}

impl Governance {
    /// The sentence for an override after `step`; `None` is its creation or a look at it.
    pub(crate) fn note(&self, item: &Override, step: Option<Action>, now: UnixSeconds) -> String {
        let id = short(&item.created.override_id);
        match item.status {
            OverrideStatus::Pending if step == Some(Action::RejectOverride) => format!(
                "{} of {} guardians voted to reject; the override is still pending",
                self.counting(&item.reject_votes).count(),
                self.quorum()
            ),
            OverrideStatus::Pending => self.pending_note(item, &id),
            OverrideStatus::Rejected => String::from("the override is rejected"),
            OverrideStatus::Reviewed => String::from("the override is reviewed: all is done"),
            OverrideStatus::Completed => format!(
                "the post-mortem is filed; the review is due by {}: type override challenge {id} \
                 GUARDIAN review \"text\"",
                item.created.auto_review_date
            ),
            OverrideStatus::Active | OverrideStatus::ReviewOverdue => {
                format!("{}; {}", self.grant_note(item, now), duty_note(item, &id))
            }
        }
    }

    fn pending_note(&self, item: &Override, id: &str) -> String {
        let signed = self.counting(&item.signatures).count();
        let needed = item.created.min_signatures_required;
        let roles = self.uncovered(item);
        let drill = match item.created.kind {
            OverrideKind::Real => "",
            OverrideKind::Drill => "DRILL, it will grant nothing: ",
        };
        let missing = if roles.is_empty() {
            String::from("no role is missing, one more guardian of any role")
        } else {
            format!("missing roles: {}", role_names(self, &roles))
        };
        format!(
            "{drill}{signed} of {needed} signatures; {missing}; next, until {}: type override \
             challenge {id} GUARDIAN sign \"why\"",
            item.created.expires_at
        )
    }

    fn grant_note(&self, item: &Override, now: UnixSeconds) -> String {
        let Some(grant) = &item.grant else {
            return match item.created.kind {
                OverrideKind::Drill => String::from("drill active, nothing is granted"),
                OverrideKind::Real => String::from("nothing is granted"),
            };
        };
        if self.is_live && item.grant_in_force(now) {
            return format!(
                "ACTIVE: request {} is approved, the grant lapses at {}",
                short(&item.created.request_id),
                grant.lapses_at
            );
        }
        let why = match grant.ended {
            Some(reason) => reason.name(),
            None if now >= grant.lapses_at => "lapsed",
            None => "rebooted",
        };
        format!("the grant has ended ({why}): a new one needs a new override and its quorum")
    }
}

/// What is still owed for an active override.
fn duty_note(item: &Override, id: &str) -> String {
    let overdue = match item.status {
        OverrideStatus::ReviewOverdue => "the review is overdue; ",
        _ => "",
    };
    if item.post_mortem.is_some() {
        return format!("{overdue}type override challenge {id} GUARDIAN review \"text\"");
    }
    let due = item
        .activation
        .as_ref()
        .map_or(item.created.auto_review_date, |activation| {
            activation.post_mortem_due_at
        });
    let not_role = item
        .created
        .initiator_role
        .map_or_else(String::new, |role| format!(" (not of role {role})"));
    format!(
        "{overdue}the post-mortem is due by {due}: type override challenge {id} GUARDIAN \
         post-mortem \"report\" for a guardian{not_role} other than the initiator"
    )
}

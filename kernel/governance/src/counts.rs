//! Counts of what governance holds, for metrics.

use crate::event::RefusalReason;
use crate::state::Governance;
use abi::governance::{OverrideStatus, RequestStatus};
use abi::time::UnixSeconds;
use alloc::vec::Vec;

/// Counts for metrics; all but `post_mortems_overdue` follow from the records alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Requests by status, in the order of [`RequestStatus::ALL`].
    pub requests: Vec<(RequestStatus, u64)>,
    /// Overrides by status, in the order of [`OverrideStatus::ALL`].
    pub overrides: Vec<(OverrideStatus, u64)>,
    /// Overrides that ever became active, drills left out.
    pub activations: u64,
    /// Post-mortems due and not written.
    pub post_mortems_overdue: u64,
    /// Grants in force.
    pub grants_in_force: u64,
    /// Guardians whose signature counts.
    pub active_guardians: u64,
    /// Refused attempts ever, by reason.
    pub refusals: Vec<(RefusalReason, u64)>,
}

impl Governance {
    /// Counts for metrics at `now`.
    #[must_use]
    pub fn counts(&self, now: UnixSeconds) -> Counts {
        let now = self.time_at(now);
        let overrides = || self.overrides.values();
        Counts {
            requests: by(RequestStatus::ALL, |status| {
                let requests = self.requests.values();
                requests.filter(|item| item.status == status).count()
            }),
            overrides: by(OverrideStatus::ALL, |status| {
                overrides().filter(|item| item.status == status).count()
            }),
            activations: self.activations,
            post_mortems_overdue: number(
                overrides()
                    .filter(|item| item.post_mortem_overdue(now))
                    .count(),
            ),
            grants_in_force: number(overrides().filter(|item| item.grant_in_force(now)).count()),
            active_guardians: u64::from(self.active_guardians()),
            refusals: RefusalReason::ALL
                .iter()
                .map(|reason| (*reason, self.refusals.get(reason).copied().unwrap_or(0)))
                .collect(),
        }
    }
}

/// Each value with how many there are of it.
fn by<T: Copy>(values: &[T], count: impl Fn(T) -> usize) -> Vec<(T, u64)> {
    values
        .iter()
        .map(|value| (*value, number(count(*value))))
        .collect()
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

//! What time and restarts bring about by themselves, as records to write.
//!
//! The node asks after [`start`](Governance::start), before each command, and every few
//! seconds; it records and applies each answer. What is past its time counts no more from that
//! very second on, recorded or not.

use crate::defect::{Defect, planted};
use crate::event::{
    Body, Event, GrantEnd, GrantEnded, GuardianChangeExpired, OverrideExpired, PolicyAdopted,
    RequestExpired, ReviewOverdue, VaultChangeExpired,
};
use crate::state::Governance;
use abi::Fault;
use abi::governance::OverrideStatus;
use abi::time::UnixSeconds;
use alloc::vec::Vec;

impl Governance {
    /// Records that are due at `now`, in the order to write them; each is independent of the
    /// others. Empty before [`start`](Governance::start).
    #[must_use]
    pub fn due(&self, now: UnixSeconds) -> Vec<Event> {
        if !self.is_live {
            return Vec::new();
        }
        let time = self.time_at(now);
        let mut bodies: Vec<Body> = self.policy_to_adopt().into_iter().collect();
        for (id, item) in &self.overrides {
            if let Some(grant) = item.grant.as_ref().filter(|grant| grant.ended.is_none()) {
                let reason = if time >= grant.lapses_at && !planted(Defect::KeepLapsed) {
                    Some(GrantEnd::Lapsed)
                } else {
                    grant.stale.then_some(GrantEnd::Rebooted)
                };
                if let Some(reason) = reason {
                    bodies.push(Body::GrantEnded(GrantEnded {
                        override_id: *id,
                        reason,
                    }));
                }
            }
            if item.status == OverrideStatus::Pending && time >= item.created.expires_at {
                bodies.push(Body::OverrideExpired(OverrideExpired { override_id: *id }));
            }
            if item.review_is_overdue(time) {
                bodies.push(Body::ReviewOverdue(ReviewOverdue { override_id: *id }));
            }
        }
        for id in &self.open_requests {
            let request = self.requests.get(id);
            if request.is_some_and(|request| time >= request.created.expires_at) {
                bodies.push(Body::RequestExpired(RequestExpired { request_id: *id }));
            }
        }
        for (id, change) in &self.changes {
            if change.ballot.is_due(time) {
                let expired = GuardianChangeExpired { change_id: *id };
                bodies.push(Body::GuardianChangeExpired(expired));
            }
        }
        for (id, change) in &self.vaults.changes {
            if change.ballot.is_due(time) {
                let expired = VaultChangeExpired { change_id: *id };
                bodies.push(Body::VaultChangeExpired(expired));
            }
        }
        bodies
            .into_iter()
            .map(|body| Event { time, body })
            .collect()
    }

    /// Why the policy that was offered does not follow the one in force, if so.
    #[must_use]
    pub fn offer_fault(&self) -> Option<Fault> {
        self.new_offer()
            .and_then(|offered| self.judge_policy(offered).err())
            .map(|refused| refused.fault)
    }

    fn policy_to_adopt(&self) -> Option<Body> {
        self.new_offer()
            .filter(|offered| self.judge_policy(offered).is_ok())
            .map(|offered| Body::PolicyAdopted(offered.clone()))
    }

    /// The policy that was offered, unless it is the one in force.
    fn new_offer(&self) -> Option<&PolicyAdopted> {
        let in_force = self.adopted.as_ref().map(|adopted| adopted.policy.digest);
        self.offered
            .as_deref()
            .filter(|offered| Some(offered.policy.digest) != in_force)
    }
}

//! What a node knows after its records: guardians, requests, overrides.
//!
//! Owns the state and the questions about it that every rule shares. It changes in
//! [`apply`](crate::apply) only.
//!
//! Invariants:
//! - the state is a function of the records and the epoch; waiting challenges, an offered policy and
//!   the mark of a restart are the only things in memory alone, and none grants anything;
//! - entries are shared until they change, so that a copy of the whole state is cheap;
//! - time never runs backwards: see [`Governance::time_at`].

use crate::challenge::Challenges;
use crate::defect::{Defect, planted};
use crate::event::{
    Activation, GrantEnd, OverrideCreated, PolicyAdopted, RefusalReason, RequestCreated, Vote,
};
use crate::policy::{OVERRIDE_ROLES, quorum};
use crate::signature::Key;
use crate::vault::Vaults;
use abi::governance::{GuardianChange, GuardianState, OverrideStatus, RequestStatus, Role};
use abi::time::UnixSeconds;
use abi::{GuardianId, RecordId};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Guardians that a new node proposes; none has a key.
pub const PROPOSED_GUARDIANS: [(&str, Role); 4] = [
    ("galahad", Role::Ethics),
    ("cerberus", Role::Security),
    ("codex_deus", Role::Charter),
    ("safety_monitor", Role::Safety),
];
/// Most guardians, retired ones included.
pub(crate) const GUARDIANS_MAX: usize = 64;
/// Most changes of guardians that wait for a quorum at a time.
pub(crate) const CHANGES_OPEN_MAX: usize = 64;
/// Most requests that wait for decisions at a time.
pub(crate) const REQUESTS_OPEN_MAX: usize = 256;
/// Most overrides that wait for their quorum at a time.
pub(crate) const OVERRIDES_PENDING_MAX: usize = 64;
/// Longest wait after failed signatures, in seconds.
pub(crate) const FAILURE_DELAY_SECONDS_MAX: u64 = 300;

/// A guardian, enrolled or proposed.
#[derive(Clone, Debug)]
pub(crate) struct Guardian {
    pub(crate) id: GuardianId,
    pub(crate) role: Role,
    pub(crate) state: GuardianState,
    /// Absent for a proposed and for a retired guardian.
    pub(crate) key: Option<Key>,
    /// Counts keys: a vote counts only while the key that made it is the guardian's.
    pub(crate) generation: u32,
    /// Failed signatures since the last good one.
    pub(crate) failures: u32,
    pub(crate) last_failure: UnixSeconds,
}

impl Guardian {
    pub(crate) fn is_active(&self) -> bool {
        self.state == GuardianState::Active && self.key.is_some()
    }

    /// Earliest time of the next try: 2, 4, 8 ... 300 seconds after the last failure.
    pub(crate) fn next_try(&self) -> UnixSeconds {
        if self.failures == 0 {
            return UnixSeconds(0);
        }
        let delay = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        self.last_failure.plus(delay.min(FAILURE_DELAY_SECONDS_MAX))
    }
}

/// A vote with the generation of the key that made it.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) vote: Vote,
    pub(crate) generation: u32,
}

/// Where a ballot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BallotStatus {
    Open,
    InEffect,
    Expired,
}

/// The signatures on a change that a strict majority of the active guardians has to sign.
#[derive(Clone, Debug)]
pub(crate) struct Ballot {
    pub(crate) expires_at: UnixSeconds,
    pub(crate) status: BallotStatus,
    pub(crate) signatures: Vec<Accepted>,
}

impl Ballot {
    pub(crate) const fn new(expires_at: UnixSeconds) -> Self {
        Ballot {
            expires_at,
            status: BallotStatus::Open,
            signatures: Vec::new(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.status == BallotStatus::Open
    }

    /// Whether its time has passed, and no record says so yet.
    pub(crate) fn is_due(&self, time: UnixSeconds) -> bool {
        self.is_open() && time >= self.expires_at
    }

    /// Ids of those who signed, in order.
    pub(crate) fn signers(&self) -> Vec<GuardianId> {
        self.signatures
            .iter()
            .map(|accepted| accepted.vote.guardian_id.clone())
            .collect()
    }
}

/// A proposed change of guardians.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) number: u64,
    pub(crate) change: GuardianChange,
    pub(crate) guardian: GuardianId,
    pub(crate) role: Option<Role>,
    /// Gone once the change is no longer open.
    pub(crate) key: Option<Key>,
    pub(crate) ballot: Ballot,
}

/// A request for approval.
#[derive(Clone, Debug)]
pub(crate) struct Approval {
    pub(crate) number: u64,
    pub(crate) created: Arc<RequestCreated>,
    pub(crate) created_at: UnixSeconds,
    pub(crate) status: RequestStatus,
    pub(crate) approvals: Vec<Accepted>,
    pub(crate) rejections: Vec<Accepted>,
}

impl Approval {
    pub(crate) const fn is_open(&self) -> bool {
        matches!(
            self.status,
            RequestStatus::Pending | RequestStatus::Escalated
        )
    }
}

/// What an active override grants.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) lapses_at: UnixSeconds,
    pub(crate) ended: Option<GrantEnd>,
    /// Given before the last restart: not in force, though no record says so yet.
    pub(crate) stale: bool,
}

/// An emergency override.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    pub(crate) number: u64,
    pub(crate) created: Arc<OverrideCreated>,
    pub(crate) status: OverrideStatus,
    pub(crate) signatures: Vec<Accepted>,
    pub(crate) reject_votes: Vec<Accepted>,
    pub(crate) activation: Option<Activation>,
    pub(crate) grant: Option<Grant>,
    pub(crate) post_mortem: Option<Vote>,
    pub(crate) review: Option<Vote>,
    /// Whether the passing of the review date is recorded.
    pub(crate) overdue_recorded: bool,
    pub(crate) consequences: Vec<String>,
}

impl Override {
    pub(crate) fn is_initiator(&self, id: &GuardianId) -> bool {
        self.created.initiated_by.eq_ignore_ascii_case(id.as_str())
    }

    pub(crate) fn grant_in_force(&self, now: UnixSeconds) -> bool {
        self.status == OverrideStatus::Active
            && self.grant.as_ref().is_some_and(|grant| {
                grant.ended.is_none()
                    && !grant.stale
                    && (now < grant.lapses_at || planted(Defect::KeepLapsed))
            })
    }

    pub(crate) fn post_mortem_overdue(&self, now: UnixSeconds) -> bool {
        self.post_mortem.is_none()
            && self
                .activation
                .as_ref()
                .is_some_and(|activation| activation.post_mortem_due_at <= now)
    }

    /// Whether the post-mortem can be written now, as far as the override goes.
    pub(crate) const fn awaits_post_mortem(&self) -> bool {
        matches!(
            self.status,
            OverrideStatus::Active | OverrideStatus::ReviewOverdue
        ) && self.post_mortem.is_none()
    }

    /// Whether the review can be written now, as far as the override goes.
    pub(crate) const fn awaits_review(&self) -> bool {
        matches!(
            self.status,
            OverrideStatus::Completed | OverrideStatus::ReviewOverdue
        ) && self.post_mortem.is_some()
            && self.review.is_none()
    }
}

/// The state machine of governance: see the crate's documentation for the way through it.
#[derive(Clone)]
pub struct Governance {
    pub(crate) epoch: [u8; 16],
    /// Whether the records were replayed and the node started.
    pub(crate) is_live: bool,
    pub(crate) last_time: UnixSeconds,
    pub(crate) last_seq: Option<u64>,
    /// The policy in force, and whose it is.
    pub(crate) adopted: Option<Arc<PolicyAdopted>>,
    /// A policy that is recorded when it is due; in memory alone.
    pub(crate) offered: Option<Arc<PolicyAdopted>>,
    pub(crate) guardians: Vec<Guardian>,
    pub(crate) changes: BTreeMap<RecordId, Arc<Change>>,
    pub(crate) requests: BTreeMap<RecordId, Arc<Approval>>,
    /// Those of them that are open: few, where `requests` grows with the ledger.
    pub(crate) open_requests: BTreeSet<RecordId>,
    pub(crate) overrides: BTreeMap<RecordId, Arc<Override>>,
    /// Challenges that accepted votes used up.
    pub(crate) spent: BTreeSet<[u8; 16]>,
    /// Identities of all keys that were ever in use.
    pub(crate) used_keys: BTreeSet<[u8; 32]>,
    /// The vault: archives kept, changes proposed, what is in force.
    pub(crate) vaults: Vaults,
    pub(crate) challenges: Challenges,
    pub(crate) refusals: BTreeMap<RefusalReason, u64>,
    pub(crate) activations: u64,
    /// Numbers changes, requests and overrides in the order of their records.
    pub(crate) created: u64,
}

impl Governance {
    /// The state before the first record of a ledger with this epoch.
    ///
    /// Apply every record, then call [`start`](Self::start).
    #[must_use]
    pub fn new(epoch: [u8; 16]) -> Self {
        let guardians = PROPOSED_GUARDIANS
            .iter()
            .filter_map(|(id, role)| {
                Some(Guardian {
                    id: GuardianId::new(id).ok()?,
                    role: *role,
                    state: GuardianState::Active,
                    key: None,
                    generation: 0,
                    failures: 0,
                    last_failure: UnixSeconds(0),
                })
            })
            .collect();
        Governance {
            epoch,
            is_live: false,
            last_time: UnixSeconds(0),
            last_seq: None,
            adopted: None,
            offered: None,
            guardians,
            changes: BTreeMap::new(),
            requests: BTreeMap::new(),
            open_requests: BTreeSet::new(),
            overrides: BTreeMap::new(),
            spent: BTreeSet::new(),
            used_keys: BTreeSet::new(),
            vaults: Vaults::default(),
            challenges: Challenges::default(),
            refusals: BTreeMap::new(),
            activations: 0,
            created: 0,
        }
    }

    /// Ends the replay: decisions are possible, and no grant of before the start is in force,
    /// even if the record that says so cannot be written.
    pub fn start(&mut self) {
        self.is_live = true;
        self.challenges.clear();
        for item in self.overrides.values_mut() {
            if let Some(grant) = &mut Arc::make_mut(item).grant {
                grant.stale = !planted(Defect::KeepRebooted);
            }
        }
    }

    /// The policy in force, and whose it is.
    #[must_use]
    pub fn policy_in_force(&self) -> Option<&PolicyAdopted> {
        self.adopted.as_deref()
    }

    /// Offers a policy in place of any offered before: [`due`](Self::due) records it if it may
    /// follow the one in force. Until then, and if it may not, that one stays.
    pub fn offer(&mut self, policy: PolicyAdopted) {
        self.offered = Some(Arc::new(policy));
    }

    /// Time of the newest record.
    #[must_use]
    pub const fn last_time(&self) -> UnixSeconds {
        self.last_time
    }

    /// The time that counts when the clock says `now`: never before the newest record.
    #[must_use]
    pub fn time_at(&self, now: UnixSeconds) -> UnixSeconds {
        now.max(self.last_time)
    }

    /// Whether an override of this request is in force at `now`.
    #[must_use]
    pub fn is_granted(&self, request: &RecordId, now: UnixSeconds) -> bool {
        let now = self.time_at(now);
        self.is_live
            && self
                .overrides
                .values()
                .any(|item| item.created.request_id == *request && item.grant_in_force(now))
    }

    /// Failed signatures of this guardian since its last good one; 0 if there is no such guardian.
    #[must_use]
    pub fn failures_of(&self, id: &GuardianId) -> u32 {
        self.guardian(id).map_or(0, |guardian| guardian.failures)
    }

    pub(crate) fn guardian(&self, id: &GuardianId) -> Option<&Guardian> {
        self.guardians.iter().find(|guardian| guardian.id == *id)
    }

    pub(crate) fn active_guardians(&self) -> u32 {
        let count = self
            .guardians
            .iter()
            .filter(|guardian| guardian.is_active())
            .count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Votes that a change of guardians, or the rejection of an override, needs now.
    pub(crate) fn quorum(&self) -> u32 {
        quorum(self.active_guardians())
    }

    pub(crate) fn has_active(&self, role: Role) -> bool {
        self.guardians
            .iter()
            .any(|guardian| guardian.is_active() && guardian.role == role)
    }

    /// Whether an accepted vote still counts: its guardian is active and has the same key.
    pub(crate) fn still_counts(&self, accepted: &Accepted) -> bool {
        self.guardian(&accepted.vote.guardian_id)
            .is_some_and(|guardian| {
                (guardian.is_active() || planted(Defect::CountSuspended))
                    && (guardian.generation == accepted.generation || planted(Defect::CountOldKey))
            })
    }

    /// Distinct guardians behind the votes that still count, with their roles.
    pub(crate) fn counting<'a>(
        &'a self,
        votes: &'a [Accepted],
    ) -> impl Iterator<Item = (&'a GuardianId, Role)> {
        votes
            .iter()
            .filter(|accepted| self.still_counts(accepted))
            .map(|accepted| (&accepted.vote.guardian_id, accepted.vote.role))
    }

    /// Roles of ethics, security and charter that no counting signature covers.
    pub(crate) fn uncovered(&self, item: &Override) -> Vec<Role> {
        OVERRIDE_ROLES
            .into_iter()
            .filter(|needed| {
                !self
                    .counting(&item.signatures)
                    .any(|(_, role)| role == *needed)
            })
            .collect()
    }

    /// The override whose post-mortem is overdue the longest.
    pub(crate) fn overdue_post_mortem(&self, now: UnixSeconds) -> Option<&Override> {
        self.overrides
            .values()
            .filter(|item| item.post_mortem_overdue(now))
            .min_by_key(|item| item.number)
            .map(AsRef::as_ref)
    }

    /// Whether any record has this id.
    pub(crate) fn knows(&self, id: &RecordId) -> bool {
        self.changes.contains_key(id)
            || self.requests.contains_key(id)
            || self.overrides.contains_key(id)
            || self.vaults.changes.contains_key(id)
    }
}

impl core::fmt::Debug for Governance {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Governance")
            .field("last_seq", &self.last_seq)
            .field("guardians", &self.guardians.len())
            .field("requests", &self.requests.len())
            .field("overrides", &self.overrides.len())
            .finish_non_exhaustive()
    }
}

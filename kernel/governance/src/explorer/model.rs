//! What the walker believes, from the steps alone: a second opinion on every rule.

use super::fingerprint::person;
use super::{GUARDIANS, MOMENTS, World};
use crate::simulated::{HOUR, check_open_requests};
use crate::state::Accepted;
use abi::governance::{Action, OverrideStatus, RequestStatus, Role};
use abi::request::OverrideKind;
use std::collections::BTreeSet;
use std::vec::Vec;

/// Roles of the explored guardians.
pub(super) const ROLES: [Role; 4] = [Role::Ethics, Role::Security, Role::Charter, Role::Ethics];
const DAY: u64 = 24 * HOUR;

/// A set of votes: one bit for each guardian and each of its keys.
pub(super) type Votes = u32;

/// The vote of a guardian with the key of this generation.
const fn vote(who: usize, generation: u8) -> Votes {
    1 << (who * 4 + generation as usize)
}

/// Every vote that a guardian can have given.
const fn votes_of(who: usize) -> Votes {
    0xf << (who * 4)
}

/// A guardian as believed.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Person {
    pub(super) generation: u8,
    pub(super) is_suspended: bool,
    /// The moment of a failed signature: no try counts before the next moment.
    pub(super) failed_at: Option<usize>,
}

/// An override as believed.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Item {
    pub(super) kind: OverrideKind,
    pub(super) initiator: Option<usize>,
    pub(super) created: u64,
    pub(super) status: OverrideStatus,
    pub(super) signed: Votes,
    pub(super) against: Votes,
    pub(super) active_since: Option<u64>,
    pub(super) is_granting: bool,
    pub(super) post_mortem: Option<usize>,
    pub(super) was_overdue: bool,
}

/// The walker's belief.
#[derive(Clone, PartialEq)]
pub(super) struct Model {
    /// Signatures that the policy asks for.
    signatures: u32,
    pub(super) people: [Person; 4],
    pub(super) items: Vec<Item>,
    pub(super) request: RequestStatus,
    pub(super) approvals: Votes,
    pub(super) rejections: Votes,
    pub(super) is_overridden: bool,
}

impl Item {
    pub(super) fn new(kind: OverrideKind, initiator: Option<usize>, created: u64) -> Self {
        Item {
            kind,
            initiator,
            created,
            status: OverrideStatus::Pending,
            signed: 0,
            against: 0,
            active_since: None,
            is_granting: false,
            post_mortem: None,
            was_overdue: false,
        }
    }
}

impl Model {
    pub(super) fn new(signatures: u32) -> Self {
        Model {
            signatures,
            people: [Person::default(); 4],
            items: Vec::new(),
            request: RequestStatus::Pending,
            approvals: 0,
            rejections: 0,
            is_overridden: false,
        }
    }
}

impl Model {
    /// Those of the votes that count: of guardians that are active, with the key they have now.
    fn counting(&self, votes: Votes) -> Votes {
        (0..4)
            .filter(|who| !self.people[*who].is_suspended)
            .fold(0, |all, who| all | votes & self.vote_of(who))
    }

    fn has_vote(&self, votes: Votes, who: usize) -> bool {
        self.counting(votes) & votes_of(who) != 0
    }

    fn covers(&self, votes: Votes, role: Role) -> bool {
        (0..4).any(|who| ROLES[who] == role && self.has_vote(votes, who))
    }

    fn covers_all(&self, votes: Votes) -> bool {
        [Role::Ethics, Role::Security, Role::Charter]
            .into_iter()
            .all(|role| self.covers(votes, role))
    }

    fn active_people(&self) -> usize {
        self.people
            .iter()
            .filter(|person| !person.is_suspended)
            .count()
    }

    fn vote_of(&self, who: usize) -> Votes {
        vote(who, self.people[who].generation)
    }

    /// Whether a good signature of this guardian would be taken at all now.
    fn can_act(&self, who: usize, moment: usize) -> bool {
        let person = self.people[who];
        !person.is_suspended && person.failed_at != Some(moment)
    }

    fn overdue(&self, now: u64) -> bool {
        self.items.iter().any(|item| {
            item.post_mortem.is_none()
                && item
                    .active_since
                    .is_some_and(|since| since + 72 * HOUR <= now)
        })
    }

    /// Property 6.
    pub(super) fn may_create(&self, moment: usize) -> bool {
        !self.overdue(MOMENTS[moment])
    }

    /// Whether this step with a good signature is expected to be taken.
    pub(super) fn may(&self, place: usize, who: usize, action: Action, moment: usize) -> bool {
        let item = &self.items[place];
        let now = MOMENTS[moment];
        let is_pending = item.status == OverrideStatus::Pending;
        let spoke = self.has_vote(item.signed | item.against, who);
        self.can_act(who, moment)
            && match action {
                Action::SignOverride => {
                    item.initiator != Some(who)
                        && !spoke
                        && (item.status == OverrideStatus::Active
                            || is_pending && !self.overdue(now))
                }
                Action::RejectOverride => is_pending && !spoke,
                Action::RevokeOverride => item.is_granting && ROLES[who] == Role::Security,
                Action::PostMortem => {
                    item.post_mortem.is_none()
                        && matches!(
                            item.status,
                            OverrideStatus::Active | OverrideStatus::ReviewOverdue
                        )
                        && item
                            .initiator
                            .is_none_or(|other| ROLES[other] != ROLES[who])
                }
                Action::Review => {
                    item.post_mortem.is_some()
                        && matches!(
                            item.status,
                            OverrideStatus::Completed | OverrideStatus::ReviewOverdue
                        )
                }
                _ => false,
            }
    }

    pub(super) fn may_decide(&self, who: usize, moment: usize) -> bool {
        self.can_act(who, moment)
            && matches!(
                self.request,
                RequestStatus::Pending | RequestStatus::Escalated
            )
            && !self.has_vote(self.approvals | self.rejections, who)
    }

    /// Believes what an accepted step brings about.
    pub(super) fn took(&mut self, place: usize, who: usize, action: Action, moment: usize) {
        self.people[who].failed_at = None;
        let vote = self.vote_of(who);
        let needed = self.active_people() / 2 + 1;
        let mut item = self.items[place];
        match action {
            Action::SignOverride => {
                item.signed |= vote;
                if item.status == OverrideStatus::Pending
                    && self.counting(item.signed).count_ones() >= self.signatures
                    && self.covers_all(item.signed)
                {
                    item.status = OverrideStatus::Active;
                    item.active_since = Some(MOMENTS[moment]);
                    item.is_granting = item.kind == OverrideKind::Real;
                    if item.is_granting {
                        self.request = RequestStatus::Approved;
                        self.is_overridden = true;
                    }
                }
            }
            Action::RejectOverride => {
                item.against |= vote;
                if self.counting(item.against).count_ones() as usize >= needed {
                    item.status = OverrideStatus::Rejected;
                }
            }
            Action::RevokeOverride => item.is_granting = false,
            Action::PostMortem => {
                item.post_mortem = Some(who);
                item.is_granting = false;
                item.status = OverrideStatus::Completed;
            }
            Action::Review => item.status = OverrideStatus::Reviewed,
            _ => {}
        }
        self.items[place] = item;
    }

    pub(super) fn decided(&mut self, who: usize, approves: bool) {
        self.people[who].failed_at = None;
        let vote = self.vote_of(who);
        if !approves {
            self.rejections |= vote;
            self.request = RequestStatus::Rejected;
            return;
        }
        self.approvals |= vote;
        if self.covers_all(self.approvals) {
            self.request = RequestStatus::Approved;
        }
    }

    /// Believes that the clock has come to this moment.
    pub(super) fn came_to(&mut self, moment: usize) {
        let now = MOMENTS[moment];
        for item in &mut self.items {
            if item.status == OverrideStatus::Pending && now >= item.created + DAY {
                item.status = OverrideStatus::Rejected;
            }
            if item.active_since.is_some_and(|since| now >= since + DAY) {
                item.is_granting = false;
            }
            if matches!(
                item.status,
                OverrideStatus::Active | OverrideStatus::Completed
            ) && !item.was_overdue
                && now >= item.created + 30 * DAY
            {
                item.status = OverrideStatus::ReviewOverdue;
                item.was_overdue = true;
            }
        }
        let is_open = matches!(
            self.request,
            RequestStatus::Pending | RequestStatus::Escalated
        );
        if is_open && now >= 72 * HOUR {
            self.request = RequestStatus::Expired;
        }
    }

    pub(super) fn restarted(&mut self) {
        self.items
            .iter_mut()
            .for_each(|item| item.is_granting = false);
    }

    /// Believes a change of one guardian.
    pub(super) fn changed(&mut self, who: usize, change: impl FnOnce(&mut Person)) {
        change(&mut self.people[who]);
        let is_held = |role| (0..4).any(|who| ROLES[who] == role && !self.people[who].is_suspended);
        let all_held = ROLES.into_iter().all(is_held);
        if matches!(
            self.request,
            RequestStatus::Pending | RequestStatus::Escalated
        ) {
            self.request = if all_held {
                RequestStatus::Pending
            } else {
                RequestStatus::Escalated
            };
        }
    }

    /// Compares belief and machine: properties 1, 2, 3, 5, 11, 12.
    pub(super) fn check_state(&self, world: &World) {
        let governance = &world.governance;
        check_open_requests(governance);
        let now = world.now();
        for (item, id) in self.items.iter().zip(&world.overrides) {
            let actual = &governance.overrides[id];
            assert!(
                item.kind == OverrideKind::Real || actual.grant.is_none(),
                "property 3: a drill grants nothing"
            );
            assert_eq!(actual.status, item.status, "properties 1 and 4: the status");
            let in_force = governance.is_live && actual.grant_in_force(now);
            assert_eq!(in_force, item.is_granting, "property 2: the grant");
            let signers = |votes: &[Accepted]| {
                let (mut seen, mut all) = (0_u64, 0_u32);
                for (id, _) in governance.counting(votes) {
                    seen |= 1 << person(id.as_str());
                    all += 1;
                }
                assert_eq!(all, seen.count_ones(), "property 12: nobody counts twice");
                all
            };
            assert_eq!(
                signers(&actual.signatures),
                self.counting(item.signed).count_ones(),
                "property 7: what counts"
            );
            signers(&actual.reject_votes);
            let author = actual
                .post_mortem
                .as_ref()
                .map(|vote| vote.guardian_id.as_str());
            assert_eq!(
                author,
                item.post_mortem.map(|who| GUARDIANS[who]),
                "property 5"
            );
            if matches!(
                item.status,
                OverrideStatus::Completed | OverrideStatus::Reviewed
            ) {
                let author = item
                    .post_mortem
                    .expect("property 5: no end without a post-mortem");
                assert!(
                    item.initiator
                        .is_none_or(|other| ROLES[other] != ROLES[author]),
                    "property 5: by another role"
                );
            }
        }
        let is_granted = self.items.iter().any(|item| item.is_granting);
        assert_eq!(
            governance.is_granted(&world.request, now),
            is_granted,
            "property 2"
        );
        let request = &governance.requests[&world.request];
        assert_eq!(
            request.status, self.request,
            "property 11: the request's status"
        );
        if self.request == RequestStatus::Approved && !self.is_overridden {
            assert!(
                self.approvals.count_ones() >= 3,
                "property 11: each role approved"
            );
        }
    }

    /// Property 13: every vote used up a challenge of its own, and none that was used waits.
    pub(super) fn check_challenges(world: &World) {
        let governance = &world.governance;
        let request = &governance.requests[&world.request];
        let mut votes = 0;
        let mut used = BTreeSet::new();
        let overrides = world.overrides.iter().map(|id| &governance.overrides[id]);
        let lists = overrides
            .clone()
            .flat_map(|item| [&item.signatures, &item.reject_votes])
            .chain([&request.approvals, &request.rejections]);
        let single = overrides.flat_map(|item| item.post_mortem.iter().chain(&item.review));
        for vote in lists.flatten().map(|accepted| &accepted.vote).chain(single) {
            votes += 1;
            used.insert(vote.challenge);
        }
        assert_eq!(used.len(), votes, "property 13: one challenge, one vote");
        assert!(
            used.iter().all(|challenge| {
                governance.spent.contains(challenge) && !governance.challenges.holds(challenge)
            }),
            "property 13: a used challenge is used up"
        );
    }

    /// Compares an edge with the transitions of the spec: property 4.
    pub(super) fn check_edge(before: &World, after: &World) {
        use OverrideStatus::{Active, Completed, Pending, Rejected, ReviewOverdue, Reviewed};
        for id in &before.overrides {
            let from = before.governance.overrides[id].status;
            let to = after.governance.overrides[id].status;
            let is_allowed = from == to
                || matches!(
                    (from, to),
                    (Pending, Active | Rejected)
                        | (Active, Completed | ReviewOverdue)
                        | (Completed, Reviewed | ReviewOverdue)
                        | (ReviewOverdue, Completed | Reviewed)
                );
            assert!(is_allowed, "property 4: {from} to {to}");
        }
    }
}

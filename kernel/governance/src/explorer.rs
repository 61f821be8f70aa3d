//! Walks every state that a few guardians and a few overrides can reach, breadth first.
//!
//! The walker drives the machine that ships, through commands, records and restarts, and keeps
//! a model of its own beside it (who signed, when a grant began and ended), made of the steps
//! alone. In each state and on each edge it checks:
//!
//! 1. an override becomes active exactly when three distinct guardians, active and with the key
//!    that they signed with, cover ethics, security and charter without the initiator;
//! 2. a grant is in force exactly while a real override is active, its 24 hours are not over, it
//!    was not revoked, no restart came between, and no post-mortem was written;
//! 3. a drill never grants and never approves;
//! 4. statuses change along the transitions of the spec and no others;
//! 5. a post-mortem is never skipped, and never written by the initiator or its role;
//! 6. an overdue post-mortem stops the creation of overrides and the signing of pending ones;
//! 7. no replayed, forged, replaced, outdated signature, nor one from before a restart or with an
//!    old key, is ever accepted;
//! 8. a refused attempt gives a record and changes nothing but the failure count;
//! 9. deciding alone changes nothing: each change has its record;
//! 10. a restart finds the same state, less the grants;
//! 11. a request is approved exactly by counting approvals of all its roles or by an activated
//!     real override;
//! 12. nobody counts twice for an override, and a second post-mortem changes nothing.
//!
//! Identical states are merged by a fingerprint of all that the future depends on. Ids,
//! challenges and signatures are left out of it: their values carry no meaning.

use crate::event::{Body, Refusal};
use crate::simulated::{EPOCH, HOUR, Node, Secret, id};
use crate::state::Accepted;
use crate::{Command, Context, Event, Governance, Policy};
use abi::governance::{Algorithm, Impact};
use abi::request::{OverrideKind, Signature};
use abi::time::UnixSeconds;
use abi::{Fault, RecordId, Response};
use campaign::{Campaign, Size};
use std::collections::HashSet;
use std::rc::Rc;
use std::vec::Vec;

mod model;
mod steps;

use model::Model;
use steps::{Held, Scope, Step};

/// Guardians of the explored world: two of ethics, one of them the initiator.
const GUARDIANS: [&str; 4] = ["galahad", "cerberus", "codex_deus", "percival"];
/// The moments that the clock stops at, in seconds after the start.
const MOMENTS: [u64; 5] = [0, 23 * HOUR, 25 * HOUR, 100 * HOUR, 31 * 24 * HOUR];

/// The records so far, shared between the states that follow from them.
struct Link {
    event: Event,
    before: Option<Rc<Link>>,
}

/// One state of the world.
#[derive(Clone)]
struct World {
    governance: Governance,
    model: Model,
    secrets: Rc<[Secret; 4]>,
    /// Explored overrides, oldest first.
    overrides: Vec<RecordId>,
    /// Each guardian's last accepted signature on an override.
    used: [Option<Signature>; 4],
    held: Option<Held>,
    has_forged: bool,
    scope: Scope,
    request: RecordId,
    moment: usize,
    start: UnixSeconds,
    records: Option<Rc<Link>>,
    seq: u64,
    entropy: u64,
}

impl World {
    fn first(scope: Scope) -> Self {
        let mut node = Node::empty();
        for (name, role) in GUARDIANS.into_iter().zip(model::ROLES) {
            node.enrol(name, role, Algorithm::HmacSha256);
        }
        let request = node.request(Impact::High);
        let mut world = World {
            secrets: Rc::new(GUARDIANS.map(|name| node.secrets[&id(name)].clone())),
            used: [const { None }; 4],
            held: None,
            has_forged: false,
            scope,
            model: Model::default(),
            overrides: Vec::new(),
            request,
            moment: 0,
            start: node.now,
            records: None,
            seq: node.records.len() as u64,
            entropy: 1 << 32,
            governance: node.governance,
        };
        for bytes in &node.records {
            world.records = Some(Rc::new(Link {
                event: Event::decode(bytes).unwrap(),
                before: world.records,
            }));
        }
        world
    }

    fn now(&self) -> UnixSeconds {
        self.start.plus(MOMENTS[self.moment])
    }

    fn record(&mut self, event: Event) {
        self.governance
            .apply(self.seq, &event)
            .expect("what was decided applies");
        self.seq = self.seq.wrapping_add(1);
        self.records = Some(Rc::new(Link {
            event,
            before: self.records.take(),
        }));
    }

    fn record_due(&mut self) {
        for event in self.governance.due(self.now()) {
            self.record(event);
        }
    }

    /// One command; properties 8 and 9 are checked here.
    fn run(&mut self, command: Command<'_>) -> Result<Response, Fault> {
        self.entropy = self.entropy.wrapping_add(1);
        let mut entropy = [0x5a; 32];
        entropy[..8].copy_from_slice(&self.entropy.to_le_bytes());
        let before = fingerprint(self);
        let now = self.now();
        let decision = self.governance.decide(
            command,
            &Context {
                now,
                entropy: Some(entropy),
            },
        );
        assert_eq!(
            fingerprint(self),
            before,
            "property 9: deciding changes nothing"
        );
        if let Some(event) = decision.event {
            let is_refusal = matches!(event.body, Body::Refusal(_));
            assert_eq!(
                is_refusal,
                decision.outcome.is_err(),
                "property 8: refusals are recorded"
            );
            let failed = matches!(&event.body, Body::Refusal(Refusal { reason, .. })
                if reason.is_failed_signature());
            self.record(event);
            if is_refusal && !failed {
                assert_eq!(
                    fingerprint(self),
                    before,
                    "property 8: a refusal changes nothing"
                );
            }
        }
        decision
            .outcome
            .map(|reply| self.governance.reply(reply, now))
    }

    /// A restart: all is rebuilt from the records. Property 10.
    fn restart(&mut self) {
        let mut events = Vec::new();
        let mut link = self.records.as_ref();
        while let Some(here) = link {
            events.push(&here.event);
            link = here.before.as_ref();
        }
        let mut governance = Governance::new(Policy::built_in().unwrap(), EPOCH);
        for (seq, event) in events.into_iter().rev().enumerate() {
            governance
                .apply(seq as u64, event)
                .expect("property 10: every record replays");
        }
        let before = fingerprint(self);
        let live = std::mem::replace(&mut self.governance, governance);
        self.governance.is_live = live.is_live;
        assert_eq!(
            fingerprint(self),
            before,
            "property 10: a replay finds the same state"
        );
        self.governance.start();
        self.record_due();
    }
}

/// Two 64-bit mixes side by side: collisions among 10^8 states are out of reach.
struct Mix(u64, u64);

impl Mix {
    fn add(&mut self, value: u64) {
        self.0 = (self.0 ^ value)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
        self.1 = (self.1.wrapping_add(value)).wrapping_mul(0xc2b2_ae3d_27d4_eb4f) ^ (self.1 >> 31);
    }

    /// A set of votes, in whatever order they came.
    fn add_votes(&mut self, votes: &[Accepted]) {
        let mut set: Vec<u64> = votes
            .iter()
            .map(|accepted| {
                person(accepted.vote.guardian_id.as_str()) << 32 | u64::from(accepted.generation)
            })
            .collect();
        set.sort_unstable();
        self.add(set.len() as u64);
        set.into_iter().for_each(|vote| self.add(vote));
    }
}

fn person(name: &str) -> u64 {
    GUARDIANS
        .iter()
        .position(|other| *other == name)
        .map_or(99, |place| place as u64)
}

/// All that the future depends on, hashed.
fn fingerprint(world: &World) -> (u64, u64) {
    let governance = &world.governance;
    let mut mix = Mix(0x5851_f42d_4c95_7f2d, 0x1405_7b7e_f767_814f);
    mix.add(world.moment as u64);
    for guardian in &governance.guardians {
        mix.add(u64::from(guardian.state.number()) << 8 | u64::from(guardian.key.is_some()));
        mix.add(u64::from(guardian.generation) << 32 | u64::from(guardian.failures));
        mix.add(if guardian.failures == 0 {
            0
        } else {
            guardian.last_failure.0
        });
    }
    let request = &governance.requests[&world.request];
    mix.add(u64::from(request.status.number()));
    mix.add_votes(&request.approvals);
    mix.add_votes(&request.rejections);
    for id in &world.overrides {
        let item = &governance.overrides[id];
        mix.add(u64::from(item.status.number()) << 8 | u64::from(item.overdue_recorded));
        mix.add(
            item.created.created_at.0 << 1 | u64::from(item.created.kind == OverrideKind::Real),
        );
        mix.add(
            item.activation
                .as_ref()
                .map_or(0, |activation| activation.post_mortem_due_at.0),
        );
        mix.add_votes(&item.signatures);
        mix.add_votes(&item.reject_votes);
        if let Some(grant) = &item.grant {
            mix.add(grant.lapses_at.0);
            mix.add(
                grant.ended.map_or(0, |end| 1 + end as u64) << 1
                    | u64::from(grant.stale && grant.ended.is_none()),
            );
        }
        for vote in [&item.post_mortem, &item.review].into_iter().flatten() {
            mix.add(77 + person(vote.guardian_id.as_str()));
        }
    }
    for used in &world.used {
        mix.add(u64::from(used.is_some()));
    }
    mix.add(u64::from(world.has_forged));
    mix.add(world.held.as_ref().map_or(0, Held::number));
    (mix.0, mix.1)
}

/// Walks until the number of known states is enough or none is new: states, edges, and whether
/// all were found.
fn explore(scope: Scope, is_enough: impl Fn(usize) -> bool) -> (usize, usize, bool) {
    let first = World::first(scope);
    let mut known = HashSet::from([fingerprint(&first)]);
    let mut frontier = std::vec![first];
    let mut edges = 0;
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for world in frontier.drain(..) {
            for step in Step::all(&world) {
                let mut after = world.clone();
                step.take(&mut after);
                edges += 1;
                Model::check_edge(&world, &after);
                if known.insert(fingerprint(&after)) {
                    after.model.check_state(&after);
                    if is_enough(known.len()) {
                        return (known.len(), edges, false);
                    }
                    next.push(after);
                }
            }
        }
        frontier = next;
    }
    (known.len(), edges, true)
}

/// A world with one real override that percival initiates.
const PLAIN: Scope = Scope {
    overrides: 1,
    first: (Some(3), OverrideKind::Real),
    changes: false,
    decisions: false,
    attacks: false,
};

/// Worlds with one override, of each kind of initiator, as a drill, and with changes of
/// guardians beside it: all of their states.
#[test]
fn every_reachable_state_of_a_small_world_keeps_the_promises() {
    let operator = Scope {
        first: (None, OverrideKind::Real),
        ..PLAIN
    };
    let drill = Scope {
        first: (None, OverrideKind::Drill),
        ..PLAIN
    };
    let changes = Scope {
        changes: true,
        ..PLAIN
    };
    for (scope, least) in [
        (PLAIN, 2_500),
        (operator, 10_000),
        (drill, 3_500),
        (changes, 40_000),
    ] {
        let (states, edges, is_complete) = explore(scope, |_| false);
        std::println!("explored all {states} states over {edges} edges");
        assert!(
            is_complete && states >= least,
            "the world became smaller: {states} states"
        );
    }
}

/// A world with attacks and decisions beside it.
const ATTACKED: Scope = Scope {
    changes: true,
    decisions: true,
    attacks: true,
    ..PLAIN
};

#[test]
fn a_world_under_attack_keeps_the_promises_as_far_as_it_is_walked() {
    let (states, edges, _) = explore(ATTACKED, |known| known >= 50_000);
    std::println!("explored {states} states over {edges} edges");
    assert!(
        states >= 50_000,
        "the world became smaller: {states} states"
    );
}

/// Three overrides with all there is. What waits to be walked on from is kept in memory, about
/// 5 GiB for a million states, so that minutes alone do not lift the limit.
#[test]
fn a_world_of_three_overrides_keeps_the_promises_for_as_long_as_asked() {
    const SIZE: Size = Size {
        gate: 10_000,
        campaign: 500_000,
    };
    let mut campaign = Campaign::begin("governance: reachable states", SIZE);
    let scope = Scope {
        overrides: 3,
        ..ATTACKED
    };
    let states_max = match campaign.states_max() {
        u64::MAX => SIZE.campaign,
        asked => asked,
    };
    // The walk begins at the same state whatever the seed.
    let _seed = campaign.next_round();
    let (states, edges, _) = explore(scope, |known| {
        known as u64 >= states_max || campaign.is_over(known as u64)
    });
    std::println!("explored {states} states over {edges} edges");
    campaign.add(states as u64);
    campaign.end();
}

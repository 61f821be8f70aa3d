//! Walks every state that a few guardians and a few overrides can reach.
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
//! 12. nobody counts twice for an override, and a second post-mortem changes nothing;
//! 13. every accepted signature used up a challenge of its own;
//! 14. every failed signature is counted, and its guardian waits.
//!
//! The walk goes into the depth: only the states between the first one and the present one are
//! kept whole, of every other its fingerprint alone, 16 bytes. Property 10 is shown by
//! induction, from each state to the next, and for one state in sixteen from the first record on.

use crate::simulated::HOUR;
use abi::request::OverrideKind;
use campaign::{Campaign, Size};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::vec::Vec;

mod defects;
mod fingerprint;
mod model;
mod steps;
mod world;

use model::Model;
use steps::{Scope, Step};
use world::World;

/// Guardians of the explored world: two of ethics, one of them the initiator.
const GUARDIANS: [&str; 4] = ["galahad", "cerberus", "codex_deus", "percival"];
/// The moments that the clock stops at, in seconds after the start.
const MOMENTS: [u64; 5] = [0, 23 * HOUR, 25 * HOUR, 100 * HOUR, 31 * 24 * HOUR];
/// One state in so many is replayed from the first record on.
const WHOLE_REPLAY_EVERY: u128 = 16;

fn low(print: u128) -> u64 {
    u64::try_from(print & u128::from(u64::MAX)).unwrap_or_default()
}

/// A hash of what is one already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unreachable!("fingerprints are numbers")
    }
    fn write_u128(&mut self, print: u128) {
        // The set takes the place from the low bits and a tag from the high ones.
        self.0 = low(print);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// A state on the way to the present one, with the steps that were not taken from it yet.
struct Stop {
    world: World,
    print: u128,
    steps: Vec<Step>,
}

impl Stop {
    /// The steps come in an order that the seed and the state give, so that a walk that ends
    /// early has seen steps of every kind at every depth.
    fn new(world: World, print: u128, seed: u64) -> Self {
        let mut steps = Step::all(&world);
        let mut state = low(print) ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for last in (1..steps.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let other = (state >> 33) % (last as u64 + 1);
            steps.swap(last, usize::try_from(other).unwrap_or_default());
        }
        Stop {
            world,
            print,
            steps,
        }
    }
}

/// How far a walk came.
#[derive(Clone, Copy, Debug, Default)]
struct Walked {
    states: usize,
    edges: u64,
    is_complete: bool,
}

/// Walks until the number of known states is enough or none is new.
fn walk(scope: Scope, seed: u64, is_enough: impl Fn(usize) -> bool) -> Walked {
    let mut known: HashSet<u128, BuildHasherDefault<Identity>> = HashSet::default();
    let first = World::first(scope);
    let print = first.fingerprint();
    known.insert(print);
    let mut way = std::vec![Stop::new(first, print, seed)];
    let mut walked = Walked::default();
    // A copy of the present state that refused steps left as it is.
    let mut copy = None;
    while let Some(stop) = way.last_mut() {
        let Some(step) = stop.steps.pop() else {
            way.pop();
            copy = None;
            continue;
        };
        let mut after = copy.take().unwrap_or_else(|| stop.world.clone());
        step.take(&mut after);
        walked.edges += 1;
        let print = after.fingerprint();
        if print == stop.print {
            if after.model != stop.world.model {
                after.model.check_state(&after);
                panic!("a step that was taken changed nothing: {step:?}");
            }
            copy = Some(after);
            continue;
        }
        Model::check_edge(&stop.world, &after);
        after.model.check_state(&after);
        if !known.insert(print) {
            continue;
        }
        Model::check_challenges(&after);
        World::check_replay(&stop.world, &after);
        if print % WHOLE_REPLAY_EVERY == 0 {
            after.check_whole_replay();
        }
        if is_enough(known.len()) {
            walked.states = known.len();
            return walked;
        }
        way.push(Stop::new(after, print, seed));
    }
    walked.states = known.len();
    walked.is_complete = true;
    walked
}

/// A world with one real override that percival initiates.
const PLAIN: Scope = Scope {
    overrides: 1,
    next_from: 0,
    signatures: 3,
    first: (Some(3), OverrideKind::Real),
    changes: false,
    decisions: false,
    attacks: false,
};
/// The same, and guardians are suspended and given other keys.
const CHANGING: Scope = Scope {
    changes: true,
    ..PLAIN
};
/// With attacks and decisions beside it.
const ATTACKED: Scope = Scope {
    first: (None, OverrideKind::Real),
    decisions: true,
    attacks: true,
    ..CHANGING
};

/// Worlds with one override, of each kind of initiator, as a drill, and with changes of
/// guardians beside it: all of their states.
#[test]
fn every_reachable_state_of_a_small_world_keeps_the_promises() {
    let operator = Scope {
        first: (None, OverrideKind::Real),
        ..PLAIN
    };
    let raised = Scope {
        signatures: 4,
        ..operator
    };
    let drill = Scope {
        first: (None, OverrideKind::Drill),
        ..PLAIN
    };
    for (scope, least) in [
        (PLAIN, 2_500),
        (operator, 10_000),
        (raised, 2_000),
        (drill, 3_500),
        (CHANGING, 40_000),
    ] {
        let walked = walk(scope, 1, |_| false);
        std::println!("{walked:?}");
        assert!(
            walked.is_complete && walked.states >= least,
            "the world became smaller: {walked:?}"
        );
    }
}

#[test]
fn a_world_under_attack_keeps_the_promises_as_far_as_it_is_walked() {
    const STATES: usize = 200_000;
    let walked = walk(ATTACKED, 1, |known| known >= STATES);
    std::println!("{walked:?}");
    assert!(
        walked.states >= STATES,
        "the world became smaller: {walked:?}"
    );
}

/// Two overrides, the second after the first one's post-mortem can be overdue.
const TWO: Scope = Scope {
    overrides: 2,
    next_from: 3,
    ..PLAIN
};
/// Three overrides with all there is.
const THREE: Scope = Scope {
    overrides: 3,
    ..ATTACKED
};

/// A tenth of the states that are asked for in a world of two overrides, most in one under attack,
/// the rest in the largest. A world that has fewer leaves its share to the next.
#[test]
fn the_larger_worlds_keep_the_promises_for_as_long_as_asked() {
    const SIZE: Size = Size {
        gate: 10_000,
        campaign: 10_000_000,
    };
    let mut campaign = Campaign::begin("governance: reachable states", SIZE);
    let tenth = campaign.states_max() / 10;
    while let Some(seed) = campaign.next_round() {
        let mut states = 0;
        for (scope, end) in [(TWO, tenth), (ATTACKED, tenth * 9), (THREE, u64::MAX)] {
            let walked = walk(scope, seed, |known| {
                let known = states + known as u64;
                known >= end || campaign.is_over(known)
            });
            std::println!("{walked:?}");
            states += walked.states as u64;
            if campaign.is_over(states) {
                break;
            }
        }
        campaign.add(states);
    }
    campaign.end();
}

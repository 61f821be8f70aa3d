//! Plants each defect in the rules and demands that the walk finds it, by the property that names it.

use super::{ATTACKED, CHANGING, OverrideKind, PLAIN, Scope, walk};
use crate::defect::{Defect, found};
use std::vec::Vec;

/// Walks in different orders, each to so many states: a defect shows in one of them.
const SEEDS: std::ops::Range<u64> = 1..9;
const STATES_MAX: usize = 6_000;

/// A real override that the operator initiates, so that all four guardians may sign.
const OPERATOR: Scope = Scope {
    first: (None, OverrideKind::Real),
    ..PLAIN
};
const RAISED: Scope = Scope {
    signatures: 4,
    ..OPERATOR
};
const DRILL: Scope = Scope {
    first: (None, OverrideKind::Drill),
    ..PLAIN
};
const DECIDED: Scope = Scope {
    decisions: true,
    ..PLAIN
};

#[test]
fn every_planted_defect_is_found() {
    let found_in: [(Defect, Scope, &str); 23] = [
        (Defect::CountInitiator, PLAIN, "property 1"),
        (Defect::OneLess, RAISED, "properties 1"),
        (Defect::SkipCoverage, OPERATOR, "properties 1"),
        (Defect::CountSuspended, CHANGING, "property 7"),
        (Defect::CountOldKey, CHANGING, "property 7"),
        (Defect::KeepLapsed, PLAIN, "property 2"),
        (Defect::KeepRebooted, PLAIN, "property 2"),
        (Defect::KeepRevoked, PLAIN, "property 2"),
        (Defect::GrantDrill, DRILL, "property 3"),
        (Defect::ReviewRejected, PLAIN, "property 4"),
        (Defect::SkipPostMortem, PLAIN, "property 5"),
        (Defect::OwnPostMortem, PLAIN, "property 5"),
        (Defect::IgnoreOverdue, PLAIN, "property 6"),
        (Defect::TrustSignature, ATTACKED, "property 7"),
        (Defect::KeepChallenge, ATTACKED, "property 7"),
        (Defect::ReuseChallenge, PLAIN, "property 13"),
        (Defect::ForgetRefusal, PLAIN, "property 8"),
        (Defect::ForgetFailure, ATTACKED, "property 14"),
        (Defect::ApplyEarly, PLAIN, "property 9"),
        (Defect::ReplayFirstKey, CHANGING, "property 10"),
        (Defect::IgnoreRejection, DECIDED, "property 11"),
        (Defect::ApproveByOne, DECIDED, "property 11"),
        (Defect::SignTwice, PLAIN, "12"),
    ];
    let mut missed = Vec::new();
    for (defect, scope, by) in found_in {
        let panic = found(defect, || {
            for seed in SEEDS {
                walk(scope, seed, |known| known >= STATES_MAX);
            }
        });
        match panic {
            Some(panic) if panic.contains(by) => {}
            other => missed.push((defect, other)),
        }
    }
    assert!(
        missed.is_empty(),
        "not found by their property: {missed:#?}"
    );
}

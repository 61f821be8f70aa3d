//! Plants each defect and demands that a campaign finds it.

use super::{figures, large, numbers, pairs, poison, retire, stale, strikes, stuck, *};
use crate::defect::{Defect, is_found};

/// Each defect, and a campaign that is to find it.
const FINDERS: [(Defect, fn()); 33] = [
    (Defect::TrustLine, no_operation_blesses_a_lost_line_anywhere),
    (Defect::ServePoison, poison::OF_POISON),
    (Defect::IgnoreAddress, stale::OF_MOVES),
    (Defect::IgnoreGeneration, stale::OF_OLD_STATES),
    (Defect::ParityKeepsGeneration, stale::OF_OLD_STATES),
    (Defect::TakeStaleForNew, stale::OF_OLD_STATES),
    (Defect::BlessStale, stale::OF_WHOLE_STATES),
    (Defect::BlessDamage, every_lost_page_is_rebuilt),
    (Defect::BlessDamage, strikes::OF_STRIKES),
    (Defect::SkipSecondParity, strikes::OF_STRIKES),
    (
        Defect::BlessParity,
        no_operation_blesses_a_lost_line_anywhere,
    ),
    (Defect::SkipFirstParity, pairs::OF_PAIRS),
    (Defect::SkipSecondParity, pairs::OF_PAIRS),
    (Defect::SameWeight, pairs::OF_PAIRS),
    (Defect::SolveUnweighted, pairs::OF_PAIRS),
    (Defect::TrustThird, pairs::OF_THREE),
    (Defect::PoisonKeepsParity, pairs::OF_THREE),
    (
        Defect::SkipStripeSums,
        parity_that_does_not_match_whole_lines_is_found_by_the_scrubber,
    ),
    (
        Defect::ScrubShort,
        a_pass_in_steps_visits_every_line_once_and_repairs_as_a_whole_one,
    ),
    (
        Defect::ForgetRepair,
        each_injection_does_the_damage_that_it_names_and_is_healed,
    ),
    (Defect::RetireLosesLine, retire::OF_MOVED_LINES),
    (Defect::TrustRepair, stuck::OF_STUCK_BITS),
    (Defect::TrustSpare, retire::OF_SPARES),
    (Defect::ForgetLostSuperposition, large::OF_COUNTS),
    (Defect::CallOldFiguresCurrent, large::OF_AGES),
    (Defect::SameFirstParities, large::OF_FIRST_MEMORY),
    (Defect::TrustNumber, numbers::OF_NUMBERS),
    (Defect::TrustNumber, numbers::OF_LOCATIONS),
    (Defect::TrustNumber, figures::OF_FIGURES),
    (Defect::KeepDamagedNumber, numbers::OF_NUMBERS),
    (Defect::ForgetNumber, numbers::OF_NUMBERS),
    (Defect::TrustMarks, numbers::OF_MARKS),
    (Defect::KeepTotals, numbers::OF_MARKS),
];

/// Those that show in how lines are summed up, and short campaigns that are to find them.
pub(super) const OF_FORMS: [(Defect, fn()); 3] = [
    (Defect::TrustLine, poison::OF_POISON),
    (
        Defect::SkipStripeSums,
        parity_that_does_not_match_whole_lines_is_found_by_the_scrubber,
    ),
    (
        Defect::ScrubShort,
        a_pass_in_steps_visits_every_line_once_and_repairs_as_a_whole_one,
    ),
];

#[test]
fn every_planted_defect_is_found() {
    for (defect, campaign) in FINDERS {
        assert!(is_found(defect, campaign), "{defect:?} was not found");
    }
}

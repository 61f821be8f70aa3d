//! The lane of the coherence, worked out when the vault is loaded.
//!
//! Its numbers are integers, which may be added up in any order without a change of the result.
//!
//! Invariant: for every start that a glyph may have, it gives what the steps give, or leaves it to them.

use super::Op;

/// What a whole program makes of a coherence.
///
/// Each step cuts off what is above some cap, or nothing, and adds a constant. So do all of them together,
/// in the range where none overflows: what they make of the least and of the greatest start tells the cap
/// and the constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coherence {
    pub(super) sum: i64,
    /// [`Coherence::MAY_FAIL`] if some start leaves the range of a coherence.
    pub(super) cap: u16,
}

impl Coherence {
    /// The greatest coherence that a glyph may have, also after inheritance, percent; the least is 0.
    const START_MAX: i64 = 1000;
    /// In the place of a cap, which is at most [`Coherence::START_MAX`]: of this program, only the steps tell.
    const MAY_FAIL: u16 = u16::MAX;

    pub(super) fn of(ops: &[Op]) -> Self {
        let after = |start| {
            ops.iter()
                .try_fold(start, |before, op| op.coherence(before))
        };
        let (least, greatest) = (after(0), after(Coherence::START_MAX));
        let spread = least
            .zip(greatest)
            .map(|(least, greatest)| greatest - least);
        let cap = spread.and_then(|spread| u16::try_from(spread).ok());
        Coherence {
            sum: least.unwrap_or(0),
            cap: cap.unwrap_or(Coherence::MAY_FAIL),
        }
    }

    /// The coherence after the program, percent; `None` if it may leave its range.
    #[must_use]
    pub fn after(self, start: i64) -> Option<i64> {
        let after = start.min(i64::from(self.cap)).checked_add(self.sum);
        after.filter(|_| self.cap != Coherence::MAY_FAIL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use glyph_parser::Command;

    fn decay(share: f64) -> Op {
        Op::alone(&Command::Decay(share))
    }

    /// What the operations make of a coherence one after the other.
    fn step_by_step(ops: &[Op], start: i64) -> Option<i64> {
        ops.iter()
            .try_fold(start, |before, op| op.coherence(before))
    }

    #[test]
    fn one_cap_and_one_sum_make_of_every_start_what_the_steps_make_of_it() {
        let mut seed = 1_u64;
        let mut below = |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        for _ in 0..500 {
            let ops: Vec<Op> = (0..below(8))
                .map(|_| match below(3) {
                    0 => Op::Stabilize,
                    1 => decay(below(400) as f64 - 200.0),
                    _ => decay(below(30) as f64 / 10.0),
                })
                .collect();
            let coherence = Coherence::of(&ops);
            for start in 0..=Coherence::START_MAX {
                assert_eq!(
                    coherence.after(start),
                    step_by_step(&ops, start),
                    "{start} {ops:?}"
                );
            }
        }
    }

    #[test]
    fn a_coherence_that_some_start_leads_out_of_its_range_is_left_to_the_steps() {
        let far = decay(-922_337_203_685_477_478.4);
        for (ops, least, greatest) in [
            (vec![far], true, true),
            (vec![far, decay(-3.0)], true, false),
            (vec![far, Op::Stabilize, decay(-3.0)], true, true),
            (vec![decay(-922_337_203_685_477_580.8)], false, false),
            (vec![Op::DecayBeyondRange, Op::Stabilize], false, false),
        ] {
            let ends = [0, Coherence::START_MAX];
            let steps = ends.map(|start| step_by_step(&ops, start));
            assert_eq!(steps.map(|end| end.is_some()), [least, greatest], "{ops:?}");
            let after = ends.map(|start| Coherence::of(&ops).after(start));
            let all = if least && greatest { steps } else { [None; 2] };
            assert_eq!(after, all, "{ops:?}");
        }
    }
}

//! Walks all blocks, stripe by stripe, verifies and repairs them.
//!
//! Invariants:
//! - a pass visits every stripe once, in order, however it is cut in steps;
//! - a visited stripe is whole afterwards: checksums match and both parities add up;
//! - the lines of cells of a visited stripe are added to the survey, and the census agrees
//!   with them.

use super::Guard;
use super::repair::sum;
use super::sums::{Found, Run};
use crate::checksum::{Line, WORDS};
use crate::defect::{Defect, planted};
use crate::event::{Action, Counters, Finding};
use crate::galois::{power, times};
use crate::numbers::Number;
use abi::response::ScrubReport;

/// Stripes verified together, always the same ones: their blocks are neighbours, so memory is read in runs of
/// 3 KiB and not line by line from far apart.
pub(super) const RUN_STRIPES: usize = 16;

impl Guard {
    /// Visits stripes, in whole runs, until at least `lines` lines were looked at, or the pass
    /// ends.
    pub(crate) fn scrub_step(&mut self, lines: u64) -> ScrubReport {
        let before = self.numbers.counters();
        self.mend_numbers();
        self.walk(&before, lines)
    }

    /// One whole pass from the first stripe on.
    pub(crate) fn scrub_all(&mut self) -> ScrubReport {
        let before = self.numbers.counters();
        self.mend_numbers();
        self.numbers.set(Number::ScrubStripe, 0);
        self.numbers.set(Number::ScrubPosition, 0);
        self.walk(&before, u64::MAX)
    }

    /// Visits stripes from where the last walk ended; tells what was found since the counts
    /// `before`.
    fn walk(&mut self, before: &Counters, lines: u64) -> ScrubReport {
        let mut stripe = usize::try_from(self.numbers.get(Number::ScrubStripe)).unwrap_or(0);
        if stripe == 0 {
            self.survey.begin(self.moment());
        } else {
            self.survey.resume();
        }
        let mut looked_at = 0_u64;
        while looked_at < lines.max(1) && stripe < self.geometry.stripes {
            let count = RUN_STRIPES.min(self.geometry.stripes - stripe);
            looked_at += self.scrub_run(stripe, count);
            stripe += count;
        }
        if stripe < self.geometry.stripes {
            self.survey.rest();
            self.numbers.set(Number::ScrubStripe, stripe as u64);
            self.numbers.add(Number::ScrubPosition, looked_at);
        } else {
            self.survey.end();
            self.numbers.set(Number::ScrubStripe, 0);
            self.numbers.set(Number::ScrubPosition, 0);
            self.numbers.add(Number::ScrubPasses, 1);
            self.numbers.set(Number::ScrubTick, self.now());
        }
        self.settle_totals();
        let after = self.numbers.counters();
        let failures = |counters: &Counters| {
            counters
                .checksum_failures
                .wrapping_add(counters.parity_failures)
        };
        ScrubReport {
            lines: looked_at,
            damaged: failures(&after).wrapping_sub(failures(before)),
            repaired: after.repairs.total().wrapping_sub(before.repairs.total()),
            poisoned: after.cells_poisoned.wrapping_sub(before.cells_poisoned),
        }
    }

    /// Visits `count` stripes, at most [`RUN_STRIPES`], and tells how many lines that were.
    fn scrub_run(&mut self, first: usize, count: usize) -> u64 {
        let form = self.form;
        let Found {
            mut survey,
            is_whole,
            mut is_counted,
        } = form.run(Run {
            guard: self,
            first,
            count,
        });
        if !is_whole {
            let end = first + count - usize::from(planted(Defect::ScrubShort));
            for stripe in first..end {
                self.scrub_damaged(stripe);
            }
            // What was added may have been damaged; all is whole now.
            survey = self.survey.running;
            for block in self.geometry.run(first, count, 0..self.geometry.members) {
                survey.add(self.block(block), self.geometry.cells_in(block));
            }
            is_counted = false;
        }
        self.survey.running = survey;
        self.scrub_spares(&(first..first + count));
        self.mend_tables(&(first..first + count));
        if !is_counted {
            self.recount(first, count);
        }
        (count as u64) * (self.geometry.members as u64 + 2)
    }

    /// Repairs whatever is damaged in a stripe.
    #[cold]
    fn scrub_damaged(&mut self, stripe: usize) {
        self.repair_stripe(stripe, None);
        let (first, second) = self.sums(stripe, &[]);
        let parity = self.geometry.parity_of(stripe);
        let other = self.geometry.second_parity_of(stripe);
        let missing = sum(&first, self.block(parity));
        let weighted = sum(&second, self.block(other));
        if let Some(line) = self.line_that_misses(stripe, &missing, &weighted) {
            let content = sum(self.block(line), &missing);
            self.count_failure(line);
            self.restore_generation(stripe, &[line]);
            self.accept(line, &content);
            self.poison_unkept(stripe, &[line]);
            return;
        }
        for (parity, content) in [(parity, first), (other, second)] {
            if *self.block(parity) != content {
                self.numbers.add(Number::ParityFailures, 1);
                self.store_parity(parity, &content, Finding::ParityMismatch);
            }
        }
        if !self.generations_add_up(stripe) {
            self.count_failure(parity);
            self.settle_generations(stripe);
            self.report(parity, Action::GenerationRewritten);
        }
    }

    /// The one line that explains what both parities of a whole stripe miss: it went back to an
    /// older state together with its checksum and its generation.
    fn line_that_misses(&self, stripe: usize, missing: &Line, weighted: &Line) -> Option<usize> {
        let parity = self.geometry.parity_of(stripe);
        let other = self.geometry.second_parity_of(stripe);
        let are_kept = self.is_whole(parity) && self.is_whole(other);
        if *missing == [0; WORDS] || !are_kept || planted(Defect::BlessStale) {
            return None;
        }
        self.geometry
            .members_of(stripe)
            .find(|&line| times(missing, power(self.geometry.member_of(line))) == *weighted)
    }
}

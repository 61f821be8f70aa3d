//! Walks all blocks, stripe by stripe, verifies and repairs them.
//!
//! Invariants:
//! - a pass visits every stripe once, in order, however it is cut in steps;
//! - a visited stripe is whole afterwards: checksums match and the stripe adds up.

use super::Guard;
use crate::checksum::{Line, WORDS};
use crate::event::{Counters, Finding};
use crate::geometry::STRIPE_MEMBERS_MAX;
use abi::response::ScrubReport;

/// Stripes verified together: their blocks are neighbours, so memory is read in runs of
/// 3 KiB and not line by line from far apart.
const RUN_STRIPES: usize = 16;
/// Most blocks of a stripe.
const STRIPE_BLOCKS_MAX: u64 = STRIPE_MEMBERS_MAX as u64 + 1;

impl Guard {
    /// Visits stripes until at least `lines` lines were looked at, or the pass ends.
    pub(crate) fn scrub_step(&mut self, lines: u64) -> ScrubReport {
        let before = self.counters;
        let mut looked_at = 0_u64;
        while looked_at < lines.max(1) {
            let wanted = (lines.max(1) - looked_at).div_ceil(STRIPE_BLOCKS_MAX);
            let first = self.scrub_stripe;
            let count = usize::try_from(wanted)
                .map_or(RUN_STRIPES, |wanted| wanted.min(RUN_STRIPES))
                .min(self.geometry.stripes - first);
            looked_at += self.scrub_run(first, count);
            self.scrub_stripe += count;
            if self.scrub_stripe >= self.geometry.stripes {
                self.scrub_stripe = 0;
                break;
            }
        }
        let counters = &mut self.counters;
        counters.scrub_position = counters.scrub_position.wrapping_add(looked_at);
        if self.scrub_stripe == 0 {
            counters.scrub_position = 0;
            counters.scrub_passes = counters.scrub_passes.wrapping_add(1);
            counters.scrub_tick = self.now;
        }
        let failures = |counters: &Counters| {
            counters
                .checksum_failures
                .wrapping_add(counters.parity_failures)
        };
        ScrubReport {
            lines: looked_at,
            damaged: failures(counters).wrapping_sub(failures(&before)),
            repaired: counters
                .repairs
                .total()
                .wrapping_sub(before.repairs.total()),
            poisoned: counters.cells_poisoned.wrapping_sub(before.cells_poisoned),
        }
    }

    /// One whole pass from the first stripe on.
    pub(crate) fn scrub_all(&mut self) -> ScrubReport {
        self.scrub_stripe = 0;
        self.counters.scrub_position = 0;
        self.scrub_step(u64::MAX)
    }

    /// Visits `count` stripes, at most [`RUN_STRIPES`], and tells how many lines that were.
    fn scrub_run(&mut self, first: usize, count: usize) -> u64 {
        let mut lines = 0_u64;
        let mut whole = true;
        let mut sums = [[0_u64; WORDS]; RUN_STRIPES];
        for block in self.geometry.blocks_of(first) {
            // The last members of a run can be missing: they would lie past the data.
            let end = if block < self.geometry.data_lines() {
                (block + count).min(self.geometry.data_lines())
            } else {
                block + count
            };
            for (block, sum) in (block..end).zip(&mut sums) {
                lines += 1;
                whole &= self.is_whole(block);
                add(sum, self.block(block));
            }
        }
        if !whole || sums.as_flattened().iter().any(|&word| word != 0) {
            for stripe in first..first + count {
                self.scrub_damaged(stripe);
            }
        }
        lines
    }

    /// Repairs whatever is damaged in a stripe.
    #[cold]
    fn scrub_damaged(&mut self, stripe: usize) {
        self.repair_stripe(stripe, None);
        let parity = self.geometry.parity_of(stripe);
        if self.sum_of_others(stripe, parity) != *self.block(parity) {
            self.counters.parity_failures = self.counters.parity_failures.wrapping_add(1);
            self.rebuild_parity(stripe, Finding::ParityMismatch);
        }
    }
}

/// Adds a line to the sum of its stripe.
#[inline(always)]
fn add(sum: &mut Line, line: &Line) {
    for (total, word) in sum.iter_mut().zip(line) {
        *total ^= word;
    }
}

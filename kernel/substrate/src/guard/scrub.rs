//! Walks all blocks, stripe by stripe, verifies and repairs them.
//!
//! Invariants:
//! - a pass visits every stripe once, in order, however it is cut in steps;
//! - a visited stripe is whole afterwards: checksums match and the stripe adds up.

use super::Guard;
use crate::event::Finding;
use abi::response::ScrubReport;

impl Guard {
    /// Visits stripes until at least `lines` lines were looked at, or the pass ends.
    pub(crate) fn scrub_step(&mut self, lines: u64) -> ScrubReport {
        let before = self.counters;
        let mut looked_at = 0_u64;
        while looked_at < lines.max(1) {
            looked_at += self.scrub_stripe(self.scrub_stripe);
            self.scrub_stripe += 1;
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
        let failures = |counters: &crate::event::Counters| {
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

    /// Visits one stripe and tells how many lines that were.
    fn scrub_stripe(&mut self, stripe: usize) -> u64 {
        let mut lines = 0_u64;
        let mut whole = true;
        let mut sum = [0_u64; crate::checksum::WORDS];
        for block in self.geometry.blocks_of(stripe) {
            lines += 1;
            whole &= self.is_whole(block);
            for (total, word) in sum.iter_mut().zip(self.block(block)) {
                *total ^= word;
            }
        }
        if !whole {
            self.repair_stripe(stripe, None);
            let parity = self.geometry.parity_of(stripe);
            sum = self.sum_of_others(stripe, parity);
            for (total, word) in sum.iter_mut().zip(self.block(parity)) {
                *total ^= word;
            }
        }
        if sum.iter().any(|&word| word != 0) {
            self.counters.parity_failures = self.counters.parity_failures.wrapping_add(1);
            self.rebuild_parity(stripe, Finding::ParityMismatch);
        }
        lines
    }
}

//! Memory that does not keep what it is given: a bit that is stuck.
//!
//! What a repair writes is read back before anybody sees it. If it differs, the page moves to
//! a spare at once; with none left, the line's cells are poisoned, and their poison is
//! guarded as the memory keeps it.
//!
//! Invariants:
//! - a repaired data line matches its checksum when it is handed out, at whatever place;
//! - with no spare left, a line reads as poison as long as its marks of poison are kept: a
//!   mark that is itself stuck is beyond help;
//! - a parity line that is not kept stays damaged, and is never taken for whole.

use super::Guard;
use super::repair::Damaged;
use crate::checksum::Line;
use crate::defect::{Defect, planted};
use crate::event::Finding;
use crate::geometry::PAGE_LINES;
use core::hint::black_box;

/// A bit of the memory that always reads the same.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(super) struct StuckBit {
    /// Line of the memory, spares included.
    pub(super) place: usize,
    pub(super) word: usize,
    pub(super) bit: usize,
    pub(super) value: bool,
}

impl Guard {
    /// Stores a content that a block has to have, moving its page while the memory does not
    /// keep it; `false` if no spare keeps it either.
    pub(super) fn keep(&mut self, block: usize, content: &Line) -> bool {
        loop {
            *self.block_mut(block) = *content;
            self.stick();
            // Without the black box the compiler need not read what it has just written.
            if *black_box(&*self).block(block) == *content || planted(Defect::TrustRepair) {
                return true;
            }
            if !self.retire(block / PAGE_LINES, Finding::NotKept) {
                return false;
            }
        }
    }

    /// Poisons those of a stripe's repaired data lines that the memory did not keep.
    pub(super) fn poison_unkept(&mut self, stripe: usize, repaired: &[usize]) {
        let data_lines = self.geometry.data_lines;
        let unkept: Damaged = repaired
            .iter()
            .copied()
            .filter(|&block| block < data_lines && !self.is_whole(block))
            .collect();
        if !unkept.is_empty() {
            self.poison(stripe, &unkept);
        }
    }

    /// Lets the stuck bits of a test have their way.
    #[cfg(test)]
    pub(super) fn stick(&mut self) {
        for stuck in &self.stuck {
            let word = &mut self.blocks[stuck.place][stuck.word];
            *word = (*word & !(1 << stuck.bit)) | (u64::from(stuck.value) << stuck.bit);
        }
    }

    /// Outside of tests the memory's own bits may be stuck.
    #[cfg(not(test))]
    #[inline(always)]
    #[expect(
        clippy::unused_self,
        clippy::needless_pass_by_ref_mut,
        reason = "tests use it"
    )]
    pub(super) fn stick(&mut self) {}
}

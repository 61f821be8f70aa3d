//! How often each line was changed: kept in a third place, and part of its checksum.
//!
//! A line that went back to an older content together with its checksum matches an older
//! generation than the one kept here, and so does not match. A data line has a generation of
//! its own; both parity lines of a stripe share one, since each change changes both. The
//! generations of a stripe's lines add up to that of its parity lines, modulo 2^32: that
//! tells a damaged generation from a line that is stale, and gives a lost one back.
//!
//! Invariants, as long as memory keeps what it was given:
//! - every change of a line, by an edit or by poison, advances its generation and that of its
//!   parity lines;
//! - a generation is changed otherwise only if the sum of its stripe vouches for the new one.

use super::Guard;
use super::repair::Damaged;
use crate::checksum::{Line, checksum, generation_that_matches};
use crate::defect::{Defect, planted};
use crate::event::Action;

impl Guard {
    /// Where the generation of a block is kept.
    #[inline(always)]
    fn generation_place(&self, block: usize) -> usize {
        let stripes = self.geometry.stripes;
        if block < self.geometry.data_lines + stripes {
            block
        } else {
            block - stripes
        }
    }

    /// The generation of a block.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "block numbers come from the geometry that the memory was made for"
    )]
    pub(super) fn generation(&self, block: usize) -> u32 {
        self.generations[self.generation_place(block)]
    }

    pub(super) fn set_generation(&mut self, block: usize, generation: u32) {
        let place = self.generation_place(block);
        if let Some(kept) = self.generations.get_mut(place) {
            *kept = generation;
        }
    }

    /// The checksum that a block has to have with a content.
    #[inline(always)]
    pub(super) fn checksum_of(&self, content: &Line, block: usize) -> u64 {
        checksum(content, block, self.generation(block))
    }

    /// Advances the generation of a data line that gets a new content, and of its parity lines.
    pub(super) fn advance(&mut self, line: usize) {
        let parity = self.geometry.parity_of(self.geometry.stripe_of(line));
        for block in [line, parity] {
            self.set_generation(block, self.generation(block).wrapping_add(1));
        }
    }

    /// What the generations of a stripe's data lines add up to, without one of them.
    fn sum_of_generations(&self, stripe: usize, left_out: Option<usize>) -> u32 {
        self.geometry
            .members_of(stripe)
            .filter(|&member| Some(member) != left_out)
            .fold(0, |sum: u32, member| {
                sum.wrapping_add(self.generation(member))
            })
    }

    /// Whether the generations of a stripe's lines add up.
    pub(super) fn generations_add_up(&self, stripe: usize) -> bool {
        self.sum_of_generations(stripe, None) == self.generation(self.geometry.parity_of(stripe))
    }

    /// The generation by which a damaged block would match its checksum, if there is one.
    fn matching_generation(&self, block: usize) -> Option<u32> {
        let generation = self.generation(block);
        let stored = self.stored_checksum(block);
        generation_that_matches(self.block(block), block, generation, stored)
    }

    /// Puts damaged generations of a stripe right and takes the blocks that match then from
    /// `damaged`.
    ///
    /// A stale line looks as if its generation were damaged: only a set of generations that
    /// adds up is taken.
    pub(super) fn mend_generations(&mut self, stripe: usize, damaged: &mut Damaged) {
        let parity = self.geometry.parity_of(stripe);
        let second = self.geometry.second_parity_of(stripe);
        // Parity lines share one: it is damaged only if both of them say so, and the same.
        let of_parity = match (
            damaged.contains(&parity),
            damaged.contains(&second),
            self.matching_generation(parity),
        ) {
            (true, true, found) if found == self.matching_generation(second) => found,
            _ => None,
        };
        let found = |guard: &Self, block: usize| {
            if block >= parity {
                of_parity
            } else if damaged.contains(&block) {
                guard.matching_generation(block)
            } else {
                None
            }
        };
        let sum = self
            .geometry
            .members_of(stripe)
            .fold(0, |sum: u32, member| {
                sum.wrapping_add(found(self, member).unwrap_or(self.generation(member)))
            });
        let adds_up = sum == of_parity.unwrap_or(self.generation(parity));
        if !adds_up && !planted(Defect::TakeStaleForNew) {
            return;
        }
        let blocks: Damaged = damaged
            .iter()
            .copied()
            .filter(|&block| found(self, block).is_some())
            .collect();
        for &block in &blocks {
            if let Some(generation) = self.matching_generation(block) {
                self.set_generation(block, generation);
            }
        }
        damaged.retain(|block| !blocks.contains(block));
        for &block in &blocks {
            self.report(block, Action::GenerationRewritten);
        }
    }

    /// Gives the generation of the only lost data line of a stripe back, from the others.
    pub(super) fn restore_generation(&mut self, stripe: usize, damaged: &[usize]) {
        let parity = self.geometry.parity_of(stripe);
        let second = self.geometry.second_parity_of(stripe);
        let vouched = !damaged.contains(&parity) || !damaged.contains(&second);
        let mut lost = damaged.iter().filter(|&&block| block < parity);
        if let (true, Some(&line), None) = (vouched, lost.next(), lost.next()) {
            let others = self.sum_of_generations(stripe, Some(line));
            self.set_generation(line, self.generation(parity).wrapping_sub(others));
        }
    }

    /// Makes the generations of a whole stripe add up, where that of its parity was lost.
    pub(super) fn settle_generations(&mut self, stripe: usize) {
        if self.generations_add_up(stripe) {
            return;
        }
        let sum = self.sum_of_generations(stripe, None);
        let parity = self.geometry.parity_of(stripe);
        // Parity that the memory did not keep is not to be blessed.
        let blocks = [parity, self.geometry.second_parity_of(stripe)];
        let are_kept = blocks.map(|block| self.is_whole(block));
        self.set_generation(parity, sum);
        for (block, is_kept) in blocks.into_iter().zip(are_kept) {
            if is_kept {
                self.store_checksum(block, self.checksum_of(self.block(block), block));
            }
        }
    }
}

//! Brings a damaged stripe back: bit, checksum, line or parity, and poison as the last resort.
//!
//! Called when a block does not match its checksum, or a stripe does not add up. The ladder:
//! 1. one flipped bit is turned back, located by the checksum alone;
//! 2. one damaged block is rebuilt from all others of its stripe;
//! 3. of two damaged blocks one may have lost only its checksum: if that makes the other
//!    match, both are known;
//! 4. otherwise the damaged data lines are poisoned and the parity is computed anew.
//!
//! Invariants:
//! - afterwards every block of the stripe matches its checksum, and the stripe adds up;
//! - content is accepted only if a checksum or all other blocks of the stripe vouch for it.

use super::Guard;
use crate::checksum::{FlippedBit, Line, checksum, locate_flipped_bit};
use crate::event::{Action, Finding};
use crate::geometry::{PAGE_LINES, STRIPE_MEMBERS_MAX};
use crate::line;
use heapless::Vec;

/// Damaged blocks of one stripe: at most its members and its parity.
type Damaged = Vec<usize, { STRIPE_MEMBERS_MAX + 1 }>;

impl Guard {
    /// Repairs a data line that does not match its checksum, or poisons it.
    #[cold]
    #[inline(never)]
    pub(super) fn repair(&mut self, block: usize) {
        self.count_failure(block);
        if !self.turn_bit_back(block) {
            self.repair_stripe(self.geometry.stripe_of(block), Some(block));
        }
    }

    /// Repairs all damage in a stripe; `counted` is a block whose failure is counted already.
    pub(super) fn repair_stripe(&mut self, stripe: usize, counted: Option<usize>) {
        let mut damaged = Damaged::new();
        for block in self.geometry.blocks_of(stripe) {
            if self.is_whole(block) {
                continue;
            }
            if counted != Some(block) {
                self.count_failure(block);
                if self.turn_bit_back(block) {
                    continue;
                }
            }
            // There is room for every block of a stripe.
            let _ = damaged.push(block);
        }
        match *damaged.as_slice() {
            [] => {}
            [only] => self.rebuild(stripe, only),
            [one, other] if self.rebuild_pair(stripe, one, other) => {}
            _ => self.poison(stripe, &damaged),
        }
    }

    fn count_failure(&mut self, block: usize) {
        let counter = if block < self.geometry.data_lines() {
            &mut self.counters.checksum_failures
        } else {
            &mut self.counters.parity_failures
        };
        *counter = counter.wrapping_add(1);
    }

    /// Turns one flipped bit back, in the block or in its checksum, if that is all the damage.
    fn turn_bit_back(&mut self, block: usize) -> bool {
        let stored = self.stored_checksum(block);
        match locate_flipped_bit(self.block(block), block, stored) {
            None => return false,
            Some(FlippedBit::Checksum { bit }) => {
                self.store_checksum(block, stored ^ (1 << bit));
                self.report(block, Action::ChecksumRewritten);
            }
            Some(FlippedBit::Line { word, bit }) => {
                if let Some(value) = self.block_mut(block).get_mut(word) {
                    *value ^= 1 << bit;
                }
                // At most 23.
                let word = u32::try_from(word).unwrap_or(u32::MAX);
                self.report(block, Action::BitCorrected { word, bit });
            }
        }
        true
    }

    /// Rebuilds the one damaged block of a stripe whose other blocks are whole.
    fn rebuild(&mut self, stripe: usize, block: usize) {
        let content = self.sum_of_others(stripe, block);
        self.accept(block, &content);
    }

    /// Rebuilds two damaged blocks if one of them is whole and only its checksum is not.
    fn rebuild_pair(&mut self, stripe: usize, one: usize, other: usize) -> bool {
        for (trusted, lost) in [(one, other), (other, one)] {
            let content = self.sum_of_others(stripe, lost);
            if checksum(&content, lost) == self.stored_checksum(lost) {
                let whole = *self.block(trusted);
                self.accept(trusted, &whole);
                self.accept(lost, &content);
                return true;
            }
        }
        false
    }

    /// Gives a block the content that it has to have, and reports what had been damaged.
    fn accept(&mut self, block: usize, content: &Line) {
        let action = if *self.block(block) == *content {
            Action::ChecksumRewritten
        } else {
            Action::LineRebuilt
        };
        *self.block_mut(block) = *content;
        self.store_checksum(block, checksum(content, block));
        self.report(block, action);
        if action == Action::LineRebuilt {
            self.count_page(block);
        }
    }

    /// Gives up the content of the damaged data lines.
    fn poison(&mut self, stripe: usize, damaged: &[usize]) {
        for &block in damaged {
            if block >= self.geometry.data_lines() {
                continue;
            }
            let content = line::poisoned();
            *self.block_mut(block) = content;
            self.store_checksum(block, checksum(&content, block));
            let counters = &mut self.counters;
            if block < self.geometry.cell_lines {
                let cells = self.geometry.cells_in(block);
                counters.cells_poisoned = counters.cells_poisoned.wrapping_add(cells);
            } else {
                counters.superpositions_poisoned = counters.superpositions_poisoned.wrapping_add(1);
            }
            let place = self.geometry.place_of(block);
            self.note(place, Finding::ChecksumMismatch, Action::Poisoned);
        }
        self.rebuild_parity(stripe, Finding::ChecksumMismatch);
    }

    /// Computes the parity of a stripe anew from its data lines, which are whole.
    pub(super) fn rebuild_parity(&mut self, stripe: usize, finding: Finding) {
        let parity = self.geometry.parity_of(stripe);
        let content = self.sum_of_others(stripe, parity);
        *self.block_mut(parity) = content;
        self.store_checksum(parity, checksum(&content, parity));
        self.counters.repairs.parity = self.counters.repairs.parity.wrapping_add(1);
        let place = self.geometry.place_of(parity);
        self.note(place, finding, Action::ParityRebuilt);
    }

    /// Counts and logs a repair of one block.
    fn report(&mut self, block: usize, action: Action) {
        let is_parity = block >= self.geometry.data_lines();
        let repairs = &mut self.counters.repairs;
        let (counter, action) = match action {
            Action::LineRebuilt if is_parity => (&mut repairs.parity, Action::ParityRebuilt),
            _ if is_parity => (&mut repairs.parity, action),
            Action::BitCorrected { .. } => (&mut repairs.single_bit, action),
            Action::ChecksumRewritten => (&mut repairs.checksum, action),
            _ => (&mut repairs.line, action),
        };
        *counter = counter.wrapping_add(1);
        let place = self.geometry.place_of(block);
        self.note(place, Finding::ChecksumMismatch, action);
    }

    /// Notes a rebuilt line, and reports its page once every line of it was rebuilt in a row.
    fn count_page(&mut self, block: usize) {
        let (page, line) = (block / PAGE_LINES, block % PAGE_LINES);
        if self.rebuilt.0 != page {
            self.rebuilt = (page, 0);
        }
        self.rebuilt.1 |= 1 << line;
        if self.rebuilt.1.count_ones() as usize == PAGE_LINES {
            self.rebuilt.1 = 0;
            self.counters.repairs.page = self.counters.repairs.page.wrapping_add(1);
            let place = crate::event::Place::Page { page: page as u64 };
            self.note(place, Finding::PageDamaged, Action::PageRebuilt);
        }
    }
}

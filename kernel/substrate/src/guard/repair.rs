//! Brings a damaged stripe back: bit, checksum, line or parity, and poison as the last resort.
//!
//! Called when a block does not match its checksum, or a stripe does not add up. The ladder:
//! 1. one flipped bit is turned back, located by the checksum alone;
//! 2. damaged generations are put right, if those of the stripe add up then;
//! 3. one or two damaged blocks, parity or not, are rebuilt from all others of the stripe;
//! 4. of three damaged blocks one may have lost only its checksum: if that makes the other two
//!    match theirs, all are known;
//! 5. otherwise the damaged data lines are poisoned and the parities are computed anew; so
//!    are lines that the memory does not keep.
//!
//! Invariants:
//! - afterwards every block of the stripe matches its checksum, and the stripe and its
//!   generations add up;
//! - content is accepted only if a checksum or all other blocks of the stripe vouch for it.

use super::{Guard, add};
use crate::census::all_poisoned;
use crate::checksum::{FlippedBit, Line, WORDS, locate_flipped_bit};
use crate::defect::{Defect, planted};
use crate::event::{Action, Finding};
use crate::galois::{inverse, power, times};
use crate::geometry::{PAGE_LINES, STRIPE_BLOCKS_MAX};
use crate::line;
use crate::numbers::Number;
use heapless::Vec;

/// Damaged blocks of one stripe, in order, so that parity comes last.
pub(super) type Damaged = Vec<usize, STRIPE_BLOCKS_MAX>;

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
        if damaged.is_empty() {
            return;
        }
        let repaired = damaged.clone();
        self.mend_generations(stripe, &mut damaged);
        self.restore_generation(stripe, &damaged);
        match *damaged.as_slice() {
            [] => {}
            [only] => {
                let [content, _] = self.solve(stripe, [only, only]);
                self.accept(only, &content);
            }
            [one, other] => {
                let [content, of_other] = self.solve(stripe, [one, other]);
                self.accept(one, &content);
                self.accept(other, &of_other);
            }
            [a, b, c] if self.rebuild_three(stripe, [a, b, c]) => {}
            _ => self.poison(stripe, &damaged),
        }
        self.poison_unkept(stripe, &repaired);
        self.settle_generations(stripe);
    }

    pub(super) fn count_failure(&mut self, block: usize) {
        let number = if block < self.geometry.data_lines {
            Number::ChecksumFailures
        } else {
            Number::ParityFailures
        };
        self.numbers.add(number, 1);
    }

    /// Turns one flipped bit back, in the block or in its checksum, if that is all the damage.
    fn turn_bit_back(&mut self, block: usize) -> bool {
        let stored = self.stored_checksum(block);
        if planted(Defect::BlessDamage) {
            self.store_checksum(block, self.checksum_of(self.block(block), block));
            return true;
        }
        match locate_flipped_bit(self.block(block), block, self.generation(block), stored) {
            None => return false,
            Some(FlippedBit::Checksum { bit }) => {
                self.store_checksum(block, stored ^ (1 << bit));
                self.report(block, Action::ChecksumRewritten);
            }
            Some(FlippedBit::Line { word, bit }) => {
                let mut content = *self.block(block);
                if let Some(value) = content.get_mut(word) {
                    *value ^= 1 << bit;
                }
                if !self.keep(block, &content) {
                    return false;
                }
                // At most 23.
                let word = u32::try_from(word).unwrap_or(u32::MAX);
                self.report(block, Action::BitCorrected { word, bit });
            }
        }
        true
    }

    /// What two blocks of a stripe, in order, have to be, from all its others. The same block
    /// may be given twice.
    fn solve(&self, stripe: usize, lost: [usize; 2]) -> [Line; 2] {
        let [one, other] = lost;
        let parity = self.geometry.parity_of(stripe);
        let second = self.geometry.second_parity_of(stripe);
        let weight = |block| power(self.geometry.member_of(block));
        let (p, q) = self.sums(stripe, &lost);
        // What the lost members add up to by either parity, as long as that is not lost.
        let missing = sum(&p, self.block(parity));
        let weighted = sum(&q, self.block(second));
        let member = if one >= parity {
            [0; WORDS]
        } else if other == parity {
            times(&weighted, inverse(weight(one)))
        } else if other == one || other == second {
            missing
        } else {
            // Of m = a + b and w = x a + y b, a is (w + y m) / (x + y).
            let y = if planted(Defect::SolveUnweighted) {
                1
            } else {
                weight(other)
            };
            let mixed = sum(&weighted, &times(&missing, y));
            times(&mixed, inverse(weight(one) ^ weight(other)))
        };
        lost.map(|block| {
            if block == parity {
                sum(&p, &member)
            } else if block == second {
                sum(&q, &times(&member, weight(one)))
            } else if block == one {
                member
            } else {
                sum(&missing, &member)
            }
        })
    }

    /// Rebuilds three damaged blocks if one of them is whole and only its checksum is not.
    fn rebuild_three(&mut self, stripe: usize, [a, b, c]: [usize; 3]) -> bool {
        for (trusted, lost) in [(a, [b, c]), (b, [a, c]), (c, [a, b])] {
            let contents = self.solve(stripe, lost);
            let mut found = lost.into_iter().zip(&contents);
            if found
                .all(|(block, line)| self.checksum_of(line, block) == self.stored_checksum(block))
                || planted(Defect::TrustThird)
            {
                let whole = *self.block(trusted);
                self.accept(trusted, &whole);
                for (block, line) in lost.into_iter().zip(&contents) {
                    self.accept(block, line);
                }
                return true;
            }
        }
        false
    }

    /// Gives a block the content that it has to have, and reports what had been damaged.
    pub(super) fn accept(&mut self, block: usize, content: &Line) {
        let action = if *self.block(block) == *content {
            Action::ChecksumRewritten
        } else {
            Action::LineRebuilt
        };
        self.keep(block, content);
        self.store_checksum(block, self.checksum_of(content, block));
        self.report(block, action);
        if action == Action::LineRebuilt {
            self.count_page(block);
        }
    }

    /// Gives up the content of the damaged data lines.
    pub(super) fn poison(&mut self, stripe: usize, damaged: &[usize]) {
        for &block in damaged {
            if block >= self.geometry.data_lines {
                continue;
            }
            self.keep(block, &line::poisoned());
            // Whatever the memory keeps of it.
            let content = *self.block(block);
            self.advance(block);
            self.store_checksum(block, self.checksum_of(&content, block));
            if block < self.geometry.cell_lines {
                let cells = self.geometry.cells_in(block);
                self.numbers.add(Number::CellsPoisoned, cells);
                self.set_marks(block, all_poisoned(cells));
            } else {
                self.numbers.add(Number::SuperpositionsPoisoned, 1);
                self.census_loses_slot(block - self.geometry.cell_lines);
            }
            let place = self.geometry.place_of(block);
            self.note(place, Finding::ChecksumMismatch, Action::Poisoned);
            self.count_against_page(block);
        }
        if planted(Defect::PoisonKeepsParity) {
            return;
        }
        let (first, second) = self.sums(stripe, &[]);
        let parity = self.geometry.parity_of(stripe);
        self.store_parity(parity, &first, Finding::ChecksumMismatch);
        let other = self.geometry.second_parity_of(stripe);
        self.store_parity(other, &second, Finding::ChecksumMismatch);
    }

    /// Stores a parity line that was computed anew from data lines, which are whole.
    pub(super) fn store_parity(&mut self, parity: usize, content: &Line, finding: Finding) {
        self.keep(parity, content);
        self.store_checksum(parity, self.checksum_of(content, parity));
        self.numbers.add(Number::ParityRepairs, 1);
        let place = self.geometry.place_of(parity);
        self.note(place, finding, Action::ParityRebuilt);
        self.count_against_page(parity);
    }

    /// Counts and logs a repair of one block.
    pub(super) fn report(&mut self, block: usize, action: Action) {
        let is_parity = block >= self.geometry.data_lines;
        let (number, action) = match action {
            Action::LineRebuilt if is_parity => (Number::ParityRepairs, Action::ParityRebuilt),
            _ if is_parity => (Number::ParityRepairs, action),
            Action::BitCorrected { .. } => (Number::SingleBitRepairs, action),
            Action::ChecksumRewritten => (Number::ChecksumRepairs, action),
            Action::GenerationRewritten => (Number::GenerationRepairs, action),
            _ => (Number::LineRepairs, action),
        };
        if !planted(Defect::ForgetRepair) {
            self.numbers.add(number, 1);
        }
        let place = self.geometry.place_of(block);
        self.note(place, Finding::ChecksumMismatch, action);
        // Checksums and generations lie elsewhere.
        let is_of_page = !matches!(
            action,
            Action::ChecksumRewritten | Action::GenerationRewritten
        );
        if is_of_page {
            self.count_against_page(block);
        }
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
            self.numbers.add(Number::PageRepairs, 1);
            let place = crate::event::Place::Page { page: page as u64 };
            self.note(place, Finding::PageDamaged, Action::PageRebuilt);
        }
    }
}

/// The sum of two lines, by exclusive or.
pub(super) fn sum(one: &Line, other: &Line) -> Line {
    let mut sum = *one;
    add(&mut sum, other);
    sum
}

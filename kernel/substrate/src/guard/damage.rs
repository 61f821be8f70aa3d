//! Damages the memory on purpose, past the guard, so that an operator can see it healed.
//!
//! Invariant: every injection changes at least one bit, and nothing but what it names.

use super::Guard;
use crate::checksum::{Line, checksum};
use crate::error::SubstrateError;
use crate::geometry::PAGE_LINES;
use crate::kept::Kept;
use crate::line::{self, MAGNITUDE};
use crate::numbers::Number;
use abi::CellIndex;
use abi::request::Injection;
use alloc::format;
use alloc::string::String;

/// Bits of a word.
const WORD_BITS: u32 = u64::BITS;

impl Guard {
    /// Does the damage and says what was damaged.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`], [`SubstrateError::NoSuchBit`] or
    /// [`SubstrateError::NoSuchPage`] if there is no such place; nothing was damaged.
    pub(crate) fn inject(&mut self, injection: Injection) -> Result<String, SubstrateError> {
        match injection {
            Injection::Cell { cell, bit } => {
                let position = self.geometry.locate(cell)?;
                if bit >= WORD_BITS {
                    let end = WORD_BITS;
                    return Err(SubstrateError::NoSuchBit { bit, end });
                }
                let word = position.lane.word(MAGNITUDE);
                let flipped = line::word(self.block(position.line), word) ^ (1 << bit);
                if let Some(place) = self.block_mut(position.line).get_mut(word) {
                    *place = flipped;
                }
                let line = position.line;
                Ok(format!(
                    "flipped bit {bit} of the magnitude of cell {cell} (word {word} of line {line})"
                ))
            }
            Injection::Line(cell) => {
                let position = self.geometry.locate(cell)?;
                self.overwrite(position.line);
                Ok(format!(
                    "overwrote {} with garbage",
                    self.geometry.place_of(position.line)
                ))
            }
            Injection::Page(page) => self.overwrite_page(page),
            Injection::Checksum(cell) => {
                let position = self.geometry.locate(cell)?;
                // Below 64, and another one for each neighbour.
                let bit = position.line & 63;
                let stored = self.stored_checksum(position.line);
                self.store_checksum(position.line, stored ^ (1 << bit));
                Ok(format!(
                    "flipped bit {bit} of the checksum of {}",
                    self.geometry.place_of(position.line)
                ))
            }
            Injection::Parity(cell) => {
                let stripe = self.stripe_of_cell(cell)?;
                Ok(self.overwrite_parity(self.geometry.parity_of(stripe)))
            }
            Injection::SecondParity(cell) => {
                let stripe = self.stripe_of_cell(cell)?;
                Ok(self.overwrite_parity(self.geometry.second_parity_of(stripe)))
            }
            Injection::Generation(cell) => {
                let line = self.geometry.locate(cell)?.line;
                // Below 32, and another one for each neighbour.
                let bit = line & 31;
                self.set_generation(line, self.generation(line) ^ (1 << bit));
                Ok(format!(
                    "flipped bit {bit} of the generation of {}",
                    self.geometry.place_of(line)
                ))
            }
            Injection::Stale(cell) => self.make_stale(cell),
            Injection::Tick(bit) => {
                if bit >= Kept::BITS {
                    let end = Kept::BITS;
                    return Err(SubstrateError::NoSuchBit { bit, end });
                }
                self.numbers.flip(Number::Tick, bit);
                Ok(format!("flipped bit {bit} of the {}", Number::Tick))
            }
            Injection::Counts => Ok(self.damage_counts()),
            Injection::Marks(cell) => {
                let line = self.geometry.locate(cell)?.line;
                // Another one for each neighbour.
                let bit = u32::try_from(line & 31).unwrap_or(0);
                self.census.flip(line, bit);
                Ok(format!("flipped bit {bit} of the marks of line {line}"))
            }
            Injection::Location(page) => {
                let count = self.geometry.pages() as u64;
                let kept = usize::try_from(page)
                    .ok()
                    .and_then(|page| self.pages.kept_mut(page));
                kept.ok_or(SubstrateError::NoSuchPage { page, count })?
                    .flip(0);
                Ok(format!("flipped bit 0 of the location of page {page}"))
            }
        }
    }

    /// Flips a bit of every number but the tick, of another place in each.
    fn damage_counts(&mut self) -> String {
        let counts = Number::ALL.into_iter().zip(0..).skip(1);
        for (number, bit) in counts {
            self.numbers.flip(number, bit);
        }
        format!(
            "flipped a bit of each of {} totals and counts",
            Number::ALL.len() - 1
        )
    }

    fn stripe_of_cell(&self, cell: CellIndex) -> Result<usize, SubstrateError> {
        let position = self.geometry.locate(cell)?;
        Ok(self.geometry.stripe_of(position.line))
    }

    fn overwrite_parity(&mut self, parity: usize) -> String {
        self.overwrite(parity);
        format!(
            "overwrote the {} with garbage",
            self.geometry.place_of(parity)
        )
    }

    /// Gives a line another magnitude and the checksum that goes with it one generation ago.
    fn make_stale(&mut self, cell: CellIndex) -> Result<String, SubstrateError> {
        let position = self.geometry.locate(cell)?;
        let line = position.line;
        if let Some(magnitude) = self.block_mut(line).get_mut(position.lane.word(MAGNITUDE)) {
            *magnitude ^= 1 << 51;
        }
        let before = self.generation(line).wrapping_sub(1);
        let stale = checksum(self.block(line), line, before);
        self.store_checksum(line, stale);
        Ok(format!(
            "put {} and its checksum back by one change",
            self.geometry.place_of(line)
        ))
    }

    fn overwrite_page(&mut self, page: u64) -> Result<String, SubstrateError> {
        let count = self.geometry.pages() as u64;
        let first = usize::try_from(page)
            .ok()
            .and_then(|page| page.checked_mul(PAGE_LINES))
            .filter(|&first| first < self.geometry.blocks())
            .ok_or(SubstrateError::NoSuchPage { page, count })?;
        let end = (first + PAGE_LINES).min(self.geometry.blocks());
        for block in first..end {
            self.overwrite(block);
        }
        Ok(format!(
            "overwrote page {page} (lines {first} to {}) with garbage",
            end - 1
        ))
    }

    /// Overwrites a block with garbage that depends on its number and its content.
    fn overwrite(&mut self, block: usize) {
        let mut state = block as u64;
        let content: Line = self.block(block).map(|word| {
            // SplitMix64; the lowest bit always changes.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ word;
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed & !1) | (!word & 1)
        });
        *self.block_mut(block) = content;
    }
}

//! Where everything lies: cells in lines, lines in stripes, lines in pages.
//!
//! Blocks are numbered in one row: lines of cells, lines of superpositions, first parity lines,
//! second parity lines.
//! A block's number is its address in its checksum.
//!
//! Invariants:
//! - every stripe has the same number of members, at most [`STRIPE_MEMBERS_MAX`], and two
//!   parity lines;
//! - the blocks of a stripe, parity included, are `stripes` lines apart, and `stripes` is at
//!   least [`PAGE_LINES`] as soon as there are that many lines, so no page holds two of them.

use crate::error::SubstrateError;
use crate::event::Place;
use crate::line::{LANES, Lane};
use abi::CellIndex;
use core::ops::Range;

/// Most data lines that share their parity lines: parity costs an eighth.
pub(crate) const STRIPE_MEMBERS_MAX: usize = 16;
/// Most blocks of a stripe: its members and both parity lines.
pub(crate) const STRIPE_BLOCKS_MAX: usize = STRIPE_MEMBERS_MAX + 2;
/// Neighbouring lines that make a page: 3 KiB.
pub(crate) const PAGE_LINES: usize = 16;
/// Pages that share one spare, in a large field.
const PAGES_PER_SPARE: usize = 256;
/// Spares of a small field.
const SPARE_PAGES_MIN: usize = 4;
/// A grid of up to this many cells has room for a superposition in every cell.
const SUPERPOSITIONS_FOR_ALL_CELLS_MAX: usize = 1 << 16;
/// In larger grids one cell of this many can hold a superposition.
const CELLS_PER_SUPERPOSITION: usize = 16;

/// The sizes of a substrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Cells across.
    pub(crate) width: u32,
    /// Cells down.
    pub(crate) height: u32,
    /// Cells.
    pub(crate) cells: usize,
    /// Lines that hold cells.
    pub(crate) cell_lines: usize,
    /// Lines that hold a superposition each.
    pub(crate) slots: usize,
    /// Lines of data: of cells and of superpositions.
    pub(crate) data_lines: usize,
    /// Stripes, and so parity lines of either kind.
    pub(crate) stripes: usize,
    /// Data lines of each stripe.
    pub(crate) members: usize,
    /// What takes the place of a division by `stripes`: 2^64 - 1, divided by it.
    reciprocal: u64,
}

/// Where a cell is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Its line.
    pub(crate) line: usize,
    /// Its place in the line.
    pub(crate) lane: Lane,
}

impl Geometry {
    /// Sizes for a grid of `width` by `height` cells.
    ///
    /// # Errors
    /// [`SubstrateError::Empty`] or [`SubstrateError::TooLarge`].
    pub(crate) fn new(width: u32, height: u32) -> Result<Self, SubstrateError> {
        if width == 0 || height == 0 {
            return Err(SubstrateError::Empty);
        }
        let cells = u64::from(width) * u64::from(height);
        // Slot numbers are kept in 32 bits, with 0 for none; sizes in bytes have to fit too.
        let cells = u32::try_from(cells)
            .ok()
            .and_then(|cells| usize::try_from(cells).ok())
            .ok_or(SubstrateError::TooLarge)?;
        let slots = if cells <= SUPERPOSITIONS_FOR_ALL_CELLS_MAX {
            cells
        } else {
            SUPERPOSITIONS_FOR_ALL_CELLS_MAX.max(cells / CELLS_PER_SUPERPOSITION)
        };
        let cell_lines = cells.div_ceil(LANES);
        let lines = cell_lines + slots;
        let stripes = lines
            .div_ceil(STRIPE_MEMBERS_MAX)
            .max(PAGE_LINES)
            .min(lines);
        // The last stripes are filled up with places for superpositions.
        let members = lines.div_ceil(stripes);
        let slots = stripes * members - cell_lines;
        Ok(Geometry {
            width,
            height,
            cells,
            cell_lines,
            slots,
            data_lines: cell_lines + slots,
            stripes,
            members,
            reciprocal: u64::MAX / stripes as u64,
        })
    }

    /// Lines of data and of parity.
    pub(crate) const fn blocks(&self) -> usize {
        self.data_lines + 2 * self.stripes
    }

    /// Pages, of which the last may be short.
    pub(crate) const fn pages(&self) -> usize {
        self.blocks().div_ceil(PAGE_LINES)
    }

    /// Spare pages, which lie behind all blocks: one for 256 pages, and four at least.
    pub(crate) const fn spare_pages(&self) -> usize {
        let share = self.pages() / PAGES_PER_SPARE;
        if share > SPARE_PAGES_MIN {
            share
        } else {
            SPARE_PAGES_MIN
        }
    }

    /// Lines of memory: blocks and spares.
    pub(crate) const fn memory_lines(&self) -> usize {
        self.blocks() + self.spare_pages() * PAGE_LINES
    }

    /// Finds a cell.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`] if there is no such cell.
    #[inline]
    pub(crate) fn locate(&self, cell: CellIndex) -> Result<Position, SubstrateError> {
        match usize::try_from(cell.0) {
            Ok(index) if index < self.cells => Ok(Position {
                line: index / LANES,
                lane: Lane::of(index),
            }),
            _ => Err(SubstrateError::OutOfRange {
                cell,
                count: self.cells as u64,
            }),
        }
    }

    /// The data line of slot `slot`.
    pub(crate) const fn slot_line(&self, slot: usize) -> usize {
        self.cell_lines + slot
    }

    /// The stripe of a block.
    #[inline]
    pub(crate) const fn stripe_of(&self, block: usize) -> usize {
        block % self.stripes
    }

    /// The place of a block in its stripe: first the members, then both parity lines.
    #[inline]
    pub(crate) const fn member_of(&self, block: usize) -> usize {
        block / self.stripes
    }

    /// The stripe of a block and its place there, without a division, which takes longer than
    /// all else that finds a line.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a place in a stripe is below 2^32"
    )]
    pub(crate) const fn stripe_and_member_of(&self, block: usize) -> (usize, usize) {
        // Exact for blocks below 2^32: the quotient is short of the true one by less than the
        // 1 that is added before makes it longer (Robison, "N-bit unsigned division via N-bit
        // multiply-add", 2005). Nothing here can overflow, so nothing asks whether it did.
        let product = (block as u128)
            .wrapping_add(1)
            .wrapping_mul(self.reciprocal as u128);
        let member = (product >> u64::BITS) as usize;
        (
            block.wrapping_sub(member.wrapping_mul(self.stripes)),
            member,
        )
    }

    /// The block that holds the first parity of `stripe`.
    pub(crate) const fn parity_of(&self, stripe: usize) -> usize {
        self.data_lines + stripe
    }

    /// The block that holds the second parity of `stripe`.
    pub(crate) const fn second_parity_of(&self, stripe: usize) -> usize {
        self.data_lines + self.stripes + stripe
    }

    /// The blocks of a stripe: its data lines, then its parity lines.
    pub(crate) fn blocks_of(&self, stripe: usize) -> impl Iterator<Item = usize> + use<> {
        (stripe..self.blocks()).step_by(self.stripes)
    }

    /// The data lines of a stripe.
    pub(crate) fn members_of(
        &self,
        stripe: usize,
    ) -> impl DoubleEndedIterator<Item = usize> + use<> {
        (stripe..self.data_lines).step_by(self.stripes)
    }

    /// The lines of cells among `members` of `count` neighbouring stripes, as the scrubber
    /// visits them: from the last member down.
    pub(crate) fn run(
        &self,
        first: usize,
        count: usize,
        members: Range<usize>,
    ) -> impl Iterator<Item = usize> + use<> {
        let (stripes, cell_lines) = (self.stripes, self.cell_lines);
        members
            .rev()
            .map(move |member| member * stripes + first)
            .flat_map(move |block| block..(block + count).min(cell_lines))
    }

    /// What a block holds, in words for an operator.
    pub(crate) fn place_of(&self, block: usize) -> Place {
        if block < self.cell_lines {
            Place::Cells {
                line: block as u64,
                first: CellIndex((block * LANES) as u64),
                count: self.cells_in(block),
            }
        } else if block < self.data_lines {
            Place::Superposition {
                line: block as u64,
                slot: (block - self.cell_lines) as u64,
            }
        } else if self.member_of(block) == self.members {
            Place::Parity {
                stripe: self.stripe_of(block) as u64,
            }
        } else {
            Place::SecondParity {
                stripe: self.stripe_of(block) as u64,
            }
        }
    }

    /// Cells of the grid that a block holds: 0 to 4.
    pub(crate) fn cells_in(&self, block: usize) -> u64 {
        let first = block.saturating_mul(LANES).min(self.cells);
        (self.cells - first).min(LANES) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn every_block_is_in_one_stripe_and_no_page_holds_two_of_a_stripe() {
        for (width, height) in [(1, 1), (3, 5), (8, 8), (64, 64), (300, 300), (7, 1000)] {
            let geometry = Geometry::new(width, height).unwrap();
            let mut seen = vec![0; geometry.blocks()];
            for stripe in 0..geometry.stripes {
                let mut members = 0;
                let mut last_page = None;
                for block in geometry.blocks_of(stripe) {
                    seen[block] += 1;
                    members += 1;
                    assert_eq!(geometry.stripe_of(block), stripe);
                    assert_eq!(geometry.member_of(block), members - 1);
                    if geometry.data_lines > PAGE_LINES {
                        let page = Some(block / PAGE_LINES);
                        assert_ne!(page, last_page, "{width}x{height} stripe {stripe}");
                        last_page = page;
                    }
                }
                assert_eq!(members, geometry.members + 2);
                assert!((3..=STRIPE_BLOCKS_MAX).contains(&members));
                assert_eq!(geometry.member_of(geometry.parity_of(stripe)), members - 2);
                let second = geometry.second_parity_of(stripe);
                assert_eq!(geometry.member_of(second), members - 1);
            }
            assert!(seen.iter().all(|&count| count == 1));
        }
    }

    #[test]
    fn a_block_is_found_in_its_stripe_without_a_division() {
        let sides = [1, 2, 3, 5, 64, 300, 1000, 4096, 20_000, 65_535];
        for (width, height) in sides.iter().flat_map(|&w| sides.map(|h| (w, h))) {
            let geometry = Geometry::new(width, height).unwrap();
            let last = geometry.blocks() - 1;
            let edges = (0..=17).flat_map(|member| {
                let edge = member * geometry.stripes;
                [edge.saturating_sub(1), edge, edge + 1]
            });
            for block in edges
                .chain((0..1000).map(|i| last / 1000 * i))
                .chain([last])
            {
                let found = geometry.stripe_and_member_of(block);
                let expected = (geometry.stripe_of(block), geometry.member_of(block));
                assert_eq!(found, expected, "block {block} of {width} x {height}");
            }
        }
    }

    #[test]
    fn grids_without_cells_or_beyond_32_bits_are_refused() {
        assert_eq!(Geometry::new(0, 5).unwrap_err(), SubstrateError::Empty);
        assert_eq!(Geometry::new(5, 0).unwrap_err(), SubstrateError::Empty);
        let huge = Geometry::new(u32::MAX, u32::MAX).unwrap_err();
        assert_eq!(huge, SubstrateError::TooLarge);
    }
}

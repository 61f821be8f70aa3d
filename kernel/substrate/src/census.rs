//! Which cells are lost and which hold a superposition, known without a walk.
//!
//! Owns a few bits for each line of cells, kept beside the guarded memory, so that the counts
//! and the wounds on the map need no walk over a large field, and for each superposition whose it
//! is. Bits of a line are kept as a product, which shows up to six flipped bits; the line itself
//! has them too, so they are taken from there anew: see `guard/recount.rs`.
//!
//! Invariant: the bits are those of the lines, as far as the guard knows the lines: damage that
//! nobody has found yet is not in them.

use crate::defect::{Defect, planted};
use crate::error::SubstrateError;
use crate::geometry::Geometry;
use crate::kept::Kept;
use crate::line::{LANES, Lane};
use alloc::vec::Vec;

/// First bits of the kinds of mark in a line's word; each kind has one bit a cell.
const POISONED: usize = 0;
const SUPERPOSED: usize = 4;
const LOST: usize = 8;
/// Marks are kept as their product with this: any two products, of 32 bits, are seven powers of two
/// apart. The first such factor of 20 bits, found by trying all.
const FACTOR: u32 = 0x8_0959;

/// What is known of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CellMarks {
    /// Its content was lost.
    pub(crate) poisoned: bool,
    /// It holds a superposition.
    pub(crate) superposed: bool,
    /// It holds a superposition that was lost.
    pub(crate) superposition_lost: bool,
}

/// The marks of all cells.
#[derive(Clone, Debug)]
pub(crate) struct Census {
    /// For each line of cells its marks, as a product.
    lines: Vec<u32>,
    /// For each slot the cell that it was given to last, plus 1; 0 for none.
    pub(crate) owners: Vec<Kept>,
}

/// Cells with each kind of mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) poisoned: u64,
    pub(crate) superposed: u64,
    pub(crate) lost: u64,
}

impl Totals {
    /// The totals of one line.
    pub(crate) fn of_line(marks: u16) -> Self {
        Totals {
            poisoned: count(marks, POISONED),
            superposed: count(marks, SUPERPOSED),
            lost: count(marks, LOST),
        }
    }
}

/// Marks in the form in which they are kept.
#[inline(always)]
const fn product(marks: u16) -> u32 {
    // Twelve bits and twenty.
    (marks as u32).wrapping_mul(FACTOR)
}

/// The bit of one kind of mark for one cell.
fn bit(kind: usize, lane: Lane) -> u16 {
    1 << (kind + lane.number())
}

/// Marks of one kind in a line's word.
fn count(marks: u16, kind: usize) -> u64 {
    u64::from((marks >> kind & 0xf).count_ones())
}

/// The marks of a line of `cells` cells that are all lost.
pub(crate) fn all_poisoned(cells: u64) -> u16 {
    Lane::ALL
        .iter()
        .take(usize::try_from(cells).unwrap_or(LANES))
        .fold(0, |marks, &lane| marks | bit(POISONED, lane))
}

/// The marks that the flag bytes of a line of cells stand for, none of them lost.
#[inline(always)]
pub(crate) fn marks_of_flags(flags: u64) -> u16 {
    let marks = (gathered(flags >> 7) << POISONED) | (gathered(flags) << SUPERPOSED);
    // Eight bits.
    u16::from(marks.to_le_bytes()[0])
}

/// The lowest bits of the four lowest bytes, side by side.
#[inline(always)]
const fn gathered(bytes: u64) -> u64 {
    // The four shifts of the product put one bit each where it belongs, and never two in one
    // place.
    ((bytes & 0x0101_0101).wrapping_mul(0x0102_0408) >> 24) & 0xf
}

impl CellMarks {
    /// The marks as bits of the line's word.
    pub(crate) fn bits(self, lane: Lane) -> u16 {
        let mut bits = 0;
        for (is_set, kind) in [
            (self.poisoned, POISONED),
            (self.superposed, SUPERPOSED),
            (self.superposition_lost, LOST),
        ] {
            if is_set {
                bits |= bit(kind, lane);
            }
        }
        bits
    }
}

impl Census {
    /// The census of a field of initial cells.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfMemory`].
    pub(crate) fn new(geometry: &Geometry) -> Result<Self, SubstrateError> {
        let out_of_memory = |_| SubstrateError::OutOfMemory {
            bytes: Self::bytes_for(geometry),
        };
        let mut lines = Vec::new();
        lines
            .try_reserve_exact(geometry.cell_lines)
            .map_err(out_of_memory)?;
        lines.resize(geometry.cell_lines, 0);
        let mut owners = Vec::new();
        owners
            .try_reserve_exact(geometry.slots)
            .map_err(out_of_memory)?;
        owners.resize(geometry.slots, Kept::new(0));
        Ok(Census { lines, owners })
    }

    /// Bytes of memory that the census of a geometry takes.
    pub(crate) const fn bytes_for(geometry: &Geometry) -> u64 {
        let lines = (geometry.cell_lines as u64).saturating_mul(size_of::<u32>() as u64);
        lines.saturating_add((geometry.slots as u64).saturating_mul(size_of::<Kept>() as u64))
    }

    /// Bytes of memory that the census takes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        (size_of_val(self.lines.as_slice()) + size_of_val(self.owners.as_slice())) as u64
    }

    /// Whether a line of cells has these marks; there are none beyond the last line.
    #[inline(always)]
    pub(crate) fn has(&self, line: usize, marks: u16) -> bool {
        self.lines.get(line).copied().unwrap_or_default() == product(marks)
    }

    /// The marks of a line of cells, 0 beyond the last; `None` if they are damaged.
    #[inline]
    pub(crate) fn marks_of_line(&self, line: usize) -> Option<u16> {
        let kept = self.lines.get(line).copied().unwrap_or_default();
        let marks = u16::try_from(kept / FACTOR).ok()?;
        (product(marks) == kept || planted(Defect::TrustMarks)).then_some(marks)
    }

    /// Sets all marks of a line of cells.
    #[inline]
    pub(crate) fn set_line(&mut self, line: usize, marks: u16) {
        if let Some(place) = self.lines.get_mut(line) {
            *place = product(marks);
        }
    }

    /// Flips a bit of what is kept of a line's marks.
    pub(crate) fn flip(&mut self, line: usize, bit: u32) {
        if let Some(place) = self.lines.get_mut(line) {
            *place ^= 1 << (bit % u32::BITS);
        }
    }
}

/// What the marks of a line tell of one of its cells.
pub(crate) fn marks_of_cell(marks: u16, lane: Lane) -> CellMarks {
    let has = |kind| marks & bit(kind, lane) != 0;
    CellMarks {
        poisoned: has(POISONED),
        superposed: has(SUPERPOSED),
        superposition_lost: has(LOST),
    }
}

/// The marks of a line with those of one cell replaced.
pub(crate) fn with_cell(marks: u16, lane: Lane, cell: CellMarks) -> u16 {
    let all = CellMarks {
        poisoned: true,
        superposed: true,
        superposition_lost: true,
    };
    marks & !all.bits(lane) | cell.bits(lane)
}

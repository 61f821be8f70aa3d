//! Which cells are lost and which hold a superposition, counted on every change.
//!
//! Owns a few bits for each line of cells, kept beside the guarded memory, so that the counts
//! and the wounds on the map need no walk over a large field. The scrubber compares them with
//! the lines that it has verified, and sets them right.
//!
//! Invariant: the counts are those of the bits, and the bits those of the lines, as far as the
//! guard knows the lines: damage that nobody has found yet is in neither.

use crate::error::SubstrateError;
use crate::geometry::{Geometry, Position};
use crate::line::{LANES, Lane};
use abi::CellIndex;
use alloc::vec::Vec;

/// First bits of the kinds of mark in a line's word; each kind has one bit a cell.
const POISONED: usize = 0;
const SUPERPOSED: usize = 4;
const LOST: usize = 8;

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

/// The marks of all cells, and their counts.
#[derive(Clone, Debug)]
pub(crate) struct Census {
    /// For each line of cells its marks.
    lines: Vec<u16>,
    /// For each slot the cell that it was given to last, plus 1; 0 for none. Cells have numbers
    /// below 2^32 - 1.
    owners: Vec<u32>,
    poisoned: u64,
    superposed: u64,
    lost: u64,
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
        owners.resize(geometry.slots, 0);
        Ok(Census {
            lines,
            owners,
            poisoned: 0,
            superposed: 0,
            lost: 0,
        })
    }

    /// Bytes of memory that the census of a geometry takes.
    pub(crate) const fn bytes_for(geometry: &Geometry) -> u64 {
        let lines = (geometry.cell_lines as u64).saturating_mul(size_of::<u16>() as u64);
        lines.saturating_add((geometry.slots as u64).saturating_mul(size_of::<u32>() as u64))
    }

    /// Bytes of memory that the census takes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        (size_of_val(self.lines.as_slice()) + size_of_val(self.owners.as_slice())) as u64
    }

    /// Cells now lost, by themselves or by their superposition.
    pub(crate) const fn poisoned(&self) -> u64 {
        self.poisoned.saturating_add(self.lost)
    }

    /// Cells that hold a superposition.
    pub(crate) const fn superposed(&self) -> u64 {
        self.superposed
    }

    /// Whether no cell has a mark.
    pub(crate) const fn is_clear(&self) -> bool {
        self.poisoned == 0 && self.superposed == 0
    }

    /// The marks of a line of cells; 0 for none.
    #[inline]
    pub(crate) fn marks_of_line(&self, line: usize) -> u16 {
        self.lines.get(line).copied().unwrap_or_default()
    }

    /// What is known of one cell.
    pub(crate) fn marks_of(&self, position: Position) -> CellMarks {
        let marks = self.marks_of_line(position.line);
        let has = |kind| marks & bit(kind, position.lane) != 0;
        CellMarks {
            poisoned: has(POISONED),
            superposed: has(SUPERPOSED),
            superposition_lost: has(LOST),
        }
    }

    /// Sets all marks of a line of cells.
    #[inline]
    pub(crate) fn set_line(&mut self, line: usize, marks: u16) {
        let Some(place) = self.lines.get_mut(line) else {
            return;
        };
        let was = core::mem::replace(place, marks);
        if was == marks {
            return;
        }
        for (total, kind) in [
            (&mut self.poisoned, POISONED),
            (&mut self.superposed, SUPERPOSED),
            (&mut self.lost, LOST),
        ] {
            *total = total
                .wrapping_add(count(marks, kind))
                .wrapping_sub(count(was, kind));
        }
    }

    /// A lost cell was written anew.
    pub(crate) fn begin_anew(&mut self, position: Position) {
        self.set_cell(
            position,
            CellMarks {
                poisoned: false,
                superposed: false,
                superposition_lost: false,
            },
        );
    }

    /// A cell was given a superposition, kept in `slot`.
    pub(crate) fn superpose(&mut self, position: Position, cell: CellIndex, slot: usize) {
        if let (Some(owner), Ok(cell)) = (self.owners.get_mut(slot), u32::try_from(cell.0)) {
            *owner = cell.saturating_add(1);
        }
        self.set_cell(
            position,
            CellMarks {
                poisoned: false,
                superposed: true,
                superposition_lost: false,
            },
        );
    }

    /// The cell that a slot was given to last.
    pub(crate) fn owner_of(&self, slot: usize) -> Option<CellIndex> {
        let owner = self.owners.get(slot)?.checked_sub(1)?;
        Some(CellIndex(u64::from(owner)))
    }

    /// The superposition of a cell was lost, unless the cell holds none.
    pub(crate) fn lose_superposition(&mut self, position: Position) {
        let mut marks = self.marks_of(position);
        marks.superposition_lost = marks.superposed;
        self.set_cell(position, marks);
    }

    fn set_cell(&mut self, position: Position, marks: CellMarks) {
        let all = CellMarks {
            poisoned: true,
            superposed: true,
            superposition_lost: true,
        };
        let others = self.marks_of_line(position.line) & !all.bits(position.lane);
        self.set_line(position.line, others | marks.bits(position.lane));
    }
}

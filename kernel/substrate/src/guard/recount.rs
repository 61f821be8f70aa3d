//! The census, kept in step with the lines: every change of it, and its healing from them.
//!
//! The scrubber compares the marks with the lines that it has verified. Damaged marks, wherever
//! they are met, are taken from their verified line anew. What they did to the totals cannot be
//! told then, so the totals are counted anew from all marks.
//!
//! Invariant: after a recount the census has the marks of the lines. Whether a superposition was
//! lost is looked up only where the census says so or is wrong about the line, and not while
//! the superposition's own line is damaged.

use super::Guard;
use crate::census::{CellMarks, Totals, marks_of_cell, marks_of_flags, with_cell};
use crate::checksum::Line;
use crate::defect::{Defect, planted};
use crate::event::{Action, Place};
use crate::geometry::Position;
use crate::kept::Kept;
use crate::line::{self, FLAGS, LANES, Lane, POISONED, SUPERPOSED};
use crate::numbers::Number;
use abi::CellIndex;

impl Guard {
    /// Whether the census has the marks of a line of cells with this content, and none of them needs a look at
    /// another line.
    #[inline(always)]
    pub(super) fn is_counted(&self, block: usize, content: &Line) -> bool {
        let flags = line::word(content, FLAGS);
        self.census.has(block, marks_of_flags(flags))
    }

    /// Sets the census right by a run of whole stripes.
    #[cold]
    pub(super) fn recount(&mut self, first: usize, count: usize) {
        for block in self.geometry.run(first, count, 0..self.geometry.members) {
            if !self.is_counted(block, self.block(block)) {
                self.recount_line(block);
            }
        }
    }

    /// Sets the marks of a whole line of cells by its verified content.
    fn recount_line(&mut self, block: usize) {
        let cells = self.geometry.cells_in(block);
        let mut marks = 0;
        for lane in Lane::ALL {
            if lane.number() as u64 >= cells {
                break;
            }
            let flags = line::flags(self.block(block), lane);
            let poisoned = flags & POISONED != 0;
            let superposed = flags & SUPERPOSED != 0 && !poisoned;
            let position = Position { line: block, lane };
            let superposition_lost = superposed && self.is_superposition_lost(position);
            let cell = CellMarks {
                poisoned,
                superposed,
                superposition_lost,
            };
            marks |= cell.bits(lane);
        }
        self.set_marks(block, marks);
    }

    /// Whether the slot that a cell names, in a verified line, holds no superposition of it.
    fn is_superposition_lost(&mut self, position: Position) -> bool {
        let Some(slot) = line::slot(self.block(position.line), position.lane)
            .filter(|&slot| slot < self.geometry.slots)
        else {
            return true;
        };
        let slot_line = self.geometry.slot_line(slot);
        if !self.is_whole(slot_line) {
            // Its own repair tells the census if it is beyond repair.
            if let Some(marks) = self.census.marks_of_line(position.line) {
                return marks_of_cell(marks, position.lane).superposition_lost;
            }
            let _ = self.verify(slot_line);
        }
        let cell = CellIndex((position.line * LANES + position.lane.number()) as u64);
        !line::holds_superposition_of(self.block(slot_line), cell)
    }

    /// The marks of a line of cells; damaged ones are set right by the line, verified.
    pub(crate) fn marks_of_line(&mut self, line: usize) -> u16 {
        match self.census.marks_of_line(line) {
            Some(marks) => marks,
            None => self.mend_marks(line),
        }
    }

    #[cold]
    fn mend_marks(&mut self, line: usize) -> u16 {
        let _ = self.verify(line);
        self.recount_line(line);
        self.census.marks_of_line(line).unwrap_or_default()
    }

    /// Sets all marks of a line of cells, and moves the totals; tells of damage to the old marks.
    pub(super) fn set_marks(&mut self, line: usize, marks: u16) {
        let was = self.census.marks_of_line(line);
        if was == Some(marks) {
            return;
        }
        self.census.set_line(line, marks);
        let Some(was) = was else {
            self.totals_are_due = !planted(Defect::KeepTotals);
            let place = Place::Marks { line: line as u64 };
            self.note_mended(place, Action::Recounted);
            return;
        };
        let (is, was) = (Totals::of_line(marks), Totals::of_line(was));
        for (number, is, was) in [
            (Number::PoisonedNow, is.poisoned, was.poisoned),
            (Number::SuperposedNow, is.superposed, was.superposed),
            (Number::LostNow, is.lost, was.lost),
        ] {
            self.numbers.add(number, is.wrapping_sub(was));
        }
    }

    fn set_marks_of_cell(&mut self, position: Position, marks: CellMarks) {
        let others = self.marks_of_line(position.line);
        self.set_marks(position.line, with_cell(others, position.lane, marks));
    }

    /// A lost cell was written anew.
    pub(crate) fn census_begins_anew(&mut self, position: Position) {
        let marks = CellMarks {
            poisoned: false,
            superposed: false,
            superposition_lost: false,
        };
        self.set_marks_of_cell(position, marks);
    }

    /// A cell was given a superposition, kept in `slot`.
    pub(crate) fn census_superposes(&mut self, position: Position, cell: CellIndex, slot: usize) {
        self.mend_owner(slot);
        if let Some(owner) = self.census.owners.get_mut(slot) {
            *owner = Kept::new(cell.0.saturating_add(1));
        }
        let marks = CellMarks {
            poisoned: false,
            superposed: true,
            superposition_lost: false,
        };
        self.set_marks_of_cell(position, marks);
    }

    /// The superposition in `slot` was lost.
    pub(super) fn census_loses_slot(&mut self, slot: usize) {
        let owner = self.mend_owner(slot).checked_sub(1).map(CellIndex);
        let Some(position) = owner.and_then(|owner| self.geometry.locate(owner).ok()) else {
            return;
        };
        // A cell that was lost and begun anew may have another slot by now. If its own line is
        // damaged too, the scrubber's recount decides.
        let holds_another = self.is_whole(position.line)
            && line::slot(self.block(position.line), position.lane) != Some(slot);
        if !holds_another && !planted(Defect::ForgetLostSuperposition) {
            let mut marks = marks_of_cell(self.marks_of_line(position.line), position.lane);
            marks.superposition_lost = marks.superposed;
            self.set_marks_of_cell(position, marks);
        }
    }

    /// The cell whose whole line names `slot`, plus 1; 0 if there is none.
    pub(super) fn owner_by_lines(&self, slot: usize) -> u64 {
        let cells = (0..self.geometry.cell_lines)
            .filter(|&line| self.is_whole(line))
            .flat_map(|line| Lane::ALL.map(|lane| Position { line, lane }));
        cells
            .filter(|position| !line::is_poisoned(self.block(position.line), position.lane))
            .find(|position| line::slot(self.block(position.line), position.lane) == Some(slot))
            .map_or(0, |position| {
                (position.line * LANES + position.lane.number()) as u64 + 1
            })
    }

    /// Counts the marks of all lines, once those that are damaged are set right.
    pub(super) fn totals_by_marks(&mut self) -> Totals {
        let mut totals = Totals::default();
        for line in 0..self.geometry.cell_lines {
            let of_line = Totals::of_line(self.marks_of_line(line));
            totals.poisoned += of_line.poisoned;
            totals.superposed += of_line.superposed;
            totals.lost += of_line.lost;
        }
        totals
    }

    /// Sets the totals right if damaged marks have made them doubtful.
    #[inline]
    pub(crate) fn settle_totals(&mut self) {
        if self.totals_are_due {
            self.recount_totals();
        }
    }

    #[cold]
    fn recount_totals(&mut self) {
        let totals = self.totals_by_marks();
        self.totals_are_due = false;
        for (number, total) in [
            (Number::PoisonedNow, totals.poisoned),
            (Number::SuperposedNow, totals.superposed),
            (Number::LostNow, totals.lost),
        ] {
            self.mend(number);
            self.numbers.set(number, total);
        }
    }

    /// Cells now lost, by themselves or by their superposition, and cells that hold one.
    pub(crate) fn lost_and_superposed(&mut self) -> (u64, u64) {
        self.settle_totals();
        let lost = self
            .mend(Number::PoisonedNow)
            .saturating_add(self.mend(Number::LostNow));
        (lost, self.mend(Number::SuperposedNow))
    }
}

//! Compares the census with the lines that the scrubber has verified, and sets it right.
//!
//! Invariant: afterwards the census has the marks of the lines. Whether a superposition was
//! lost is looked up only where the census says so or is wrong about the line, and not while
//! the superposition's own line is damaged.

use super::Guard;
use crate::census::{CellMarks, marks_of_flags};
use crate::checksum::Line;
use crate::geometry::Position;
use crate::line::{self, FLAGS, LANES, Lane, POISONED, SUPERPOSED};
use abi::CellIndex;

impl Guard {
    /// Whether the census has the marks of a line of cells with this content, and none of them needs a look at
    /// another line.
    #[inline(always)]
    pub(super) fn is_counted(&self, block: usize, content: &Line) -> bool {
        let flags = line::word(content, FLAGS);
        self.census.marks_of_line(block) == marks_of_flags(flags)
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

    /// Sets the marks of a whole line of cells.
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
        self.census.set_line(block, marks);
    }

    /// Whether the slot that a cell names, in a verified line, holds no superposition of it.
    fn is_superposition_lost(&self, position: Position) -> bool {
        let Some(slot) = line::slot(self.block(position.line), position.lane)
            .filter(|&slot| slot < self.geometry.slots)
        else {
            return true;
        };
        let slot_line = self.geometry.slot_line(slot);
        if !self.is_whole(slot_line) {
            // Its own repair tells the census if it is beyond repair.
            return self.census.marks_of(position).superposition_lost;
        }
        let cell = CellIndex((position.line * LANES + position.lane.number()) as u64);
        !line::holds_superposition_of(self.block(slot_line), cell)
    }
}

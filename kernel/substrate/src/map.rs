//! Draws the field with characters: magnitude, superpositions, wounds.
//!
//! Invariant: at most 64 characters across and 64 lines down; in a larger grid a character
//! stands for a square of cells and shows the worst of them: poison, then a superposition,
//! then the greatest magnitude.

use crate::Substrate;
use crate::error::SubstrateError;
use crate::line::SUPERPOSED;
use abi::CellIndex;
use core::fmt;

/// Most characters across, and down.
const SIDE_MAX: u32 = 64;
/// Characters for magnitudes, from 0 to 1000 in even steps.
const RAMP: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];
/// Magnitude that one character of the ramp covers.
const STEP: f64 = 100.0;
/// A poisoned cell.
const WOUND: char = '!';
/// A cell with a superposition.
const WAVY: char = '~';

/// What a character of the map stands for; the greatest of a square is drawn.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Mark {
    Magnitude(f64),
    Superposition,
    Poisoned,
}

impl Mark {
    fn character(self) -> char {
        match self {
            Mark::Poisoned => WOUND,
            Mark::Superposition => WAVY,
            Mark::Magnitude(magnitude) => RAMP
                .iter()
                .zip(1_u32..)
                .find(|&(_, step)| magnitude < STEP * f64::from(step))
                .map_or('@', |(&character, _)| character),
        }
    }
}

impl Substrate {
    /// Draws the field, one line of text for each row of the map, and a legend.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn map(&mut self, out: &mut dyn fmt::Write) -> fmt::Result {
        let (width, height) = (self.width(), self.height());
        let square = width.max(height).div_ceil(SIDE_MAX);
        for top in (0..height).step_by(square as usize) {
            for left in (0..width).step_by(square as usize) {
                out.write_char(self.mark_of(left, top, square).character())?;
            }
            out.write_char('\n')?;
        }
        write!(
            out,
            "one character: {square} x {square} cells; magnitude by hundreds: '"
        )?;
        RAMP.iter().try_for_each(|&step| out.write_char(step))?;
        writeln!(out, "'; superposition '{WAVY}'; poisoned '{WOUND}'")
    }

    /// The greatest mark of a square of cells, cut at the edges of the grid.
    fn mark_of(&mut self, left: u32, top: u32, square: u32) -> Mark {
        let (width, height) = (self.width(), self.height());
        let mut greatest = Mark::Magnitude(0.0);
        for y in top..top.saturating_add(square).min(height) {
            for x in left..left.saturating_add(square).min(width) {
                let cell = CellIndex(u64::from(y) * u64::from(width) + u64::from(x));
                let mark = self.mark_of_cell(cell);
                if mark > greatest {
                    greatest = mark;
                }
            }
        }
        greatest
    }

    fn mark_of_cell(&mut self, cell: CellIndex) -> Mark {
        let Ok(view) = self.look(cell) else {
            return Mark::Poisoned;
        };
        if view.flags & SUPERPOSED == 0 {
            return Mark::Magnitude(view.magnitude);
        }
        match self.with_superposition(cell, |_| ()) {
            Ok(()) => Mark::Superposition,
            Err(SubstrateError::NoSuperposition(_)) => Mark::Magnitude(view.magnitude),
            Err(_) => Mark::Poisoned,
        }
    }
}

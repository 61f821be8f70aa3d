//! Draws the field with characters: magnitude, superpositions, wounds.
//!
//! Invariants:
//! - at most 64 characters across and 64 lines down; in a larger grid a character stands for
//!   a square of cells and shows the worst of them: poison, then a superposition, then the
//!   greatest magnitude;
//! - in a field too large to look at every cell, no wound and no superposition is left out:
//!   they come from the census; of magnitudes the legend says how many are looked at.

use crate::Substrate;
use crate::census::marks_of_cell;
use crate::line::{LANES, Lane, SUPERPOSED};
use crate::status::WALKED_CELLS_MAX;
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

/// Cells looked at across a square, and down, in a large field.
const SAMPLES_ACROSS: u32 = 4;

/// The cells that one character stands for, cut at the edges of the grid.
#[derive(Clone, Copy, Debug)]
struct Square {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

/// What a character of the map stands for.
#[derive(Clone, Copy, Debug)]
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
        let side = width.max(height).div_ceil(SIDE_MAX);
        let apart = if self.guard.geometry.cells <= WALKED_CELLS_MAX {
            1
        } else {
            side.div_ceil(SAMPLES_ACROSS)
        };
        for top in (0..height).step_by(side as usize) {
            for left in (0..width).step_by(side as usize) {
                let square = Square {
                    left,
                    top,
                    right: left.saturating_add(side).min(width),
                    bottom: top.saturating_add(side).min(height),
                };
                out.write_char(self.mark_of(square, apart).character())?;
            }
            out.write_char('\n')?;
        }
        write!(
            out,
            "one character: {side} x {side} cells; magnitude by hundreds: '"
        )?;
        RAMP.iter().try_for_each(|&step| out.write_char(step))?;
        out.write_char('\'')?;
        if apart > 1 {
            write!(out, " of one cell in {apart} x {apart}")?;
        }
        writeln!(out, "; superposition '{WAVY}'; poisoned '{WOUND}'")
    }

    /// The greatest mark of a square of cells, of whose magnitudes one in `apart` is looked at
    /// each way.
    fn mark_of(&mut self, square: Square, apart: u32) -> Mark {
        let mut greatest = 0.0_f64;
        for y in (square.top..square.bottom).step_by(apart as usize) {
            for x in (square.left..square.right).step_by(apart as usize) {
                let cell = u64::from(y) * u64::from(self.width()) + u64::from(x);
                // Looking finds new wounds, which the census then shows.
                if let Ok(view) = self.look(CellIndex(cell)) {
                    greatest = greatest.max(view.magnitude);
                    if view.flags & SUPERPOSED != 0 {
                        let _ = self.with_superposition(view.cell, |_| ());
                    }
                }
            }
        }
        self.wound_of(square).unwrap_or(Mark::Magnitude(greatest))
    }

    /// The worst of what the census knows of a square of cells.
    fn wound_of(&mut self, square: Square) -> Option<Mark> {
        if self.guard.lost_and_superposed() == (0, 0) {
            return None;
        }
        let mut worst = None;
        let width = self.width() as usize;
        for y in square.top..square.bottom {
            let first = y as usize * width + square.left as usize;
            let end = y as usize * width + square.right as usize;
            for line in first / LANES..end.div_ceil(LANES) {
                let of_line = self.guard.marks_of_line(line);
                if of_line == 0 {
                    continue;
                }
                for cell in (line * LANES).max(first)..((line + 1) * LANES).min(end) {
                    let lane = Lane::of(cell);
                    let marks = marks_of_cell(of_line, lane);
                    if marks.poisoned || marks.superposition_lost {
                        return Some(Mark::Poisoned);
                    }
                    if marks.superposed {
                        worst = Some(Mark::Superposition);
                    }
                }
            }
        }
        worst
    }
}

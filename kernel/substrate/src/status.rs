//! Counts, averages and extremes of the field.
//!
//! Invariants:
//! - up to [`WALKED_CELLS_MAX`] cells, means and extremes are of this very moment, and the
//!   sums run over the cells in their order, so that they have the same bits everywhere;
//! - in a larger field they come from the scrubber's last whole walk, and say as of when;
//! - every number that it shows was healed before;
//! - counts are of this moment at every size; poisoned cells are counted and left out of the
//!   means.

use crate::Substrate;
use crate::line::{self, COHERENCE, LANES, Lane, MAGNITUDE, SUPERPOSED};
use crate::survey::Figures;
use abi::CellIndex;
use abi::response::{FiguresAge, SubstrateStatus};

/// Cells that a status walks over.
pub(crate) const WALKED_CELLS_MAX: usize = 1 << 16;

impl Substrate {
    /// Counts, means and extremes; means and extremes are 0 if no cell is readable.
    ///
    /// Up to 65536 cells this verifies them all; in a larger field it costs the same at every
    /// size, and [`SubstrateStatus::figures`] says how old the means and extremes are.
    /// A cell whose superposition was lost counts as poisoned until a new one is stored.
    pub fn status(&mut self) -> SubstrateStatus {
        self.guard.mend_numbers();
        let (figures, age) = if self.guard.geometry.cells <= WALKED_CELLS_MAX {
            (self.walk(), FiguresAge::Current)
        } else {
            self.guard.figures()
        };
        let tick = self.guard.now();
        let (poisoned, superpositions) = self.guard.lost_and_superposed();
        let counters = self.guard.numbers.counters();
        SubstrateStatus {
            width: self.guard.geometry.width,
            height: self.guard.geometry.height,
            tick,
            figures: age,
            magnitude_mean: figures.magnitude_mean,
            magnitude_min: figures.magnitude_min,
            magnitude_max: figures.magnitude_max,
            coherence_mean: figures.coherence_mean,
            superpositions,
            cells_read: counters.cells_read,
            cells_written: counters.cells_written,
            checksum_failures: counters.checksum_failures,
            parity_failures: counters.parity_failures,
            repairs: counters.repairs.total(),
            poisoned,
            scrub_passes: counters.scrub_passes,
        }
    }

    /// Verifies all cells and sums them up in their order.
    fn walk(&mut self) -> Figures {
        self.settle_all();
        let mut sums = Sums::default();
        for line in 0..self.guard.geometry.cell_lines {
            self.add_line(line, &mut sums);
        }
        let mean = |sum: f64| {
            if sums.readable == 0 {
                0.0
            } else {
                sum / sums.readable as f64
            }
        };
        Figures {
            magnitude_mean: mean(sums.magnitude),
            magnitude_min: sums.magnitude_min.unwrap_or(0.0),
            magnitude_max: sums.magnitude_max,
            coherence_mean: mean(sums.coherence),
        }
    }

    /// Verifies a line of cells once, and adds its cells.
    fn add_line(&mut self, line: usize, sums: &mut Sums) {
        let cells = self.guard.geometry.cells_in(line);
        let verified = self.guard.verify(line);
        let content = *self.guard.line(&verified);
        for (lane, index) in Lane::ALL.into_iter().zip(0..cells) {
            let flags = line::flags(&content, lane);
            if flags & line::POISONED != 0 {
                continue;
            }
            sums.add(
                line::number(&content, MAGNITUDE, lane),
                line::number(&content, COHERENCE, lane),
            );
            if flags & SUPERPOSED != 0 {
                // Looking at it is enough: if it was lost, the census is told.
                let cell = CellIndex((line * LANES) as u64 + index);
                let _ = self.with_superposition(cell, |_| ());
            }
        }
    }
}

#[derive(Default)]
struct Sums {
    readable: u64,
    magnitude: f64,
    coherence: f64,
    magnitude_min: Option<f64>,
    magnitude_max: f64,
}

impl Sums {
    fn add(&mut self, magnitude: f64, coherence: f64) {
        self.readable += 1;
        self.magnitude += magnitude;
        self.coherence += coherence;
        self.magnitude_max = self.magnitude_max.max(magnitude);
        self.magnitude_min = Some(self.magnitude_min.map_or(magnitude, |m| m.min(magnitude)));
    }
}

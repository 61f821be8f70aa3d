//! Counts, averages and extremes of the field.
//!
//! Invariants:
//! - up to [`WALKED_CELLS_MAX`] cells, means and extremes are of this very moment, and the
//!   sums run over the cells in their order, so that they have the same bits everywhere;
//! - in a larger field they come from the scrubber's last whole walk, and say as of when;
//! - counts are of this moment at every size; poisoned cells are counted and left out of the
//!   means.

use crate::Substrate;
use crate::line::{self, COHERENCE, Lane, MAGNITUDE, SUPERPOSED};
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
        let (figures, age) = if self.guard.geometry.cells <= WALKED_CELLS_MAX {
            (self.walk(), FiguresAge::Current)
        } else {
            self.guard.survey.figures(self.guard.moment())
        };
        let counters = &self.guard.counters;
        SubstrateStatus {
            width: self.guard.geometry.width,
            height: self.guard.geometry.height,
            tick: self.guard.now,
            figures: age,
            magnitude_mean: figures.magnitude_mean,
            magnitude_min: figures.magnitude_min,
            magnitude_max: figures.magnitude_max,
            coherence_mean: figures.coherence_mean,
            superpositions: self.guard.census.superposed(),
            cells_read: counters.cells_read,
            cells_written: counters.cells_written,
            checksum_failures: counters.checksum_failures,
            parity_failures: counters.parity_failures,
            repairs: counters.repairs.total(),
            poisoned: self.guard.census.poisoned(),
            scrub_passes: counters.scrub_passes,
        }
    }

    /// Verifies all cells and sums them up in their order.
    fn walk(&mut self) -> Figures {
        self.settle_all();
        let mut sums = Sums::default();
        for index in 0..self.guard.geometry.cells {
            self.add_cell(index, &mut sums);
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

    fn add_cell(&mut self, index: usize, sums: &mut Sums) {
        let lane = Lane::of(index);
        let verified = self.guard.verify(index / line::LANES);
        let line = self.guard.line(&verified);
        let flags = line::flags(line, lane);
        if flags & line::POISONED != 0 {
            return;
        }
        let magnitude = line::number(line, MAGNITUDE, lane);
        sums.readable += 1;
        sums.magnitude += magnitude;
        sums.coherence += line::number(line, COHERENCE, lane);
        sums.magnitude_max = sums.magnitude_max.max(magnitude);
        sums.magnitude_min = Some(sums.magnitude_min.map_or(magnitude, |m| m.min(magnitude)));
        if flags & SUPERPOSED != 0 {
            // Looking at it is enough: if it was lost, the census is told.
            let _ = self.with_superposition(CellIndex(index as u64), |_| ());
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

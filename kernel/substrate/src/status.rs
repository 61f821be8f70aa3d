//! Counts, averages and extremes of the field.
//!
//! Invariant: sums run over the cells in their order, so that they have the same bits
//! everywhere; poisoned cells are counted and otherwise left out.

use crate::Substrate;
use crate::line::{self, COHERENCE, Lane, MAGNITUDE, SUPERPOSED};
use abi::CellIndex;
use abi::response::SubstrateStatus;

impl Substrate {
    /// Verifies all cells and sums them up; means and extremes are 0 if no cell is readable.
    ///
    /// A cell whose superposition was lost counts as poisoned until a new one is stored.
    pub fn status(&mut self) -> SubstrateStatus {
        self.settle_all();
        let mut field = Sums::default();
        for index in 0..self.guard.geometry.cells {
            self.add_cell(index, &mut field);
        }
        let mean = |sum: f64| {
            if field.readable == 0 {
                0.0
            } else {
                sum / field.readable as f64
            }
        };
        let counters = &self.guard.counters;
        SubstrateStatus {
            width: self.guard.geometry.width,
            height: self.guard.geometry.height,
            tick: self.guard.now,
            magnitude_mean: mean(field.magnitude),
            magnitude_min: field.magnitude_min.unwrap_or(0.0),
            magnitude_max: field.magnitude_max,
            coherence_mean: mean(field.coherence),
            superpositions: field.superpositions,
            cells_read: counters.cells_read,
            cells_written: counters.cells_written,
            checksum_failures: counters.checksum_failures,
            parity_failures: counters.parity_failures,
            repairs: counters.repairs.total(),
            poisoned: field.poisoned,
            scrub_passes: counters.scrub_passes,
        }
    }

    fn add_cell(&mut self, index: usize, field: &mut Sums) {
        let lane = Lane::of(index);
        let verified = self.guard.verify(index / line::LANES);
        let line = self.guard.line(&verified);
        let flags = line::flags(line, lane);
        if flags & line::POISONED != 0 {
            field.poisoned += 1;
            return;
        }
        let magnitude = line::number(line, MAGNITUDE, lane);
        field.readable += 1;
        field.magnitude += magnitude;
        field.coherence += line::number(line, COHERENCE, lane);
        field.magnitude_max = field.magnitude_max.max(magnitude);
        field.magnitude_min = Some(field.magnitude_min.map_or(magnitude, |m| m.min(magnitude)));
        if flags & SUPERPOSED != 0 {
            field.superpositions += 1;
            let cell = CellIndex(index as u64);
            if self.with_superposition(cell, |_| ()).is_err() {
                field.poisoned += 1;
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
    superpositions: u64,
    poisoned: u64,
}

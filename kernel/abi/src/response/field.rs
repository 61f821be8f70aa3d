//! Answers about the substrate: cells, figures of the whole field, scrubs.

use crate::CellIndex;

/// One cell as read and verified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellView {
    /// Which cell.
    pub cell: CellIndex,
    /// 0 to 1000.
    pub magnitude: f64,
    /// Radians, in [0, 2 pi).
    pub phase: f64,
    /// 0 to 1000.
    pub coherence: f64,
    /// 0 to 1.
    pub decay_rate: f64,
    /// Tick of the last write.
    pub last_update: u64,
    /// Bit 0: holds a superposition.
    pub flags: u8,
}

/// As of when means and extremes of the field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiguresAge {
    /// Of the field as it is.
    Current,
    /// From the last whole walk of the scrubber: each cell as it was at this tick or later.
    Since(u64),
}

/// Counts, averages and extremes of the field, and how whole it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubstrateStatus {
    /// Cells across.
    pub width: u32,
    /// Cells down.
    pub height: u32,
    /// Time in ticks.
    pub tick: u64,
    /// As of when the means and extremes are; counts are of this moment.
    pub figures: FiguresAge,
    /// Mean magnitude of the readable cells.
    pub magnitude_mean: f64,
    /// Least magnitude.
    pub magnitude_min: f64,
    /// Greatest magnitude.
    pub magnitude_max: f64,
    /// Mean coherence.
    pub coherence_mean: f64,
    /// Cells holding a superposition.
    pub superpositions: u64,
    /// Reads served.
    pub cells_read: u64,
    /// Writes done.
    pub cells_written: u64,
    /// Lines whose checksum did not match, ever.
    pub checksum_failures: u64,
    /// Parity that did not match its lines, ever.
    pub parity_failures: u64,
    /// Lines repaired, ever.
    pub repairs: u64,
    /// Cells now poisoned.
    pub poisoned: u64,
    /// Complete scrub passes.
    pub scrub_passes: u64,
}

/// What one scrub found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ScrubReport {
    /// Lines looked at.
    pub lines: u64,
    /// Lines found damaged.
    pub damaged: u64,
    /// Lines (data, checksum or parity) repaired.
    pub repaired: u64,
    /// Cells newly poisoned.
    pub poisoned: u64,
}

impl ScrubReport {
    /// Takes the figures of a further part of the same scrub in.
    pub fn add(&mut self, more: &ScrubReport) {
        self.lines = self.lines.saturating_add(more.lines);
        self.damaged = self.damaged.saturating_add(more.damaged);
        self.repaired = self.repaired.saturating_add(more.repaired);
        self.poisoned = self.poisoned.saturating_add(more.poisoned);
    }
}

//! Means and extremes of a large field, gathered by the scrubber as it walks.
//!
//! Owns the sums of the walk that runs and the figures of the last whole one. A cell counts
//! with the value that its verified line held: decay is applied up to the tick of that line.
//!
//! Invariants:
//! - only verified lines are added;
//! - lines are added in the order of the scrubber's runs, so that the figures of a walk have the same bits
//!   however it is cut in steps;
//! - figures that are called current are those of the field as it is.

use crate::checksum::Line;
use crate::defect::{Defect, planted};
use crate::line::{self, COHERENCE, LANES, Lane, MAGNITUDE, SETTLED};
use abi::response::FiguresAge;

/// Means and extremes of a field; all 0 if no cell is readable.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) magnitude_mean: f64,
    pub(crate) magnitude_min: f64,
    pub(crate) magnitude_max: f64,
    pub(crate) coherence_mean: f64,
}

/// What tells whether the field has changed: time, cells changed, cells lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) tick: u64,
    pub(crate) cells_written: u64,
    pub(crate) cells_poisoned: u64,
}

/// The figures of the last whole walk and the sums of the one that runs.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    figures: Figures,
    /// No cell's value was older than this tick.
    since_tick: u64,
    /// When the walk that gave the figures began.
    began: Moment,
    /// Sums of the walk that runs.
    pub(crate) running: Sums,
    running_began: Moment,
}

/// Sums over cells, one for each place in a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    readable: u64,
    magnitude: [f64; LANES],
    coherence: [f64; LANES],
    magnitude_min: [f64; LANES],
    magnitude_max: [f64; LANES],
    settled_min: u64,
}

impl Sums {
    /// The sums over no cells.
    pub(crate) const NONE: Sums = Sums {
        readable: 0,
        magnitude: [0.0; LANES],
        coherence: [0.0; LANES],
        magnitude_min: [f64::INFINITY; LANES],
        magnitude_max: [0.0; LANES],
        settled_min: u64::MAX,
    };

    /// Adds a verified line of which `cells` are cells of the grid.
    #[inline(always)]
    pub(crate) fn add(&mut self, content: &Line, cells: u64) {
        if cells == LANES as u64 && !line::has_poison(content) {
            self.add_cells(content);
        } else {
            *self = self.with_readable(content, cells);
        }
    }

    /// Adds verified lines whose cells are all cells of the grid, and none of them lost.
    #[inline(always)]
    pub(crate) fn add_whole(&mut self, lines: &[&Line]) {
        // By value, so that the sums stay in registers.
        let mut sums = *self;
        for content in lines {
            sums.add_cells(content);
        }
        *self = sums;
    }

    /// Adds a line whose cells all count.
    #[inline(always)]
    fn add_cells(&mut self, content: &Line) {
        let magnitude = line::column(content, MAGNITUDE).map(f64::from_bits);
        let coherence = line::column(content, COHERENCE).map(f64::from_bits);
        self.settled_min = self.settled_min.min(line::word(content, SETTLED));
        self.readable += LANES as u64;
        add_all(&mut self.magnitude, magnitude);
        add_all(&mut self.coherence, coherence);
        keep_all(&mut self.magnitude_min, magnitude, |new, old| new < old);
        keep_all(&mut self.magnitude_max, magnitude, |new, old| new > old);
    }

    /// These sums with those cells of a line added that there are and that are not lost. By
    /// value, so that the sums of a long run of whole lines may stay in registers.
    #[cold]
    fn with_readable(mut self, content: &Line, cells: u64) -> Self {
        self.settled_min = self.settled_min.min(line::word(content, SETTLED));
        let mut magnitude = line::column(content, MAGNITUDE).map(f64::from_bits);
        let mut coherence = line::column(content, COHERENCE).map(f64::from_bits);
        let (mut least, mut greatest) = (magnitude, magnitude);
        for (index, lane) in (0..).zip(Lane::ALL) {
            if index < cells && !line::is_poisoned(content, lane) {
                self.readable += 1;
                continue;
            }
            // What changes neither a sum nor an extreme.
            for (values, neutral) in [
                (&mut magnitude, 0.0),
                (&mut coherence, 0.0),
                (&mut least, f64::INFINITY),
                (&mut greatest, 0.0),
            ] {
                if let Some(value) = values.get_mut(lane.number()) {
                    *value = neutral;
                }
            }
        }
        add_all(&mut self.magnitude, magnitude);
        add_all(&mut self.coherence, coherence);
        keep_all(&mut self.magnitude_min, least, |new, old| new < old);
        keep_all(&mut self.magnitude_max, greatest, |new, old| new > old);
        self
    }

    /// Means and extremes.
    pub(crate) fn figures(&self) -> Figures {
        if self.readable == 0 {
            return Figures::default();
        }
        let mean = |sums: &[f64; LANES]| sums.iter().sum::<f64>() / self.readable as f64;
        Figures {
            magnitude_mean: mean(&self.magnitude),
            magnitude_min: self.magnitude_min.iter().copied().fold(f64::MAX, f64::min),
            magnitude_max: self.magnitude_max.iter().copied().fold(0.0, f64::max),
            coherence_mean: mean(&self.coherence),
        }
    }
}

/// Adds to each place's sum.
#[inline(always)]
fn add_all(sums: &mut [f64; LANES], values: [f64; LANES]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Takes each place's new value where `is_kept` says so; not by min and max of f64, which take
/// extra steps for a NaN, and a cell cannot hold one.
#[inline(always)]
fn keep_all(kept: &mut [f64; LANES], values: [f64; LANES], is_kept: impl Fn(f64, f64) -> bool) {
    for (old, new) in kept.iter_mut().zip(values) {
        *old = if is_kept(new, *old) { new } else { *old };
    }
}

impl Survey {
    /// The survey of a field of initial cells, which needs no walk.
    pub(crate) fn of_initial_cells() -> Self {
        let mut sums = Sums::NONE;
        sums.add(&line::initial_cells(), LANES as u64);
        Survey {
            figures: sums.figures(),
            since_tick: 0,
            began: Moment::default(),
            running: Sums::NONE,
            running_began: Moment::default(),
        }
    }

    /// Begins a walk.
    pub(crate) fn begin(&mut self, now: Moment) {
        self.running = Sums::NONE;
        self.running_began = now;
    }

    /// Ends a walk that has come to every line.
    pub(crate) fn end(&mut self) {
        self.figures = self.running.figures();
        self.since_tick = self.running.settled_min;
        self.began = self.running_began;
    }

    /// The figures of the last whole walk, and how old they are at the moment `now`.
    pub(crate) fn figures(&self, now: Moment) -> (Figures, FiguresAge) {
        let is_current = self.began == now && self.since_tick == now.tick;
        let age = if is_current || planted(Defect::CallOldFiguresCurrent) {
            FiguresAge::Current
        } else {
            FiguresAge::Since(self.since_tick)
        };
        (self.figures, age)
    }
}

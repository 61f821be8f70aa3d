//! Means and extremes of a large field, gathered by the scrubber as it walks.
//!
//! Owns the sums of the walk that runs and the figures of the last whole one. A cell counts
//! with the value that its verified line held: decay is applied up to the tick of that line.
//!
//! Invariants:
//! - figures, and sums between two steps of a walk, are kept in a form that shows damage; a walk
//!   whose sums were lost gives no figures;
//! - only verified lines are added;
//! - lines are added in the order of the scrubber's runs, so that the figures of a walk have the same bits
//!   however it is cut in steps;
//! - figures that are called current are those of the field as it is.

use crate::checksum::Line;
use crate::defect::{Defect, planted};
#[cfg(test)]
use crate::kept::Kept;
use crate::kept::KeptWords;
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

/// Words that the figures and their age take, and those that sums and their walk's begin take.
const FIGURES_WORDS: usize = 8;
const SUMS_WORDS: usize = COUNTS_WORDS + 4 * LANES;
const COUNTS_WORDS: usize = 5;

/// The figures of the last whole walk and the sums of the one that runs.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    /// The figures, the tick that no cell's value was older than, and when the walk began; `None`
    /// if they were lost, until the next walk ends.
    figures: Option<KeptWords<FIGURES_WORDS>>,
    /// The sums and when their walk began, between two steps of it; `None` if they were lost, until
    /// the next walk begins.
    resting: Option<KeptWords<SUMS_WORDS>>,
    /// Sums of the walk that runs, during a step of it.
    pub(crate) running: Sums,
    running_began: Moment,
}

/// What became of words that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mended {
    /// Nothing was damaged.
    Whole,
    /// Flipped bits were turned back.
    Corrected,
    /// Too many bits had flipped.
    Lost,
}

/// Turns flipped bits back, or gives the words up.
fn mend<const N: usize>(place: &mut Option<KeptWords<N>>) -> Mended {
    match place {
        Some(kept) if !kept.is_whole() => {
            *place = kept.get().map(KeptWords::new);
            if place.is_some() {
                Mended::Corrected
            } else {
                Mended::Lost
            }
        }
        _ => Mended::Whole,
    }
}

impl Moment {
    const fn to_words(self) -> [u64; 3] {
        [self.tick, self.cells_written, self.cells_poisoned]
    }

    const fn from_words([tick, cells_written, cells_poisoned]: [u64; 3]) -> Self {
        Moment {
            tick,
            cells_written,
            cells_poisoned,
        }
    }
}

/// Sums over cells, one for each place in a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    readable: u64,
    magnitude: [f64; LANES],
    coherence: [f64; LANES],
    extremes: Extremes,
    settled_min: u64,
}

/// The least magnitudes, and the greatest below zero: the least of either is kept, which takes the
/// vector units half the steps of keeping the least and the greatest.
type Extremes = [f64; 2 * LANES];

#[inline(always)]
fn extremes([a, b, c, d]: [f64; LANES], [e, f, g, h]: [f64; LANES]) -> Extremes {
    [a, b, c, d, -e, -f, -g, -h]
}

impl Sums {
    /// The sums over no cells.
    pub(crate) const NONE: Sums = Sums {
        readable: 0,
        magnitude: [0.0; LANES],
        coherence: [0.0; LANES],
        extremes: [
            f64::INFINITY,
            f64::INFINITY,
            f64::INFINITY,
            f64::INFINITY,
            -0.0,
            -0.0,
            -0.0,
            -0.0,
        ],
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
        keep_least(&mut self.extremes, extremes(magnitude, magnitude));
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
        keep_least(&mut self.extremes, extremes(least, greatest));
        self
    }

    /// Means and extremes.
    pub(crate) fn figures(&self) -> Figures {
        if self.readable == 0 {
            return Figures::default();
        }
        let mean = |sums: &[f64; LANES]| sums.iter().sum::<f64>() / self.readable as f64;
        let (least, greatest) = self.extremes.split_at(LANES);
        Figures {
            magnitude_mean: mean(&self.magnitude),
            magnitude_min: least.iter().copied().fold(f64::MAX, f64::min),
            magnitude_max: greatest.iter().map(|below| -below).fold(0.0, f64::max),
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

/// Takes each place's new value where it is less; not by min of f64, which takes extra steps for a
/// NaN, and a cell cannot hold one.
#[inline(always)]
fn keep_least(least: &mut Extremes, values: Extremes) {
    for (old, new) in least.iter_mut().zip(values) {
        *old = if new < *old { new } else { *old };
    }
}

impl Survey {
    /// The survey of a field of initial cells, which needs no walk.
    pub(crate) fn of_initial_cells() -> Self {
        let mut sums = Sums::NONE;
        sums.add(&line::initial_cells(), LANES as u64);
        let mut survey = Survey {
            figures: None,
            resting: Some(KeptWords::new([0; SUMS_WORDS])),
            running: sums,
            running_began: Moment::default(),
        };
        survey.end();
        survey
    }

    /// Begins a walk.
    pub(crate) fn begin(&mut self, now: Moment) {
        self.running = Sums::NONE;
        self.running_began = now;
        self.resting = Some(KeptWords::new([0; SUMS_WORDS]));
    }

    /// Ends a step of a walk, which goes on later.
    pub(crate) fn rest(&mut self) {
        if self.resting.is_none() {
            return;
        }
        let sums = &self.running;
        let [began, written, poisoned] = self.running_began.to_words();
        let mut words = [0; SUMS_WORDS];
        let counts = [sums.readable, sums.settled_min, began, written, poisoned];
        let numbers = sums.magnitude.iter().chain(&sums.coherence);
        let numbers = numbers.chain(&sums.extremes).map(|number| number.to_bits());
        for (word, value) in words.iter_mut().zip(counts.into_iter().chain(numbers)) {
            *word = value;
        }
        self.resting = Some(KeptWords::new(words));
    }

    /// Goes on with a walk, whose sums were mended. Once they are lost, the walk gives no figures.
    pub(crate) fn resume(&mut self) {
        let Some(words) = self.resting.as_ref().and_then(KeptWords::get) else {
            return;
        };
        let (counts, numbers) = words.split_at(COUNTS_WORDS);
        let &[readable, settled_min, tick, written, poisoned] = counts else {
            return;
        };
        let mut sums = Sums {
            readable,
            settled_min,
            ..Sums::NONE
        };
        let places = sums.magnitude.iter_mut().chain(&mut sums.coherence);
        for (number, bits) in places.chain(&mut sums.extremes).zip(numbers) {
            *number = f64::from_bits(*bits);
        }
        self.running = sums;
        self.running_began = Moment::from_words([tick, written, poisoned]);
    }

    /// Ends a walk that has come to every line.
    pub(crate) fn end(&mut self) {
        if self.resting.is_none() {
            return;
        }
        let figures = self.running.figures();
        let [began, written, poisoned] = self.running_began.to_words();
        self.figures = Some(KeptWords::new([
            figures.magnitude_mean.to_bits(),
            figures.magnitude_min.to_bits(),
            figures.magnitude_max.to_bits(),
            figures.coherence_mean.to_bits(),
            self.running.settled_min,
            began,
            written,
            poisoned,
        ]));
    }

    /// What is kept of the figures, and of the sums between two steps, for a test to damage.
    #[cfg(test)]
    pub(crate) fn kept_mut(&mut self) -> [&mut [Kept]; 2] {
        let figures = self.figures.as_mut().map(KeptWords::halves_mut);
        let sums = self.resting.as_mut().map(KeptWords::halves_mut);
        [figures.unwrap_or_default(), sums.unwrap_or_default()]
    }

    /// Turns flipped bits back: of the figures, and of the sums between two steps.
    pub(crate) fn mend(&mut self) -> [Mended; 2] {
        [mend(&mut self.figures), mend(&mut self.resting)]
    }

    /// The figures of the last whole walk, and how old they are at the moment `now`; `None` if they
    /// were lost.
    pub(crate) fn figures(&self, now: Moment) -> Option<(Figures, FiguresAge)> {
        let [mean, min, max, coherence, since_tick, began @ ..] = self.figures.as_ref()?.get()?;
        let is_current = Moment::from_words(began) == now && since_tick == now.tick;
        let age = if is_current || planted(Defect::CallOldFiguresCurrent) {
            FiguresAge::Current
        } else {
            FiguresAge::Since(since_tick)
        };
        let figures = Figures {
            magnitude_mean: f64::from_bits(mean),
            magnitude_min: f64::from_bits(min),
            magnitude_max: f64::from_bits(max),
            coherence_mean: f64::from_bits(coherence),
        };
        Some((figures, age))
    }
}

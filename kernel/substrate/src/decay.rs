//! Time: ticks, and the decay that brings lines of cells up to date.
//!
//! A tick turns every magnitude `m` into `max(m * (1 - decay_rate), 0.01)`. Here it moves the
//! time and settles a share of the lines; the others are settled when they are accessed. A
//! settled line has been through exactly the multiplications of its missed ticks, so its
//! bits are those of an eager tick.
//!
//! Invariants:
//! - a line's settled tick is never later than now;
//! - with single ticks no line is more than [`LAG_TICKS_MAX`] ticks late, or as many as it
//!   takes to come round at [`LINES_PER_CALL_MAX`] lines a tick;
//! - a replay ends early only when another tick would change nothing.

use crate::Substrate;
use crate::guard::{Guard, Verified};
use crate::line::{self, DECAY_RATE, LANES, Lane, MAGNITUDE, SETTLED};
use crate::numbers::Number;
use core::ops::Range;
use vector::{Unit, Work};

/// A line waits at most this many single ticks to be settled, in a field of a million cells
/// or less; in a larger one as many as all its lines take.
const LAG_TICKS_MAX: usize = 64;
/// Lines settled by one call at most, so that a call ends within milliseconds. A line that
/// fell far behind costs no more than decay takes to come to rest.
const LINES_PER_CALL_MAX: usize = 1 << 14;
/// Least magnitude after a tick.
const MAGNITUDE_FLOOR: f64 = 0.01;
/// Lines settled together, so that one multiplication need not wait for another.
const BATCH_LINES: usize = 4;
/// Ticks between two checks whether decay has come to rest.
const BURST_TICKS: u64 = 32;

impl Substrate {
    /// Lets `count` ticks pass.
    pub fn tick(&mut self, count: u32) {
        let guard = &mut self.guard;
        guard.pass(count);
        let lines = guard.geometry.cell_lines;
        let ticks = usize::try_from(count).map_or(LAG_TICKS_MAX, |ticks| ticks.min(LAG_TICKS_MAX));
        // At most all lines; else the share that keeps the lag bounded.
        let due = (lines * ticks)
            .div_ceil(LAG_TICKS_MAX)
            .min(LINES_PER_CALL_MAX);
        // A place that was lost begins anew: each line is brought up to date when it is accessed.
        let first = usize::try_from(guard.mend(Number::SettleNext)).map_or(0, |line| line % lines);
        let until_end = due.min(lines - first);
        self.settle_range(first..first + until_end);
        self.settle_range(0..due - until_end);
        let next = (first + due) % lines;
        self.guard.numbers.set(Number::SettleNext, next as u64);
    }

    /// Verifies a line of cells and brings it up to date.
    #[inline(always)]
    pub(crate) fn settle(&mut self, line: usize) -> Verified {
        match self.guard.verify_current(line) {
            Some((verified, _)) => verified,
            None => self.settle_late(line),
        }
    }

    /// Settles a line that is damaged, or late.
    #[cold]
    #[inline(never)]
    fn settle_late(&mut self, line: usize) -> Verified {
        let verified = self.guard.verify(line);
        if line::word(self.guard.line(&verified), SETTLED) != self.guard.mend(Number::Tick) {
            self.guard.form.run(Replaying {
                guard: &mut self.guard,
                verified: &verified,
            });
        }
        verified
    }

    /// Settles every line of cells.
    pub(crate) fn settle_all(&mut self) {
        self.settle_range(0..self.guard.geometry.cell_lines);
    }

    /// Settles lines of cells.
    pub(crate) fn settle_range(&mut self, lines: Range<usize>) {
        self.guard.form.run(Settling { field: self, lines });
    }
}

/// A verified line that missed ticks.
struct Replaying<'a> {
    guard: &'a mut Guard,
    verified: &'a Verified,
}

impl Work for Replaying<'_> {
    type Output = ();

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) {
        replay(self.guard, unit, core::array::from_ref(self.verified));
    }
}

/// Lines of cells to be verified and brought up to date.
struct Settling<'a> {
    field: &'a mut Substrate,
    lines: Range<usize>,
}

impl Work for Settling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) {
        let Settling { field, lines } = self;
        let mut line = lines.start;
        while line < lines.end {
            if lines.end - line >= BATCH_LINES && settle_batch(&mut field.guard, unit, line) {
                line += BATCH_LINES;
            } else {
                let _ = field.settle(line);
                line += 1;
            }
        }
    }
}

/// Settles neighbouring lines at once if they are equally late; tells whether all are settled.
#[inline(always)]
fn settle_batch<U: Unit>(guard: &mut Guard, unit: U, first: usize) -> bool {
    let second = first.wrapping_add(1);
    let (third, fourth) = (first.wrapping_add(2), first.wrapping_add(3));
    let batch: [Verified; BATCH_LINES] = [
        guard.verify_in(unit, first),
        guard.verify_in(unit, second),
        guard.verify_in(unit, third),
        guard.verify_in(unit, fourth),
    ];
    let [settled, others @ ..] = batch
        .each_ref()
        .map(|verified| line::word(guard.line(verified), SETTLED));
    if others.iter().any(|&other| other != settled) {
        return false;
    }
    if settled != guard.now() {
        replay(guard, unit, &batch);
    }
    true
}

/// Applies the ticks that equally late lines missed, one line or several.
#[inline(always)]
fn replay<U: Unit, const LINES: usize>(guard: &mut Guard, unit: U, lines: &[Verified; LINES]) {
    let now = guard.now();
    let mut late = 0;
    let mut magnitudes = [[0.0; LANES]; LINES];
    let mut factors = [[0.0; LANES]; LINES];
    for ((verified, magnitudes), factors) in lines.iter().zip(&mut magnitudes).zip(&mut factors) {
        let line = guard.line(verified);
        late = now.saturating_sub(line::word(line, SETTLED));
        *magnitudes = line::column(line, MAGNITUDE).map(f64::from_bits);
        *factors = line::column(line, DECAY_RATE).map(|rate| 1.0 - f64::from_bits(rate));
    }
    decay(&mut magnitudes, &factors, late);
    for (verified, magnitudes) in lines.iter().zip(&magnitudes) {
        let mut editor = guard.edit(verified);
        let line = editor.line();
        let mut differences = line::column(line, MAGNITUDE);
        for (difference, magnitude) in differences.iter_mut().zip(magnitudes) {
            *difference ^= magnitude.to_bits();
        }
        if line::has_poison(line) {
            for (difference, lane) in differences.iter_mut().zip(Lane::ALL) {
                if line::is_poisoned(line, lane) {
                    *difference = 0;
                }
            }
        }
        editor.add_quads(unit, MAGNITUDE, &[differences]);
        editor.set(SETTLED, now);
    }
}

/// Lets `ticks` ticks pass over the magnitudes of lines.
#[inline(always)]
fn decay<const LINES: usize>(
    magnitudes: &mut [[f64; LANES]; LINES],
    factors: &[[f64; LANES]; LINES],
    ticks: u64,
) {
    let mut left = ticks;
    while left > 0 {
        let burst = left.min(BURST_TICKS);
        let before = *magnitudes;
        if !fall_freely(magnitudes, factors, burst) {
            fall_to_floor(magnitudes, factors, burst);
        }
        // Magnitudes only fall once they are above the floor: equal ends mean rest.
        if *magnitudes == before {
            break;
        }
        left -= burst;
    }
}

/// Lets ticks pass as if there were no floor; tells whether that was right, and changes nothing
/// if it was not.
///
/// A magnitude times a factor of at most 1 never grows, so one that is above the floor in the
/// end was above it after every tick, where the floor then changed nothing.
#[inline(always)]
fn fall_freely<const LINES: usize>(
    magnitudes: &mut [[f64; LANES]; LINES],
    factors: &[[f64; LANES]; LINES],
    ticks: u64,
) -> bool {
    let mut falling = *magnitudes;
    for _ in 0..ticks {
        for (magnitude, factor) in falling
            .as_flattened_mut()
            .iter_mut()
            .zip(factors.as_flattened())
        {
            *magnitude *= factor;
        }
    }
    let is_free = falling
        .as_flattened()
        .iter()
        .all(|&magnitude| magnitude > MAGNITUDE_FLOOR);
    if is_free {
        *magnitudes = falling;
    }
    is_free
}

/// Lets ticks pass, each of which leaves no magnitude below the floor.
#[inline(always)]
fn fall_to_floor<const LINES: usize>(
    magnitudes: &mut [[f64; LANES]; LINES],
    factors: &[[f64; LANES]; LINES],
    ticks: u64,
) {
    for _ in 0..ticks {
        for (magnitude, factor) in magnitudes
            .as_flattened_mut()
            .iter_mut()
            .zip(factors.as_flattened())
        {
            let decayed = *magnitude * factor;
            // Not f64::max: it takes extra steps for a NaN, which a cell cannot hold.
            *magnitude = if decayed > MAGNITUDE_FLOOR {
                decayed
            } else {
                MAGNITUDE_FLOOR
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn lines_that_are_up_to_date_are_not_written_again() {
        let mut field = Substrate::new(8, 8).unwrap();
        let generations = |field: &Substrate| -> Vec<u32> {
            field.guard.generations[..field.guard.geometry.cell_lines].to_vec()
        };
        field.tick(3);
        field.settle_all();
        let settled = generations(&field);
        field.settle_all();
        assert_eq!(generations(&field), settled);
        field.tick(1);
        field.settle_all();
        let mut written = settled.into_iter().zip(generations(&field));
        assert!(written.all(|(before, after)| before != after));
    }
}

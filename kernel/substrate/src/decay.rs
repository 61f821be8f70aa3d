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
use crate::checksum::{Line, Share};
use crate::guard::Verified;
use crate::line::{self, DECAY_RATE, FLAGS, LANES, Lane, MAGNITUDE, SETTLED};
use crate::numbers::Number;
use core::ops::Range;

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
        let form = self.guard.form;
        self.settle_by(line, |line| form.run(Share(line)))
    }

    /// As [`Substrate::settle`], with the share of the line's words as `share` finds it.
    #[inline(always)]
    pub(crate) fn settle_by(&mut self, line: usize, share: impl FnOnce(&Line) -> u64) -> Verified {
        match self.guard.verify_current_by(line, share) {
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
            self.replay(&verified);
        }
        verified
    }

    /// Settles every line of cells.
    pub(crate) fn settle_all(&mut self) {
        self.settle_range(0..self.guard.geometry.cell_lines);
    }

    /// Settles lines of cells.
    pub(crate) fn settle_range(&mut self, lines: Range<usize>) {
        let mut line = lines.start;
        while line < lines.end {
            if lines.end - line >= BATCH_LINES && self.settle_batch(line) {
                line += BATCH_LINES;
            } else {
                let _ = self.settle(line);
                line += 1;
            }
        }
    }

    /// Settles neighbouring lines at once if they are equally late; tells whether all are settled.
    fn settle_batch(&mut self, first: usize) -> bool {
        let batch: [Verified; BATCH_LINES] = core::array::from_fn(|i| self.guard.verify(first + i));
        let settled = line::word(self.guard.line(&batch[0]), SETTLED);
        let now = self.guard.now();
        if batch
            .iter()
            .any(|verified| line::word(self.guard.line(verified), SETTLED) != settled)
        {
            return false;
        }
        if settled == now {
            return true;
        }
        let mut magnitudes = [0.0; BATCH_LINES * LANES];
        let mut factors = [0.0; BATCH_LINES * LANES];
        for (i, verified) in batch.iter().enumerate() {
            let line = self.guard.line(verified);
            let places = magnitudes.iter_mut().zip(&mut factors).skip(i * LANES);
            for ((magnitude, factor), lane) in places.zip(Lane::ALL) {
                (*magnitude, *factor) = decaying(line, lane);
            }
        }
        decay(&mut magnitudes, &factors, now.saturating_sub(settled));
        for (verified, decayed) in batch.iter().zip(magnitudes.as_chunks::<LANES>().0) {
            self.store_decayed(verified, now, decayed);
        }
        true
    }

    /// Applies the ticks that a verified line missed.
    #[inline(never)]
    fn replay(&mut self, verified: &Verified) {
        let line = self.guard.line(verified);
        let now = self.guard.now();
        let late = now.saturating_sub(line::word(line, SETTLED));
        let mut magnitudes = Lane::ALL.map(|lane| decaying(line, lane).0);
        let factors = Lane::ALL.map(|lane| decaying(line, lane).1);
        decay(&mut magnitudes, &factors, late);
        self.store_decayed(verified, now, &magnitudes);
    }

    #[inline]
    fn store_decayed(&mut self, verified: &Verified, now: u64, magnitudes: &[f64; LANES]) {
        let mut editor = self.guard.edit(verified);
        let line = editor.line();
        let mut kept = line::column(line, MAGNITUDE);
        for ((kept, lane), magnitude) in kept.iter_mut().zip(Lane::ALL).zip(magnitudes) {
            if !line::is_poisoned(line, lane) {
                *kept = magnitude.to_bits();
            }
        }
        let [a, b] = line::halves(kept);
        let state = [line::word(line, FLAGS), now];
        editor.set_pairs([MAGNITUDE, MAGNITUDE + 2, FLAGS], &[a, b, state]);
    }
}

const _: () = assert!(SETTLED == FLAGS + 1);

/// A cell's magnitude, and what a tick multiplies it by.
#[inline(always)]
fn decaying(line: &Line, lane: Lane) -> (f64, f64) {
    (
        line::number(line, MAGNITUDE, lane),
        1.0 - line::number(line, DECAY_RATE, lane),
    )
}

/// Lets `ticks` ticks pass over `N` magnitudes.
#[inline(always)]
fn decay<const N: usize>(magnitudes: &mut [f64; N], factors: &[f64; N], ticks: u64) {
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
fn fall_freely<const N: usize>(magnitudes: &mut [f64; N], factors: &[f64; N], ticks: u64) -> bool {
    let mut falling = *magnitudes;
    for _ in 0..ticks {
        for (magnitude, factor) in falling.iter_mut().zip(factors) {
            *magnitude *= factor;
        }
    }
    let is_free = falling.iter().all(|&magnitude| magnitude > MAGNITUDE_FLOOR);
    if is_free {
        *magnitudes = falling;
    }
    is_free
}

/// Lets ticks pass, each of which leaves no magnitude below the floor.
#[inline(always)]
fn fall_to_floor<const N: usize>(magnitudes: &mut [f64; N], factors: &[f64; N], ticks: u64) {
    for _ in 0..ticks {
        for (magnitude, factor) in magnitudes.iter_mut().zip(factors) {
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

//! Waves: every cell within ten steps of the origin, and none beyond.
//!
//! A cell at grid distance d gains magnitude `abs(A * 0.95^d * cos(w * time + s))` and phase
//! `s = 2 pi * d * w`. Both depend on d alone, so they are computed once for each ring. The
//! shift is reduced to less than one turn, with its sign, before it is added: the same bits
//! as adding s itself as long as s is below one turn, and less rounding where it is not.
//!
//! A wave goes twice over the lines in its reach: it verifies all of them, then changes each
//! as a whole, all lanes of a line side by side. A lane beyond the wave takes part in that
//! with a gain and a shift of zero, which leave its bits as they are.
//!
//! Invariants:
//! - the diamond of cells is cut at the edges of the grid, it does not wrap;
//! - a wave that is refused has changed nothing: cells are checked before the first change.

use crate::Substrate;
use crate::checksum::Line;
use crate::error::SubstrateError;
use crate::geometry::Geometry;
use crate::guard::Verified;
use crate::line::{self, LANES, LAST_UPDATE, Lane, MAGNITUDE, PHASE};
use crate::phase;
use abi::CellIndex;
use core::f64::consts::TAU;
use heapless::Vec;

/// Rings beyond the origin: the greatest distance that a wave reaches.
const DISTANCE_MAX: u32 = 10;
/// Rings, the origin included.
const RINGS: usize = DISTANCE_MAX as usize + 1;
/// Place in the rings for lanes that the wave does not reach.
const BEYOND: u8 = 11;
const _: () = assert!(BEYOND as u32 > DISTANCE_MAX);
/// Places in the rings; a power of two, so that no place needs to be checked.
const PLACES: usize = 16;
/// Most lines that hold the cells of one wave: `w` cells of a row are in at most `w / 4 + 2`.
const REACH_LINES_MAX: usize = 76;

/// Words of magnitudes and phases, which lie side by side in a line.
const FIELD_WORDS: usize = 2 * LANES;
const _: () = assert!(MAGNITUDE + LANES == PHASE);

/// `0.95^d` for each ring, as `libm::pow` gives it.
const ATTENUATION: [f64; RINGS] = [
    1.0,
    0.95,
    0.9025,
    0.857_374_999_999_999_9,
    0.814_506_249_999_999_9,
    0.773_780_937_499_999_8,
    0.735_091_890_624_999_8,
    0.698_337_296_093_749_7,
    0.663_420_431_289_062_3,
    0.630_249_409_724_609_1,
    0.598_736_939_238_378_7,
];

/// A checked wave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wave {
    origin: usize,
    /// For each distance what is added to the magnitude, at least 0; then zeros.
    gains: [f64; PLACES],
    /// For each distance what is added to the phase, in (-2 pi, 2 pi) radians; then zeros.
    shifts: [f64; PLACES],
}

impl Wave {
    /// Magnitudes and phases, and then last updates, of a line whose lanes are at `places`.
    #[inline(always)]
    fn moved(
        &self,
        line: &Line,
        places: &[u8; LANES],
        now: u64,
    ) -> ([u64; FIELD_WORDS], [u64; LANES]) {
        let of_ring = |table: &[f64; PLACES]| places.map(|place| pick(table, place));
        let (gains, shifts) = (of_ring(&self.gains), of_ring(&self.shifts));
        let magnitudes = line::column(line, MAGNITUDE).map(f64::from_bits);
        let phases = line::column(line, PHASE).map(f64::from_bits);
        let mut fields = [0; FIELD_WORDS];
        let (raised, turned) = fields.split_at_mut(LANES);
        for ((raised, magnitude), gain) in raised.iter_mut().zip(magnitudes).zip(gains) {
            *raised = (magnitude + gain).clamp(0.0, line::LEVEL_MAX).to_bits();
        }
        for ((turned, phase), shift) in turned.iter_mut().zip(phases).zip(shifts) {
            *turned = phase::advance(phase, shift).to_bits();
        }
        let mut updates = line::column(line, LAST_UPDATE);
        for (update, &place) in updates.iter_mut().zip(places) {
            *update = if place == BEYOND { *update } else { now };
        }
        (fields, updates)
    }
}

#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "the mask keeps the place below PLACES"
)]
fn pick(table: &[f64; PLACES], place: u8) -> f64 {
    table[usize::from(place) & (PLACES - 1)]
}

/// The lines that hold the cells of a wave, all verified.
pub(crate) type Reach = Vec<Reached, REACH_LINES_MAX>;

/// A verified line in the reach of a wave.
#[derive(Debug)]
pub(crate) struct Reached {
    line: usize,
    verified: Verified,
    /// Distance of each lane, or [`BEYOND`].
    places: [u8; LANES],
}

/// The cells of one row that a wave reaches.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: usize,
    end: usize,
    /// Cell of this row that is in the origin's column.
    centre: usize,
    /// Rows between this one and the origin's.
    rows: usize,
}

impl Span {
    fn distance(&self, cell: usize) -> usize {
        self.rows + cell.abs_diff(self.centre)
    }

    /// The lines that hold cells of the span.
    fn lines(&self) -> core::ops::Range<usize> {
        self.first / LANES..self.end.div_ceil(LANES)
    }

    /// Distance of each lane of a line, or [`BEYOND`].
    #[inline(always)]
    fn places(&self, line: usize) -> [u8; LANES] {
        core::array::from_fn(|lane| {
            let cell = line * LANES + lane;
            if (self.first..self.end).contains(&cell) {
                // At most 10.
                u8::try_from(self.distance(cell)).unwrap_or(BEYOND)
            } else {
                BEYOND
            }
        })
    }
}

/// The rows of the diamond around `origin`, cut at the edges of the grid.
fn spans(geometry: &Geometry, origin: usize) -> impl Iterator<Item = Span> + use<> {
    let reach = DISTANCE_MAX as usize;
    let width = geometry.width as usize;
    let (row, column) = (origin / width, origin % width);
    let rows = row.saturating_sub(reach)..(row + reach + 1).min(geometry.height as usize);
    rows.map(move |y| {
        let rows = y.abs_diff(row);
        let half = reach - rows;
        Span {
            first: y * width + column.saturating_sub(half),
            end: y * width + (column + half + 1).min(width),
            centre: y * width + column,
            rows,
        }
    })
}

impl Substrate {
    /// Starts a wave: every cell at grid distance d <= 10 gains magnitude
    /// `abs(amplitude * 0.95^d * cos(frequency * time + s))` and phase `s`, with
    /// `s = 2 pi * d * frequency`.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`]; [`SubstrateError::NonFinite`] if a number is not finite
    /// or leads to one that is not; [`SubstrateError::Poisoned`] if a cell in reach is.
    pub fn wave(
        &mut self,
        origin: CellIndex,
        amplitude: f64,
        frequency: f64,
    ) -> Result<(), SubstrateError> {
        let wave = self.plan_wave(origin, amplitude, frequency)?;
        let reach = self.survey(&wave, |_| false)?;
        self.spread(&wave, &reach)
    }

    /// Checks the numbers of a wave and computes its rings.
    pub(crate) fn plan_wave(
        &self,
        origin: CellIndex,
        amplitude: f64,
        frequency: f64,
    ) -> Result<Wave, SubstrateError> {
        let position = self.guard.geometry.locate(origin)?;
        if !amplitude.is_finite() {
            return Err(SubstrateError::NonFinite("amplitude"));
        }
        if !frequency.is_finite() {
            return Err(SubstrateError::NonFinite("frequency"));
        }
        let time = self.guard.now as f64;
        let mut wave = Wave {
            origin: position.line * LANES + position.lane.word(0),
            gains: [0.0; PLACES],
            shifts: [0.0; PLACES],
        };
        let places = wave.gains.iter_mut().zip(&mut wave.shifts);
        for (distance, ((gain, ring_shift), attenuation)) in places.zip(ATTENUATION).enumerate() {
            let shift = TAU * distance as f64 * frequency;
            let angle = frequency * time + shift;
            if !angle.is_finite() {
                return Err(SubstrateError::NonFinite("angle of the wave"));
            }
            *gain = (amplitude * attenuation * libm::cos(angle)).abs();
            *ring_shift = phase::remainder(shift);
        }
        Ok(wave)
    }

    /// Verifies all lines in reach; refuses a poisoned cell that is not to be written before.
    pub(crate) fn survey(
        &mut self,
        wave: &Wave,
        is_written: impl Fn(CellIndex) -> bool,
    ) -> Result<Reach, SubstrateError> {
        let geometry = self.guard.geometry;
        let mut reach = Reach::new();
        for span in spans(&geometry, wave.origin) {
            for line in span.lines() {
                let verified = self.settle(line);
                let content = self.guard.line(&verified);
                if line::has_poison(content) {
                    for cell in span.first.max(line * LANES)..span.end.min((line + 1) * LANES) {
                        let index = CellIndex(cell as u64);
                        if line::is_poisoned(content, Lane::of(cell)) && !is_written(index) {
                            return Err(SubstrateError::Poisoned(index));
                        }
                    }
                }
                let places = span.places(line);
                // There is room for the lines of every wave.
                let _ = reach.push(Reached {
                    line,
                    verified,
                    places,
                });
            }
        }
        Ok(reach)
    }

    /// Does a wave over the lines that were verified for it.
    ///
    /// # Errors
    /// [`SubstrateError::Poisoned`] if memory fell beyond repair since the check: the cells
    /// that were not lost have been changed.
    pub(crate) fn spread(&mut self, wave: &Wave, reach: &Reach) -> Result<(), SubstrateError> {
        let now = self.guard.now;
        let mut lost = None;
        let mut changed = 0;
        for reached in reach {
            let mut editor = self.guard.edit(&reached.verified);
            let line = editor.line();
            let mut places = reached.places;
            if line::has_poison(line) {
                for (place, lane) in places.iter_mut().zip(Lane::ALL) {
                    if *place != BEYOND && line::is_poisoned(line, lane) {
                        let cell = reached.line * LANES + lane.word(0);
                        lost = lost.or(Some(CellIndex(cell as u64)));
                        *place = BEYOND;
                    }
                }
            }
            let (fields, updates) = wave.moved(line, &places, now);
            let stamps_change = updates != line::column(line, LAST_UPDATE);
            editor.set_run::<MAGNITUDE, FIELD_WORDS>(&fields);
            if stamps_change {
                editor.set_run::<LAST_UPDATE, LANES>(&updates);
            }
            changed += places.iter().filter(|&&place| place != BEYOND).count() as u64;
        }
        self.count_written(changed);
        lost.map_or(Ok(()), |cell| Err(SubstrateError::Poisoned(cell)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn attenuations_are_the_powers_of_the_library() {
        for (distance, attenuation) in ATTENUATION.iter().enumerate() {
            let power = libm::pow(0.95, distance as f64);
            assert_eq!(
                attenuation.to_bits(),
                power.to_bits(),
                "{distance} {power:?}"
            );
        }
    }

    #[test]
    fn a_diamond_is_every_cell_within_ten_steps_wherever_it_lies() {
        for (width, height) in [(64, 64), (5, 40), (40, 5), (1, 1), (23, 21)] {
            let geometry = Geometry::new(width, height).unwrap();
            for origin in 0..geometry.cells {
                let (w, x, y) = (
                    width as usize,
                    origin % width as usize,
                    origin / width as usize,
                );
                let mut lines = 0;
                let mut reached = BTreeSet::new();
                for span in spans(&geometry, origin) {
                    for line in span.lines() {
                        lines += 1;
                        for (place, lane) in span.places(line).into_iter().zip(Lane::ALL) {
                            if place != BEYOND {
                                let cell = line * LANES + lane.word(0);
                                assert!(reached.insert((cell, usize::from(place))));
                            }
                        }
                    }
                }
                let expected: BTreeSet<_> = (0..geometry.cells)
                    .map(|cell| (cell, (cell % w).abs_diff(x) + (cell / w).abs_diff(y)))
                    .filter(|&(_, distance)| distance <= 10)
                    .collect();
                assert_eq!(reached, expected);
                assert!(lines <= REACH_LINES_MAX);
            }
        }
    }
}

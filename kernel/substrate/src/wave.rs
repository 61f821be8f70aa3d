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
use crate::checksum::{KEYS, Line};
use crate::cosine;
use crate::error::SubstrateError;
use crate::geometry::Geometry;
use crate::guard::{Guard, Verified};
use crate::line::{self, LANES, LAST_UPDATE, Lane, MAGNITUDE, PHASE};
use crate::phase;
use abi::CellIndex;
use core::f64::consts::TAU;
use heapless::Vec;
use vector::{Quad, Unit, Work};

/// Rings beyond the origin: the greatest distance that a wave reaches.
const DISTANCE_MAX: u32 = 10;
/// Rings, the origin included.
const RINGS: usize = DISTANCE_MAX as usize + 1;
/// The first place in the rings that the wave does not reach; those beyond it hold zeros too.
const BEYOND: u8 = 11;
const _: () = assert!(BEYOND as usize == RINGS);
/// Places in the rings; a power of two, so that no place needs to be checked. The farthest
/// that is asked for is that of a cell in the same line as one at the greatest distance.
const PLACES: usize = 32;
/// Cells between the first of a line and the column of a wave that reaches the line, at most.
const AHEAD_MAX: usize = DISTANCE_MAX as usize + LANES - 1;
/// Steps to the side from each lane, for a line that begins so many cells after `AHEAD_MAX`
/// before the wave's column.
const STEPS: [u32; 2 * AHEAD_MAX + 1] = steps();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time, where an index out of bounds is an error; steps are few"
)]
const fn steps() -> [u32; 2 * AHEAD_MAX + 1] {
    let mut steps = [0; 2 * AHEAD_MAX + 1];
    let mut first = 0;
    while first < steps.len() {
        let mut lane = LANES;
        while lane > 0 {
            lane -= 1;
            // A byte for each lane, the first one lowest.
            let distance = (first + lane).abs_diff(AHEAD_MAX) as u32;
            steps[first] = steps[first] << 8 | distance;
        }
        first += 1;
    }
    steps
}
/// Most lines that hold the cells of one wave: `w` cells of a row are in at most `w / 4 + 2`.
const REACH_LINES_MAX: usize = 76;

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
    /// Whether no shift is below 0.
    is_forward: bool,
}

impl Wave {
    /// What becomes of the magnitudes and phases of a line whose lanes are at `places`.
    #[inline(always)]
    fn moved(&self, line: &Line, places: &[u8; LANES]) -> [Quad; 2] {
        let of_ring = |table: &[f64; PLACES]| places.map(|place| pick(table, place));
        let (gains, shifts) = (of_ring(&self.gains), of_ring(&self.shifts));
        let magnitudes = line::column(line, MAGNITUDE).map(f64::from_bits);
        let phases = line::column(line, PHASE).map(f64::from_bits);
        let (mut raised, mut turned) = ([0; LANES], [0; LANES]);
        for ((raised, magnitude), gain) in raised.iter_mut().zip(magnitudes).zip(gains) {
            let sum = magnitude + gain;
            // A gain is at least 0, so the sum is.
            *raised = if sum < line::LEVEL_MAX {
                sum
            } else {
                line::LEVEL_MAX
            }
            .to_bits();
        }
        let turns = turned.iter_mut().zip(phases).zip(shifts);
        if self.is_forward {
            for ((turned, phase), shift) in turns {
                *turned = phase::advance_forward(phase, shift).to_bits();
            }
        } else {
            for ((turned, phase), shift) in turns {
                *turned = phase::advance(phase, shift).to_bits();
            }
        }
        [raised, turned]
    }
}

/// The last updates of a line with those of the lanes that are reached set to `now`.
#[inline(always)]
fn stamped(line: &Line, places: &[u8; LANES], now: u64) -> Quad {
    let mut updates = line::column(line, LAST_UPDATE);
    for (update, &place) in updates.iter_mut().zip(places) {
        *update = if place < BEYOND { now } else { *update };
    }
    updates
}

/// Whether a lane, reached or not, was last updated at another time than `now`.
#[inline(always)]
fn is_stamp_due(line: &Line, now: u64) -> bool {
    let [a, b, c, d] = line::column(line, LAST_UPDATE);
    ((a ^ now) | (b ^ now) | (c ^ now) | (d ^ now)) != 0
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
#[derive(Debug, Default)]
pub(crate) struct Reach {
    lines: Vec<Reached, REACH_LINES_MAX>,
    cells: u64,
}

/// A verified line in the reach of a wave.
#[derive(Debug)]
struct Reached {
    verified: Verified,
    /// Place of each lane in the rings: its distance, or [`BEYOND`] and more.
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
    /// First cell of the row and of the next one.
    row: (usize, usize),
}

impl Span {
    /// The lines that hold cells of the span.
    fn lines(&self) -> core::ops::Range<usize> {
        self.first / LANES..self.end.div_ceil(LANES)
    }

    /// Place of each lane of a line in the rings.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the rows between two of a wave are at most 10"
    )]
    fn places(&self, line: usize) -> [u8; LANES] {
        let first = line * LANES;
        let steps = STEPS.get(first + AHEAD_MAX - self.centre).copied();
        // The rows are at most 10 and the steps at most 13: no byte reaches into the next.
        let rows = self.rows as u32 * 0x0101_0101;
        let mut places = steps.map_or([BEYOND; LANES], |steps| (steps + rows).to_le_bytes());
        if first < self.row.0 || first + LANES > self.row.1 {
            for (place, cell) in places.iter_mut().zip(first..) {
                if !(self.row.0..self.row.1).contains(&cell) {
                    *place = BEYOND;
                }
            }
        }
        places
    }

    /// Cells of the span.
    fn cells(&self) -> u64 {
        (self.end - self.first) as u64
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
            row: (y * width, (y + 1) * width),
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
        let mut reach = Reach::default();
        self.survey(&wave, &mut reach, |_| false)?;
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
        let time = self.guard.now() as f64;
        let mut wave = Wave {
            origin: position.line * LANES + position.lane.word(0),
            gains: [0.0; PLACES],
            shifts: [0.0; PLACES],
            is_forward: frequency >= 0.0,
        };
        let places = wave.gains.iter_mut().zip(&mut wave.shifts);
        for (distance, ((gain, ring_shift), attenuation)) in places.zip(ATTENUATION).enumerate() {
            let shift = TAU * distance as f64 * frequency;
            let angle = frequency * time + shift;
            if !angle.is_finite() {
                return Err(SubstrateError::NonFinite("angle of the wave"));
            }
            *gain = (amplitude * attenuation * cosine::cos(angle)).abs();
            *ring_shift = phase::remainder(shift);
        }
        Ok(wave)
    }

    /// Verifies all lines in reach, and puts them into `reach`, which is empty; refuses a
    /// poisoned cell that is not to be written before.
    pub(crate) fn survey(
        &mut self,
        wave: &Wave,
        reach: &mut Reach,
        is_written: impl Fn(CellIndex) -> bool,
    ) -> Result<(), SubstrateError> {
        self.guard.form.run(Surveying {
            field: self,
            wave,
            reach,
            is_written,
        })
    }

    /// Does a wave over the lines that were verified for it.
    ///
    /// # Errors
    /// [`SubstrateError::Poisoned`] if memory fell beyond repair since the check: the cells
    /// that were not lost have been changed.
    pub(crate) fn spread(&mut self, wave: &Wave, reach: &Reach) -> Result<(), SubstrateError> {
        let form = self.guard.form.for_quads();
        let (changed, lost) = form.run(Spreading {
            guard: &mut self.guard,
            wave,
            reach,
        });
        self.count_written(changed);
        lost.map_or(Ok(()), |cell| Err(SubstrateError::Poisoned(cell)))
    }
}

/// A wave whose lines are to be verified.
struct Surveying<'a, W> {
    field: &'a mut Substrate,
    wave: &'a Wave,
    reach: &'a mut Reach,
    is_written: W,
}

impl<W: Fn(CellIndex) -> bool> Work for Surveying<'_, W> {
    type Output = Result<(), SubstrateError>;

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) -> Self::Output {
        let Surveying {
            field,
            wave,
            reach,
            is_written,
        } = self;
        let geometry = field.guard.geometry;
        if field.guard.is_beyond_caches() {
            for line in spans(&geometry, wave.origin).flat_map(|span| span.lines()) {
                field.guard.prefetch_line(line);
            }
        }
        for span in spans(&geometry, wave.origin) {
            reach.cells += span.cells();
            for line in span.lines() {
                let verified = field.settle_by(line, |line| unit.share(line, &KEYS));
                let content = field.guard.line(&verified);
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
                let _ = reach.lines.push(Reached { verified, places });
            }
        }
        Ok(())
    }
}

/// A wave whose lines were verified.
struct Spreading<'a> {
    guard: &'a mut Guard,
    wave: &'a Wave,
    reach: &'a Reach,
}

impl Work for Spreading<'_> {
    /// Cells changed, and the first that was lost meanwhile.
    type Output = (u64, Option<CellIndex>);

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) -> Self::Output {
        let Spreading { guard, wave, reach } = self;
        let now = guard.now();
        let mut lost = None;
        let mut changed = reach.cells;
        for reached in &reach.lines {
            let mut editor = guard.edit(&reached.verified);
            let line = editor.line();
            let mut places = reached.places;
            if line::has_poison(line) {
                for (place, lane) in places.iter_mut().zip(Lane::ALL) {
                    if *place < BEYOND && line::is_poisoned(line, lane) {
                        let cell = reached.verified.line() * LANES + lane.word(0);
                        lost = lost.or(Some(CellIndex(cell as u64)));
                        *place = BEYOND;
                        changed -= 1;
                    }
                }
            }
            let [raised, turned] = wave.moved(line, &places);
            if is_stamp_due(line, now) {
                let stamped = stamped(line, &places, now);
                let starts = [MAGNITUDE, PHASE, LAST_UPDATE];
                editor.set_quads(unit, starts, &[raised, turned, stamped]);
            } else {
                editor.set_quads(unit, [MAGNITUDE, PHASE], &[raised, turned]);
            }
        }
        (changed, lost)
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
                            if place < BEYOND {
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

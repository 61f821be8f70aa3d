//! Waves: every cell within ten steps of the origin, and none beyond.
//!
//! A cell at grid distance d gains magnitude `abs(A * 0.95^d * cos(w * time + s))` and phase
//! `s = 2 pi * d * w`. Both depend on d alone, so they are computed once for each ring. The
//! shift is reduced to less than one turn, with its sign, before it is added: the same bits
//! as adding s itself as long as s is below one turn, and less rounding where it is not.
//!
//! Invariants:
//! - the diamond of cells is cut at the edges of the grid, it does not wrap;
//! - a wave that is refused has changed nothing: cells are checked before the first change.

use crate::Substrate;
use crate::error::SubstrateError;
use crate::geometry::Geometry;
use crate::line::{self, LANES, LAST_UPDATE, Lane, MAGNITUDE, PHASE};
use crate::phase;
use abi::CellIndex;
use core::f64::consts::TAU;

/// Rings beyond the origin: the greatest distance that a wave reaches.
const DISTANCE_MAX: u32 = 10;
/// Rings, the origin included.
const RINGS: usize = DISTANCE_MAX as usize + 1;

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

/// What a wave does to the cells at one distance.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ring {
    /// Added to the magnitude, at least 0.
    gain: f64,
    /// Added to the phase, in (-2 pi, 2 pi) radians.
    shift: f64,
}

/// A checked wave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wave {
    origin: usize,
    rings: [Ring; RINGS],
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

    /// The span's cells in each line that it touches, as (line, first cell, end).
    fn pieces(self) -> impl Iterator<Item = (usize, usize, usize)> {
        (self.first / LANES..self.end.div_ceil(LANES)).map(move |line| {
            let first = self.first.max(line * LANES);
            (line, first, self.end.min((line + 1) * LANES))
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
        self.check_reach(&wave, |_| false)?;
        self.spread(&wave)
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
        let mut rings = [Ring {
            gain: 0.0,
            shift: 0.0,
        }; RINGS];
        for (distance, (ring, attenuation)) in rings.iter_mut().zip(ATTENUATION).enumerate() {
            let shift = TAU * distance as f64 * frequency;
            let angle = frequency * time + shift;
            if !angle.is_finite() {
                return Err(SubstrateError::NonFinite("angle of the wave"));
            }
            *ring = Ring {
                gain: (amplitude * attenuation * libm::cos(angle)).abs(),
                shift: phase::remainder(shift),
            };
        }
        Ok(Wave {
            origin: position.line * LANES + position.lane.word(0),
            rings,
        })
    }

    /// Verifies all cells in reach; refuses a poisoned one that is not to be written before.
    pub(crate) fn check_reach(
        &mut self,
        wave: &Wave,
        is_written: impl Fn(CellIndex) -> bool,
    ) -> Result<(), SubstrateError> {
        let geometry = self.guard.geometry;
        for span in spans(&geometry, wave.origin) {
            for (line, first, end) in span.pieces() {
                let verified = self.settle(line);
                let line = self.guard.line(&verified);
                for cell in first..end {
                    let index = CellIndex(cell as u64);
                    if line::is_poisoned(line, Lane::of(cell)) && !is_written(index) {
                        return Err(SubstrateError::Poisoned(index));
                    }
                }
            }
        }
        Ok(())
    }

    /// Does a wave whose reach was checked.
    ///
    /// # Errors
    /// [`SubstrateError::Poisoned`] if memory fell beyond repair since the check: the cells
    /// that were not lost have been changed.
    pub(crate) fn spread(&mut self, wave: &Wave) -> Result<(), SubstrateError> {
        let geometry = self.guard.geometry;
        let now = self.guard.now;
        let mut lost = None;
        let mut changed = 0;
        for span in spans(&geometry, wave.origin) {
            for (line, first, end) in span.pieces() {
                let verified = self.settle(line);
                let mut editor = self.guard.edit(&verified);
                for cell in first..end {
                    let lane = Lane::of(cell);
                    let Some(ring) = wave.rings.get(span.distance(cell)) else {
                        continue;
                    };
                    if line::is_poisoned(editor.line(), lane) {
                        lost = lost.or(Some(CellIndex(cell as u64)));
                        continue;
                    }
                    let magnitude = line::number(editor.line(), MAGNITUDE, lane) + ring.gain;
                    let turned =
                        phase::advance(line::number(editor.line(), PHASE, lane), ring.shift);
                    let raised = magnitude.clamp(0.0, line::LEVEL_MAX);
                    editor.set(lane.word(MAGNITUDE), raised.to_bits());
                    editor.set(lane.word(PHASE), turned.to_bits());
                    editor.set(lane.word(LAST_UPDATE), now);
                    changed += 1;
                }
            }
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
                let mut reached = BTreeSet::new();
                for span in spans(&geometry, origin) {
                    for (line, first, end) in span.pieces() {
                        for cell in first..end {
                            assert_eq!(cell / LANES, line);
                            assert!(reached.insert((cell, span.distance(cell))));
                        }
                    }
                }
                let expected: BTreeSet<_> = (0..geometry.cells)
                    .map(|cell| (cell, (cell % w).abs_diff(x) + (cell / w).abs_diff(y)))
                    .filter(|&(_, distance)| distance <= 10)
                    .collect();
                assert_eq!(reached, expected);
            }
        }
    }
}

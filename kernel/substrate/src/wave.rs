//! Waves: every cell within ten steps of the origin, and none beyond.
//!
//! A cell at grid distance d gains magnitude `abs(A * 0.95^d * cos(w * time + s))` and phase
//! `s = 2 pi * d * w`. Both depend on d alone, so they are computed once for each ring. The
//! shift is reduced to less than one turn, with its sign, before it is added: the same bits
//! as adding s itself as long as s is below one turn, and less rounding where it is not.
//!
//! A wave goes twice over the lines in its reach: it verifies all of them, then changes each
//! as a whole, all lanes of a line side by side. A lane beyond the wave takes part in that
//! with a gain and a shift of zero, which leave its bits as they are. Lines that hold lost cells,
//! or cells of two rows, are changed lane by lane, and so are those of a wave that turns phases
//! back.
//!
//! Invariant: a wave that is refused has changed nothing: cells are checked before the first change.

mod front;
mod rings;
mod span;

use crate::Substrate;
use crate::checksum::Line;
use crate::cosine::Cosines;
use crate::error::SubstrateError;
use crate::guard::VerifiedLines;
use crate::line::{self, LANES, LAST_UPDATE, Lane};
use crate::phase;
use abi::CellIndex;
use core::f64::consts::TAU;
use front::Spreading;
use heapless::Vec;
use span::{Span, spans};
use vector::{Quad, Unit, Work};

/// Rings beyond the origin: the greatest distance that a wave reaches.
const DISTANCE_MAX: usize = 10;
/// Rings, the origin included.
const RINGS: usize = DISTANCE_MAX + 1;
/// Rows that a wave reaches at most.
const ROWS_MAX: usize = 2 * DISTANCE_MAX + 1;
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
    /// What is added to the magnitudes of each ring, at least 0.
    gains: [f64; RINGS],
    /// What is added to the phases of each ring, in (-2 pi, 2 pi) radians.
    shifts: [f64; RINGS],
    /// Whether no shift is below 0.
    is_forward: bool,
}

/// The lines that hold the cells of a wave, all verified.
#[derive(Debug, Default)]
pub(crate) struct Reach(Vec<Stretch, ROWS_MAX>);

/// The verified lines of a row.
#[derive(Debug)]
struct Stretch {
    span: Span,
    lines: VerifiedLines,
    way: Way,
}

/// How lines can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All lanes of a line side by side.
    Whole,
    /// All lanes of a line side by side, which are to be stamped.
    WholeAndStamped,
    /// Lane by lane.
    ByLane,
}

impl Wave {
    /// How the lines of a span can be changed that hold no lost cells.
    fn way(&self, span: &Span, is_stamp_due: bool) -> Way {
        if !self.is_forward || !span.has_whole_lines() {
            Way::ByLane
        } else if is_stamp_due {
            Way::WholeAndStamped
        } else {
            Way::Whole
        }
    }
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
            gains: [0.0; RINGS],
            shifts: [0.0; RINGS],
            is_forward: frequency >= 0.0,
        };
        let mut angles = [frequency * time; Cosines::COUNT];
        for (distance, (shift, angle)) in wave.shifts.iter_mut().zip(&mut angles).enumerate() {
            let turned = TAU * distance as f64 * frequency;
            *angle = frequency * time + turned;
            if !angle.is_finite() {
                return Err(SubstrateError::NonFinite("angle of the wave"));
            }
            *shift = phase::remainder(turned);
        }
        let cosines = self.guard.form.run(Cosines(angles));
        for ((gain, attenuation), cosine) in wave.gains.iter_mut().zip(ATTENUATION).zip(cosines) {
            *gain = (amplitude * attenuation * cosine).abs();
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

    /// Verifies the lines of a span of which some are damaged, or late, or have lost cells.
    #[cold]
    #[inline(never)]
    fn survey_odd(
        &mut self,
        wave: &Wave,
        span: Span,
        is_written: impl Fn(CellIndex) -> bool,
    ) -> Result<Stretch, SubstrateError> {
        // Lines that are late are late together, as a rule.
        self.settle_range(span.lines());
        let mut lines = VerifiedLines::before(span.lines().start);
        let mut way = wave.way(&span, true);
        for line in span.lines() {
            let verified = self.settle(line);
            let content = self.guard.line(&verified);
            if line::has_poison(content) {
                way = Way::ByLane;
                for (cell, lane) in (line * LANES..).zip(Lane::ALL) {
                    let index = CellIndex(cell as u64);
                    if span.holds(cell) && line::is_poisoned(content, lane) && !is_written(index) {
                        return Err(SubstrateError::Poisoned(index));
                    }
                }
            }
            lines.push(verified);
        }
        Ok(Stretch { span, lines, way })
    }

    /// Does a wave over the lines that were verified for it.
    ///
    /// # Errors
    /// [`SubstrateError::Poisoned`] if memory fell beyond repair since the check: the cells
    /// that were not lost have been changed.
    pub(crate) fn spread(&mut self, wave: &Wave, reach: &Reach) -> Result<(), SubstrateError> {
        let form = self.guard.form;
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
        let now = field.guard.now();
        // Bits by which a lane's last update differs from now, in any line.
        let late = |mut late: Quad, line: &Line| {
            for (late, update) in late.iter_mut().zip(line::column(line, LAST_UPDATE)) {
                *late |= update ^ now;
            }
            late
        };
        for span in spans(&geometry, wave.origin) {
            let guard = &mut field.guard;
            let lines = span.lines();
            let stretch = match guard.verify_neighbours(unit, now, lines, [0; LANES], late) {
                Some((lines, late)) => Stretch {
                    way: wave.way(&span, late != [0; LANES]),
                    span,
                    lines,
                },
                None => field.survey_odd(wave, span, &is_written)?,
            };
            // There is room for the rows of every wave.
            let _ = reach.0.push(stretch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::request::Injection;

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
    fn cells_lost_after_the_survey_are_told_and_left_alone() {
        let mut field = Substrate::new(64, 64).unwrap();
        let stripes = field.guard.geometry.stripes;
        for line in [7, 7 + stripes, 7 + 2 * stripes] {
            let cell = CellIndex((line * LANES) as u64);
            field.inject(Injection::Line(cell)).unwrap();
        }
        let origin = CellIndex(28);
        let wave = field.plan_wave(origin, 1.0, 0.1).unwrap();
        let mut reach = Reach::default();
        // As if every cell had been written: none is refused.
        field.survey(&wave, &mut reach, |_| true).unwrap();
        let line = field.guard.verify(7);
        let lost = *field.guard.line(&line);
        assert!(line::has_poison(&lost));
        let written = field.counters().cells_written;
        let poisoned = Err(SubstrateError::Poisoned(origin));
        assert_eq!(field.spread(&wave, &reach), poisoned);
        let line = field.guard.verify(7);
        assert_eq!(*field.guard.line(&line), lost);
        // Of the half of a diamond that is on the grid, all but the four of the line.
        assert_eq!(field.counters().cells_written - written, 121 - 4);
        assert!(field.read(CellIndex(27)).unwrap().magnitude > 100.0);
    }
}

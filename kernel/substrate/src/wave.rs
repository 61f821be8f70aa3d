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
//! Invariants:
//! - the diamond of cells is cut at the edges of the grid, it does not wrap;
//! - a wave that is refused has changed nothing: cells are checked before the first change.

mod rings;

use crate::Substrate;
use crate::checksum::Line;
use crate::cosine::Cosines;
use crate::error::SubstrateError;
use crate::geometry::Geometry;
use crate::guard::{Editor, Guard, Neighbours, VerifiedLines};
use crate::line::{self, LANES, LAST_UPDATE, LEVEL_MAX, Lane, MAGNITUDE, PHASE};
use crate::phase;
use abi::CellIndex;
use core::f64::consts::TAU;
use core::ops::Range;
use heapless::Vec;
use rings::{Rings, RowPlaces};
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

/// The cells of one row that a wave reaches.
#[derive(Debug)]
struct Span {
    first: usize,
    end: usize,
    /// Cell of this row that is in the origin's column.
    centre: usize,
    /// Rows between this one and the origin's.
    rows: usize,
    /// All cells of the row.
    row: Range<usize>,
}

impl Span {
    /// The span of a row that begins with cell `row` and is so many `rows` from the origin's.
    #[inline(always)]
    fn of_row(row: usize, width: usize, rows: usize, column: usize) -> Self {
        let half = DISTANCE_MAX.wrapping_sub(rows);
        let end = column.wrapping_add(half).wrapping_add(1).min(width);
        Span {
            first: row.wrapping_add(column.saturating_sub(half)),
            end: row.wrapping_add(end),
            centre: row.wrapping_add(column),
            rows,
            row: row..row.wrapping_add(width),
        }
    }

    /// The lines that hold cells of the span.
    fn lines(&self) -> Range<usize> {
        self.first / LANES..self.end.div_ceil(LANES)
    }

    /// Whether a cell is one of the span.
    #[inline(always)]
    fn holds(&self, cell: usize) -> bool {
        (self.first..self.end).contains(&cell)
    }

    /// Cells of the span.
    fn cells(&self) -> u64 {
        (self.end - self.first) as u64
    }

    /// Whether its lines hold cells of its row alone.
    fn has_whole_lines(&self) -> bool {
        let Range { start, end } = self.lines();
        start * LANES >= self.row.start && end * LANES <= self.row.end
    }

    /// How the last updates of a line differ from those with `now` where it is reached.
    #[inline(always)]
    fn stamps(&self, number: usize, line: &Line, now: u64) -> Quad {
        let first = number.wrapping_mul(LANES);
        let mut stamps = line::column(line, LAST_UPDATE);
        for (lane, stamp) in stamps.iter_mut().enumerate() {
            let is_reached = self.holds(first.wrapping_add(lane));
            *stamp = if is_reached { *stamp ^ now } else { 0 };
        }
        stamps
    }
}

/// The rows of the diamond around `origin`, cut at the edges of the grid.
fn spans(geometry: &Geometry, origin: usize) -> impl Iterator<Item = Span> + use<> {
    let reach = DISTANCE_MAX;
    let width = geometry.width as usize;
    let (row, column) = (origin / width, origin % width);
    let rows = row.saturating_sub(reach)..(row + reach + 1).min(geometry.height as usize);
    rows.map(move |y| Span::of_row(y.wrapping_mul(width), width, y.abs_diff(row), column))
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
        let mut front = Front {
            wave,
            gains: Rings::new(&wave.gains),
            shifts: Rings::new(&wave.shifts),
            now: guard.now(),
            changed: reach.0.iter().map(|stretch| stretch.span.cells()).sum(),
            lost: None,
        };
        if let Some(mut parts) = guard.parts() {
            for stretch in &reach.0 {
                let mut rest = stretch.lines.numbers();
                while let Some(mut neighbours) = parts.next(&mut rest) {
                    front.pass(unit, stretch, &mut neighbours);
                }
            }
        } else {
            for stretch in &reach.0 {
                let places = RowPlaces::new(stretch.span.rows, stretch.span.centre);
                for verified in stretch.lines.each() {
                    let number = verified.line();
                    let mut editor = guard.edit(&verified);
                    if stretch.way == Way::ByLane {
                        front.change_lanes(&stretch.span, number, editor);
                    } else {
                        front.change_and_stamp(unit, &places, stretch, number, &mut editor);
                    }
                }
            }
        }
        (front.changed, front.lost)
    }
}

/// A wave as it passes over lines.
struct Front<'a> {
    wave: &'a Wave,
    gains: Rings,
    shifts: Rings,
    now: u64,
    changed: u64,
    lost: Option<CellIndex>,
}

impl Front<'_> {
    /// Changes neighbouring lines. Each way has its loop: in one for all, the rare ways would take
    /// the registers of the usual one.
    #[inline(always)]
    fn pass<U: Unit>(&mut self, unit: U, stretch: &Stretch, neighbours: &mut Neighbours<'_>) {
        let places = RowPlaces::new(stretch.span.rows, stretch.span.centre);
        let numbers = neighbours.numbers().enumerate();
        match stretch.way {
            Way::Whole => {
                for (at, number) in numbers {
                    let mut editor = neighbours.edit(at);
                    let [magnitudes, phases] = self.differences(unit, &places, number, &editor);
                    editor.add_quads(unit, MAGNITUDE, &[magnitudes, phases]);
                }
            }
            Way::WholeAndStamped => {
                for (at, number) in numbers {
                    let mut editor = neighbours.edit(at);
                    self.change_and_stamp(unit, &places, stretch, number, &mut editor);
                }
            }
            Way::ByLane => {
                for (at, number) in numbers {
                    self.change_lanes(&stretch.span, number, neighbours.edit(at));
                }
            }
        }
    }

    /// How the magnitudes and phases of a line differ from what they become.
    #[inline(always)]
    fn differences<U: Unit>(
        &self,
        unit: U,
        places: &RowPlaces,
        number: usize,
        editor: &Editor<'_>,
    ) -> [Quad; 2] {
        let place = places.of(number);
        let (gains, shifts) = (self.gains.four(place), self.shifts.four(place));
        let numbers = line::magnitudes_and_phases(editor.line());
        unit.advance(numbers, gains, shifts, LEVEL_MAX, TAU)
    }

    /// Changes a line, and stamps the cells that the wave reaches.
    #[inline(always)]
    fn change_and_stamp<U: Unit>(
        &self,
        unit: U,
        places: &RowPlaces,
        stretch: &Stretch,
        number: usize,
        editor: &mut Editor<'_>,
    ) {
        let [magnitudes, phases] = self.differences(unit, places, number, editor);
        let stamps = stretch.span.stamps(number, editor.line(), self.now);
        let coherences = [0; LANES];
        editor.add_quads(unit, MAGNITUDE, &[magnitudes, phases, coherences, stamps]);
    }

    /// Changes those cells of a line that are in the span, and not lost.
    #[cold]
    #[inline(never)]
    fn change_lanes(&mut self, span: &Span, number: usize, mut editor: Editor<'_>) {
        let line = *editor.line();
        for (cell, lane) in (number * LANES..).zip(Lane::ALL) {
            if !span.holds(cell) {
                continue;
            }
            if line::is_poisoned(&line, lane) {
                self.lost = self.lost.or(Some(CellIndex(cell as u64)));
                self.changed -= 1;
                continue;
            }
            let distance = span.rows + cell.abs_diff(span.centre);
            let of_ring = |numbers: &[f64; RINGS]| numbers.get(distance).copied().unwrap_or(0.0);
            let magnitude = line::number(&line, MAGNITUDE, lane) + of_ring(&self.wave.gains);
            let phase = line::number(&line, PHASE, lane);
            let phase = phase::advance(phase, of_ring(&self.wave.shifts));
            editor.set(lane.word(MAGNITUDE), magnitude.min(LEVEL_MAX).to_bits());
            editor.set(lane.word(PHASE), phase.to_bits());
            editor.set(lane.word(LAST_UPDATE), self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::request::Injection;
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

    #[test]
    fn a_diamond_is_every_cell_within_ten_steps_wherever_it_lies() {
        // A ring's distance and one more, since cells beyond the last have zeros.
        let rings = Rings::new(&core::array::from_fn(|distance| distance as f64 + 1.0));
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
                    let places = RowPlaces::new(span.rows, span.centre);
                    for line in span.lines() {
                        let of_line = rings.four(places.of(line));
                        for (cell, &number) in (line * LANES..).zip(of_line) {
                            let is_reached = span.row.contains(&cell) && number != 0.0;
                            assert_eq!(is_reached, span.holds(cell), "{cell} from {origin}");
                            if is_reached {
                                assert!(reached.insert((cell, number.to_bits())));
                            }
                        }
                    }
                }
                let expected: BTreeSet<_> = (0..geometry.cells)
                    .map(|cell| (cell, (cell % w).abs_diff(x) + (cell / w).abs_diff(y)))
                    .filter(|&(_, distance)| distance <= 10)
                    .map(|(cell, distance)| (cell, (distance as f64 + 1.0).to_bits()))
                    .collect();
                assert_eq!(reached, expected);
            }
        }
    }
}

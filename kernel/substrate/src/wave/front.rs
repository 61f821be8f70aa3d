//! A wave as it changes the lines in its reach, which were verified.
//!
//! Invariant: nothing is changed but cells of the wave that are not lost.

use super::rings::{Rings, RowPlaces};
use super::span::Span;
use super::{RINGS, Reach, Stretch, Wave, Way};
use crate::guard::{Editor, Guard, Neighbours};
use crate::line::{self, LANES, LAST_UPDATE, LEVEL_MAX, Lane, MAGNITUDE, PHASE};
use crate::phase;
use abi::CellIndex;
use core::f64::consts::TAU;
use vector::{Quad, Unit, Work};

/// A wave whose lines were verified.
pub(super) struct Spreading<'a> {
    pub(super) guard: &'a mut Guard,
    pub(super) wave: &'a Wave,
    pub(super) reach: &'a Reach,
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

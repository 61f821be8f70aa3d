//! Which cells a wave reaches: a diamond, row by row.
//!
//! Invariant: the diamond is cut at the edges of the grid, it does not wrap.

use super::DISTANCE_MAX;
use crate::checksum::Line;
use crate::geometry::Geometry;
use crate::line::{self, LANES, LAST_UPDATE};
use core::ops::Range;
use vector::Quad;

/// The cells of one row that a wave reaches.
#[derive(Debug)]
pub(super) struct Span {
    first: usize,
    end: usize,
    /// Cell of this row that is in the origin's column.
    pub(super) centre: usize,
    /// Rows between this one and the origin's.
    pub(super) rows: usize,
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
    pub(super) fn lines(&self) -> Range<usize> {
        self.first / LANES..self.end.div_ceil(LANES)
    }

    /// Whether a cell is one of the span.
    #[inline(always)]
    pub(super) fn holds(&self, cell: usize) -> bool {
        (self.first..self.end).contains(&cell)
    }

    /// Cells of the span.
    pub(super) fn cells(&self) -> u64 {
        (self.end - self.first) as u64
    }

    /// Whether its lines hold cells of its row alone.
    pub(super) fn has_whole_lines(&self) -> bool {
        let Range { start, end } = self.lines();
        start * LANES >= self.row.start && end * LANES <= self.row.end
    }

    /// How the last updates of a line differ from those with `now` where it is reached.
    #[inline(always)]
    pub(super) fn stamps(&self, number: usize, line: &Line, now: u64) -> Quad {
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
pub(super) fn spans(geometry: &Geometry, origin: usize) -> impl Iterator<Item = Span> + use<> {
    let reach = DISTANCE_MAX;
    let width = geometry.width as usize;
    let (row, column) = (origin / width, origin % width);
    let rows = row.saturating_sub(reach)..(row + reach + 1).min(geometry.height as usize);
    rows.map(move |y| Span::of_row(y.wrapping_mul(width), width, y.abs_diff(row), column))
}

#[cfg(test)]
mod tests {
    use super::super::rings::{Rings, RowPlaces};
    use super::*;
    use std::collections::BTreeSet;

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

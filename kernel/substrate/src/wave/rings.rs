//! What a wave adds to the cells of a line, ready to be loaded from one place.
//!
//! A cell's number is that of its ring, and the rings of four neighbouring cells come in few
//! orders: inwards, outwards, or around the wave's column. All of them lie in one table, so that a
//! line's four numbers are neighbours there whatever the line's place.
//!
//! Invariant: cells beyond the wave have zeros.

use super::{DISTANCE_MAX, RINGS};
use crate::line::LANES;

/// Lines of a row that a wave reaches, at most: that of its column, and three on either side.
pub(super) const LINES_MAX: usize = 2 * LINES_BEFORE + 1;
const LINES_BEFORE: usize = DISTANCE_MAX.div_ceil(LANES);
/// Place of the wave's column, with the rings outwards to both sides and zeros beyond.
const MIDDLE: usize = 28;
/// First place of the bends: for each row, the numbers of the cells up to [`ASIDE`] from the column.
const BENDS: usize = 2 * MIDDLE;
const ASIDE: usize = LANES - 2;
const BEND: usize = 2 * ASIDE + 1;
/// Places in the table; a power of two, so that none needs a check.
const PLACES: usize = 128;
const _: () = assert!(BENDS + BEND * RINGS <= PLACES);

/// A number for each ring, in every order.
#[derive(Debug)]
pub(super) struct Rings([f64; PLACES + LANES]);

impl Rings {
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "rings are RINGS, for which there is room on both sides"
    )]
    pub(super) fn new(numbers: &[f64; RINGS]) -> Self {
        let mut rings = [0.0; PLACES + LANES];
        for (distance, &number) in numbers.iter().enumerate() {
            rings[MIDDLE - distance] = number;
            rings[MIDDLE + distance] = number;
        }
        for row in 0..RINGS {
            for at in 0..BEND {
                rings[BENDS + BEND * row + at] = rings[MIDDLE + row + at.abs_diff(ASIDE)];
            }
        }
        Rings(rings)
    }

    /// The numbers of a line's cells.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "there is room for four numbers behind the last place"
    )]
    pub(super) fn four(&self, Place(place): Place) -> &[f64; LANES] {
        &self.0[usize::from(place) % PLACES..].as_chunks().0[0]
    }
}

/// Where the numbers of a line's cells begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u8);

/// Where the numbers of the lines of a row begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowPlaces {
    places: &'static [u8; LINES_MAX + 1],
    /// The line of the first place, which may lie before the first of all lines.
    first: usize,
}

impl RowPlaces {
    /// The places of a row so many `rows` from the origin's, with its cell `centre` in the
    /// wave's column.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "a wave's rows are at most DISTANCE_MAX from its origin's"
    )]
    pub(super) fn new(rows: usize, centre: usize) -> Self {
        RowPlaces {
            places: &PLACES_OF[rows][centre % LANES],
            first: (centre / LANES).wrapping_sub(LINES_BEFORE),
        }
    }

    /// The place of a line.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length")]
    pub(super) fn of(&self, line: usize) -> Place {
        Place(self.places[line.wrapping_sub(self.first) % (LINES_MAX + 1)])
    }
}

/// For each distance of a row from the origin's, each lane of the wave's column, and each line from
/// [`LINES_BEFORE`] before that column on: the place.
static PLACES_OF: [[[u8; LINES_MAX + 1]; LANES]; RINGS] = places();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time, where an index out of bounds is an error; places are few"
)]
const fn places() -> [[[u8; LINES_MAX + 1]; LANES]; RINGS] {
    let mut places = [[[0; LINES_MAX + 1]; LANES]; RINGS];
    let mut row = 0;
    while row < RINGS {
        let mut lane = 0;
        while lane < LANES {
            let column = LINES_BEFORE * LANES + lane;
            let mut line = 0;
            while line < LINES_MAX {
                let first = line * LANES;
                // A row away from the origin's has its rings so many places further outwards.
                let place = if first >= column {
                    MIDDLE + (first - column) + row
                } else if first + LANES <= column + 1 {
                    MIDDLE - (column - first) - row
                } else {
                    BENDS + BEND * row + ASIDE - (column - first)
                };
                places[row][lane][line] = place as u8;
                line += 1;
            }
            lane += 1;
        }
        row += 1;
    }
    places
}

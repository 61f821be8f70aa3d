//! What the words of a line mean: four cells in columns, or one superposition.
//!
//! Line of cells: words 0-3 magnitude, 4-7 phase, 8-11 coherence, 12-15 last update,
//! 16 flags (a byte a cell), 17 the tick up to which decay is applied, 18-19 slots of
//! superpositions (32 bits a cell, 0 for none, else the slot's number + 1), 20-23 decay rate.
//! What changes often comes first: there the second parity has fewer places to change.
//! Line of a superposition: words 0-15 amplitude and phase in turns, 16 flags (its lowest
//! byte), 17 the number of pairs, 18 the cell that owns it.
//!
//! Invariants:
//! - bit 7 of a flag byte marks a poisoned cell or superposition, in both kinds of line;
//! - a poisoned cell is data like any other: it is guarded, and it outlives more damage.

use crate::checksum::{Line, WORDS};
use crate::defect::{Defect, planted};
use crate::phase;
use abi::CellIndex;
use abi::response::CellView;

/// Cells in a line.
pub(crate) const LANES: usize = 4;
/// First words of the columns.
pub(crate) const MAGNITUDE: usize = 0;
pub(crate) const PHASE: usize = 4;
pub(crate) const COHERENCE: usize = 8;
pub(crate) const LAST_UPDATE: usize = 12;
/// The word of flag bytes.
pub(crate) const FLAGS: usize = 16;
/// The tick up to which the decay of a line of cells is applied.
pub(crate) const SETTLED: usize = 17;
/// First word of the slot numbers.
const SLOTS: usize = 18;
pub(crate) const DECAY_RATE: usize = 20;
/// Number of pairs of a superposition.
pub(crate) const PAIR_COUNT: usize = 17;
/// Cell that owns a superposition.
pub(crate) const OWNER: usize = 18;

/// Flag: the cell holds a superposition; on the line of a superposition: it is in use.
pub(crate) const SUPERPOSED: u8 = 1;
/// Flag: content was lost.
pub(crate) const POISONED: u8 = 0x80;
/// Flags of a line of cells that are all poisoned; on a superposition's line, it is.
pub(crate) const POISONED_ALL: u64 = 0x8080_8080;

/// Value of a cell before its first write: magnitude, coherence, decay rate.
pub(crate) const MAGNITUDE_INITIAL: f64 = 100.0;
pub(crate) const COHERENCE_INITIAL: f64 = 500.0;
pub(crate) const DECAY_RATE_INITIAL: f64 = 0.01;
/// Upper bound of magnitude and coherence.
pub(crate) const LEVEL_MAX: f64 = 1000.0;

const _: () = assert!(SLOTS + LANES / 2 == DECAY_RATE && DECAY_RATE + LANES == WORDS);

/// Place of a cell in its line: 0 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane(usize);

impl Lane {
    /// All lanes, in order.
    pub(crate) const ALL: [Lane; LANES] = [Lane(0), Lane(1), Lane(2), Lane(3)];

    /// The lane of the cell with number `cell`.
    #[inline(always)]
    pub(crate) const fn of(cell: usize) -> Self {
        Lane(cell % LANES)
    }

    /// The word of this lane in the column that begins at `column`.
    #[inline(always)]
    pub(crate) const fn word(self, column: usize) -> usize {
        // The remainder is the lane itself: it shows compilers that the word is in the line.
        column + self.0 % LANES
    }

    /// The lane's number: 0 to 3.
    #[inline(always)]
    pub(crate) const fn number(self) -> usize {
        self.0
    }

    const fn flags_shift(self) -> usize {
        self.0 * u8::BITS as usize
    }

    /// The word and shift of this lane's slot number.
    const fn slot_place(self) -> (usize, usize) {
        (SLOTS + self.0 / 2, (self.0 % 2) * u32::BITS as usize)
    }
}

/// Word `word` of a line.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "words come from the constants above and from Lane, both below WORDS"
)]
pub(crate) const fn word(line: &Line, word: usize) -> u64 {
    line[word]
}

/// The words of all lanes in the column that begins at `column`.
#[inline(always)]
pub(crate) fn column(line: &Line, column: usize) -> [u64; LANES] {
    Lane::ALL.map(|lane| word(line, lane.word(column)))
}

/// The words of all lanes in the columns of magnitudes and phases, side by side.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a line is three times as long")]
pub(crate) fn magnitudes_and_phases(line: &Line) -> &[u64; 2 * LANES] {
    &line.as_chunks().0[0]
}

const _: () = assert!(MAGNITUDE == 0 && PHASE == LANES);
const _: () = assert!(COHERENCE == 2 * LANES && LAST_UPDATE == 3 * LANES);

/// Number in lane `lane` of the column that begins at `column`.
#[inline(always)]
pub(crate) const fn number(line: &Line, column: usize, lane: Lane) -> f64 {
    f64::from_bits(word(line, lane.word(column)))
}

/// Flag byte of a cell; of a superposition in lane 0.
#[inline(always)]
pub(crate) const fn flags(line: &Line, lane: Lane) -> u8 {
    ((word(line, FLAGS) >> lane.flags_shift()) & 0xff) as u8
}

/// The word of flags with the byte of `lane` replaced.
pub(crate) const fn flags_with(line: &Line, lane: Lane, flags: u8) -> u64 {
    let shift = lane.flags_shift();
    (word(line, FLAGS) & !(0xff << shift)) | ((flags as u64) << shift)
}

/// Slot of the superposition that a cell has, if any.
pub(crate) fn slot(line: &Line, lane: Lane) -> Option<usize> {
    let (at, shift) = lane.slot_place();
    let number = (word(line, at) >> shift) & u64::from(u32::MAX);
    usize::try_from(number).ok()?.checked_sub(1)
}

/// The word that holds a cell's slot number, and its value with the number replaced.
pub(crate) fn slot_with(line: &Line, lane: Lane, slot: Option<usize>) -> (usize, u64) {
    let (at, shift) = lane.slot_place();
    let number = slot.map_or(0, |slot| slot as u64 + 1) & u64::from(u32::MAX);
    let mask = u64::from(u32::MAX) << shift;
    (at, (word(line, at) & !mask) | (number << shift))
}

/// Whether the content of a cell was lost.
#[inline(always)]
pub(crate) fn is_poisoned(line: &Line, lane: Lane) -> bool {
    flags(line, lane) & POISONED != 0 && !planted(Defect::ServePoison)
}

/// Whether the content of any cell of a line was lost.
#[inline(always)]
pub(crate) fn has_poison(line: &Line) -> bool {
    word(line, FLAGS) & POISONED_ALL != 0
}

/// Whether the line of a superposition holds the one of `cell`.
pub(crate) fn holds_superposition_of(line: &Line, cell: CellIndex) -> bool {
    flags(line, Lane::ALL[0]) == SUPERPOSED && word(line, OWNER) == cell.0
}

/// A cell as its verified line shows it.
#[inline]
pub(crate) fn view(line: &Line, lane: Lane, cell: CellIndex) -> CellView {
    CellView {
        cell,
        magnitude: number(line, MAGNITUDE, lane),
        phase: number(line, PHASE, lane),
        coherence: number(line, COHERENCE, lane),
        decay_rate: number(line, DECAY_RATE, lane),
        last_update: word(line, lane.word(LAST_UPDATE)),
        flags: flags(line, lane),
    }
}

/// Four cells as they are at the start.
pub(crate) fn initial_cells() -> Line {
    let mut line = [0; WORDS];
    for (at, value) in line.iter_mut().enumerate() {
        *value = match at {
            MAGNITUDE..PHASE => MAGNITUDE_INITIAL.to_bits(),
            COHERENCE..LAST_UPDATE => COHERENCE_INITIAL.to_bits(),
            DECAY_RATE..WORDS => DECAY_RATE_INITIAL.to_bits(),
            _ => 0,
        };
    }
    line
}

/// A line whose content was lost, of either kind.
pub(crate) const fn poisoned() -> Line {
    let mut line = [0; WORDS];
    line[FLAGS] = POISONED_ALL;
    line
}

/// A magnitude or coherence, clamped to its range; `None` if it is not finite.
#[inline]
pub(crate) fn level(value: f64) -> Option<f64> {
    // Adding zero turns negative zero into zero, so that equal cells have equal bits.
    value.is_finite().then(|| value.clamp(0.0, LEVEL_MAX) + 0.0)
}

/// A phase in radians, wrapped to one turn; `None` if it is not finite.
#[inline]
pub(crate) fn turn(value: f64) -> Option<f64> {
    value.is_finite().then(|| phase::wrap(value))
}

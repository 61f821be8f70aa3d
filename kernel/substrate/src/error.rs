//! Why the substrate refuses an operation, and what to do about it.

use abi::limits::SUPERPOSITION_PAIRS_MAX;
use abi::{CellIndex, Fault, FaultCode};
use alloc::string::ToString;
use core::fmt;

/// A refusal: nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubstrateError {
    /// A grid without cells was asked for.
    Empty,
    /// A grid with more cells than can be addressed was asked for.
    TooLarge,
    /// The memory for the grid could not be had.
    OutOfMemory {
        /// Bytes that were asked for.
        bytes: u64,
    },
    /// There is no such cell.
    OutOfRange {
        /// The cell asked for.
        cell: CellIndex,
        /// Cells in the grid.
        count: u64,
    },
    /// A number, named here, is a NaN or an infinity, or leads to one.
    NonFinite(&'static str),
    /// The cell holds no superposition.
    NoSuperposition(CellIndex),
    /// The cell's content was lost; it awaits a write.
    Poisoned(CellIndex),
    /// The superposition kept for the cell was lost; it awaits a new one.
    SuperpositionLost(CellIndex),
    /// More pairs than a superposition holds.
    TooManyPairs {
        /// Pairs given.
        given: usize,
    },
    /// A superposition needs at least one pair.
    NoPairs,
    /// An amplitude below zero.
    NegativeAmplitude,
    /// All places for superpositions are taken.
    Full {
        /// Superpositions that the substrate holds.
        capacity: u64,
    },
    /// There is no such bit.
    NoSuchBit {
        /// The bit asked for.
        bit: u32,
        /// Bits that there are.
        end: u32,
    },
    /// There is no such page.
    NoSuchPage {
        /// The page asked for.
        page: u64,
        /// Pages of the substrate.
        count: u64,
    },
}

impl fmt::Display for SubstrateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            SubstrateError::Empty => {
                out.write_str("a substrate needs at least one cell: give a width and a height")
            }
            SubstrateError::TooLarge => {
                out.write_str("the grid has more cells than can be addressed: choose a smaller one")
            }
            SubstrateError::OutOfMemory { bytes } => write!(
                out,
                "the grid needs {bytes} bytes, more than there are: choose a smaller one"
            ),
            SubstrateError::OutOfRange { cell, count } => write!(
                out,
                "there is no cell {cell}: take one of 0 to {}",
                count.saturating_sub(1)
            ),
            SubstrateError::NonFinite(what) => write!(
                out,
                "the {what} is not a finite number: nothing was changed; give a smaller or finite one"
            ),
            SubstrateError::NoSuperposition(cell) => write!(
                out,
                "cell {cell} holds no superposition: store one with substrate superpose"
            ),
            SubstrateError::Poisoned(cell) => write!(
                out,
                "cell {cell} is poisoned, its content was lost: write it anew with substrate write"
            ),
            SubstrateError::SuperpositionLost(cell) => write!(
                out,
                "the superposition of cell {cell} was lost: store it anew with substrate superpose"
            ),
            SubstrateError::TooManyPairs { given } => write!(
                out,
                "{given} pairs were given: a superposition holds at most {SUPERPOSITION_PAIRS_MAX}"
            ),
            SubstrateError::NoPairs => {
                out.write_str("a superposition needs at least one amplitude and phase")
            }
            SubstrateError::NegativeAmplitude => {
                out.write_str("an amplitude is below zero: amplitudes are 0 or more")
            }
            SubstrateError::Full { capacity } => write!(
                out,
                "all {capacity} places for superpositions are taken: use a cell that holds one"
            ),
            SubstrateError::NoSuchBit { bit, end } => write!(
                out,
                "there is no bit {bit}: bits are 0 to {}",
                end.saturating_sub(1)
            ),
            SubstrateError::NoSuchPage { page, count } => write!(
                out,
                "there is no page {page}: pages are 0 to {}",
                count.saturating_sub(1)
            ),
        }
    }
}

impl core::error::Error for SubstrateError {}

impl SubstrateError {
    /// The stable kind of this refusal.
    #[must_use]
    pub const fn code(&self) -> FaultCode {
        match self {
            SubstrateError::NonFinite(_) => FaultCode::NonFinite,
            SubstrateError::NoSuperposition(_) => FaultCode::NoSuperposition,
            SubstrateError::Poisoned(_) | SubstrateError::SuperpositionLost(_) => {
                FaultCode::Poisoned
            }
            SubstrateError::Full { .. } | SubstrateError::OutOfMemory { .. } => FaultCode::Full,
            SubstrateError::Empty
            | SubstrateError::TooLarge
            | SubstrateError::OutOfRange { .. }
            | SubstrateError::TooManyPairs { .. }
            | SubstrateError::NoPairs
            | SubstrateError::NegativeAmplitude
            | SubstrateError::NoSuchBit { .. }
            | SubstrateError::NoSuchPage { .. } => FaultCode::OutOfRange,
        }
    }
}

impl From<SubstrateError> for Fault {
    fn from(error: SubstrateError) -> Self {
        Fault::new(error.code(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_becomes_a_fault_of_its_kind_with_a_sentence() {
        let cell = CellIndex(7);
        let cases = [
            (SubstrateError::Empty, "out_of_range"),
            (SubstrateError::TooLarge, "out_of_range"),
            (SubstrateError::OutOfMemory { bytes: 9 }, "full"),
            (
                SubstrateError::OutOfRange { cell, count: 4 },
                "out_of_range",
            ),
            (SubstrateError::NonFinite("phase"), "non_finite"),
            (SubstrateError::NoSuperposition(cell), "no_superposition"),
            (SubstrateError::Poisoned(cell), "poisoned"),
            (SubstrateError::SuperpositionLost(cell), "poisoned"),
            (SubstrateError::TooManyPairs { given: 9 }, "out_of_range"),
            (SubstrateError::NoPairs, "out_of_range"),
            (SubstrateError::NegativeAmplitude, "out_of_range"),
            (SubstrateError::Full { capacity: 3 }, "full"),
            (
                SubstrateError::NoSuchBit { bit: 64, end: 64 },
                "out_of_range",
            ),
            (
                SubstrateError::NoSuchPage { page: 5, count: 5 },
                "out_of_range",
            ),
        ];
        for (error, code) in cases {
            let fault = Fault::from(error);
            assert_eq!(fault.code.name(), code);
            assert!(fault.text.len() > 20, "{}", fault.text);
        }
        let text = Fault::from(cases[3].0).text;
        assert_eq!(text, "there is no cell 7: take one of 0 to 3");
    }
}

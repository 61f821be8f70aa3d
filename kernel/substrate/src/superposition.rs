//! Superpositions: kept pair by pair, so that observing gives back exactly what was stored.
//!
//! A cell's first superposition takes a slot, a guarded line of its own, and the cell keeps
//! it. A slot is free if its line does not say that it is in use, or if the cell that it
//! names does not name it back; so a slot of a cell that was lost is found again.
//!
//! Invariants:
//! - a slot's pairs are given only to the cell that the slot names as its owner;
//! - nothing collapses a superposition here: its coherence is 1000.

use crate::Substrate;
use crate::checksum::{Line, WORDS};
use crate::error::SubstrateError;
use crate::geometry::Position;
use crate::line::{self, FLAGS, LEVEL_MAX, Lane, OWNER, PAIR_COUNT, SUPERPOSED};
use crate::{Normal, phase};
use abi::CellIndex;
use abi::limits::SUPERPOSITION_PAIRS_MAX;
use abi::request::Pair;

/// Magnitude of a cell whose superposition has an amplitude above 0.
const MAGNITUDE_PRESENT: f64 = 100.0;

const _: () = assert!(2 * SUPERPOSITION_PAIRS_MAX <= FLAGS);

impl Substrate {
    /// Stores a superposition of 1 to 8 pairs in a cell: its magnitude becomes 100 if an
    /// amplitude is above 0, else 0; its phase the mean of the phases; its coherence 1000.
    /// A poisoned cell begins anew.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`], [`SubstrateError::NoPairs`],
    /// [`SubstrateError::TooManyPairs`], [`SubstrateError::NonFinite`],
    /// [`SubstrateError::NegativeAmplitude`]; [`SubstrateError::Full`] in a grid that has
    /// fewer places for superpositions than cells.
    pub fn superpose(&mut self, cell: CellIndex, pairs: &[Pair]) -> Result<(), SubstrateError> {
        let position = self.guard.geometry.locate(cell)?;
        let normal = resulting_values(pairs)?;
        let slot = self.claim_slot(cell, position)?;
        let slot_line = self.guard.verify(self.guard.geometry.slot_line(slot));
        let content = slot_content(cell, pairs);
        self.guard.edit(&slot_line).replace(&content);

        let verified = self.settle(position.line);
        self.store(&verified, position, normal);
        let mut editor = self.guard.edit(&verified);
        let (slot_word, slots) = line::slot_with(editor.line(), position.lane, Some(slot));
        editor.set(slot_word, slots);
        let flags = line::flags(editor.line(), position.lane) | SUPERPOSED;
        let flags_word = line::flags_with(editor.line(), position.lane, flags);
        editor.set(FLAGS, flags_word);
        drop(editor);
        self.guard.census_superposes(position, cell, slot);
        Ok(())
    }

    /// Gives a cell's superposition back: fills the first pairs of `pairs`, says how many.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`], [`SubstrateError::NoSuperposition`],
    /// [`SubstrateError::Poisoned`], or [`SubstrateError::SuperpositionLost`] until a new one
    /// is stored; `pairs` is unchanged.
    pub fn observe(
        &mut self,
        cell: CellIndex,
        pairs: &mut [Pair; SUPERPOSITION_PAIRS_MAX],
    ) -> Result<usize, SubstrateError> {
        let count = self.with_superposition(cell, |line| {
            let count = pair_count(line);
            for (pair, words) in pairs.iter_mut().zip(line.as_chunks::<2>().0).take(count) {
                *pair = Pair {
                    amplitude: f64::from_bits(words[0]),
                    phase: f64::from_bits(words[1]),
                };
            }
            count
        })?;
        self.count_read();
        Ok(count)
    }

    /// Gives the verified line of a cell's superposition to `look`.
    pub(crate) fn with_superposition<T>(
        &mut self,
        cell: CellIndex,
        look: impl FnOnce(&Line) -> T,
    ) -> Result<T, SubstrateError> {
        let position = self.guard.geometry.locate(cell)?;
        let verified = self.guard.verify(position.line);
        let line = self.guard.line(&verified);
        let flags = line::flags(line, position.lane);
        if flags & line::POISONED != 0 {
            return Err(SubstrateError::Poisoned(cell));
        }
        if flags & SUPERPOSED == 0 {
            return Err(SubstrateError::NoSuperposition(cell));
        }
        let slot = line::slot(line, position.lane)
            .filter(|&slot| slot < self.guard.geometry.slots)
            .ok_or(SubstrateError::SuperpositionLost(cell))?;
        let slot_line = self.guard.verify(self.guard.geometry.slot_line(slot));
        let line = self.guard.line(&slot_line);
        if !line::holds_superposition_of(line, cell) {
            return Err(SubstrateError::SuperpositionLost(cell));
        }
        Ok(look(line))
    }

    /// The slot that a cell has, or a free one.
    fn claim_slot(&mut self, cell: CellIndex, position: Position) -> Result<usize, SubstrateError> {
        let slots = self.guard.geometry.slots;
        if let Some(slot) = self.slot_named_by(position).filter(|&slot| slot < slots)
            && !self.is_taken(slot, cell)
        {
            return Ok(slot);
        }
        for step in 0..slots {
            let slot = (self.slot_hint % slots + step) % slots;
            if !self.is_taken(slot, cell) {
                self.slot_hint = (slot + 1) % slots;
                return Ok(slot);
            }
        }
        Err(SubstrateError::Full {
            capacity: slots as u64,
        })
    }

    /// The slot that a cell that is not poisoned names.
    fn slot_named_by(&mut self, position: Position) -> Option<usize> {
        let verified = self.guard.verify(position.line);
        let line = self.guard.line(&verified);
        if line::is_poisoned(line, position.lane) {
            return None;
        }
        line::slot(line, position.lane)
    }

    /// Whether a slot holds the superposition of a cell other than `cell`.
    fn is_taken(&mut self, slot: usize, cell: CellIndex) -> bool {
        let verified = self.guard.verify(self.guard.geometry.slot_line(slot));
        let line = self.guard.line(&verified);
        let in_use = line::flags(line, Lane::ALL[0]) == SUPERPOSED;
        let owner = CellIndex(line::word(line, OWNER));
        if !in_use || owner == cell {
            // A poisoned slot may be the one that another cell still names: that cell is told
            // that its superposition was lost, since the slot then names a new owner.
            return false;
        }
        let Ok(position) = self.guard.geometry.locate(owner) else {
            return false;
        };
        self.slot_named_by(position) == Some(slot)
    }
}

/// Number of pairs of a superposition's line.
pub(crate) fn pair_count(line: &Line) -> usize {
    usize::try_from(line::word(line, PAIR_COUNT)).map_or(SUPERPOSITION_PAIRS_MAX, |count| {
        count.min(SUPERPOSITION_PAIRS_MAX)
    })
}

/// Checks the pairs and gives what the cell becomes.
fn resulting_values(pairs: &[Pair]) -> Result<Normal, SubstrateError> {
    if pairs.is_empty() {
        return Err(SubstrateError::NoPairs);
    }
    if pairs.len() > SUPERPOSITION_PAIRS_MAX {
        return Err(SubstrateError::TooManyPairs { given: pairs.len() });
    }
    for pair in pairs {
        if !pair.amplitude.is_finite() {
            return Err(SubstrateError::NonFinite("amplitude"));
        }
        if !pair.phase.is_finite() {
            return Err(SubstrateError::NonFinite("phase"));
        }
        if pair.amplitude < 0.0 {
            return Err(SubstrateError::NegativeAmplitude);
        }
    }
    let is_present = pairs.iter().any(|pair| pair.amplitude > 0.0);
    Ok(Normal {
        magnitude: if is_present { MAGNITUDE_PRESENT } else { 0.0 },
        phase: phase::wrap(mean_phase(pairs)),
        coherence: LEVEL_MAX,
    })
}

/// Mean of the phases, summed in their order.
fn mean_phase(pairs: &[Pair]) -> f64 {
    let count = pairs.len() as f64;
    let mut sum = 0.0;
    for pair in pairs {
        sum += pair.phase;
    }
    if sum.is_finite() {
        return sum / count;
    }
    // Phases near the largest double overflow as a sum; their shares do not.
    let mut mean = 0.0;
    for pair in pairs {
        mean += pair.phase / count;
    }
    mean.clamp(f64::MIN, f64::MAX)
}

/// The line of a superposition.
fn slot_content(cell: CellIndex, pairs: &[Pair]) -> Line {
    let mut line = [0; WORDS];
    for (words, pair) in line.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
        *words = [pair.amplitude.to_bits(), pair.phase.to_bits()];
    }
    line[FLAGS] = u64::from(SUPERPOSED);
    line[PAIR_COUNT] = pairs.len() as u64;
    line[OWNER] = cell.0;
    line
}

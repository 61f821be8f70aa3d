//! A line that is changed together with its parities and all their checksums.
//!
//! Invariant: a change adds the same difference to the line and, where it belongs, to its
//! parities, and to each checksum what that changes: damage in a block stays a difference
//! between it and its checksum.

use crate::checksum::{KEYS, Line, WORDS, advance, change, checksum};
use crate::defect::{Defect, planted};
use crate::galois::{self, TWO_PLACES_MAX, places_of, two_places_of};
use vector::{Quad, Unit};

/// A verified line, both its parities and their checksums, to be changed together.
pub(crate) struct Editor<'a> {
    pub(super) line: &'a mut Line,
    pub(super) line_checksum: &'a mut u64,
    pub(super) parity: &'a mut Line,
    pub(super) parity_checksum: &'a mut u64,
    /// Number and generation of the first parity's block, for a defect that tests plant.
    pub(super) parity_block: usize,
    pub(super) parity_generation: u32,
    pub(super) second: &'a mut Line,
    pub(super) second_checksum: &'a mut u64,
    /// The line counts times x to the power of this in the second parity.
    pub(super) weight: usize,
    /// What the three checksums gain, added to them in the end.
    pub(super) gained: Gained,
}

/// What the checksums of a line and of its parities gain by changes.
#[derive(Debug, Default)]
pub(super) struct Gained {
    line: u64,
    parity: u64,
    second: u64,
}

impl Drop for Editor<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.line_checksum = self.line_checksum.wrapping_add(self.gained.line);
        *self.parity_checksum = self.parity_checksum.wrapping_add(self.gained.parity);
        *self.second_checksum = self.second_checksum.wrapping_add(self.gained.second);
        if planted(Defect::BlessParity) {
            *self.parity_checksum =
                checksum(self.parity, self.parity_block, self.parity_generation);
        }
    }
}

impl Editor<'_> {
    /// Goes on to the next generation of the line and of its parities.
    #[inline(always)]
    pub(super) fn advance(&mut self, line: &mut u32, parities: &mut u32) {
        self.gained.line = self.gained.line.wrapping_add(advance(line));
        let gained = if planted(Defect::ParityKeepsGeneration) {
            0
        } else {
            advance(parities)
        };
        self.parity_generation = *parities;
        self.gained.parity = self.gained.parity.wrapping_add(gained);
        self.gained.second = self.gained.second.wrapping_add(gained);
    }

    /// The line as it is now.
    #[inline(always)]
    pub(crate) fn line(&self) -> &Line {
        self.line
    }

    /// Changes a word, and with it both parities and the checksums: in the same steps for every
    /// line of cells, as long as its pair is the ninth or one before.
    #[inline(always)]
    pub(crate) fn set(&mut self, word: usize, new: u64) {
        let difference = self.set_unweighted(word, new);
        let (pair, half) = (word / 2, word % 2);
        if pair + self.weight <= TWO_PLACES_MAX {
            let (first, second, mask) = two_places_of(pair + self.weight);
            self.add_to_second_word(2 * first + half, difference);
            self.add_to_second_word(2 * second + half, difference & mask);
        } else {
            for place in places_of(pair, self.weight) {
                self.add_to_second_word(2 * place + half, difference);
            }
        }
    }

    /// Changes a word of the line and of the first parity, and tells how it differs.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "words come from the constants of the line's format, below WORDS"
    )]
    fn set_unweighted(&mut self, word: usize, new: u64) -> u64 {
        let old = self.line[word];
        let difference = old ^ new;
        self.line[word] = new;
        self.gained.line = self.gained.line.wrapping_add(change(word, old, new));
        if !planted(Defect::SkipFirstParity) {
            let was = self.parity[word];
            let is = was ^ difference;
            self.parity[word] = is;
            self.gained.parity = self.gained.parity.wrapping_add(change(word, was, is));
        }
        difference
    }

    /// Adds a difference to a word of the second parity.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "places are pairs of a line")]
    fn add_to_second_word(&mut self, word: usize, difference: u64) {
        if !planted(Defect::SkipSecondParity) {
            let was = self.second[word];
            let is = was ^ difference;
            self.second[word] = is;
            self.gained.second = self.gained.second.wrapping_add(change(word, was, is));
        }
    }

    /// Adds `differences`, by exclusive or, to the quads from the word `start` on together: what
    /// [`Editor::set`] does for each word.
    #[inline(always)]
    pub(crate) fn add_quads<U: Unit, const QUADS: usize>(
        &mut self,
        unit: U,
        start: usize,
        differences: &[Quad; QUADS],
    ) {
        let gained = unit.change(self.line, start, differences, &KEYS);
        self.gained.line = self.gained.line.wrapping_add(gained);
        if !planted(Defect::SkipFirstParity) {
            let gained = unit.change(self.parity, start, differences, &KEYS);
            self.gained.parity = self.gained.parity.wrapping_add(gained);
        }
        let place = start + 2 * self.weight;
        // Members whose quads stay together in the second parity.
        if place + 4 * QUADS <= WORDS {
            self.add_to_second(unit, place, differences);
        } else {
            let product = galois::weighted(differences, start, self.weight);
            self.add_to_second(unit, 0, &product);
        }
    }

    /// Adds to the second parity.
    #[inline(always)]
    fn add_to_second<U: Unit, const QUADS: usize>(
        &mut self,
        unit: U,
        place: usize,
        differences: &[Quad; QUADS],
    ) {
        if !planted(Defect::SkipSecondParity) {
            let gained = unit.change(self.second, place, differences, &KEYS);
            self.gained.second = self.gained.second.wrapping_add(gained);
        }
    }

    /// Replaces the whole line.
    pub(crate) fn replace(&mut self, line: &Line) {
        for (word, &value) in line.iter().enumerate() {
            self.set(word, value);
        }
    }
}

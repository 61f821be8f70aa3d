//! A line that is changed together with its parities and all their checksums.
//!
//! Invariant: a change adds the same difference to the line and, where it belongs, to its
//! parities, and to each checksum what that changes: damage in a block stays a difference
//! between it and its checksum.

use crate::checksum::{KEYS, Line, advance, change, change_of_pairs, checksum};
use crate::defect::{Defect, planted};
use crate::galois::{self, places_of};
use crate::line;
use crate::pair::Pair;
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

    /// Changes a word, and with it both parities and the checksums.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "words come from the constants of the line's format, below WORDS"
    )]
    pub(crate) fn set(&mut self, word: usize, new: u64) {
        let old = self.line[word];
        self.line[word] = new;
        self.gained.line = self.gained.line.wrapping_add(change(word, old, new));
        if !planted(Defect::SkipFirstParity) {
            let was = self.parity[word];
            let is = was ^ old ^ new;
            self.parity[word] = is;
            self.gained.parity = self.gained.parity.wrapping_add(change(word, was, is));
        }
        if !planted(Defect::SkipSecondParity) {
            for place in places_of(word / 2, self.weight) {
                let word = 2 * place + word % 2;
                let was = self.second[word];
                let is = was ^ old ^ new;
                self.second[word] = is;
                self.gained.second = self.gained.second.wrapping_add(change(word, was, is));
            }
        }
    }

    /// Changes the pairs of words that begin at the words `starts` together: what
    /// [`Editor::set`] does for each word.
    #[inline(always)]
    pub(crate) fn set_pairs<const PAIRS: usize>(
        &mut self,
        starts: [usize; PAIRS],
        new: &[[u64; 2]; PAIRS],
    ) {
        let old = starts.map(|start| line::pair(self.line, start));
        let new = new.map(Pair::new);
        let difference = xor(&old, &new);
        store_pairs(self.line, starts, &new);
        let gained = change_of_pairs(starts, &old, &new);
        self.gained.line = self.gained.line.wrapping_add(gained);
        if !planted(Defect::SkipFirstParity) {
            add_pairs(self.parity, &mut self.gained.parity, starts, &difference);
        }
        if !planted(Defect::SkipSecondParity) {
            self.add_to_second(starts, &difference);
        }
    }

    /// Adds `difference` to pairs of the second parity, at the places that the line's weight
    /// moves them to.
    #[inline(always)]
    fn add_to_second<const PAIRS: usize>(
        &mut self,
        starts: [usize; PAIRS],
        difference: &[Pair; PAIRS],
    ) {
        // Members whose pairs all stay below the last, and so come to one place each.
        if starts
            .iter()
            .all(|start| start / 2 + self.weight < galois::PAIRS)
        {
            let places = starts.map(|start| start + 2 * self.weight);
            add_pairs(self.second, &mut self.gained.second, places, difference);
            return;
        }
        for (start, pair) in starts.into_iter().zip(difference) {
            for place in places_of(start / 2, self.weight) {
                add_pairs(self.second, &mut self.gained.second, [2 * place], &[*pair]);
            }
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
        if planted(Defect::SkipSecondParity) {
            return;
        }
        // Members whose quads all end below the last pair, and so come to one place each.
        if start / 2 + 2 * QUADS + self.weight <= galois::PAIRS {
            let place = start + 2 * self.weight;
            let gained = unit.change(self.second, place, differences, &KEYS);
            self.gained.second = self.gained.second.wrapping_add(gained);
        } else {
            for (start, &[a, b, c, d]) in (start..).step_by(4).zip(differences) {
                let pairs = [Pair::new([a, b]), Pair::new([c, d])];
                self.add_to_second([start, start + 2], &pairs);
            }
        }
    }

    /// Replaces the whole line.
    pub(crate) fn replace(&mut self, line: &Line) {
        for (word, &value) in line.iter().enumerate() {
            self.set(word, value);
        }
    }
}

#[inline(always)]
fn xor<const PAIRS: usize>(one: &[Pair; PAIRS], other: &[Pair; PAIRS]) -> [Pair; PAIRS] {
    let mut sum = *one;
    for (sum, &pair) in sum.iter_mut().zip(other) {
        *sum = sum.xor(pair);
    }
    sum
}

/// Adds `difference` to pairs of a parity, and to its checksum what that changes.
#[inline(always)]
fn add_pairs<const PAIRS: usize>(
    parity: &mut Line,
    stored: &mut u64,
    starts: [usize; PAIRS],
    difference: &[Pair; PAIRS],
) {
    let old = starts.map(|start| line::pair(parity, start));
    let new = xor(&old, difference);
    store_pairs(parity, starts, &new);
    *stored = stored.wrapping_add(change_of_pairs(starts, &old, &new));
}

#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "pairs come from the constants of the line's format, and end before WORDS"
)]
fn store_pairs<const PAIRS: usize>(line: &mut Line, starts: [usize; PAIRS], pairs: &[Pair; PAIRS]) {
    for (start, pair) in starts.into_iter().zip(pairs) {
        line[start..start + 2].copy_from_slice(&pair.words());
    }
}

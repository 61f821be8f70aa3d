//! Sums over all that a vault holds in memory, by which a flipped bit of it is noticed.
//!
//! Owns them. The vault is in *parts*: each glyph with all that is only its own (numbers, rows of its program,
//! parents, id, file), and last what belongs to no glyph. A part has one sum, which whoever reads the part may
//! have compared at any time, in any order. Rows of a program whose glyph was refused are in no part: nothing
//! reads them.
//!
//! Invariants, each with its test:
//! - any damage within one word of 64 bits shows, since each step of a sum is one to one; of other damage one in
//!   2^64 goes unseen;
//! - whatever is damaged, comparing never panics.

use super::{GlyphIndex, Vault};
use core::ops::Range;

/// Where the sum of the first part starts: not at 0, so that memory of zeros is not taken for whole.
const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// Words that are added at once, since their multiplications need not wait for each other.
const LANES: usize = 4;

/// A sum under way.
struct Sum([u64; LANES]);

impl Sum {
    fn new(part: usize) -> Self {
        Sum([SEED ^ part as u64; LANES])
    }

    fn add(&mut self, words: [u64; LANES]) {
        for (lane, word) in self.0.iter_mut().zip(words) {
            *lane = step(*lane, word);
        }
    }

    /// Adds fewer words than there are lanes, or as many.
    fn add_some(&mut self, words: impl Iterator<Item = u64>) {
        let mut all = [0; LANES];
        all.iter_mut()
            .zip(words)
            .for_each(|(all, word)| *all = word);
        self.add(all);
    }

    /// Adds a text, of which the length is added elsewhere.
    fn add_text(&mut self, text: &[u8]) {
        let word = |bytes: &[u8]| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        let (whole, rest) = text.as_chunks::<{ 8 * LANES }>();
        for piece in whole {
            let (words, _) = piece.as_chunks();
            self.add_some(words.iter().map(|word| u64::from_le_bytes(*word)));
        }
        self.add_some(rest.chunks(8).map(word));
    }

    fn end(self) -> u64 {
        self.0.into_iter().fold(0, step)
    }
}

/// Odd factors and shifts are one to one: the finalizer of MurmurHash3 (Appleby), for every word.
fn step(sum: u64, word: u64) -> u64 {
    let sum = (sum ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let sum = (sum ^ sum >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    sum ^ sum >> 33
}

impl Vault {
    /// Number of parts that are compared one by one: at least 1.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.len() + 1
    }

    /// The first of these parts that is not as it was when the vault was loaded.
    #[must_use]
    pub fn damaged(&self, mut parts: Range<usize>) -> Option<usize> {
        parts.find(|part| {
            let sum = self.sum(*part);
            sum.is_none() || sum.as_ref() != self.sums.get(*part)
        })
    }

    /// Whether all that an activation of `glyph` reads of the vault is as it was loaded: the glyph and its parents.
    #[must_use]
    pub fn is_whole(&self, glyph: GlyphIndex) -> bool {
        let is_whole = |glyph: GlyphIndex| {
            let part = glyph.position();
            self.damaged(part..part + 1).is_none()
        };
        is_whole(glyph) && self.parents(glyph).iter().all(|parent| is_whole(*parent))
    }

    /// Takes the sums of a vault that is made.
    pub(crate) fn add_up(&mut self) {
        self.sums = (0..self.parts())
            .filter_map(|part| self.sum(part))
            .collect();
    }

    /// The sum of a part; `None` if it is not where its numbers say.
    fn sum(&self, part: usize) -> Option<u64> {
        let mut sum = Sum::new(part);
        if part == self.len() {
            self.add_rest(&mut sum);
        } else {
            self.add_glyph(part, &mut sum)?;
        }
        Some(sum.end())
    }

    fn add_glyph(&self, number: usize, sum: &mut Sum) -> Option<()> {
        let compiled = self.compiled.get(number)?;
        let (id, file) = (self.ids.get(number), self.files.get(number));
        let parents = &compiled.parents;
        let marks = [
            compiled.gate,
            compiled.writes_field_state,
            compiled.starts_wave,
            0,
        ];
        let marks = u32::from_le_bytes(marks);
        sum.add(compiled.program.words());
        sum.add([
            compiled.coherence.cast_unsigned(),
            u64::from(parents.start) | u64::from(parents.end) << u32::BITS,
            u64::from(compiled.generations) | u64::from(marks) << u32::BITS,
            // Both are below 2^32, as the vault's bytes together are.
            id.len() as u64 | (file.len() as u64) << u32::BITS,
        ]);
        for row in self.lanes.rows.get(compiled.program.rows())? {
            sum.add(row.words());
        }
        let parents = parents.start as usize..parents.end as usize;
        for parents in self.parents.get(parents)?.chunks(LANES) {
            sum.add_some(parents.iter().map(|parent| u64::from(parent.0)));
        }
        sum.add_text(id);
        sum.add_text(file);
        Some(())
    }

    fn add_rest(&self, sum: &mut Sum) {
        for number in 0..self.refused.len() {
            let id = self.refused.get(number);
            sum.add([id.len() as u64, 0, 0, 0]);
            sum.add_text(id);
        }
        for (_, count) in self.error_counts.iter() {
            sum.add([count, 0, 0, 0]);
        }
    }

    /// Damages a glyph on purpose: flips bit `bit` of the rows of its program.
    ///
    /// # Errors
    /// The number of bits that there are, if `bit` is not below it.
    pub fn flip(&mut self, glyph: GlyphIndex, bit: usize) -> Result<(), usize> {
        const ROW_BITS: usize = 4 * 64;
        let rows = self.compiled(glyph).program.rows();
        let rows = self.lanes.rows.get_mut(rows).unwrap_or_default();
        let bits = rows.len() * ROW_BITS;
        let row = rows.get_mut(bit / ROW_BITS).ok_or(bits)?;
        row.flip(bit % ROW_BITS);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

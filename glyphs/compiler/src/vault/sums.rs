//! Sums over all that a vault holds in memory, by which a flipped bit of it is noticed.
//!
//! Owns them. The vault is in *parts*: each glyph with all that is only its own (numbers, rows of its program,
//! parents, id, file), and last what belongs to no glyph. A part has one sum, which whoever reads the part may
//! have compared at any time, in any order. Rows of a program whose glyph was refused are in no part: nothing
//! reads them.
//!
//! Invariants, each with its test:
//! - any damage within 64 bits of a part that are added at once shows, since each step of a sum is one to one;
//!   of other damage one in 2^64 goes unseen;
//! - whatever is damaged, comparing never panics.

use super::{GlyphIndex, Vault};
use core::ops::Range;

/// Where the sum of the first part starts: not at 0, so that memory of zeros is not taken for whole.
const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// A sum under way.
struct Sum(u64);

impl Sum {
    fn add(&mut self, word: u64) {
        // Odd factors and shifts are one to one: the finalizer of MurmurHash3 (Appleby), at every word.
        self.0 = (self.0 ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.0 = (self.0 ^ self.0 >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        self.0 ^= self.0 >> 33;
    }

    fn add_text(&mut self, text: &[u8]) {
        self.add(text.len() as u64);
        let (words, rest) = text.as_chunks();
        words
            .iter()
            .for_each(|word| self.add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }
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
        let mut sum = Sum(SEED ^ part as u64);
        if part == self.len() {
            self.add_rest(&mut sum);
        } else {
            self.add_glyph(part, &mut sum)?;
        }
        Some(sum.0)
    }

    fn add_glyph(&self, number: usize, sum: &mut Sum) -> Option<()> {
        let compiled = self.compiled.get(number)?;
        let program = compiled.program;
        for word in program.words() {
            sum.add(word);
        }
        let parents = &compiled.parents;
        sum.add(compiled.coherence.cast_unsigned());
        sum.add(u64::from(parents.start) | u64::from(parents.end) << u32::BITS);
        let marks = [
            compiled.gate,
            compiled.writes_field_state,
            compiled.starts_wave,
            0,
        ];
        let marks = u32::from_le_bytes(marks);
        sum.add(u64::from(compiled.generations) | u64::from(marks) << u32::BITS);
        for row in self.lanes.rows.get(program.rows())? {
            row.words().into_iter().for_each(|word| sum.add(word));
        }
        for parent in self
            .parents
            .get(parents.start as usize..parents.end as usize)?
        {
            sum.add(u64::from(parent.0));
        }
        sum.add_text(self.ids.get(number));
        sum.add_text(self.files.get(number));
        Some(())
    }

    fn add_rest(&self, sum: &mut Sum) {
        let refused = (0..self.refused.len()).map(|number| self.refused.get(number));
        refused.for_each(|id| sum.add_text(id));
        let counts = self.error_counts.iter();
        counts.for_each(|(_, count)| sum.add(count));
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

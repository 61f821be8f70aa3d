//! Finds candidates by id.
//!
//! A binary search that compares ids where they lie waits for memory at each step. The first
//! sixteen bytes of every id stand side by side here, so that most steps stay in the cache.
//! Hashing would be faster still, but a file could then be made to collide.
//!
//! Invariant: entry `n` is the head of candidate `n`, and candidates are sorted by id.

use super::files::Candidate;
use abi::GlyphId;
use alloc::vec::Vec;

/// The heads of all ids, in order.
pub(super) struct Index {
    heads: Vec<u128>,
}

impl Index {
    pub(super) fn new(candidates: &[Candidate<'_>]) -> Self {
        Index {
            heads: candidates.iter().map(|glyph| head(&glyph.id)).collect(),
        }
    }

    /// The candidate with this id.
    pub(super) fn find(&self, candidates: &[Candidate<'_>], id: &GlyphId) -> Option<usize> {
        let wanted = head(id);
        let start = self.heads.partition_point(|head| *head < wanted);
        let same = self.heads[start..].partition_point(|head| *head == wanted);
        let within = candidates[start..start + same].binary_search_by(|glyph| glyph.id.cmp(id));
        within.ok().map(|position| start + position)
    }
}

/// The first sixteen bytes as a number that sorts as they do; no id holds a zero byte.
pub(super) fn head(id: &GlyphId) -> u128 {
    let mut bytes = [0; 16];
    for (slot, byte) in bytes.iter_mut().zip(id.as_str().bytes()) {
        *slot = byte;
    }
    u128::from_be_bytes(bytes)
}

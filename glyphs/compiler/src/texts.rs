//! Many short texts in one piece of memory, numbered from 0 in the order they were pushed.
//!
//! Invariant: text `n` is `bytes[ends[n - 1]..ends[n]]`, and the first one starts at 0.

use crate::program::position;
use alloc::vec::Vec;

/// Texts of which each costs its bytes and four more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    /// No text yet, and room for `count` of together `bytes`.
    pub(crate) fn with_capacity(count: usize, bytes: usize) -> Self {
        Texts {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(count),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(position(self.bytes.len()));
    }

    pub(crate) fn get(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[number] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_by_its_number() {
        let mut texts = Texts::with_capacity(2, 3);
        for text in ["ab", "", "c", "defg"] {
            texts.push(text.as_bytes());
        }
        let back: Vec<&[u8]> = (0..texts.len()).map(|number| texts.get(number)).collect();
        assert_eq!(back, [&b"ab"[..], b"", b"c", b"defg"]);
    }
}

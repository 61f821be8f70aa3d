//! Many short texts in one piece of memory, numbered from 0 in the order they were pushed.
//!
//! Invariants:
//! - text `n` is `bytes[ends[n - 1]..ends[n]]`, and the first one starts at 0;
//! - an end that memory has damaged makes a text empty or another one, and no look at it panics.

use crate::program::position;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Texts of which each costs its bytes and four more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<u32>,
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
        let end = |number: usize| self.ends.get(number).map_or(0, |end| *end as usize);
        let start = number.checked_sub(1).map_or(0, end);
        self.bytes.get(start..end(number)).unwrap_or_default()
    }

    /// The number of a text among texts that are sorted.
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle).cmp(text) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => high = middle,
            }
        }
        None
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

    #[test]
    fn a_text_is_found_among_sorted_ones_and_no_other_is() {
        let sorted = ["a", "ab", "b", "ba", "c"];
        for count in 0..=sorted.len() {
            let mut texts = Texts::default();
            let (there, missing) = sorted.split_at(count);
            there.iter().for_each(|text| texts.push(text.as_bytes()));
            for (number, text) in there.iter().enumerate() {
                assert_eq!(texts.find(text.as_bytes()), Some(number));
            }
            assert!(
                missing
                    .iter()
                    .all(|text| texts.find(text.as_bytes()).is_none())
            );
        }
    }
}

//! How often each glyph was activated, in a form that shows damage of memory.
//!
//! Invariant: a damaged count is no count, unless the same bits of both words flipped.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Counts, and apart from them their complements: an activation reads the counts alone.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    counts: Vec<u64>,
    complements: Vec<u64>,
}

impl Activity {
    /// None of `count` glyphs was activated.
    pub(crate) fn none(count: usize) -> Self {
        Activity {
            counts: vec![0; count],
            complements: vec![!0; count],
        }
    }

    /// The count, if it is whole.
    #[inline]
    pub(crate) fn get(&self, position: usize) -> u64 {
        self.counts[position]
    }

    pub(crate) fn add_one(&mut self, position: usize) {
        let count = self.counts[position].saturating_add(1);
        self.set(position, count);
    }

    fn set(&mut self, position: usize, count: u64) {
        self.counts[position] = count;
        self.complements[position] = !count;
    }

    /// Lets damaged counts begin anew at 0; how many.
    pub(crate) fn mend(&mut self, positions: Range<usize>) -> usize {
        let is_damaged = |position: &usize| {
            let pair = self
                .counts
                .get(*position)
                .zip(self.complements.get(*position));
            pair.is_some_and(|(count, complement)| *count != !*complement)
        };
        let damaged: Vec<usize> = positions.filter(is_damaged).collect();
        for position in &damaged {
            self.set(*position, 0);
        }
        damaged.len()
    }

    /// Flips a bit: of the count from 0 on, of its complement from 64 on; whether there is one.
    pub(crate) fn flip(&mut self, position: usize, bit: usize) -> bool {
        match bit {
            0..64 => self.counts[position] ^= 1 << bit,
            64..128 => self.complements[position] ^= 1 << (bit - 64),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_two_flipped_bits_of_a_count_let_it_begin_anew() {
        for number in [0, 1, 77, u64::MAX] {
            for first in 0..128 {
                for second in 0..=first {
                    let mut activity = Activity::none(3);
                    activity.set(1, number);
                    assert_eq!((activity.mend(0..3), activity.get(1)), (0, number));
                    assert!(activity.flip(1, first));
                    if second < first {
                        assert!(activity.flip(1, second));
                    }
                    // The one pair that makes another count of it.
                    if second + 64 != first {
                        assert_eq!(activity.mend(0..1) + activity.mend(2..9), 0);
                        assert_eq!(activity.mend(0..3), 1, "bits {first} and {second}");
                        assert_eq!((activity.get(1), activity.mend(0..3)), (0, 0));
                    }
                }
            }
        }
        assert!(!Activity::none(1).flip(0, 128));
    }
}

//! A number that is kept outside of the lines, in a form that shows damage and turns it back.
//!
//! Beside the number stands its product with a constant: an arithmetic code (Diamond, "Checking
//! codes for digital computers", 1955). A flipped bit of a word changes it by a power of two, and
//! any two numbers and their products are at least six powers of two apart. So one or two flipped
//! bits are turned back, whichever they are, and three never look like another number.
//!
//! Invariants:
//! - what [`Kept::get`] gives is what was set, or nothing, as long as at most three bits flipped;
//! - adding to a damaged number neither hides the damage nor makes it larger;
//! - the product alone tells whether the number is a given one: a product with up to three flipped
//!   bits is that of no number within 2^40 of it.

use crate::defect::{Defect, planted};

/// Found by a search: of all odd 31-bit factors that were tried, one of few with these distances
/// for numbers below 2^54. It fits into an instruction.
const FACTOR: u64 = 0x6261_5473;
/// What takes a product back to its number, modulo 2^64.
const INVERSE: u64 = inverse(FACTOR);
/// Greatest number that can be kept: a count of 50 million a second gets there in eleven years.
pub(crate) const NUMBER_MAX: u64 = (1 << 54) - 1;
/// Flipped bits that are turned back.
const CORRECTED_MAX: u32 = 2;

/// A number up to [`NUMBER_MAX`] and its product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    pub(crate) product: u64,
}

/// The inverse of an odd number modulo 2^64: each step doubles the bits that are right.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut right_bits = 3;
    while right_bits < u64::BITS {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        right_bits *= 2;
    }
    inverse
}

/// The least number of powers of two that add up to `difference`, modulo 2^64: the digits other
/// than zero of its non-adjacent form (Reitwiesner, "Binary arithmetic", 1960).
#[expect(
    clippy::cast_possible_truncation,
    reason = "a 65th digit is zero modulo 2^64"
)]
const fn powers_in(difference: u64) -> u32 {
    let digits = (difference as u128 ^ (3 * difference as u128)) >> 1;
    (digits as u64).count_ones()
}

impl Kept {
    /// Bits of the number and its product.
    pub(crate) const BITS: u32 = 2 * u64::BITS;

    /// Keeps a number up to [`NUMBER_MAX`].
    pub(crate) const fn new(number: u64) -> Self {
        Kept {
            number,
            product: number.wrapping_mul(FACTOR),
        }
    }

    /// Whether nothing is damaged.
    #[inline(always)]
    pub(crate) fn is_whole(&self) -> bool {
        self.number.wrapping_mul(FACTOR) == self.product && self.number <= NUMBER_MAX
            || planted(Defect::TrustNumber)
    }

    /// Whether this is `number`, judged by the product alone.
    #[inline(always)]
    pub(crate) fn is(&self, number: u64) -> bool {
        number.wrapping_mul(FACTOR) == self.product
    }

    /// The number that was kept, even if some of its bits have flipped since; `None` if too many
    /// have.
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<u64> {
        if self.is_whole() {
            Some(self.number)
        } else {
            self.corrected()
        }
    }

    /// Adds to the number, or subtracts by wrapping around.
    #[inline(always)]
    pub(crate) fn add(&mut self, count: u64) {
        self.number = self.number.wrapping_add(count);
        self.product = self.product.wrapping_add(count.wrapping_mul(FACTOR));
    }

    /// The number that at most [`CORRECTED_MAX`] flipped bits lead away from.
    #[cold]
    #[inline(never)]
    fn corrected(&self) -> Option<u64> {
        // Both bits may have flipped in one word or the other, or one in each.
        let by_product = self.product.wrapping_mul(INVERSE);
        let by_flip = (0..u64::BITS)
            .flat_map(|bit| [1 << bit, u64::wrapping_neg(1 << bit)])
            .map(|power| self.number.wrapping_add(power));
        [self.number, by_product]
            .into_iter()
            .chain(by_flip)
            .find(|&number| number <= NUMBER_MAX && self.flips_since(number) <= CORRECTED_MAX)
    }

    /// The least number of flipped bits that lead here from `number`.
    fn flips_since(&self, number: u64) -> u32 {
        let product = number.wrapping_mul(FACTOR);
        powers_in(self.number.wrapping_sub(number)) + powers_in(self.product.wrapping_sub(product))
    }

    /// Flips a bit: of the number from 0 on, of the product from 64 on.
    pub(crate) fn flip(&mut self, bit: u32) {
        if bit < u64::BITS {
            self.number ^= 1 << bit;
        } else {
            self.product ^= 1 << (bit % u64::BITS);
        }
    }
}

/// Words of any value, kept by their halves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptWords<const N: usize>([[Kept; 2]; N]);

impl<const N: usize> KeptWords<N> {
    /// Keeps the words.
    pub(crate) fn new(words: [u64; N]) -> Self {
        let half = |half: u64| Kept::new(half & u64::from(u32::MAX));
        KeptWords(words.map(|word| [half(word), half(word >> 32)]))
    }

    /// Whether nothing is damaged.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.as_flattened().iter().all(Kept::is_whole)
    }

    /// The words that were kept; `None` if too many bits of one half have flipped.
    pub(crate) fn get(&self) -> Option<[u64; N]> {
        let mut words = [0; N];
        for (word, [low, high]) in words.iter_mut().zip(&self.0) {
            *word = low.get()? | high.get()? << 32;
        }
        Some(words)
    }

    /// The halves, for a test to damage.
    #[cfg(test)]
    pub(crate) fn halves_mut(&mut self) -> &mut [Kept] {
        self.0.as_flattened_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Sums of up to two signed powers of two below `bits`, without zero, and how many they are of.
    fn sums(bits: u32) -> Vec<(u64, u32)> {
        let powers: Vec<u64> = (0..bits)
            .flat_map(|bit| [1 << bit, u64::wrapping_neg(1 << bit)])
            .collect();
        let mut sums: Vec<_> = powers.iter().map(|&power| (power, 1)).collect();
        for one in &powers {
            sums.extend(powers.iter().map(|other| (one.wrapping_add(*other), 2)));
        }
        sums.retain(|&(sum, _)| sum != 0);
        sums
    }

    fn is_within(difference: u64, bits: u32) -> bool {
        difference.cast_signed().unsigned_abs() < 1 << bits
    }

    #[test]
    fn any_two_numbers_and_their_products_are_six_powers_of_two_apart() {
        // Of five or fewer, one of the words has at most two.
        for (difference, powers) in sums(54) {
            let product = difference.wrapping_mul(FACTOR);
            assert!(powers + powers_in(product) >= 6, "{difference:#x}");
        }
        for (product, powers) in sums(64) {
            let difference = product.wrapping_mul(INVERSE);
            let is_possible = is_within(difference, 54);
            assert!(
                !is_possible || powers + powers_in(difference) >= 6,
                "{product:#x}"
            );
        }
    }

    #[test]
    fn a_damaged_product_is_that_of_no_number_near() {
        for (pair, _) in sums(64) {
            assert!(!is_within(pair.wrapping_mul(INVERSE), 40), "{pair:#x}");
            for power in (0..64).map(|bit| 1_u64 << bit) {
                let sum = pair.wrapping_add(power);
                let is_near = is_within(sum.wrapping_mul(INVERSE), 40);
                assert!(sum == 0 || !is_near, "{sum:#x}");
            }
        }
    }

    const NUMBERS: [u64; 7] = [0, 1, 2, 4095, 0x5555_5555, 1 << 40, NUMBER_MAX];

    #[test]
    fn one_or_two_flipped_bits_are_turned_back_even_after_more_was_added() {
        for number in NUMBERS {
            for first in 0..Kept::BITS {
                for second in 0..=first {
                    let mut kept = Kept::new(number);
                    kept.flip(first);
                    if second < first {
                        kept.flip(second);
                    }
                    assert!(!kept.is_whole());
                    assert_eq!(kept.get(), Some(number), "bits {first} and {second}");
                    let (more, less) = (0x1234_5678, u64::wrapping_neg(77));
                    if (0x100..NUMBER_MAX / 2).contains(&number) {
                        kept.add(more);
                        kept.add(less);
                        assert_eq!(kept.get(), Some(number + 0x1234_5678 - 77));
                    }
                }
            }
        }
    }

    #[test]
    fn three_flipped_bits_are_never_taken_for_another_number() {
        for number in [0, 4095, 1 << 40] {
            for first in 0..Kept::BITS {
                for second in 0..first {
                    for third in 0..second {
                        let mut kept = Kept::new(number);
                        for bit in [first, second, third] {
                            kept.flip(bit);
                        }
                        assert!(!kept.is_whole());
                        // Neighbouring ones may change a word by no more than two powers.
                        let found = kept.get().unwrap_or(number);
                        assert_eq!(found, number, "bits {first}, {second}, {third}");
                    }
                }
            }
        }
    }
}

//! Arithmetic of GF(2^8), on eight bytes at a time: the second parity is made of it.
//!
//! Bytes are polynomials over GF(2) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D), as in RAID 6
//! (Anvin, "The mathematics of RAID-6"): 2 generates all 255 elements but 0. A word holds
//! eight elements; a word times an element is each byte of it times the element.
//!
//! Invariants, each with its test below:
//! - nothing here takes time or memory accesses that depend on the data;
//! - times [`power`]`(n)` and then times its [`inverse`] gives the same word again.

/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// What takes the place of x^8, the polynomial without its highest term, in each byte.
const REDUCTION: u64 = 0x1d * ONES;
/// Powers of 2 that a product by one of the first 16 takes: each bit of a byte, shifted.
const POWERS: [u64; 23] = powers();

#[expect(
    clippy::indexing_slicing,
    reason = "the exponent is below the length, and this runs at compile time"
)]
const fn powers() -> [u64; 23] {
    let mut powers = [1; 23];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = double(powers[exponent - 1]);
        exponent += 1;
    }
    powers
}

/// Each byte of `word` times 2.
#[inline(always)]
pub(crate) const fn double(word: u64) -> u64 {
    let carries = word & (ONES << 7);
    // All bits of the bytes that carry; without a multiplication, which vectors of SSE2 lack.
    let mask = (carries << 1).wrapping_sub(carries >> 7);
    ((word ^ carries) << 1) ^ (mask & REDUCTION)
}

/// Each of `sums` times 2, plus what `bytes` has at its place, in the form that compilers make
/// vectors of: SSE2 does it with half the instructions that [`double`] takes.
#[inline(always)]
pub(crate) fn double_and_add(sums: &mut [u8], bytes: &[u8]) {
    for (sum, byte) in sums.iter_mut().zip(bytes) {
        *sum = doubled(*sum) ^ byte;
    }
}

#[inline(always)]
const fn doubled(byte: u8) -> u8 {
    // Shifting a sign to the right fills the byte with it.
    let mask = (byte.cast_signed() >> 7).cast_unsigned();
    (byte << 1) ^ (mask & REDUCTION.to_le_bytes()[0])
}

/// What takes a word times an element: the element times 2 to the power of each bit's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor([u64; 8]);

impl Factor {
    /// The factor of 2 to the power of `exponent`, which is below 16.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "exponents are places in a stripe, below 16, and bits are below 8"
    )]
    pub(crate) fn power_of_two(exponent: usize) -> Self {
        Factor(core::array::from_fn(|bit| POWERS[(exponent & 15) + bit]))
    }

    /// The factor of any element.
    pub(crate) fn of(element: u8) -> Self {
        let mut multiple = u64::from(element);
        Factor(core::array::from_fn(|_| {
            let this = multiple;
            multiple = double(multiple);
            this
        }))
    }

    /// Each byte of `word` times the element.
    #[inline(always)]
    pub(crate) fn times(&self, word: u64) -> u64 {
        let mut product = 0;
        for (bit, multiple) in self.0.iter().enumerate() {
            // A byte of the mask is 0 or 1, so the products do not reach into each other.
            product ^= ((word >> bit) & ONES).wrapping_mul(*multiple);
        }
        product
    }
}

/// The product of two elements.
pub(crate) fn product(one: u8, other: u8) -> u8 {
    // The other bytes of the word are 0 and stay it.
    Factor::of(one).times(u64::from(other)).to_le_bytes()[0]
}

/// 2 to the power of `exponent`.
pub(crate) fn power(exponent: usize) -> u8 {
    (0..exponent).fold(1, |element, _| product(element, 2))
}

/// The element whose product with `element` is 1; 0 has none and gives 0.
pub(crate) fn inverse(element: u8) -> u8 {
    // The 255th power of every element but 0 is 1.
    (0..254).fold(1, |product_so_far, _| product(product_so_far, element))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The product as it is done by hand: shift, add, take the polynomial away.
    fn by_hand(one: u8, other: u8) -> u8 {
        let mut sum = 0_u16;
        for bit in 0..8 {
            if other >> bit & 1 == 1 {
                sum ^= u16::from(one) << bit;
            }
        }
        for bit in (8..16).rev() {
            if sum >> bit & 1 == 1 {
                sum ^= 0x11d << (bit - 8);
            }
        }
        u8::try_from(sum).unwrap()
    }

    #[test]
    fn every_product_of_two_elements_is_the_one_by_hand() {
        for one in 0..=255 {
            for other in 0..=255 {
                assert_eq!(product(one, other), by_hand(one, other));
            }
        }
    }

    #[test]
    fn bytes_are_doubled_as_by_hand() {
        let mut sums: std::vec::Vec<u8> = (0..=255).collect();
        double_and_add(&mut sums, &[0xa5; 256]);
        for (element, sum) in (0..=255).zip(sums) {
            assert_eq!(sum, by_hand(element, 2) ^ 0xa5);
        }
    }

    #[test]
    fn two_generates_all_elements_and_every_one_has_an_inverse() {
        let all: BTreeSet<u8> = (0..255).map(power).collect();
        assert_eq!(all.len(), 255);
        assert!(!all.contains(&0));
        assert!(all.iter().all(|&e| product(e, inverse(e)) == 1));
        assert_eq!(inverse(0), 0);
    }

    #[test]
    fn bytes_of_a_word_do_not_reach_into_each_other() {
        let word = 0xff80_7f01_c35a_a500_u64;
        for exponent in 0..16 {
            let expected = word.to_le_bytes().map(|b| by_hand(b, power(exponent)));
            let expected = u64::from_le_bytes(expected);
            assert_eq!(Factor::power_of_two(exponent).times(word), expected);
            assert_eq!(Factor::of(power(exponent)).times(word), expected);
            let doubled = (0..exponent).fold(word, |word, _| double(word));
            assert_eq!(doubled, expected);
        }
    }
}

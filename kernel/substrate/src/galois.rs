//! Arithmetic of GF(2^12), on the pairs of words of a line: the second parity is made of it.
//!
//! A line is a polynomial whose coefficients are its twelve pairs of words: 128 polynomials
//! over GF(2) side by side, modulo x^12 + x^3 + 1, which is irreducible. So x times a line is
//! the line moved up by one pair, with the pair that leaves it added to the first and the
//! fourth. No bit changes its place in a pair, and the second parity takes nothing but
//! exclusive ors, as in Blaum and Roth, "New array codes for multiple phased burst correction"
//! (1993); that of RAID 6, over GF(2^8), takes four instructions more for each pair.
//!
//! Invariants, each with its test below:
//! - nothing here takes time or memory accesses that depend on the content of a line;
//! - a line times [`power`]`(n)` and then times its [`inverse`] is the same line again.

use crate::checksum::{Line, WORDS};
use vector::Quad;

/// Pairs of words in a line: the degree of the field.
pub(crate) const PAIRS: usize = WORDS / 2;
/// The power of x, below x^12, that is added with 1 in the place of x^12.
const TAP: usize = 3;
/// Most members of a stripe: its weights are the powers of x below.
const MEMBERS_MAX: usize = crate::geometry::STRIPE_MEMBERS_MAX;
/// Powers of x by which a pair of a line can be moved.
const POWERS: [u16; PAIRS + MEMBERS_MAX - 1] = powers();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where an index out of bounds is an error"
)]
const fn powers() -> [u16; PAIRS + MEMBERS_MAX - 1] {
    let mut powers = [1; PAIRS + MEMBERS_MAX - 1];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = raised(powers[exponent - 1]);
        exponent += 1;
    }
    powers
}

/// An element times x.
const fn raised(element: u16) -> u16 {
    let leaves = element >> (PAIRS - 1);
    (element << 1 & ((1 << PAIRS) - 1)) ^ leaves ^ leaves << TAP
}

/// The pairs to which pair `pair` is added when a line is added `exponent` times x: those
/// whose powers make up x^(pair + exponent). The exponent is below [`MEMBERS_MAX`].
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "exponents are places in a stripe, and pairs are below PAIRS"
)]
pub(crate) fn places_of(pair: usize, exponent: usize) -> impl Iterator<Item = usize> {
    let mut left = POWERS[pair + exponent];
    core::iter::from_fn(move || {
        let place = left.trailing_zeros() as usize;
        // Takes the lowest bit away; nothing from nothing.
        left &= left.wrapping_sub(1);
        (place < PAIRS).then_some(place)
    })
}

/// Greatest sum of a pair and an exponent for which [`two_places_of`] knows the places.
pub(crate) const TWO_PLACES_MAX: usize = 2 * PAIRS - TAP - 1;

/// The pairs of [`places_of`] for x^`sum`, with `sum` up to [`TWO_PLACES_MAX`]: the first, and the
/// other with ones, or, if there is none, any with zeros.
#[inline(always)]
pub(crate) const fn two_places_of(sum: usize) -> (usize, usize, u64) {
    if sum < PAIRS {
        let any = if sum < TAP { sum + TAP } else { sum - TAP };
        (sum, any, 0)
    } else {
        (sum - PAIRS, sum - PAIRS + TAP, u64::MAX)
    }
}

/// Quads that begin at word `start` of a line of zeros otherwise, times x to the power of
/// `exponent`, which is below [`MEMBERS_MAX`]: the same work for every exponent.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "exponents are places in a stripe, and quads end before WORDS"
)]
pub(crate) fn weighted<const QUADS: usize>(
    quads: &[Quad; QUADS],
    start: usize,
    exponent: usize,
) -> [Quad; WORDS / 4] {
    // The product as a polynomial, not reduced yet.
    let mut product = [0; WORDS + 2 * MEMBERS_MAX];
    let place = start + 2 * exponent;
    product[place..place + 4 * QUADS].copy_from_slice(quads.as_flattened());
    // What is beyond the last pair comes back at the first and at the tap: from the highest down,
    // since the tap of the highest is beyond the last pair again.
    let twice = 2 * WORDS - 2 * TAP;
    for words in [twice..product.len(), WORDS..twice] {
        for word in words {
            product[word - WORDS] ^= product[word];
            product[word - WORDS + 2 * TAP] ^= product[word];
        }
    }
    let line = product.as_chunks().0.first_chunk();
    line.copied().unwrap_or_default()
}

/// A line times x.
#[expect(
    clippy::indexing_slicing,
    reason = "words are below WORDS, by two pairs' arithmetic on them"
)]
pub(crate) fn raise(line: &Line) -> Line {
    let leaves = &line[WORDS - 2..];
    let mut raised = [0; WORDS];
    raised[2..].copy_from_slice(&line[..WORDS - 2]);
    for (half, word) in leaves.iter().enumerate() {
        raised[half] ^= word;
        raised[2 * TAP + half] ^= word;
    }
    raised
}

/// A line times an element.
pub(crate) fn times(line: &Line, element: u16) -> Line {
    let mut product = [0; WORDS];
    for bit in (0..PAIRS).rev() {
        product = raise(&product);
        if element >> bit & 1 == 1 {
            for (sum, word) in product.iter_mut().zip(line) {
                *sum ^= word;
            }
        }
    }
    product
}

/// The product of two elements.
pub(crate) fn product(one: u16, other: u16) -> u16 {
    (0..PAIRS).rev().fold(0, |product, bit| {
        raised(product) ^ if other >> bit & 1 == 1 { one } else { 0 }
    })
}

/// x to the power of `exponent`.
pub(crate) fn power(exponent: usize) -> u16 {
    (0..exponent).fold(1, |element, _| raised(element))
}

/// The element whose product with `element` is 1; 0 has none and gives 0.
pub(crate) fn inverse(element: u16) -> u16 {
    // The 4095th power of every element but 0 is 1: this is the 4094th, by squares.
    let mut square = element;
    (1..PAIRS).fold(1, |inverse, _| {
        square = product(square, square);
        product(inverse, square)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The product as it is done by hand: shift, add, take the polynomial away.
    fn by_hand(one: u16, other: u16) -> u16 {
        let mut sum = 0_u32;
        for bit in 0..12 {
            if other >> bit & 1 == 1 {
                sum ^= u32::from(one) << bit;
            }
        }
        for bit in (12..24).rev() {
            if sum >> bit & 1 == 1 {
                sum ^= 0b1_0000_0000_1001 << (bit - 12);
            }
        }
        u16::try_from(sum).unwrap()
    }

    /// Polynomial number `at` of the 128 of a line.
    fn polynomial(line: &Line, at: usize) -> u16 {
        (0..PAIRS).fold(0, |element, pair| {
            let bit = line[2 * pair + at / 64] >> (at % 64) & 1;
            element | u16::try_from(bit).unwrap() << pair
        })
    }

    fn any_line(seed: u64) -> Line {
        core::array::from_fn(|word| {
            (seed + word as u64 + 1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9)
        })
    }

    #[test]
    fn products_are_those_by_hand() {
        for one in 0..1 << PAIRS {
            for other in (0..1 << PAIRS).step_by(7) {
                assert_eq!(product(one, other), by_hand(one, other));
            }
        }
    }

    #[test]
    fn every_element_but_zero_has_an_inverse_and_no_two_weights_are_one() {
        assert!((1..1 << PAIRS).all(|element| product(element, inverse(element)) == 1));
        assert_eq!(inverse(0), 0);
        for one in 0..MEMBERS_MAX {
            assert_ne!(power(one), 0);
            assert!((0..one).all(|other| power(other) != power(one)));
        }
    }

    #[test]
    fn a_line_times_an_element_is_each_of_its_polynomials_times_it() {
        let line = any_line(1);
        for element in (0..1 << PAIRS).step_by(5) {
            let product = times(&line, element);
            for at in 0..128 {
                let expected = by_hand(polynomial(&line, at), element);
                assert_eq!(polynomial(&product, at), expected);
            }
            if element != 0 {
                assert_eq!(times(&product, inverse(element)), line);
            }
        }
        assert_eq!(raise(&line), times(&line, 2));
    }

    #[test]
    fn two_places_are_all_places_where_there_are_no_more() {
        for weight in 0..MEMBERS_MAX {
            for pair in 0..PAIRS.min(TWO_PLACES_MAX + 1 - weight) {
                let (first, second, mask) = two_places_of(pair + weight);
                assert!(first < PAIRS && second < PAIRS && first != second);
                let places = [Some(first), (mask == u64::MAX).then_some(second)];
                let expected = places_of(pair, weight);
                assert!(places.into_iter().flatten().eq(expected), "{pair} {weight}");
            }
        }
    }

    #[test]
    fn quads_weighted_are_the_line_of_them_times_its_weight() {
        let quads = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]];
        for weight in 0..MEMBERS_MAX {
            for start in (0..=WORDS - 12).step_by(2) {
                let mut line = [0; WORDS];
                line[start..start + 12].copy_from_slice(quads.as_flattened());
                let product = times(&line, power(weight));
                assert_eq!(weighted(&quads, start, weight).as_flattened(), product);
            }
        }
    }

    #[test]
    fn a_pair_added_at_its_places_is_the_line_times_its_weight() {
        for weight in 0..MEMBERS_MAX {
            for pair in 0..PAIRS {
                let mut line = [0; WORDS];
                line[2 * pair] = 3;
                line[2 * pair + 1] = 5;
                let mut sum = [0; WORDS];
                for place in places_of(pair, weight) {
                    sum[2 * place] ^= 3;
                    sum[2 * place + 1] ^= 5;
                }
                assert_eq!(sum, times(&line, power(weight)), "pair {pair}");
            }
        }
    }
}

//! The checksum of one line: what it is, and which damage it is sure to show.
//!
//! Owns the keys. A line of words `w` at address `a` in generation `g`, each word in its low
//! and its high half, has the checksum
//! `SEED + a * STEP + g * GENERATION + sum of LOW[i] * low(w[i]) + HIGH[i] * high(w[i])`,
//! modulo 2^64: multilinear hashing, as in Lemire and Kaser, "Strongly universal string
//! hashing is fast" (2014).
//!
//! Chosen by measurement. CRC-32C by tables, all that a kernel without run-time detection of
//! the processor has, takes 33 ns to verify 64 bytes; this takes a third of that for the 192
//! bytes of a line, since SSE2, which every x86-64 processor has, does two of its
//! multiplications at once. The same sum over whole words, modulo 2^128, took twice as long.
//!
//! Invariants, each with its test below:
//! - damage adds an error, between -2^32 and 2^32, to each half, and goes unseen only if the
//!   errors times their keys add up to zero: that depends on the damage, never on the
//!   content; of random damage one in 2^64 goes unseen;
//! - the keys are different primes above 2^31, so any damage within one half shows;
//! - any 1 to 4 flipped bits in a line, its checksum and its generation together show;
//! - one flipped bit is not taken for another, nor are two or three for one;
//! - a line of zeros with a checksum of zero does not pass, nor does a line with its checksum
//!   at another address (of 2^31) or in another generation, and neither is ever taken for a
//!   flipped bit;
//! - the checksum of a changed line follows from the changed words alone, and a difference
//!   between a line and its checksum stays exactly as it is under such changes.

use crate::defect::{Defect, planted};
use crate::pair::Pair;
use core::ops::Range;
use vector::{Keys, Unit, Work};

/// Words in a line: 192 bytes, three cache lines.
pub(crate) const WORDS: usize = vector::WORDS;

/// The unit that is verified, repaired and poisoned as a whole.
pub(crate) type Line = vector::Line;

/// Keys of the low halves: for word `i` the first prime from SHA-256("glyphos substrate half
/// N") on, N = 2 i, cut to 32 bits with the highest bit set.
const LOW: Line = [
    0x8d1f_d5e5,
    0xc311_e421,
    0xfe9e_921f,
    0xb81b_cc9f,
    0xcf09_d2cd,
    0xdc9c_9a5d,
    0xced0_9ef9,
    0xbcdc_9eff,
    0xc981_c763,
    0xc651_4cb5,
    0x85ab_2781,
    0xd953_6a5d,
    0xd1b1_2e7d,
    0xaaf8_48e7,
    0xd38f_2e2b,
    0xe137_6307,
    0xfcfb_0635,
    0xd9a7_0913,
    0xe6fc_ba9f,
    0xc9e8_923b,
    0x989f_0c8d,
    0x9fed_455b,
    0xf9a3_3a15,
    0xb9c0_d9a7,
];

/// Keys of the high halves: as [`LOW`], with N = 2 i + 1.
const HIGH: Line = [
    0xd3e8_3d6b,
    0xe636_e571,
    0xba82_0979,
    0xebca_4943,
    0xd7aa_baa3,
    0x9e63_3c11,
    0x980f_e64b,
    0x90cd_c8e5,
    0xa100_406d,
    0x8722_fbb5,
    0xb6f8_003d,
    0x908d_b77d,
    0xba4f_7077,
    0xff91_968b,
    0xb93e_9f55,
    0x85bf_d86d,
    0xac66_7e07,
    0xd91e_2031,
    0xa220_7e0b,
    0x9474_3d51,
    0x821b_5455,
    0xff99_ae5b,
    0xabec_bca3,
    0x86a9_c931,
];

/// The keys, as a vector unit takes them.
pub(crate) static KEYS: Keys = Keys {
    low: LOW,
    high: HIGH,
};

/// Checksum of a line of zeros at address 0: SHA-256("glyphos substrate seed"), made odd.
const SEED: u64 = 0xe14c_111a_784f_ca77;

/// What one step in the address adds: SHA-256("glyphos substrate address"), made odd.
const STEP: u64 = 0x0dd5_11d2_8cee_4b21;

/// What one step in the generation adds: SHA-256("glyphos substrate generation 0"). With it, no
/// step in the address below 2^31 makes up for one in the generation below 2^32.
const GENERATION: u64 = 0x50ec_118a_6017_def7;

/// The low half of a word.
const HALF: u64 = 0xffff_ffff;

/// The product of two halves; the masks let the compiler take a vector instruction for it.
#[inline(always)]
const fn product(key: u64, half: u64) -> u64 {
    (key & HALF).wrapping_mul(half & HALF)
}

/// What word `word` with value `value` adds to the checksum of its line.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "words come from the constants of the line's format and from its length"
)]
const fn share(word: usize, value: u64) -> u64 {
    product(LOW[word], value).wrapping_add(product(HIGH[word], value >> 32))
}

/// Checksum of a line of zeros at `address`, in generation `generation`.
#[inline(always)]
pub(crate) fn seed(address: usize, generation: u32) -> u64 {
    let address = if planted(Defect::IgnoreAddress) {
        0
    } else {
        address
    };
    let generation = if planted(Defect::IgnoreGeneration) {
        0
    } else {
        u64::from(generation)
    };
    SEED.wrapping_add((address as u64).wrapping_mul(STEP))
        .wrapping_add(generation.wrapping_mul(GENERATION))
}

/// What all words of a line add to its checksum, in any form.
#[derive(Debug)]
pub(crate) struct Share<'a>(pub(crate) &'a Line);

impl Work for Share<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) -> u64 {
        unit.share(self.0, &KEYS)
    }
}

/// Checksum of `line` kept at `address`, in its generation `generation`.
#[inline(always)]
pub(crate) fn checksum(line: &Line, address: usize, generation: u32) -> u64 {
    let quarters = [
        share_of_quarter::<0>(line),
        share_of_quarter::<6>(line),
        share_of_quarter::<12>(line),
        share_of_quarter::<18>(line),
    ];
    let seed = Pair::new([seed(address, generation), 0]);
    quarters.into_iter().fold(seed, Pair::plus).sum()
}

/// What the six words from word `START` on add to the checksum of their line, in two parts.
/// With words known at compile time, keys are operands and not loads of their own.
#[inline(always)]
fn share_of_quarter<const START: usize>(line: &Line) -> Pair {
    let share = |start| share_of_pair(start, crate::line::pair(line, start));
    share(START).plus(share(START + 2)).plus(share(START + 4))
}

/// Checksums of lines of equal `content` in generation 0 at the addresses of `addresses`, one
/// step apart each.
pub(crate) fn checksums_of_equal_lines(
    content: &Line,
    addresses: Range<usize>,
) -> impl Iterator<Item = u64> + use<> {
    let mut next = checksum(content, addresses.start, 0);
    addresses.map(move |_| {
        let this = next;
        next = next.wrapping_add(STEP);
        this
    })
}

/// Goes on to the next generation, and tells what the checksum gains by that.
#[inline(always)]
pub(crate) fn advance(generation: &mut u32) -> u64 {
    let old = *generation;
    *generation = old.wrapping_add(1);
    if planted(Defect::IgnoreGeneration) {
        return 0;
    }
    let steps = u64::from(*generation).wrapping_sub(u64::from(old));
    steps.wrapping_mul(GENERATION)
}

/// The generation other than `generation` in which `line` matches its `stored` checksum.
pub(crate) fn generation_that_matches(
    line: &Line,
    address: usize,
    generation: u32,
    stored: u64,
) -> Option<u32> {
    // The inverse of the key, which is odd: each step of Newton's method doubles its bits.
    let mut inverse = GENERATION;
    for _ in 0..5 {
        let error = 2_u64.wrapping_sub(GENERATION.wrapping_mul(inverse));
        inverse = inverse.wrapping_mul(error);
    }
    let missing = stored.wrapping_sub(checksum(line, address, 0));
    u32::try_from(missing.wrapping_mul(inverse))
        .ok()
        .filter(|&found| found != generation)
}

/// What the checksum gains when word `word` goes from `old` to `new`.
#[inline(always)]
pub(crate) fn change(word: usize, old: u64, new: u64) -> u64 {
    share(word, new).wrapping_sub(share(word, old))
}

/// What the pair of words that begins at word `start` adds to the checksum of its line, in two
/// parts.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "pairs come from the constants of the line's format, and end before WORDS"
)]
pub(crate) fn share_of_pair(start: usize, pair: Pair) -> Pair {
    let keys = |keys: &Line| Pair::new([keys[start], keys[start + 1]]);
    pair.times_low(keys(&LOW))
        .plus(pair.high_times_low(keys(&HIGH)))
}

/// What the pairs of words that begin at the words `starts` add to the checksum of their line.
#[inline(always)]
fn share_of_pairs<const PAIRS: usize>(starts: [usize; PAIRS], pairs: &[Pair; PAIRS]) -> u64 {
    let mut sum = Pair::zero();
    for (start, &pair) in starts.into_iter().zip(pairs) {
        sum = sum.plus(share_of_pair(start, pair));
    }
    sum.sum()
}

/// What the checksum gains when the pairs that begin at the words `starts` go from `old` to
/// `new`.
#[inline(always)]
pub(crate) fn change_of_pairs<const PAIRS: usize>(
    starts: [usize; PAIRS],
    old: &[Pair; PAIRS],
    new: &[Pair; PAIRS],
) -> u64 {
    // Compilers would rather add products by negative keys, which have twice as many bits and
    // take three times as long: the box keeps the subtraction where it is.
    share_of_pairs(starts, new).wrapping_sub(core::hint::black_box(share_of_pairs(starts, old)))
}

/// The one flipped bit that explains a checksum that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlippedBit {
    /// Bit `bit` of word `word` of the line.
    Line {
        /// Which word, below [`WORDS`].
        word: usize,
        /// Which bit, below 64.
        bit: u32,
    },
    /// Bit of the stored checksum, below 64.
    Checksum {
        /// Which bit, below 64.
        bit: u32,
    },
}

/// Finds the single flipped bit that makes `line` and its `stored` checksum agree again.
///
/// A flipped bit of the generation is not looked for: it looks like a line that is stale.
/// `None` if they agree already, or if no single bit explains the difference.
pub(crate) fn locate_flipped_bit(
    line: &Line,
    address: usize,
    generation: u32,
    stored: u64,
) -> Option<FlippedBit> {
    let computed = checksum(line, address, generation);
    let difference = computed ^ stored;
    if difference.count_ones() == 1 {
        return Some(FlippedBit::Checksum {
            bit: difference.trailing_zeros(),
        });
    }
    // A bit that rose adds its key times its place in its half, a bit that fell takes that
    // away. Keys are odd, so the lowest set bit of what was gained tells the place.
    let gained = computed.wrapping_sub(stored);
    let place = gained.trailing_zeros();
    if place >= u32::BITS {
        return None;
    }
    for (word, &value) in line.iter().enumerate() {
        for bit in [place, place + u32::BITS] {
            if gained == change(word, value ^ (1 << bit), value) {
                return Some(FlippedBit::Line { word, bit });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn keys_are_different_primes_above_half_their_range() {
        let keys: Vec<u64> = LOW.into_iter().chain(HIGH).collect();
        for (i, &key) in keys.iter().enumerate() {
            assert!(key >> 31 == 1 && !keys[i + 1..].contains(&key));
            assert!((2..0x1_0000).all(|divisor| key % divisor != 0));
        }
    }

    #[test]
    fn no_one_to_four_flipped_bits_in_line_checksum_and_generation_go_unseen() {
        // Every flip of one bit adds a signed term: rising or falling, in a word, in the
        // checksum or in the generation. Damage of 4 bits that goes unseen is two pairs of terms of equal sums
        // (the sign of a whole pair can be turned), so all sums of pairs are compared.
        let mut terms: Vec<(u64, u16)> = Vec::new();
        let mut places: Vec<u64> = (0..64).map(|bit| 1 << bit).collect();
        for (word, bit) in (0..WORDS * 64).map(|bit| (bit / 64, bit % 64)) {
            places.push(share(word, 1 << bit));
        }
        places.extend((0..32).map(|bit| GENERATION << bit));
        for (term, id) in places.into_iter().zip(0_u16..) {
            terms.push((term, id));
            terms.push((term.wrapping_neg(), id));
        }
        assert!(terms.iter().all(|term| term.0 != 0));
        let mut pairs: Vec<(u64, u16, u16)> = Vec::with_capacity(terms.len() * terms.len() / 2);
        for (i, a) in terms.iter().enumerate() {
            for b in terms[i + 1..].iter().filter(|b| a.1 != b.1) {
                pairs.push((a.0.wrapping_add(b.0), a.1, b.1));
            }
        }
        assert!(pairs.iter().all(|pair| pair.0 != 0), "two bits go unseen");
        pairs.sort_unstable();
        // Three bits: a pair whose sum is the opposite of a third term.
        for term in &terms {
            let from = pairs.partition_point(|pair| pair.0 < term.0);
            for pair in pairs[from..].iter().take_while(|pair| pair.0 == term.0) {
                assert!(pair.1 == term.1 || pair.2 == term.1, "three bits go unseen");
            }
        }
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            for (i, a) in run.iter().enumerate() {
                for b in &run[i + 1..] {
                    let apart = a.1 != b.1 && a.1 != b.2 && a.2 != b.1 && a.2 != b.2;
                    assert!(!apart, "four bits go unseen: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn memory_of_zeros_or_ones_does_not_pass() {
        for address in 0..10_000 {
            assert_ne!(checksum(&[0; WORDS], address, 0), 0);
            assert_ne!(checksum(&[u64::MAX; WORDS], address, 0), u64::MAX);
            assert_ne!(checksum(&[u64::MAX; WORDS], address, u32::MAX), u64::MAX);
        }
    }

    /// The least `x` for which `factor * x` modulo 2^64 is in `low..=high`: the lattice is made
    /// smaller as by Euclid's algorithm.
    fn first_in(factor: u128, modulus: u128, low: u128, high: u128) -> Option<u128> {
        if low == 0 {
            return Some(0);
        }
        let factor = factor % modulus;
        if factor == 0 {
            return None;
        }
        if 2 * factor > modulus {
            return first_in(modulus - factor, modulus, modulus - high, modulus - low);
        }
        let steps = low.div_ceil(factor);
        if steps * factor <= high {
            return Some(steps);
        }
        let rounds = first_in(
            factor - modulus % factor,
            factor,
            low % factor,
            high % factor,
        )?;
        Some((low + modulus * rounds).div_ceil(factor))
    }

    fn inverse_of_generation() -> u64 {
        let mut inverse = 1_u64;
        while GENERATION.wrapping_mul(inverse) != 1 {
            // The lowest wrong bit of the product is put right by that bit of the inverse.
            inverse += 1 << (GENERATION.wrapping_mul(inverse) ^ 1).trailing_zeros();
        }
        inverse
    }

    #[test]
    fn no_other_address_makes_up_for_another_generation() {
        // A line of a steps away passes if a * STEP = g * GENERATION, for g steps of
        // generation up or down: then a * STEP / GENERATION is g.
        let ratio = STEP.wrapping_mul(inverse_of_generation());
        for ratio in [ratio, ratio.wrapping_neg()] {
            let first = first_in(ratio.into(), 1 << 64, 1, (1 << 32) - 1).unwrap();
            assert_eq!(u64::try_from(first).unwrap().wrapping_mul(ratio) >> 32, 0);
            assert!(first >= 1 << 31, "{first} addresses away");
        }
        // Without a step of generation: an odd step of address never comes to 0.
        assert_eq!(STEP % 2, 1);
        let largest = crate::geometry::Geometry::new(65_535, 65_537).unwrap();
        assert!(largest.blocks() < 1 << 31);
    }

    #[test]
    fn a_stale_or_moved_line_is_never_taken_for_a_flipped_bit() {
        // A flipped bit adds a term; a stale line adds g * GENERATION. The quotient of the term
        // by GENERATION would have to be such a g.
        let inverse = inverse_of_generation();
        let mut terms: Vec<u64> = (0..64).map(|bit| 1 << bit).collect();
        terms.extend((0..WORDS * 64).map(|bit| share(bit / 64, 1 << (bit % 64))));
        for term in terms {
            for signed in [term, term.wrapping_neg()] {
                let steps = signed.wrapping_mul(inverse);
                assert!(steps.min(steps.wrapping_neg()) >> 32 != 0, "{term:#x}");
            }
        }
    }

    #[test]
    fn only_the_generation_of_a_line_matches_its_checksum() {
        let line = core::array::from_fn(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for generation in [0, 1, 77, 1 << 31, u32::MAX] {
            let stored = checksum(&line, 9, generation);
            for other in [0, 1, 76, 78, u32::MAX - 1, u32::MAX] {
                let found = generation_that_matches(&line, 9, other, stored);
                assert_eq!(found, (other != generation).then_some(generation));
                assert_eq!(checksum(&line, 9, other) == stored, other == generation);
            }
            let mut next = generation;
            let gained = advance(&mut next);
            assert_eq!(next, generation.wrapping_add(1));
            assert_eq!(stored.wrapping_add(gained), checksum(&line, 9, next));
            let mut lost: Line = line;
            lost[3] ^= 0b101;
            assert_eq!(generation_that_matches(&lost, 9, generation, stored), None);
        }
    }

    #[test]
    fn every_flipped_bit_is_found_and_no_two_are_taken_for_one() {
        let whole: Line = core::array::from_fn(|i| (i as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let stored = checksum(&whole, 7, 5);
        assert_eq!(locate_flipped_bit(&whole, 7, 5, stored), None);
        for bit in 0..64 {
            assert_eq!(
                locate_flipped_bit(&whole, 7, 5, stored ^ (1 << bit)),
                Some(FlippedBit::Checksum { bit })
            );
        }
        for first in 0..WORDS * 64 {
            let mut line = whole;
            line[first / 64] ^= 1 << (first % 64);
            assert_eq!(
                locate_flipped_bit(&line, 7, 5, stored),
                Some(FlippedBit::Line {
                    word: first / 64,
                    bit: u32::try_from(first % 64).unwrap()
                })
            );
            for second in first + 1..WORDS * 64 {
                let mut twice = line;
                twice[second / 64] ^= 1 << (second % 64);
                assert_eq!(locate_flipped_bit(&twice, 7, 5, stored), None);
            }
        }
    }

    #[test]
    fn the_change_of_a_word_gives_the_checksum_of_the_changed_line() {
        let mut line: Line = core::array::from_fn(|i| u64::MAX / (i as u64 + 1));
        let mut sum = checksum(&line, 3, 8);
        for word in 0..WORDS {
            let new = line[word].rotate_left(13) ^ 0x5555;
            sum = sum.wrapping_add(change(word, line[word], new));
            line[word] = new;
            assert_eq!(sum, checksum(&line, 3, 8));
        }
    }
}

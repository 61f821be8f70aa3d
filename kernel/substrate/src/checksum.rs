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
    let seed = seed(address, generation);
    let words = line.iter().enumerate();
    words.fold(seed, |sum, (word, &value)| {
        sum.wrapping_add(share(word, value))
    })
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
    /// What it gains when the last generation is followed by the first again.
    const AROUND: u64 = GENERATION.wrapping_mul(u32::MAX as u64).wrapping_neg();
    *generation = generation.wrapping_add(1);
    if planted(Defect::IgnoreGeneration) {
        0
    } else if *generation == 0 {
        AROUND
    } else {
        GENERATION
    }
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
mod tests;

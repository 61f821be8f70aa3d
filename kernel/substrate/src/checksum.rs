//! The checksum of one line: what it is, and which damage it is sure to show.
//!
//! Owns the keys. A line of words `w` at address `a` has the 128-bit checksum
//! `SEED + a * STEP + sum of KEYS[i] * w[i]`, all modulo 2^128. Multilinear hashing, as in
//! Lemire and Kaser, "Strongly universal string hashing is fast" (2014), over whole words.
//!
//! Chosen by measurement over CRC-32C: a kernel without run-time CPU detection has the CRC
//! only by tables, which take 30 ns for 64 bytes; one widening multiplication for each word
//! takes a third of that for the 192 bytes of a line, natively and under emulation.
//!
//! Invariants, each with its test below:
//! - damage adds an error `e[i]`, between -2^64 and 2^64, to each word, and goes unseen only
//!   if the sum of `KEYS[i] * e[i]` is zero: that depends on the damage, never on the content;
//! - the keys are odd, above 2^63 and coprime in pairs, so any damage within one word shows,
//!   and within two words one pattern out of 2^128 does not;
//! - any 1 to 4 flipped bits in a line and its checksum together show;
//! - a line of zeros with a checksum of zero does not pass;
//! - the checksum of a changed line follows from the changed words alone, and a difference
//!   between a line and its checksum stays exactly as it is under such changes.

/// Words in a line: 192 bytes, three cache lines.
pub(crate) const WORDS: usize = 24;

/// The unit that is verified, repaired and poisoned as a whole.
pub(crate) type Line = [u64; WORDS];

/// For word `i` the first prime from SHA-256("glyphos substrate line i") on, cut to 64 bits
/// with the highest bit set.
const KEYS: Line = [
    0x8cb5_c4ed_e919_7ca7,
    0x8887_cc46_9e52_7e2d,
    0x9760_88dc_e110_19ed,
    0x9112_f4ea_da2c_bf03,
    0xa595_6dc9_e8ac_6465,
    0x95f6_df61_ac19_bf87,
    0xdc05_af5d_6d35_ad6d,
    0xf02b_96e0_020f_300f,
    0xf039_19d2_6b43_d4d7,
    0x8aa0_bf26_b6a3_a41f,
    0xf61f_d962_d85e_1c2b,
    0xad33_130b_cda5_2485,
    0x9d8d_03e5_3ae8_9477,
    0xb9f4_905a_c5cc_e613,
    0xcf31_983a_843a_65c7,
    0x82b6_b9d9_6f2c_21c5,
    0xb625_0fee_3249_5b4d,
    0xa113_a4d7_7de3_eba1,
    0xfd4f_f815_749e_5a33,
    0xb2b8_1995_9175_8a5f,
    0xf33f_eb22_b4f6_faf7,
    0x8bb1_0e78_c95d_b7f5,
    0xa34c_4e4d_8eeb_c08f,
    0x9043_37ae_dc2e_8dd9,
];

/// Checksum of a line of zeros at address 0: SHA-256("glyphos substrate seed"), made odd.
const SEED: u128 = 0xe14c_111a_784f_ca76_fe4d_76d0_ba2f_5007;

/// What one step in the address adds: SHA-256("glyphos substrate address"), made odd.
const STEP: u128 = 0x0dd5_11d2_8cee_4b21_fd49_5340_11be_080f;

/// The key of word `word`, or of word 0 if there is no such word.
#[inline(always)]
fn key(word: usize) -> u128 {
    u128::from(KEYS.get(word).copied().unwrap_or(KEYS[0]))
}

/// Checksum of `line` kept at `address`.
#[inline(always)]
pub(crate) fn checksum(line: &Line, address: usize) -> u128 {
    let mut even = SEED.wrapping_add((address as u128).wrapping_mul(STEP));
    let mut odd = 0_u128;
    // Two sums, so that the carries of one do not wait for the other's.
    for (words, keys) in line.as_chunks::<2>().0.iter().zip(KEYS.as_chunks::<2>().0) {
        even = even.wrapping_add(u128::from(words[0]).wrapping_mul(u128::from(keys[0])));
        odd = odd.wrapping_add(u128::from(words[1]).wrapping_mul(u128::from(keys[1])));
    }
    even.wrapping_add(odd)
}

/// What the checksum gains when word `word` goes from `old` to `new`.
#[inline(always)]
pub(crate) fn change(word: usize, old: u64, new: u64) -> u128 {
    let key = key(word);
    key.wrapping_mul(u128::from(new))
        .wrapping_sub(key.wrapping_mul(u128::from(old)))
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
    /// Bit of the stored checksum, below 128.
    Checksum {
        /// Which bit, below 128.
        bit: u32,
    },
}

/// Finds the single flipped bit that makes `line` and its `stored` checksum agree again.
///
/// `None` if they agree already, or if no single bit explains the difference.
pub(crate) fn locate_flipped_bit(line: &Line, address: usize, stored: u128) -> Option<FlippedBit> {
    let computed = checksum(line, address);
    let difference = computed ^ stored;
    if difference.count_ones() == 1 {
        return Some(FlippedBit::Checksum {
            bit: difference.trailing_zeros(),
        });
    }
    // A bit that rose adds key * 2^bit, a bit that fell takes it away; keys are odd, so the
    // lowest set bit of the difference of sums is the place of the flipped bit.
    let gained = computed.wrapping_sub(stored);
    let bit = gained.trailing_zeros();
    if bit >= u64::BITS {
        return None;
    }
    let mask = 1_u64 << bit;
    line.iter().enumerate().find_map(|(word, &value)| {
        (gained == change(word, value ^ mask, value)).then_some(FlippedBit::Line { word, bit })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    }

    #[test]
    fn keys_are_odd_large_and_coprime_in_pairs() {
        for (i, &a) in KEYS.iter().enumerate() {
            assert!(a % 2 == 1 && a >> 63 == 1);
            for &b in &KEYS[i + 1..] {
                assert_eq!(greatest_common_divisor(a, b), 1);
            }
        }
    }

    #[test]
    fn no_one_to_four_flipped_bits_in_line_and_checksum_go_unseen() {
        // Every flip of one bit adds a signed term: rising or falling, in a word or in the
        // checksum. Damage of 4 bits that goes unseen is two pairs of terms of equal sums
        // (the sign of a whole pair can be turned), so all sums of pairs are compared.
        let mut terms: Vec<(u128, u16)> = Vec::new();
        for (word, &key) in KEYS.iter().enumerate() {
            for bit in 0..64_u32 {
                let id = u16::try_from(word * 64).unwrap() + u16::try_from(bit).unwrap();
                let term = u128::from(key) << bit;
                terms.push((term, id));
                terms.push((term.wrapping_neg(), id));
            }
        }
        for bit in 0..128_u32 {
            let id = u16::try_from(WORDS * 64).unwrap() + u16::try_from(bit).unwrap();
            terms.push((1 << bit, id));
            terms.push(((1_u128 << bit).wrapping_neg(), id));
        }
        assert!(terms.iter().all(|term| term.0 != 0));
        let mut pairs: Vec<(u128, u16, u16)> = Vec::with_capacity(terms.len() * terms.len() / 2);
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
            assert_ne!(checksum(&[0; WORDS], address), 0);
            assert_ne!(checksum(&[u64::MAX; WORDS], address), u128::MAX);
        }
    }

    #[test]
    fn a_line_at_another_address_does_not_pass() {
        let line = core::array::from_fn(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for address in 1..10_000 {
            assert_ne!(checksum(&line, address), checksum(&line, 0));
        }
    }

    #[test]
    fn every_flipped_bit_is_found_and_no_two_are_taken_for_one() {
        let whole: Line = core::array::from_fn(|i| (i as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let stored = checksum(&whole, 7);
        assert_eq!(locate_flipped_bit(&whole, 7, stored), None);
        for bit in 0..128 {
            assert_eq!(
                locate_flipped_bit(&whole, 7, stored ^ (1 << bit)),
                Some(FlippedBit::Checksum { bit })
            );
        }
        for first in 0..WORDS * 64 {
            let mut line = whole;
            line[first / 64] ^= 1 << (first % 64);
            assert_eq!(
                locate_flipped_bit(&line, 7, stored),
                Some(FlippedBit::Line {
                    word: first / 64,
                    bit: u32::try_from(first % 64).unwrap()
                })
            );
            for second in first + 1..WORDS * 64 {
                let mut twice = line;
                twice[second / 64] ^= 1 << (second % 64);
                assert_eq!(locate_flipped_bit(&twice, 7, stored), None);
            }
        }
    }

    #[test]
    fn the_change_of_a_word_gives_the_checksum_of_the_changed_line() {
        let mut line: Line = core::array::from_fn(|i| u64::MAX / (i as u64 + 1));
        let mut sum = checksum(&line, 3);
        for word in 0..WORDS {
            let new = line[word].rotate_left(13) ^ 0x5555;
            sum = sum.wrapping_add(change(word, line[word], new));
            line[word] = new;
            assert_eq!(sum, checksum(&line, 3));
        }
    }
}

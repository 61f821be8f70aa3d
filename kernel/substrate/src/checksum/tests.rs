//! Sums against their definition, and which changes of a line they tell apart.

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

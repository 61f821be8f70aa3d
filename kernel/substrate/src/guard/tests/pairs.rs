//! One, two and three lost blocks of a stripe, every combination of them.

use super::{Random, assert_same_memory, contents, copy_of, lively};
use crate::event::{Action, Place};
use crate::line::FLAGS;
use crate::{Substrate, line};
use abi::request::Injection;
use std::vec::Vec;

/// Ways in which a block is lost: what is done to each word, and to the checksum.
const LOSSES: [(u64, u64); 4] = [(!0, 0), (0x8000_0001, 0x0300), (0, 0b101), (0x1d, !0)];

/// The campaigns that defects are planted for.
pub(super) const OF_PAIRS: fn() = any_one_or_two_lost_blocks_of_every_stripe_are_rebuilt_to_the_bit;
pub(super) const OF_THREE: fn() =
    any_three_lost_blocks_of_a_stripe_poison_their_lines_and_nothing_else;

fn lose(field: &mut Substrate, block: usize, (garbage, sum): (u64, u64)) {
    let words = field.guard.block_mut(block).iter_mut();
    words.for_each(|word| *word ^= garbage);
    field.guard.checksums[block] ^= sum;
}

fn blocks_of(field: &Substrate, stripe: usize) -> Vec<usize> {
    field.guard.geometry.blocks_of(stripe).collect()
}

/// Demands that a stripe holds the bits of its twin.
fn assert_same_stripe(field: &Substrate, clean: &Substrate, stripe: usize, what: &str) {
    for block in blocks_of(clean, stripe) {
        let memory = |field: &Substrate| (*field.guard.block(block), field.guard.checksums[block]);
        assert_eq!(memory(field), memory(clean), "block {block}: {what}");
    }
}

#[test]
fn any_one_or_two_lost_blocks_of_every_stripe_are_rebuilt_to_the_bit() {
    let clean = lively(64, 64);
    let mut field = copy_of(&clean);
    let mut pairs = 0;
    for stripe in 0..clean.guard.geometry.stripes {
        let blocks = blocks_of(&clean, stripe);
        for (i, &one) in blocks.iter().enumerate() {
            for &other in &blocks[i..] {
                lose(&mut field, one, LOSSES[pairs % 4]);
                if other != one {
                    lose(&mut field, other, LOSSES[pairs / 4 % 4]);
                }
                field.guard.repair_stripe(stripe, None);
                let what = std::format!("lost {one} and {other}");
                assert_same_stripe(&field, &clean, stripe, &what);
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 320 * (18 * 17 / 2 + 18));
    assert_same_memory(&field, &clean, "all stripes");
    assert_eq!(field.counters().cells_poisoned, 0);
    assert_eq!(field.counters().superpositions_poisoned, 0);
}

#[test]
fn any_two_lost_pages_are_rebuilt_to_the_bit() {
    for (width, height) in [(16, 16), (19, 7)] {
        let clean = lively(width, height);
        for one in 0..clean.page_count() {
            for other in 0..one {
                let mut field = copy_of(&clean);
                field.inject(Injection::Page(one)).unwrap();
                field.inject(Injection::Page(other)).unwrap();
                let report = field.scrub_all();
                assert_eq!((report.repaired, report.poisoned), (report.damaged, 0));
                let what = std::format!("{width} x {height}: pages {one} and {other}");
                assert_same_memory(&field, &clean, &what);
            }
        }
    }
}

#[test]
fn any_three_lost_blocks_of_a_stripe_poison_their_lines_and_nothing_else() {
    let clean = lively(64, 64);
    let geometry = clean.guard.geometry;
    let stripe = 9;
    let blocks = blocks_of(&clean, stripe);
    for (i, &a) in blocks.iter().enumerate() {
        for (j, &b) in blocks.iter().enumerate().skip(i + 1) {
            for &c in &blocks[j + 1..] {
                let mut field = copy_of(&clean);
                for block in [a, b, c] {
                    lose(&mut field, block, LOSSES[0]);
                }
                field.guard.repair_stripe(stripe, None);
                for &block in &blocks {
                    let now = *field.guard.block(block);
                    assert_eq!(
                        field.guard.checksums[block],
                        field.guard.checksum_of(&now, block)
                    );
                    if block >= geometry.data_lines {
                        continue;
                    }
                    if [a, b, c].contains(&block) {
                        assert_eq!(now, line::poisoned(), "{a} {b} {c}");
                        assert_ne!(now[FLAGS] & 0x80, 0);
                    } else {
                        assert_eq!(now, *clean.guard.blocks[block], "{a} {b} {c}");
                    }
                }
                let report = field.scrub_all();
                assert_eq!((report.damaged, report.repaired), (0, 0), "{a} {b} {c}");
            }
        }
    }
}

#[test]
fn two_lost_blocks_and_a_lost_checksum_are_all_restored() {
    let clean = lively(64, 64);
    for stripe in [0, 77, 319] {
        let blocks = blocks_of(&clean, stripe);
        for &marked in &blocks {
            for &one in blocks.iter().filter(|&&block| block != marked) {
                for &other in blocks.iter().filter(|&&b| b > one && b != marked) {
                    let mut field = copy_of(&clean);
                    lose(&mut field, marked, (0, 0b11));
                    lose(&mut field, one, (!0, 0));
                    lose(&mut field, other, (0xabc, 0));
                    field.guard.repair_stripe(stripe, None);
                    let what = std::format!("lost {one}, {other}, checksum of {marked}");
                    assert_same_stripe(&field, &clean, stripe, &what);
                }
            }
        }
    }
}

#[test]
fn a_second_parity_that_does_not_match_whole_lines_is_found_by_the_scrubber() {
    let clean = lively(64, 64);
    let mut field = copy_of(&clean);
    let parity = field.guard.geometry.second_parity_of(4);
    field.guard.block_mut(parity)[0] ^= 6;
    field.guard.checksums[parity] = field.guard.checksum_of(field.guard.block(parity), parity);
    let report = field.scrub_all();
    assert_eq!((report.damaged, report.repaired), (1, 1));
    assert_same_memory(&field, &clean, "second parity");
    let event = field.take_event().unwrap();
    assert_eq!(event.place, Place::SecondParity { stripe: 4 });
    assert_eq!(event.action, Action::ParityRebuilt);
}

#[test]
fn random_damage_within_one_stripe_gives_right_values_or_poison() {
    let mut random = Random(13);
    let mut clean = lively(16, 16);
    let expected = contents(&mut clean);
    let mut field = copy_of(&clean);
    let (mut healed, mut lost) = (0, 0);
    for trial in 0..4000 {
        let stripe = random.below(clean.guard.geometry.stripes);
        let blocks = blocks_of(&clean, stripe);
        for _ in 0..2 + random.below(3) {
            let block = blocks[random.below(blocks.len())];
            lose(&mut field, block, (random.next(), random.next() & 0b11));
        }
        field.scrub_all();
        let counters = field.counters();
        if counters.cells_poisoned + counters.superpositions_poisoned == 0 {
            assert_same_memory(&field, &clean, &std::format!("trial {trial}"));
            healed += 1;
            continue;
        }
        lost += 1;
        for (now, before) in contents(&mut field).iter().zip(&expected) {
            let is_lost = now.contains("Poisoned") || now.contains("SuperpositionLost");
            assert!(is_lost || now == before, "trial {trial}: {now}");
        }
        let again = field.scrub_all();
        assert_eq!((again.damaged, again.repaired), (0, 0), "trial {trial}");
        field = copy_of(&clean);
    }
    assert!(healed > 1000 && lost > 1000, "{healed} healed, {lost} lost");
}

//! Bits that are stuck: what is read is right or poison, wherever they are.

use super::super::stuck::StuckBit;
use super::{Random, assert_same_memory, contents, copy_of, flip, lively, pairs};
use crate::event::{Action, Finding};
use crate::geometry::PAGE_LINES;
use crate::line::{FLAGS, POISONED_ALL};
use crate::{Substrate, SubstrateError};
use abi::CellIndex;
use std::vec::Vec;

/// The campaign that defects are planted for.
pub(super) const OF_STUCK_BITS: fn() = a_stuck_bit_moves_its_page_before_anything_is_read;

/// A bit of a place, stuck at the value that it does not have.
fn stuck_wrong(field: &Substrate, place: usize, word: usize, bit: usize) -> StuckBit {
    let value = field.guard.blocks[place][word] & (1 << bit) == 0;
    StuckBit {
        place,
        word,
        bit,
        value,
    }
}

#[test]
fn a_stuck_bit_moves_its_page_before_anything_is_read() {
    let clean = lively(6, 5);
    let expected = contents(&mut copy_of(&clean));
    for block in 0..clean.guard.geometry.blocks() {
        for at in (0..1536).step_by(61) {
            // One bit is turned back, several are rebuilt.
            for count in [1, 5] {
                let mut field = copy_of(&clean);
                for bit in at..(at + count).min(1536) {
                    let stuck = stuck_wrong(&field, block, bit / 64, bit % 64);
                    field.guard.stuck.push(stuck);
                }
                assert_eq!(contents(&mut field), expected, "block {block} bit {at}");
                field.guard.stick();
                field.scrub_all();
                field.guard.stick();
                let what = std::format!("block {block} bit {at}");
                assert_same_memory(&field, &clean, &what);
                assert_eq!(field.counters().repairs.retirement, 1, "{what}");
                let told = std::iter::from_fn(|| field.take_event()).any(|event| {
                    event.finding == Finding::NotKept && event.action == Action::PageRetired
                });
                assert!(told, "{what}");
            }
        }
    }
}

#[test]
fn a_spare_that_does_not_keep_a_page_is_left_for_the_next() {
    let clean = lively(64, 64);
    let spare = clean.guard.geometry.blocks();
    for line in [0, 3] {
        let mut field = copy_of(&clean);
        // At zero: as long as they wait, the spares look whole.
        let set = |place: usize| clean.guard.blocks[place][0].trailing_zeros() as usize;
        for (place, bit) in [
            (0, set(0)),
            (spare + line, set(line)),
            (spare + PAGE_LINES + line, set(line)),
        ] {
            let (word, value) = (0, false);
            let stuck = StuckBit {
                place,
                word,
                bit,
                value,
            };
            field.guard.stuck.push(stuck);
        }
        let mut twin = copy_of(&clean);
        assert_eq!(field.read(CellIndex(0)), twin.read(CellIndex(0)));
        assert_eq!(field.guard.place_in_memory(0), spare + 2 * PAGE_LINES);
        assert_eq!(field.spare_pages_left(), 1);
        assert_same_memory(&field, &clean, "moved on");
    }
}

#[test]
fn a_worn_page_moves_to_no_spare_that_does_not_keep_it() {
    let clean = lively(64, 64);
    let spare = clean.guard.geometry.blocks();
    let mut field = copy_of(&clean);
    let bit = clean.guard.blocks[0][0].trailing_zeros() as usize;
    let (place, word, value) = (spare, 0, false);
    field.guard.stuck.push(StuckBit {
        place,
        word,
        bit,
        value,
    });
    let mut twin = copy_of(&clean);
    for time in 0..9 {
        flip(&mut field.guard, 0, 700 + time);
        assert_eq!(field.read(CellIndex(0)), twin.read(CellIndex(0)));
    }
    assert_eq!(field.guard.place_in_memory(0), spare + PAGE_LINES);
    assert_eq!(field.counters().repairs.spare, 1);
    assert_same_memory(&field, &clean, "moved");
}

/// Whether a bit of the memory is a mark of poison.
fn is_mark(stuck: &StuckBit) -> bool {
    stuck.word == FLAGS && POISONED_ALL & (1 << stuck.bit) != 0
}

#[test]
fn with_no_spare_left_a_stuck_bit_reads_as_poison_and_never_as_a_value() {
    let mut random = Random(31);
    let mut poisoned = 0;
    let mut written = 0;
    for trial in 0..3_000 {
        let mut twin = lively(6, 5);
        let mut field = copy_of(&twin);
        field.guard.pages.spend_all();
        for _ in 0..1 + random.below(3) {
            let block = random.below(field.guard.geometry.blocks());
            let stuck = stuck_wrong(&field, block, random.below(24), random.below(64));
            if !is_mark(&stuck) {
                field.guard.stuck.push(stuck);
            }
        }
        for step in 0..12 {
            let cell = CellIndex(random.below(30) as u64);
            match step % 6 {
                1 => {
                    let value = random.below(900) as f64;
                    for field in [&mut field, &mut twin] {
                        field.write(cell, value, 1.0, value).unwrap();
                    }
                    written += 1;
                }
                3 => {
                    let _ = field.superpose(cell, &pairs()).is_ok();
                    let _ = twin.superpose(cell, &pairs()).is_ok();
                }
                5 => {
                    field.scrub_all();
                }
                _ => {
                    for field in [&mut field, &mut twin] {
                        field.tick(2);
                    }
                }
            }
            for cell in (0..30).map(CellIndex) {
                poisoned += compare(&mut field, &mut twin, cell, trial);
            }
        }
    }
    assert!(poisoned > 10_000, "too little was poisoned: {poisoned}");
    assert_eq!(written, 6_000);
}

/// Reads a cell of both fields: the same, or poison in the first, which counts 1.
fn compare(field: &mut Substrate, twin: &mut Substrate, cell: CellIndex, trial: usize) -> u64 {
    let mut seen = pairs().repeat(4);
    let mut right: Vec<_> = pairs().repeat(4);
    match field.read(cell) {
        Err(SubstrateError::Poisoned(_)) => return 1,
        Ok(view) => {
            let value = twin.read(cell).unwrap();
            let figures = |view: &abi::response::CellView| {
                [view.magnitude, view.phase, view.coherence].map(f64::to_bits)
            };
            assert_eq!(figures(&view), figures(&value), "trial {trial} {cell}");
        }
        Err(error) => panic!("trial {trial} {cell}: {error}"),
    }
    let seen_count = field.observe(cell, seen.as_mut_slice().try_into().unwrap());
    let right_count = twin.observe(cell, right.as_mut_slice().try_into().unwrap());
    if let (Ok(seen_count), Ok(right_count)) = (seen_count, right_count) {
        assert_eq!(seen[..seen_count], right[..right_count], "trial {trial}");
    }
    0
}

#[test]
fn parity_that_is_stuck_is_never_taken_for_whole() {
    let clean = lively(6, 5);
    let expected = contents(&mut copy_of(&clean));
    let geometry = clean.guard.geometry;
    for stripe in 0..geometry.stripes {
        let parity = geometry.parity_of(stripe);
        let second = geometry.second_parity_of(stripe);
        // Both at the same bit: as the stripe's first line would miss it if it were stale.
        for stuck in [&[parity][..], &[second], &[parity, second]] {
            let mut field = copy_of(&clean);
            field.guard.pages.spend_all();
            for &block in stuck {
                let bit = stuck_wrong(&field, block, 3, 5);
                field.guard.stuck.push(bit);
            }
            // The generation is lost with it.
            let generation = field.guard.generation(parity);
            field.guard.set_generation(parity, generation ^ 0x5555);
            field.guard.stick();
            field.scrub_all();
            field.scrub_all();
            assert_eq!(contents(&mut field), expected, "stripe {stripe}");
            // What is lost now is rebuilt from the parity that is whole.
            if let [_] = stuck {
                let line = geometry.members_of(stripe).next().unwrap();
                field.guard.block_mut(line)[7] ^= 0b11;
                assert_eq!(contents(&mut field), expected, "stripe {stripe}");
            }
        }
    }
}

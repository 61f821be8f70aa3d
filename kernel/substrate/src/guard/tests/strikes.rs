//! Strikes at every kind of memory, by the billion if asked: each is healed to the bit.
//!
//! A strike flips 2 to 64 bits of a block, its checksum and its generation. The struck block is
//! read, or its stripe repaired, and compared with a twin that was never struck; now and then
//! an operation that changes the field runs over the damage first.

use super::{CHANGES, Random, assert_same_memory, copy_of, lively};
use crate::Substrate;
use crate::checksum::{Line, WORDS};
use crate::event::Action;
use crate::guard::Guard;
use campaign::{Campaign, Size};
use std::vec::Vec;

/// The share of the campaign that defects are planted for.
pub(super) const OF_STRIKES: fn() = || strike_and_compare(5, 100_000);

/// Bits of a block, its checksum and its generation.
const BITS: u64 = super::BLOCK_BITS as u64;
/// Strikes of a round.
const STRIKES: u64 = 1_000_000;
/// One strike in this many meets a change of the field before anything is read.
const STRIKES_PER_CHANGE: u64 = 64;

/// Which bits to flip.
struct Mask {
    line: Line,
    checksum: u64,
    generation: u32,
}

impl Mask {
    /// The mask of `count` different bits.
    fn random(random: &mut Random, count: usize) -> Self {
        let mut mask = Mask {
            line: [0; WORDS],
            checksum: 0,
            generation: 0,
        };
        let mut set = 0;
        while set < count {
            let mut places = random.next();
            for _ in 0..(count - set).min(4) {
                set += usize::from(mask.set(((places & 0xffff) * BITS) >> 16));
                places >>= 16;
            }
        }
        mask
    }

    /// Sets a bit, and tells whether it was not set before.
    fn set(&mut self, bit: u64) -> bool {
        let (word, flip) = match bit {
            0..1536 => (&mut self.line[(bit / 64) as usize], 1 << (bit % 64)),
            1536..1600 => (&mut self.checksum, 1 << (bit - 1536)),
            _ => {
                let is_new = self.generation & (1 << (bit - 1600)) == 0;
                self.generation |= 1 << (bit - 1600);
                return is_new;
            }
        };
        let is_new = *word & flip == 0;
        *word |= flip;
        is_new
    }

    fn strike(&self, guard: &mut Guard, block: usize) {
        for (word, flips) in guard.block_mut(block).iter_mut().zip(self.line) {
            *word ^= flips;
        }
        let stored = guard.stored_checksum(block);
        guard.store_checksum(block, stored ^ self.checksum);
        guard.set_generation(block, guard.generation(block) ^ self.generation);
    }
}

/// Whether a block has the memory of its twin.
fn is_same(guard: &Guard, twin: &Guard, block: usize) -> bool {
    guard.block(block) == twin.block(block)
        && guard.stored_checksum(block) == twin.stored_checksum(block)
        && guard.generation(block) == twin.generation(block)
}

/// Strikes a field `strikes` times, one after the other.
fn strike_and_compare(seed: u64, strikes: u64) {
    let mut random = Random(seed);
    let mut twin = lively(6, 5);
    let mut field = copy_of(&twin);
    let geometry = twin.guard.geometry;
    for number in 1..=strikes {
        let block = random.below(geometry.blocks());
        let count = 2 + random.below(63);
        Mask::random(&mut random, count).strike(&mut field.guard, block);
        let what = || std::format!("seed {seed}, strike {number} of {count} bits at {block}");
        if number % STRIKES_PER_CHANGE == 0 {
            let change = CHANGES[random.below(CHANGES.len())];
            for field in [&mut field, &mut twin] {
                change(field);
                field.settle_all();
            }
            field.scrub_all();
            assert_same_memory(&field, &twin, &what());
        } else if block < geometry.data_lines {
            let verified = field.guard.verify(block);
            let is_right = field.guard.line(&verified) == twin.guard.block(block);
            assert!(is_right, "a wrong value was read: {}", what());
        } else {
            let stripe = geometry.stripe_of(block);
            field.guard.repair_stripe(stripe, None);
        }
        if block < geometry.data_lines {
            assert!(is_same(&field.guard, &twin.guard, block), "{}", what());
        } else {
            // Both parity lines share a generation.
            for block in [block - geometry.stripes, block, block + geometry.stripes] {
                let is_parity = block >= geometry.data_lines && block < geometry.blocks();
                let is_right = !is_parity || is_same(&field.guard, &twin.guard, block);
                assert!(is_right, "{}", what());
            }
        }
    }
    assert_same_memory(&field, &twin, "all strikes");
    let counters = field.counters();
    assert_eq!(
        counters.cells_poisoned + counters.superpositions_poisoned,
        0
    );
    assert!(counters.repairs.total() > strikes / 2);
}

#[test]
fn strikes_of_2_to_64_bits_are_healed_to_the_bit_for_as_long_as_asked() {
    let size = Size {
        gate: 8 * STRIKES,
        campaign: 1_000 * STRIKES,
    };
    let mut campaign = Campaign::begin("substrate: strikes", size);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    loop {
        let mut seeds = Vec::new();
        while seeds.len() < threads
            && let Some(seed) = campaign.next_round()
        {
            std::println!("GLYPHOS_CAMPAIGN_SEED={seed}");
            campaign.add(STRIKES);
            seeds.push(seed);
        }
        if seeds.is_empty() {
            break;
        }
        std::thread::scope(|scope| {
            for seed in seeds {
                scope.spawn(move || strike_and_compare(seed, STRIKES));
            }
        });
    }
    campaign.end();
}

/// The blocks of a region of 64 KiB, spread over cells, superpositions and both parities.
fn region(field: &Substrate) -> Vec<usize> {
    const BLOCKS: usize = (64 << 10) / (WORDS * 8) + 1;
    let blocks = field.guard.geometry.blocks();
    (0..BLOCKS).map(|number| number * blocks / BLOCKS).collect()
}

#[test]
fn every_single_bit_of_64_kib_is_turned_back_even_if_two_other_lines_are_lost() {
    let clean = lively(64, 64);
    let geometry = clean.guard.geometry;
    let mut field = copy_of(&clean);
    let mut turned_back = 0;
    for (number, block) in region(&clean).into_iter().enumerate() {
        let stripe = geometry.stripe_of(block);
        let mut others = geometry.blocks_of(stripe).filter(|&other| other != block);
        let lost = [
            others.nth(number % 7).unwrap(),
            others.nth(number % 5).unwrap(),
        ];
        let before = [block, lost[0], lost[1]].map(|block| *clean.guard.block(block));
        for bit in 0..WORDS * 64 {
            field.guard.block_mut(block)[bit / 64] ^= 1 << (bit % 64);
            for block in lost {
                for word in field.guard.block_mut(block) {
                    *word = !*word ^ bit as u64;
                }
            }
            field.guard.repair_stripe(stripe, None);
            for (block, content) in [block, lost[0], lost[1]].into_iter().zip(before) {
                assert_eq!(
                    *field.guard.block(block),
                    content,
                    "block {block} bit {bit}"
                );
            }
            while let Some(event) = field.take_event() {
                turned_back += u64::from(matches!(event.action, Action::BitCorrected { .. }));
            }
        }
    }
    assert_eq!(turned_back, 342 * 1536);
    assert_same_memory(&field, &clean, "all bits");
    assert_eq!(field.counters().cells_poisoned, 0);
    assert_eq!(field.counters().superpositions_poisoned, 0);
}

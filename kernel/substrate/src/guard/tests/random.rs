//! Random damage of one and of several lines, in the gate and for as long as asked.

use super::{BLOCK_BITS, Random, assert_same_memory, copy_of, flip, lively};
use crate::SubstrateError;
use abi::CellIndex;
use campaign::{Campaign, Size};
use std::vec::Vec;

/// Damages one line after the other by 2 to 64 flipped bits; each is read right and healed.
fn damage_single_lines(random: &mut Random, trials: u64) {
    let mut clean = lively(6, 5);
    let blocks = clean.guard.geometry.blocks();
    let views: Vec<_> = (0..30).map(|cell| clean.read(CellIndex(cell))).collect();
    let mut field = copy_of(&clean);
    for trial in 0..trials {
        let block = random.below(blocks);
        for _ in 0..2 + random.below(63) {
            flip(&mut field.guard, block, random.below(BLOCK_BITS));
        }
        let mut cells = std::vec![random.below(30)];
        if block < field.guard.geometry.cell_lines {
            cells.push((block * 4).min(29));
        }
        for cell in cells {
            let seen = field.read(CellIndex(cell as u64));
            assert_eq!(seen, views[cell], "trial {trial}");
        }
        field.scrub_all();
        assert_same_memory(&field, &clean, &std::format!("trial {trial}"));
    }
    assert_eq!(field.counters().cells_poisoned, 0);
    assert!(field.counters().repairs.line > trials / 3);
}

#[test]
fn random_damage_of_2_to_64_bits_in_a_line_never_reads_as_a_value() {
    damage_single_lines(&mut Random(11), 300_000);
}

/// Damages 2 to 4 lines at a time; gives the number of reads that told of poison.
fn damage_several_lines(random: &mut Random, trials: u64) -> u64 {
    let mut clean = lively(6, 5);
    let blocks = clean.guard.geometry.blocks();
    let views: Vec<_> = (0..30).map(|cell| clean.read(CellIndex(cell))).collect();
    let mut poisoned = 0;
    for trial in 0..trials {
        let mut field = copy_of(&clean);
        for _ in 0..2 + random.below(3) {
            // All in the stripe of one line of cells, so that some are beyond repair.
            let block = random.below(blocks / 16) * 16 + 3;
            for _ in 0..1 + random.below(40) {
                flip(&mut field.guard, block, random.below(BLOCK_BITS));
            }
        }
        for (cell, expected) in views.iter().enumerate() {
            let cell = CellIndex(cell as u64);
            let seen = field.read(cell);
            if seen == Err(SubstrateError::Poisoned(cell)) {
                poisoned += 1;
            } else {
                assert_eq!(seen, *expected, "trial {trial}");
            }
        }
        field.scrub_all();
        let again = field.scrub_all();
        assert_eq!((again.damaged, again.repaired), (0, 0), "trial {trial}");
    }
    poisoned
}

#[test]
fn random_damage_to_several_lines_gives_right_values_or_poison() {
    let poisoned = damage_several_lines(&mut Random(12), 20_000);
    assert!(
        poisoned > 1000,
        "the damage was too weak to test poison: {poisoned}"
    );
}

#[test]
fn random_damage_never_reads_as_a_value_for_as_long_as_asked() {
    let size = Size {
        gate: 1,
        campaign: 2_000_000,
    };
    let mut campaign = Campaign::begin("substrate: damaged fields", size);
    while let Some(seed) = campaign.next_round() {
        std::println!("GLYPHOS_CAMPAIGN_SEED={seed}");
        let mut random = Random(seed);
        damage_single_lines(&mut random, 1_000);
        damage_several_lines(&mut random, 1_000);
        campaign.add(2_000);
    }
    campaign.end();
}

//! Lines that went back to an older state, or were moved, with or without what vouches for them.

use super::{Random, assert_same_memory, copy_of, lively};
use crate::Substrate;
use abi::CellIndex;
use std::vec::Vec;

/// The campaigns that defects are planted for.
pub(super) const OF_OLD_STATES: fn() = a_line_and_its_checksum_gone_back_are_rebuilt_to_the_bit;
pub(super) const OF_WHOLE_STATES: fn() =
    a_line_gone_back_with_checksum_and_generation_is_found_by_the_scrubber;
pub(super) const OF_MOVES: fn() = a_line_moved_with_all_that_vouches_for_it_is_rebuilt;

/// What of a block goes back to its older state.
fn go_back(field: &mut Substrate, old: &Substrate, block: usize) {
    field.guard.blocks[block] = old.guard.blocks[block];
    field.guard.checksums[block] = old.guard.checksums[block];
}

#[test]
fn a_line_gone_back_without_its_checksum_is_rebuilt() {
    let mut field = lively(64, 64);
    let stale = field.guard.blocks[3];
    field.write(CellIndex(13), 1.0, 2.0, 3.0).unwrap();
    let clean = copy_of(&field);
    field.guard.blocks[3] = stale;
    assert_eq!(field.read(CellIndex(13)).unwrap().magnitude, 1.0);
    assert_same_memory(&field, &clean, "stale");
}

#[test]
fn a_line_and_its_checksum_gone_back_are_rebuilt_to_the_bit() {
    for changes in [1, 2, 3, 64, 255] {
        let old = lively(9, 5);
        let mut clean = copy_of(&old);
        for change in 0..changes {
            // All cells, so that every line of cells and every parity line is newer.
            for cell in 0..45 {
                let value = f64::from(change) + 0.5;
                clean.write(CellIndex(cell), value, 1.0, 2.0).unwrap();
            }
        }
        for block in 0..clean.guard.geometry.blocks() {
            let mut field = copy_of(&clean);
            go_back(&mut field, &old, block);
            let is_old = old.guard.blocks[block] != clean.guard.blocks[block];
            for cell in 0..45 {
                let cell = CellIndex(cell);
                assert_eq!(
                    field.read(cell),
                    copy_of(&clean).read(cell),
                    "block {block}"
                );
            }
            let report = field.scrub_all();
            assert_eq!(report.damaged, report.repaired);
            assert_same_memory(&field, &clean, &std::format!("block {block}, {changes}"));
            assert_eq!(field.counters().repairs.generation, 0);
            let repairs = field.counters().repairs.total();
            assert_eq!(repairs, u64::from(is_old), "block {block}");
        }
    }
}

#[test]
fn both_parity_lines_gone_back_are_computed_anew() {
    let old = lively(9, 5);
    let mut clean = copy_of(&old);
    clean.write(CellIndex(3), 9.0, 1.0, 2.0).unwrap();
    let stripe = clean.guard.geometry.stripe_of(0);
    let mut field = copy_of(&clean);
    go_back(&mut field, &old, clean.guard.geometry.parity_of(stripe));
    go_back(
        &mut field,
        &old,
        clean.guard.geometry.second_parity_of(stripe),
    );
    let report = field.scrub_all();
    assert_eq!((report.damaged, report.repaired), (2, 2));
    assert_same_memory(&field, &clean, "both parities");
}

#[test]
fn a_line_gone_back_with_checksum_and_generation_is_found_by_the_scrubber() {
    let old = lively(9, 5);
    let mut clean = copy_of(&old);
    clean.write(CellIndex(13), 9.0, 1.0, 2.0).unwrap();
    let mut field = copy_of(&clean);
    go_back(&mut field, &old, 3);
    field.guard.set_generation(3, old.guard.generation(3));
    let report = field.scrub_all();
    assert_eq!((report.damaged, report.repaired), (1, 1));
    assert_same_memory(&field, &clean, "gone back in all three places");
}

#[test]
fn a_line_moved_with_all_that_vouches_for_it_is_rebuilt() {
    let clean = lively(64, 64);
    for (one, other) in [(10, 40), (10, 11), (10, 10 + 320), (5, 5 + 2 * 320)] {
        let mut field = copy_of(&clean);
        let guard = &mut field.guard;
        guard.blocks.swap(one, other);
        guard.checksums.swap(one, other);
        guard.generations.swap(one, other);
        assert_eq!(
            field.read(CellIndex(one as u64 * 4)),
            copy_of(&clean).read(CellIndex(one as u64 * 4))
        );
        field.scrub_all();
        let what = std::format!("{one} and {other}");
        if one % 320 == other % 320 {
            // Only the sum of their generations is known: each keeps the other's.
            field.guard.generations.swap(one, other);
            for block in [one, other] {
                let content = clean.guard.blocks[block];
                field.guard.checksums[block] = field.guard.checksum_of(&content, block);
            }
        }
        assert_same_memory(&field, &clean, &what);
    }
}

#[test]
fn damaged_generations_of_a_stripe_are_put_right_together() {
    let mut random = Random(31);
    let clean = lively(64, 64);
    let geometry = clean.guard.geometry;
    for trial in 0..3000 {
        let stripe = random.below(geometry.stripes);
        let mut field = copy_of(&clean);
        let blocks: Vec<usize> = geometry.blocks_of(stripe).collect();
        let mut hit = 0_u64;
        for &block in blocks.iter().take(geometry.members + 1) {
            if random.below(3) == 0 {
                let garbage = u32::try_from(random.below(1 << 32)).unwrap();
                field.guard.set_generation(block, garbage);
                let shared = block >= geometry.data_lines;
                hit += 1 + u64::from(shared);
            }
        }
        let report = field.scrub_all();
        assert_eq!(
            (report.damaged, report.repaired),
            (hit, hit),
            "trial {trial}"
        );
        assert_same_memory(&field, &clean, &std::format!("trial {trial}"));
    }
}

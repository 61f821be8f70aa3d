//! Pages that are repaired again and again, and the spares that take them.

use super::{assert_same_memory, contents, copy_of, flip, lively};
use crate::Substrate;
use crate::event::{Action, Finding, IntegrityEvent, Place};
use crate::geometry::PAGE_LINES;
use crate::numbers::Number;
use std::vec::Vec;

/// The campaigns that defects are planted for.
pub(super) const OF_MOVED_LINES: fn() = a_page_repaired_again_and_again_moves_to_a_spare_whole;
pub(super) const OF_SPARES: fn() = a_spare_found_damaged_is_never_used;

/// Repairs of one line that retire its page: one, and eight again.
pub(super) const REPAIRS: usize = 9;

/// Flips a bit of a block and has it repaired, `times` times.
pub(super) fn wear(field: &mut Substrate, block: usize, times: usize) {
    for time in 0..times {
        flip(&mut field.guard, block, 7 * time % 1536);
        let stripe = field.guard.geometry.stripe_of(block);
        field.guard.repair_stripe(stripe, None);
    }
}

fn events(field: &mut Substrate) -> Vec<IntegrityEvent> {
    std::iter::from_fn(|| field.take_event()).collect()
}

fn retirements(field: &mut Substrate) -> Vec<Place> {
    let events = events(field).into_iter();
    events
        .filter(|event| event.action == Action::PageRetired)
        .map(|event| event.place)
        .collect()
}

#[test]
fn a_page_repaired_again_and_again_moves_to_a_spare_whole() {
    let clean = lively(64, 64);
    let blocks = clean.guard.geometry.blocks();
    // Of cells, of superpositions, of both parities, and the last, which may be short.
    for block in [0, 17, 1030, 5120, 5440, blocks - 1] {
        let mut field = copy_of(&clean);
        wear(&mut field, block, REPAIRS - 1);
        assert_eq!(field.counters().repairs.retirement, 0);
        assert_eq!(field.guard.place_in_memory(block), block);
        wear(&mut field, block, 1);
        assert_eq!(field.counters().repairs.retirement, 1, "block {block}");
        let page = (block / PAGE_LINES) as u64;
        assert_eq!(retirements(&mut field), [Place::Page { page }]);
        assert!(field.guard.place_in_memory(block) >= blocks);
        assert_same_memory(&field, &clean, "moved");
        assert_eq!(contents(&mut field), contents(&mut copy_of(&clean)));
        let repairs = field.counters().repairs.total();
        assert_eq!(repairs, REPAIRS as u64, "moving damaged nothing");

        // The field goes on as its twin does, changes and damage included.
        let mut twin = copy_of(&clean);
        for field in [&mut field, &mut twin] {
            for cell in 0..64 {
                field.force(abi::CellIndex(cell), [1.0, 2.0, 3.0]).unwrap();
            }
            field.tick(64);
            field.wave(abi::CellIndex(70), 2.0, 0.1).unwrap();
        }
        flip(&mut field.guard, block, 5);
        flip(&mut field.guard, block, 99);
        field.settle_all();
        twin.settle_all();
        field.scrub_all();
        assert_same_memory(&field, &twin, "after the move");
    }
}

#[test]
fn a_wave_verifies_the_lines_of_a_moved_page_where_they_are() {
    let mut clean = lively(64, 64);
    clean.settle_all();
    let mut field = copy_of(&clean);
    let line = 17;
    wear(&mut field, line, REPAIRS);
    assert_ne!(field.guard.place_in_memory(line), line);
    // Nothing was changed since: where the line was it is still whole.
    flip(&mut field.guard, line, 5);
    for field in [&mut field, &mut clean] {
        field.wave(abi::CellIndex(70), 2.0, 0.1).unwrap();
    }
    assert_same_memory(&field, &clean, "after the wave");
}

#[test]
fn one_great_damage_or_repairs_far_apart_retire_nothing() {
    let clean = lively(64, 64);
    let mut field = copy_of(&clean);
    field.inject(abi::request::Injection::Page(3)).unwrap();
    field.scrub_all();
    assert_eq!(field.counters().repairs.line, 16);
    // Eight of another line: with the first damage's mark of it that is one short.
    wear(&mut field, 3 * PAGE_LINES, REPAIRS - 2);
    assert_eq!(field.counters().repairs.retirement, 0);
    field.guard.numbers.add(Number::ScrubPasses, 1001);
    wear(&mut field, 3 * PAGE_LINES, REPAIRS - 1);
    assert_eq!(field.counters().repairs.retirement, 0);
    wear(&mut field, 3 * PAGE_LINES, 1);
    assert_eq!(field.counters().repairs.retirement, 1);
    assert_same_memory(&field, &clean, "worn");
}

#[test]
fn a_worn_spare_moves_on_and_when_none_is_left_that_is_said_once() {
    let clean = lively(64, 64);
    let mut field = copy_of(&clean);
    assert_eq!(field.spare_pages_left(), 4);
    for left in (0..4).rev() {
        wear(&mut field, 40, REPAIRS);
        assert_eq!(field.spare_pages_left(), left);
        assert_eq!(retirements(&mut field).len(), 1);
        assert_same_memory(&field, &clean, "moved on");
    }
    wear(&mut field, 40, 3 * REPAIRS);
    wear(&mut field, 400, 3 * REPAIRS);
    let told: Vec<_> = events(&mut field)
        .into_iter()
        .filter(|event| event.finding == Finding::RepairedAgain)
        .map(|event| event.action)
        .collect();
    assert_eq!(told, [Action::NoSpareLeft]);
    assert_eq!(field.counters().repairs.retirement, 4);
    assert_same_memory(&field, &clean, "stays");
}

#[test]
fn a_spare_found_damaged_is_never_used() {
    let clean = lively(64, 64);
    let first_spare = clean.guard.geometry.blocks();
    // The second spare is found by the scrubber, the first when it is to be used.
    let mut field = copy_of(&clean);
    field.guard.blocks[first_spare + PAGE_LINES][3] ^= 1 << 9;
    let report = field.scrub_all();
    assert_eq!((report.damaged, report.repaired), (1, 1));
    assert_eq!(field.spare_pages_left(), 3);
    assert_eq!(field.scrub_all().damaged, 0);
    assert_eq!(events(&mut field)[0].action, Action::SpareStruckOff);
    field.guard.blocks[first_spare + 15][0] ^= 1;
    wear(&mut field, 40, REPAIRS);
    assert_eq!(field.spare_pages_left(), 1);
    assert_eq!(
        field.guard.place_in_memory(40),
        first_spare + 2 * PAGE_LINES + 40 % PAGE_LINES
    );
    assert_same_memory(&field, &clean, "moved");
}

//! Damage of what is kept outside of the lines, against twins that were never damaged.

use super::{CHANGES, Random, assert_same_memory, contents, copy_of, flip, lively, pairs, retire};
use crate::Substrate;
use crate::event::{Action, Counters, Finding, IntegrityEvent, Place};
use crate::kept::Kept;
use crate::numbers::Number;
use abi::CellIndex;
use std::vec::Vec;

/// The campaigns that defects are planted for.
pub(super) const OF_NUMBERS: fn() = one_or_two_flipped_bits_of_any_number_are_never_told_and_healed;
pub(super) const OF_LOCATIONS: fn() = a_damaged_location_never_sends_an_access_to_another_page;
pub(super) const OF_MARKS: fn() = damaged_marks_are_taken_from_their_line_and_move_no_total;

/// Bits of a line's marks.
const MARKS_BITS: u32 = 32;

/// A field of which pages were moved and cells and superpositions were lost.
fn worn() -> Substrate {
    let mut field = lively(20, 10);
    let geometry = field.guard.geometry;
    for block in [3, 40, geometry.parity_of(2)] {
        retire::wear(&mut field, block, retire::REPAIRS);
    }
    for member in 0..4 {
        field.guard.block_mut(7 + member * geometry.stripes)[2] ^= 0b11;
    }
    field.scrub_all();
    field.tick(5);
    field.settle_all();
    while field.take_event().is_some() {}
    assert!(field.status().poisoned > 4 && field.status().superpositions > 4);
    assert_eq!(field.guard.numbers.get(Number::MovedPages), 3);
    field
}

/// Each bit alone, and each pair, as a pair.
pub(super) fn one_or_two(bits: u32) -> impl Iterator<Item = [u32; 2]> {
    (0..bits).flat_map(|one| (0..=one).map(move |other| [one, other]))
}

pub(super) fn flip_both(kept: &mut Kept, [one, other]: [u32; 2]) {
    kept.flip(one);
    if other != one {
        kept.flip(other);
    }
}

fn strike(field: &mut Substrate, number: Number, damage: impl FnOnce(&mut Kept)) {
    let mut kept = field.guard.numbers.kept(number);
    damage(&mut kept);
    field.guard.numbers.keep(number, kept);
}

/// A few of the pairs, and each bit alone.
pub(super) fn some(bits: u32) -> impl Iterator<Item = [u32; 2]> {
    (0..bits).flat_map(move |bit| [[bit, bit], [bit, (bit + bits / 2) % bits], [bit, bit / 2]])
}

pub(super) fn events(field: &mut Substrate) -> Vec<IntegrityEvent> {
    std::iter::from_fn(|| field.take_event()).collect()
}

/// The counts that stand after `count` repairs outside of the lines.
fn after_repairs(before: Counters, count: u64) -> Counters {
    let mut after = before;
    after.checksum_failures += count;
    after.repairs.number += count;
    after
}

#[test]
fn one_or_two_flipped_bits_of_any_number_are_never_told_and_healed() {
    let clean = worn();
    let counters = clean.counters();
    let mut field = copy_of(&clean);
    for number in Number::ALL {
        for bits in one_or_two(Kept::BITS) {
            strike(&mut field, number, |kept| flip_both(kept, bits));
            assert_eq!(field.counters(), counters, "{number} {bits:?}");
            assert_eq!(field.tick_now(), clean.tick_now(), "{number} {bits:?}");
            field.guard.mend_numbers();
            assert!(field.guard.numbers.kept(number).is_whole());
            assert_eq!(
                field.counters(),
                after_repairs(counters, 1),
                "{number} {bits:?}"
            );
            let value = field.guard.numbers.get(number);
            let is_counted = matches!(number, Number::ChecksumFailures | Number::NumberRepairs);
            let expected = clean.guard.numbers.get(number) + u64::from(is_counted);
            assert_eq!(value, expected, "{number} {bits:?}");
            let event = field.take_event().unwrap();
            assert_eq!(
                (event.tick, event.place, event.finding, event.action),
                (
                    clean.tick_now(),
                    Place::Number(number),
                    Finding::NotItsProduct,
                    Action::BitsTurnedBack
                )
            );
            field.guard.numbers = clean.guard.numbers.clone();
        }
    }
}

#[test]
fn a_damaged_tick_is_never_read_written_or_passed_on() {
    let mut clean = lively(6, 5);
    // Lines of many ages.
    clean.tick(1);
    clean.tick(1);
    let mut reader = copy_of(&clean);
    let views: Vec<_> = (0..30).map(|cell| reader.read(CellIndex(cell))).collect();
    for bits in one_or_two(Kept::BITS) {
        let mut field = copy_of(&clean);
        strike(&mut field, Number::Tick, |kept| flip_both(kept, bits));
        for cell in (0..30).step_by(4) {
            assert_eq!(field.read(CellIndex(cell as u64)), views[cell], "{bits:?}");
        }
        assert_eq!(field.status().tick, clean.tick_now());
        assert_eq!(field.counters().repairs.number, 1, "{bits:?}");
    }
    for (number, change) in CHANGES.iter().enumerate() {
        let mut after = copy_of(&clean);
        change(&mut after);
        after.settle_all();
        for bits in some(Kept::BITS) {
            let mut field = copy_of(&clean);
            strike(&mut field, Number::Tick, |kept| flip_both(kept, bits));
            change(&mut field);
            field.settle_all();
            field.scrub_all();
            let what = std::format!("change {number}, bits {bits:?}");
            assert_same_memory(&field, &after, &what);
            assert_eq!(field.tick_now(), after.tick_now(), "{what}");
            assert_eq!(field.counters().repairs.number, 1, "{what}");
        }
    }
}

/// Overwrites a number and its product.
pub(super) fn lose(kept: &mut Kept, random: &mut Random) {
    for bit in 0..Kept::BITS {
        if random.next() & 1 == 1 {
            kept.flip(bit);
        }
    }
}

#[test]
fn a_lost_number_is_found_from_the_lines_or_begins_anew_and_is_told() {
    let clean = worn();
    let status = copy_of(&clean).status();
    let expected = contents(&mut copy_of(&clean));
    let mut random = Random(31);
    for number in Number::ALL.into_iter().cycle().take(20 * Number::ALL.len()) {
        let mut field = copy_of(&clean);
        strike(&mut field, number, |kept| lose(kept, &mut random));
        assert_eq!(contents(&mut field), expected, "{number}");
        assert_eq!(field.tick_now(), clean.tick_now(), "{number}");
        field.scrub_all();
        let found_anew = match number {
            Number::Tick
            | Number::PoisonedNow
            | Number::SuperposedNow
            | Number::LostNow
            | Number::MovedPages => clean.guard.numbers.get(number),
            // What has moved since.
            Number::CellsRead | Number::ChecksumFailures | Number::NumberRepairs => {
                field.guard.numbers.get(number)
            }
            Number::ScrubPasses => 1,
            Number::ScrubTick => clean.tick_now(),
            _ => 0,
        };
        assert_eq!(field.guard.numbers.get(number), found_anew, "{number}");
        let told = events(&mut field);
        assert!(
            told.iter().any(|event| event.place == Place::Number(number)
                && matches!(event.action, Action::Recounted | Action::BegunAnew)),
            "{number}: {told:?}"
        );
        assert_same_memory(&field, &clean, number.name());
        let after = field.status();
        assert_eq!(
            (after.tick, after.poisoned, after.superpositions),
            (status.tick, status.poisoned, status.superpositions),
            "{number}"
        );
    }
}

#[test]
fn a_damaged_location_never_sends_an_access_to_another_page() {
    let clean = worn();
    let mut random = Random(32);
    let mut twin = copy_of(&clean);
    twin.write(CellIndex(13), 1.0, 2.0, 3.0).unwrap();
    let expected = contents(&mut twin);
    let moved = clean.guard.geometry.parity_of(2) / crate::geometry::PAGE_LINES;
    for page in [0, 1, 2, moved] {
        let garbage = core::iter::repeat_n(None, 20);
        for bits in some(Kept::BITS).map(Some).chain(garbage) {
            let mut field = copy_of(&clean);
            let kept = field.guard.pages.kept_mut(page).unwrap();
            match bits {
                Some(bits) => flip_both(kept, bits),
                None => lose(kept, &mut random),
            }
            field.write(CellIndex(13), 1.0, 2.0, 3.0).unwrap();
            let what = std::format!("page {page} {bits:?}");
            assert_eq!(contents(&mut field), expected, "{what}");
            field.scrub_all();
            let report = field.scrub_all();
            assert_eq!((report.damaged, report.repaired), (0, 0), "{what}");
            assert_same_memory(&field, &twin, &what);
            let counters = field.counters();
            assert_eq!(counters.repairs.number, 1, "{what}");
            assert_eq!(
                counters.repairs.line,
                clean.counters().repairs.line,
                "{what}"
            );
            let told = events(&mut field);
            let place = Place::Location { page: page as u64 };
            assert_eq!((told.len(), told[0].place), (1, place), "{what}");
        }
    }
}

#[test]
fn damaged_marks_are_taken_from_their_line_and_move_no_total() {
    let clean = worn();
    let changes: [fn(&mut Substrate); 4] = [
        |_| (),
        |field| field.superpose(CellIndex(9), &pairs()).unwrap(),
        |field| field.write(CellIndex(29), 1.0, 2.0, 3.0).unwrap(),
        |field| field.superpose(CellIndex(31), &pairs()).unwrap(),
    ];
    for (change, line) in changes.iter().zip([7, 2, 7, 7]) {
        let mut after = copy_of(&clean);
        change(&mut after);
        let expected = after.status();
        for bits in one_or_two(MARKS_BITS) {
            let mut field = copy_of(&clean);
            field.guard.census.flip(line, bits[0]);
            if bits[0] != bits[1] {
                field.guard.census.flip(line, bits[1]);
            }
            change(&mut field);
            field.scrub_all();
            let seen = field.status();
            assert_eq!(
                (seen.poisoned, seen.superpositions),
                (expected.poisoned, expected.superpositions),
                "line {line} {bits:?}"
            );
            assert_eq!(field.counters().repairs.number, 1);
            let told = events(&mut field);
            let place = Place::Marks { line: line as u64 };
            assert_eq!((told.len(), told[0].place), (1, place));
        }
    }
}

#[test]
fn marks_that_are_damaged_never_show_on_the_map_of_a_large_field() {
    let mut clean = Substrate::new(300, 300).unwrap();
    clean.superpose(CellIndex(70_000), &pairs()).unwrap();
    let map = |field: &mut Substrate| {
        let mut text = std::string::String::new();
        field.map(&mut text).unwrap();
        text
    };
    let expected = map(&mut clean);
    for line in [5, 17_500, 22_499] {
        for bit in 0..MARKS_BITS {
            let mut field = copy_of(&clean);
            field.guard.census.flip(line, bit);
            assert_eq!(map(&mut field), expected, "line {line} bit {bit}");
            assert_eq!(field.counters().repairs.number, 1);
        }
    }
}

#[test]
fn a_damaged_owner_still_tells_whose_superposition_was_lost() {
    let clean = lively(20, 10);
    let geometry = clean.guard.geometry;
    let slot_line = geometry.slot_line(1);
    let lost = [0, 1, 2].map(|member| slot_line + member * geometry.stripes);
    let mut random = Random(33);
    let garbage = core::iter::repeat_n(None, 20);
    for bits in some(Kept::BITS).map(Some).chain(garbage) {
        let mut field = copy_of(&clean);
        let owner = &mut field.guard.census.owners[1];
        match bits {
            Some(bits) => flip_both(owner, bits),
            None => lose(owner, &mut random),
        }
        for line in lost {
            flip(&mut field.guard, line, 7);
            flip(&mut field.guard, line, 99);
        }
        let _ = field.guard.verify(slot_line);
        let mut twin = copy_of(&clean);
        for line in lost {
            flip(&mut twin.guard, line, 7);
            flip(&mut twin.guard, line, 99);
        }
        let _ = twin.guard.verify(slot_line);
        let lost_now = |field: &Substrate| field.guard.numbers.get(Number::LostNow);
        assert!(lost_now(&twin) > 0);
        assert_eq!(lost_now(&field), lost_now(&twin), "{bits:?}");
        assert_eq!(field.counters().repairs.number, 1, "{bits:?}");
    }
}

#[test]
fn the_scrubber_comes_to_every_owner_in_eight_passes() {
    let mut field = lively(64, 64);
    let before: Vec<_> = field.guard.census.owners.iter().map(Kept::get).collect();
    for owner in &mut field.guard.census.owners {
        owner.flip(7);
        owner.flip(70);
    }
    for _ in 0..8 {
        field.scrub_all();
    }
    let owners = &field.guard.census.owners;
    assert!(owners.iter().all(Kept::is_whole));
    assert!(owners.iter().map(Kept::get).eq(before));
    assert_eq!(field.counters().repairs.number, owners.len() as u64);
}

#[test]
fn damage_that_a_change_sets_anew_is_told_before() {
    let clean = lively(64, 64);
    // A tick, a walk, a superposition that gets its slot again, and a page that moves.
    let mut field = copy_of(&clean);
    for number in [Number::Tick, Number::SettleNext] {
        field.guard.numbers.flip(number, 3);
    }
    field.tick(1);
    assert_eq!(field.counters().repairs.number, 2);
    for number in [
        Number::ScrubStripe,
        Number::ScrubPosition,
        Number::ScrubTick,
    ] {
        field.guard.numbers.flip(number, 99);
    }
    field.scrub_step(1000);
    assert_eq!(field.counters().repairs.number, 5);
    field.guard.census.owners[0].flip(9);
    field.superpose(CellIndex(0), &pairs()).unwrap();
    assert_eq!(field.counters().repairs.number, 6);
    field.guard.pages.spare_mut(0).flip(70);
    field.guard.pages.kept_mut(2).unwrap().flip(1);
    field.guard.numbers.flip(Number::MovedPages, 64);
    retire::wear(&mut field, 40, retire::REPAIRS);
    assert_eq!(field.counters().repairs.retirement, 1);
    assert_eq!(field.counters().repairs.number, 9);
    assert_eq!(field.spare_pages_left(), clean.spare_pages_left() - 1);
}

#[test]
fn a_spare_whose_state_is_damaged_is_as_before_and_one_whose_state_is_lost_is_not_used() {
    let clean = worn();
    let left = clean.spare_pages_left();
    for (spare, left_without) in [(0, left), (3, left - 1)] {
        for bits in one_or_two(Kept::BITS) {
            let mut field = copy_of(&clean);
            flip_both(field.guard.pages.spare_mut(spare), bits);
            assert_eq!(field.spare_pages_left(), left);
            field.scrub_all();
            assert_eq!(field.spare_pages_left(), left);
            assert_eq!(events(&mut field)[0].action, Action::BitsTurnedBack);
        }
        let mut field = copy_of(&clean);
        lose(field.guard.pages.spare_mut(spare), &mut Random(34));
        field.scrub_all();
        assert_eq!(field.spare_pages_left(), left_without);
        assert_eq!(events(&mut field)[0].action, Action::SpareStruckOff);
    }
}

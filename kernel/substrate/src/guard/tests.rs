//! Damage of every kind, against twins that were never damaged.

mod defects;
mod figures;
mod large;
mod numbers;
mod pairs;
mod poison;
mod random;
mod retire;
mod stale;
mod strikes;
mod stuck;
mod sums;

use super::Guard;
use crate::checksum::WORDS;
use crate::event::{Finding, Place};
use crate::geometry::PAGE_LINES;
use crate::{Substrate, SubstrateError};
use abi::CellIndex;
use abi::request::{Injection, Pair};
use std::string::{String, ToString};
use std::vec::Vec;
use vector::Form;

/// Bits of a block, its checksum and its generation.
const BLOCK_BITS: usize = WORDS * 64 + 64 + 32;

/// SplitMix64, seeded for each test.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Flips a bit of a block; of its checksum from bit 1536 on, of its generation from 1600 on.
fn flip(guard: &mut Guard, block: usize, bit: usize) {
    match bit.checked_sub(WORDS * 64) {
        None => guard.block_mut(block)[bit / 64] ^= 1 << (bit % 64),
        Some(bit @ 0..64) => guard.checksums[block] ^= 1 << bit,
        Some(bit) => guard.set_generation(block, guard.generation(block) ^ 1 << (bit - 64)),
    }
}

/// Blocks that do not match for a flipped bit: both parity lines share a generation.
fn blocks_hit(guard: &Guard, block: usize, bit: usize) -> u64 {
    let is_shared = block >= guard.geometry.data_lines && bit >= WORDS * 64 + 64;
    1 + u64::from(is_shared)
}

std::thread_local! {
    /// The form that [`lively`] fields are in; the quickest one if there is none.
    static FORM: core::cell::Cell<Option<Form>> = const { core::cell::Cell::new(None) };
}

/// Does something with all [`lively`] fields in one form.
fn in_form<T>(form: Form, work: impl FnOnce() -> T) -> T {
    FORM.set(Some(form));
    let done = work();
    FORM.set(None);
    done
}

fn pairs() -> [Pair; 2] {
    [(0.25, 1.0), (3.0, -2.0)].map(|(amplitude, phase)| Pair { amplitude, phase })
}

/// A small field with something in it, up to date.
fn lively(width: u32, height: u32) -> Substrate {
    let mut field = Substrate::new(width, height).unwrap();
    if let Some(form) = FORM.get() {
        field.set_form(form);
    }
    let count = field.cell_count();
    for cell in 0..count {
        let value = cell as f64;
        field
            .write(CellIndex(cell), 3.0 * value, value, 7.0 * value)
            .unwrap();
    }
    for cell in (0..count).step_by(5) {
        field.superpose(CellIndex(cell), &pairs()).unwrap();
    }
    field.tick(3);
    field.wave(CellIndex(count / 2), 4.0, 0.3).unwrap();
    field.settle_all();
    field
}

fn copy_of(field: &Substrate) -> Substrate {
    let guard = &field.guard;
    Substrate {
        guard: Guard {
            geometry: guard.geometry,
            size: guard.size,
            form: guard.form,
            blocks: guard.blocks.clone(),
            checksums: guard.checksums.clone(),
            generations: guard.generations.clone(),
            numbers: guard.numbers.clone(),
            census: guard.census.clone(),
            totals_are_due: guard.totals_are_due,
            survey: guard.survey.clone(),
            log: crate::event::EventLog::default(),
            rebuilt: guard.rebuilt,
            pages: guard.pages.clone(),
            stuck: guard.stuck.clone(),
        },
        ..*field
    }
}

/// Everything that can be read of a field; refused cells by their error.
fn contents(field: &mut Substrate) -> Vec<String> {
    (0..field.cell_count())
        .map(|cell| {
            let mut seen = pairs().repeat(4).try_into().unwrap();
            let view = field.read(CellIndex(cell));
            let count = field.observe(CellIndex(cell), &mut seen);
            std::format!("{view:?} {:?}", count.map(|count| seen[..count].to_vec()))
        })
        .collect()
}

fn assert_same_memory(one: &Substrate, other: &Substrate, what: &str) {
    let same = (0..one.guard.geometry.blocks())
        .all(|block| one.guard.block(block) == other.guard.block(block));
    assert!(same, "blocks: {what}");
    assert!(
        one.guard.checksums == other.guard.checksums,
        "checksums: {what}"
    );
    assert!(
        one.guard.generations == other.guard.generations,
        "generations: {what}"
    );
}

fn failures(field: &Substrate) -> u64 {
    let counters = field.counters();
    counters.checksum_failures + counters.parity_failures
}

#[test]
fn every_single_flipped_bit_is_counted_repaired_and_never_read() {
    let mut clean = lively(6, 5);
    let expected = contents(&mut clean);
    let mut field = copy_of(&clean);
    for block in 0..clean.guard.geometry.blocks() {
        for bit in 0..BLOCK_BITS {
            let before = failures(&field);
            let repairs = field.counters().repairs.total();
            flip(&mut field.guard, block, bit);
            // Formatting all cells is slow: every bit is read through scrub and through one
            // read of each line; all contents are compared for a share of the bits.
            if bit % 97 == 0 {
                assert_eq!(contents(&mut field), expected, "block {block} bit {bit}");
            } else {
                for cell in (0..30).step_by(4) {
                    assert_eq!(field.read(CellIndex(cell)), clean.read(CellIndex(cell)));
                }
            }
            field.scrub_all();
            assert_same_memory(&field, &clean, &std::format!("block {block} bit {bit}"));
            let hit = blocks_hit(&field.guard, block, bit);
            assert_eq!(failures(&field), before + hit);
            assert_eq!(field.counters().repairs.total(), repairs + hit);
            let events = std::iter::from_fn(|| field.take_event());
            let told = events.filter(|event| event.finding != Finding::RepairedAgain);
            assert_eq!(told.count() as u64, hit);
        }
    }
    let repairs = field.counters().repairs;
    assert_eq!(repairs.single_bit, 48 * 1536);
    assert_eq!(repairs.checksum, 48 * 64);
    assert_eq!(repairs.generation, 48 * 32);
    assert_eq!(repairs.line, 0);
}

/// Every operation that changes the field.
const CHANGES: [fn(&mut Substrate); 7] = [
    |field| field.write(CellIndex(9), 1.5, 2.5, 3.5).unwrap(),
    |field| field.force(CellIndex(10), [1.0, 2.0, 3.0]).unwrap(),
    |field| field.tick(1),
    |field| field.tick(70),
    |field| field.wave(CellIndex(14), 2.0, 1.25).unwrap(),
    |field| field.superpose(CellIndex(10), &pairs()[..1]).unwrap(),
    |field| field.superpose(CellIndex(11), &pairs()).unwrap(),
];

#[test]
fn no_operation_blesses_a_flipped_bit_anywhere() {
    let clean = lively(6, 5);
    for (number, change) in CHANGES.iter().enumerate() {
        let mut after = copy_of(&clean);
        change(&mut after);
        after.settle_all();
        for block in 0..clean.guard.geometry.blocks() {
            for bit in 0..BLOCK_BITS {
                let mut field = copy_of(&clean);
                flip(&mut field.guard, block, bit);
                change(&mut field);
                field.settle_all();
                field.scrub_all();
                let what = std::format!("change {number} block {block} bit {bit}");
                assert_same_memory(&field, &after, &what);
                let hit = blocks_hit(&field.guard, block, bit);
                assert_eq!(failures(&field), hit, "{what}");
            }
        }
    }
}

#[test]
fn every_lost_page_is_rebuilt() {
    let clean = lively(64, 64);
    let mut field = copy_of(&clean);
    for page in 0..field.page_count() {
        let pages = field.counters().repairs.page;
        field.inject(Injection::Page(page)).unwrap();
        let report = field.scrub_all();
        assert!(report.damaged >= 1 && report.damaged == report.repaired);
        assert_same_memory(&field, &clean, &std::format!("page {page}"));
        let is_full = (page + 1) * PAGE_LINES as u64 <= field.guard.geometry.blocks() as u64;
        assert_eq!(field.counters().repairs.page - pages, u64::from(is_full));
        while field.take_event().is_some() {}
    }
    assert_eq!(field.counters().cells_poisoned, 0);
    let beyond = field.page_count();
    assert!(field.inject(Injection::Page(beyond)).is_err());
    assert!(field.inject(Injection::Page(u64::MAX)).is_err());
}

#[test]
fn a_lost_line_and_another_lines_lost_checksum_are_both_restored() {
    let clean = lively(64, 64);
    let geometry = clean.guard.geometry;
    for (one, other) in [(5, 5 + geometry.stripes), (5, geometry.parity_of(5))] {
        for (line, mark) in [(one, other), (other, one)] {
            let mut field = copy_of(&clean);
            field.guard.block_mut(line)[2] ^= 0xdead_beef;
            field.guard.checksums[mark] ^= 0xdead_beef;
            field.scrub_all();
            assert_same_memory(
                &field,
                &clean,
                &std::format!("line {line}, checksum {mark}"),
            );
        }
    }
}

#[test]
fn parity_that_does_not_match_whole_lines_is_found_by_the_scrubber() {
    let clean = lively(64, 64);
    let mut field = copy_of(&clean);
    let parity = field.guard.geometry.parity_of(4);
    field.guard.block_mut(parity)[0] ^= 6;
    field.guard.checksums[parity] = field.guard.checksum_of(field.guard.block(parity), parity);
    let report = field.scrub_all();
    assert_eq!((report.damaged, report.repaired), (1, 1));
    assert_eq!(field.counters().parity_failures, 1);
    assert_same_memory(&field, &clean, "parity");
    let event = field.take_event().unwrap();
    assert_eq!(event.place, Place::Parity { stripe: 4 });
}

#[test]
fn a_pass_in_steps_visits_every_line_once_and_repairs_as_a_whole_one() {
    let clean = lively(64, 64);
    for step in [1, 7, 100, 5000] {
        let mut field = copy_of(&clean);
        // Prime to the number of stripes, so that every place of a run is damaged.
        for block in (0..field.guard.geometry.blocks()).step_by(49) {
            flip(&mut field.guard, block, block % BLOCK_BITS);
        }
        let mut lines = 0;
        while field.counters().scrub_passes == clean.counters().scrub_passes {
            assert_eq!(field.counters().scrub_position, lines);
            lines += field.scrub_step(step).lines;
        }
        assert_eq!(lines, field.guard.geometry.blocks() as u64);
        assert_eq!(field.counters().scrub_position, 0);
        assert_same_memory(&field, &clean, "stepped scrub");
    }
}

#[test]
fn each_injection_does_the_damage_that_it_names_and_is_healed() {
    let clean = lively(64, 64);
    let cell = CellIndex(77);
    for (injection, kind) in [
        (Injection::Cell { cell, bit: 52 }, "single_bit"),
        (Injection::Line(cell), "line"),
        (Injection::Page(2), "page"),
        (Injection::Checksum(cell), "checksum"),
        (Injection::Parity(cell), "parity"),
        (Injection::SecondParity(cell), "parity"),
        (Injection::Generation(cell), "generation"),
        (Injection::Stale(cell), "line"),
        (Injection::Tick(127), "number"),
        (Injection::Marks(cell), "number"),
        (Injection::Location(3), "number"),
    ] {
        let mut field = copy_of(&clean);
        let said = field.inject(injection).unwrap();
        assert!(!said.is_empty());
        field.scrub_all();
        assert_same_memory(&field, &clean, &said);
        let repairs = field.counters().repairs.by_kind();
        assert!(repairs.contains(&(kind, 1)), "{said}: {repairs:?}");
        let event = field.take_event().unwrap().to_string();
        assert!(event.starts_with("tick 3: "), "{event}");
    }
    let mut field = clean;
    let refused = field.inject(Injection::Cell { cell, bit: 64 });
    assert_eq!(refused, Err(SubstrateError::NoSuchBit { bit: 64, end: 64 }));
    let refused = field.inject(Injection::Tick(128));
    let (bit, end) = (128, 128);
    assert_eq!(refused, Err(SubstrateError::NoSuchBit { bit, end }));
    assert!(field.inject(Injection::Location(u64::MAX)).is_err());
    field.inject(Injection::Counts).unwrap();
    let numbers = crate::numbers::Number::ALL.len() as u64;
    assert_eq!(field.scrub_all().repaired, numbers - 1);
    assert!(field.inject(Injection::Line(CellIndex(4096))).is_err());
}

#[test]
fn a_full_log_keeps_the_newest_events_and_counts_the_dropped_ones() {
    let mut field = lively(64, 64);
    for cell in 0..100 {
        field.inject(Injection::Line(CellIndex(cell * 4))).unwrap();
        let _ = field.read(CellIndex(cell * 4));
    }
    let dropped = field.counters().events_dropped;
    let kept: Vec<_> = std::iter::from_fn(|| field.take_event()).collect();
    assert_eq!(kept.len(), crate::EVENTS_MAX);
    assert!(dropped >= 36);
    assert_eq!(
        kept.last().unwrap().place,
        field.guard.geometry.place_of(99)
    );
}

#[test]
fn no_operation_blesses_a_lost_line_anywhere() {
    let clean = lively(6, 5);
    for (number, change) in CHANGES.iter().enumerate() {
        let mut after = copy_of(&clean);
        change(&mut after);
        after.settle_all();
        for block in 0..clean.guard.geometry.blocks() {
            for (garbage, sum) in [(!0, 0), (0xff00, 0), (0xf0f0, 0b11), (0, 0b11)] {
                let mut field = copy_of(&clean);
                field
                    .guard
                    .block_mut(block)
                    .iter_mut()
                    .for_each(|word| *word ^= garbage);
                field.guard.checksums[block] ^= sum;
                change(&mut field);
                field.settle_all();
                field.scrub_all();
                let what = std::format!("change {number} block {block} garbage {garbage:x} {sum}");
                assert_same_memory(&field, &after, &what);
                assert_eq!(failures(&field), 1, "{what}");
            }
        }
    }
}

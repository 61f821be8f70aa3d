//! What makes a large field quick: its first memory, its counts, its survey and its map.

use super::{Random, contents, copy_of, lively, pairs};
use crate::checksum::checksum;
use crate::geometry::Geometry;
use crate::guard::Guard;
use crate::line::{self, Lane};
use crate::numbers::Number;
use crate::{Substrate, SubstrateError};
use abi::CellIndex;
use abi::request::Injection;
use abi::response::FiguresAge;
use std::string::String;
use std::vec::Vec;

/// The campaigns that defects are planted for.
pub(super) const OF_COUNTS: fn() =
    the_census_has_the_counts_of_the_lines_after_every_change_and_loss;
pub(super) const OF_AGES: fn() = figures_of_a_large_field_say_how_old_they_are;
pub(super) const OF_FIRST_MEMORY: fn() =
    the_first_memory_is_the_one_that_writing_block_by_block_gives;

/// A field of more cells than a status walks over.
fn large() -> Substrate {
    Substrate::new(300, 300).unwrap()
}

fn map_of(field: &mut Substrate) -> String {
    let mut text = String::new();
    field.map(&mut text).unwrap();
    text
}

#[test]
fn the_first_memory_is_the_one_that_writing_block_by_block_gives() {
    let mut sizes: Vec<(u32, u32)> = (1..400).map(|cells| (cells, 1)).collect();
    sizes.extend([(64, 64), (61, 67), (256, 256), (300, 300), (1, 70_001)]);
    for (width, height) in sizes {
        let geometry = Geometry::new(width, height).unwrap();
        let guard = Guard::new(geometry).unwrap();
        let what = std::format!("{width} x {height}");
        assert_eq!(guard.blocks.len(), geometry.memory_lines(), "{what}");
        assert_eq!(guard.checksums.len(), geometry.blocks(), "{what}");
        for block in 0..geometry.data_lines {
            let expected = if block < geometry.cell_lines {
                line::initial_cells()
            } else {
                [0; crate::checksum::WORDS]
            };
            assert_eq!(*guard.blocks[block], expected, "{what}: block {block}");
        }
        for stripe in 0..geometry.stripes {
            let (first, second) = guard.sums(stripe, &[]);
            assert_eq!(*guard.blocks[geometry.parity_of(stripe)], first, "{what}");
            let other = geometry.second_parity_of(stripe);
            assert_eq!(*guard.blocks[other], second, "{what}: stripe {stripe}");
        }
        for (block, content) in guard.blocks.iter().enumerate().take(geometry.blocks()) {
            assert_eq!(
                guard.checksums[block],
                checksum(content, block, 0),
                "{what}"
            );
        }
    }
}

/// Poisoned cells, cells with a superposition, and those of them that lost it, by the lines.
fn counted_by_hand(field: &mut Substrate) -> (u64, u64) {
    let (mut poisoned, mut superposed) = (0, 0);
    for cell in 0..field.cell_count() {
        let mut seen = pairs().repeat(4).try_into().unwrap();
        let cell = CellIndex(cell);
        match (field.read(cell), field.observe(cell, &mut seen)) {
            (Err(SubstrateError::Poisoned(_)), _) => poisoned += 1,
            (Ok(_), Err(SubstrateError::SuperpositionLost(_))) => {
                poisoned += 1;
                superposed += 1;
            }
            (Ok(view), observed) => {
                assert_eq!(observed.is_ok(), view.flags & 1 == 1);
                superposed += u64::from(view.flags & 1);
            }
            (Err(error), _) => panic!("{error}"),
        }
    }
    (poisoned, superposed)
}

fn counted(field: &Substrate) -> (u64, u64) {
    let total = |number| field.guard.numbers.get(number);
    let lost = total(Number::PoisonedNow) + total(Number::LostNow);
    (lost, total(Number::SuperposedNow))
}

#[test]
fn the_census_has_the_counts_of_the_lines_after_every_change_and_loss() {
    let mut random = Random(21);
    for _ in 0..40 {
        let mut field = lively(9, 5);
        let mut lost = 0;
        for step in 0..60 {
            let cell = CellIndex(random.below(45) as u64);
            match random.below(4) {
                0 => field.write(cell, 1.0, 2.0, 3.0).unwrap(),
                1 => field.superpose(cell, &pairs()[..1]).unwrap(),
                2 => {
                    // Three blocks of a stripe: what they held is lost.
                    let stripe = random.below(field.guard.geometry.stripes);
                    let blocks: Vec<_> = field.guard.geometry.blocks_of(stripe).collect();
                    for _ in 0..3 {
                        field.guard.block_mut(blocks[random.below(blocks.len())])[1] ^= 0b110;
                    }
                    field.guard.repair_stripe(stripe, None);
                    lost += 1;
                }
                _ => field.tick(1),
            }
            let now = counted(&field);
            assert_eq!(now, counted_by_hand(&mut field), "step {step}");
            let mut walked = copy_of(&field);
            walked.scrub_all();
            assert_eq!(counted(&walked), now, "step {step}: the scrubber's recount");
        }
        assert!(lost > 0);
    }
}

#[test]
fn the_scrubber_sets_a_damaged_census_right() {
    let clean = lively(9, 5);
    for line in 0..clean.guard.geometry.cell_lines {
        for marks in [0, 0x0fff, 0x0210] {
            let mut field = copy_of(&clean);
            field.guard.set_marks(line, marks);
            field.scrub_all();
            assert_eq!(counted(&field), counted(&clean), "line {line}");
        }
    }
}

#[test]
fn figures_of_a_large_field_say_how_old_they_are() {
    let mut field = large();
    let status = field.status();
    assert_eq!(status.figures, FiguresAge::Current);
    assert_eq!(
        (status.magnitude_mean, status.coherence_mean),
        (100.0, 500.0)
    );
    assert_eq!((status.magnitude_min, status.magnitude_max), (100.0, 100.0));

    field.write(CellIndex(5), 900.0, 0.0, 0.0).unwrap();
    let status = field.status();
    assert_eq!(status.figures, FiguresAge::Since(0));
    assert_eq!(status.magnitude_max, 100.0);
    field.scrub_all();
    let status = field.status();
    assert_eq!(status.figures, FiguresAge::Current);
    assert_eq!(status.magnitude_max, 900.0);
    assert_eq!(status.coherence_mean, 500.0 * 89_999.0 / 90_000.0);

    field.tick(1);
    assert_eq!(field.status().figures, FiguresAge::Since(0));
    field.scrub_all();
    // One line in 64 has seen the tick by now.
    assert_eq!(field.status().figures, FiguresAge::Since(0));
    // Two calls come round to every line of this field.
    field.tick(64);
    field.tick(64);
    field.scrub_step(1);
    assert_eq!(field.status().figures, FiguresAge::Since(0), "half a walk");
    field.scrub_all();
    let status = field.status();
    assert_eq!(status.figures, FiguresAge::Since(65));
    assert!(status.magnitude_min < 100.0);
    field.settle_all();
    field.scrub_all();
    assert_eq!(field.status().figures, FiguresAge::Current);
}

#[test]
fn a_loss_makes_the_figures_old_and_the_next_walk_leaves_the_lost_out() {
    let mut field = large();
    let stripes = field.guard.geometry.stripes;
    for line in [3, 3 + stripes, 3 + 2 * stripes] {
        field
            .inject(Injection::Line(CellIndex(line as u64 * 4)))
            .unwrap();
    }
    let _ = field.read(CellIndex(12));
    let status = field.status();
    assert_eq!(
        (status.poisoned, status.figures),
        (12, FiguresAge::Since(0))
    );
    field.scrub_all();
    let status = field.status();
    assert_eq!((status.poisoned, status.figures), (12, FiguresAge::Current));
    assert_eq!(
        (status.magnitude_min, status.magnitude_mean),
        (100.0, 100.0)
    );
}

#[test]
fn a_survey_has_the_same_bits_however_the_walk_is_cut() {
    let mut clean = large();
    for cell in (0..90_000).step_by(7) {
        let value = (cell % 977) as f64;
        clean
            .write(CellIndex(cell), value / 3.0, value, value)
            .unwrap();
    }
    let passes = clean.counters().scrub_passes;
    let figures = [1, 17, 100, 3000, u64::MAX].map(|step| {
        let mut field = copy_of(&clean);
        while field.counters().scrub_passes == passes {
            field.scrub_step(step);
        }
        let status = field.status();
        assert_eq!(status.figures, FiguresAge::Current);
        [
            status.magnitude_mean,
            status.coherence_mean,
            status.magnitude_min,
            status.magnitude_max,
        ]
        .map(f64::to_bits)
    });
    assert!(figures.iter().all(|other| *other == figures[0]));
    let exact = {
        let mut sum = 0.0;
        for cell in 0..90_000 {
            sum += clean.read(CellIndex(cell)).unwrap().magnitude;
        }
        sum / 90_000.0
    };
    assert!((f64::from_bits(figures[0][0]) - exact).abs() < 1e-9);
}

#[test]
fn the_map_of_a_large_field_leaves_no_wound_and_no_superposition_out() {
    let mut field = large();
    assert_eq!(map_of(&mut field).matches('!').count(), 1, "the legend's");
    // Cells that no sample looks at: the squares have sides of 5, samples are 2 apart.
    let cell = CellIndex(300 * 11 + 6);
    field.superpose(cell, &pairs()).unwrap();
    let text = map_of(&mut field);
    assert_eq!(text.lines().nth(2).unwrap().chars().nth(1), Some('~'));
    assert!(text.contains("of one cell in 2 x 2"), "{text}");
    let position = field.guard.geometry.locate(cell).unwrap();
    let stripe = field.guard.geometry.stripe_of(position.line);
    field.inject(Injection::Line(cell)).unwrap();
    field.inject(Injection::Parity(cell)).unwrap();
    let second = field.guard.geometry.second_parity_of(stripe);
    field.guard.block_mut(second)[0] ^= 0b11;
    assert!(field.read(cell).is_err());
    let text = map_of(&mut field);
    assert_eq!(text.lines().nth(2).unwrap().chars().nth(1), Some('!'));
    assert_eq!(field.status().poisoned, 4);
}

#[test]
fn a_call_of_a_large_field_settles_a_bounded_share_and_every_value_is_right() {
    let mut field = Substrate::new(1024, 300).unwrap();
    let mut small = Substrate::new(8, 8).unwrap();
    for ticks in [1, 3, 64, 1000, 2] {
        field.tick(ticks);
        small.tick(ticks);
        for cell in (0..field.cell_count()).step_by(40_961) {
            let view = field.read(CellIndex(cell)).unwrap();
            let expected = small.read(CellIndex(0)).unwrap();
            assert_eq!(view.magnitude.to_bits(), expected.magnitude.to_bits());
        }
    }
    let now = field.tick_now();
    let settled = (0..field.guard.geometry.cell_lines)
        .filter(|&line| line::word(&field.guard.blocks[line], line::SETTLED) == now)
        .count();
    assert!(settled < 16_384, "{settled} lines settled by two ticks");
    let lanes = Lane::ALL.len();
    assert_eq!(contents(&mut small).len(), 16 * lanes);
}

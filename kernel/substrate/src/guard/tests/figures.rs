//! Damage of a large field's figures and of the sizes of a field, against twins that were never damaged.

use super::numbers::{events, flip_both, lose, one_or_two, some};
use super::{Random, assert_same_memory, copy_of, lively};
use crate::Substrate;
use crate::event::{Action, Place};
use crate::kept::Kept;
use abi::CellIndex;
use abi::response::FiguresAge;

/// The campaign that a defect is planted for.
pub(super) const OF_FIGURES: fn() = damaged_figures_and_sums_of_a_large_field_are_never_told;

/// A field of more cells than a status walks over, with figures of a walk and half of the next one done.
fn walked() -> Substrate {
    let mut field = Substrate::new(300, 300).unwrap();
    for cell in (0..90_000).step_by(7) {
        let value = (cell % 977) as f64;
        let cell = CellIndex(cell);
        field.write(cell, value / 3.0, value, value).unwrap();
    }
    field.scrub_all();
    for cell in 0..9 {
        field.write(CellIndex(cell), 777.0, 1.0, 888.0).unwrap();
    }
    field.scrub_step(20_000);
    field
}

/// All that a status tells but the counts of damage.
fn told_by_status(field: &mut Substrate) -> (FiguresAge, [u64; 4]) {
    let status = field.status();
    let figures = [
        status.magnitude_mean,
        status.magnitude_min,
        status.magnitude_max,
        status.coherence_mean,
    ];
    (status.figures, figures.map(f64::to_bits))
}

/// Ends the walk that runs.
fn end_of_walk(field: &mut Substrate) -> (FiguresAge, [u64; 4]) {
    field.scrub_step(u64::MAX);
    told_by_status(field)
}

#[test]
fn damaged_figures_and_sums_of_a_large_field_are_never_told() {
    let clean = walked();
    let before = told_by_status(&mut copy_of(&clean));
    let after = end_of_walk(&mut copy_of(&clean));
    assert_eq!(after.0, FiguresAge::Current);
    assert_ne!(before.1, after.1);
    let mut field = copy_of(&clean);
    for kind in [0, 1] {
        let place = [Place::Figures, Place::Sums][kind];
        let halves = field.guard.survey.kept_mut()[kind].len();
        assert_eq!(halves, [16, 42][kind]);
        for half in 0..halves {
            for bits in some(Kept::BITS) {
                field.guard.survey = clean.guard.survey.clone();
                flip_both(&mut field.guard.survey.kept_mut()[kind][half], bits);
                assert_eq!(
                    told_by_status(&mut field),
                    before,
                    "{place} {half} {bits:?}"
                );
                let told = events(&mut field);
                assert_eq!(told.len(), 1, "{place} {half} {bits:?}");
                assert_eq!(
                    (told[0].place, told[0].action),
                    (place, Action::BitsTurnedBack)
                );
            }
            let mut walker = copy_of(&clean);
            flip_both(&mut walker.guard.survey.kept_mut()[kind][half], [3, 70]);
            assert_eq!(end_of_walk(&mut walker), after, "{place} {half}");
        }
    }
}

#[test]
fn lost_figures_come_from_a_walk_at_once_and_lost_sums_give_none() {
    let clean = walked();
    let before = told_by_status(&mut copy_of(&clean));
    let after = end_of_walk(&mut copy_of(&clean));
    let mut random = Random(35);
    for kind in [0, 1].repeat(20) {
        let mut field = copy_of(&clean);
        lose(&mut field.guard.survey.kept_mut()[kind][5], &mut random);
        let expected = [after, before][kind];
        assert_eq!(told_by_status(&mut field), expected, "{kind}");
        let told = events(&mut field);
        let place = [Place::Figures, Place::Sums][kind];
        assert_eq!((told[0].place, told[0].action), (place, Action::AwaitsWalk));
        // A walk that lost its sums gives none; the next one does.
        assert_eq!(end_of_walk(&mut field), expected, "{kind}");
        assert_eq!(end_of_walk(&mut field), after, "{kind}");
        assert_eq!(events(&mut field), []);
    }
}

#[test]
fn damaged_sizes_of_a_field_are_had_again_from_the_other_ones() {
    let clean = lively(20, 10);
    let mut field = copy_of(&clean);
    let geometry = clean.guard.geometry;
    let expect_healed = |field: &mut Substrate, what: &str| {
        let before = field.counters().repairs.number;
        field.scrub_step(1);
        assert_eq!(field.guard.geometry, geometry, "{what}");
        assert!(field.guard.size.is_whole(), "{what}");
        assert_eq!(field.counters().repairs.number, before + 1, "{what}");
        assert_eq!(events(field)[0].place, Place::Size, "{what}");
    };
    for bit in 0..32 {
        let sizes = &mut field.guard.geometry;
        sizes.width ^= 1 << bit;
        expect_healed(&mut field, "width");
        field.guard.geometry.height ^= 1 << bit;
        expect_healed(&mut field, "height");
        field.guard.geometry.cells ^= 1 << bit;
        expect_healed(&mut field, "cells");
        field.guard.geometry.stripes ^= 1 << bit;
        expect_healed(&mut field, "stripes");
    }
    for half in 0..4 {
        for bits in one_or_two(Kept::BITS) {
            flip_both(&mut field.guard.size.halves_mut()[half], bits);
            expect_healed(&mut field, "kept");
        }
        lose(&mut field.guard.size.halves_mut()[half], &mut Random(36));
        expect_healed(&mut field, "lost");
    }
    assert_same_memory(&field, &clean, "sizes");
}

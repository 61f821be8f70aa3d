//! What is beyond repair: poisoned until it is written anew, and never shown to the wrong cell.

use super::{copy_of, lively, pairs};
use crate::event::Action;
use crate::{Substrate, SubstrateError, line};
use abi::CellIndex;
use abi::request::{Injection, Pair};
use std::string::String;
use std::vec::Vec;

/// The campaign that a defect is planted for.
pub(super) const OF_POISON: fn() = three_lost_lines_of_a_stripe_are_poisoned_until_written_anew;

/// Damages the second parity of the first stripe beyond a single bit.
fn lose_second_parity(field: &mut Substrate) {
    let second = field.guard.geometry.second_parity_of(0);
    field.guard.block_mut(second)[0] ^= 0b11;
}

#[test]
fn three_lost_lines_of_a_stripe_are_poisoned_until_written_anew() {
    let clean = lively(64, 64);
    let stripes = clean.guard.geometry.stripes;
    let mut field = copy_of(&clean);
    let lines = [7, 7 + stripes, 7 + 2 * stripes];
    assert!(lines[2] < field.guard.geometry.cell_lines);
    for line in lines {
        field
            .inject(Injection::Line(CellIndex(line as u64 * 4)))
            .unwrap();
    }
    let cells: Vec<u64> = lines
        .iter()
        .flat_map(|&l| l as u64 * 4..l as u64 * 4 + 4)
        .collect();
    let mut twin = copy_of(&clean);
    for index in 0..4096 {
        let cell = CellIndex(index);
        if cells.contains(&index) {
            assert_eq!(field.read(cell), Err(SubstrateError::Poisoned(cell)));
            assert_eq!(
                field.force(cell, [1.0; 3]),
                Err(SubstrateError::Poisoned(cell))
            );
        } else {
            assert_eq!(field.read(cell), twin.read(cell));
        }
    }
    assert_eq!(field.status().poisoned, 12);
    let digest = field.digest();
    assert_eq!(
        field.wave(CellIndex(cells[0] + 1), 1.0, 1.0),
        Err(SubstrateError::Poisoned(CellIndex(cells[0])))
    );
    assert_eq!(field.digest(), digest, "a refused wave changed something");
    let mut map = String::new();
    field.map(&mut map).unwrap();
    assert_eq!(
        map.lines()
            .take(64)
            .flat_map(str::chars)
            .filter(|&c| c == '!')
            .count(),
        12
    );

    // Poison is data like any other: more damage to it is repaired, and it stays poison.
    field.inject(Injection::Line(CellIndex(cells[0]))).unwrap();
    field.tick(100);
    assert_eq!(field.status().poisoned, 12);
    for (healed, &index) in cells.iter().enumerate() {
        assert_eq!(field.status().poisoned, 12 - healed as u64);
        field.write(CellIndex(index), 1.0, 2.0, 3.0).unwrap();
        let view = field.read(CellIndex(index)).unwrap();
        assert_eq!(
            (view.magnitude, view.decay_rate, view.flags),
            (1.0, 0.01, 0)
        );
    }
    let report = field.scrub_all();
    assert_eq!((report.damaged, report.poisoned), (0, 0));
    let poisonings = std::iter::from_fn(|| field.take_event())
        .filter(|event| event.action == Action::Poisoned)
        .count();
    assert_eq!(poisonings, 3);
}

#[test]
fn a_lost_superposition_is_an_error_until_a_new_one_is_stored() {
    let mut field = lively(64, 64);
    let geometry = field.guard.geometry;
    // Cell 0 has slot 0; lines one and two stripe lengths further share its parity.
    let slot_line = geometry.slot_line(0);
    field.guard.block_mut(slot_line)[3] ^= 0b11;
    field.guard.block_mut(slot_line + geometry.stripes)[3] ^= 0b11;
    field.guard.block_mut(slot_line + 2 * geometry.stripes)[3] ^= 0b11;
    let mut seen = [pairs()[0]; 8];
    let lost = Err(SubstrateError::SuperpositionLost(CellIndex(0)));
    assert_eq!(field.observe(CellIndex(0), &mut seen), lost);
    assert!(field.read(CellIndex(0)).is_ok());
    assert!(field.status().poisoned > 0);
    field.superpose(CellIndex(0), &pairs()).unwrap();
    assert_eq!(field.observe(CellIndex(0), &mut seen), Ok(2));
    assert_eq!(seen[..2], pairs());
}

#[test]
fn slots_of_lost_cells_are_found_again_and_never_given_to_two_cells() {
    let mut field = Substrate::new(4, 1).unwrap();
    let mut seen = [pairs()[0]; 8];
    for round in 0..50_u64 {
        for cell in 0..4 {
            let phase = (round * 4 + cell) as f64;
            let stored = [Pair {
                amplitude: 1.0,
                phase,
            }];
            field.superpose(CellIndex(cell), &stored).unwrap();
        }
        for cell in 0..4 {
            assert_eq!(field.observe(CellIndex(cell), &mut seen), Ok(1));
            assert_eq!(seen[0].phase, (round * 4 + cell) as f64);
        }
        // The line of all four cells and its parities are lost, their slots are not.
        field.inject(Injection::Line(CellIndex(0))).unwrap();
        field.inject(Injection::Parity(CellIndex(0))).unwrap();
        lose_second_parity(&mut field);
        let cell = CellIndex(round % 4);
        assert_eq!(
            field.observe(cell, &mut seen),
            Err(SubstrateError::Poisoned(cell))
        );
    }
}

#[test]
fn a_lost_slot_given_to_another_cell_is_not_shown_to_the_first_nor_taken_back() {
    let mut field = Substrate::new(4, 1).unwrap();
    let mut seen = [pairs()[0]; 8];
    for cell in 0..3 {
        field.superpose(CellIndex(cell), &pairs()).unwrap();
    }
    let slot_line = field.guard.geometry.slot_line(0);
    let parity = field.guard.geometry.parity_of(slot_line);
    field.guard.block_mut(slot_line)[3] ^= 0b11;
    field.guard.block_mut(parity)[3] ^= 0b11;
    let second = field.guard.geometry.second_parity_of(slot_line);
    field.guard.block_mut(second)[3] ^= 0b11;
    field.slot_hint = 0;
    field.scrub_all();
    field.superpose(CellIndex(3), &pairs()[..1]).unwrap();
    assert_eq!(field.guard.blocks[slot_line][line::OWNER], 3);
    let lost = Err(SubstrateError::SuperpositionLost(CellIndex(0)));
    assert_eq!(field.observe(CellIndex(0), &mut seen), lost);
    field.superpose(CellIndex(0), &pairs()).unwrap();
    assert_eq!(field.observe(CellIndex(0), &mut seen), Ok(2));
    assert_eq!(field.observe(CellIndex(3), &mut seen), Ok(1));
    assert_eq!(seen[0], pairs()[0]);
}

#[test]
fn effects_may_wave_over_a_poisoned_cell_only_after_writing_it() {
    let mut field = lively(1, 1);
    field.inject(Injection::Line(CellIndex(0))).unwrap();
    field.inject(Injection::Parity(CellIndex(0))).unwrap();
    lose_second_parity(&mut field);
    let cell = CellIndex(0);
    let wave = crate::Effect::Wave {
        origin: cell,
        amplitude: 2.0,
        frequency: 0.0,
    };
    let write = crate::Effect::Write {
        cell,
        magnitude: 1.0,
        phase: 0.0,
        coherence: 0.0,
    };
    let poisoned = Err(SubstrateError::Poisoned(cell));
    assert_eq!(field.apply(&[wave]), poisoned);
    assert_eq!(field.apply(&[wave, write]), poisoned);
    assert_eq!(
        field.read(cell).map(|view| view.magnitude),
        Err(SubstrateError::Poisoned(cell))
    );
    assert_eq!(field.apply(&[write, wave]), Ok(()));
    assert_eq!(field.read(cell).map(|view| view.magnitude), Ok(3.0));
}

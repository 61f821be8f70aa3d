//! Every bit of a loaded vault is flipped, alone or with others, and the sums tell.

use super::*;
use crate::error::ErrorCounts;
use crate::load::Limits;
use crate::program::Place;
use crate::texts::Texts;
use crate::vault::Compiled;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::collections::BTreeSet;

/// Glyphs with parents, programs, constraints and outputs, and two that are refused.
fn vault() -> Vault {
    let mut files: Vec<(String, String)> = (0..40)
        .map(|number: u32| {
            let parents = match number {
                0 => String::new(),
                _ => format!("parent_glyphs: g{}, g{}\n", number / 2, number / 3),
            };
            let text = format!(
                "glyph_id: g{number}\n{parents}magnitude: 0.{number}\nresonance: 1{number}\n\
                 activation: resonate(1.5) | entangle(g{}) | decay(0.25) | stabilize()\n\
                 outputs: {}\nconstraints: {}\n",
                39 - number,
                ["field_state", "resonance", "both"][number as usize % 3],
                ["requires_parent_active", "magnitude > 0.2"][number as usize % 2],
            );
            (format!("g{number}.gdf"), text)
        })
        .collect();
    for (name, text) in [
        ("bad.gdf", "glyph_id: bad\ncoherence: much\n"),
        ("child.gdf", "glyph_id: child\nwrong: field\n"),
    ] {
        files.push((name.into(), text.into()));
    }
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (vault, errors) = Vault::load(files, &Limits::default());
    assert_eq!((vault.len(), errors.len()), (40, 2));
    assert_eq!(vault.refused().count(), 2);
    vault
}

/// Bits of each column of a vault, under the column's name.
fn columns(vault: &Vault) -> Vec<(&'static str, usize)> {
    let texts = |texts: &Texts| [texts.bytes.len() * 8, texts.ends.len() * 32];
    let [id_bytes, id_ends] = texts(&vault.ids);
    let [file_bytes, file_ends] = texts(&vault.files);
    let [refused_bytes, refused_ends] = texts(&vault.refused);
    alloc::vec![
        ("bytes of ids", id_bytes),
        ("ends of ids", id_ends),
        ("bytes of files", file_bytes),
        ("ends of files", file_ends),
        ("bytes of refused ids", refused_bytes),
        ("ends of refused ids", refused_ends),
        ("numbers of glyphs", vault.compiled.len() * COMPILED_BITS),
        ("rows", vault.lanes.rows.len() * 256),
        ("parents", vault.parents.len() * 32),
        ("counts of errors", ErrorCounts::BITS),
        ("sums", vault.sums.len() * 64),
    ]
}

/// Flips a bit of the column that [`columns`] has at this place.
fn flip(vault: &mut Vault, column: usize, bit: usize) {
    fn of_texts(texts: &mut Texts, is_end: bool, bit: usize) {
        if is_end {
            texts.ends[bit / 32] ^= 1 << (bit % 32);
        } else {
            texts.bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
    match column {
        0 | 1 => of_texts(&mut vault.ids, column == 1, bit),
        2 | 3 => of_texts(&mut vault.files, column == 3, bit),
        4 | 5 => of_texts(&mut vault.refused, column == 5, bit),
        6 => flip_compiled(
            &mut vault.compiled[bit / COMPILED_BITS],
            bit % COMPILED_BITS,
        ),
        7 => vault.lanes.rows[bit / 256].flip(bit % 256),
        8 => vault.parents[bit / 32].0 ^= 1 << (bit % 32),
        9 => vault.error_counts.flip(bit),
        _ => vault.sums[bit / 64] ^= 1 << (bit % 64),
    }
}

const COMPILED_BITS: usize = 64 + Place::BITS + 3 * 32 + 3 * 8;

fn flip_compiled(compiled: &mut Compiled, bit: usize) {
    if bit < 64 {
        compiled.coherence ^= 1 << bit;
        return;
    }
    let Some(bit) = (bit - 64).checked_sub(Place::BITS) else {
        compiled.program.flip(bit - 64);
        return;
    };
    let numbers = [
        &mut compiled.parents.start,
        &mut compiled.parents.end,
        &mut compiled.generations,
    ];
    if let Some(bit) = bit.checked_sub(3 * 32) {
        let marks = [
            &mut compiled.gate,
            &mut compiled.writes_field_state,
            &mut compiled.starts_wave,
        ];
        if let Some(mark) = marks.into_iter().nth(bit / 8) {
            *mark ^= 1 << (bit % 8);
        }
        return;
    }
    if let Some(number) = numbers.into_iter().nth(bit / 32) {
        *number ^= 1 << (bit % 32);
    }
}

fn damaged(vault: &Vault) -> Option<usize> {
    vault.damaged(0..vault.parts())
}

#[test]
fn every_flipped_bit_of_every_column_is_found() {
    let mut vault = vault();
    assert_eq!(damaged(&vault), None);
    let mut flipped = 0;
    let mut parts = BTreeSet::new();
    for (column, (name, bits)) in columns(&vault).into_iter().enumerate() {
        assert!(bits > 0, "{name}");
        for bit in 0..bits {
            flip(&mut vault, column, bit);
            let found = damaged(&vault);
            assert!(found.is_some(), "bit {bit} of the {name}");
            parts.extend(found);
            flip(&mut vault, column, bit);
        }
        assert_eq!(damaged(&vault), None, "{name}");
        flipped += bits;
    }
    assert!(flipped > 100_000, "{flipped}");
    assert_eq!(parts.len(), vault.parts(), "each part was damaged");
}

#[test]
fn flipped_bits_anywhere_together_are_found_and_harm_no_comparison() {
    let mut vault = vault();
    let columns = columns(&vault);
    let mut state = 1_u64;
    let mut random = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for round in 0..20_000 {
        let flips: BTreeSet<(usize, usize)> = (0..2 + round % 7)
            .map(|_| {
                let column = random(columns.len());
                (column, random(columns[column].1))
            })
            .collect();
        for (column, bit) in &flips {
            flip(&mut vault, *column, *bit);
        }
        assert!(damaged(&vault).is_some(), "{flips:?}");
        for glyph in vault.glyphs() {
            let _ = vault.is_whole(glyph);
            let _ = vault.id_text(glyph);
        }
        let _ = vault.find(&abi::GlyphId::new("g17").unwrap());
        for (column, bit) in &flips {
            flip(&mut vault, *column, *bit);
        }
    }
    assert_eq!(damaged(&vault), None);
}

#[test]
fn two_flipped_bits_of_the_rows_of_one_glyph_are_found() {
    let mut vault = vault();
    let rows = vault.compiled[7].program.rows().len() * 256;
    for first in 0..rows {
        for second in (0..first).step_by(61) {
            let glyph = GlyphIndex(7);
            vault.flip(glyph, first).unwrap();
            vault.flip(glyph, second).unwrap();
            assert_eq!(damaged(&vault), Some(7), "bits {first} and {second}");
            vault.flip(glyph, first).unwrap();
            vault.flip(glyph, second).unwrap();
        }
    }
}

#[test]
fn memory_of_zeros_and_sums_that_changed_places_are_found() {
    let mut vault = vault();
    vault.sums.swap(3, 4);
    assert_eq!(damaged(&vault), Some(3));
    for part in 0..1000 {
        let mut sum = Sum::new(part);
        for _ in 0..100 {
            assert!(sum.0.iter().all(|lane| *lane != 0));
            assert_ne!(Sum(sum.0).end(), 0, "zeros have no sum of zero");
            sum.add([0; LANES]);
        }
    }
}

#[test]
fn a_glyph_is_whole_only_with_its_parents() {
    let mut vault = vault();
    let of = |id: &str| vault.find(&abi::GlyphId::new(id).unwrap()).unwrap();
    let (child, parent, other) = (of("g9"), of("g4"), of("g30"));
    assert!(vault.parents(child).contains(&parent));
    vault.flip(parent, 77).unwrap();
    assert!(!vault.is_whole(child) && !vault.is_whole(parent) && vault.is_whole(other));
    assert_eq!(vault.flip(parent, 1 << 20), Err(3 * 256));
}

#[test]
fn an_empty_vault_and_one_that_is_refused_whole_are_whole() {
    let limits = Limits {
        files_max: 1,
        ..Limits::default()
    };
    let none: [(&str, &[u8]); 0] = [];
    let two: [(&str, &[u8]); 2] = [("a.gdf", b"glyph_id: a"), ("b.gdf", b"glyph_id: b")];
    for vault in [Vault::load(none, &limits).0, Vault::load(two, &limits).0] {
        assert_eq!((vault.parts(), damaged(&vault)), (1, None));
    }
}

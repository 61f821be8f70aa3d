//! What follows a key: numbers, texts, lists, each within its range.
//!
//! Owns the ranges of the format's table. Programs and constraints have their own readers.

use super::piece::Piece;
use super::report::Report;
use super::{Places, constraint, program};
use crate::number::{self, NumberError};
use crate::{Chronocode, Definition, Field, quote};
use abi::GlyphId;
use abi::limits::PARENTS_MAX;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Reads the value of any field but the id into `definition`.
///
/// A value that breaks a rule is reported and the default stays.
pub(super) fn read(
    field: Field,
    value: Piece<'_>,
    definition: &mut Definition,
    places: &mut Places,
    report: &mut Report<'_>,
) {
    let mut real = |range: Range<f64>| real(field, value, &range, report);
    match field {
        Field::GlyphId => {}
        Field::ResonanceFreq => set(&mut definition.resonance, real(RESONANCE)),
        Field::FieldMagnitude => set(&mut definition.magnitude, real(MAGNITUDE)),
        Field::EntanglementCoeff => set(&mut definition.entanglement, real(ENTANGLEMENT)),
        Field::PhaseOffset => set(&mut definition.phase, real(PHASE)),
        Field::Coherence => {
            set(
                &mut definition.coherence,
                integer(field, value, &COHERENCE, report),
            );
        }
        Field::QuantumState => {
            let state = integer(field, value, &QUANTUM_STATE, report);
            set(&mut definition.quantum_state, byte(state));
        }
        Field::GdfVersion => {
            let version = integer(field, value, &GDF_VERSION, report);
            set(&mut definition.gdf_version, byte(version));
        }
        Field::ContributorInheritance => {
            set(&mut definition.contributor, text(field, value, 64, report));
        }
        Field::MaterialSpec => set(&mut definition.material, text(field, value, 256, report)),
        Field::FrequencySignature => {
            set(
                &mut definition.frequency_signature,
                text(field, value, 512, report),
            );
        }
        Field::Metadata => set(&mut definition.metadata, text(field, value, 256, report)),
        Field::Chronocode => definition.chronocode = chronocode(field, value, report),
        Field::ParentGlyphs => {
            for parent in list(field, value, report) {
                if definition.parents.len() >= PARENTS_MAX {
                    let expected = format!("at most {PARENTS_MAX} parents");
                    report.at(Some(field), parent, expected, "one more");
                    break;
                }
                if let Some(id) = glyph_id(field, parent, report) {
                    definition.parents.push(id);
                    places.parents.push(report.place(parent));
                }
            }
        }
        Field::Dependencies => {
            if value.text != "none" {
                definition.dependencies = list(field, value, report)
                    .into_iter()
                    .filter_map(|id| glyph_id(field, id, report))
                    .collect();
            }
        }
        Field::Outputs => {
            for label in list(field, value, report) {
                if label.text.contains('\t') {
                    report.at(
                        Some(field),
                        label,
                        "a label without tabs",
                        quote(label.text),
                    );
                } else {
                    definition.outputs.push(String::from(label.text));
                }
            }
        }
        Field::ActivationSimulation => {
            program::read(value, &mut definition.program, &mut places.commands, report);
        }
        Field::Constraints => constraint::read(value, &mut definition.constraints, report),
    }
}

/// Reads a glyph's id.
pub(super) fn glyph_id(field: Field, piece: Piece<'_>, report: &mut Report<'_>) -> Option<GlyphId> {
    match GlyphId::new(piece.text) {
        Ok(id) => Some(id),
        Err(_) => {
            report.at(
                Some(field),
                piece,
                "a glyph id, 1 to 64 of `A-Z a-z 0-9 _ -`",
                found(piece.text),
            );
            None
        }
    }
}

/// Reads a finite number without a range.
pub(super) fn finite(field: Field, piece: Piece<'_>, report: &mut Report<'_>) -> Option<f64> {
    match number::read(piece.text) {
        Ok(value) => Some(value),
        Err(NumberError::Malformed) => {
            report.at(
                Some(field),
                piece,
                "a number and nothing else",
                found(piece.text),
            );
            None
        }
        Err(NumberError::NotFinite) => {
            report.at(Some(field), piece, "a finite number", found(piece.text));
            None
        }
    }
}

/// A value as an error shows it.
pub(super) fn found(text: &str) -> String {
    if text.is_empty() {
        String::from("nothing")
    } else {
        quote(text)
    }
}

/// A range with both ends in it, and what its numbers count.
struct Range<T> {
    low: T,
    high: T,
    unit: &'static str,
}

const RESONANCE: Range<f64> = Range {
    low: 0.0,
    high: 100_000.0,
    unit: " (Hz)",
};
const MAGNITUDE: Range<f64> = Range {
    low: 0.0,
    high: 1000.0,
    unit: "",
};
const ENTANGLEMENT: Range<f64> = Range {
    low: 0.0,
    high: 1000.0,
    unit: "",
};
const PHASE: Range<f64> = Range {
    low: -36_000.0,
    high: 36_000.0,
    unit: " (degrees)",
};
const COHERENCE: Range<i64> = Range {
    low: 0,
    high: 1000,
    unit: " (percent)",
};
const QUANTUM_STATE: Range<i64> = Range {
    low: 0,
    high: 255,
    unit: "",
};
const GDF_VERSION: Range<i64> = Range {
    low: 1,
    high: 2,
    unit: "",
};

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

fn byte(value: Option<i64>) -> Option<u8> {
    value.and_then(|value| u8::try_from(value).ok())
}

fn real(
    field: Field,
    piece: Piece<'_>,
    range: &Range<f64>,
    report: &mut Report<'_>,
) -> Option<f64> {
    let Range { low, high, unit } = range;
    match number::read(piece.text) {
        Ok(value) if (*low..=*high).contains(&value) => Some(value),
        _ => {
            let expected = format!("a number from {low} to {high}{unit} and nothing else");
            report.at(Some(field), piece, expected, found(piece.text));
            None
        }
    }
}

fn integer(
    field: Field,
    piece: Piece<'_>,
    range: &Range<i64>,
    report: &mut Report<'_>,
) -> Option<i64> {
    let Range { low, high, unit } = range;
    match piece.text.parse::<i64>() {
        Ok(value) if (*low..=*high).contains(&value) => Some(value),
        _ => {
            let expected = format!("an integer from {low} to {high}{unit} and nothing else");
            report.at(Some(field), piece, expected, found(piece.text));
            None
        }
    }
}

fn text(
    field: Field,
    piece: Piece<'_>,
    bytes_max: usize,
    report: &mut Report<'_>,
) -> Option<String> {
    if piece.text.len() > bytes_max {
        let expected = format!("at most {bytes_max} bytes of text");
        report.at(
            Some(field),
            piece,
            expected,
            format!("{} bytes", piece.text.len()),
        );
        return None;
    }
    if let Some(tab) = piece.text.find('\t') {
        report.at(
            Some(field),
            piece.skip(tab),
            "text without control characters",
            "a tab",
        );
        return None;
    }
    Some(String::from(piece.text))
}

fn chronocode(field: Field, piece: Piece<'_>, report: &mut Report<'_>) -> Option<Chronocode> {
    if piece.text.is_empty() {
        return None;
    }
    match Chronocode::new(piece.text) {
        Ok(moment) => Some(moment),
        Err(expected) => {
            report.at(Some(field), piece, expected, quote(piece.text));
            None
        }
    }
}

/// The entries of a comma list; an empty value is an empty list, an empty entry an error.
pub(super) fn list<'a>(field: Field, value: Piece<'a>, report: &mut Report<'_>) -> Vec<Piece<'a>> {
    let mut entries = Vec::new();
    if value.text.is_empty() {
        return entries;
    }
    for entry in value.list(b',') {
        if entry.text.is_empty() {
            report.at(Some(field), entry, "an entry between commas", "nothing");
        } else {
            entries.push(entry);
        }
    }
    entries
}

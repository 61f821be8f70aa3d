//! The constraints of a glyph: words and comparisons, joined by commas.
//!
//! Section "Constraints are enforced" of the GDF specification.

use super::piece::Piece;
use super::report::Report;
use super::value::{finite, found, list};
use crate::{Comparison, Constraint, Field, ParentsWord, StateField, quote};
use abi::suggest::nearest;
use alloc::vec::Vec;

const FIELD: Field = Field::Constraints;
const COMPARISON_FORM: &str = "one of the comparisons >= <= > < ==";

/// Reads constraints; an empty value and `none` are none.
pub(super) fn read(value: Piece<'_>, constraints: &mut Vec<Constraint>, report: &mut Report<'_>) {
    if value.text == "none" {
        return;
    }
    for entry in list(FIELD, value, report) {
        constraints.extend(constraint(entry, report));
    }
}

fn constraint(entry: Piece<'_>, report: &mut Report<'_>) -> Option<Constraint> {
    let Some(start) = entry.text.find(is_operator) else {
        return word(entry, report);
    };
    let (field, rest) = entry.split_at(start)?;
    let end = rest
        .text
        .find(|character| !is_operator(character))
        .unwrap_or(rest.text.len());
    let (operator, number) = rest.split_at(end)?;
    let field = state_field(field.trim(), report);
    let comparison = comparison(operator, report);
    let number = finite(FIELD, number.trim(), report);
    Some(Constraint::Compare {
        field: field?,
        comparison: comparison?,
        number: number?,
    })
}

fn is_operator(character: char) -> bool {
    matches!(character, '<' | '>' | '=' | '!')
}

fn word(entry: Piece<'_>, report: &mut Report<'_>) -> Option<Constraint> {
    if let Some(word) = ParentsWord::ALL
        .into_iter()
        .find(|word| word.name() == entry.text)
    {
        return Some(Constraint::ParentsActive(word));
    }
    if entry.text == "none" {
        report.at(
            Some(FIELD),
            entry,
            "`none` alone or constraints",
            "`none` among others",
        );
        return None;
    }
    let names = ParentsWord::ALL.map(ParentsWord::name);
    report.near_miss(
        Some(FIELD),
        entry,
        "requires_parent_active, requires_both_parents_active, requires_all_parents_active \
         or a comparison such as `coherence >= 80`",
        quote(entry.text),
        || nearest(entry.text, names),
    );
    None
}

fn state_field(piece: Piece<'_>, report: &mut Report<'_>) -> Option<StateField> {
    let known = StateField::ALL
        .into_iter()
        .find(|field| field.name() == piece.text);
    if known.is_none() {
        report.near_miss(
            Some(FIELD),
            piece,
            "one of coherence, magnitude, resonance, phase, entanglement",
            found(piece.text),
            || nearest(piece.text, StateField::ALL.map(StateField::name)),
        );
    }
    known
}

fn comparison(piece: Piece<'_>, report: &mut Report<'_>) -> Option<Comparison> {
    let known = Comparison::ALL
        .into_iter()
        .find(|comparison| comparison.name() == piece.text);
    if known.is_none() {
        let meant = match piece.text {
            "=" => Some("=="),
            "=>" => Some(">="),
            "=<" => Some("<="),
            _ => None,
        };
        report.near_miss(
            Some(FIELD),
            piece,
            COMPARISON_FORM,
            quote(piece.text),
            || meant,
        );
    }
    known
}

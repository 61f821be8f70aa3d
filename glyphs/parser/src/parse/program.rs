//! The program of a glyph: `name(argument) | name(argument) ...`.
//!
//! Section "A program" of the GDF specification.

use super::Place;
use super::piece::Piece;
use super::report::Report;
use super::value::{finite, found, glyph_id};
use crate::limits::PROGRAM_BYTES_MAX;
use crate::{Command, Field, quote};
use abi::limits::COMMANDS_MAX;
use abi::suggest::nearest;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const FIELD: Field = Field::ActivationSimulation;

/// Reads a program; an empty value is an empty program.
pub(super) fn read(
    value: Piece<'_>,
    commands: &mut Vec<Command>,
    places: &mut Vec<Place>,
    report: &mut Report<'_>,
) {
    if value.text.is_empty() {
        return;
    }
    if value.text.len() > PROGRAM_BYTES_MAX {
        report.at(
            Some(FIELD),
            value,
            format!("a program of at most {PROGRAM_BYTES_MAX} bytes"),
            format!("{} bytes", value.text.len()),
        );
        return;
    }
    let bars = value.text.bytes().filter(|byte| *byte == b'|').count();
    commands.reserve_exact(bars.saturating_add(1).min(COMMANDS_MAX));
    for (position, piece) in value.list(b'|').enumerate() {
        if position >= COMMANDS_MAX {
            let expected = format!("at most {COMMANDS_MAX} commands");
            report.at(Some(FIELD), piece, expected, "one more");
            break;
        }
        if let Some(command) = command(piece, report) {
            commands.push(command);
            places.push(report.place(piece));
        }
    }
}

fn command(piece: Piece<'_>, report: &mut Report<'_>) -> Option<Command> {
    let Some((name, rest)) = piece.split_once(b'(') else {
        report.near_miss(
            Some(FIELD),
            piece,
            "a command as `name(argument)`",
            found(piece.text),
            || nearest(piece.text, Command::WORDS),
        );
        return None;
    };
    let name = name.trim();
    let Some((argument, after)) = rest.split_once(b')') else {
        report.at(Some(FIELD), rest.end(), "`)`", "the end of the command");
        return None;
    };
    let (argument, after) = (argument.trim(), after.trim());
    if !after.text.is_empty() {
        report.at(
            Some(FIELD),
            after,
            "`|` or the end of the program",
            quote(after.text),
        );
        return None;
    }
    let mut number = || finite(FIELD, argument, report);
    match name.text {
        "resonate" => number().map(Command::Resonate),
        "amplify" => number().map(Command::Amplify),
        "phase_shift" => number().map(Command::PhaseShift),
        "decay" => number().map(Command::Decay),
        "entangle" => glyph_id(FIELD, argument, report).map(Command::Entangle),
        "stabilize" if argument.text.is_empty() => Some(Command::Stabilize),
        "stabilize" => {
            report.at(
                Some(FIELD),
                argument,
                "no argument in `stabilize()`",
                quote(argument.text),
            );
            None
        }
        other => {
            let expected = format!("one of the commands {}", Command::WORDS.join(", "));
            report.near_miss(
                Some(FIELD),
                name,
                expected,
                if other.is_empty() {
                    String::from("no name")
                } else {
                    quote(other)
                },
                || nearest(other, Command::WORDS),
            );
            None
        }
    }
}

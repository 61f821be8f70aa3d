//! A definition as canonical GDF text.
//!
//! Fields that have their default are left out, the others follow in the order of the
//! specification's table under their full names. Where that would outgrow a limit that the
//! source kept, the shortest spelling is used instead, so that every definition prints to a
//! file that [`parse`](crate::parse()) takes and reads back as the same definition.

use crate::limits::{FILE_BYTES_MAX, PROGRAM_BYTES_MAX};
use crate::number::{Compact, Number};
use crate::{Command, Constraint, Definition, Field};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Prints a definition; lines end with a line feed.
#[must_use]
pub fn print(definition: &Definition) -> String {
    let text = print_spelled(definition, Spelling::Readable);
    if text.len() <= FILE_BYTES_MAX {
        text
    } else {
        print_spelled(definition, Spelling::Shortest)
    }
}

/// How much room a file may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// Full names, spaces, numbers as people write them.
    Readable,
    /// No byte that can be spared.
    Shortest,
}

impl Spelling {
    fn number(self, value: f64) -> String {
        match self {
            Spelling::Readable => Number(value).to_string(),
            Spelling::Shortest => Compact(value).to_string(),
        }
    }

    fn join<T>(self, separator: &str, items: &[T], show: impl Fn(&T) -> String) -> String {
        let items: Vec<String> = items.iter().map(show).collect();
        match self {
            Spelling::Readable if separator == "|" => items.join(" | "),
            Spelling::Readable => items.join(&format!("{separator} ")),
            Spelling::Shortest => items.join(separator),
        }
    }
}

fn print_spelled(definition: &Definition, spelling: Spelling) -> String {
    let default = Definition::with_defaults(definition.id.clone());
    let mut text = String::new();
    for field in Field::ALL {
        let shown = value(field, definition, spelling);
        if field == Field::GlyphId || shown != value(field, &default, spelling) {
            line(&mut text, field, &shown, spelling);
        }
    }
    if spelling == Spelling::Shortest {
        text.pop();
    }
    text
}

fn line(text: &mut String, field: Field, value: &str, spelling: Spelling) {
    let (key, gap) = match spelling {
        Spelling::Readable => (field.name(), " "),
        Spelling::Shortest => (field.alias().unwrap_or(field.name()), ""),
    };
    text.push_str(key);
    text.push(':');
    text.push_str(gap);
    text.push_str(value);
    text.push('\n');
}

/// A field's value as people read it, empty where the list or text is.
pub(crate) fn canonical_value(field: Field, definition: &Definition) -> String {
    value(field, definition, Spelling::Readable)
}

fn value(field: Field, definition: &Definition, spelling: Spelling) -> String {
    match field {
        Field::GlyphId => definition.id.to_string(),
        Field::Chronocode => definition
            .chronocode
            .map_or_else(String::new, |moment| moment.to_string()),
        Field::ParentGlyphs => spelling.join(",", &definition.parents, ToString::to_string),
        Field::ResonanceFreq => spelling.number(definition.resonance),
        Field::FieldMagnitude => spelling.number(definition.magnitude),
        Field::Coherence => definition.coherence.to_string(),
        Field::ContributorInheritance => definition.contributor.clone(),
        Field::MaterialSpec => definition.material.clone(),
        Field::FrequencySignature => definition.frequency_signature.clone(),
        Field::ActivationSimulation => program(&definition.program, spelling),
        Field::EntanglementCoeff => spelling.number(definition.entanglement),
        Field::PhaseOffset => spelling.number(definition.phase),
        Field::QuantumState => definition.quantum_state.to_string(),
        Field::Metadata => definition.metadata.clone(),
        Field::Dependencies => spelling.join(",", &definition.dependencies, ToString::to_string),
        Field::Outputs => spelling.join(",", &definition.outputs, Clone::clone),
        Field::Constraints => spelling.join(",", &definition.constraints, |constraint| {
            self::constraint(*constraint, spelling)
        }),
        Field::GdfVersion => definition.gdf_version.to_string(),
    }
}

/// The program, short where the readable spelling would be over the limit for programs.
fn program(program: &[Command], spelling: Spelling) -> String {
    let text = spelling.join("|", program, |command| self::command(command, spelling));
    if spelling == Spelling::Readable && text.len() > PROGRAM_BYTES_MAX {
        return self::program(program, Spelling::Shortest);
    }
    text
}

fn command(command: &Command, spelling: Spelling) -> String {
    let number = |word: &str, value: f64| format!("{word}({})", spelling.number(value));
    match command {
        Command::Resonate(factor) => number("resonate", *factor),
        Command::Amplify(factor) => number("amplify", *factor),
        Command::PhaseShift(degrees) => number("phase_shift", *degrees),
        Command::Decay(share) => number("decay", *share),
        Command::Entangle(_) | Command::Stabilize => command.to_string(),
    }
}

fn constraint(constraint: Constraint, spelling: Spelling) -> String {
    match (constraint, spelling) {
        (
            Constraint::Compare {
                field,
                comparison,
                number,
            },
            Spelling::Shortest,
        ) => format!(
            "{}{}{}",
            field.name(),
            comparison.name(),
            spelling.number(number)
        ),
        _ => constraint.to_string(),
    }
}

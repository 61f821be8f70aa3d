//! Bytes of one file to a definition, or to all that is wrong with them.
//!
//! Owns the walk over lines and keys; `parse/value` reads what follows a key. Section "A file"
//! of the GDF specification.
//!
//! Invariants:
//! - one pass over the bytes, no recursion, at most [`DIAGNOSTICS_MAX`] errors kept;
//! - every line is looked at, whatever was wrong with the ones before it.

mod constraint;
mod piece;
mod program;
mod report;
mod value;

use crate::limits::{DIAGNOSTICS_MAX, FILE_BYTES_MAX};
use crate::{Definition, Diagnostic, Field, quote};
use abi::GlyphId;
use abi::suggest::nearest;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use piece::Piece;
use report::Report;

/// A position in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// The first character of a file.
    pub const START: Place = Place { line: 1, column: 1 };
}

/// Where the ids of a definition stand in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The glyph's own id.
    pub id: Place,
    /// Each parent, in the order of the definition.
    pub parents: Vec<Place>,
    /// Each command of the program, in order.
    pub commands: Vec<Place>,
}

/// A sound file: what it says, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// What it says.
    pub definition: Definition,
    /// Where its ids stand.
    pub places: Places,
}

/// A file that breaks rules: all of the errors, up to [`DIAGNOSTICS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The id that the file claims, if that much could be read.
    pub id: Option<GlyphId>,
    /// Where that id stands.
    pub place: Place,
    /// The errors in the order of the file; at least one.
    pub diagnostics: Vec<Diagnostic>,
    /// Errors beyond those kept.
    pub omitted: u64,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for diagnostic in &self.diagnostics {
            write!(out, "{separator}{diagnostic}")?;
            separator = "\n";
        }
        if self.omitted > 0 {
            write!(out, "\n{} more errors in this file", self.omitted)?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

/// Reads one file; `file` is its name for errors.
///
/// # Errors
/// [`Refusal`] with every error of the file.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Parsed, Refusal> {
    let mut report = Report::new(file, DIAGNOSTICS_MAX);
    let mut reading = Reading::new();
    if bytes.len() > FILE_BYTES_MAX {
        report.whole_file(
            format!("at most {FILE_BYTES_MAX} bytes"),
            format!("{} bytes", bytes.len()),
        );
        return Err(report.into_refusal(None, Place::START));
    }
    let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        report.next_line();
        // A carriage return belongs to the line's end only where a line feed follows.
        let line = match line {
            [head @ .., b'\r'] if lines.peek().is_some() => head,
            whole => whole,
        };
        if let Some(text) = readable(line, &mut report) {
            reading.line(text, &mut report);
        }
    }
    reading.finish(report)
}

/// The line as text, if it is UTF-8 without control characters other than tabs.
fn readable<'a>(line: &'a [u8], report: &mut Report<'a>) -> Option<&'a str> {
    let text = match core::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => {
            let (sound, rest) = line.split_at_checked(error.valid_up_to())?;
            let sound = core::str::from_utf8(sound).ok()?;
            let byte = rest.first().copied().unwrap_or_default();
            report.set_line(sound);
            report.at(
                None,
                Piece::end_of(sound),
                "UTF-8 text",
                format!("the byte 0x{byte:02x}"),
            );
            return None;
        }
    };
    report.set_line(text);
    // Whole-line fold: the compiler turns it into vector code, the exact search is rare.
    let suspicious = line.iter().fold(false, |found, byte| {
        found | (*byte < b' ') | (*byte == 0x7f) | (*byte == 0xc2)
    });
    if suspicious
        && let Some((offset, character)) = text
            .char_indices()
            .find(|(_, character)| character.is_control() && *character != '\t')
    {
        report.at(
            None,
            Piece::at(text, offset),
            "text without control characters",
            format!("U+{:04X}", u32::from(character)),
        );
        return None;
    }
    Some(text)
}

/// What was read of a file so far.
struct Reading {
    /// Every field but the id, under an id of our own until the file's is known.
    draft: Option<Definition>,
    id: Option<GlyphId>,
    places: Places,
    /// Line of each field's first value; 0 where there was none.
    lines: [u32; Field::COUNT],
}

impl Reading {
    fn new() -> Self {
        Reading {
            draft: GlyphId::new("draft").map(Definition::with_defaults).ok(),
            id: None,
            places: Places {
                id: Place::START,
                parents: Vec::new(),
                commands: Vec::new(),
            },
            lines: [0; Field::COUNT],
        }
    }

    fn line(&mut self, line: &str, report: &mut Report<'_>) {
        let whole = Piece::whole(line).trim();
        if whole.text.is_empty() || whole.text.starts_with('#') {
            return;
        }
        if whole.text.starts_with('\u{feff}') {
            report.at(
                None,
                whole,
                "UTF-8 text that begins with its first line",
                "a byte order mark",
            );
            return;
        }
        let Some((key, value)) = whole.split_once(b':') else {
            report.at(None, whole, "`key: value`", quote(whole.text));
            return;
        };
        let (key, value) = (key.trim(), value.trim());
        let Some(field) = Field::from_key(key.text) else {
            report.near_miss(
                None,
                key,
                "a field of the format as key",
                quote(key.text),
                || nearest(key.text, Field::keys()),
            );
            return;
        };
        let Some(first) = self.lines.get_mut(field.index()) else {
            return;
        };
        if *first != 0 {
            let found = format!(
                "{} again: `{}` was given on line {first}",
                quote(key.text),
                field.name()
            );
            report.at(Some(field), key, "each field once", found);
            return;
        }
        *first = report.line_number();
        if field == Field::GlyphId {
            self.places.id = report.place(value);
            self.id = value::glyph_id(field, value, report);
        } else if let Some(draft) = &mut self.draft {
            value::read(field, value, draft, &mut self.places, report);
        }
    }

    fn finish(self, mut report: Report<'_>) -> Result<Parsed, Refusal> {
        let id_given = self
            .lines
            .get(Field::GlyphId.index())
            .is_some_and(|line| *line != 0);
        if !id_given {
            report.missing_id();
        }
        match (self.draft, self.id, report.is_empty()) {
            (Some(draft), Some(id), true) => Ok(Parsed {
                definition: Definition { id, ..draft },
                places: self.places,
            }),
            (_, id, _) => Err(report.into_refusal(id, self.places.id)),
        }
    }
}

#[cfg(test)]
mod tests;

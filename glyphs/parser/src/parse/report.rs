//! Collects the errors of one file, up to a bound, with the line they stand on.
//!
//! Invariant: keeps at most `kept_max` errors and counts the others.

use super::piece::Piece;
use super::{Place, Refusal};
use crate::diagnostic::{Excerpt, shown_name};
use crate::{Diagnostic, Field};
use abi::GlyphId;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The errors of one file so far.
pub(super) struct Report<'a> {
    file: &'a str,
    line: &'a str,
    line_number: u32,
    diagnostics: Vec<Diagnostic>,
    kept_max: usize,
    omitted: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str, kept_max: usize) -> Self {
        Report {
            file,
            line: "",
            line_number: 0,
            diagnostics: Vec::new(),
            kept_max,
            omitted: 0,
        }
    }

    /// Moves to the next line.
    pub(super) fn next_line(&mut self) {
        self.line_number = self.line_number.saturating_add(1);
        self.line = "";
    }

    /// Text of the current line, for excerpts and columns.
    pub(super) fn set_line(&mut self, line: &'a str) {
        self.line = line;
    }

    pub(super) fn line_number(&self) -> u32 {
        self.line_number
    }

    pub(super) fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Where `piece` of the current line stands.
    pub(super) fn place(&self, piece: Piece<'_>) -> Place {
        let before = self.line.get(..piece.offset).unwrap_or(self.line);
        let column = before.chars().count().saturating_add(1);
        Place {
            line: self.line_number,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// An error at `piece` of the current line.
    pub(super) fn at(
        &mut self,
        field: Option<Field>,
        piece: Piece<'_>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) {
        self.near_miss(field, piece, expected, found, || None);
    }

    /// An error at `piece` with the word that was probably meant, sought only if it is kept.
    pub(super) fn near_miss(
        &mut self,
        field: Option<Field>,
        piece: Piece<'_>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
        suggestion: impl FnOnce() -> Option<&'static str>,
    ) {
        if self.diagnostics.len() >= self.kept_max {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        let place = self.place(piece);
        self.diagnostics.push(Diagnostic {
            file: shown_name(self.file),
            line: place.line,
            column: place.column,
            field,
            expected: expected.into(),
            found: found.into(),
            suggestion: suggestion().map(String::from),
            excerpt: Some(Excerpt::new(self.line, place.column)),
        });
    }

    /// An error of the file as a whole.
    pub(super) fn whole_file(
        &mut self,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) {
        self.without_excerpt(None, expected, found);
    }

    /// The error that no line gives an id.
    pub(super) fn missing_id(&mut self) {
        self.without_excerpt(
            Some(Field::GlyphId),
            "a line `glyph_id: ...`",
            "none in the file",
        );
    }

    fn without_excerpt(
        &mut self,
        field: Option<Field>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) {
        if self.diagnostics.len() >= self.kept_max {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        self.diagnostics.push(Diagnostic {
            file: shown_name(self.file),
            line: Place::START.line,
            column: Place::START.column,
            field,
            expected: expected.into(),
            found: found.into(),
            suggestion: None,
            excerpt: None,
        });
    }

    pub(super) fn into_refusal(self, id: Option<GlyphId>, place: Place) -> Refusal {
        Refusal {
            id,
            place,
            diagnostics: self.diagnostics,
            omitted: self.omitted,
        }
    }
}

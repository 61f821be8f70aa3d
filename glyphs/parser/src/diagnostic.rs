//! One error of a file: where, what was expected, what was found.
//!
//! Owns how an error reads. Text from a file is shown shortened and with its control
//! characters escaped, so that an error can go to a terminal as it is.

use crate::Field;
use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write as _};

/// Most characters of a file's text that an error quotes.
const QUOTE_CHARS_MAX: usize = 48;
/// Characters of a line shown before the place of an error.
const EXCERPT_BEFORE_CHARS: usize = 60;
/// Characters of a line shown at and after the place of an error.
const EXCERPT_AFTER_CHARS: usize = 40;

/// An error with its place. `Display` gives `file:line:column: ...`, the line and a caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Name of the file, escaped.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The field concerned; `None` for the file as a whole or an unknown key.
    pub field: Option<Field>,
    /// What would have been right, as part of a sentence.
    pub expected: Cow<'static, str>,
    /// What is there, as part of a sentence.
    pub found: String,
    /// The known word that was probably meant.
    pub suggestion: Option<String>,
    /// The line and the place in it, where there is one.
    pub excerpt: Option<Excerpt>,
}

impl Diagnostic {
    /// Label for counting errors: the field's name, or `file`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.field.map_or("file", Field::name)
    }

    /// The error on one line, without the excerpt.
    #[must_use]
    pub fn headline(&self) -> impl fmt::Display + '_ {
        Headline(self)
    }
}

struct Headline<'a>(&'a Diagnostic);

impl fmt::Display for Headline<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic {
            file,
            line,
            column,
            expected,
            found,
            ..
        } = self.0;
        write!(
            out,
            "{file}:{line}:{column}: expected {expected}, found {found}"
        )?;
        match &self.0.suggestion {
            Some(word) => write!(out, "; did you mean `{word}`?"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline().fmt(out)?;
        match &self.excerpt {
            Some(excerpt) => write!(
                out,
                "\n{:>5} | {}\n      | {:>width$}",
                self.line,
                excerpt.text,
                '^',
                width = excerpt.caret.saturating_add(1)
            ),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Diagnostic {}

/// The part of a line around an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Part of the line: tabs as spaces, other control characters as `?`, `...` where it is cut.
    pub text: String,
    /// Characters of `text` before the place.
    pub caret: usize,
}

impl Excerpt {
    /// Cuts the part around the character at `column` (from 1) out of `line`.
    #[must_use]
    pub fn new(line: &str, column: u32) -> Self {
        let place = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
        let start = place.saturating_sub(EXCERPT_BEFORE_CHARS);
        let length = place
            .saturating_sub(start)
            .saturating_add(EXCERPT_AFTER_CHARS);
        let mut text = String::new();
        if start > 0 {
            text.push_str("...");
        }
        let caret = text.len().saturating_add(place.saturating_sub(start));
        let mut rest = line.chars().skip(start);
        for character in rest.by_ref().take(length) {
            text.push(match character {
                '\t' => ' ',
                other if other.is_control() => '?',
                other => other,
            });
        }
        if rest.next().is_some() {
            text.push_str("...");
        }
        Excerpt { text, caret }
    }
}

/// Text from a file as an error quotes it: shortened, escaped, in back quotes.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("`");
    let mut characters = text.chars();
    for character in characters.by_ref().take(QUOTE_CHARS_MAX) {
        escape(character, &mut quoted);
    }
    quoted.push_str(if characters.next().is_some() {
        "...`"
    } else {
        "`"
    });
    quoted
}

/// A file's name as an error shows it: shortened and escaped.
#[must_use]
pub fn shown_name(name: &str) -> String {
    const CHARS_MAX: usize = 160;
    let mut shown = String::new();
    let mut characters = name.chars();
    for character in characters.by_ref().take(CHARS_MAX) {
        escape(character, &mut shown);
    }
    if characters.next().is_some() {
        shown.push_str("...");
    }
    shown
}

fn escape(character: char, out: &mut String) {
    if character.is_control() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", character.escape_default());
    } else {
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn an_error_reads_as_place_sentence_line_and_caret() {
        let diagnostic = Diagnostic {
            file: "water.gdf".into(),
            line: 3,
            column: 12,
            field: Some(Field::Coherence),
            expected: "an integer".into(),
            found: "`9O`".into(),
            suggestion: Some("90".into()),
            excerpt: Some(Excerpt::new("coherence: 9O", 12)),
        };
        assert_eq!(
            format!("{diagnostic}"),
            "water.gdf:3:12: expected an integer, found `9O`; did you mean `90`?\n    \
             3 | coherence: 9O\n      |            ^"
        );
        assert_eq!(diagnostic.label(), "coherence");
    }

    #[test]
    fn long_lines_are_cut_around_the_place_and_the_caret_stays_on_it() {
        let line: String = ('a'..='z').cycle().take(1000).collect();
        let excerpt = Excerpt::new(&line, 501);
        assert!(excerpt.text.len() < 120);
        assert_eq!(
            excerpt.text.chars().nth(excerpt.caret),
            line.chars().nth(500)
        );
    }

    #[test]
    fn quoted_text_is_safe_for_a_terminal() {
        assert_eq!(quote("a\u{1b}[2Jb"), "`a\\u{1b}[2Jb`");
        assert_eq!(shown_name("a\nb"), "a\\nb");
        assert!(quote(&"x".repeat(10_000)).len() < 60);
        assert!(Excerpt::new("a\u{1b}b", 2).text == "a?b");
    }
}

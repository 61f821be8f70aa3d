//! Typed readers for the words after a command's name.

use super::Typed;
use crate::words::Word;
use abi::id::{IdError, hex_decode};
use abi::request::{Include, Pair, Signature};
use abi::{CellIndex, GlyphId, GuardianId, RecordPrefix};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// What is wrong with the words after a command's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A word is missing; its name in the form.
    Missing(&'static str),
    /// A word too many.
    TooMany(String),
    /// An option that the command does not have.
    NoSuchOption(String),
    /// Anything else, as a clause.
    Said(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Missing(what) => write!(out, "{what} is missing"),
            Wrong::TooMany(word) => write!(
                out,
                "{} is one word too many (text with blanks goes in quotes)",
                Typed(word)
            ),
            Wrong::NoSuchOption(word) => write!(out, "there is no option {}", Typed(word)),
            Wrong::Said(clause) => out.write_str(clause),
        }
    }
}

/// The words after a command's name, taken from the front.
pub(crate) struct Arguments {
    words: Vec<Word>,
}

impl Arguments {
    pub(super) fn new(words: Vec<Word>) -> Self {
        Arguments { words }
    }

    /// Refuses options that the command does not have.
    pub(super) fn check_options(&self, options: &[&str]) -> Result<(), Wrong> {
        let unknown = self.words.iter().find(|word| {
            !word.quoted && word.text.starts_with("--") && !options.contains(&word.text.as_str())
        });
        unknown.map_or(Ok(()), |word| Err(Wrong::NoSuchOption(word.text.clone())))
    }

    /// Refuses words that nobody took.
    pub(super) fn finish(&self) -> Result<(), Wrong> {
        self.words
            .first()
            .map_or(Ok(()), |word| Err(Wrong::TooMany(word.text.clone())))
    }

    fn position(&self, option: &str) -> Option<usize> {
        self.words
            .iter()
            .position(|word| !word.quoted && word.text == option)
    }

    /// Takes an option without a value, from wherever it stands.
    pub(super) fn flag(&mut self, option: &str) -> Include {
        match self.position(option) {
            Some(position) => {
                self.words.remove(position);
                Include::Yes
            }
            None => Include::No,
        }
    }

    /// Takes an option and the word after it, from wherever they stand.
    pub(super) fn option(&mut self, option: &'static str) -> Result<Option<String>, Wrong> {
        let Some(position) = self.position(option) else {
            return Ok(None);
        };
        self.words.remove(position);
        if position < self.words.len() {
            Ok(Some(self.words.remove(position).text))
        } else {
            Err(Wrong::Said(format!("{option} needs a value after it")))
        }
    }

    /// Whether all words were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Takes the next word; `what` is its name in the form.
    pub(super) fn word(&mut self, what: &'static str) -> Result<String, Wrong> {
        if self.words.is_empty() {
            return Err(Wrong::Missing(what));
        }
        Ok(self.words.remove(0).text)
    }

    /// Takes the next word as a name or text that may not be empty.
    pub(super) fn text(&mut self, what: &'static str) -> Result<String, Wrong> {
        let text = self.word(what)?;
        if text.trim().is_empty() {
            return Err(Wrong::Said(format!("{what} may not be empty")));
        }
        Ok(text)
    }

    /// Takes the next word as a whole number.
    pub(super) fn integer<T: FromStr>(&mut self, what: &'static str) -> Result<T, Wrong> {
        let word = self.word(what)?;
        parse_integer(&word, what)
    }

    /// Takes the next word as the index of a cell.
    pub(super) fn cell(&mut self) -> Result<CellIndex, Wrong> {
        self.integer("N").map(CellIndex)
    }

    /// Takes the next word as a number; NaN and infinities are for the service to refuse.
    pub(super) fn number(&mut self, what: &'static str) -> Result<f64, Wrong> {
        let word = self.word(what)?;
        parse_number(&word, what)
    }

    /// Takes all further words as pairs `A:P`.
    pub(super) fn pairs(&mut self) -> Result<Vec<Pair>, Wrong> {
        let mut pairs = Vec::new();
        while pairs.is_empty() || !self.is_empty() {
            let word = self.word("A:P")?;
            let Some((amplitude, phase)) = word.split_once(':') else {
                return Err(Wrong::Said(format!(
                    "{} is not a pair AMPLITUDE:PHASE such as 0.6:1.57",
                    Typed(&word)
                )));
            };
            pairs.push(Pair {
                amplitude: parse_number(amplitude, "A")?,
                phase: parse_number(phase, "P")?,
            });
        }
        Ok(pairs)
    }

    /// Takes the next word as a glyph's id.
    pub(super) fn glyph(&mut self) -> Result<GlyphId, Wrong> {
        let word = self.word("ID")?;
        GlyphId::new(&word).map_err(|error| not_an_id(&word, "a glyph id", error))
    }

    /// Takes the next word as a guardian's id.
    pub(super) fn guardian(&mut self, what: &'static str) -> Result<GuardianId, Wrong> {
        let word = self.word(what)?;
        GuardianId::new(&word).map_err(|error| not_an_id(&word, "a guardian id", error))
    }

    /// Takes the next word as the first digits of a record's id.
    pub(super) fn record(&mut self, what: &'static str) -> Result<RecordPrefix, Wrong> {
        let word = self.word(what)?;
        RecordPrefix::new(&word).map_err(|error| not_an_id(&word, "a record id", error))
    }

    /// Takes the next word as one of a few; `names` for the message.
    pub(super) fn one_of<T>(
        &mut self,
        what: &'static str,
        names: &str,
        from_name: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Wrong> {
        let word = self.word(what)?;
        from_name(&word)
            .ok_or_else(|| Wrong::Said(format!("{} is not {what}: one of {names}", Typed(&word))))
    }

    /// Takes the next word as bytes in hexadecimal digits; the message never repeats them,
    /// since they may be a secret.
    pub(super) fn bytes(&mut self, what: &'static str) -> Result<Vec<u8>, Wrong> {
        let word = self.word(what)?;
        let mut bytes = vec![0; word.len() / 2];
        hex_decode(&word, &mut bytes).map_err(|_| {
            Wrong::Said(format!(
                "{what} is not an even number of hexadecimal digits"
            ))
        })?;
        Ok(bytes)
    }

    /// Takes the next word as a signature: 64 or 128 hexadecimal digits.
    pub(super) fn signature(&mut self) -> Result<Signature, Wrong> {
        let bytes = self.bytes("SIGNATURE")?;
        if !matches!(bytes.len(), 32 | 64) {
            return Err(Wrong::Said(format!(
                "a signature has 64 hexadecimal digits (hmac) or 128 (ed25519), this one has {}",
                bytes.len().saturating_mul(2)
            )));
        }
        Ok(Signature(bytes))
    }
}

/// Reads a whole number.
pub(super) fn parse_integer<T: FromStr>(word: &str, what: &str) -> Result<T, Wrong> {
    word.parse().map_err(|_| {
        Wrong::Said(format!(
            "{what} takes a whole number in range, not {}",
            Typed(word)
        ))
    })
}

fn parse_number(word: &str, what: &str) -> Result<f64, Wrong> {
    word.parse()
        .map_err(|_| Wrong::Said(format!("{what} takes a number, not {}", Typed(word))))
}

fn not_an_id(word: &str, what: &str, error: IdError) -> Wrong {
    Wrong::Said(format!("{} is not {what}: {error}", Typed(word)))
}

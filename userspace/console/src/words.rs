//! Splits a line into words: blanks separate, quotes group, a backslash escapes.
//!
//! Inside and outside of `"..."`, `\"` and `\\` stand for the character itself; a backslash
//! before anything else is an error, so that no text changes in silence.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its text, without quotes and escapes.
    pub(crate) text: String,
    /// Whether any part of it was quoted: then it is never an option.
    pub(crate) quoted: bool,
}

/// Why a line is not a list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordsError {
    /// A quote is opened and not closed.
    OpenQuote,
    /// A backslash before something other than `"` and `\`.
    BadEscape,
}

impl fmt::Display for WordsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            WordsError::OpenQuote => "a quote is opened and not closed; end the text with \"",
            WordsError::BadEscape => "a backslash stands only before \" or \\; type \\\\ for one",
        })
    }
}

/// Splits a line.
pub(crate) fn split(line: &str) -> Result<Vec<Word>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut in_quotes = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character.is_whitespace() && !in_quotes {
            words.extend(word.take());
            continue;
        }
        let current = word.get_or_insert(Word {
            text: String::new(),
            quoted: false,
        });
        match character {
            '"' => {
                in_quotes = !in_quotes;
                current.quoted = true;
            }
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => current.text.push(escaped),
                _ => return Err(WordsError::BadEscape),
            },
            other => current.text.push(other),
        }
    }
    if in_quotes {
        return Err(WordsError::OpenQuote);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split(line).unwrap().into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn blanks_separate_and_quotes_group() {
        assert_eq!(texts("  a \t b  "), ["a", "b"]);
        assert_eq!(texts("a \"b  c\" d"), ["a", "b  c", "d"]);
        assert_eq!(texts("k=\"v w\"x"), ["k=v wx"]);
        assert_eq!(texts("\"\""), [""]);
        assert!(texts("   ").is_empty());
    }

    #[test]
    fn escapes_give_the_character_itself() {
        assert_eq!(texts(r#"\"a "b\\\"c""#), ["\"a", "b\\\"c"]);
        assert_eq!(split(r"a\n"), Err(WordsError::BadEscape));
        assert_eq!(split("a\\"), Err(WordsError::BadEscape));
        assert_eq!(split("\"a"), Err(WordsError::OpenQuote));
    }

    #[test]
    fn a_quoted_word_is_marked_as_such() {
        assert!(split("\"--drill\"").unwrap()[0].quoted);
        assert!(!split("--drill").unwrap()[0].quoted);
    }
}

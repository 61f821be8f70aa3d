//! A node's words in machine mode, as types: the ready line and the reply to a command.
//!
//! In machine mode each reply ends with one line, `OK` or `ERR <code> <text>`; the lines before it
//! are the reply's content.

use std::collections::BTreeMap;

/// How a line starts that tells that a boot is over.
pub const READY: &str = "GLYPHOS READY";

/// How a node answered a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Ok,
    /// Refused or failed.
    Err {
        /// The stable code of the error, as the node writes it.
        code: String,
        /// What to do about it, for a person.
        text: String,
    },
}

impl Outcome {
    /// Reads the line that ends a reply; none if `line` is content.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        if line == "OK" {
            return Some(Self::Ok);
        }
        let rest = line.strip_prefix("ERR ")?;
        let (code, text) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Self::Err {
            code: code.to_owned(),
            text: text.to_owned(),
        })
    }
}

/// The whole answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Content, without the line that ends it.
    pub lines: Vec<String>,
    /// Whether the node did it.
    pub outcome: Outcome,
}

impl Reply {
    /// Whether the node did what it was told.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// The value of `key` in the first line that has it.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<String> {
        self.lines.iter().find_map(|line| field(line, key))
    }

    /// The values of `key` in all lines that have it.
    #[must_use]
    pub fn column(&self, key: &str) -> Vec<String> {
        self.lines
            .iter()
            .filter_map(|line| field(line, key))
            .collect()
    }

    /// The content as one text, lines ended by LF.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines
            .iter()
            .fold(String::new(), |text, line| text + line + "\n")
    }
}

/// The value of `key` in a line of `key=value` pairs; a value with blanks stands between quotes.
#[must_use]
pub fn field(line: &str, key: &str) -> Option<String> {
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (value, after) = after.split_once(' ').unwrap_or((after, ""));
                (value.to_owned(), after)
            }
        };
        if name == key {
            return Some(value);
        }
        rest = after.trim_start();
    }
    None
}

/// A quoted text up to its closing quote, and what follows it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

/// The pairs of the ready line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready(BTreeMap<String, String>);

impl Ready {
    /// Reads a ready line; none if `line` is another one.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix(READY)?;
        if !(rest.is_empty() || rest.starts_with(' ')) {
            return None;
        }
        let pairs = rest.split_whitespace().filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Some(Self(pairs.collect()))
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_only_with_its_own_words() {
        assert_eq!(Outcome::parse("OK"), Some(Outcome::Ok));
        for content in ["OKAY", "ok", " OK", "OK ", "ERROR 1", "ERR", ""] {
            assert_eq!(Outcome::parse(content), None, "{content:?}");
        }
    }

    #[test]
    fn an_error_gives_its_code_and_its_text() {
        let error = Outcome::parse("ERR 12 there is no glyph `x`").unwrap();
        let Outcome::Err { code, text } = error else {
            panic!("not an error")
        };
        assert_eq!(
            (code.as_str(), text.as_str()),
            ("12", "there is no glyph `x`")
        );
        assert!(matches!(
            Outcome::parse("ERR 12"),
            Some(Outcome::Err { .. })
        ));
    }

    #[test]
    fn a_field_is_found_by_its_key_alone() {
        let line = r#"part=ledger detail="no disk: \"virtio\" \\ part=x" health=absent"#;
        assert_eq!(field(line, "part").as_deref(), Some("ledger"));
        assert_eq!(field(line, "health").as_deref(), Some("absent"));
        assert_eq!(
            field(line, "detail").as_deref(),
            Some(r#"no disk: "virtio" \ part=x"#)
        );
        assert_eq!(field(line, "art"), None);
    }

    #[test]
    fn a_line_that_is_no_pairs_has_no_field() {
        for line in [
            "",
            "=",
            "part",
            "a=\"never closed",
            "a=\"\\",
            "just some words",
        ] {
            assert_eq!(field(line, "part"), None, "{line:?}");
        }
    }

    #[test]
    fn the_ready_line_gives_its_pairs() {
        let ready = Ready::parse("GLYPHOS READY version=0.1.0 boot_ms=41 cells=4096").unwrap();
        assert_eq!(ready.get("boot_ms"), Some("41"));
        assert_eq!(ready.get("glyphs"), None);
        assert_eq!(Ready::parse("GLYPHOS READYING"), None);
        assert_eq!(Ready::parse("not GLYPHOS READY"), None);
    }
}

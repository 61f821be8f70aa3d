//! Lines and how often they ran, as lcov writes them.
//!
//! Invariant: lines of tests do not count: no file named `tests.rs`, and nothing from a file's first
//! test module on.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The lines of some files that hold code, and whether each ran.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Lines {
    ran: BTreeMap<(String, u32), bool>,
}

impl Lines {
    /// The lines of the files under `sources`, a folder of the checkout.
    ///
    /// # Errors
    /// If a file cannot be read, or none of the folder is in the counts.
    pub(super) fn read(lcov: &str, checkout: &Path, sources: &str) -> Result<Self> {
        let prefix = checkout.join(sources).display().to_string();
        let lines = Self::select(lcov, |path| {
            let Some(name) = path.strip_prefix(&prefix) else {
                return Ok(None);
            };
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
            Ok(Some((format!("{sources}{name}"), code_lines(name, &text))))
        })?;
        if lines.ran.is_empty() {
            anyhow::bail!("no line of {sources} was counted: were its tests built?");
        }
        Ok(lines)
    }

    /// The lines of the files that `file` gives a name and a number of lines to.
    fn select(lcov: &str, file: impl Fn(&str) -> Result<Option<(String, u32)>>) -> Result<Self> {
        let mut lines = Lines::default();
        let mut current = None;
        for record in lcov.lines() {
            if let Some(path) = record.strip_prefix("SF:") {
                current = file(path)?;
            } else if let (Some((name, last)), Some(data)) = (&current, record.strip_prefix("DA:"))
            {
                let (line, count) = data.split_once(',').context("lcov: a line without count")?;
                let line: u32 = line.parse().context("lcov: no line number")?;
                if line <= *last {
                    let ran = lines.ran.entry((name.clone(), line)).or_default();
                    *ran |= count != "0";
                }
            }
        }
        Ok(lines)
    }

    pub(super) fn add(&mut self, other: Lines) {
        self.ran.extend(other.ran);
    }

    /// The share that ran, in percent.
    pub(super) fn percent(&self) -> f64 {
        let ran = self.ran.values().filter(|ran| **ran).count();
        // The language has some thousands of lines: exact in f64.
        100.0 * ran as f64 / self.ran.len().max(1) as f64
    }

    /// `file:line` of each line that did not run.
    pub(super) fn missing(&self) -> impl Iterator<Item = String> + '_ {
        self.ran
            .iter()
            .filter(|(_, ran)| !**ran)
            .map(|((name, line), _)| format!("{name}:{line}"))
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ran = self.ran.values().filter(|ran| **ran).count();
        let percent = self.percent();
        write!(out, "{percent:.1} % ({ran} of {} lines)", self.ran.len())
    }
}

/// The last line of a file that is no test's.
fn code_lines(name: &str, text: &str) -> u32 {
    if name.ends_with("tests.rs") {
        return 0;
    }
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        matches!(pair, [attribute, item]
            if *attribute == "#[cfg(test)]" && item.trim_start_matches("pub(crate) ").starts_with("mod "))
    });
    u32::try_from(tests.unwrap_or(lines.len())).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_tests_and_of_other_files_do_not_count() {
        let text = "#[cfg(test)]\nextern crate std;\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(code_lines("a.rs", text), 3);
        assert_eq!(code_lines("parse/tests.rs", text), 0);
        assert_eq!(code_lines("b.rs", "fn b() {}\n"), 1);
        let lcov = "SF:/x/a.rs\nDA:1,5\nDA:2,0\nDA:4,1\nend_of_record\n\
                    SF:/x/a.rs\nDA:2,1\nDA:3,0\nend_of_record\nSF:/y/b.rs\nDA:1,0\n";
        let lines = Lines::select(lcov, |path| {
            Ok((path == "/x/a.rs").then(|| ("a.rs".to_owned(), 3)))
        })
        .unwrap();
        assert_eq!(lines.to_string(), "66.7 % (2 of 3 lines)");
        assert_eq!(lines.missing().collect::<Vec<_>>(), ["a.rs:3"]);
    }

    #[test]
    fn counts_without_the_crates_files_are_an_error() {
        assert!(Lines::read("SF:/y/b.rs\nDA:1,0\n", Path::new("/x"), "a/").is_err());
    }
}

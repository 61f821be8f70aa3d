//! The lines typed before, bounded, without those that hold a secret.

use alloc::collections::VecDeque;
use alloc::string::String;

/// Lines that are kept.
const LINES_MAX: usize = 32;
/// Bytes of all lines together.
const BYTES_MAX: usize = 16 * 1024;

/// Lines typed before, and the one that the person looks at.
pub(crate) struct History {
    lines: VecDeque<String>,
    bytes: usize,
    /// How many lines back from the newest the person went; 0 is the line being typed.
    back: usize,
    /// The line being typed, while the person looks at others.
    draft: String,
}

impl History {
    pub(crate) fn new() -> Self {
        History {
            lines: VecDeque::with_capacity(LINES_MAX),
            bytes: 0,
            back: 0,
            draft: String::new(),
        }
    }

    /// Keeps a line that was entered, unless it is blank, repeats the newest, or may hold a
    /// secret; the person is at the newest again.
    pub(crate) fn push(&mut self, line: &str) {
        self.back = 0;
        self.draft = String::new();
        let is_repeated = self.lines.back().is_some_and(|newest| newest == line);
        if line.trim().is_empty() || is_repeated || may_hold_secret(line) {
            return;
        }
        self.lines.push_back(String::from(line));
        self.bytes = self.bytes.saturating_add(line.len());
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX {
            match self.lines.pop_front() {
                Some(oldest) => self.bytes = self.bytes.saturating_sub(oldest.len()),
                None => break,
            }
        }
    }

    /// Goes one line back; `current` is what stands on the line now.
    pub(crate) fn older(&mut self, current: &str) -> Option<&str> {
        if self.back >= self.lines.len() {
            return None;
        }
        if self.back == 0 && !may_hold_secret(current) {
            self.draft = String::from(current);
        }
        self.back = self.back.saturating_add(1);
        self.at_back()
    }

    /// Goes one line forward, at last to the line that was being typed.
    pub(crate) fn newer(&mut self) -> Option<&str> {
        if self.back == 0 {
            return None;
        }
        self.back = self.back.saturating_sub(1);
        if self.back == 0 {
            return Some(&self.draft);
        }
        self.at_back()
    }

    /// The person is at the line being typed again.
    pub(crate) fn leave(&mut self) {
        self.back = 0;
        self.draft = String::new();
    }

    fn at_back(&self) -> Option<&str> {
        let index = self.lines.len().checked_sub(self.back)?;
        self.lines.get(index).map(String::as_str)
    }

    /// All lines, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    #[cfg(test)]
    pub(crate) fn memory_bytes(&self) -> usize {
        let lines: usize = self.lines.iter().map(String::capacity).sum();
        lines + self.draft.capacity() + self.lines.capacity() * core::mem::size_of::<String>()
    }
}

/// Whether a secret may stand in the line: an enrolment or rotation with a shared secret, even
/// a misspelt one.
fn may_hold_secret(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let has_key_command = ["enrol", "rotat", "guard"]
        .iter()
        .any(|part| lower.contains(part));
    let has_long_hex = lower
        .split(|c: char| !c.is_ascii_hexdigit())
        .any(|digits| digits.len() >= 32);
    lower.contains("hmac") || has_key_command && has_long_hex && !lower.contains("ed25519")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::vec::Vec;

    #[test]
    fn lines_come_back_newest_first_and_the_draft_at_the_end() {
        let mut history = History::new();
        assert_eq!(history.older("x"), None);
        for line in ["one", "two", "two", "  "] {
            history.push(line);
        }
        assert_eq!(history.older("dra"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer(), Some("two"));
        assert_eq!(history.newer(), Some("dra"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn lines_with_a_secret_are_not_kept_even_if_misspelt() {
        let secret = "ab".repeat(32);
        let mut history = History::new();
        for line in [
            format!("guardian enrol galahad ethics hmac {secret}"),
            format!("guardian enroll galahad ethics HMAC {secret}"),
            format!("gaurdian rotate galahad hmca {secret}"),
        ] {
            history.push(&line);
        }
        assert_eq!(history.iter().count(), 0);
        history.push(&format!("guardian enrol galahad ethics ed25519 {secret}"));
        history.push(&format!("override sign 0123 galahad {secret}"));
        assert_eq!(history.iter().count(), 2);
    }

    #[test]
    fn the_history_is_bounded_in_lines_and_bytes() {
        let mut history = History::new();
        for number in 0..100 {
            history.push(&format!("line {number}"));
        }
        let lines: Vec<_> = history.iter().collect();
        assert_eq!((lines.len(), lines[0]), (LINES_MAX, "line 68"));
        for number in 0..100 {
            history.push(&format!("{number}{}", "x".repeat(4000)));
        }
        assert!(history.iter().count() <= 4 && history.memory_bytes() <= 2 * BYTES_MAX);
    }
}

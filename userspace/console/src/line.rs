//! The line being typed: its text, its cursor, and whether it may still be served.
//!
//! Invariants: the text never exceeds [`LINE_BYTES_MAX`] bytes and its buffer never grows; the
//! cursor stands between two characters; a void line stays void until it ends.

use abi::limits::LINE_BYTES_MAX;
use abi::{Fault, FaultCode};
use alloc::format;
use alloc::string::String;

/// Why a line may not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Void {
    /// More bytes than a line may have.
    TooLong,
    /// Bytes got lost before they reached the console.
    Overrun,
    /// Bytes that are no text.
    Garbage,
}

impl Void {
    /// What the operator is told.
    pub(crate) fn fault(self) -> Fault {
        let reason = match self {
            Void::TooLong => format!("the line is longer than {LINE_BYTES_MAX} bytes"),
            Void::Overrun => String::from("bytes of the line were lost on the way"),
            Void::Garbage => String::from("the line holds bytes that are no text"),
        };
        Fault::new(
            FaultCode::LineVoid,
            format!("{reason}; nothing of it was done, so send it again"),
        )
    }
}

/// A line and the cursor in it.
pub(crate) struct Line {
    text: String,
    /// Bytes before the cursor.
    cursor: usize,
    void: Option<Void>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Line {
            text: String::with_capacity(LINE_BYTES_MAX),
            cursor: 0,
            void: None,
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn before_cursor(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    pub(crate) fn after_cursor(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// Where a shared secret begins, in bytes; the end of the text if it holds none.
    ///
    /// The secret is what follows the word `hmac` in a command of `guardian`.
    pub(crate) fn secret_start(&self) -> usize {
        const WORD: &str = " hmac ";
        let text = &self.text;
        let is_enrolment = text.trim_start().starts_with("guardian ");
        match text.find(WORD).filter(|_| is_enrolment) {
            Some(position) => position.saturating_add(WORD.len()),
            None => text.len(),
        }
    }

    pub(crate) fn is_cursor_at_end(&self) -> bool {
        self.cursor == self.text.len()
    }

    pub(crate) fn void(&self) -> Option<Void> {
        self.void
    }

    /// Voids the line; the first reason stands.
    pub(crate) fn make_void(&mut self, reason: Void) {
        self.void.get_or_insert(reason);
    }

    /// Begins a new line; the memory of the old one is overwritten, since it may have held a
    /// secret.
    pub(crate) fn reset(&mut self) {
        let mut bytes = core::mem::take(&mut self.text).into_bytes();
        bytes.clear();
        bytes.resize(LINE_BYTES_MAX, 0);
        // Keeps the compiler from leaving the overwriting out.
        core::hint::black_box(&mut bytes);
        bytes.clear();
        self.text = String::from_utf8(bytes).unwrap_or_default();
        self.cursor = 0;
        self.void = None;
    }

    /// Puts a character at the cursor; tells whether there was room. Without room the line is
    /// void and its text gone.
    pub(crate) fn insert(&mut self, character: char) -> bool {
        if self.void == Some(Void::TooLong) {
            return false;
        }
        let length = character.len_utf8();
        if self.text.len().saturating_add(length) > LINE_BYTES_MAX {
            self.reset();
            self.void = Some(Void::TooLong);
            return false;
        }
        self.text.insert(self.cursor, character);
        self.cursor = self.cursor.saturating_add(length);
        true
    }

    /// Replaces the whole text; the cursor goes to its end.
    pub(crate) fn set(&mut self, text: &str) {
        let void = self.void;
        self.reset();
        self.void = void;
        if text.len() <= LINE_BYTES_MAX {
            self.text.push_str(text);
        }
        self.cursor = self.text.len();
    }

    pub(crate) fn left(&mut self) {
        if let Some(character) = self.before_cursor().chars().next_back() {
            self.cursor = self.cursor.saturating_sub(character.len_utf8());
        }
    }

    pub(crate) fn right(&mut self) {
        if let Some(character) = self.after_cursor().chars().next() {
            self.cursor = self.cursor.saturating_add(character.len_utf8());
        }
    }

    pub(crate) fn home(&mut self) {
        self.cursor = 0;
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Removes the character under the cursor.
    pub(crate) fn delete(&mut self) {
        if !self.is_cursor_at_end() {
            self.text.remove(self.cursor);
        }
    }

    /// Removes the character before the cursor.
    pub(crate) fn backspace(&mut self) {
        if self.cursor > 0 {
            self.left();
            self.text.remove(self.cursor);
        }
    }

    pub(crate) fn kill_to_end(&mut self) {
        self.text.truncate(self.cursor);
    }

    pub(crate) fn kill_to_start(&mut self) {
        self.text.drain(..self.cursor);
        self.cursor = 0;
    }

    /// Removes the word before the cursor and the blanks after it.
    pub(crate) fn kill_word(&mut self) {
        let kept = self
            .before_cursor()
            .trim_end()
            .rfind(char::is_whitespace)
            .map_or(0, |blank| blank.saturating_add(1));
        // Every blank that a line can hold is one byte wide, except the no-break ones.
        let kept = (kept..=self.cursor)
            .find(|position| self.text.is_char_boundary(*position))
            .unwrap_or(self.cursor);
        self.text.drain(kept..self.cursor);
        self.cursor = kept;
    }

    #[cfg(test)]
    pub(crate) fn memory_bytes(&self) -> usize {
        self.text.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let mut line = Line::new();
        text.chars().for_each(|c| assert!(line.insert(c)));
        line
    }

    #[test]
    fn editing_moves_by_characters_of_any_size() {
        let mut line = line("a\u{20ac}b");
        line.left();
        line.left();
        line.insert('x');
        assert_eq!(line.text(), "ax\u{20ac}b");
        line.delete();
        assert_eq!(line.text(), "axb");
        line.backspace();
        assert_eq!((line.text(), line.before_cursor()), ("ab", "a"));
        line.home();
        line.backspace();
        line.left();
        line.end();
        line.right();
        line.delete();
        assert_eq!(line.text(), "ab");
    }

    #[test]
    fn killing_removes_up_to_an_end_or_a_word() {
        let mut text = line("one two\u{a0}three  ");
        text.kill_word();
        assert_eq!(text.text(), "one two\u{a0}");
        text.kill_word();
        assert_eq!(text.text(), "one ");
        let mut text = line("abcd");
        text.left();
        text.left();
        text.kill_to_start();
        assert_eq!((text.text(), text.before_cursor()), ("cd", ""));
        text.right();
        text.kill_to_end();
        assert_eq!(text.text(), "c");
    }

    #[test]
    fn a_line_too_long_is_void_until_it_is_reset_and_takes_no_memory() {
        let mut text = line(&"x".repeat(LINE_BYTES_MAX));
        assert_eq!(text.void(), None);
        let memory = text.memory_bytes();
        for _ in 0..100_000 {
            assert!(!text.insert('y'));
        }
        assert_eq!((text.void(), text.text()), (Some(Void::TooLong), ""));
        text.make_void(Void::Garbage);
        assert_eq!(text.void(), Some(Void::TooLong));
        text.reset();
        assert!(text.insert('z'));
        assert_eq!((text.void(), text.memory_bytes()), (None, memory));
    }
}

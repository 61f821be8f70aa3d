//! What a console said so far, taken line by line.
//!
//! Bytes come from a machine that may be broken: any content is legal input. Lines end in LF; a CR
//! before it, terminal escape sequences and other control bytes are dropped, because firmware
//! draws its screen on the same port.
//!
//! Invariants:
//! - no byte is taken twice, and none is lost between lines;
//! - at most [`Transcript::BYTES_MAX`] bytes that wait to be taken are kept.

use std::mem;

/// The prompt that precedes a reply's first line where the console prints one.
pub(crate) const PROMPT: &str = "glyphos> ";

/// Console output, split in cleaned lines.
#[derive(Debug, Default)]
pub struct Transcript {
    waiting: Vec<u8>,
    /// Leading bytes of `waiting` that hold no line end: they are not searched again.
    searched: usize,
    last_line: String,
}

/// The console wrote more than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl Transcript {
    /// The most bytes that may wait to be taken.
    pub const BYTES_MAX: usize = 64 << 20;

    /// Adds what came from the console.
    ///
    /// # Errors
    /// `Overflow` if more waits than is kept; the bytes are then dropped.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        if self.waiting.len().saturating_add(bytes.len()) > Self::BYTES_MAX {
            return Err(Overflow);
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes the next whole line, cleaned.
    pub fn next_line(&mut self) -> Option<String> {
        let fresh = self.waiting.get(self.searched..).unwrap_or_default();
        let Some(offset) = fresh.iter().position(|&byte| byte == b'\n') else {
            self.searched = self.waiting.len();
            return None;
        };
        let end = self.searched.saturating_add(offset).saturating_add(1);
        let rest = self.waiting.split_off(end);
        self.searched = 0;
        let line = clean(&mem::replace(&mut self.waiting, rest));
        self.remember(&line);
        Some(line)
    }

    /// Takes what is left when nothing more will come, as a line.
    pub fn finish(&mut self) -> Option<String> {
        if self.waiting.is_empty() {
            return None;
        }
        self.searched = 0;
        let line = clean(&mem::take(&mut self.waiting));
        self.remember(&line);
        Some(line)
    }

    /// The line that is still being written, cleaned: a prompt, as a rule.
    #[must_use]
    pub fn unfinished(&self) -> String {
        match self.waiting.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => clean(
                self.waiting
                    .get(end.saturating_add(1)..)
                    .unwrap_or_default(),
            ),
            None => clean(&self.waiting),
        }
    }

    /// The last taken line that is not blank.
    #[must_use]
    pub fn last_line(&self) -> &str {
        &self.last_line
    }

    fn remember(&mut self, line: &str) {
        if !line.trim().is_empty() {
            line.clone_into(&mut self.last_line);
        }
    }
}

/// A line without its prompts: a machine that is talked to in a hurry prints several in a row.
pub(crate) fn without_prompt(mut line: &str) -> &str {
    while let Some(rest) = line.strip_prefix(PROMPT) {
        line = rest;
    }
    line
}

/// Drops escape sequences and control bytes; what is not UTF-8 becomes a replacement character.
fn clean(bytes: &[u8]) -> String {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            0x1b => skip_escape(&mut rest),
            b'\t' => kept.push(byte),
            0..0x20 | 0x7f => {}
            _ => kept.push(byte),
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Skips one escape sequence: `ESC [ parameters final`, or `ESC` and one byte.
fn skip_escape(rest: &mut impl Iterator<Item = u8>) {
    if rest.next() != Some(b'[') {
        return;
    }
    for byte in rest {
        if (0x40..=0x7e).contains(&byte) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut transcript = Transcript::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            transcript.push(chunk).unwrap();
            while let Some(line) = transcript.next_line() {
                lines.push(line);
            }
        }
        lines.extend(transcript.finish());
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let text = b"GLYPHOS READY version=1\r\n\r\nglyphos> OK\r\nrest";
        let whole = lines(&[text]);
        assert_eq!(
            whole,
            ["GLYPHOS READY version=1", "", "glyphos> OK", "rest"]
        );
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(lines(&single), whole);
    }

    #[test]
    fn escape_sequences_of_firmware_do_not_hide_a_line() {
        let drawn = b"\x1b[2J\x1b[01;01H\x1b[=3hGLYPHOS READY\x1b[0m\r\n";
        assert_eq!(lines(&[drawn]), ["GLYPHOS READY"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_no_error() {
        let noise: Vec<u8> = (0..=255).chain(0..=255).collect();
        assert_eq!(lines(&[&noise]).len(), 3);
    }

    #[test]
    fn a_sequence_that_never_ends_takes_nothing_but_itself() {
        assert_eq!(lines(&[b"before\x1b[12\nafter\n"]), ["before", "after"]);
    }

    #[test]
    fn the_last_line_skips_blank_ones() {
        let mut transcript = Transcript::default();
        transcript.push(b"GLYPHOS POWEROFF\r\n\r\n  \r\n").unwrap();
        while transcript.next_line().is_some() {}
        assert_eq!(transcript.last_line(), "GLYPHOS POWEROFF");
    }

    #[test]
    fn the_unfinished_line_is_seen_but_not_taken() {
        let mut transcript = Transcript::default();
        transcript.push(b"OK\r\nglyphos> ").unwrap();
        assert_eq!(transcript.unfinished(), "glyphos> ");
        assert_eq!(transcript.next_line().as_deref(), Some("OK"));
        assert_eq!(transcript.next_line(), None);
    }

    #[test]
    fn endless_output_is_refused() {
        let mut transcript = Transcript::default();
        transcript.push(&vec![b'x'; Transcript::BYTES_MAX]).unwrap();
        assert_eq!(transcript.push(b"y"), Err(Overflow));
    }

    #[test]
    fn prompts_are_stripped_however_many() {
        assert_eq!(without_prompt("glyphos> glyphos> OK"), "OK");
        assert_eq!(without_prompt("OK"), "OK");
    }
}

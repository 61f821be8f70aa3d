//! The log: bounded lines for the operator, with levels.

use crate::event::cut;
use crate::ring::Ring;
use core::fmt;

/// Lines that are kept.
const LOG_LINES_MAX: usize = 256;
/// Longest line, in bytes; more is cut at a character.
const LOG_LINE_BYTES_MAX: usize = 200;

/// How much a line matters; the order is from most to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something failed: a person has to act.
    Error,
    /// Something is limited or was repaired.
    Warning,
    /// What a person wants to know.
    Info,
    /// What only a developer wants to know.
    Debug,
}

impl Level {
    /// The word in a line, padded by nobody.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Nanoseconds since the kernel's entry.
    pub nanoseconds: u64,
    /// How much it matters.
    pub level: Level,
    /// For a person.
    pub text: heapless::String<LOG_LINE_BYTES_MAX>,
}

impl fmt::Display for LogLine {
    /// Writes one line for the console, without a line end.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "[{:>5}.{:06}] {:<5} {}",
            self.nanoseconds / 1_000_000_000,
            self.nanoseconds % 1_000_000_000 / 1000,
            self.level.name(),
            self.text
        )
    }
}

/// The newest lines; lines less important than the threshold are not kept.
pub struct Log {
    ring: Ring<LogLine>,
    threshold: Level,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    /// Takes memory for all the lines that are kept; the threshold is [`Level::Info`].
    #[must_use]
    pub fn new() -> Self {
        Log {
            ring: Ring::new(LOG_LINES_MAX),
            threshold: Level::Info,
        }
    }

    /// Keeps lines of this level and of those that matter more.
    pub fn set_threshold(&mut self, threshold: Level) {
        self.threshold = threshold;
    }

    /// Writes a line at `nanoseconds` since the kernel's entry and returns it, so that it can
    /// be shown; `None` if its level is below the threshold.
    pub fn write(
        &mut self,
        nanoseconds: u64,
        level: Level,
        text: fmt::Arguments<'_>,
    ) -> Option<&LogLine> {
        if level > self.threshold {
            return None;
        }
        let mut line = Cut(heapless::String::new());
        // What does not fit is cut; the error only says so.
        let _ = fmt::Write::write_fmt(&mut line, text);
        let number = self.ring.push(LogLine {
            nanoseconds,
            level,
            text: line.0,
        });
        self.ring.get(number)
    }

    /// Lines ever written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.ring.pushed()
    }

    /// Lines overwritten since boot.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.ring.oldest()
    }

    /// Lines that are still kept, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &LogLine> {
        self.ring.iter()
    }
}

/// Takes characters until it is full, then stops the writer.
struct Cut(heapless::String<LOG_LINE_BYTES_MAX>);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fitting: heapless::String<LOG_LINE_BYTES_MAX> = cut(text);
        for character in fitting.chars() {
            self.0.push(character).map_err(|_| fmt::Error)?;
        }
        if fitting.len() < text.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_log_keeps_the_newest_lines_and_counts_the_rest() {
        let mut log = Log::new();
        for number in 0..300 {
            log.write(number, Level::Info, format_args!("line {number}"));
        }
        assert_eq!(
            (log.written(), log.lost(), log.iter().count()),
            (300, 44, 256)
        );
        assert_eq!(log.iter().next().unwrap().text, "line 44");
    }

    #[test]
    fn lines_below_the_threshold_are_not_kept() {
        let mut log = Log::new();
        assert!(log.write(0, Level::Debug, format_args!("quiet")).is_none());
        log.set_threshold(Level::Debug);
        assert!(log.write(0, Level::Debug, format_args!("heard")).is_some());
        log.set_threshold(Level::Error);
        assert!(
            log.write(0, Level::Warning, format_args!("quiet"))
                .is_none()
        );
        assert_eq!(log.written(), 1);
    }

    #[test]
    fn a_long_line_is_cut_and_holds_no_control_character() {
        let mut log = Log::new();
        let long = "ab\u{1b}[31m\r\n".repeat(100);
        let line = log
            .write(1_500_000, Level::Error, format_args!("{long}{}", 1))
            .unwrap();
        assert_eq!(line.text.len(), 200);
        let shown = line.to_string();
        assert!(shown.starts_with("[    0.001500] error ab [31m"), "{shown}");
        assert!(!shown.chars().any(char::is_control));
    }
}

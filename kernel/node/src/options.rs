//! Boot options: a text file beside the vault, `key: value` a line.
//!
//! Owns [`Options`] and its parser. Untrusted bytes: a bad line is reported and its default
//! holds, so that a typing error never stops a boot.

use abi::limits::{GRID_HEIGHT_DEFAULT, GRID_WIDTH_DEFAULT};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Name of the file in the ramdisk.
pub const OPTIONS_FILE: &str = "glyphos.conf";

/// What can be set without a rebuilt kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Cells across.
    pub grid_width: u32,
    /// Cells down.
    pub grid_height: u32,
    /// Seconds between two expositions on the telemetry line; 0 turns it off.
    pub telemetry_interval_seconds: u32,
    /// Share of the processor that the scrubber takes at most, in percent; 0 turns it off.
    pub scrub_share_percent: u32,
    /// Seconds within which every line is verified, if the share allows.
    pub scrub_longest_age_seconds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            grid_width: GRID_WIDTH_DEFAULT,
            grid_height: GRID_HEIGHT_DEFAULT,
            telemetry_interval_seconds: 5,
            scrub_share_percent: 10,
            scrub_longest_age_seconds: 60,
        }
    }
}

impl Options {
    /// Reads the file's bytes; every line that is off gives one sentence.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> (Self, Vec<String>) {
        let mut options = Options::default();
        let mut errors = Vec::new();
        let Ok(text) = core::str::from_utf8(bytes) else {
            errors.push(format!(
                "{OPTIONS_FILE}: is not UTF-8 text; all defaults hold"
            ));
            return (options, errors);
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(reason) = options.set(line) {
                let number = index.saturating_add(1);
                errors.push(format!(
                    "{OPTIONS_FILE}:{number}: {reason}; the default holds"
                ));
            }
        }
        (options, errors)
    }

    fn set(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once(':').ok_or("expected `key: value`")?;
        let (key, value) = (key.trim(), value.trim());
        let (field, range) = match key {
            "grid_width" => (&mut self.grid_width, 1..=1 << 20),
            "grid_height" => (&mut self.grid_height, 1..=1 << 20),
            "telemetry_interval_seconds" => (&mut self.telemetry_interval_seconds, 0..=3600),
            "scrub_share_percent" => (&mut self.scrub_share_percent, 0..=90),
            "scrub_longest_age_seconds" => (&mut self.scrub_longest_age_seconds, 1..=1 << 20),
            _ => return Err(format!("no option is called `{key}`")),
        };
        match value.parse() {
            Ok(number) if range.contains(&number) => {
                *field = number;
                Ok(())
            }
            _ => Err(format!(
                "`{key}` takes a whole number from {} to {}, not `{value}`",
                range.start(),
                range.end()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_comments_skipped() {
        let text = b"# size\ngrid_width: 128\r\n\n grid_height :32\n";
        let (options, errors) = Options::parse(text);
        assert!(errors.is_empty());
        assert_eq!((options.grid_width, options.grid_height), (128, 32));
        assert_eq!(options.telemetry_interval_seconds, 5);
    }

    #[test]
    fn a_bad_line_is_named_and_its_default_holds() {
        let (options, errors) =
            Options::parse(b"grid_width: 0\nspeed: 9\nnonsense\ngrid_height: 12x\n");
        assert_eq!(options, Options::default());
        assert_eq!(errors.len(), 4);
        assert!(errors[0].starts_with("glyphos.conf:1: `grid_width` takes a whole number from 1"));
        assert!(errors[1].contains("no option is called `speed`"));
    }

    #[test]
    fn bytes_that_are_no_text_leave_the_defaults() {
        let (options, errors) = Options::parse(&[0xff, 0xfe, 0]);
        assert_eq!(options, Options::default());
        assert_eq!(errors.len(), 1);
    }
}

//! Frames of the telemetry line: metrics in checked blocks, events in checked lines.
//!
//! A block is `#GLYPHOS-METRICS v=1 seq=N bytes=N crc32=XXXXXXXX`, a line feed, and `bytes`
//! bytes of exposition whose CRC-32 (IEEE) is given. An event is `#GLYPHOS-EVENT` and one JSON
//! object on one line, whose last member `crc32` covers all before the comma that precedes it.
//! Everything is text: `cat` on the port stays readable.

use crate::event::Event;
use crate::registry::Registry;
use core::fmt;

/// What every frame begins with; it appears nowhere else in what a node writes.
pub const MARK: &str = "#GLYPHOS-";
/// After the mark: a block of metrics.
pub(crate) const METRICS_WORD: &str = "METRICS ";
/// After the mark: an event.
pub(crate) const EVENT_WORD: &str = "EVENT ";
/// Longest exposition in a frame, in bytes.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;

/// Writes the exposition as one frame with that sequence number.
///
/// The exposition is produced twice, once to measure it, so that no buffer is needed.
///
/// # Errors
/// Whatever `out` answers.
pub fn write_metrics(registry: &Registry, sequence: u64, out: &mut dyn fmt::Write) -> fmt::Result {
    let mut meter = Meter::new();
    registry.exposition(&mut meter)?;
    writeln!(
        out,
        "{MARK}{METRICS_WORD}v=1 seq={sequence} bytes={} crc32={:08x}",
        meter.bytes,
        meter.hasher.finalize()
    )?;
    registry.exposition(out)
}

/// Writes one event as a line of its own.
///
/// # Errors
/// Whatever `out` answers.
pub fn write_event(event: &Event, out: &mut dyn fmt::Write) -> fmt::Result {
    let mut meter = Meter::new();
    write_members(event, &mut meter)?;
    write!(out, "{MARK}{EVENT_WORD}")?;
    write_members(event, out)?;
    writeln!(out, ",\"crc32\":\"{:08x}\"}}", meter.hasher.finalize())
}

/// The object without its last member and brace.
fn write_members(event: &Event, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(
        out,
        "{{\"seq\":{},\"monotonic_ns\":{},\"kind\":\"{}\",\"text\":\"{}\"",
        event.sequence,
        event.nanoseconds,
        event.kind.name(),
        JsonText(&event.text)
    )
}

/// Text between the quotes of a JSON string, in printable ASCII without `#`.
struct JsonText<'a>(&'a str);

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' => out.write_str("\\\"")?,
                '\\' => out.write_str("\\\\")?,
                // A raw '#' could be the start of a frame mark.
                ' '..='~' if character != '#' => fmt::Write::write_char(out, character)?,
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(out, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Measures what is written.
struct Meter {
    hasher: crc32fast::Hasher,
    bytes: u64,
}

impl Meter {
    fn new() -> Self {
        Meter {
            hasher: crc32fast::Hasher::new(),
            bytes: 0,
        }
    }
}

impl fmt::Write for Meter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.hasher.update(text.as_bytes());
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::tests::BUILD;
    use crate::{EventKind, Events};
    use std::string::String;

    #[test]
    fn the_head_of_a_frame_tells_length_and_checksum_of_its_body() {
        let registry = Registry::new(&BUILD);
        let mut frame = String::new();
        write_metrics(&registry, 7, &mut frame).unwrap();
        let (head, body) = frame.split_once('\n').unwrap();
        let expected = std::format!(
            "#GLYPHOS-METRICS v=1 seq=7 bytes={} crc32={:08x}",
            body.len(),
            crc32fast::hash(body.as_bytes())
        );
        assert_eq!(head, expected);
    }

    #[test]
    fn an_event_is_one_line_of_ascii_whatever_its_text() {
        let mut events = Events::new();
        events.emit(
            9,
            EventKind::OverrideActivated,
            "a \"b\" \\ #GLYPHOS-EVENT \u{e9}\u{1f600}\n",
        );
        let mut line = String::new();
        write_event(events.undelivered().unwrap(), &mut line).unwrap();
        assert!(
            line.starts_with(
                "#GLYPHOS-EVENT {\"seq\":0,\"monotonic_ns\":9,\
             \"kind\":\"GUARDIAN_EMERGENCY_OVERRIDE_ACTIVATED\",\
             \"text\":\"a \\\"b\\\" \\\\ \\u0023GLYPHOS-EVENT \\u00e9\\ud83d\\ude00 \",\"crc32\":\""
            ),
            "{line}"
        );
        assert!(line.ends_with("\"}\n") && line.is_ascii());
        assert_eq!(line.matches(MARK).count(), 1);
    }
}

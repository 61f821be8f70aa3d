//! Finds whole frames in a stream of bytes that holds anything else too.
//!
//! Owns the reader's side of the telemetry line: firmware writes its text there, a node dies in
//! the middle of a block, bits flip, the reader starts late. Only blocks and events whose
//! length and checksum agree come out. Memory is bounded, and each byte is looked at once.
//!
//! Invariant: the frame mark begins a frame wherever it stands, so that a frame cut off by a
//! restart costs the reader that frame only.

use crate::frame::{EVENT_WORD, FRAME_BYTES_MAX, MARK, METRICS_WORD};
use alloc::vec::Vec;

/// Longest first line of a block after the mark, in bytes.
const HEAD_BYTES_MAX: usize = 128;
/// Longest event after the mark, in bytes.
const EVENT_BYTES_MAX: usize = 4096;
/// Length of `,"crc32":"XXXXXXXX"}`.
const EVENT_TAIL_BYTES: usize = 20;

/// Takes what the [`Deframer`] finds.
pub trait Sink {
    /// A whole, checked exposition.
    fn metrics(&mut self, sequence: u64, exposition: &str);
    /// A whole, checked event: one JSON object.
    fn event(&mut self, json: &str);
    /// Bytes that belong to no frame: the console's text where both share a line.
    fn outside(&mut self, _bytes: &[u8]) {}
}

/// What came by so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeframerCounts {
    /// Whole blocks of metrics.
    pub metrics: u64,
    /// Whole events.
    pub events: u64,
    /// Frames that a new mark interrupted.
    pub cut_off: u64,
    /// Frames whose head, length or checksum is wrong.
    pub corrupted: u64,
}

/// Where in a frame the reader is.
enum State {
    /// In no frame.
    Outside,
    /// After the mark, in the first line.
    Head,
    /// In a block's body, with what its head said.
    Body {
        sequence: u64,
        bytes: usize,
        crc: u32,
    },
}

/// Finds frames; feed it bytes in pieces of any size.
pub struct Deframer {
    state: State,
    /// The frame's bytes after the mark, or its body.
    kept: Vec<u8>,
    /// How many bytes of the mark the latest bytes match.
    matched: usize,
    counts: DeframerCounts,
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

impl Deframer {
    /// Starts outside of any frame.
    #[must_use]
    pub fn new() -> Self {
        Deframer {
            state: State::Outside,
            kept: Vec::new(),
            matched: 0,
            counts: DeframerCounts::default(),
        }
    }

    /// What came by so far.
    #[must_use]
    pub fn counts(&self) -> DeframerCounts {
        self.counts
    }

    /// Takes the next bytes of the stream and tells `sink` what they completed.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn Sink) {
        for byte in bytes {
            self.push_byte(*byte, sink);
        }
    }

    fn push_byte(&mut self, byte: u8, sink: &mut dyn Sink) {
        let mark = MARK.as_bytes();
        if mark.get(self.matched) == Some(&byte) {
            self.matched = self.matched.saturating_add(1);
            if self.matched == mark.len() {
                self.begin();
                return;
            }
            if matches!(self.state, State::Outside) {
                // These bytes are held back until it is clear whether they begin a frame.
                return;
            }
        } else {
            if matches!(self.state, State::Outside) {
                sink.outside(mark.get(..self.matched).unwrap_or_default());
            }
            // '#' occurs in the mark only at its start, so a mismatch can restart it only there.
            self.matched = usize::from(mark.first() == Some(&byte));
            if self.matched == 1 && matches!(self.state, State::Outside) {
                return;
            }
        }
        match self.state {
            State::Outside => sink.outside(&[byte]),
            State::Head => self.head_byte(byte, sink),
            State::Body {
                sequence,
                bytes,
                crc,
            } => {
                self.kept.push(byte);
                if self.kept.len() >= bytes {
                    self.finish_metrics(sequence, crc, sink);
                }
            }
        }
    }

    fn begin(&mut self) {
        if !matches!(self.state, State::Outside) {
            self.counts.cut_off = self.counts.cut_off.saturating_add(1);
        }
        self.state = State::Head;
        self.matched = 0;
        self.kept.clear();
    }

    fn head_byte(&mut self, byte: u8, sink: &mut dyn Sink) {
        let is_event = self.kept.starts_with(EVENT_WORD.as_bytes());
        let bytes_max = if is_event {
            EVENT_BYTES_MAX
        } else {
            HEAD_BYTES_MAX
        };
        if byte != b'\n' {
            if self.kept.len() < bytes_max {
                self.kept.push(byte);
            } else {
                self.give_up();
            }
        } else if is_event {
            self.finish_event(sink);
        } else {
            match parse_head(&self.kept) {
                Some((sequence, bytes, crc)) => {
                    self.kept.clear();
                    self.state = State::Body {
                        sequence,
                        bytes,
                        crc,
                    };
                }
                None => self.give_up(),
            }
        }
    }

    fn give_up(&mut self) {
        self.counts.corrupted = self.counts.corrupted.saturating_add(1);
        self.state = State::Outside;
        self.kept.clear();
    }

    fn finish_metrics(&mut self, sequence: u64, crc: u32, sink: &mut dyn Sink) {
        match core::str::from_utf8(&self.kept) {
            Ok(text) if crc32fast::hash(&self.kept) == crc => {
                self.counts.metrics = self.counts.metrics.saturating_add(1);
                sink.metrics(sequence, text);
                self.state = State::Outside;
                self.matched = 0;
                self.kept.clear();
            }
            _ => self.give_up(),
        }
    }

    fn finish_event(&mut self, sink: &mut dyn Sink) {
        let json = self
            .kept
            .get(EVENT_WORD.len()..)
            .and_then(|json| core::str::from_utf8(json).ok())
            .filter(|json| is_checked_event(json));
        let Some(json) = json else {
            self.give_up();
            return;
        };
        self.counts.events = self.counts.events.saturating_add(1);
        sink.event(json);
        self.state = State::Outside;
        self.kept.clear();
    }
}

/// Reads `METRICS v=1 seq=N bytes=N crc32=XXXXXXXX`.
fn parse_head(head: &[u8]) -> Option<(u64, usize, u32)> {
    let mut words = core::str::from_utf8(head)
        .ok()?
        .strip_prefix(METRICS_WORD)?
        .split(' ');
    (words.next()? == "v=1").then_some(())?;
    let sequence = words.next()?.strip_prefix("seq=")?.parse().ok()?;
    let bytes: usize = words.next()?.strip_prefix("bytes=")?.parse().ok()?;
    let crc = words.next()?.strip_prefix("crc32=")?;
    let crc = u32::from_str_radix(crc, 16)
        .ok()
        .filter(|_| crc.len() == 8)?;
    let is_whole = words.next().is_none() && (1..=FRAME_BYTES_MAX).contains(&bytes);
    is_whole.then_some((sequence, bytes, crc))
}

/// Whether an event's last member is the checksum of what precedes it.
fn is_checked_event(json: &str) -> bool {
    let Some((members, tail)) = json
        .len()
        .checked_sub(EVENT_TAIL_BYTES)
        .and_then(|at| json.split_at_checked(at))
    else {
        return false;
    };
    let crc = tail
        .strip_prefix(",\"crc32\":\"")
        .and_then(|rest| rest.strip_suffix("\"}"))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    members.starts_with('{') && crc == Some(crc32fast::hash(members.as_bytes()))
}

#[cfg(test)]
mod tests;

//! What the bridge knows of the node: the last exposition, its age, and the latest events.
//!
//! Invariants:
//! - an exposition is given out only while the line is open and for a limited time;
//! - memory is bounded: one exposition, and a fixed number of events of bounded length.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use abi::time::UnixSeconds;
use telemetry::DeframerCounts;

/// Events that are kept.
const EVENTS_MAX: usize = 512;

/// Whether the line is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineState {
    /// Bytes can come.
    Open,
    /// Being opened, again and again.
    Closed,
}

/// What the bridge counts about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Bytes read from the line.
    pub(crate) bytes: u64,
    /// Times that the line was opened.
    pub(crate) connections: u64,
    /// Whole blocks of metrics.
    pub(crate) frames: u64,
    /// Blocks that the node numbered and that never came whole.
    pub(crate) frames_missed: u64,
    /// Times that the node began to count anew.
    pub(crate) restarts: u64,
    /// Whole events.
    pub(crate) events: u64,
    /// Frames that a new one interrupted.
    pub(crate) cut_off: u64,
    /// Frames whose head, length or checksum is wrong.
    pub(crate) corrupted: u64,
}

struct Exposition {
    text: String,
    received: Instant,
}

/// What is known.
pub(crate) struct Feed {
    stale_after: Duration,
    line: LineState,
    exposition: Option<Exposition>,
    last_received: Option<Instant>,
    last_sequence: Option<u64>,
    counts: Counts,
    events: VecDeque<String>,
}

/// Events from a position on.
pub(crate) struct Following {
    /// One line for each, LF at each end.
    pub(crate) text: String,
    /// Position of the event after the last one.
    pub(crate) next: u64,
}

impl Feed {
    /// Nothing is known yet; an exposition is good for `stale_after`.
    pub(crate) fn new(stale_after: Duration) -> Self {
        Feed {
            stale_after,
            line: LineState::Closed,
            exposition: None,
            last_received: None,
            last_sequence: None,
            counts: Counts::default(),
            events: VecDeque::new(),
        }
    }

    /// The line was opened.
    pub(crate) fn opened(&mut self) {
        self.line = LineState::Open;
        self.counts.connections = self.counts.connections.saturating_add(1);
    }

    /// The line was lost: nothing is known of the node from here on.
    pub(crate) fn closed(&mut self) {
        self.line = LineState::Closed;
        self.exposition = None;
    }

    /// Bytes came, and the reader's counts moved from `before` to `after` by them.
    pub(crate) fn received(&mut self, bytes: usize, before: DeframerCounts, after: DeframerCounts) {
        let counts = &mut self.counts;
        counts.bytes = counts.bytes.saturating_add(bytes as u64);
        let cut_off = after.cut_off.saturating_sub(before.cut_off);
        counts.cut_off = counts.cut_off.saturating_add(cut_off);
        let corrupted = after.corrupted.saturating_sub(before.corrupted);
        counts.corrupted = counts.corrupted.saturating_add(corrupted);
    }

    /// A whole exposition came at `now`.
    pub(crate) fn publish(&mut self, sequence: u64, text: &str, now: Instant) {
        let counts = &mut self.counts;
        counts.frames = counts.frames.saturating_add(1);
        if let Some(last) = self.last_sequence {
            if sequence <= last {
                counts.restarts = counts.restarts.saturating_add(1);
            } else {
                let missed = sequence.saturating_sub(last).saturating_sub(1);
                counts.frames_missed = counts.frames_missed.saturating_add(missed);
            }
        }
        self.last_sequence = Some(sequence);
        self.last_received = Some(now);
        self.exposition = Some(Exposition {
            text: text.to_owned(),
            received: now,
        });
    }

    /// A whole event came at `wall`. One that is no JSON object counts as corrupted.
    pub(crate) fn event(&mut self, json: &str, wall: UnixSeconds) {
        let is_object = serde_json::from_str::<serde_json::Value>(json)
            .is_ok_and(|value| value.as_object().is_some_and(|object| !object.is_empty()));
        let members = json.trim_start().strip_prefix('{').filter(|_| is_object);
        let Some(members) = members else {
            self.counts.corrupted = self.counts.corrupted.saturating_add(1);
            return;
        };
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_front();
        }
        self.events
            .push_back(format!("{{\"received_at\":\"{wall}\",{members}\n"));
        self.counts.events = self.counts.events.saturating_add(1);
    }

    /// The events from position `next` on; a first line tells how many of them are gone.
    pub(crate) fn events_from(&self, next: u64) -> Following {
        let end = self.counts.events;
        let first = end.saturating_sub(self.events.len() as u64);
        let mut text = String::new();
        if next < first {
            text.push_str(&format!(
                "{{\"events_gone\":{}}}\n",
                first.saturating_sub(next)
            ));
        }
        let skipped = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        text.extend(self.events.iter().skip(skipped).map(String::as_str));
        Following { text, next: end }
    }

    /// The node's exposition, if it is up at `now`.
    pub(crate) fn exposition(&self, now: Instant) -> Option<&str> {
        let exposition = self.exposition.as_ref()?;
        let age = now.saturating_duration_since(exposition.received);
        let is_fresh = self.line == LineState::Open && age <= self.stale_after;
        is_fresh.then_some(exposition.text.as_str())
    }

    /// Whether the line is open.
    pub(crate) fn line(&self) -> LineState {
        self.line
    }

    /// Time since the last whole exposition, if there ever was one.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        self.last_received
            .map(|received| now.saturating_duration_since(received))
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// One sentence on why the node counts as down at `now`.
    pub(crate) fn complaint(&self, now: Instant) -> String {
        match (self.line, self.age(now)) {
            (LineState::Closed, _) => {
                "the node is down: its telemetry line does not answer".to_owned()
            }
            (LineState::Open, None) => {
                "the node is down: its telemetry line is open and nothing whole came yet".to_owned()
            }
            (LineState::Open, Some(age)) => {
                format!(
                    "the node is down: it has been silent for {} s",
                    age.as_secs()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE: Duration = Duration::from_secs(20);

    #[test]
    fn an_exposition_is_given_out_while_it_is_fresh_and_the_line_open() {
        let mut feed = Feed::new(STALE);
        let start = Instant::now();
        feed.opened();
        assert_eq!(feed.exposition(start), None);
        feed.publish(0, "text", start);
        assert_eq!(feed.exposition(start + STALE), Some("text"));
        assert_eq!(
            feed.exposition(start + STALE + Duration::from_millis(1)),
            None
        );
        feed.closed();
        assert_eq!(feed.exposition(start), None);
        feed.opened();
        assert_eq!(
            feed.exposition(start),
            None,
            "a new connection knows nothing yet"
        );
        feed.publish(1, "more", start);
        assert_eq!(feed.exposition(start), Some("more"));
    }

    #[test]
    fn gaps_and_restarts_are_told_from_the_numbers_of_the_frames() {
        let mut feed = Feed::new(STALE);
        for sequence in [4, 5, 8, 0, 1, 1] {
            feed.publish(sequence, "", Instant::now());
        }
        let counts = feed.counts();
        assert_eq!(
            (counts.frames, counts.frames_missed, counts.restarts),
            (6, 2, 2)
        );
    }

    #[test]
    fn a_late_follower_is_told_how_many_events_are_gone() {
        let mut feed = Feed::new(STALE);
        for number in 0..600 {
            feed.event(&format!("{{\"seq\":{number}}}"), UnixSeconds(0));
        }
        let all = feed.events_from(0);
        assert_eq!(all.next, 600);
        assert_eq!(all.text.lines().next(), Some("{\"events_gone\":88}"));
        assert_eq!(all.text.lines().count(), 513);
        let last = feed.events_from(599);
        assert_eq!(
            last.text,
            "{\"received_at\":\"1970-01-01T00:00:00Z\",\"seq\":599}\n"
        );
        assert_eq!(feed.events_from(600).text, "");
    }

    #[test]
    fn an_event_that_is_no_object_is_not_passed_on() {
        let mut feed = Feed::new(STALE);
        for bad in ["", "{", "[1]", "{}", "{\"a\":1}\n{\"b\":2}"] {
            feed.event(bad, UnixSeconds(0));
        }
        assert_eq!(feed.events_from(0).text, "");
        assert_eq!(feed.counts().corrupted, 5);
    }
}

//! What the node does when nobody asks: scrubbing, expiries, telemetry.
//!
//! Owns the order of these works. Each step is short, so that an operator's key never waits for it;
//! how much scrubbing is due is `scrubber`'s to say.

use crate::Node;
use crate::ports::Machine;
use crate::scrubber::{LINES_PER_LOOK, SLICE_NS, Stretch};
use abi::response::ScrubReport;
use alloc::string::String;
use substrate::{Action, IntegrityEvent};
use telemetry::{EventKind, Level, write_event};

/// Nanoseconds between two looks for what time brought about.
const DUE_EVERY_NS: u64 = 1_000_000_000;
/// Events sent with one exposition at most.
const EVENTS_PER_FRAME_MAX: usize = 32;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// When each background work is next to be done, in nanoseconds since the kernel's entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    due_at: u64,
    telemetry_at: u64,
}

/// Whether the background wants to go on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// More is due now: look for keys and come back without sleeping.
    Busy,
    /// Nothing is due before the next tick.
    Idle,
}

impl<M: Machine> Node<M> {
    /// Takes the steps whose time has come. To be called whenever the loop wakes.
    pub fn background(&mut self) -> Background {
        // A walk of an operator's visits the same lines.
        let state = match self.walk {
            Some(_) => Background::Busy,
            None => self.scrub_in_background(),
        };
        let now_ns = self.machine.monotonic_ns();
        if now_ns >= self.pace.due_at {
            self.pace.due_at = now_ns.saturating_add(DUE_EVERY_NS);
            self.record_due(self.now());
            self.tell_lateness(now_ns);
        }
        self.tell_integrity_events();
        state
    }

    fn scrub_in_background(&mut self) -> Background {
        let counters = self.substrate.counters();
        let failures = counters
            .checksum_failures
            .saturating_add(counters.parity_failures);
        self.scrubber.note_failures(failures);
        let now_ns = self.machine.monotonic_ns();
        let lines = self.substrate.line_count();
        match self.scrubber.due(now_ns, counters.scrub_position, lines) {
            Some(due) => {
                self.scrub_slice(due);
                Background::Busy
            }
            None => Background::Idle,
        }
    }

    /// Goes on with the scrubber's walk for one slice of time, for at most `lines` lines and to the
    /// end of the pass at most.
    pub(crate) fn scrub_slice(&mut self, lines: u64) -> ScrubReport {
        let mut sum = ScrubReport::default();
        let began_ns = self.machine.monotonic_ns();
        let mut look_ns = began_ns;
        loop {
            let before = self.substrate.counters();
            let left = lines.saturating_sub(sum.lines);
            let report = self.substrate.scrub_step(LINES_PER_LOOK.min(left));
            sum.add(&report);
            let is_over = self.substrate.counters().scrub_passes != before.scrub_passes;
            let all = self.substrate.line_count();
            let reached = before.scrub_position.saturating_add(report.lines);
            let stretch = Stretch {
                from: before.scrub_position,
                to: if is_over { all } else { reached },
                lines: all,
            };
            self.compare_vault(&stretch);
            let now_ns = self.machine.monotonic_ns();
            self.scrubber.advanced(stretch, look_ns, now_ns);
            // Here and not only after the slice, so that a fast walk does not overflow their log.
            self.tell_integrity_events();
            look_ns = now_ns;
            let is_time_over = now_ns.saturating_sub(began_ns) >= SLICE_NS;
            if is_over || is_time_over || sum.lines >= lines {
                break;
            }
        }
        self.scrubber.spend(began_ns, look_ns);
        sum
    }

    fn tell_lateness(&mut self, now_ns: u64) {
        if self.scrubber.has_become_late(now_ns) {
            let (share, age) = (
                self.options.scrub_share_percent,
                self.options.scrub_longest_age_seconds,
            );
            self.journal.log(
                now_ns,
                Level::Warning,
                format_args!(
                    "substrate: not every line is verified within {age} s at {share} % of the \
                     processor: raise scrub_share_percent or scrub_longest_age_seconds"
                ),
            );
        }
    }

    /// The text for the telemetry line, if it is time: one exposition and the waiting events.
    pub fn telemetry_due(&mut self) -> Option<String> {
        let interval = u64::from(self.options.telemetry_interval_seconds);
        let now_ns = self.machine.monotonic_ns();
        if interval == 0 || now_ns < self.pace.telemetry_at {
            return None;
        }
        self.pace.telemetry_at = now_ns.saturating_add(interval.saturating_mul(NS_PER_SECOND));
        Some(self.telemetry_text())
    }

    /// One exposition and the waiting events, as they go out on the telemetry line.
    pub fn telemetry_text(&mut self) -> String {
        self.refresh();
        let mut text = String::new();
        let events = &mut self.journal.telemetry.events;
        for _ in 0..EVENTS_PER_FRAME_MAX {
            let Some(event) = events.undelivered() else {
                break;
            };
            let sequence = event.sequence;
            // Writing to a string does not fail.
            let _ = write_event(event, &mut text);
            events.mark_delivered(sequence);
        }
        let _ = self.journal.telemetry.write_frame(&mut text);
        text
    }

    /// Turns what the substrate found into events and lines of the log.
    pub(crate) fn tell_integrity_events(&mut self) {
        while let Some(found) = self.substrate.take_event() {
            self.tell_integrity_event(&found);
        }
    }

    fn tell_integrity_event(&mut self, found: &IntegrityEvent) {
        let now_ns = self.machine.monotonic_ns();
        let text = alloc::format!("{found}");
        let (kind, level) = match found.action {
            Action::Poisoned => (EventKind::SubstratePoisoned, Level::Error),
            _ => (EventKind::SubstrateRepaired, Level::Warning),
        };
        self.journal.event(now_ns, kind, &text);
        self.journal
            .log(now_ns, level, format_args!("substrate: {text}"));
    }
}

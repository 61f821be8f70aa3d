//! What the node does when nobody asks: scrubbing, expiries, telemetry.
//!
//! Owns the pace. Each step is short, so that an operator's key never waits for it.

use crate::Node;
use crate::ports::Machine;
use alloc::string::String;
use substrate::{Action, IntegrityEvent};
use telemetry::{EventKind, Level, write_event};

/// Nanoseconds between two steps of the scrubber.
const SCRUB_EVERY_NS: u64 = 100_000_000;
/// Nanoseconds between two looks for what time brought about.
const DUE_EVERY_NS: u64 = 1_000_000_000;
/// Events sent with one exposition at most.
const EVENTS_PER_FRAME_MAX: usize = 32;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// When each background work is next to be done, in nanoseconds since the kernel's entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    scrub_at: u64,
    due_at: u64,
    telemetry_at: u64,
    /// When the scrubber last finished a walk.
    pub(crate) scrubbed_at: u64,
    passes: u64,
}

impl<M: Machine> Node<M> {
    /// Takes the steps whose time has come. To be called whenever the loop wakes.
    pub fn background(&mut self) {
        let now_ns = self.machine.monotonic_ns();
        if now_ns >= self.pace.scrub_at {
            self.pace.scrub_at = now_ns.saturating_add(SCRUB_EVERY_NS);
            if self.options.scrub_lines_per_step > 0 {
                self.substrate
                    .scrub_step(u64::from(self.options.scrub_lines_per_step));
                if self.substrate.counters().scrub_passes > self.pace.passes {
                    self.scrub_completed();
                }
            }
        }
        if now_ns >= self.pace.due_at {
            self.pace.due_at = now_ns.saturating_add(DUE_EVERY_NS);
            self.record_due(self.now());
        }
        self.tell_integrity_events();
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

    pub(crate) fn scrub_completed(&mut self) {
        self.pace.scrubbed_at = self.machine.monotonic_ns();
        self.pace.passes = self.substrate.counters().scrub_passes;
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

//! Counters, gauges, histograms and events, and their Prometheus text.
//!
//! Owns what a node tells the world: the [`Registry`] of metrics (spec `telemetry`), the
//! [`Events`] that wait for delivery, the [`Log`], and the framing of all this on a serial
//! line, with the [`Deframer`] that a reader on a host uses. Called by the node, which moves
//! the metrics and drains the frames, and by `glyphctl bridge`.
//!
//! Invariants:
//! - memory is taken when a part is built and when the vault is loaded, never by a measurement;
//! - at most [`LABEL_SETS_MAX`] label sets exist; what does not fit is counted, not lost in silence;
//! - the exposition holds no carriage return, no control character and nowhere the
//!   frame mark `#GLYPHOS-`, so that a reader finds each frame again after any damage.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod deframe;
mod event;
mod exposition;
mod family;
mod frame;
mod log;
mod registry;
mod ring;
mod series;

pub use deframe::{Deframer, DeframerCounts, Sink};
pub use event::{Event, EventKind, Events};
pub use family::{Counter, Endpoint, Family, Gauge, Histogram, Kind, WordCounter, WordGauge};
pub use frame::{FRAME_BYTES_MAX, MARK, write_event, write_metrics};
pub use log::{Level, Log, LogLine};
pub use registry::{BuildInfo, Registry};
pub use series::LABEL_SETS_MAX;

use core::fmt;

/// Everything a node tells the world, in one place.
pub struct Telemetry {
    /// The metrics.
    pub metrics: Registry,
    /// Events that happened, kept until delivered or overwritten.
    pub events: Events,
    /// Lines for the operator.
    pub log: Log,
    frames: u64,
}

impl Telemetry {
    /// Takes all the memory that measurements will need.
    #[must_use]
    pub fn new(build: &BuildInfo<'_>) -> Self {
        Telemetry {
            metrics: Registry::new(build),
            events: Events::new(),
            log: Log::new(),
            frames: 0,
        }
    }

    /// Writes the metrics as one frame for the telemetry line and counts it.
    ///
    /// # Errors
    /// Whatever `out` answers; the frame is then cut off, which its reader notices.
    pub fn write_frame(&mut self, out: &mut dyn fmt::Write) -> fmt::Result {
        self.refresh();
        let sequence = self.frames;
        self.frames = self.frames.saturating_add(1);
        self.metrics.add(Counter::TelemetryFrames, 1);
        write_metrics(&self.metrics, sequence, out)
    }

    /// Brings the counters that telemetry keeps about itself up to date.
    ///
    /// Call it before [`Registry::exposition`] where no frame is written.
    pub fn refresh(&mut self) {
        self.metrics
            .raise_to(Counter::Events, self.events.emitted());
        self.metrics
            .raise_to(Counter::EventsLost, self.events.lost_undelivered());
        self.metrics.raise_to(Counter::LogLines, self.log.written());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn each_frame_has_the_next_number_and_counts_itself() {
        let mut telemetry = Telemetry::new(&BuildInfo {
            version: "1.2.3",
            commit: "abc",
            rustc: "1.96.0",
        });
        let mut first = String::new();
        telemetry.write_frame(&mut first).unwrap();
        telemetry.events.emit(5, EventKind::NodeStarted, "hello");
        let mut second = String::new();
        telemetry.write_frame(&mut second).unwrap();
        assert!(first.starts_with("#GLYPHOS-METRICS v=1 seq=0 "), "{first}");
        assert!(first.contains("\nglyphos_telemetry_frames_total 1\n"));
        assert!(second.starts_with("#GLYPHOS-METRICS v=1 seq=1 "));
        assert!(second.contains("\nglyphos_telemetry_frames_total 2\n"));
        assert!(second.contains("\nglyphos_telemetry_events_total 1\n"));
    }
}

//! What the node remembers to tell: metrics, events and the log, with what a console owes.
//!
//! Owns [`Telemetry`] and the count of log lines that a console has shown. Every service of the
//! node reports here, in one of three ways: a counter, an event, a line.

use crate::lines;
use abi::Response;
use alloc::string::{String, ToString};
use core::fmt;
use telemetry::{BuildInfo, EventKind, Level, Registry, Telemetry};

/// Where services report.
pub(crate) struct Journal {
    pub(crate) telemetry: Telemetry,
    shown: u64,
}

impl Journal {
    pub(crate) fn new(build: &BuildInfo<'_>) -> Self {
        Journal {
            telemetry: Telemetry::new(build),
            shown: 0,
        }
    }

    pub(crate) fn metrics(&mut self) -> &mut Registry {
        &mut self.telemetry.metrics
    }

    pub(crate) fn log(&mut self, now_ns: u64, level: Level, text: fmt::Arguments<'_>) {
        self.telemetry.log.write(now_ns, level, text);
    }

    pub(crate) fn event(&mut self, now_ns: u64, kind: EventKind, text: &str) {
        self.telemetry.events.emit(now_ns, kind, text);
    }

    pub(crate) fn log_lines(&self) -> Response {
        let log = &self.telemetry.log;
        Response::Log {
            lines: lines(log.iter()),
            lost: log.lost(),
        }
    }

    pub(crate) fn event_lines(&self) -> Response {
        let events = &self.telemetry.events;
        Response::Log {
            lines: lines(events.iter()),
            lost: events.overwritten(),
        }
    }

    pub(crate) fn take_unshown(&mut self) -> Option<String> {
        let log = &self.telemetry.log;
        self.shown = self.shown.max(log.lost());
        let position = usize::try_from(self.shown.saturating_sub(log.lost())).ok()?;
        let line = log.iter().nth(position)?.to_string();
        self.shown = self.shown.saturating_add(1);
        Some(line)
    }
}

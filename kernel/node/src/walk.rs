//! Requests that walk the whole field: a scrub, a digest, a selftest. Served a slice at a time, so
//! that the node stays awake however large the field is.
//!
//! Owns the walk under way, of which there is at most one.
//!
//! Invariants:
//! - a slice ends with the clock, as the scrubber's do; a small field is walked in the first one;
//! - while a walk is under way no other request is served, so the field does not change;
//! - a scrub that is stopped has verified what it said, and the scrubber goes on from there.

use crate::Node;
use crate::ports::Machine;
use crate::scrubber::{LINES_PER_LOOK, SLICE_NS};
use abi::request::{Request, SubstrateRequest};
use abi::response::ScrubReport;
use abi::{Fault, FaultCode, Response};
use alloc::boxed::Box;
use substrate::DigestWalk;

/// A walk under way.
pub(crate) enum Walk {
    /// A scrub of as many lines as there are, from where the scrubber stands.
    Scrub(ScrubReport),
    /// The same, as the substrate's part of a selftest.
    Selftest(ScrubReport),
    /// A digest.
    Digest(Box<DigestWalk>),
}

impl<M: Machine> Node<M> {
    /// Begins to serve a request. `None`: it walks a large field; [`Node::go_on`] has the answer.
    ///
    /// # Errors
    /// A [`Fault`] as of [`Node::serve`], inside.
    pub fn begin(&mut self, request: Request) -> Option<Result<Response, Fault>> {
        let walk = match request {
            Request::Substrate(SubstrateRequest::Scrub) => Walk::Scrub(ScrubReport::default()),
            Request::Selftest => Walk::Selftest(ScrubReport::default()),
            Request::Substrate(SubstrateRequest::Digest) => {
                Walk::Digest(Box::new(self.substrate.digest_begin()))
            }
            request => return Some(self.serve_at_once(request)),
        };
        self.walk = Some(walk);
        self.go_on()
    }

    /// Goes on for a slice of time with what [`Node::begin`] began; the answer when it is there.
    ///
    /// # Errors
    /// A [`Fault`], inside, with what is wrong; also if nothing was begun.
    pub fn go_on(&mut self) -> Option<Result<Response, Fault>> {
        match self.walk.take() {
            None => Some(Err(stopped("nothing is under way: type a command"))),
            Some(Walk::Scrub(report)) => match self.scrub_on(report) {
                Ok(report) => Some(Ok(Response::Scrubbed(report))),
                Err(report) => self.later(Walk::Scrub(report)),
            },
            Some(Walk::Selftest(report)) => match self.scrub_on(report) {
                Ok(report) => Some(Ok(self.selftest(&report))),
                Err(report) => self.later(Walk::Selftest(report)),
            },
            Some(Walk::Digest(mut walk)) => match self.digest_on(&mut walk) {
                Some(digest) => Some(Ok(Response::Digest(digest))),
                None => self.later(Walk::Digest(walk)),
            },
        }
    }

    /// Stops the walk under way, and gives the answer to whoever asked for it.
    pub fn stop(&mut self) -> Fault {
        let percent = self.walked_percent().unwrap_or(0);
        self.walk = None;
        stopped(&alloc::format!(
            "stopped after {percent} % of the field; the scrubber goes on in the background; \
             type the command again for the whole of it"
        ))
    }

    /// How much of the walk under way is done.
    #[must_use]
    pub fn walked_percent(&self) -> Option<u64> {
        let (done, all) = match self.walk.as_ref()? {
            Walk::Scrub(report) | Walk::Selftest(report) => {
                (report.lines, self.substrate.line_count())
            }
            Walk::Digest(walk) => (walk.cells_done(), self.substrate.cell_count()),
        };
        done.saturating_mul(100).checked_div(all)
    }

    fn later<T>(&mut self, walk: Walk) -> Option<T> {
        self.walk = Some(walk);
        None
    }

    /// Scrubs for a slice: `Ok` with the whole report, `Err` with what there is of it so far.
    fn scrub_on(&mut self, mut report: ScrubReport) -> Result<ScrubReport, ScrubReport> {
        let all = self.substrate.line_count();
        let began_ns = self.machine.monotonic_ns();
        loop {
            // A pass ends in the middle if the scrubber did not stand at its beginning.
            let slice = self.scrub_slice(all.saturating_sub(report.lines));
            report.add(&slice);
            if report.lines >= all {
                return Ok(report);
            }
            if self.machine.monotonic_ns().saturating_sub(began_ns) >= SLICE_NS {
                return Err(report);
            }
        }
    }

    fn digest_on(&mut self, walk: &mut DigestWalk) -> Option<[u8; 32]> {
        let began_ns = self.machine.monotonic_ns();
        loop {
            let digest = self.substrate.digest_step(walk, LINES_PER_LOOK);
            let passed_ns = self.machine.monotonic_ns().saturating_sub(began_ns);
            if digest.is_some() || passed_ns >= SLICE_NS {
                return digest;
            }
        }
    }
}

fn stopped(text: &str) -> Fault {
    Fault::new(FaultCode::Stopped, text)
}

//! The substrate's requests.
//!
//! Owns nothing: the field is the substrate's, the switch for drills the node's.

use crate::ports::Machine;
use crate::{Departure, Node};
use abi::limits::SUPERPOSITION_PAIRS_MAX;
use abi::request::{Injection, KernelFault, Pair, Request, SubstrateRequest, Switch};
use abi::{Fault, FaultCode, Response};
use alloc::string::String;
use substrate::SubstrateError;
use telemetry::{EventKind, Histogram, Level};

/// What a command does that needs a drill.
pub(crate) const DAMAGE: &str = "this damages memory on purpose";
/// Most ticks that one command does.
const TICKS_MAX: u32 = 1_000_000;

impl<M: Machine> Node<M> {
    pub(crate) fn serve_substrate(
        &mut self,
        request: &SubstrateRequest,
    ) -> Result<Response, Fault> {
        match request {
            SubstrateRequest::Status => Ok(Response::Substrate(self.substrate.status())),
            SubstrateRequest::Read(cell) => Ok(Response::Cell(self.substrate.read(*cell)?)),
            SubstrateRequest::Write {
                cell,
                magnitude,
                phase,
                coherence,
            } => self.change(|field| field.write(*cell, *magnitude, *phase, *coherence)),
            SubstrateRequest::Tick(count) if *count > TICKS_MAX => Err(Fault::new(
                FaultCode::OutOfRange,
                alloc::format!("at most {TICKS_MAX} ticks at a time"),
            )),
            SubstrateRequest::Tick(count) => self.change(|field| {
                field.tick(*count);
                Ok(())
            }),
            SubstrateRequest::Force { cell, vector } => {
                self.change(|field| field.force(*cell, *vector))
            }
            SubstrateRequest::Wave {
                origin,
                amplitude,
                frequency,
            } => self.change(|field| field.wave(*origin, *amplitude, *frequency)),
            SubstrateRequest::Superpose { cell, pairs } => {
                self.change(|field| field.superpose(*cell, pairs))
            }
            SubstrateRequest::Observe(cell) => {
                let none = Pair {
                    amplitude: 0.0,
                    phase: 0.0,
                };
                let mut pairs = [none; SUPERPOSITION_PAIRS_MAX];
                let count = self.substrate.observe(*cell, &mut pairs)?;
                Ok(Response::Superposition(
                    pairs.into_iter().take(count).collect(),
                ))
            }
            // `begin` walks the field for these.
            SubstrateRequest::Scrub | SubstrateRequest::Digest => {
                self.serve(Request::Substrate(request.clone()))
            }
            SubstrateRequest::Map => {
                let mut text = String::new();
                // Writing to a string does not fail.
                let _ = self.substrate.map(&mut text);
                Ok(Response::Text(text))
            }
        }
    }

    /// Runs an operation that changes the field, and times it.
    fn change(
        &mut self,
        operation: impl FnOnce(&mut substrate::Substrate) -> Result<(), SubstrateError>,
    ) -> Result<Response, Fault> {
        let began = self.machine.monotonic_ns();
        operation(&mut self.substrate)?;
        let took = self.machine.monotonic_ns().saturating_sub(began);
        self.journal
            .metrics()
            .observe(Histogram::SubstrateUpdate, took);
        Ok(Response::Changed {
            tick: self.substrate.tick_now(),
        })
    }

    /// Breaks the kernel after the answer, by the operator's word.
    pub(crate) fn crash(&mut self, fault: KernelFault) -> Result<Response, Fault> {
        self.require_drill("this stops the kernel on purpose")?;
        Ok(self.depart(Departure::Crash(fault)))
    }

    pub(crate) fn require_drill(&self, what: &str) -> Result<(), Fault> {
        match self.drill {
            Switch::On => Ok(()),
            Switch::Off => {
                let text = alloc::format!("{what}: type `drill on` first");
                Err(Fault::new(FaultCode::DrillOff, text))
            }
        }
    }

    pub(crate) fn inject(&mut self, injection: Injection) -> Result<Response, Fault> {
        self.require_drill(DAMAGE)?;
        let damaged = self.substrate.inject(injection)?;
        Ok(self.injected(damaged))
    }

    /// Tells of damage that was done on purpose.
    pub(crate) fn injected(&mut self, damaged: String) -> Response {
        let now_ns = self.machine.monotonic_ns();
        self.journal.event(now_ns, EventKind::Drill, &damaged);
        self.journal
            .log(now_ns, Level::Warning, format_args!("drill: {damaged}"));
        Response::Injected(damaged)
    }
}

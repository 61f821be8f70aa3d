//! The services together, and the requests they serve.
//!
//! Owns one [`Node`]: substrate, vault with interpreter, governance over its ledger, telemetry.
//! It runs on the machine and on a host alike; time, entropy, memory and disks come through
//! [`ports`]. The image feeds it requests and calls [`Node::background`] in its loop.
//!
//! Invariants:
//! - a state change of governance is decided, recorded, acknowledged and only then applied;
//! - a part that is missing or damaged limits only the requests that need it;
//! - nothing is formatted, skipped or repaired in silence: each leaves a line in the log.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod audit;
mod background;
mod bench;
mod boot;
mod decisions;
mod field;
mod glyphs;
mod journal;
pub mod options;
pub mod ports;
pub mod ramdisk;
mod report;
mod scrubber;
mod selftest;
mod store;
mod vault;
mod walk;

pub use background::Background;
pub use boot::Boot;
pub use store::{Disk, confirmation};

use abi::request::{KernelFault, Request, Switch};
use abi::response::Version;
use abi::time::UnixSeconds;
use abi::{Fault, Response};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use background::Pace;
use decisions::Decisions;
use glyphs::Glyphs;
use journal::Journal;
use options::Options;
use ports::Machine;
use scrubber::Scrubber;
use substrate::Substrate;
use telemetry::EventKind;
use vault::Trust;
use walk::Walk;

/// How the machine is to go on after the answer was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Turn the machine off.
    PowerOff,
    /// Start it again.
    Reboot,
    /// Commit this fault, as the operator asked in a drill.
    Crash(KernelFault),
}

/// Everything that GlyphOS does, behind one door.
pub struct Node<M: Machine> {
    machine: M,
    version: Version,
    options: Options,
    substrate: Substrate,
    glyphs: Glyphs,
    trust: Trust,
    decisions: Decisions,
    journal: Journal,
    pace: Pace,
    scrubber: Scrubber,
    drill: Switch,
    walk: Option<Walk>,
    departure: Option<Departure>,
}

impl<M: Machine> Node<M> {
    /// Serves one request, however long it takes. A loop with keys to look after uses
    /// [`Node::begin`].
    ///
    /// # Errors
    /// A [`Fault`] with what is wrong and what to do; nothing was changed unless it says so.
    pub fn serve(&mut self, request: Request) -> Result<Response, Fault> {
        let mut answer = self.begin(request);
        loop {
            if let Some(answer) = answer {
                return answer;
            }
            answer = self.go_on();
        }
    }

    fn serve_at_once(&mut self, request: Request) -> Result<Response, Fault> {
        match request {
            Request::Version => Ok(Response::Version(self.version.clone())),
            Request::Uptime => Ok(Response::Uptime {
                nanoseconds: self.machine.monotonic_ns(),
            }),
            Request::Memory => Ok(Response::Memory(self.machine.memory())),
            Request::Log => Ok(self.journal.log_lines()),
            Request::Events => Ok(self.journal.event_lines()),
            Request::Date => Ok(Response::Date(self.machine.wall())),
            Request::Status => Ok(self.status()),
            Request::VaultList => {
                self.need_whole_vault()?;
                Ok(self.glyphs.list())
            }
            Request::VaultErrors => Ok(Response::VaultErrors(self.glyphs.errors.clone())),
            Request::Vault(request) => self.serve_vault(&request),
            Request::GlyphShow(id) => {
                let glyph = self.find_glyph(&id)?;
                Ok(self.glyphs.show(glyph))
            }
            Request::GlyphTree(id) => {
                self.need_whole_vault()?;
                self.glyphs.tree(&id)
            }
            Request::Activate(activate) => self.activate(&activate),
            Request::Substrate(request) => self.serve_substrate(&request),
            Request::Inject(injection) => self.inject(injection),
            Request::InjectVault { glyph, bit } => self.inject_vault(&glyph, bit),
            Request::Crash(fault) => self.crash(fault),
            Request::Guardian(request) => self.govern(governance::Command::Guardian(&request)),
            Request::Approval(request) => self.govern(governance::Command::Approval(&request)),
            Request::Override(request) => self.govern(governance::Command::Override(&request)),
            Request::Ledger(request) => self.serve_ledger(&request),
            Request::Metrics => Ok(Response::Text(self.exposition())),
            // `begin` walks the field for these.
            Request::Selftest => self.serve(Request::Selftest),
            Request::Bench => self.bench(),
            Request::Drill(switch) => Ok(self.set_drill(switch)),
            Request::Reboot => Ok(self.depart(Departure::Reboot)),
            Request::PowerOff => Ok(self.depart(Departure::PowerOff)),
        }
    }

    /// What the last `reboot` or `poweroff` asked for.
    #[must_use]
    pub fn departure(&self) -> Option<Departure> {
        self.departure
    }

    /// The line that tells people and pipelines that the boot is over, `boot_ns` after the
    /// kernel's entry.
    #[must_use]
    pub fn ready_line(&self, boot_ns: u64) -> String {
        let ledger = self.decisions.ledger_status();
        alloc::format!(
            "GLYPHOS READY version={} boot_ms={} cells={} glyphs={} ledger_records={} ledger_state={} boot_us={}",
            self.version.version,
            boot_ns / 1_000_000,
            self.substrate.cell_count(),
            self.glyphs.vault.len(),
            ledger.records,
            ledger.state.name(),
            boot_ns / 1000
        )
    }

    /// The next line of the log that nobody was shown yet, for a console to print.
    pub fn take_log_line(&mut self) -> Option<String> {
        self.journal.take_unshown()
    }

    /// Calls `visit` with each glyph's id.
    pub fn glyph_ids(&self, visit: &mut dyn FnMut(&str)) {
        let vault = &self.glyphs.vault;
        vault.glyphs().for_each(|glyph| visit(vault.id_text(glyph)));
    }

    /// Calls `visit` with each guardian's id, proposed ones included.
    pub fn guardian_ids(&self, visit: &mut dyn FnMut(&str)) {
        if let Some(governance) = self.decisions.governance() {
            governance
                .guardian_views()
                .iter()
                .for_each(|view| visit(view.id.as_str()));
        }
    }

    /// Calls `visit` with the id of each change of guardians that waits for signatures.
    pub fn guardian_change_ids(&self, visit: &mut dyn FnMut(&str)) {
        if let Some(governance) = self.decisions.governance() {
            let changes = governance.open_change_views();
            changes
                .iter()
                .for_each(|change| visit(&change.id.to_string()));
        }
    }

    /// Calls `visit` with the id of each request for approval.
    pub fn request_ids(&self, visit: &mut dyn FnMut(&str)) {
        if let Some(governance) = self.decisions.governance() {
            let views = governance.approval_views();
            views
                .iter()
                .for_each(|view| visit(&view.request_id.to_string()));
        }
    }

    /// Calls `visit` with the id of each override.
    pub fn override_ids(&self, visit: &mut dyn FnMut(&str)) {
        if let Some(governance) = self.decisions.governance() {
            let views = governance.override_views(self.now());
            views
                .iter()
                .for_each(|view| visit(&view.override_id.to_string()));
        }
    }

    /// Wall-clock time, or where there is none the newest record's time and the uptime.
    fn now(&self) -> UnixSeconds {
        let uptime_seconds = self.machine.monotonic_ns() / 1_000_000_000;
        let floor = self.decisions.time_floor();
        self.machine
            .wall()
            .unwrap_or_else(|| floor.plus(uptime_seconds))
    }

    fn set_drill(&mut self, switch: Switch) -> Response {
        self.drill = switch;
        let text = match switch {
            Switch::On => "drills are on: `inject` damages memory on purpose",
            Switch::Off => "drills are off",
        };
        let now_ns = self.machine.monotonic_ns();
        self.journal.event(now_ns, EventKind::Drill, text);
        Response::Done
    }

    pub(crate) fn depart(&mut self, departure: Departure) -> Response {
        let text = match departure {
            Departure::PowerOff => "power off",
            Departure::Reboot => "reboot",
            Departure::Crash(_) => "a fault on purpose",
        };
        let now_ns = self.machine.monotonic_ns();
        self.journal.event(now_ns, EventKind::NodeStopping, text);
        if !matches!(departure, Departure::Crash(_)) {
            self.tell_checkpoint();
        }
        self.departure = Some(departure);
        Response::Goodbye
    }
}

/// Lines as an answer keeps them.
fn lines<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}

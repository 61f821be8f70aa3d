//! The bootable kernel: wiring only.
//!
//! Owns the entry, the order in which things start, and the loop. It builds for the bare machine only.
#![no_std]
#![no_main]

extern crate alloc;

mod entry;
mod hardware;
mod terminal;

use abi::request::KernelFault;
use abi::response::Version;
use abi::{Fault, Response};
use alloc::string::{String, ToString};
use console::{Console, Input, Mode, NameKind, Names};
use core::fmt::Write;
use glyph_archive::TrustedKey;
use hardware::Hardware;
use machine::boot::{Start, phases};
use machine::panic::{Build, stop};
use machine::{clock, drill, interrupts, memory, power};
use node::{Background, Boot, Departure, Node};
use terminal::{Terminal, Typed, telemetry_port};

#[global_allocator]
static HEAP: memory::heap::KernelHeap = memory::heap::KernelHeap;

/// A value that the build passes in, or a word that says that it did not.
const fn told(value: Option<&'static str>) -> &'static str {
    match value {
        Some(value) => value,
        None => "unknown",
    }
}

/// Which build this is, for reports.
const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    commit: told(option_env!("GLYPHOS_COMMIT")),
};

/// Nanoseconds between two words on how far a long request is.
const PROGRESS_EVERY_NS: u64 = 1_000_000_000;
/// Bytes taken from the terminal before the background has its turn.
const READ_BYTES: usize = 256;

fn main(start: Start) -> ! {
    let facts = match start.facts() {
        Ok(facts) => facts,
        Err(error) => stop(format_args!("cannot start: {error}")),
    };
    let machine = match machine::init(&facts, BUILD) {
        Ok(machine) => machine,
        Err(error) => stop(format_args!("cannot start: {error}")),
    };
    let mut terminal = Terminal::new(machine.screen);
    let disks = drivers::virtio::disks(clock::monotonic_ns);
    let hardware = Hardware::new(&facts, &machine, disks.len());
    phases::mark("drivers");
    let version = Version {
        version: BUILD.version.to_string(),
        commit: BUILD.commit.to_string(),
        rustc: told(option_env!("GLYPHOS_RUSTC")).to_string(),
    };
    let boot = Boot {
        machine: hardware,
        version,
        ramdisk: machine.ramdisk,
        // A kernel that was built without a sound key trusts no vault.
        vault_key: option_env!("GLYPHOS_VAULT_KEY")
            .and_then(|line| TrustedKey::from_line(line).ok()),
        disks,
    };
    let mut node = match Node::boot(boot) {
        Ok(node) => node,
        Err(fault) => stop(format_args!("cannot start: {fault}")),
    };
    phases::mark("services");
    for phase in phases::phases() {
        node.boot_phase(phase.name, phase.duration_ns);
    }
    let mut console = Console::new(Mode::Human);
    while let Some(line) = node.take_log_line() {
        console.log_line(&line, &mut terminal);
    }
    let boot_ns = phases::since_entry_ns();
    // Writing to the terminal does not fail: an absent port takes all.
    let _ = writeln!(terminal, "{}", node.ready_line(boot_ns));
    console.start(&mut terminal);
    serve(&mut node, &mut console, &mut terminal)
}

/// The node's names, for completion.
struct NodeNames<'a>(&'a Node<Hardware>);

impl Names for NodeNames<'_> {
    fn for_each(&self, kind: NameKind, visit: &mut dyn FnMut(&str)) {
        match kind {
            NameKind::Glyph => self.0.glyph_ids(visit),
            NameKind::Guardian => self.0.guardian_ids(visit),
            NameKind::GuardianChange => self.0.guardian_change_ids(visit),
            NameKind::Request => self.0.request_ids(visit),
            NameKind::Override => self.0.override_ids(visit),
        }
    }
}

/// The loop: keys, requests, background work, telemetry, sleep.
fn serve(node: &mut Node<Hardware>, console: &mut Console, terminal: &mut Terminal) -> ! {
    let mut outgoing = Outgoing::default();
    loop {
        let mut is_quiet = false;
        for _ in 0..READ_BYTES {
            match terminal.read() {
                Typed::Byte(byte) => take_byte(byte, node, console, terminal, &mut outgoing),
                Typed::Lost => console.overrun(),
                Typed::Nothing => {
                    is_quiet = true;
                    break;
                }
            }
        }
        let background = work_behind(node, console, terminal, &mut outgoing);
        if is_quiet {
            terminal.refresh();
            if background == Background::Idle {
                interrupts::wait();
            }
        }
    }
}

/// What goes on whether or not somebody types: a step of the background, the log, telemetry.
fn work_behind(
    node: &mut Node<Hardware>,
    console: &mut Console,
    terminal: &mut Terminal,
    outgoing: &mut Outgoing,
) -> Background {
    let background = node.background();
    show_log(node, console, terminal);
    outgoing.pump(node);
    background
}

fn show_log(node: &mut Node<Hardware>, console: &mut Console, terminal: &mut Terminal) {
    while let Some(line) = node.take_log_line() {
        console.log_line(&line, terminal);
    }
}

fn take_byte(
    byte: u8,
    node: &mut Node<Hardware>,
    console: &mut Console,
    terminal: &mut Terminal,
    outgoing: &mut Outgoing,
) {
    let Some(Input::Line(request)) = console.feed(byte, &NodeNames(node), terminal) else {
        return;
    };
    let outcome = match node.begin(request) {
        Some(outcome) => outcome,
        None => walk(node, console, terminal, outgoing),
    };
    show_log(node, console, terminal);
    console.reply(outcome.as_ref(), terminal);
    if let Some(departure) = node.departure() {
        leave(departure, terminal);
    }
}

/// Goes on with a request that walks a large field, a slice at a time, until its answer is there or
/// Ctrl-C stops it. A person sees how far it is.
fn walk(
    node: &mut Node<Hardware>,
    console: &mut Console,
    terminal: &mut Terminal,
    outgoing: &mut Outgoing,
) -> Result<Response, Fault> {
    let mut told_at_ns = clock::monotonic_ns();
    loop {
        if let Some(outcome) = node.go_on() {
            return outcome;
        }
        if terminal.is_interrupted() {
            return Err(node.stop());
        }
        work_behind(node, console, terminal, outgoing);
        let now_ns = clock::monotonic_ns();
        if now_ns.saturating_sub(told_at_ns) >= PROGRESS_EVERY_NS {
            told_at_ns = now_ns;
            let percent = node.walked_percent().unwrap_or(0);
            let line = alloc::format!("{percent} % of the field; Ctrl-C stops");
            console.log_line(&line, terminal);
            terminal.refresh();
        }
    }
}

fn leave(departure: Departure, terminal: &mut Terminal) -> ! {
    let word = match departure {
        Departure::PowerOff => "GLYPHOS POWEROFF",
        Departure::Reboot => "GLYPHOS REBOOT",
        Departure::Crash(_) => "GLYPHOS DRILL",
    };
    // Writing to the terminal does not fail: an absent port takes all.
    let _ = writeln!(terminal, "{word}");
    terminal.flush();
    match departure {
        Departure::PowerOff => power::off(),
        Departure::Reboot => power::reboot(),
        Departure::Crash(fault) => crash(fault),
    }
}

/// Commits a fault. Whatever comes back from it has found a protection missing.
#[expect(
    clippy::panic,
    reason = "a drill, or a missing protection, stops the machine"
)]
fn crash(fault: KernelFault) -> ! {
    match fault {
        KernelFault::Panic => panic!("a drill"),
        KernelFault::StackOverflow => {
            drill::overflow_stack(0);
        }
        KernelFault::ExecuteData => {
            drill::execute_data();
        }
        KernelFault::WriteCode => {
            drill::write_text();
        }
        KernelFault::ReadPageZero => {
            drill::read_page_zero();
        }
    }
    panic!("{} was not stopped: a protection is missing", fault.name())
}

/// Telemetry on its way out: never waited for.
#[derive(Default)]
struct Outgoing {
    text: String,
    sent: usize,
}

impl Outgoing {
    fn pump(&mut self, node: &mut Node<Hardware>) {
        let Some(port) = telemetry_port() else { return };
        if self.sent >= self.text.len() {
            let Some(text) = node.telemetry_due() else {
                return;
            };
            (self.text, self.sent) = (text, 0);
        }
        let rest = self.text.as_bytes().get(self.sent..).unwrap_or(&[]);
        self.sent = self.sent.saturating_add(port.write_some(rest));
    }
}

#[panic_handler]
fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
    machine::panic::report(info)
}

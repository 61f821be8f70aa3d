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
use alloc::string::{String, ToString};
use console::{Console, Input, Mode, NameKind, Names};
use core::fmt::Write;
use glyph_archive::TrustedKey;
use hardware::Hardware;
use machine::boot::{Start, phases};
use machine::panic::{Build, stop};
use machine::{clock, drill, interrupts, memory, power};
use node::{Boot, Departure, Node};
use terminal::{Terminal, telemetry_port};

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

/// Bytes taken from the terminal at a time.
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
    let mut buffer = [0; READ_BYTES];
    let mut outgoing = Outgoing::default();
    loop {
        let Ok(count) = terminal.read(&mut buffer) else {
            console.overrun();
            continue;
        };
        for &byte in buffer.iter().take(count) {
            take_byte(byte, node, console, terminal);
        }
        node.background();
        while let Some(line) = node.take_log_line() {
            console.log_line(&line, terminal);
        }
        outgoing.pump(node);
        if count == 0 {
            terminal.refresh();
            interrupts::wait();
        }
    }
}

fn take_byte(byte: u8, node: &mut Node<Hardware>, console: &mut Console, terminal: &mut Terminal) {
    let Some(Input::Line(request)) = console.feed(byte, &NodeNames(node), terminal) else {
        return;
    };
    let outcome = node.serve(request);
    while let Some(line) = node.take_log_line() {
        console.log_line(&line, terminal);
    }
    console.reply(outcome.as_ref(), terminal);
    if let Some(departure) = node.departure() {
        leave(departure, terminal);
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

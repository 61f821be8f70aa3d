//! The bootable kernel: wiring only.
//!
//! Owns the entry, the order in which things start, and the loop. It builds for the bare machine only.
#![no_std]
#![no_main]

mod entry;

use core::fmt::{self, Write};

use machine::boot::{BootFacts, Start, phases};
use machine::panic::Build;
use machine::serial::COM1;
use machine::{Machine, clock, interrupts, memory, power, selftest};

#[global_allocator]
static HEAP: memory::heap::KernelHeap = memory::heap::KernelHeap;

/// Which build this is, for reports.
const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    commit: match option_env!("GLYPHOS_COMMIT") {
        Some(commit) => commit,
        None => "unknown",
    },
};

/// Writes text to the console.
struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            let (text, end) = match line.strip_suffix('\n') {
                Some(text) => (text, "\r\n"),
                None => (line, ""),
            };
            COM1.write(text.as_bytes());
            COM1.write(end.as_bytes());
        }
        Ok(())
    }
}

fn main(start: Start) -> ! {
    let facts = match start.facts() {
        Ok(facts) => facts,
        Err(error) => machine::panic::stop(format_args!("cannot start: {error}")),
    };
    let machine = match machine::init(&facts, BUILD) {
        Ok(machine) => machine,
        Err(error) => machine::panic::stop(format_args!("cannot start: {error}")),
    };
    let mut console = Console;
    let _ = describe(&mut console, &facts, &machine);
    let boot_ms = phases::since_entry_ns() / 1_000_000;
    let _ = writeln!(
        console,
        "GLYPHOS READY version={} boot_ms={boot_ms}",
        BUILD.version
    );
    serve(&mut console)
}

fn describe(console: &mut Console, facts: &BootFacts, machine: &Machine) -> fmt::Result {
    writeln!(
        console,
        "loader={} memory_mib={}",
        facts.loader.name(),
        facts.total_bytes >> 20
    )?;
    writeln!(
        console,
        "ramdisk_bytes={}",
        machine.ramdisk.map_or(0, <[u8]>::len)
    )?;
    writeln!(console, "command_line={:?}", facts.command_line.as_str())?;
    writeln!(console, "cpu={}", machine::cpu::features::name().as_str())?;
    let (tsc_hz, source) = clock::frequency();
    writeln!(console, "tsc_hz={tsc_hz} tsc_source={}", source.name())?;
    writeln!(console, "unix_seconds={:?}", clock::unix_seconds())?;
    writeln!(console, "heap={:?}", memory::heap::heap_stats())?;
    writeln!(
        console,
        "acpi={:?} soft_off={} entropy={:?}",
        machine.acpi,
        power::has_soft_off(),
        machine.entropy
    )?;
    writeln!(console, "com2={}", machine::serial::COM2.present())?;
    for phase in phases::phases() {
        writeln!(console, "phase {} {} ns", phase.name, phase.duration_ns)?;
    }
    Ok(())
}

/// Reads lines and obeys the few that make the machine itself do something.
fn serve(console: &mut Console) -> ! {
    let mut line = [0; 80];
    let mut length = 0;
    let _ = write!(console, "glyphos> ");
    loop {
        let mut byte = [0];
        if COM1.read(&mut byte) == 0 {
            interrupts::wait();
            continue;
        }
        let [byte] = byte;
        if byte != b'\r' && byte != b'\n' {
            COM1.write(&[byte]);
            if let Some(slot) = line.get_mut(length) {
                *slot = byte;
                length += 1;
            }
            continue;
        }
        let _ = writeln!(console);
        let text = line
            .get(..length)
            .and_then(|line| core::str::from_utf8(line).ok());
        obey(console, text.unwrap_or(""));
        length = 0;
        let _ = write!(console, "glyphos> ");
    }
}

fn obey(console: &mut Console, line: &str) {
    match line {
        "poweroff" => {
            let _ = writeln!(console, "GLYPHOS POWEROFF");
            power::off()
        }
        "reboot" => power::reboot(),
        "panic" => crash(),
        "overflow" => {
            let _ = writeln!(console, "{}", machine::drill::overflow_stack(0));
        }
        "execute" => {
            let _ = writeln!(console, "{:?}", machine::drill::execute_data());
        }
        "write" => {
            let _ = writeln!(console, "{:?}", machine::drill::write_text());
        }
        "null" => {
            let _ = writeln!(console, "{:?}", machine::drill::read_page_zero());
        }
        "selftest" => {
            let _ = writeln!(console, "{:?}", selftest::page_table_audit());
            for check in selftest::run() {
                let _ = writeln!(console, "{check}");
            }
        }
        "uptime" => {
            let (ns, ticks) = (clock::monotonic_ns(), interrupts::ticks());
            let _ = writeln!(
                console,
                "{ns} ns, {ticks} ticks by {}",
                interrupts::tick_source()
            );
        }
        "" => {}
        _ => {
            let _ = writeln!(console, "?");
        }
    }
}

#[expect(clippy::panic, reason = "the operator asked for it")]
fn crash() -> ! {
    panic!("the operator asked for it")
}

#[panic_handler]
fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
    machine::panic::report(info)
}

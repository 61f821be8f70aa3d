//! Last words: the report of a panic or a fault, on every console, and the stop after it.
//!
//! Owns the way out of a broken kernel. It takes no lock, allocates nothing and waits for nothing
//! without a bound, because whatever it would wait for may be what broke.
//!
//! Invariants:
//! - interrupts are off from the first word on;
//! - a failure inside a report ends in a short second report and a stop, never in a third;
//! - the machine stops, or leaves the emulator with a status of its own; nothing is marked clean.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU8, Ordering};

use x86_64::instructions::interrupts;

use crate::cpu::backtrace::Backtrace;
use crate::{clock, power, serial};

/// Which build is running, for reports.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Version of the release.
    pub version: &'static str,
    /// Commit it was built from.
    pub commit: &'static str,
}

/// Where else a report goes: a function that takes no lock and does not fail.
pub type ScreenWriter = fn(&[u8]);

static BUILD: spin::Once<Build> = spin::Once::new();
static SCREEN: spin::Once<ScreenWriter> = spin::Once::new();
static DEPTH: AtomicU8 = AtomicU8::new(0);

pub(crate) fn set_build(build: Build) {
    BUILD.call_once(|| build);
}

/// Adds a screen to the consoles of a report. The first writer stays.
pub fn set_screen_writer(writer: ScreenWriter) {
    SCREEN.call_once(|| writer);
}

/// Reports a panic and stops: the image's panic handler calls this.
pub fn report(info: &PanicInfo<'_>) -> ! {
    let mut epitaph = Epitaph::begin();
    let _ = match info.location() {
        Some(place) => {
            writeln!(
                epitaph,
                "panic at {}:{}:{}",
                place.file(),
                place.line(),
                place.column()
            )
        }
        None => writeln!(epitaph, "panic at an unknown place"),
    };
    let _ = writeln!(epitaph, "  {}", info.message());
    let mut backtrace = Backtrace::here();
    let innermost = backtrace.next().unwrap_or(0);
    let _ = epitaph.registers_of_here();
    epitaph.addresses(innermost, backtrace);
    epitaph.end()
}

/// Reports why the kernel cannot go on, and stops: for a start that failed.
pub fn stop(reason: fmt::Arguments<'_>) -> ! {
    let mut epitaph = Epitaph::begin();
    let _ = writeln!(epitaph, "{reason}");
    epitaph.end()
}

/// A report being written to every console.
pub struct Epitaph {
    written_bytes: usize,
}

/// Most bytes of a report: a damaged value must not fill the console for minutes.
const EPITAPH_BYTES_MAX: usize = 8 * 1024;

impl Epitaph {
    /// Turns interrupts off and writes the headline. A report inside a report stops at once.
    pub(crate) fn begin() -> Self {
        interrupts::disable();
        let depth = DEPTH.fetch_add(1, Ordering::Relaxed);
        if depth == 1 {
            write_everywhere(b"\nGLYPHOS PANIC inside a report: stopping\n");
        }
        if depth >= 1 {
            power::exit_emulator_or_halt();
        }
        serial::COM1.drain_raw();
        let mut epitaph = Self { written_bytes: 0 };
        let build = BUILD.get().copied();
        let (version, commit) = build.map_or(("unknown", "unknown"), |b| (b.version, b.commit));
        let uptime_ms = clock::monotonic_ns() / 1_000_000;
        let _ = writeln!(
            epitaph,
            "\nGLYPHOS PANIC version={version} commit={commit} uptime_ms={uptime_ms}"
        );
        epitaph
    }

    /// Writes the call chain from an instruction and a frame pointer outwards.
    pub(crate) fn backtrace(&mut self, instruction: u64, frame_pointer: u64) {
        self.addresses(instruction, Backtrace::from_frame_pointer(frame_pointer));
    }

    fn addresses(&mut self, innermost: u64, callers: Backtrace) {
        let _ = writeln!(self, "backtrace (innermost first):");
        let _ = writeln!(self, "  {innermost:#018x}");
        for address in callers {
            let _ = writeln!(self, "  {address:#018x}");
        }
    }

    fn registers_of_here(&mut self) -> fmt::Result {
        use x86_64::registers::control::{Cr0, Cr2, Cr3, Cr4};
        let (stack_pointer, frame_pointer): (u64, u64);
        // SAFETY: two registers are only copied.
        unsafe {
            core::arch::asm!("mov {}, rsp", "mov {}, rbp", out(reg) stack_pointer,
                out(reg) frame_pointer, options(nomem, nostack, preserves_flags));
        }
        writeln!(self, "  rsp={stack_pointer:016x}  rbp={frame_pointer:016x}")?;
        writeln!(
            self,
            "  cr0={:016x}  cr2={:016x}  cr3={:016x}  cr4={:016x}",
            Cr0::read_raw(),
            Cr2::read_raw(),
            Cr3::read().0.start_address().as_u64(),
            Cr4::read_raw()
        )
    }

    /// Stops the machine, or leaves the emulator.
    pub(crate) fn end(mut self) -> ! {
        let _ = writeln!(self, "GLYPHOS HALTED: reset the machine to start again");
        power::exit_emulator_or_halt()
    }
}

impl Write for Epitaph {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.written_bytes = self.written_bytes.saturating_add(text.len());
        if self.written_bytes > EPITAPH_BYTES_MAX {
            return Err(fmt::Error);
        }
        write_everywhere(text.as_bytes());
        Ok(())
    }
}

fn write_everywhere(bytes: &[u8]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (text, end) = match line.split_last() {
            Some((b'\n', text)) => (text, b"\r\n".as_slice()),
            _ => (line, b"".as_slice()),
        };
        serial::COM1.write_raw(text);
        serial::COM1.write_raw(end);
        // The telemetry line knows no carriage returns.
        serial::COM2.write_raw(line);
    }
    if let Some(screen) = SCREEN.get() {
        screen(bytes);
    }
}

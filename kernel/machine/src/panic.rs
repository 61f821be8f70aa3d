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
    epitaph.begin_section();
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
    section_bytes_left: usize,
}

/// Most bytes of one section of a report: a damaged value must not fill the console for minutes, nor
/// keep the sections after it from being written.
const SECTION_BYTES_MAX: usize = 2 * 1024;

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
        let mut epitaph = Self {
            section_bytes_left: SECTION_BYTES_MAX,
        };
        let build = BUILD.get().copied();
        let (version, commit) = build.map_or(("unknown", "unknown"), |b| (b.version, b.commit));
        let uptime_ms = clock::monotonic_ns() / 1_000_000;
        let _ = writeln!(
            epitaph,
            "\nGLYPHOS PANIC version={version} commit={commit} uptime_ms={uptime_ms}"
        );
        epitaph
    }

    /// Starts a section with its own bound; what was cut off before ends in a line's end.
    fn begin_section(&mut self) {
        if self.section_bytes_left == 0 {
            write_everywhere(b"...\n");
        }
        self.section_bytes_left = SECTION_BYTES_MAX;
    }

    /// Writes the call chain from an instruction and a frame pointer outwards.
    pub(crate) fn backtrace(&mut self, instruction: u64, frame_pointer: u64) {
        self.addresses(instruction, Backtrace::from_frame_pointer(frame_pointer));
    }

    fn addresses(&mut self, innermost: u64, callers: Backtrace) {
        self.begin_section();
        let _ = writeln!(
            self,
            "backtrace, innermost first; names: addr2line -fipCe kernel.debug.elf ADDRESS"
        );
        let _ = writeln!(self, "  {innermost:#018x}");
        for address in callers {
            let _ = writeln!(self, "  {address:#018x}");
        }
    }

    fn registers_of_here(&mut self) -> fmt::Result {
        use x86_64::registers::control::{Cr0, Cr2, Cr3, Cr4};
        // The registers that calls preserve: they still hold values of the code that gave up.
        let mut preserved = [0_u64; 7];
        // SAFETY: the registers are only copied, to an array that has room for all of them.
        unsafe {
            core::arch::asm!(
                "mov [{0}], rsp",
                "mov [{0} + 8], rbp",
                "mov [{0} + 16], rbx",
                "mov [{0} + 24], r12",
                "mov [{0} + 32], r13",
                "mov [{0} + 40], r14",
                "mov [{0} + 48], r15",
                in(reg) preserved.as_mut_ptr(),
                options(nostack, preserves_flags),
            );
        }
        let [rsp, rbp, rbx, r12, r13, r14, r15] = preserved;
        let flags = x86_64::registers::rflags::read_raw();
        writeln!(
            self,
            "  rsp={rsp:016x}  rbp={rbp:016x}  rbx={rbx:016x}  flg={flags:016x}"
        )?;
        writeln!(
            self,
            "  r12={r12:016x}  r13={r13:016x}  r14={r14:016x}  r15={r15:016x}"
        )?;
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
        self.begin_section();
        let _ = writeln!(self, "GLYPHOS HALTED: reset the machine to start again");
        power::exit_emulator_or_halt()
    }
}

impl Write for Epitaph {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let count = text.len().min(self.section_bytes_left);
        self.section_bytes_left = self.section_bytes_left.saturating_sub(count);
        write_everywhere(text.as_bytes().get(..count).unwrap_or(&[]));
        if count < text.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
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

//! Processor exceptions: every one of them ends in a report and a stop.
//!
//! Owns the names of the vectors and the report of the registers.

use core::fmt::{self, Write};

use x86_64::registers::control::Cr2;

use super::trap::TrapFrame;
use crate::panic::Epitaph;

/// Names of the exceptions by vector.
const NAMES: [&str; 32] = [
    "divide error",
    "debug",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "no floating-point unit",
    "double fault",
    "coprocessor overrun",
    "invalid task state",
    "segment not present",
    "stack segment",
    "general protection",
    "page fault",
    "reserved",
    "floating point",
    "alignment check",
    "machine check",
    "vector floating point",
    "virtualization",
    "control protection",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "hypervisor injection",
    "vmm communication",
    "security",
    "reserved",
];
const PAGE_FAULT: u64 = 14;
const DOUBLE_FAULT: u64 = 8;

/// Reports the exception on every console and stops.
pub(super) fn handle(frame: &TrapFrame) -> ! {
    let mut epitaph = Epitaph::begin();
    let name = usize::try_from(frame.vector)
        .ok()
        .and_then(|vector| NAMES.get(vector));
    let _ = writeln!(
        epitaph,
        "exception {}: {}, error code {:#x}",
        frame.vector,
        name.unwrap_or(&"unknown"),
        frame.error_code
    );
    let fault_address = Cr2::read_raw();
    let is_overflow = super::stack::guards()
        .into_iter()
        .any(|guard| guard <= fault_address && fault_address < guard.saturating_add(4096));
    if matches!(frame.vector, PAGE_FAULT | DOUBLE_FAULT) && is_overflow {
        let _ = writeln!(
            epitaph,
            "a stack overflowed into its guard page at {fault_address:#x}"
        );
    }
    let _ = write_registers(&mut epitaph, frame, fault_address);
    epitaph.backtrace(frame.rip, frame.rbp);
    epitaph.end()
}

fn write_registers(out: &mut impl Write, frame: &TrapFrame, cr2: u64) -> fmt::Result {
    let rows = [
        [
            ("rip", frame.rip),
            ("rsp", frame.rsp),
            ("rbp", frame.rbp),
            ("cr2", cr2),
        ],
        [
            ("rax", frame.rax),
            ("rbx", frame.rbx),
            ("rcx", frame.rcx),
            ("rdx", frame.rdx),
        ],
        [
            ("rsi", frame.rsi),
            ("rdi", frame.rdi),
            ("r8 ", frame.r8),
            ("r9 ", frame.r9),
        ],
        [
            ("r10", frame.r10),
            ("r11", frame.r11),
            ("r12", frame.r12),
            ("r13", frame.r13),
        ],
        [
            ("r14", frame.r14),
            ("r15", frame.r15),
            ("cs ", frame.cs),
            ("flg", frame.rflags),
        ],
    ];
    for row in rows {
        for (name, value) in row {
            write!(out, "  {name}={value:016x}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

//! Turns the machine off, resets it, or leaves the emulator.
//!
//! Owns the order of the ways to do each: what the firmware's tables say comes first, then what known
//! machines do, and at last a message and a halt. None of the functions returns.

use core::arch::asm;

use x86_64::instructions::interrupts;
use x86_64::instructions::port::Port;
use x86_64::structures::DescriptorTablePointer;

use crate::acpi::{PowerFacts, Register};
use crate::cpu::{self, features};
use crate::memory::device::{Mmio, map_mmio};
use crate::{clock, serial};

const SLEEP_ENABLE: u16 = 1 << 13;
const SLEEP_TYPE_MASK: u16 = 7 << 10;
const SLEEP_TYPE_SHIFT: u16 = 10;
const ACPI_ENABLED: u16 = 1;
const REDUCED_SLEEP_ENABLE: u8 = 1 << 5;
const REDUCED_SLEEP_TYPE_SHIFT: u8 = 2;
/// Where QEMU's machines, new and old, listen for this without ACPI.
const EMULATOR_OFF: [(u16, u16); 2] = [(0x604, 0x2000), (0xb004, 0x2000)];
/// QEMU's `isa-debug-exit` device: status `2 * value + 1`.
const DEBUG_EXIT: u16 = 0xf4;
/// Leaves the emulator with status 35: a panic, unlike 33 (success) and 0 (power off).
const DEBUG_EXIT_PANIC: u32 = 0x11;
const KEYBOARD_STATUS: u16 = 0x64;
const KEYBOARD_INPUT_FULL: u8 = 1 << 1;
const KEYBOARD_PULSE_RESET: u8 = 0xfe;
const RESET_CONTROL: u16 = 0xcf9;
/// Looks at a device that should answer within milliseconds; one look is about a microsecond.
const LOOK_COUNT_MAX: u32 = 100_000;
/// How long a device gets to act, in nanoseconds.
const SETTLE_NS: u64 = 500_000_000;
/// Ends the wait even if the clock stands still.
const SETTLE_LOOK_COUNT_MAX: u32 = 2_000_000;

struct Prepared {
    facts: PowerFacts,
    sleep_control: Option<Mmio>,
    reset: Option<Mmio>,
}

static PREPARED: spin::Once<Prepared> = spin::Once::new();

/// Keeps the facts, and maps the registers that lie in memory while mapping is still possible.
pub(crate) fn init(facts: PowerFacts) {
    let mapped = |register: Option<Register>| match register {
        Some(Register::Memory(address)) => map_mmio(address, 1).ok(),
        _ => None,
    };
    PREPARED.call_once(|| Prepared {
        facts,
        sleep_control: mapped(facts.fixed.sleep_control),
        reset: mapped(facts.fixed.reset.map(|(register, _)| register)),
    });
}

/// True if the firmware's tables say how to turn the machine off.
pub fn has_soft_off() -> bool {
    PREPARED
        .get()
        .is_some_and(|prepared| prepared.facts.soft_off.is_some())
}

fn write8(port: u16, value: u8) {
    // SAFETY: the callers write to power, reset and exit registers, and mean what that does.
    unsafe { Port::<u8>::new(port).write(value) }
}

fn write16(port: u16, value: u16) {
    // SAFETY: as above.
    unsafe { Port::<u16>::new(port).write(value) }
}

fn read16(port: u16) -> u16 {
    // SAFETY: reading a power control register has no effect.
    unsafe { Port::<u16>::new(port).read() }
}

/// Turns the machine off. All queued output goes out first.
pub fn off() -> ! {
    serial::COM2.flush();
    serial::COM1.flush();
    interrupts::disable();
    if let Some(prepared) = PREPARED.get() {
        soft_off(prepared);
    }
    if features::get().is_virtual {
        for (port, value) in EMULATOR_OFF {
            write16(port, value);
        }
        settle();
    }
    serial::COM1.write_raw(b"The machine cannot turn itself off. It is safe to do it by hand.\r\n");
    cpu::halt_forever()
}

fn soft_off(prepared: &Prepared) {
    let fixed = &prepared.facts.fixed;
    let Some((type_a, type_b)) = prepared.facts.soft_off else {
        return;
    };
    let reduced_value = type_a << REDUCED_SLEEP_TYPE_SHIFT | REDUCED_SLEEP_ENABLE;
    match fixed.sleep_control {
        Some(Register::Port(port)) if fixed.is_hardware_reduced => write8(port, reduced_value),
        Some(Register::Memory(_)) if fixed.is_hardware_reduced => {
            if let Some(register) = &prepared.sleep_control {
                register.write8(0, reduced_value);
            }
        }
        _ => {}
    }
    if let Some(Register::Port(control_a)) = fixed.control_a {
        if let Some((port, value)) = fixed.enable
            && read16(control_a) & ACPI_ENABLED == 0
        {
            write8(port, value);
            let _ = (0..LOOK_COUNT_MAX).any(|_| read16(control_a) & ACPI_ENABLED != 0);
        }
        let sleep = |control: u16, kind: u8| {
            let kept = read16(control) & !SLEEP_TYPE_MASK & !SLEEP_ENABLE;
            write16(
                control,
                kept | u16::from(kind) << SLEEP_TYPE_SHIFT | SLEEP_ENABLE,
            );
        };
        sleep(control_a, type_a);
        if let Some(Register::Port(control_b)) = fixed.control_b {
            sleep(control_b, type_b);
        }
    }
    settle();
}

/// Gives a device time to act: an emulator does it between two instructions, a machine within
/// milliseconds.
fn settle() {
    let start_ns = clock::monotonic_ns();
    for _ in 0..SETTLE_LOOK_COUNT_MAX {
        // SAFETY: reading the keyboard controller's status has no effect.
        unsafe { Port::<u8>::new(KEYBOARD_STATUS).read() };
        if clock::monotonic_ns().saturating_sub(start_ns) > SETTLE_NS {
            return;
        }
    }
}

/// Resets the machine. All queued output goes out first.
pub fn reboot() -> ! {
    serial::COM2.flush();
    serial::COM1.flush();
    interrupts::disable();
    if let Some(prepared) = PREPARED.get() {
        match prepared.facts.fixed.reset {
            Some((Register::Port(port), value)) => write8(port, value),
            Some((Register::Memory(_), value)) => {
                if let Some(register) = &prepared.reset {
                    register.write8(0, value);
                }
            }
            None => {}
        }
        settle();
    }
    // SAFETY: reading the keyboard controller's status has no effect.
    let is_busy = || unsafe { Port::<u8>::new(KEYBOARD_STATUS).read() } & KEYBOARD_INPUT_FULL != 0;
    if (0..LOOK_COUNT_MAX).any(|_| !is_busy()) {
        write8(KEYBOARD_STATUS, KEYBOARD_PULSE_RESET);
        settle();
    }
    // Reset request, then the same with the full-reset bit.
    write8(RESET_CONTROL, 0x02);
    write8(RESET_CONTROL, 0x06);
    settle();
    triple_fault()
}

/// Resets the processor by a fault that nothing can handle: the last resort.
fn triple_fault() -> ! {
    let empty = DescriptorTablePointer {
        limit: 0,
        base: x86_64::VirtAddr::zero(),
    };
    // SAFETY: this ends the execution of the kernel, which is what the caller wants; with an empty
    // table the next interrupt, raised here, cannot be delivered and resets the processor.
    unsafe {
        x86_64::instructions::tables::lidt(&empty);
        asm!("int3", options(nomem, nostack));
    }
    cpu::halt_forever()
}

/// Leaves the emulator with the status of a panic if it offers that, and stops otherwise.
pub(crate) fn exit_emulator_or_halt() -> ! {
    interrupts::disable();
    let mut exit = Port::<u32>::new(DEBUG_EXIT);
    // SAFETY: the device answers 0 and an empty port all ones; on a machine that is not virtual the
    // port is left alone.
    let has_exit = features::get().is_virtual && unsafe { exit.read() } == 0;
    if has_exit {
        // SAFETY: the write ends the emulator, which is what the caller wants.
        unsafe { exit.write(DEBUG_EXIT_PANIC) };
    }
    cpu::halt_forever()
}

//! The processor's own interrupt controller: lets the 8259s through, and ticks where they cannot.
//!
//! Owns the local controller's registers, in memory or, in x2APIC mode, in model-specific registers.

use x86_64::registers::model_specific::Msr;

use super::LOCAL_SPURIOUS_VECTOR;
use crate::clock;
use crate::cpu::features;
use crate::memory::device::{Mmio, map_mmio};

const APIC_BASE: u32 = 0x1b;
const IS_ENABLED: u64 = 1 << 11;
const IS_X2APIC: u64 = 1 << 10;
const ADDRESS_MASK: u64 = 0x000f_ffff_ffff_f000;
const X2APIC_FIRST: u32 = 0x800;

const TASK_PRIORITY: usize = 0x80;
const END_OF_INTERRUPT: usize = 0xb0;
const SPURIOUS: usize = 0xf0;
const TIMER: usize = 0x320;
const LINE_0: usize = 0x350;
const LINE_1: usize = 0x360;
const TIMER_INITIAL: usize = 0x380;
const TIMER_CURRENT: usize = 0x390;
const TIMER_DIVIDE: usize = 0x3e0;

const SOFTWARE_ENABLE: u32 = 1 << 8;
const EXTERNAL_8259: u32 = 0x700;
const NON_MASKABLE: u32 = 0x400;
const MASKED: u32 = 1 << 16;
const PERIODIC: u32 = 1 << 17;
const DIVIDE_BY_16: u32 = 0b0011;
/// How long the timer is measured, in nanoseconds.
const MEASURE_NS: u64 = 10_000_000;
/// Looks at the clock before a measurement ends even if the clock stands still.
const LOOK_COUNT_MAX: u32 = 10_000_000;

enum Registers {
    Memory(Mmio),
    ModelSpecific,
}

static REGISTERS: spin::Once<Option<Registers>> = spin::Once::new();

impl Registers {
    fn find() -> Option<Self> {
        if !features::get().has_apic {
            return None;
        }
        // SAFETY: a processor with a local controller has this register; reading it has no effect.
        let base = unsafe { Msr::new(APIC_BASE).read() };
        if base & IS_ENABLED == 0 {
            return None;
        }
        if base & IS_X2APIC != 0 {
            return Some(Self::ModelSpecific);
        }
        map_mmio(base & ADDRESS_MASK, 0x1000).ok().map(Self::Memory)
    }

    fn write(&self, register: usize, value: u32) {
        match self {
            Self::Memory(mmio) => {
                mmio.write32(register, value);
            }
            Self::ModelSpecific => {
                // SAFETY: in x2APIC mode each register used here exists at its offset by 16, and the
                // values written are legal for it.
                unsafe { Msr::new(model_specific(register)).write(u64::from(value)) }
            }
        }
    }

    fn read(&self, register: usize) -> u32 {
        match self {
            Self::Memory(mmio) => mmio.read32(register).unwrap_or(0),
            Self::ModelSpecific => {
                // SAFETY: as for writing; the low half holds the register.
                let value = unsafe { Msr::new(model_specific(register)).read() };
                u32::try_from(value & 0xffff_ffff).unwrap_or(0)
            }
        }
    }
}

fn model_specific(register: usize) -> u32 {
    X2APIC_FIRST | u32::try_from(register >> 4).unwrap_or(0)
}

fn registers() -> Option<&'static Registers> {
    REGISTERS.call_once(Registers::find).as_ref()
}

/// Lets the 8259s' interrupts through ("virtual wire"), as firmware usually, but not always, leaves it.
pub(super) fn pass_legacy_interrupts() {
    let Some(registers) = registers() else { return };
    registers.write(TIMER, MASKED);
    registers.write(TASK_PRIORITY, 0);
    registers.write(SPURIOUS, SOFTWARE_ENABLE | u32::from(LOCAL_SPURIOUS_VECTOR));
    registers.write(LINE_0, EXTERNAL_8259);
    registers.write(LINE_1, NON_MASKABLE);
}

/// Makes the controller's own timer tick at `frequency_hz`.
pub(super) fn start_timer(vector: u8, frequency_hz: u64) {
    let Some(registers) = registers() else { return };
    registers.write(TIMER_DIVIDE, DIVIDE_BY_16);
    registers.write(TIMER, MASKED);
    registers.write(TIMER_INITIAL, u32::MAX);
    let start_ns = clock::monotonic_ns();
    for _ in 0..LOOK_COUNT_MAX {
        if clock::monotonic_ns().saturating_sub(start_ns) >= MEASURE_NS {
            break;
        }
        core::hint::spin_loop();
    }
    let counts = u64::from(u32::MAX.saturating_sub(registers.read(TIMER_CURRENT)));
    let elapsed_ns = clock::monotonic_ns().saturating_sub(start_ns);
    let period_ns = 1_000_000_000_u64
        .checked_div(frequency_hz)
        .unwrap_or(MEASURE_NS);
    let initial = counts
        .saturating_mul(period_ns)
        .checked_div(elapsed_ns)
        .unwrap_or(counts);
    registers.write(TIMER, PERIODIC | u32::from(vector));
    registers.write(
        TIMER_INITIAL,
        u32::try_from(initial.max(1)).unwrap_or(u32::MAX),
    );
}

/// Tells the controller that its timer's handler is done.
pub(super) fn end_of_interrupt() {
    if let Some(registers) = registers() {
        registers.write(END_OF_INTERRUPT, 0);
    }
}

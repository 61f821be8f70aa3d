//! The processor: what it is, its stacks, descriptor tables and faults.
//!
//! Owns everything that is per processor. The kernel runs on one.

pub mod backtrace;
pub mod descriptors;
pub mod exceptions;
pub mod features;
pub mod stack;
pub mod trap;

use x86_64::instructions::{hlt, interrupts};
use x86_64::registers::control::{Cr4, Cr4Flags};
use x86_64::registers::xcontrol::XCr0;

/// All floating-point exceptions masked, rounding to nearest, no flushing of small numbers to zero.
const VECTOR_CONTROL: u32 = 0x1f80;

/// Loads the descriptor tables and turns on what protects the kernel from itself.
pub(crate) fn init() {
    descriptors::init();
    // SAFETY: the value is the architecture's default; a loader that left another one would make the
    // same computation give other bits.
    unsafe {
        core::arch::asm!("ldmxcsr [{}]", in(reg) &VECTOR_CONTROL, options(nostack, readonly))
    };
    let features = features::get();
    let mut flags = Cr4Flags::PAGE_GLOBAL;
    flags.set(
        Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION,
        features.has_smep,
    );
    flags.set(
        Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION,
        features.has_smap,
    );
    flags.set(
        Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION,
        features.has_umip,
    );
    flags.set(
        Cr4Flags::MACHINE_CHECK_EXCEPTION,
        features.has_machine_check,
    );
    flags.set(Cr4Flags::OSXSAVE, features.wide_vectors != 0);
    // SAFETY: each flag is set only where the processor has the feature, and no page is user
    // accessible, so that nothing that the kernel does is forbidden by them.
    unsafe { Cr4::update(|live| live.insert(flags)) };
    if features.wide_vectors != 0 {
        // SAFETY: XSAVE was just switched on, and the processor says that it keeps these registers,
        // whose bits belong together. Nothing saves them: handlers leave them as they are (trap.rs).
        unsafe { XCr0::write_raw(features.wide_vectors) };
    }
}

/// Stops the processor for good.
pub fn halt_forever() -> ! {
    loop {
        interrupts::disable();
        hlt();
    }
}

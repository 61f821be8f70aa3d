//! All that touches the x86_64 machine.
//!
//! Owns processor, memory, interrupts, serial ports, clock, random numbers and power, and gives them
//! out as safe functions. It starts the kernel ([`kernel_entry!`]), tells how it was started
//! ([`boot::BootFacts`]), sets everything up once ([`init`]), and offers mechanisms, never policy.
//! Parsers of what firmware and loaders hand over are pure and tested on a host.
//!
//! Invariants:
//! - all unsafe code of the kernel is here, save what a driver needs to hand memory to a device, and the
//!   calls of what `vector` has compiled for wide registers;
//! - one processor runs the kernel, and interrupt handlers take only locks held with interrupts off;
//! - whatever is missing in the machine is told, and limits only what needs it.
#![no_std]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#![expect(
    unsafe_code,
    reason = "this crate is where the kernel meets the machine"
)]

#[cfg(test)]
extern crate std;

#[doc(hidden)]
pub use bootloader_api;

pub mod acpi;
pub mod boot;
pub mod clock;
pub mod cpu;
pub mod drill;
pub mod entropy;
pub mod interrupts;
pub mod memory;
pub mod panic;
pub mod pci;
pub mod power;
pub mod selftest;
pub mod serial;
pub mod sync;

use core::sync::atomic::{AtomicBool, Ordering};

use acpi::AcpiError;
use boot::{BootFacts, FramebufferFacts, phases};
use entropy::EntropyError;
use memory::MemoryError;
use memory::device::{Mmio, map_framebuffer};
use panic::Build;

/// A screen: its geometry and its memory.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Its geometry.
    pub facts: FramebufferFacts,
    memory: Mmio,
}

static PIXELS_TAKEN: AtomicBool = AtomicBool::new(false);

impl Screen {
    /// The pixels as memory, for the first who asks; nothing for anyone after.
    pub fn take_pixels(&self) -> Option<&'static mut [u8]> {
        if PIXELS_TAKEN.swap(true, Ordering::Relaxed) {
            return None;
        }
        let (start, length) = (self.memory.pointer().as_ptr(), self.memory.bytes());
        // SAFETY: the mapping stays for good, has that length, and this is the one reference that
        // is ever made to it; any bytes are valid pixels.
        Some(unsafe { core::slice::from_raw_parts_mut(start, length) })
    }
}

/// The machine, set up. What it has is told here; what it does is in this crate's modules.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The ramdisk's bytes, if the loader brought one.
    pub ramdisk: Option<&'static [u8]>,
    /// The screen, if there is one.
    pub screen: Option<Screen>,
    /// Whether the firmware's tables tell how to turn the machine off.
    pub acpi: Result<(), AcpiError>,
    /// Whether the processor makes random numbers.
    pub entropy: Result<(), EntropyError>,
}

/// Sets the machine up. To be called once, first of all.
///
/// # Errors
/// A [`MemoryError`] if there is too little memory to run; serial ports work then.
pub fn init(facts: &BootFacts, build: Build) -> Result<Machine, MemoryError> {
    panic::set_build(build);
    cpu::init();
    phases::mark("processor");
    // The firmware's tables are reachable only through the loader's page tables.
    let power_facts = acpi::discover(&memory::LoaderMap, facts.rsdp_address);
    phases::mark("firmware");
    memory::init(facts)?;
    phases::mark("memory");
    let has_rtc = !power_facts.is_ok_and(|facts| facts.fixed.has_no_rtc);
    let pm_timer_port = power_facts.ok().and_then(|facts| facts.fixed.pm_timer_port);
    power::init(power_facts.unwrap_or_default());
    clock::init(has_rtc, pm_timer_port);
    phases::mark("clock");
    serial::init();
    interrupts::init();
    phases::mark("interrupts");
    let entropy = entropy::init();
    let screen = facts.framebuffer.and_then(|facts| {
        let memory = map_framebuffer(facts.range.start, facts.range.bytes()).ok()?;
        Some(Screen { facts, memory })
    });
    phases::mark("devices");
    Ok(Machine {
        ramdisk: facts.ramdisk.map(memory::ramdisk_bytes),
        screen,
        acpi: power_facts.map(drop),
        entropy,
    })
}

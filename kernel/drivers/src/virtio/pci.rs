//! Finds virtio devices on the PCI bus and brings their registers and interrupt lines within reach.
//!
//! Owns the walk over the buses. What a device says about itself is untrusted: its register
//! ranges are checked to be mappable before the library, which would stop the machine, sees them.

use super::hal::MachineHal;
use alloc::vec::Vec;
use machine::interrupts::line::DeviceLine;
use machine::memory::device::map_mmio;
use machine::pci::{Function, read32, write32};
use virtio_drivers::transport::DeviceType;
use virtio_drivers::transport::pci::bus::{
    BarInfo, Command, ConfigurationAccess, DeviceFunction, PciRoot,
};
use virtio_drivers::transport::pci::{PciTransport, virtio_device_type};

/// Buses walked: firmware numbers those behind bridges from 1 up.
const BUS_COUNT: u8 = 8;
/// Virtio devices of one kind that are taken into account.
const DEVICE_COUNT_MAX: usize = 8;

/// Configuration space through the ports that every PC has.
struct Ports;

const fn function(at: DeviceFunction) -> Function {
    Function {
        bus: at.bus,
        device: at.device,
        function: at.function,
    }
}

impl ConfigurationAccess for Ports {
    fn read_word(&self, at: DeviceFunction, register_offset: u8) -> u32 {
        read32(function(at), register_offset)
    }

    fn write_word(&mut self, at: DeviceFunction, register_offset: u8, data: u32) {
        // SAFETY: this module and the library write the command word and, while decoding is off,
        // the base addresses they then restore; the device gets memory by `MachineHal` only.
        unsafe { write32(function(at), register_offset, data) };
    }

    unsafe fn unsafe_clone(&self) -> Self {
        Ports
    }
}

/// The transports of all virtio devices of one kind, in the order of the bus, with the lines that
/// they interrupt by.
#[must_use]
pub fn find(kind: DeviceType) -> Vec<(PciTransport, Option<DeviceLine>)> {
    let mut root = PciRoot::new(Ports);
    let mut found = Vec::new();
    for bus in 0..BUS_COUNT {
        for (at, info) in root.enumerate_bus(bus) {
            if virtio_device_type(&info) == Some(kind) && found.len() < DEVICE_COUNT_MAX {
                found.push(at);
            }
        }
    }
    found
        .into_iter()
        .filter_map(|at| open(&mut root, at))
        .collect()
}

fn open(
    root: &mut PciRoot<Ports>,
    at: DeviceFunction,
) -> Option<(PciTransport, Option<DeviceLine>)> {
    if !registers_are_sound(root, at) {
        return None;
    }
    let line = DeviceLine::of(function(at));
    let silence = match line {
        Some(_) => Command::empty(),
        None => Command::INTERRUPT_DISABLE,
    };
    root.set_command(at, Command::MEMORY_SPACE | Command::BUS_MASTER | silence);
    let transport = PciTransport::new::<MachineHal, _>(root, at).ok()?;
    Some((transport, line))
}

/// Whether each memory range of the device can be mapped, which also maps it for the library.
fn registers_are_sound(root: &mut PciRoot<Ports>, at: DeviceFunction) -> bool {
    let Ok(bars) = root.bars(at) else {
        return false;
    };
    bars.iter().flatten().all(|bar| match bar {
        BarInfo::IO { .. } => true,
        BarInfo::Memory { address: 0, .. } | BarInfo::Memory { size: 0, .. } => true,
        BarInfo::Memory { address, size, .. } => map_mmio(*address, *size).is_ok(),
    })
}

//! Finds virtio devices on a machine without PCI: QEMU's microvm and its kin.
//!
//! Owns the probe. The places are looked at only where PCI is absent, because on other machines
//! the same addresses belong to other devices.
//! Source of the layout: QEMU, `include/hw/i386/microvm.h` (`VIRTIO_MMIO_BASE`).

use alloc::vec::Vec;
use core::ptr::NonNull;
use machine::memory::device::map_mmio;
use machine::pci::{Function, read32};
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};
use virtio_drivers::transport::{DeviceType, Transport};

const BASE: u64 = 0xfeb0_0000;
const SLOT_BYTES: usize = 512;
const SLOT_COUNT: u64 = 24;
/// "virt", little-endian: the first word of every slot.
const MAGIC: u32 = 0x7472_6976;
/// A read of a function that is not there.
const NOBODY: u32 = u32::MAX;

/// The transports of all virtio devices of one kind, the last plugged first, as QEMU fills slots
/// from the end.
#[must_use]
pub fn find(kind: DeviceType) -> Vec<MmioTransport<'static>> {
    if read32(
        Function {
            bus: 0,
            device: 0,
            function: 0,
        },
        0,
    ) != NOBODY
    {
        return Vec::new();
    }
    (0..SLOT_COUNT)
        .rev()
        .filter_map(|slot| {
            open(
                BASE.saturating_add(slot.saturating_mul(SLOT_BYTES as u64)),
                kind,
            )
        })
        .collect()
}

fn open(address: u64, kind: DeviceType) -> Option<MmioTransport<'static>> {
    let registers = map_mmio(address, SLOT_BYTES as u64).ok()?;
    let id = registers.read32(8)?;
    if registers.read32(0)? != MAGIC || id != u32::from(kind as u8) {
        return None;
    }
    let header: NonNull<VirtIOHeader> = registers.pointer().cast();
    // SAFETY: the slot is mapped for good, holds a virtio device by its magic and id, and only
    // the one transport that a slot gets uses it.
    let transport = unsafe { MmioTransport::new(header, SLOT_BYTES) }.ok()?;
    (transport.device_type() == kind).then_some(transport)
}

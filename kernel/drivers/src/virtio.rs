//! Virtio devices: how they are found, and the two that GlyphOS uses.
//!
//! The rings and transports are the `virtio-drivers` crate's; the requests, with their bounce
//! buffers and deadlines, are ours, because the crate's own calls wait for ever.

#![expect(
    unsafe_code,
    reason = "a device reads and writes memory by itself; each block says why that is sound"
)]

pub mod block;
pub mod entropy;
pub mod hal;
pub mod mmio;
pub mod pci;
mod request;
mod waiting;

use alloc::boxed::Box;
use alloc::vec::Vec;
use ledger::BlockDevice;
use machine::entropy::Source;
use machine::interrupts::line::DeviceLine;
use virtio_drivers::transport::{DeviceType, SomeTransport};

/// Every virtio device of one kind, wherever the machine has it, with the line that it interrupts by.
fn find(kind: DeviceType) -> impl Iterator<Item = (SomeTransport<'static>, Option<DeviceLine>)> {
    let on_pci = pci::find(kind)
        .into_iter()
        .map(|(transport, line)| (SomeTransport::from(transport), line));
    let elsewhere = mmio::find(kind)
        .into_iter()
        .map(|transport| (SomeTransport::from(transport), None));
    on_pci.chain(elsewhere)
}

/// Every virtio disk that follows the specification, in the order of the bus.
#[must_use]
pub fn disks(now_ns: fn() -> u64) -> Vec<Box<dyn BlockDevice>> {
    find(DeviceType::Block)
        .filter_map(|(transport, line)| block::VirtioBlock::new(transport, line, now_ns).ok())
        .map(|disk| Box::new(disk) as Box<dyn BlockDevice>)
        .collect()
}

/// The first virtio source of entropy that follows the specification.
#[must_use]
pub fn entropy(now_ns: fn() -> u64) -> Option<Box<dyn Source>> {
    find(DeviceType::EntropySource)
        .find_map(|(transport, line)| entropy::VirtioEntropy::new(transport, line, now_ns).ok())
        .map(|source| Box::new(source) as Box<dyn Source>)
}

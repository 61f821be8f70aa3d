//! Drivers above the machine: virtio block and entropy, framebuffer text.
//!
//! Each driver takes its device through `machine`'s safe interfaces and gives it the trait
//! that its consumer owns: `ledger::BlockDevice` for disks, `node::ports` for the rest.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod screen;
pub mod virtio;

//! An append-only, mirrored, hash-chained record log on a raw block device.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod device;

pub use device::{BlockDevice, DeviceError, SECTOR_BYTES};

//! An append-only, mirrored, hash-chained record log on a raw block device.
//!
//! Owns the on-disk format (FORMAT.md beside this crate) and the [`BlockDevice`] that it needs;
//! payloads are the caller's bytes. The kernel and the operator's tool on a host run this same
//! code, so both reach the same verdict about a device.
//!
//! Invariants:
//! - an acknowledged record survives a crash at any instant, and any single fault of the device;
//! - a double fault is repaired or makes the ledger read-only, with the reason in its report;
//! - a device that holds no ledger is never written, except by [`format()`];
//! - bytes from a device are untrusted: any content gives a value or a typed error.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod copy;
mod defect;
mod device;
mod error;
mod examine;
mod finding;
mod format;
mod frame;
mod geometry;
mod ledger;
mod records;
mod recovery;
mod scan;
#[cfg(any(test, feature = "simulated"))]
pub mod simulated;
mod superblock;
mod version;
mod window;

#[cfg(test)]
mod format_document;

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "campaigns make bytes of random numbers and sizes of a device of 256 KiB"
)]
mod campaign;

pub use copy::{CopyError, bytes_for, copy};
pub use device::{BlockDevice, DeviceError, SECTOR_BYTES};
pub use error::{
    AppendError, Fate, FormatError, OpenError, ReadError, ReadOnlyReason, ReplayError,
};
pub use examine::{Examination, examine};
pub use finding::{FINDINGS_MAX, Finding, Findings, Gravity};
pub use format::{Seed, format};
pub use frame::{Frame, HEADER_BYTES, PAYLOAD_BYTES_MAX, genesis_chain};
pub use geometry::{DEVICE_BYTES_MIN, FRAME_BYTES, GROUP_RECORDS_MAX, Geometry, Place};
pub use ledger::{Departure, Entry, Ledger, Receipt, Record, Reserve};
pub use recovery::RecoveryReport;
pub use superblock::{BAD_SLOTS_MAX, VERSION_MAJOR, VERSION_MINOR};

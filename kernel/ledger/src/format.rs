//! Makes an empty ledger on a device: FORMAT.md, section "Formatting".
//!
//! Called only on the operator's word; everything the device held is given up.
//!
//! Invariant: a crash in the middle leaves the old ledger, no ledger, or the new one; never a
//! mixture, because the old superblocks are gone for good before the first new one is written.

use alloc::boxed::Box;

use crate::device::BlockDevice;
use crate::error::FormatError;
use crate::frame::genesis_chain;
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Geometry, RESERVED_FRAMES, SUPERBLOCK_COPIES};
use crate::superblock::{self, BadSlots, Superblock};
use crate::version::Version;

/// What makes one ledger different from every other: both random, from the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Names the device.
    pub device_uuid: [u8; 16],
    /// Names this life of it; part of every chain value and of every signed message.
    pub epoch: [u8; 16],
}

/// Gives up what `device` held and makes an empty ledger on it.
///
/// # Errors
/// [`FormatError::TooSmall`] before anything is written; after any other error the device has
/// to be formatted again.
pub fn format<D: BlockDevice>(device: &mut D, seed: Seed) -> Result<(), FormatError> {
    format_as(device, seed, Version::NEWEST)
}

/// As [`format()`], of any version: a copy is of the version of its original.
pub(crate) fn format_as<D: BlockDevice>(
    device: &mut D,
    seed: Seed,
    version: Version,
) -> Result<(), FormatError> {
    let geometry = Geometry::for_sectors(device.sector_count()).ok_or(FormatError::TooSmall)?;
    let mut frame = Box::new([0; FRAME_BYTES]);
    for copy in 0..SUPERBLOCK_COPIES {
        device.write(geometry.superblock_sector(copy), frame.as_slice())?;
    }
    device.flush()?;
    // A partition table left at either end would let another system take the disk for its own.
    let reserved_sectors = RESERVED_FRAMES.saturating_mul(FRAME_SECTORS);
    let tail = device.sector_count().saturating_sub(reserved_sectors);
    for reserved in 0..RESERVED_FRAMES {
        let offset = reserved.saturating_mul(FRAME_SECTORS);
        device.write(offset, frame.as_slice())?;
        device.write(tail.saturating_add(offset), frame.as_slice())?;
    }
    let superblock = Superblock {
        version,
        device_uuid: seed.device_uuid,
        epoch: seed.epoch,
        sequence: 1,
        incarnation: 0,
        fence_seq: 0,
        fence_chain: genesis_chain(&seed.epoch, &seed.device_uuid),
        geometry,
        bad_slots: BadSlots::default(),
        features_read_only: 0,
    };
    for copy in 0..SUPERBLOCK_COPIES {
        let sector = geometry.superblock_sector(copy);
        superblock::encode(&mut frame, &superblock, copy, sector);
        device.write(sector, frame.as_slice())?;
    }
    device.flush()?;
    for copy in 0..SUPERBLOCK_COPIES {
        let sector = geometry.superblock_sector(copy);
        device.read(sector, frame.as_mut_slice())?;
        if superblock::decode(&frame, copy, sector).as_ref() != Ok(&superblock) {
            return Err(FormatError::ReadBack);
        }
    }
    Ok(())
}

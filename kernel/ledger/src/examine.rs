//! What a device holds, found out without writing a byte.
//!
//! Owns the decision whether a device is blank, a ledger, or someone else's. When in doubt the
//! answer is [`Examination::Foreign`]: a device is never formatted on a guess.

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use crate::device::{BlockDevice, DeviceError, SECTOR_BYTES};
use crate::frame::is_zero;
use crate::geometry::{DEVICE_BYTES_MIN, FRAME_BYTES, FRAME_SECTORS, Geometry, SUPERBLOCK_COPIES};
use crate::superblock::{self, Refusal};

const SECTOR: u64 = SECTOR_BYTES as u64;
/// Bytes looked at from either end of the device.
const END_BYTES: u64 = 1 << 20;
/// Bytes of one read while looking.
const CHUNK_BYTES: usize = 64 * 1024;

/// What a device holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examination {
    /// Zeros at every superblock place and in the first and the last MiB.
    Blank,
    /// A ledger.
    Ours {
        /// Random at format.
        device_uuid: [u8; 16],
        /// Random at format; part of every chain value.
        epoch: [u8; 16],
        /// Sound copies of the superblock, from 1 to 4.
        superblocks: usize,
    },
    /// A ledger of a format that this version does not know.
    Unsupported {
        /// Major version of the format.
        version_major: u16,
        /// Incompatible features that are set.
        features: u64,
    },
    /// Someone else's data.
    Foreign {
        /// What it looks like.
        what: &'static str,
    },
    /// Too small for a ledger.
    TooSmall {
        /// Bytes that a ledger needs.
        need_bytes: u64,
    },
    /// The device could not be read.
    Unreadable(DeviceError),
}

impl fmt::Display for Examination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Examination::Blank => out.write_str("the device is blank; `ledger format` makes one"),
            Examination::Ours { .. } => out.write_str("a GlyphOS ledger"),
            Examination::Unsupported { version_major, .. } => {
                write!(
                    out,
                    "a GlyphOS ledger of the unknown format {version_major}"
                )
            }
            Examination::Foreign { what } => write!(out, "the device holds {what}"),
            Examination::TooSmall { need_bytes } => {
                write!(out, "the device is smaller than {need_bytes} bytes")
            }
            Examination::Unreadable(error) => write!(out, "{error}"),
        }
    }
}

/// Finds out what `device` holds. Reads only.
pub fn examine<D: BlockDevice>(device: &mut D) -> Examination {
    let Some(geometry) = Geometry::for_sectors(device.sector_count()) else {
        return Examination::TooSmall {
            need_bytes: DEVICE_BYTES_MIN,
        };
    };
    let places = SuperblockPlaces::read(device, geometry);
    if let Some(verdict) = places.verdict() {
        return verdict;
    }
    if let Some(what) = signature(device) {
        return Examination::Foreign { what };
    }
    match ends_are_zero(device) {
        Err(error) => Examination::Unreadable(error),
        Ok(false) => Examination::Foreign {
            what: "unknown data",
        },
        Ok(true) => match places.first_error {
            Some(error) => Examination::Unreadable(error),
            None if places.any_bytes => Examination::Foreign {
                what: "unknown data",
            },
            None => Examination::Blank,
        },
    }
}

/// The four superblock copies as they were found.
pub(crate) struct SuperblockPlaces {
    pub(crate) copies: [Result<superblock::Superblock, Refusal>; SUPERBLOCK_COPIES],
    first_error: Option<DeviceError>,
    any_bytes: bool,
}

impl SuperblockPlaces {
    /// Reads all copies. The first lies at a fixed place and says how large the device was
    /// when it was formatted, so that a grown image is still found.
    pub(crate) fn read<D: BlockDevice>(device: &mut D, geometry: Geometry) -> Self {
        let mut places = SuperblockPlaces {
            copies: [const { Err(Refusal::Foreign) }; SUPERBLOCK_COPIES],
            first_error: None,
            any_bytes: false,
        };
        let mut frame = Box::new([0; FRAME_BYTES]);
        let mut geometry = geometry;
        for (copy, found) in places.copies.iter_mut().enumerate() {
            let sector = geometry.superblock_sector(copy);
            match device.read(sector, frame.as_mut_slice()) {
                Ok(()) => {
                    places.any_bytes |= !is_zero(frame.as_slice());
                    *found = superblock::decode(&frame, copy, sector);
                }
                Err(error) => {
                    places.first_error = places.first_error.or(Some(error));
                    *found = Err(Refusal::Damaged);
                }
            }
            if let (0, Ok(first)) = (copy, &*found) {
                geometry = first.geometry;
            }
        }
        places
    }

    /// The sound copies.
    pub(crate) fn sound(&self) -> impl Iterator<Item = &superblock::Superblock> {
        self.copies.iter().filter_map(|copy| copy.as_ref().ok())
    }

    fn verdict(&self) -> Option<Examination> {
        let newest = self.sound().max_by_key(|copy| copy.sequence);
        if let Some(newest) = newest {
            return Some(Examination::Ours {
                device_uuid: newest.device_uuid,
                epoch: newest.epoch,
                superblocks: self.sound().count(),
            });
        }
        let refusals = || self.copies.iter().filter_map(|copy| copy.as_ref().err());
        let unsupported = refusals().find_map(|refusal| match refusal {
            Refusal::Unsupported {
                version_major,
                features,
            } => Some(Examination::Unsupported {
                version_major: *version_major,
                features: *features,
            }),
            _ => None,
        });
        if unsupported.is_some() {
            return unsupported;
        }
        let damaged = self.first_error.is_none()
            && refusals().any(|refusal| matches!(refusal, Refusal::Damaged));
        damaged.then_some(Examination::Foreign {
            what: "a GlyphOS ledger whose superblocks are all damaged; restore a backup",
        })
    }
}

/// Well-known marks: byte offset, mark, name. More specific ones come first.
const SIGNATURES: &[(u64, &[u8], &str)] = &[
    (512, b"EFI PART", "a GPT partition table"),
    (4096, b"EFI PART", "a GPT partition table"),
    (0, b"LUKS\xBA\xBE", "a LUKS encrypted volume"),
    (0, b"XFSB", "an XFS file system"),
    (3, b"NTFS    ", "an NTFS file system"),
    (3, b"EXFAT   ", "an exFAT file system"),
    (54, b"FAT1", "a FAT file system"),
    (82, b"FAT32", "a FAT file system"),
    (0, b"QFI\xFB", "a qcow2 disk image"),
    (0, b"SQLite format 3", "an SQLite database"),
    (512, b"LABELONE", "an LVM physical volume"),
    (0, b"LABELONE", "an LVM physical volume"),
    (1080, b"\x53\xEF", "an ext2, ext3 or ext4 file system"),
    (4086, b"SWAPSPACE2", "Linux swap space"),
    (4096, b"\xFC\x4E\x2B\xA9", "a Linux RAID member"),
    (32_769, b"CD001", "an ISO 9660 file system"),
    (65_600, b"_BHRfS_M", "a btrfs file system"),
    (510, b"\x55\xAA", "an MBR partition table or boot sector"),
];

fn signature<D: BlockDevice>(device: &mut D) -> Option<&'static str> {
    let mut sector_bytes = [0; SECTOR_BYTES];
    SIGNATURES.iter().find_map(|&(offset, mark, what)| {
        let start = usize::try_from(offset % SECTOR).ok()?;
        device.read(offset / SECTOR, &mut sector_bytes).ok()?;
        let found = sector_bytes.get(start..)?.starts_with(mark);
        found.then_some(what)
    })
}

fn ends_are_zero<D: BlockDevice>(device: &mut D) -> Result<bool, DeviceError> {
    let sectors = device.sector_count();
    let end_sectors = (END_BYTES / SECTOR).min(sectors);
    let last_start = sectors.saturating_sub(end_sectors);
    Ok(range_is_zero(device, 0, end_sectors)? && range_is_zero(device, last_start, end_sectors)?)
}

fn range_is_zero<D: BlockDevice>(
    device: &mut D,
    start: u64,
    sectors: u64,
) -> Result<bool, DeviceError> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let step = CHUNK_BYTES / SECTOR_BYTES;
    let end = start.saturating_add(sectors);
    for sector in (start..end).step_by(step) {
        let left = usize::try_from(end.saturating_sub(sector)).unwrap_or(step);
        let bytes = left.min(step).saturating_mul(SECTOR_BYTES);
        let chunk = buffer.get_mut(..bytes).ok_or(DeviceError::OutOfRange)?;
        device.read(sector, chunk)?;
        if !is_zero(chunk) {
            return Ok(false);
        }
    }
    Ok(true)
}

const _: () = assert!(CHUNK_BYTES.is_multiple_of(FRAME_BYTES));
const _: () = assert!(FRAME_SECTORS * SECTOR == FRAME_BYTES as u64);

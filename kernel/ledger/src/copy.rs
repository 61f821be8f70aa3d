//! Copies a whole ledger to another device: backups and their restoring.
//!
//! Owns the order of writes on the target. The copy has the source's version, epoch, records, groups
//! and chain, so every signature and every checkpoint of the source holds for it; its incarnations
//! and its layout are its own.
//!
//! Invariants:
//! - the source was read and verified to its end before the target is touched;
//! - what the target held is gone for good before the first frame of the copy is written, and no
//!   superblock is written before all its frames are durable: a copy cut short leaves the old
//!   ledger, none, or the whole copy, never a part of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use abi::Checkpoint;

use crate::device::{BlockDevice, DeviceError, SECTOR_BYTES};
use crate::error::{AppendError, FormatError, OpenError, ReadError, ReplayError};
use crate::format::{Seed, format_as};
use crate::frame::is_zero;
use crate::geometry::{DEVICE_BYTES_MIN, FRAME_BYTES, FRAME_SECTORS, Geometry, SUPERBLOCK_COPIES};
use crate::ledger::{Entry, Ledger, Reserve};

/// Why a ledger was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyError {
    /// The source cannot be read to its end; the target was not touched.
    Source(ReadError),
    /// The source is damaged; the target was not touched.
    Damaged,
    /// The target is too small; it was not touched.
    TooSmall {
        /// Bytes that the copy needs.
        need_bytes: u64,
    },
    /// The target could not be formatted; it holds no ledger now.
    Format(FormatError),
    /// The new ledger on the target does not open; it holds no ledger now.
    Open(OpenError),
    /// The target did not take a record; it holds no ledger now.
    Append(AppendError),
    /// The target failed; it holds no ledger now, or the whole copy.
    Device(DeviceError),
    /// The copy's chain is not the source's; the target holds no ledger now.
    Differs,
}

impl fmt::Display for CopyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CopyError::Source(error) => write!(out, "{error}"),
            CopyError::Damaged => out.write_str("the ledger to copy is damaged"),
            CopyError::TooSmall { need_bytes } => {
                write!(out, "the copy needs a device of {need_bytes} bytes")
            }
            CopyError::Format(error) => write!(out, "{error}"),
            CopyError::Open(error) => write!(out, "{error}"),
            CopyError::Append(error) => write!(out, "{error}"),
            CopyError::Device(error) => write!(out, "{error}"),
            CopyError::Differs => {
                out.write_str("the copy does not read as the original: try another device")
            }
        }
    }
}

impl core::error::Error for CopyError {}

/// More sectors than any layout uses: bounds the search for the smallest one.
const SECTORS_MAX: u64 = 1 << 40;

/// Bytes of the smallest device that takes `frames` frames in groups of up to `group_max`.
#[must_use]
pub fn bytes_for(frames: u64, group_max: usize) -> u64 {
    let fits = |sectors: &u64| {
        Geometry::for_sectors(*sectors)
            .is_some_and(|it| it.slot_count >= frames && it.group_max() >= group_max)
    };
    let sector_bytes = SECTOR_BYTES as u64;
    let smallest = DEVICE_BYTES_MIN.div_ceil(sector_bytes);
    // The layout only grows with the device, so halving finds the smallest one.
    let (mut low, mut high) = (smallest, smallest);
    while !fits(&high) && high < SECTORS_MAX {
        high = high.saturating_mul(2);
    }
    while low < high {
        let middle = low.midpoint(high);
        if fits(&middle) {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    low.saturating_mul(sector_bytes)
}

/// Gives up what `target` held and makes it a copy of `source`. Returns what it holds now.
///
/// # Errors
/// [`CopyError`], each kind of which says what became of the target.
pub fn copy<S: BlockDevice, T: BlockDevice>(
    source: &mut Ledger<S>,
    target: &mut T,
) -> Result<Checkpoint, CopyError> {
    let original = source.checkpoint().ok_or(CopyError::Damaged)?;
    let frames = source.frames();
    let group_max = longest_group(source)?;
    let need_bytes = bytes_for(frames, group_max);
    let geometry = Geometry::for_sectors(target.sector_count())
        .filter(|it| it.slot_count >= frames && it.group_max() >= group_max)
        .ok_or(CopyError::TooSmall { need_bytes })?;
    let mut staged = Staged::begin(target, geometry).map_err(CopyError::Device)?;
    let seed = Seed {
        device_uuid: source.device_uuid(),
        epoch: source.epoch(),
    };
    format_as(&mut staged, seed, source.version()).map_err(CopyError::Format)?;
    let (mut ledger, _) = Ledger::open(staged).map_err(CopyError::Open)?;
    append_all(source, &mut ledger)?;
    if ledger.checkpoint() != Some(original) {
        return Err(CopyError::Differs);
    }
    ledger.into_device().finish().map_err(CopyError::Device)?;
    Ok(original)
}

fn longest_group<S: BlockDevice>(source: &mut Ledger<S>) -> Result<usize, CopyError> {
    let mut longest = 1;
    let replayed = source.replay(|record| {
        longest = longest.max(record.group_frames);
        Ok::<(), CopyError>(())
    });
    replayed.map_err(reading)?;
    Ok(usize::try_from(longest).unwrap_or(usize::MAX))
}

fn append_all<S: BlockDevice, T: BlockDevice>(
    source: &mut Ledger<S>,
    copy: &mut Ledger<T>,
) -> Result<(), CopyError> {
    let mut group: Vec<(u8, Vec<u8>)> = Vec::new();
    let replayed = source.replay(|record| {
        group.push((record.kind, record.payload.to_vec()));
        if !record.closes_append {
            return Ok(());
        }
        let entries: Vec<Entry<'_>> = group
            .iter()
            .map(|(kind, payload)| Entry {
                kind: *kind,
                payload,
            })
            .collect();
        let receipt = copy.append_group(&entries, Reserve::Emergency);
        let receipt = receipt.map_err(CopyError::Append)?;
        group.clear();
        if (receipt.seq, receipt.chain) == (record.seq, record.chain) {
            Ok(())
        } else {
            Err(CopyError::Differs)
        }
    });
    replayed.map_err(reading)
}

fn reading(error: ReplayError<CopyError>) -> CopyError {
    match error {
        ReplayError::Read(error) => CopyError::Source(error),
        ReplayError::Visitor(error) => error,
    }
}

/// Frames looked at and zeroed at once.
const WIPE_FRAMES: u64 = 64;

/// Zeros all that the layout uses; leaves alone what is zero, so that a sparse file stays sparse.
fn wipe<T: BlockDevice>(target: &mut T, geometry: Geometry) -> Result<(), DeviceError> {
    let chunk_sectors = WIPE_FRAMES.saturating_mul(FRAME_SECTORS);
    let end = geometry.used_frames().saturating_mul(FRAME_SECTORS);
    let mut buffer = Vec::new();
    let mut sector: u64 = 0;
    while sector < end {
        let sectors = chunk_sectors.min(end.saturating_sub(sector));
        let bytes = usize::try_from(sectors).map_or(0, |it| it.saturating_mul(SECTOR_BYTES));
        buffer.resize(bytes, 0);
        if target.read(sector, &mut buffer).is_err() || !is_zero(&buffer) {
            buffer.fill(0);
            target.write(sector, &buffer)?;
        }
        sector = sector.saturating_add(sectors);
    }
    Ok(())
}

/// A device whose superblocks wait until everything else is durable.
struct Staged<'a, T> {
    target: &'a mut T,
    superblocks: [(u64, Box<[u8; FRAME_BYTES]>); SUPERBLOCK_COPIES],
}

impl<'a, T: BlockDevice> Staged<'a, T> {
    /// Gives up what the target held.
    fn begin(target: &'a mut T, geometry: Geometry) -> Result<Self, DeviceError> {
        let superblocks = core::array::from_fn(|copy| {
            let sector = geometry.superblock_sector(copy);
            (sector, Box::new([0; FRAME_BYTES]))
        });
        for (sector, zeros) in &superblocks {
            target.write(*sector, zeros.as_slice())?;
        }
        target.flush()?;
        // Frames of an earlier life of this very ledger would pass for records of the copy.
        wipe(target, geometry)?;
        Ok(Staged {
            target,
            superblocks,
        })
    }

    fn waiting(&mut self, sector: u64) -> Option<&mut [u8; FRAME_BYTES]> {
        let mut places = self.superblocks.iter_mut();
        let place = places.find(|(place, _)| *place == sector);
        place.map(|(_, bytes)| &mut **bytes)
    }

    fn finish(self) -> Result<(), DeviceError> {
        self.target.flush()?;
        for (sector, bytes) in &self.superblocks {
            self.target.write(*sector, bytes.as_slice())?;
        }
        self.target.flush()
    }
}

impl<T: BlockDevice> BlockDevice for Staged<'_, T> {
    fn sector_count(&self) -> u64 {
        self.target.sector_count()
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        match self.waiting(sector) {
            Some(bytes) if buffer.len() == FRAME_BYTES => {
                buffer.copy_from_slice(bytes);
                Ok(())
            }
            _ => self.target.read(sector, buffer),
        }
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        match self.waiting(sector) {
            Some(bytes) if data.len() == FRAME_BYTES => {
                bytes.copy_from_slice(data);
                Ok(())
            }
            _ => self.target.write(sector, data),
        }
    }

    /// Nothing counts before [`Staged::finish`], so nothing has to be durable before it.
    fn flush(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

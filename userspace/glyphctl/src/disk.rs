//! A disk or an image that is written: what `ledger backup` makes and `ledger restore` overwrites.
//!
//! Invariants:
//! - a new image is made where nothing was; nothing is ever overwritten by making one;
//! - a flush is the host's `fsync`, so that what was acknowledged survives the host too.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ledger::{BlockDevice, DeviceError, SECTOR_BYTES};
use rustix::fs::{Advice, fadvise};

use crate::failure::Failure;

/// A disk open for reading and writing.
#[derive(Debug)]
pub(crate) struct Disk {
    file: File,
    sectors: u64,
}

impl Disk {
    /// Makes a new image of zeros that only its owner may read: it will hold guardians' secrets.
    ///
    /// # Errors
    /// If there is something under that name, or the file cannot be made.
    pub(crate) fn create(path: &Path, bytes: u64) -> Result<Self, Failure> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let shown = path.display();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| Failure::new(format!("{shown} cannot be made: {error}")))?;
        file.set_len(bytes)
            .map_err(|error| Failure::new(format!("{shown} cannot be made so large: {error}")))?;
        Ok(Disk {
            file,
            sectors: bytes / SECTOR_BYTES as u64,
        })
    }

    /// Opens an image or a block device that is there for writing.
    ///
    /// # Errors
    /// If it is not there, cannot be written or has no size.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let unusable = |error| {
            Failure::new(format!(
                "{shown} cannot be opened for writing: {error}; name a disk, or make an image of \
                 one with `truncate -s 64M`"
            ))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(unusable)?;
        // The end's position is the size of a block device too, where metadata says 0.
        let bytes = file.seek(SeekFrom::End(0)).map_err(unusable)?;
        Ok(Disk {
            file,
            sectors: bytes / SECTOR_BYTES as u64,
        })
    }

    /// Lets go of what the host keeps in memory of the file, as far as it can, so that reading it
    /// back asks the device.
    pub(crate) fn forget_cached(&self) {
        // Only advice: where it is not taken, the check reads what the host holds.
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
    }

    fn offset(&self, sector: u64, bytes: usize) -> Result<u64, DeviceError> {
        let count = (bytes / SECTOR_BYTES) as u64;
        let end = sector.checked_add(count).ok_or(DeviceError::OutOfRange)?;
        if !bytes.is_multiple_of(SECTOR_BYTES) || end > self.sectors {
            return Err(DeviceError::OutOfRange);
        }
        sector
            .checked_mul(SECTOR_BYTES as u64)
            .ok_or(DeviceError::OutOfRange)
    }
}

impl BlockDevice for Disk {
    fn sector_count(&self) -> u64 {
        self.sectors
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let offset = self.offset(sector, buffer.len())?;
        self.file
            .read_exact_at(buffer, offset)
            .map_err(|_| DeviceError::Read)
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        let offset = self.offset(sector, data.len())?;
        self.file
            .write_all_at(data, offset)
            .map_err(|_| DeviceError::Write)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.file.sync_all().map_err(|_| DeviceError::Flush)
    }
}

//! A disk or its image, read-only, as the ledger reads devices.
//!
//! Invariant: the file is opened for reading only, and no write is ever passed on to it.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ledger::{BlockDevice, DeviceError, SECTOR_BYTES};

use crate::failure::Failure;

/// An open disk or image.
#[derive(Debug)]
pub(crate) struct Image {
    file: File,
    sectors: u64,
}

impl Image {
    /// Opens a file or a block device for reading.
    ///
    /// # Errors
    /// If it cannot be opened or has no size.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let unreadable = |error| Failure::new(format!("{shown} cannot be read as a disk: {error}"));
        let mut file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(Failure::new(format!(
                "{shown} is a folder; name a disk or the image of one"
            )));
        }
        // The end's position is the size of a block device too, where metadata says 0.
        let bytes = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        Ok(Image {
            file,
            sectors: bytes / SECTOR_BYTES as u64,
        })
    }
}

impl BlockDevice for Image {
    fn sector_count(&self) -> u64 {
        self.sectors
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let count = (buffer.len() / SECTOR_BYTES) as u64;
        let is_inside = buffer.len().is_multiple_of(SECTOR_BYTES)
            && sector
                .checked_add(count)
                .is_some_and(|end| end <= self.sectors);
        let offset = sector
            .checked_mul(SECTOR_BYTES as u64)
            .filter(|_| is_inside);
        let offset = offset.ok_or(DeviceError::OutOfRange)?;
        self.file
            .read_exact_at(buffer, offset)
            .map_err(|_| DeviceError::Read)
    }

    fn write(&mut self, _sector: u64, _data: &[u8]) -> Result<(), DeviceError> {
        Err(DeviceError::ReadOnly)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        Err(DeviceError::ReadOnly)
    }
}

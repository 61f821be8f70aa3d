//! A disk in memory that can be sealed against writing.
//!
//! Invariant: a sealed disk panics when it is written or flushed, since whoever does so promised
//! not to.

use ledger::{BlockDevice, DeviceError, SECTOR_BYTES};

/// The disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_sealed: bool,
}

impl Disk {
    fn range(&self, sector: u64, length: usize) -> Result<core::ops::Range<usize>, DeviceError> {
        usize::try_from(sector)
            .ok()
            .and_then(|sector| sector.checked_mul(SECTOR_BYTES))
            .and_then(|start| Some(start..start.checked_add(length)?))
            .filter(|range| length.is_multiple_of(SECTOR_BYTES) && range.end <= self.bytes.len())
            .ok_or(DeviceError::OutOfRange)
    }
}

impl BlockDevice for Disk {
    fn sector_count(&self) -> u64 {
        (self.bytes.len() / SECTOR_BYTES) as u64
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let range = self.range(sector, buffer.len())?;
        buffer.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        assert!(!self.is_sealed, "an inspection wrote to the device");
        let range = self.range(sector, data.len())?;
        self.bytes[range].copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        assert!(!self.is_sealed, "an inspection flushed the device");
        Ok(())
    }
}

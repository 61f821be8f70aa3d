//! The block device that a ledger lives on, as the ledger needs it.
//!
//! Owns the trait that drivers, files and the simulated disk implement, and its error.
//!
//! Invariants that the ledger relies on:
//! - after `flush` returned `Ok`, every write before it survives a power cut;
//! - a read sees the newest completed write of the same sector.

use alloc::boxed::Box;
use core::fmt;

/// Bytes of one sector: the unit of addresses and of tearing.
pub const SECTOR_BYTES: usize = 512;

/// Why a device did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceError {
    /// The sectors could not be read.
    Read,
    /// The write failed; the sectors may hold the old bytes, the new ones or neither.
    Write,
    /// The flush failed; nothing written since the last good flush can be trusted.
    Flush,
    /// Sectors beyond the end, or a buffer that is no whole number of sectors.
    OutOfRange,
    /// The device did not answer in time.
    Timeout,
    /// The device takes no writes.
    ReadOnly,
}

impl fmt::Display for DeviceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            DeviceError::Read => "the device could not read a sector",
            DeviceError::Write => "the device could not write a sector",
            DeviceError::Flush => "the device could not make its writes durable",
            DeviceError::OutOfRange => "the request lies outside the device",
            DeviceError::Timeout => "the device did not answer in time",
            DeviceError::ReadOnly => "the device is write-protected",
        })
    }
}

impl core::error::Error for DeviceError {}

/// A device of 512-byte sectors.
///
/// Buffers are a whole number of sectors long; anything else is [`DeviceError::OutOfRange`].
pub trait BlockDevice {
    /// Sectors of 512 bytes that can be addressed.
    fn sector_count(&self) -> u64;

    /// Reads `buffer.len() / 512` sectors from `sector` on.
    ///
    /// # Errors
    /// The device's word for why not; the buffer's content is then undefined.
    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError>;

    /// Writes `data.len() / 512` sectors from `sector` on; durable only after [`Self::flush`].
    ///
    /// # Errors
    /// The device's word for why not; each sector may then hold old bytes, new ones or neither.
    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError>;

    /// Does all of these writes, in any order, and at once where the device can: durable only after
    /// [`Self::flush`].
    ///
    /// # Errors
    /// As [`Self::write`], for any of the sectors.
    fn write_all(&mut self, writes: &[(u64, &[u8])]) -> Result<(), DeviceError> {
        writes
            .iter()
            .try_for_each(|(sector, data)| self.write(*sector, data))
    }

    /// Does all of these reads, in any order, and at once where the device can.
    ///
    /// # Errors
    /// As [`Self::read`]; the content of every buffer is then undefined.
    fn read_all(&mut self, reads: &mut [(u64, &mut [u8])]) -> Result<(), DeviceError> {
        reads
            .iter_mut()
            .try_for_each(|(sector, buffer)| self.read(*sector, buffer))
    }

    /// Makes every write before this call survive a power cut.
    ///
    /// # Errors
    /// After an error no earlier unflushed write can be trusted, and a later good flush does
    /// not make it so.
    fn flush(&mut self) -> Result<(), DeviceError>;
}

impl<D: BlockDevice + ?Sized> BlockDevice for &mut D {
    fn sector_count(&self) -> u64 {
        (**self).sector_count()
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        (**self).read(sector, buffer)
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        (**self).write(sector, data)
    }

    fn write_all(&mut self, writes: &[(u64, &[u8])]) -> Result<(), DeviceError> {
        (**self).write_all(writes)
    }

    fn read_all(&mut self, reads: &mut [(u64, &mut [u8])]) -> Result<(), DeviceError> {
        (**self).read_all(reads)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        (**self).flush()
    }
}

impl<D: BlockDevice + ?Sized> BlockDevice for Box<D> {
    fn sector_count(&self) -> u64 {
        (**self).sector_count()
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        (**self).read(sector, buffer)
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        (**self).write(sector, data)
    }

    fn write_all(&mut self, writes: &[(u64, &[u8])]) -> Result<(), DeviceError> {
        (**self).write_all(writes)
    }

    fn read_all(&mut self, reads: &mut [(u64, &mut [u8])]) -> Result<(), DeviceError> {
        (**self).read_all(reads)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        (**self).flush()
    }
}

//! A disk in memory that fails in the ways that disks fail.
//!
//! Owns two images: what a read sees now, and what a power cut would leave. Between flushes
//! each written sector is pending; [`SimulatedDisk::crash`] decides the fate of each one.
//! For tests of everything that keeps records; built with the feature `simulated`.
//!
//! Invariants:
//! - without planted faults it is a perfect disk;
//! - the same calls and the same faults give the same bytes: nothing here is random.

mod image;
mod sharing;

pub use sharing::share_frames;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::device::{BlockDevice, DeviceError, SECTOR_BYTES};

use image::Image;

/// One sector's bytes.
pub type Sector = [u8; SECTOR_BYTES];

/// A fault that strikes one operation; operations of a kind are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The write is acknowledged and goes nowhere.
    LostWrite {
        /// Which write.
        write: u64,
    },
    /// The write is acknowledged and goes to another place.
    MisdirectedWrite {
        /// Which write.
        write: u64,
        /// First sector that it hits.
        sector: u64,
    },
    /// The write fails and changes nothing.
    FailedWrite {
        /// Which write.
        write: u64,
    },
    /// The write fails after it was done.
    FailedWriteDone {
        /// Which write.
        write: u64,
    },
    /// The read fails.
    FailedRead {
        /// Which read.
        read: u64,
    },
    /// The flush fails, and what was pending is dropped though reads still see it.
    FailedFlush {
        /// Which flush.
        flush: u64,
    },
    /// The flush succeeds and makes nothing durable; the writes stay pending.
    LyingFlush {
        /// Which flush.
        flush: u64,
    },
    /// The sectors cannot be read, whatever is written to them.
    DeadSectors {
        /// First of them.
        sector: u64,
        /// How many.
        count: u64,
    },
    /// Every operation from this one on fails, counted over all kinds.
    Dies {
        /// First operation that fails.
        operation: u64,
    },
}

/// What a crash leaves of one pending sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SectorFate {
    /// What was durable before.
    Old,
    /// The newest write.
    New,
    /// The write before the newest, if there was one; else as [`SectorFate::Old`].
    Earlier,
    /// Neither: bytes made from this number.
    Garbage(u64),
}

/// Operations done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Calls of `read`.
    pub reads: u64,
    /// Calls of `write`.
    pub writes: u64,
    /// Calls of `flush`.
    pub flushes: u64,
}

/// A disk in memory.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    visible: Image,
    durable: Image,
    /// Values written to each sector since it was last durable, oldest first.
    pending: BTreeMap<u64, Vec<Sector>>,
    faults: Vec<Fault>,
    counts: Counts,
    flushes_done: u64,
    /// Writes and flushes that still succeed before the power goes.
    power_left: Option<u64>,
}

impl SimulatedDisk {
    /// A disk of zeros.
    #[must_use]
    pub fn new(sectors: usize) -> Self {
        Self::with_image(Image::zeros(sectors))
    }

    /// A disk with these bytes; a last partial sector cannot be addressed.
    #[must_use]
    pub fn from_image(bytes: &[u8]) -> Self {
        let (sectors, _) = bytes.as_chunks::<SECTOR_BYTES>();
        let mut image = Image::zeros(sectors.len());
        for (number, bytes) in (0..).zip(sectors) {
            image.set(number, bytes);
        }
        Self::with_image(image)
    }

    fn with_image(image: Image) -> Self {
        SimulatedDisk {
            visible: image.clone(),
            durable: image,
            pending: BTreeMap::new(),
            faults: Vec::new(),
            counts: Counts::default(),
            flushes_done: 0,
            power_left: None,
        }
    }

    /// What a read sees.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        (0..self.visible.sectors() as u64)
            .filter_map(|sector| self.visible.get(sector))
            .flatten()
            .copied()
            .collect()
    }

    /// Plants a fault.
    pub fn plant(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Takes all faults away and starts counting anew.
    pub fn heal(&mut self) {
        self.faults.clear();
        self.counts = Counts::default();
        self.power_left = None;
    }

    /// Operations since the start or since [`SimulatedDisk::heal`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Lets `operations` more writes and flushes succeed; the next one is cut in the middle.
    pub fn cut_power_after(&mut self, operations: u64) {
        self.power_left = Some(operations);
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.power_left == Some(u64::MAX)
    }

    /// Flushes since the start that changed what a power cut would leave.
    #[must_use]
    pub fn flushes_done(&self) -> u64 {
        self.flushes_done
    }

    /// Writes of `sector` since the last flush.
    #[must_use]
    pub fn pending_writes(&self, sector: u64) -> usize {
        self.pending.get(&sector).map_or(0, Vec::len)
    }

    /// Sectors whose newest bytes are not durable.
    pub fn pending(&self) -> impl Iterator<Item = u64> + '_ {
        self.pending.keys().copied()
    }

    /// The plainest fate that leaves the same bytes in `sector` as `fate` does.
    #[must_use]
    pub fn plainest(&self, sector: u64, fate: SectorFate) -> SectorFate {
        let values = self.pending.get(&sector).map_or(&[][..], Vec::as_slice);
        let bytes = match fate {
            SectorFate::New => values.last(),
            SectorFate::Earlier => values.iter().rev().nth(1),
            SectorFate::Old | SectorFate::Garbage(_) => return fate,
        };
        match bytes {
            None => SectorFate::Old,
            found if found == self.durable.get(sector) => SectorFate::Old,
            found if found == values.last() => SectorFate::New,
            Some(_) => fate,
        }
    }

    /// The disk after a power cut, on which `fate` decided each pending sector.
    #[must_use]
    pub fn crash(&self, mut fate: impl FnMut(u64) -> SectorFate) -> SimulatedDisk {
        let mut image = self.durable.clone();
        for (sector, values) in &self.pending {
            let newest = values.last().copied();
            let before = values.iter().rev().nth(1).copied();
            let bytes = match fate(*sector) {
                SectorFate::Old => None,
                SectorFate::New => newest,
                SectorFate::Earlier => before,
                SectorFate::Garbage(seed) => Some(garbage(seed, newest)),
            };
            if let Some(bytes) = bytes {
                image.set(*sector, &bytes);
            }
        }
        Self::with_image(image)
    }

    /// Changes `bytes` bytes from `offset` on behind the back of everyone, durable at once: bit
    /// rot, or an intruder.
    pub fn damage(&mut self, offset: usize, bytes: usize, damage: impl Fn(u8) -> u8) {
        for at in offset..offset.saturating_add(bytes) {
            let (sector, within) = ((at / SECTOR_BYTES) as u64, at % SECTOR_BYTES);
            for image in [&mut self.visible, &mut self.durable] {
                if let Some(mut changed) = image.get(sector).copied() {
                    if let Some(byte) = changed.get_mut(within) {
                        *byte = damage(*byte);
                    }
                    image.set(sector, &changed);
                }
            }
        }
    }

    fn dead(&self) -> bool {
        let counts = self.counts;
        let done = counts
            .reads
            .saturating_add(counts.writes)
            .saturating_add(counts.flushes);
        self.is_off()
            || self
                .faults
                .iter()
                .any(|fault| matches!(fault, Fault::Dies { operation } if done >= *operation))
    }

    /// Spends one operation of the power that is left; `false` if this one is cut.
    fn spend_power(&mut self) -> bool {
        match self.power_left {
            None => true,
            Some(0) => {
                self.power_left = Some(u64::MAX);
                false
            }
            Some(left) => {
                self.power_left = Some(left.saturating_sub(1));
                true
            }
        }
    }

    fn put(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        let (sectors, _) = data.as_chunks::<SECTOR_BYTES>();
        let written = self.visible.write(sector, sectors);
        written.ok_or(DeviceError::OutOfRange)?;
        for (number, bytes) in (sector..).zip(sectors) {
            // Few sectors are written twice before a flush: room for one is enough.
            let values = self.pending.entry(number);
            values.or_insert_with(|| Vec::with_capacity(1)).push(*bytes);
        }
        Ok(())
    }
}

impl BlockDevice for SimulatedDisk {
    fn sector_count(&self) -> u64 {
        self.visible.sectors() as u64
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let dead = self.dead();
        let read = self.counts.reads;
        self.counts.reads = read.saturating_add(1);
        let end = sector.saturating_add((buffer.len() / SECTOR_BYTES) as u64);
        let struck = self.faults.iter().any(|fault| match fault {
            Fault::FailedRead { read: struck } => *struck == read,
            Fault::DeadSectors {
                sector: first,
                count,
            } => *first < end && sector < first.saturating_add(*count),
            _ => false,
        });
        if dead {
            return Err(DeviceError::Timeout);
        }
        if struck {
            return Err(DeviceError::Read);
        }
        whole_sectors(buffer.len())?;
        let (sectors, _) = buffer.as_chunks_mut::<SECTOR_BYTES>();
        let read = self.visible.read(sector, sectors);
        read.ok_or(DeviceError::OutOfRange)
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        let dead = self.dead();
        let write = self.counts.writes;
        self.counts.writes = write.saturating_add(1);
        if dead {
            return Err(DeviceError::Timeout);
        }
        whole_sectors(data.len())?;
        let struck = self.faults.iter().copied().find(|fault| match fault {
            Fault::LostWrite { write: struck }
            | Fault::MisdirectedWrite { write: struck, .. }
            | Fault::FailedWrite { write: struck }
            | Fault::FailedWriteDone { write: struck } => *struck == write,
            _ => false,
        });
        match struck {
            Some(Fault::LostWrite { .. }) => {}
            Some(Fault::MisdirectedWrite { sector, .. }) => self.put(sector, data)?,
            Some(Fault::FailedWrite { .. }) => return Err(DeviceError::Write),
            Some(_) => {
                self.put(sector, data)?;
                return Err(DeviceError::Write);
            }
            None => self.put(sector, data)?,
        }
        if self.spend_power() {
            Ok(())
        } else {
            Err(DeviceError::Timeout)
        }
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        let dead = self.dead();
        let flush = self.counts.flushes;
        self.counts.flushes = flush.saturating_add(1);
        if dead || !self.spend_power() {
            return Err(DeviceError::Timeout);
        }
        let struck = self.faults.iter().copied().find(|fault| match fault {
            Fault::FailedFlush { flush: struck } | Fault::LyingFlush { flush: struck } => {
                *struck == flush
            }
            _ => false,
        });
        match struck {
            Some(Fault::LyingFlush { .. }) => return Ok(()),
            Some(_) => {
                self.pending.clear();
                return Err(DeviceError::Flush);
            }
            None => {}
        }
        self.flushes_done = self.flushes_done.saturating_add(1);
        for (sector, values) in core::mem::take(&mut self.pending) {
            if let Some(bytes) = values.last() {
                self.durable.set(sector, bytes);
            }
        }
        Ok(())
    }
}

fn whole_sectors(bytes: usize) -> Result<(), DeviceError> {
    if bytes.is_multiple_of(SECTOR_BYTES) {
        Ok(())
    } else {
        Err(DeviceError::OutOfRange)
    }
}

/// Bytes as a torn sector may hold them: noise, half of the new bytes, or nearly all of them.
fn garbage(seed: u64, newest: Option<Sector>) -> Sector {
    let mut bytes = newest.unwrap_or([0; SECTOR_BYTES]);
    let noisy = match seed % 3 {
        0 => bytes.as_mut_slice(),
        1 => bytes.split_at_mut(SECTOR_BYTES / 2).1,
        _ => bytes.split_at_mut(SECTOR_BYTES - 1).1,
    };
    let mut state = seed;
    for byte in noisy {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let [.., high] = state.to_le_bytes();
        // Never zero: a change that leaves the byte alone would be no damage.
        *byte ^= high | 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flushed_bytes_survive_a_crash_that_keeps_nothing() {
        let mut disk = SimulatedDisk::new(4);
        disk.write(1, &[7; SECTOR_BYTES]).unwrap();
        disk.flush().unwrap();
        disk.write(1, &[8; SECTOR_BYTES]).unwrap();
        disk.write(1, &[9; SECTOR_BYTES]).unwrap();
        assert_eq!(disk.image()[SECTOR_BYTES], 9);
        let first_byte = |fate| disk.crash(|_| fate).image()[SECTOR_BYTES];
        assert_eq!(first_byte(SectorFate::Old), 7);
        assert_eq!(first_byte(SectorFate::Earlier), 8);
        assert_eq!(first_byte(SectorFate::New), 9);
        assert_ne!(first_byte(SectorFate::Garbage(3)), 9);
    }

    #[test]
    fn a_failed_flush_shows_bytes_that_no_later_flush_makes_durable() {
        let mut disk = SimulatedDisk::new(4);
        disk.plant(Fault::FailedFlush { flush: 0 });
        disk.write(0, &[7; SECTOR_BYTES]).unwrap();
        assert_eq!(disk.flush(), Err(DeviceError::Flush));
        assert_eq!(disk.flush(), Ok(()));
        assert_eq!(disk.image()[0], 7);
        assert_eq!(disk.crash(|_| SectorFate::New).image()[0], 0);
    }

    #[test]
    fn each_fault_strikes_the_operation_it_names() {
        let mut disk = SimulatedDisk::new(4);
        disk.plant(Fault::LostWrite { write: 0 });
        disk.plant(Fault::MisdirectedWrite {
            write: 1,
            sector: 3,
        });
        disk.plant(Fault::FailedWriteDone { write: 2 });
        disk.plant(Fault::FailedRead { read: 1 });
        assert_eq!(disk.write(0, &[1; SECTOR_BYTES]), Ok(()));
        assert_eq!(disk.write(1, &[2; SECTOR_BYTES]), Ok(()));
        assert_eq!(disk.write(2, &[3; SECTOR_BYTES]), Err(DeviceError::Write));
        let mut image = [0; 4 * SECTOR_BYTES];
        disk.read(0, &mut image).unwrap();
        let firsts: Vec<u8> = image.iter().step_by(SECTOR_BYTES).copied().collect();
        assert_eq!(firsts, [0, 0, 3, 2]);
        assert_eq!(disk.read(0, &mut image), Err(DeviceError::Read));
        assert_eq!(disk.read(0, &mut image), Ok(()));
    }

    #[test]
    fn requests_outside_the_disk_are_refused() {
        let mut disk = SimulatedDisk::new(4);
        let mut buffer = [0; 2 * SECTOR_BYTES];
        assert_eq!(disk.read(3, &mut buffer), Err(DeviceError::OutOfRange));
        assert_eq!(disk.read(0, &mut buffer[..5]), Err(DeviceError::OutOfRange));
        assert_eq!(disk.write(u64::MAX, &buffer), Err(DeviceError::OutOfRange));
    }
}

//! Where things lie on the device: FORMAT.md, section "Layout".
//!
//! Owns the layout function: the number of sectors alone decides every place.
//!
//! Invariants:
//! - no two places overlap, and none lies in the reserved head or tail;
//! - the copies of one record in zone A and zone B are at least a third of the used region apart.

use crate::device::SECTOR_BYTES;

/// Bytes of one frame: the unit of everything the ledger writes.
pub const FRAME_BYTES: usize = 4096;
/// Sectors of one frame.
pub(crate) const FRAME_SECTORS: u64 = 8;
/// Smallest device that takes a ledger, in bytes.
pub const DEVICE_BYTES_MIN: u64 = 256 * 1024;
/// Copies of the superblock.
pub(crate) const SUPERBLOCK_COPIES: usize = 4;
/// Records of one group at most, however large the device is.
pub const GROUP_RECORDS_MAX: usize = 16;

/// Frames at either end that belong to partition tables and are never used.
pub(crate) const RESERVED_FRAMES: u64 = 8;
/// Most record slots: bounds the time of a complete scan on a very large device.
pub(crate) const SLOTS_MAX: u64 = 1 << 20;
const RING_MIN: u64 = 8;
const RING_MAX: u64 = 64;
/// The two reserved ends and the superblocks.
const FIXED_FRAMES: u64 = 2 * RESERVED_FRAMES + 4;

const SECTOR: u64 = SECTOR_BYTES as u64;

const _: () = assert!(FRAME_BYTES as u64 == FRAME_SECTORS * SECTOR);
const _: () = assert!(DEVICE_BYTES_MIN / FRAME_BYTES as u64 > FIXED_FRAMES + RING_MIN + 2);

/// One of the places that hold a copy of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first log.
    ZoneA,
    /// The second log.
    ZoneB,
    /// The ring of third copies of the newest records.
    Ring,
}

impl Place {
    /// All places, in the order of writing.
    pub(crate) const ALL: [Place; 3] = [Place::ZoneA, Place::ZoneB, Place::Ring];
}

/// The layout of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Sectors of the device when it was formatted.
    pub device_sectors: u64,
    /// Record slots in each zone.
    pub slot_count: u64,
    /// Frames in the ring.
    pub ring_count: u64,
    /// Slots that only emergency records may use.
    pub reserve_slots: u64,
}

impl Geometry {
    /// The layout for a device of `sectors` sectors; `None` if it is too small.
    #[must_use]
    pub fn for_sectors(sectors: u64) -> Option<Geometry> {
        if sectors < DEVICE_BYTES_MIN / SECTOR {
            return None;
        }
        let frames = sectors / FRAME_SECTORS;
        let ring_count = (frames / 32).clamp(RING_MIN, RING_MAX);
        let logs = frames.checked_sub(FIXED_FRAMES)?.checked_sub(ring_count)?;
        let slot_count = (logs / 2).min(SLOTS_MAX);
        Some(Geometry {
            device_sectors: sectors,
            slot_count,
            ring_count,
            reserve_slots: (slot_count / 32).clamp(2, 256),
        })
    }

    /// Most records that one append may carry: never more than half of the ring, so that
    /// the newest acknowledged records keep their third copy while a group is in flight.
    #[must_use]
    pub fn group_max(&self) -> usize {
        usize::try_from(self.ring_count / 2)
            .map_or(GROUP_RECORDS_MAX, |half| half.min(GROUP_RECORDS_MAX))
    }

    /// First sector of superblock `copy`, from 0 to 3.
    #[must_use]
    pub fn superblock_sector(&self, copy: usize) -> u64 {
        let frame = match copy {
            0 => RESERVED_FRAMES,
            1 => self.ring_frame().saturating_sub(1),
            2 => self.zone_b_frame().saturating_sub(1),
            _ => self.zone_b_frame().saturating_add(self.slot_count),
        };
        frame.saturating_mul(FRAME_SECTORS)
    }

    /// First sector of the copy of log slot `slot` in `place`; a ring position is the slot
    /// modulo the length of the ring.
    #[must_use]
    pub fn sector(&self, place: Place, slot: u64) -> u64 {
        let frame = match place {
            Place::ZoneA => RESERVED_FRAMES.saturating_add(1).saturating_add(slot),
            Place::ZoneB => self.zone_b_frame().saturating_add(slot),
            Place::Ring => self.ring_frame().saturating_add(self.ring_position(slot)),
        };
        frame.saturating_mul(FRAME_SECTORS)
    }

    /// Position in the ring of the third copy of `slot`.
    #[must_use]
    pub fn ring_position(&self, slot: u64) -> u64 {
        slot.checked_rem(self.ring_count).unwrap_or(0)
    }

    /// Frames from the start of the device to the end of what the ledger uses.
    #[must_use]
    pub fn used_frames(&self) -> u64 {
        self.zone_b_frame()
            .saturating_add(self.slot_count)
            .saturating_add(1)
            .saturating_add(RESERVED_FRAMES)
    }

    fn ring_frame(&self) -> u64 {
        // Head, superblock 0, zone A, superblock 1.
        RESERVED_FRAMES
            .saturating_add(2)
            .saturating_add(self.slot_count)
    }

    fn zone_b_frame(&self) -> u64 {
        // The ring, then superblock 2.
        self.ring_frame()
            .saturating_add(self.ring_count)
            .saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_places_overlap_and_all_lie_between_the_reserved_ends() {
        for sectors in [512, 513, 2048, 20_480, 131_072] {
            let geometry = Geometry::for_sectors(sectors).unwrap();
            let mut frames = BTreeSet::new();
            for copy in 0..SUPERBLOCK_COPIES {
                assert!(frames.insert(geometry.superblock_sector(copy)));
            }
            for slot in 0..geometry.slot_count {
                assert!(frames.insert(geometry.sector(Place::ZoneA, slot)));
                assert!(frames.insert(geometry.sector(Place::ZoneB, slot)));
            }
            for slot in 0..geometry.ring_count {
                assert!(frames.insert(geometry.sector(Place::Ring, slot)));
            }
            let first = *frames.first().unwrap();
            let last = *frames.last().unwrap();
            assert_eq!(first, RESERVED_FRAMES * FRAME_SECTORS);
            assert_eq!(
                last + (1 + RESERVED_FRAMES) * FRAME_SECTORS,
                geometry.used_frames() * FRAME_SECTORS
            );
            assert!(geometry.used_frames() * FRAME_SECTORS <= sectors);
        }
    }

    #[test]
    fn copies_lie_at_least_a_third_of_the_used_region_apart() {
        for sectors in [512, 2048, 131_072, 1 << 40] {
            let geometry = Geometry::for_sectors(sectors).unwrap();
            let distance = geometry.sector(Place::ZoneB, 0) - geometry.sector(Place::ZoneA, 0);
            assert!(distance * 3 >= geometry.used_frames() * FRAME_SECTORS);
        }
    }

    #[test]
    fn a_device_below_the_minimum_has_no_layout() {
        assert_eq!(Geometry::for_sectors(511), None);
        assert!(Geometry::for_sectors(512).is_some());
        assert_eq!(Geometry::for_sectors(0), None);
    }

    #[test]
    fn the_largest_device_is_bounded() {
        let geometry = Geometry::for_sectors(u64::MAX).unwrap();
        assert_eq!(geometry.slot_count, SLOTS_MAX);
    }
}

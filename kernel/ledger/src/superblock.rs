//! The superblock: FORMAT.md, section "Superblock".
//!
//! Owns its bytes, and the list of slots that are never used again.
//!
//! Invariants:
//! - a decoded superblock matched its digest, its copy number and its own address;
//! - its geometry is the one that the layout function gives for its number of sectors.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::frame::{DIGEST_BYTES, Frame, is_zero};
use crate::geometry::{FRAME_BYTES, Geometry};
use crate::version::Version;

/// Version of the format of a ledger that is made now; this code also reads and goes on writing those
/// of version 1.
pub const VERSION_MAJOR: u16 = Version::NEWEST.number();
/// Additions that older code may ignore.
pub const VERSION_MINOR: u16 = 0;
/// Most slots that can be set aside as unusable.
pub const BAD_SLOTS_MAX: usize = 64;

const MAGIC: [u8; 16] = *b"GLYPHOS-LEDGER\0\0";
pub(crate) const SUPERBLOCK_BYTES: usize = 736;

/// The superblock as it lies on the device.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct SuperblockImage {
    pub(crate) digest: [u8; DIGEST_BYTES],
    pub(crate) magic: [u8; 16],
    pub(crate) version_major: U16,
    pub(crate) version_minor: U16,
    pub(crate) frame_bytes: U32,
    pub(crate) features_compatible: U64,
    pub(crate) features_read_only: U64,
    pub(crate) features_incompatible: U64,
    pub(crate) device_uuid: [u8; 16],
    pub(crate) epoch: [u8; 16],
    pub(crate) copy: U32,
    pub(crate) reserved_a: U32,
    pub(crate) sector: U64,
    pub(crate) sequence: U64,
    pub(crate) incarnation: U64,
    pub(crate) fence_seq: U64,
    pub(crate) fence_chain: [u8; 32],
    pub(crate) device_sectors: U64,
    pub(crate) slot_count: U64,
    pub(crate) ring_count: U64,
    pub(crate) reserve_slots: U64,
    pub(crate) bad_slot_count: U32,
    pub(crate) reserved_b: U32,
    pub(crate) bad_slots: [U64; BAD_SLOTS_MAX],
}

const _: () = assert!(size_of::<SuperblockImage>() == SUPERBLOCK_BYTES);

/// What a superblock says, the same in all copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Superblock {
    /// Of the format, fixed for the life of the ledger.
    pub(crate) version: Version,
    pub(crate) device_uuid: [u8; 16],
    pub(crate) epoch: [u8; 16],
    /// Rises by one with every update.
    pub(crate) sequence: u64,
    /// Rises by one with every opening for writing.
    pub(crate) incarnation: u64,
    /// Frames before this one were there when the incarnation began.
    pub(crate) fence_seq: u64,
    /// Chain value before frame `fence_seq`.
    pub(crate) fence_chain: [u8; 32],
    pub(crate) geometry: Geometry,
    pub(crate) bad_slots: BadSlots,
    /// A feature is set that this code may read around but not write around.
    pub(crate) features_read_only: u64,
}

/// Why bytes are no superblock that this code can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No superblock at all.
    Foreign,
    /// A superblock's magic, and bytes that do not match the digest or the place.
    Damaged,
    /// A sound superblock of a format that this code does not know.
    Unsupported {
        /// Its major version.
        version_major: u16,
        /// Its incompatible features.
        features: u64,
    },
}

/// Writes copy number `copy` for the place at `sector` into `frame`.
pub(crate) fn encode(frame: &mut Frame, superblock: &Superblock, copy: usize, sector: u64) {
    frame.fill(0);
    let mut bad_slots = [U64::new(0); BAD_SLOTS_MAX];
    for (place, slot) in bad_slots.iter_mut().zip(&superblock.bad_slots.slots) {
        *place = U64::new(*slot);
    }
    let geometry = &superblock.geometry;
    let mut image = SuperblockImage {
        digest: [0; DIGEST_BYTES],
        magic: MAGIC,
        version_major: U16::new(superblock.version.number()),
        version_minor: U16::new(VERSION_MINOR),
        frame_bytes: U32::new(u32::try_from(FRAME_BYTES).unwrap_or(0)),
        features_compatible: U64::new(0),
        features_read_only: U64::new(superblock.features_read_only),
        features_incompatible: U64::new(0),
        device_uuid: superblock.device_uuid,
        epoch: superblock.epoch,
        copy: U32::new(u32::try_from(copy).unwrap_or(u32::MAX)),
        reserved_a: U32::new(0),
        sector: U64::new(sector),
        sequence: U64::new(superblock.sequence),
        incarnation: U64::new(superblock.incarnation),
        fence_seq: U64::new(superblock.fence_seq),
        fence_chain: superblock.fence_chain,
        device_sectors: U64::new(geometry.device_sectors),
        slot_count: U64::new(geometry.slot_count),
        ring_count: U64::new(geometry.ring_count),
        reserve_slots: U64::new(geometry.reserve_slots),
        bad_slot_count: U32::new(u32::try_from(superblock.bad_slots.slots.len()).unwrap_or(0)),
        reserved_b: U32::new(0),
        bad_slots,
    };
    image.digest = digest(image.as_bytes());
    if let Some((start, _)) = frame.split_first_chunk_mut::<SUPERBLOCK_BYTES>() {
        start.copy_from_slice(image.as_bytes());
    }
}

/// Reads copy number `copy` from the frame found at `sector`.
pub(crate) fn decode(frame: &Frame, copy: usize, sector: u64) -> Result<Superblock, Refusal> {
    let Ok((image, rest)) = SuperblockImage::ref_from_prefix(frame.as_slice()) else {
        return Err(Refusal::Foreign);
    };
    if image.magic != MAGIC {
        return Err(Refusal::Foreign);
    }
    if image.digest != digest(image.as_bytes()) {
        return Err(Refusal::Damaged);
    }
    let version = Version::of(image.version_major.get());
    let Some(version) = version.filter(|_| image.features_incompatible.get() == 0) else {
        return Err(Refusal::Unsupported {
            version_major: image.version_major.get(),
            features: image.features_incompatible.get(),
        });
    };
    let here = usize::try_from(image.copy.get()) == Ok(copy) && image.sector.get() == sector;
    let geometry = Geometry::for_sectors(image.device_sectors.get()).ok_or(Refusal::Damaged)?;
    let laid_out = image.slot_count.get() == geometry.slot_count
        && image.ring_count.get() == geometry.ring_count
        && image.reserve_slots.get() == geometry.reserve_slots
        && usize::try_from(image.frame_bytes.get()) == Ok(FRAME_BYTES);
    let bad_slots = BadSlots::from_image(image, &geometry).ok_or(Refusal::Damaged)?;
    let plausible = image.fence_seq.get() <= geometry.slot_count;
    if !(here && laid_out && plausible && is_zero(rest)) {
        return Err(Refusal::Damaged);
    }
    Ok(Superblock {
        version,
        device_uuid: image.device_uuid,
        epoch: image.epoch,
        sequence: image.sequence.get(),
        incarnation: image.incarnation.get(),
        fence_seq: image.fence_seq.get(),
        fence_chain: image.fence_chain,
        geometry,
        bad_slots,
        features_read_only: image.features_read_only.get(),
    })
}

fn digest(image: &[u8]) -> [u8; 32] {
    Sha256::digest(image.get(DIGEST_BYTES..).unwrap_or(&[])).into()
}

/// Slots that failed when they were to be written, in rising order.
///
/// Only slots behind the newest frame are ever added, so the place of no frame changes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct BadSlots {
    slots: Vec<u64>,
}

impl BadSlots {
    fn from_image(image: &SuperblockImage, geometry: &Geometry) -> Option<Self> {
        let count = usize::try_from(image.bad_slot_count.get()).ok()?;
        let slots: Vec<u64> = image
            .bad_slots
            .get(..count)?
            .iter()
            .map(|slot| slot.get())
            .collect();
        let rising = slots.is_sorted_by(|a, b| a < b);
        let inside = slots.iter().all(|slot| *slot < geometry.slot_count);
        (rising && inside).then_some(BadSlots { slots })
    }

    pub(crate) fn count(&self) -> u64 {
        self.slots.len() as u64
    }

    /// Sets `slot` aside; refused when the list is full or the slot is not behind all others.
    pub(crate) fn add(&mut self, slot: u64) -> bool {
        let behind = self.slots.last().is_none_or(|last| *last < slot);
        let room = self.slots.len() < BAD_SLOTS_MAX;
        if behind && room {
            self.slots.push(slot);
        }
        behind && room
    }

    /// The slot of frame `seq`.
    pub(crate) fn slot_of(&self, seq: u64) -> u64 {
        let mut slot = seq;
        for bad in &self.slots {
            if *bad > slot {
                break;
            }
            slot = slot.saturating_add(1);
        }
        slot
    }

    /// The frame whose place `slot` is; `None` for a slot set aside.
    pub(crate) fn seq_of(&self, slot: u64) -> Option<u64> {
        if self.slots.contains(&slot) {
            return None;
        }
        let before = self.slots.iter().filter(|bad| **bad < slot).count() as u64;
        slot.checked_sub(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;

    fn sample() -> Superblock {
        let mut bad_slots = BadSlots::default();
        assert!(bad_slots.add(2));
        assert!(bad_slots.add(3));
        Superblock {
            version: Version::NEWEST,
            device_uuid: [1; 16],
            epoch: [2; 16],
            sequence: 5,
            incarnation: 4,
            fence_seq: 3,
            fence_chain: [9; 32],
            geometry: Geometry::for_sectors(2048).unwrap(),
            bad_slots,
            features_read_only: 0,
        }
    }

    #[test]
    fn a_superblock_reads_back_as_it_was_written() {
        let mut frame = Box::new([0; FRAME_BYTES]);
        encode(&mut frame, &sample(), 2, 72);
        assert_eq!(decode(&frame, 2, 72), Ok(sample()));
        assert_eq!(decode(&frame, 1, 72), Err(Refusal::Damaged));
        assert_eq!(decode(&frame, 2, 80), Err(Refusal::Damaged));
    }

    #[test]
    fn every_flipped_bit_of_a_superblock_is_seen() {
        let mut frame = Box::new([0; FRAME_BYTES]);
        encode(&mut frame, &sample(), 0, 64);
        for bit in 0..FRAME_BYTES * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged, 0, 64).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_later_format_is_refused_by_its_version_and_not_called_damaged() {
        let mut frame = Box::new([0; FRAME_BYTES]);
        encode(&mut frame, &sample(), 0, 64);
        let (image, _) = SuperblockImage::mut_from_prefix(frame.as_mut_slice()).unwrap();
        image.version_major = U16::new(3);
        image.digest = digest(image.as_bytes());
        assert_eq!(
            decode(&frame, 0, 64),
            Err(Refusal::Unsupported {
                version_major: 3,
                features: 0
            })
        );
    }

    #[test]
    fn slots_set_aside_are_stepped_over_both_ways() {
        let bad = sample().bad_slots;
        let slots: Vec<u64> = (0..5).map(|seq| bad.slot_of(seq)).collect();
        assert_eq!(slots, [0, 1, 4, 5, 6]);
        assert_eq!(bad.seq_of(2), None);
        for seq in 0..5 {
            assert_eq!(bad.seq_of(bad.slot_of(seq)), Some(seq));
        }
    }

    #[test]
    fn a_slot_before_another_bad_one_is_not_set_aside() {
        let mut bad = sample().bad_slots;
        assert!(!bad.add(1));
        assert!(!bad.add(3));
        assert!(bad.add(4));
    }
}

//! The record frame: FORMAT.md, section "Record frame".
//!
//! Owns the bytes of one frame as they lie in one place, and the chain over all frames.
//! Frames read from a device are untrusted: any content is legal input.
//!
//! Invariants:
//! - a [`Head`] exists only for a frame whose header digest, epoch and own address match;
//! - a frame called whole has a chain value that covers its payload, records that fill the payload
//!   exactly, and zeros behind it.

use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::defect::{Defect, planted};
use crate::geometry::FRAME_BYTES;
use crate::records::{self, FRAME_RECORDS_MAX};
use crate::version::Version;

/// The bytes of one frame.
pub type Frame = [u8; FRAME_BYTES];

/// Bytes of the header before the payload.
pub const HEADER_BYTES: usize = 208;
/// Bytes of a frame behind its header.
pub(crate) const PAYLOAD_ROOM_BYTES: usize = FRAME_BYTES - HEADER_BYTES;
/// Largest payload of one record, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = Version::NEWEST.payload_bytes_max();

/// Bytes of the digest at the start of every frame; the digest covers what follows it.
pub(crate) const DIGEST_BYTES: usize = 32;
const MAGIC: [u8; 8] = *b"GLYPHREC";
/// A group never has more frames than the longest ring has places.
const GROUP_COUNT_MAX: u32 = 64;

/// The header as it lies on the device.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct FrameHeader {
    pub(crate) digest: [u8; DIGEST_BYTES],
    pub(crate) magic: [u8; 8],
    pub(crate) version: U16,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) payload_bytes: U32,
    pub(crate) epoch: [u8; 16],
    pub(crate) sector: U64,
    pub(crate) seq: U64,
    pub(crate) incarnation: U64,
    pub(crate) group_first: U64,
    pub(crate) group_count: U32,
    pub(crate) record_first: U64,
    pub(crate) record_count: U32,
    pub(crate) previous_chain: [u8; 32],
    pub(crate) chain: [u8; 32],
    pub(crate) seal: [u8; 32],
}

const _: () = assert!(size_of::<FrameHeader>() == HEADER_BYTES);

/// What a verified header says, without its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: Version,
    /// Kind of the only record of a version-1 frame; zero in version 2.
    pub(crate) kind: u8,
    pub(crate) payload_bytes: u32,
    /// Number of the frame.
    pub(crate) seq: u64,
    pub(crate) incarnation: u64,
    /// First frame of the append.
    pub(crate) group_first: u64,
    /// Frames of the append.
    pub(crate) group_count: u32,
    /// Number of the first record in the frame.
    pub(crate) record_first: u64,
    /// Records in the frame.
    pub(crate) record_count: u32,
    pub(crate) previous_chain: [u8; 32],
    pub(crate) chain: [u8; 32],
}

impl Head {
    /// The first frame after the group of this one.
    pub(crate) fn group_end(&self) -> u64 {
        self.group_first.saturating_add(u64::from(self.group_count))
    }

    /// The first record after those of this frame.
    pub(crate) fn record_end(&self) -> u64 {
        self.record_first
            .saturating_add(u64::from(self.record_count))
    }

    /// Whether the numbers of records are such as this frame could have.
    fn is_numbered(&self) -> bool {
        let latest = self.seq.saturating_mul(u64::from(FRAME_RECORDS_MAX));
        (1..=FRAME_RECORDS_MAX).contains(&self.record_count)
            && (self.seq..=latest).contains(&self.record_first)
    }
}

/// The chain value before the first frame of a ledger.
#[must_use]
pub fn genesis_chain(epoch: &[u8; 16], device_uuid: &[u8; 16]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"glyphos.ledger.genesis.v1");
    hash.update(epoch);
    hash.update(device_uuid);
    hash.finalize().into()
}

/// The chain value after a frame: every field has a fixed width or a length before it.
pub(crate) fn link(epoch: &[u8; 16], head: &Head, payload: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(match head.version {
        Version::One => b"glyphos.ledger.chain.v1",
        Version::Two => b"glyphos.ledger.chain.v2",
    });
    hash.update(epoch);
    hash.update(head.previous_chain);
    hash.update(head.seq.to_le_bytes());
    hash.update(head.group_first.to_le_bytes());
    hash.update(head.group_count.to_le_bytes());
    match head.version {
        Version::One => hash.update([head.kind]),
        Version::Two => {
            hash.update(head.record_first.to_le_bytes());
            hash.update(head.record_count.to_le_bytes());
        }
    }
    hash.update(head.payload_bytes.to_le_bytes());
    hash.update(payload);
    hash.finalize().into()
}

/// Writes the header for the place at `sector` over a frame whose payload is laid.
///
/// The payload has the length that `head` states; the chain value in `head` is already right.
pub(crate) fn write_header(frame: &mut Frame, epoch: &[u8; 16], sector: u64, head: &Head) {
    let (record_first, record_count) = match head.version {
        Version::One => (0, 0),
        Version::Two => (head.record_first, head.record_count),
    };
    let header = FrameHeader {
        digest: [0; DIGEST_BYTES],
        magic: MAGIC,
        version: U16::new(head.version.number()),
        kind: head.kind,
        flags: 0,
        payload_bytes: U32::new(head.payload_bytes),
        epoch: *epoch,
        sector: U64::new(sector),
        seq: U64::new(head.seq),
        incarnation: U64::new(head.incarnation),
        group_first: U64::new(head.group_first),
        group_count: U32::new(head.group_count),
        record_first: U64::new(record_first),
        record_count: U32::new(record_count),
        previous_chain: head.previous_chain,
        chain: head.chain,
        seal: [0; 32],
    };
    if let Some((start, _)) = frame.split_first_chunk_mut::<HEADER_BYTES>() {
        start.copy_from_slice(header.as_bytes());
    }
    seal_digest(frame);
}

/// Turns a verified frame into the copy for the place at `sector`.
pub(crate) fn retarget(frame: &mut Frame, sector: u64) {
    if let Ok((header, _)) = FrameHeader::mut_from_prefix(frame.as_mut_slice()) {
        header.sector = U64::new(sector);
    }
    seal_digest(frame);
}

fn seal_digest(frame: &mut Frame) {
    let digest = header_digest(frame);
    if let Some((start, _)) = frame.split_first_chunk_mut::<DIGEST_BYTES>() {
        *start = digest;
    }
}

fn header_digest(frame: &Frame) -> [u8; 32] {
    frame
        .get(DIGEST_BYTES..HEADER_BYTES)
        .map_or([0; 32], |covered| Sha256::digest(covered).into())
}

/// Reads the header of a frame found at `sector`; `None` if it is not one of this ledger.
///
/// A header says that the frame was written, not that its payload is whole.
pub(crate) fn read_head(frame: &Frame, epoch: &[u8; 16], sector: u64) -> Option<Head> {
    let (header, _) = FrameHeader::ref_from_prefix(frame.as_slice()).ok()?;
    if header.magic != MAGIC || header.digest != header_digest(frame) {
        return None;
    }
    let version = Version::of(header.version.get())?;
    let seq = header.seq.get();
    let stated = (header.record_first.get(), header.record_count.get());
    // What the other version keeps there has to be zero.
    let (spare, (record_first, record_count)) = match version {
        Version::One => (stated == (0, 0), (seq, 1)),
        Version::Two => (header.kind == 0, stated),
    };
    let head = Head {
        version,
        kind: header.kind,
        payload_bytes: header.payload_bytes.get(),
        seq,
        incarnation: header.incarnation.get(),
        group_first: header.group_first.get(),
        group_count: header.group_count.get(),
        record_first,
        record_count,
        previous_chain: header.previous_chain,
        chain: header.chain,
    };
    let zero = spare && header.flags == 0 && header.seal == [0; 32];
    let ours = header.epoch == *epoch || planted(Defect::IgnoreEpoch);
    let here = ours && header.sector.get() == sector;
    let fits = head.payload_bytes as usize <= PAYLOAD_ROOM_BYTES;
    let grouped = head.group_count <= GROUP_COUNT_MAX
        && (head.group_first..head.group_end()).contains(&head.seq);
    (zero && here && fits && grouped && head.is_numbered()).then_some(head)
}

/// The payload that `head` describes.
pub(crate) fn payload<'f>(frame: &'f Frame, head: &Head) -> Option<&'f [u8]> {
    let end = HEADER_BYTES.checked_add(head.payload_bytes as usize)?;
    frame.get(HEADER_BYTES..end)
}

/// Reads a whole frame: its header, its payload under the chain value, records that fill that
/// exactly, zeros behind it.
pub(crate) fn read_whole(frame: &Frame, epoch: &[u8; 16], sector: u64) -> Option<Head> {
    let head = read_head(frame, epoch, sector)?;
    let payload = payload(frame, &head)?;
    let end = HEADER_BYTES.checked_add(payload.len())?;
    let padding = frame.get(end..)?;
    let whole = is_zero(padding)
        && records::fill_exactly(&head, payload)
        && link(epoch, &head, payload) == head.chain
        || planted(Defect::TrustHeader)
        || planted(Defect::IgnoreEpoch);
    whole.then_some(head)
}

/// Reads a whole frame that should equal `model`, a whole frame with header `head`, without
/// hashing the payload a second time.
pub(crate) fn read_like(
    frame: &Frame,
    epoch: &[u8; 16],
    sector: u64,
    model: &Frame,
    head: &Head,
) -> Option<Head> {
    if frame.get(HEADER_BYTES..) == model.get(HEADER_BYTES..) {
        let found = read_head(frame, epoch, sector)?;
        if found == *head {
            return Some(found);
        }
    }
    read_whole(frame, epoch, sector)
}

/// Whether every byte is zero.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Whole words first: this runs over every byte of every frame at recovery.
    let (words, rest) = bytes.as_chunks::<32>();
    words.iter().all(|word| *word == [0; 32]) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
impl Head {
    /// The second frame of an append of two, with two records before it and no payload yet.
    pub(crate) fn sample(version: Version) -> Head {
        Head {
            version,
            kind: 0,
            payload_bytes: 0,
            seq: 9,
            incarnation: 2,
            group_first: 8,
            group_count: 2,
            record_first: 9,
            record_count: 1,
            previous_chain: [1; 32],
            chain: [0; 32],
        }
    }
}

/// Lays a frame with any payload, under the chain value that covers it.
#[cfg(test)]
pub(crate) fn encode(
    frame: &mut Frame,
    epoch: &[u8; 16],
    sector: u64,
    head: &Head,
    payload: &[u8],
) {
    frame.fill(0);
    let (_, room) = frame.split_at_mut(HEADER_BYTES);
    if let Some(room) = room.get_mut(..payload.len()) {
        room.copy_from_slice(payload);
    }
    write_header(frame, epoch, sector, head);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Entry;
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    const EPOCH: [u8; 16] = [7; 16];
    const VERSIONS: [Version; 2] = [Version::One, Version::Two];

    /// A frame of `entries` for sector 40.
    fn frame_of(version: Version, entries: &[Entry<'_>]) -> (Box<Frame>, Head) {
        let mut frame = Box::new([0xAA; FRAME_BYTES]);
        let bytes = records::lay(&mut frame, version, entries);
        let mut head = Head {
            payload_bytes: u32::try_from(bytes).unwrap(),
            record_count: u32::try_from(entries.len()).unwrap(),
            ..Head::sample(version)
        };
        if version == Version::One {
            head.kind = entries[0].kind;
        }
        head.chain = link(&EPOCH, &head, payload(&frame, &head).unwrap());
        write_header(&mut frame, &EPOCH, 40, &head);
        (frame, head)
    }

    fn sample(version: Version, payload: &[u8]) -> (Box<Frame>, Head) {
        frame_of(version, &[Entry { kind: 3, payload }])
    }

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        for version in VERSIONS {
            for length in [0, 1, 300, version.payload_bytes_max()] {
                let payload = std::vec![0x5C; length];
                let (frame, head) = sample(version, &payload);
                assert_eq!(read_whole(&frame, &EPOCH, 40), Some(head));
                let laid = super::payload(&frame, &head).unwrap();
                let found: Vec<Entry<'_>> = records::records(&head, laid).collect();
                let payload = payload.as_slice();
                assert_eq!(found, [Entry { kind: 3, payload }]);
            }
        }
    }

    #[test]
    fn a_frame_of_another_place_or_epoch_is_not_taken() {
        for version in VERSIONS {
            let (mut frame, head) = sample(version, b"words");
            assert_eq!(read_head(&frame, &EPOCH, 48), None);
            assert_eq!(read_head(&frame, &[8; 16], 40), None);
            retarget(&mut frame, 48);
            assert_eq!(read_whole(&frame, &EPOCH, 48), Some(head));
            assert_eq!(read_head(&frame, &EPOCH, 40), None);
        }
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_seen() {
        let several = [
            Entry {
                kind: 3,
                payload: b"a payload of some length",
            },
            Entry {
                kind: 4,
                payload: b"and another one",
            },
        ];
        for (version, count) in [(Version::One, 1), (Version::Two, 2)] {
            let (frame, head) = frame_of(version, &several[..count]);
            let model = frame.clone();
            for bit in 0..FRAME_BYTES * 8 {
                let mut damaged = frame.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(read_whole(&damaged, &EPOCH, 40), None, "bit {bit}");
                assert_eq!(
                    read_like(&damaged, &EPOCH, 40, &model, &head),
                    None,
                    "bit {bit}"
                );
            }
        }
    }

    #[test]
    fn neighbouring_fields_cannot_be_shifted_into_one_another() {
        for version in VERSIONS {
            let (_, head) = sample(version, b"ab");
            let shifted = Head {
                payload_bytes: 1,
                ..head
            };
            assert_ne!(link(&EPOCH, &head, b"ab"), link(&EPOCH, &shifted, b"a"));
        }
        let (_, head) = sample(Version::One, b"ab");
        let other_kind = Head { kind: 4, ..head };
        assert_ne!(link(&EPOCH, &head, b"ab"), link(&EPOCH, &other_kind, b"ab"));
        let other_version = Head {
            version: Version::Two,
            ..head
        };
        assert_ne!(
            link(&EPOCH, &head, b"ab"),
            link(&EPOCH, &other_version, b"ab")
        );
    }

    #[test]
    fn the_chain_value_covers_the_numbers_of_the_records() {
        let (_, head) = sample(Version::Two, b"ab");
        let one_later = Head {
            record_first: head.record_first + 1,
            ..head
        };
        let one_more = Head {
            record_count: head.record_count + 1,
            ..head
        };
        for other in [one_later, one_more] {
            assert_ne!(link(&EPOCH, &head, b"ab"), link(&EPOCH, &other, b"ab"));
        }
    }

    #[test]
    fn numbers_of_records_that_no_frame_could_have_are_refused() {
        let (mut frame, head) = sample(Version::Two, b"ab");
        for (record_first, record_count, taken) in [
            (9, 1, true),
            (9 * 972, 1, true),
            (8, 1, false),
            (9 * 972 + 1, 1, false),
            (9, 0, false),
            (9, 973, false),
            (u64::MAX, 1, false),
        ] {
            let head = Head {
                record_first,
                record_count,
                ..head
            };
            write_header(&mut frame, &EPOCH, 40, &head);
            let found = read_head(&frame, &EPOCH, 40);
            assert_eq!(
                found,
                taken.then_some(head),
                "{record_first} {record_count}"
            );
        }
    }
}

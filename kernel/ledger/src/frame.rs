//! The record frame: FORMAT.md, section "Record frame".
//!
//! Owns the bytes of one record as they lie in one place, and the chain over all records.
//! Frames read from a device are untrusted: any content is legal input.
//!
//! Invariants:
//! - a [`Head`] exists only for a frame whose header digest, epoch and own address match;
//! - a frame called whole has a chain value that covers its payload, and zeros behind it.

use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::defect::{Defect, planted};
use crate::geometry::FRAME_BYTES;

/// The bytes of one frame.
pub type Frame = [u8; FRAME_BYTES];

/// Bytes of the header before the payload.
pub const HEADER_BYTES: usize = 208;
/// Largest payload of one record, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = FRAME_BYTES - HEADER_BYTES;

/// Bytes of the digest at the start of every frame; the digest covers what follows it.
pub(crate) const DIGEST_BYTES: usize = 32;
const MAGIC: [u8; 8] = *b"GLYPHREC";
const VERSION: u16 = 1;
/// A group never has more records than the longest ring has places.
const GROUP_COUNT_MAX: u32 = 64;

/// The header as it lies on the device.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct RecordHeader {
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
    pub(crate) reserved: [u8; 12],
    pub(crate) previous_chain: [u8; 32],
    pub(crate) chain: [u8; 32],
    pub(crate) seal: [u8; 32],
}

const _: () = assert!(size_of::<RecordHeader>() == HEADER_BYTES);

/// What a verified header says, without its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: u8,
    pub(crate) payload_bytes: u32,
    pub(crate) seq: u64,
    pub(crate) incarnation: u64,
    pub(crate) group_first: u64,
    pub(crate) group_count: u32,
    pub(crate) previous_chain: [u8; 32],
    pub(crate) chain: [u8; 32],
}

impl Head {
    /// The first sequence number after the group of this record.
    pub(crate) fn group_end(&self) -> u64 {
        self.group_first.saturating_add(u64::from(self.group_count))
    }
}

/// The chain value before the first record of a ledger.
#[must_use]
pub fn genesis_chain(epoch: &[u8; 16], device_uuid: &[u8; 16]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"glyphos.ledger.genesis.v1");
    hash.update(epoch);
    hash.update(device_uuid);
    hash.finalize().into()
}

/// The chain value after a record: every field has a fixed width or a length before it.
pub(crate) fn link(epoch: &[u8; 16], head: &Head, payload: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"glyphos.ledger.chain.v1");
    hash.update(epoch);
    hash.update(head.previous_chain);
    hash.update(head.seq.to_le_bytes());
    hash.update(head.group_first.to_le_bytes());
    hash.update(head.group_count.to_le_bytes());
    hash.update([head.kind]);
    hash.update(head.payload_bytes.to_le_bytes());
    hash.update(payload);
    hash.finalize().into()
}

/// Writes the record into `frame` for the place at `sector`.
///
/// `payload` has the length that `head` states; the chain value in `head` is already right.
pub(crate) fn encode(
    frame: &mut Frame,
    epoch: &[u8; 16],
    sector: u64,
    head: &Head,
    payload: &[u8],
) {
    frame.fill(0);
    let header = RecordHeader {
        digest: [0; DIGEST_BYTES],
        magic: MAGIC,
        version: U16::new(VERSION),
        kind: head.kind,
        flags: 0,
        payload_bytes: U32::new(head.payload_bytes),
        epoch: *epoch,
        sector: U64::new(sector),
        seq: U64::new(head.seq),
        incarnation: U64::new(head.incarnation),
        group_first: U64::new(head.group_first),
        group_count: U32::new(head.group_count),
        reserved: [0; 12],
        previous_chain: head.previous_chain,
        chain: head.chain,
        seal: [0; 32],
    };
    if let Some((start, body)) = frame.split_first_chunk_mut::<HEADER_BYTES>() {
        start.copy_from_slice(header.as_bytes());
        if let Some(room) = body.get_mut(..payload.len()) {
            room.copy_from_slice(payload);
        }
    }
    seal_digest(frame);
}

/// Turns a verified frame into the copy for the place at `sector`.
pub(crate) fn retarget(frame: &mut Frame, sector: u64) {
    if let Ok((header, _)) = RecordHeader::mut_from_prefix(frame.as_mut_slice()) {
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
/// A header says that the record was written, not that its payload is whole.
pub(crate) fn read_head(frame: &Frame, epoch: &[u8; 16], sector: u64) -> Option<Head> {
    let (header, _) = RecordHeader::ref_from_prefix(frame.as_slice()).ok()?;
    if header.magic != MAGIC || header.digest != header_digest(frame) {
        return None;
    }
    let head = Head {
        kind: header.kind,
        payload_bytes: header.payload_bytes.get(),
        seq: header.seq.get(),
        incarnation: header.incarnation.get(),
        group_first: header.group_first.get(),
        group_count: header.group_count.get(),
        previous_chain: header.previous_chain,
        chain: header.chain,
    };
    let known = header.version.get() == VERSION
        && header.flags == 0
        && header.reserved == [0; 12]
        && header.seal == [0; 32];
    let ours = header.epoch == *epoch || planted(Defect::IgnoreEpoch);
    let here = ours && header.sector.get() == sector;
    let fits = head.payload_bytes as usize <= PAYLOAD_BYTES_MAX;
    let grouped = head.group_count <= GROUP_COUNT_MAX
        && (head.group_first..head.group_end()).contains(&head.seq);
    (known && here && fits && grouped).then_some(head)
}

/// The payload that `head` describes.
pub(crate) fn payload<'f>(frame: &'f Frame, head: &Head) -> Option<&'f [u8]> {
    let end = HEADER_BYTES.checked_add(head.payload_bytes as usize)?;
    frame.get(HEADER_BYTES..end)
}

/// Reads a whole record: its header, its payload under the chain value, zeros behind it.
pub(crate) fn read_whole(frame: &Frame, epoch: &[u8; 16], sector: u64) -> Option<Head> {
    let head = read_head(frame, epoch, sector)?;
    let payload = payload(frame, &head)?;
    let end = HEADER_BYTES.checked_add(payload.len())?;
    let padding = frame.get(end..)?;
    let whole = is_zero(padding) && link(epoch, &head, payload) == head.chain
        || planted(Defect::TrustHeader)
        || planted(Defect::IgnoreEpoch);
    whole.then_some(head)
}

/// Reads a whole record that should equal `model`, a whole frame with header `head`, without
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
mod tests {
    use super::*;
    use alloc::boxed::Box;

    const EPOCH: [u8; 16] = [7; 16];

    fn sample(payload: &[u8]) -> (Box<Frame>, Head) {
        let mut head = Head {
            kind: 3,
            payload_bytes: u32::try_from(payload.len()).unwrap(),
            seq: 9,
            incarnation: 2,
            group_first: 8,
            group_count: 2,
            previous_chain: [1; 32],
            chain: [0; 32],
        };
        head.chain = link(&EPOCH, &head, payload);
        let mut frame = Box::new([0xAA; FRAME_BYTES]);
        encode(&mut frame, &EPOCH, 40, &head, payload);
        (frame, head)
    }

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        for length in [0, 1, 300, PAYLOAD_BYTES_MAX] {
            let payload = std::vec![0x5C; length];
            let (frame, head) = sample(&payload);
            assert_eq!(read_whole(&frame, &EPOCH, 40), Some(head));
            assert_eq!(super::payload(&frame, &head), Some(payload.as_slice()));
        }
    }

    #[test]
    fn a_frame_of_another_place_or_epoch_is_not_taken() {
        let (mut frame, head) = sample(b"words");
        assert_eq!(read_head(&frame, &EPOCH, 48), None);
        assert_eq!(read_head(&frame, &[8; 16], 40), None);
        retarget(&mut frame, 48);
        assert_eq!(read_whole(&frame, &EPOCH, 48), Some(head));
        assert_eq!(read_head(&frame, &EPOCH, 40), None);
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_seen() {
        let (frame, head) = sample(b"a payload of some length");
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

    #[test]
    fn neighbouring_fields_cannot_be_shifted_into_one_another() {
        let (_, head) = sample(b"ab");
        let shifted = Head {
            payload_bytes: 1,
            ..head
        };
        assert_ne!(link(&EPOCH, &head, b"ab"), link(&EPOCH, &shifted, b"a"));
        let other_kind = Head { kind: 4, ..head };
        assert_ne!(link(&EPOCH, &head, b"ab"), link(&EPOCH, &other_kind, b"ab"));
    }
}

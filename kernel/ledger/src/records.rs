//! The records within one frame: FORMAT.md, section "Records of a frame".
//!
//! Owns how records share a frame's payload: which go into it, where they lie, how they are found
//! again. A payload read from a device is untrusted: any content is legal input.
//!
//! Invariants:
//! - the same entries are packed in the same way, always: a copy of a ledger has its frames;
//! - records fill the payload of a whole frame exactly, and there are as many as its header says.

use core::iter;

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::defect::{Defect, planted};
use crate::frame::{Frame, HEADER_BYTES, Head, PAYLOAD_ROOM_BYTES};
use crate::ledger::Entry;
use crate::version::Version;

/// Bytes before the payload of each record.
pub(crate) const RECORD_HEADER_BYTES: usize = 4;
/// Records that one frame takes at most: as many as have no payload.
pub(crate) const FRAME_RECORDS_MAX: u32 = 972;

/// The header of a record as it lies within a frame.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct RecordHeader {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) payload_bytes: U16,
}

const _: () = assert!(size_of::<RecordHeader>() == RECORD_HEADER_BYTES);
const _: () = assert!(PAYLOAD_ROOM_BYTES == FRAME_RECORDS_MAX as usize * RECORD_HEADER_BYTES);

/// Bytes that `entry` takes in the payload of a frame.
fn bytes_of(version: Version, entry: &Entry<'_>) -> usize {
    match version {
        Version::One => entry.payload.len(),
        Version::Two => RECORD_HEADER_BYTES.saturating_add(entry.payload.len()),
    }
}

/// Splits the entries of an append into those of each frame: in order, as many as fit.
///
/// An entry that is too long for any frame gets one of its own.
pub(crate) fn pack<'e, 'p>(
    version: Version,
    entries: &'e [Entry<'p>],
) -> impl Iterator<Item = &'e [Entry<'p>]> + Clone {
    let mut rest = entries;
    iter::from_fn(move || {
        let mut room = PAYLOAD_ROOM_BYTES;
        let fit = rest
            .iter()
            .take_while(|entry| {
                let left = room.checked_sub(bytes_of(version, entry));
                room = left.unwrap_or(0);
                left.is_some()
            })
            .count();
        let count = match version {
            Version::One => 1,
            Version::Two => fit.max(1),
        };
        let (first, after) = rest.split_at_checked(count)?;
        rest = after;
        Some(first)
    })
}

/// What the header of a frame of `entries` says of their kind: version 2 keeps it with each record.
pub(crate) fn frame_kind(version: Version, entries: &[Entry<'_>]) -> u8 {
    match (version, entries) {
        (Version::One, [only, ..]) => only.kind,
        _ => 0,
    }
}

/// Lays `entries`, which fit, into the payload of `frame` and zeros behind it; returns the payload's
/// length in bytes.
pub(crate) fn lay(frame: &mut Frame, version: Version, entries: &[Entry<'_>]) -> usize {
    let (_, mut room) = frame.split_at_mut(HEADER_BYTES);
    let mut bytes: usize = 0;
    for entry in entries {
        let header = RecordHeader {
            kind: entry.kind,
            flags: 0,
            payload_bytes: U16::new(u16::try_from(entry.payload.len()).unwrap_or(u16::MAX)),
        };
        let header = match version {
            Version::One => &[],
            Version::Two => header.as_bytes(),
        };
        for part in [header, entry.payload] {
            let Some((place, after)) = room.split_at_mut_checked(part.len()) else {
                return bytes;
            };
            place.copy_from_slice(part);
            room = after;
            bytes = bytes.saturating_add(part.len());
        }
    }
    room.fill(0);
    bytes
}

/// The records of a frame with header `head` and that payload, up to the first that does not fit.
pub(crate) fn records<'f>(head: &Head, payload: &'f [u8]) -> impl Iterator<Item = Entry<'f>> {
    let (mut only, mut rest) = match head.version {
        Version::One => {
            let kind = head.kind;
            (Some(Entry { kind, payload }), &[][..])
        }
        Version::Two => (None, payload),
    };
    let count = usize::try_from(head.record_count).unwrap_or(usize::MAX);
    let next = move || {
        only.take().or_else(|| {
            let (entry, after) = split_first(rest)?;
            rest = after;
            Some(entry)
        })
    };
    iter::from_fn(next).take(count)
}

/// Whether the records of a frame fill its payload exactly, and are as many as `head` says.
pub(crate) fn fill_exactly(head: &Head, payload: &[u8]) -> bool {
    let mut count: u32 = 0;
    let mut bytes: usize = 0;
    for entry in records(head, payload) {
        count = count.saturating_add(1);
        bytes = bytes.saturating_add(bytes_of(head.version, &entry));
    }
    count == head.record_count && bytes == payload.len()
}

fn split_first(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (header, rest) = RecordHeader::ref_from_prefix(bytes).ok()?;
    let mut length = usize::from(header.payload_bytes.get());
    if planted(Defect::ClipRecords) {
        length = length.min(rest.len());
    }
    let (payload, after) = rest.split_at_checked(length)?;
    let kind = header.kind;
    (header.flags == 0).then_some((Entry { kind, payload }, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn sizes(version: Version, lengths: &[usize]) -> Vec<Vec<usize>> {
        let payloads: Vec<Vec<u8>> = lengths.iter().map(|length| vec![7; *length]).collect();
        let entries: Vec<Entry<'_>> = payloads
            .iter()
            .map(|payload| Entry { kind: 1, payload })
            .collect();
        pack(version, &entries)
            .map(|frame| frame.iter().map(|entry| entry.payload.len()).collect())
            .collect()
    }

    #[test]
    fn a_frame_takes_as_many_records_as_fit_in_their_order() {
        let two = |lengths: &[usize]| sizes(Version::Two, lengths);
        assert_eq!(two(&[512; 16]), [vec![512; 7], vec![512; 7], vec![512; 2]]);
        assert_eq!(two(&[3884, 0]), [[3884], [0]]);
        assert_eq!(two(&[3880, 0]), [[3880, 0]]);
        assert_eq!(two(&[1, 3884, 2, 3]), [vec![1], vec![3884], vec![2, 3]]);
        assert_eq!(two(&[0; 973]), [vec![0; 972], vec![0]]);
        assert_eq!(sizes(Version::One, &[3888, 1, 2]), [[3888], [1], [2]]);
        assert!(two(&[]).is_empty());
    }

    #[test]
    fn records_are_found_again_and_bytes_that_no_writer_lays_are_refused() {
        let head = |count: u32| Head {
            record_count: count,
            ..Head::sample(Version::Two)
        };
        let laid = [5, 0, 2, 0, 0xAA, 0xBB, 6, 0, 0, 0];
        let found: Vec<Entry<'_>> = records(&head(2), &laid).collect();
        let expected = [(5, &[0xAA, 0xBB][..]), (6, &[])];
        assert_eq!(found.len(), 2);
        for (entry, (kind, payload)) in found.iter().zip(expected) {
            assert_eq!((entry.kind, entry.payload), (kind, payload));
        }
        assert!(fill_exactly(&head(2), &laid));
        // One too few, one too many, a rest, a record that does not fit, a flag.
        assert!(!fill_exactly(&head(1), &laid));
        assert!(!fill_exactly(&head(3), &laid));
        assert!(!fill_exactly(&head(2), &[&laid[..], &[0]].concat()));
        assert!(!fill_exactly(&head(2), &laid[..9]));
        assert!(!fill_exactly(&head(1), &[5, 0, 3, 0, 1, 2]));
        assert!(!fill_exactly(&head(1), &[5, 1, 0, 0]));
        assert!(!fill_exactly(&head(1), &[]));
    }
}

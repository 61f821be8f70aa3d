//! Holds FORMAT.md and the structures together.
//!
//! The tables of the document are parsed and compared with the offsets that the compiler
//! gives; the bytes of a known ledger are pinned, so that the format cannot drift unseen.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem::offset_of;

use sha2::{Digest as _, Sha256};

use crate::frame::{FrameHeader, HEADER_BYTES, PAYLOAD_BYTES_MAX, PAYLOAD_ROOM_BYTES};
use crate::geometry::{DEVICE_BYTES_MIN, Geometry};
use crate::ledger::{Entry, Ledger, Reserve};
use crate::records::{FRAME_RECORDS_MAX, RECORD_HEADER_BYTES, RecordHeader};
use crate::simulated::SimulatedDisk;
use crate::superblock::{BAD_SLOTS_MAX, SUPERBLOCK_BYTES, SuperblockImage};
use crate::{Seed, format as make};

const DOCUMENT: &str = include_str!("../FORMAT.md");

/// Chain value and SHA-256 of the image of the known ledger; the chain value was computed a
/// second time from the document alone.
const KNOWN_CHAIN: &str = "f33079ea0b58eea327aff211392590938ac0bb78418e9bc13cb99b3f8e633d4b";
const KNOWN_IMAGE: &str = "d6e7e1c8fca88793b144b0a037e61b14d633a9b3d037a7b321541c28854a76c2";

type Field = (usize, usize, String);

/// Offset, size and name of each field, sizes taken up to the next field.
macro_rules! fields {
    ($image:ty; $($field:ident),+ $(,)?) => {{
        let mut fields: Vec<Field> = Vec::new();
        $(fields.push((offset_of!($image, $field), 0, stringify!($field).to_string()));)+
        let mut end = size_of::<$image>();
        for (offset, size, _) in fields.iter_mut().rev() {
            *size = end - *offset;
            end = *offset;
        }
        fields
    }};
}

/// The rows `| offset | bytes | field | ...` under a heading.
fn documented(heading: &str) -> Vec<Field> {
    let start = DOCUMENT.find(&alloc::format!("\n## {heading}\n")).unwrap();
    let section = &DOCUMENT[start + 4..];
    let section = &section[..section.find("\n## ").unwrap_or(section.len())];
    section
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let offset = cells.next()?.parse().ok()?;
            let bytes = cells.next()?.parse().ok()?;
            Some((offset, bytes, cells.next()?.to_string()))
        })
        .collect()
}

#[test]
fn the_document_lists_every_field_of_the_superblock_where_it_is() {
    let fields = fields![SuperblockImage;
        digest, magic, version_major, version_minor, frame_bytes, features_compatible,
        features_read_only, features_incompatible, device_uuid, epoch, copy, reserved_a, sector,
        sequence, incarnation, fence_seq, fence_chain, device_sectors, slot_count, ring_count,
        reserve_slots, bad_slot_count, reserved_b, bad_slots,
    ];
    assert_eq!(documented("Superblock"), fields);
    let (offset, bytes, _) = fields.last().unwrap();
    assert_eq!(offset + bytes, SUPERBLOCK_BYTES);
    assert_eq!(*bytes, BAD_SLOTS_MAX * 8);
}

#[test]
fn the_document_lists_every_field_of_the_record_frame_where_it_is() {
    let fields = fields![FrameHeader;
        digest, magic, version, kind, flags, payload_bytes, epoch, sector, seq, incarnation,
        group_first, group_count, record_first, record_count, previous_chain, chain, seal,
    ];
    assert_eq!(documented("Record frame"), fields);
    let (offset, bytes, _) = fields.last().unwrap();
    assert_eq!(offset + bytes, HEADER_BYTES);
}

#[test]
fn the_document_lists_every_field_of_the_header_of_a_record_where_it_is() {
    let fields = fields![RecordHeader; kind, flags, payload_bytes];
    assert_eq!(documented("Records of a frame"), fields);
    let (offset, bytes, _) = fields.last().unwrap();
    assert_eq!(offset + bytes, RECORD_HEADER_BYTES);
}

#[test]
fn the_figures_of_the_document_are_those_of_the_code() {
    let slots = |bytes: u64| Geometry::for_sectors(bytes / 512).unwrap().slot_count;
    assert_eq!(slots(DEVICE_BYTES_MIN), 18);
    assert_eq!(slots(64 << 20), 8150);
    assert_eq!(DEVICE_BYTES_MIN, 256 * 1024);
    assert_eq!((PAYLOAD_ROOM_BYTES, PAYLOAD_BYTES_MAX), (3888, 3884));
    assert_eq!(FRAME_RECORDS_MAX, 972);
    for figure in [
        "256 KiB (18 slots)",
        "64 MiB give 8,150",
        "4 to 3,888",
        "0 to 3,884",
        "1 to 972",
    ] {
        assert!(DOCUMENT.contains(figure), "{figure}");
    }
}

#[test]
fn the_bytes_of_a_known_ledger_never_change() {
    let mut disk = SimulatedDisk::new(512);
    let seed = Seed {
        device_uuid: *b"device-for-tests",
        epoch: *b"epoch-for-tests!",
    };
    make(&mut disk, seed).unwrap();
    let (mut ledger, _) = Ledger::open(disk).unwrap();
    let _ = ledger.append(1, b"first", Reserve::Ordinary).unwrap();
    let pair = [
        Entry {
            kind: 2,
            payload: &[0x5A; 600],
        },
        Entry {
            kind: 3,
            payload: b"",
        },
    ];
    let receipt = ledger.append_group(&pair, Reserve::Emergency).unwrap();
    let chain: String = receipt
        .chain
        .iter()
        .map(|b| alloc::format!("{b:02x}"))
        .collect();
    let image = Sha256::digest(ledger.into_device().image());
    let image: String = image.iter().map(|b| alloc::format!("{b:02x}")).collect();
    assert_eq!((chain.as_str(), image.as_str()), (KNOWN_CHAIN, KNOWN_IMAGE));
}

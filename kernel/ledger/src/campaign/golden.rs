//! Images that releases wrote, kept in `golden/`: what a version wrote, every later release opens.
//!
//! An image is kept as text, its runs of zeros left out: `OFFSET HEX` lines, the size first. The
//! expectations stand here and not in the files: number of records, chain value, payloads.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use abi::id::{Hex, hex_decode};

use super::records;
use crate::Seed;
use crate::device::SECTOR_BYTES;
use crate::error::OpenError;
use crate::format::format_as;
use crate::ledger::{Entry, Ledger, Reserve};
use crate::simulated::{SectorFate, SimulatedDisk};
use crate::version::Version;

/// A ledger that was opened three times: records alone, in groups, in the reserve.
struct Golden {
    version: Version,
    image: &'static str,
    chain: &'static str,
    seed: Seed,
    /// Sizes of the records of each append of each session.
    sessions: [&'static [&'static [usize]]; 3],
    frames: u64,
}

const GOLDEN: [Golden; 2] = [
    Golden {
        version: Version::One,
        image: include_str!("golden/version-1.0.txt"),
        chain: "43ff40729ecfcf2fa30bac01e8185d9472c203943b27d0503c2058771f5441b8",
        seed: Seed {
            device_uuid: *b"golden image 1.0",
            epoch: *b"golden epoch 1.0",
        },
        sessions: [&[&[0], &[5, 700]], &[&[3888], &[1, 2, 3, 4]], &[&[42]]],
        frames: 9,
    },
    Golden {
        version: Version::Two,
        image: include_str!("golden/version-2.0.txt"),
        chain: "34c697a2d5d512fb3e5bf8a6b5c4bd0f2163581ba154b32515eed01ec0728fd5",
        seed: Seed {
            device_uuid: *b"golden image 2.0",
            epoch: *b"golden epoch 2.0",
        },
        sessions: [
            &[&[0], &[5, 700]],
            &[&[3884], &[1, 2, 3, 3800, 512]],
            &[&[42], &[0, 0]],
        ],
        frames: 7,
    },
];

fn payload(number: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| ((at * 7 + number * 31) % 251) as u8)
        .collect()
}

/// The very same ledger, written by the code of today.
fn written_today(golden: &Golden) -> SimulatedDisk {
    let mut disk = SimulatedDisk::new(512);
    format_as(&mut disk, golden.seed, golden.version).unwrap();
    let mut number = 0;
    for session in golden.sessions {
        let (mut ledger, _) = Ledger::open(disk).unwrap();
        for group in session {
            let payloads: Vec<Vec<u8>> = (number..)
                .zip(*group)
                .map(|(number, length)| payload(number, *length))
                .collect();
            let entries: Vec<Entry<'_>> = (number as u8..)
                .zip(&payloads)
                .map(|(kind, payload)| Entry { kind, payload })
                .collect();
            let receipt = ledger.append_group(&entries, Reserve::Emergency).unwrap();
            number += group.len();
            assert_eq!(receipt.seq + 1, number as u64);
        }
        disk = ledger.into_device().crash(|_| SectorFate::Old);
    }
    disk
}

/// The text of an image: its size, then each run of 32 bytes that is not all zeros.
fn to_text(image: &[u8]) -> String {
    let mut text = format!("{}\n", image.len());
    for (number, run) in image.chunks(32).enumerate() {
        if run.iter().any(|byte| *byte != 0) {
            text.push_str(&format!("{} {}\n", number * 32, Hex(run)));
        }
    }
    text
}

fn from_text(text: &str) -> Vec<u8> {
    let mut lines = text.lines();
    let size: usize = lines.next().unwrap().parse().unwrap();
    let mut image = vec![0; size];
    for line in lines {
        let (offset, digits) = line.split_once(' ').unwrap();
        let offset: usize = offset.parse().unwrap();
        hex_decode(digits, &mut image[offset..offset + digits.len() / 2]).unwrap();
    }
    image
}

fn expected_records(golden: &Golden) -> Vec<(u8, Vec<u8>)> {
    let sizes = golden.sessions.into_iter().flatten().copied().flatten();
    sizes
        .enumerate()
        .map(|(number, length)| (number as u8, payload(number, *length)))
        .collect()
}

#[test]
fn the_golden_image_of_each_version_opens_with_every_record_and_goes_on_in_its_version() {
    for golden in &GOLDEN {
        let disk = SimulatedDisk::from_image(&from_text(golden.image));
        let (mut ledger, report) = Ledger::open(disk).unwrap();
        assert_eq!(
            (report.read_only, report.repaired, report.unrepaired),
            (None, 0, 0)
        );
        assert!(report.findings.is_sound() && report.findings.list().is_empty());
        assert_eq!(Hex(&report.chain).to_string(), golden.chain);
        let found = records(&mut ledger).unwrap();
        let found: Vec<(u8, Vec<u8>)> = found.into_iter().map(|it| (it.kind, it.payload)).collect();
        assert_eq!(found, expected_records(golden));
        assert_eq!(ledger.frames(), golden.frames);
        assert!(ledger.verify().sound);
        let pair = [Entry {
            kind: 1,
            payload: b"on",
        }; 2];
        let receipt = ledger.append_group(&pair, Reserve::Ordinary).unwrap();
        assert_eq!(receipt.seq, found.len() as u64 + 1);
        // Each frame of version 1 has one record, for the life of the ledger.
        let grown = match golden.version {
            Version::One => 2,
            Version::Two => 1,
        };
        let (again, report) = Ledger::open(ledger.into_device()).unwrap();
        assert_eq!(report.read_only, None);
        assert_eq!(again.frames(), golden.frames + grown);
        assert_eq!(again.version(), golden.version);
    }
}

#[test]
fn the_code_of_today_writes_the_golden_images_byte_for_byte() {
    for golden in &GOLDEN {
        let today = to_text(&written_today(golden).image());
        assert!(
            today == golden.image,
            "the format has drifted: raise its version and keep the old image, or undo the change"
        );
    }
}

#[test]
fn an_image_of_another_version_is_refused_in_each_place_that_could_say_so() {
    // Bytes 48 and 49 of each superblock are its major version; digests are made anew below.
    for version in [0, 3, u16::MAX] {
        let mut image = from_text(GOLDEN[1].image);
        for copy in 0..crate::geometry::SUPERBLOCK_COPIES {
            let at = super::geometry().superblock_sector(copy) as usize * SECTOR_BYTES;
            image[at + 48..at + 50].copy_from_slice(&version.to_le_bytes());
            let digest = <sha2::Sha256 as sha2::Digest>::digest(&image[at + 32..at + 736]);
            image[at..at + 32].copy_from_slice(&digest);
        }
        let disk = SimulatedDisk::from_image(&image);
        let refused = Ledger::open(disk.clone()).map(|_| ());
        let unsupported = OpenError::Unsupported {
            version_major: version,
            features: 0,
        };
        assert_eq!(refused, Err(unsupported));
        assert_eq!(Ledger::inspect(disk).map(|_| ()), refused);
    }
}

//! Images that releases wrote, kept in `golden/`: what version 1 wrote, every later release opens.
//!
//! An image is kept as text, its runs of zeros left out: `OFFSET HEX` lines, the size first. The
//! expectations stand here and not in the files: number of records, chain value, payloads.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use abi::id::{Hex, hex_decode};

use super::records;
use crate::device::SECTOR_BYTES;
use crate::error::OpenError;
use crate::ledger::{Entry, Ledger, Reserve};
use crate::simulated::{SectorFate, SimulatedDisk};
use crate::{Seed, format as make};

/// A ledger of format 1.0 that was opened three times: records alone, in groups, in the reserve.
const VERSION_1_0: &str = include_str!("golden/version-1.0.txt");
const CHAIN_1_0: &str = "43ff40729ecfcf2fa30bac01e8185d9472c203943b27d0503c2058771f5441b8";

/// Sizes of the records of each append of each session.
const SESSIONS: [&[&[usize]]; 3] = [&[&[0], &[5, 700]], &[&[3888], &[1, 2, 3, 4]], &[&[42]]];

fn payload(number: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| ((at * 7 + number * 31) % 251) as u8)
        .collect()
}

/// The very same ledger, written by the code of today.
fn written_today() -> SimulatedDisk {
    let mut disk = SimulatedDisk::new(512);
    let seed = Seed {
        device_uuid: *b"golden image 1.0",
        epoch: *b"golden epoch 1.0",
    };
    make(&mut disk, seed).unwrap();
    let mut number = 0;
    for session in SESSIONS {
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

fn expected_records() -> Vec<(u8, Vec<u8>)> {
    let sizes = SESSIONS.into_iter().flatten().copied().flatten();
    sizes
        .enumerate()
        .map(|(number, length)| (number as u8, payload(number, *length)))
        .collect()
}

#[test]
fn the_golden_image_of_version_1_0_opens_with_every_record_and_goes_on() {
    let disk = SimulatedDisk::from_image(&from_text(VERSION_1_0));
    let (mut ledger, report) = Ledger::open(disk).unwrap();
    assert_eq!(
        (report.read_only, report.repaired, report.unrepaired),
        (None, 0, 0)
    );
    assert!(report.findings.is_sound() && report.findings.list().is_empty());
    assert_eq!(Hex(&report.chain).to_string(), CHAIN_1_0);
    let found = records(&mut ledger).unwrap();
    let found: Vec<(u8, Vec<u8>)> = found.into_iter().map(|it| (it.kind, it.payload)).collect();
    assert_eq!(found, expected_records());
    assert!(ledger.verify().sound);
    let receipt = ledger.append(1, b"on", Reserve::Ordinary).unwrap();
    assert_eq!(receipt.seq, 9);
}

#[test]
fn the_code_of_today_writes_the_golden_image_byte_for_byte() {
    let today = to_text(&written_today().image());
    assert!(
        today == VERSION_1_0,
        "the format has drifted: raise its version and keep the old image, or undo the change"
    );
}

#[test]
fn an_image_of_another_version_is_refused_in_each_place_that_could_say_so() {
    // Bytes 48 and 49 of each superblock are its major version; digests are made anew below.
    for version in [0, 2, u16::MAX] {
        let mut image = from_text(VERSION_1_0);
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

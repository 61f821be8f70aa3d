//! Bytes that no ledger wrote: foreign disks, mutated images, interrupted formatting.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::crash_states::states_left;
use super::{History, Outcome, Random, SECTORS, SEED, fresh_disk, records, run};
use crate::device::{BlockDevice, SECTOR_BYTES};
use crate::error::{FormatError, OpenError, ReadOnlyReason};
use crate::examine::{Examination, examine};
use crate::frame::{self, Frame, Head};
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Geometry, Place, SUPERBLOCK_COPIES};
use crate::ledger::Ledger;
use crate::simulated::{Fault, SimulatedDisk};
use crate::superblock::{self, BadSlots, Superblock};
use crate::version::Version;
use crate::{Seed, format as make};

const OTHER: Seed = Seed {
    device_uuid: *b"another-device!!",
    epoch: *b"another-epoch!!!",
};

fn six_records() -> (SimulatedDisk, History) {
    let (mut ledger, _) = Ledger::open(fresh_disk()).unwrap();
    let mut history = History::default();
    let workload = vec![vec![10], vec![200, 30], vec![3000, 2000], vec![5]];
    run(&mut ledger, &workload, &mut history);
    (ledger.into_device(), history)
}

/// Everything that reads a device, on bytes that may say anything.
fn exercise(disk: &SimulatedDisk, random: &mut Random) -> Result<(), String> {
    let _ = examine(&mut disk.clone());
    let inspected = Ledger::inspect(disk.clone());
    let opened = Ledger::open(disk.clone());
    let damage = |reason| matches!(reason, Some(ReadOnlyReason::Damage(_)));
    match (inspected, opened) {
        (Ok((mut inspected, before)), Ok((mut opened, after))) => {
            if inspected.device_mut().image() != disk.image() {
                return Err(String::from("an inspection wrote to the device"));
            }
            if damage(before.read_only) != damage(after.read_only)
                || (before.records, before.chain) != (after.records, after.chain)
            {
                return Err(String::from("inspection and recovery disagree"));
            }
            if damage(after.read_only) && opened.device_mut().image() != disk.image() {
                return Err(String::from("a damaged ledger was written to"));
            }
            let mut buffer: Box<Frame> = Box::new([0; FRAME_BYTES]);
            for mut ledger in [inspected, opened] {
                let _ = records(&mut ledger);
                let _ = ledger.verify();
                let _ = ledger.record(random.below(32), &mut buffer).is_ok();
                let _ = ledger.record(random.next(), &mut buffer).is_ok();
                let _ = ledger.append(1, b"on", crate::Reserve::Ordinary).is_ok();
            }
            Ok(())
        }
        (Err(before), Err(after)) if before == after => Ok(()),
        _ => Err(String::from("inspection and opening disagree")),
    }
}

/// A number that parsers stumble over.
fn awkward(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => 0,
        1 => u64::MAX,
        2 => u64::MAX - random.below(3),
        3 => 1 << random.below(64),
        4 => random.below(40),
        _ => random.next(),
    }
}

/// Writes a frame under a right digest whose fields say anything.
fn forge_record(disk: &mut SimulatedDisk, random: &mut Random) {
    let geometry = Geometry::for_sectors(SECTORS as u64).unwrap();
    let place = Place::ALL[random.below(3) as usize];
    let slot = random.below(geometry.slot_count);
    // Records without a payload, or of three bytes that claim 771.
    let payload = vec![random.below(2) as u8 * 3; 4 * random.below(25) as usize];
    let version = if random.below(4) == 0 {
        Version::One
    } else {
        Version::Two
    };
    let mut head = Head {
        version,
        kind: if random.below(4) == 0 {
            random.next() as u8
        } else {
            0
        },
        payload_bytes: if random.below(3) == 0 {
            awkward(random) as u32
        } else {
            payload.len() as u32
        },
        seq: if random.below(2) == 0 {
            slot
        } else {
            awkward(random)
        },
        incarnation: random.below(4),
        group_first: 0,
        group_count: 1,
        record_first: slot,
        record_count: 1 + random.below(3) as u32,
        previous_chain: [random.next() as u8; 32],
        chain: [0; 32],
    };
    head.group_first = if random.below(2) == 0 {
        head.seq
    } else {
        awkward(random)
    };
    head.group_count = if random.below(2) == 0 {
        1
    } else {
        awkward(random) as u32
    };
    if random.below(3) == 0 {
        head.record_first = awkward(random);
        head.record_count = awkward(random) as u32;
    }
    head.chain = frame::link(&SEED.epoch, &head, &payload);
    let mut buffer: Box<Frame> = Box::new([0; FRAME_BYTES]);
    let sector = geometry.sector(place, slot);
    frame::encode(&mut buffer, &SEED.epoch, sector, &head, &payload);
    overwrite(disk, sector, &buffer);
}

fn forge_superblock(disk: &mut SimulatedDisk, random: &mut Random) {
    let geometry = Geometry::for_sectors(SECTORS as u64).unwrap();
    let mut forged = geometry;
    if random.below(3) == 0 {
        forged.device_sectors = awkward(random);
    }
    if random.below(3) == 0 {
        forged.ring_count = awkward(random);
    }
    let mut bad_slots = BadSlots::default();
    for _ in 0..random.below(4) {
        let _ = bad_slots.add(awkward(random));
    }
    let superblock = Superblock {
        version: Version::NEWEST,
        device_uuid: SEED.device_uuid,
        epoch: if random.below(4) == 0 {
            OTHER.epoch
        } else {
            SEED.epoch
        },
        sequence: awkward(random),
        incarnation: awkward(random),
        fence_seq: awkward(random),
        fence_chain: [random.next() as u8; 32],
        geometry: forged,
        bad_slots,
        features_read_only: random.below(2),
    };
    let copies = 1 + random.below(SUPERBLOCK_COPIES as u64) as usize;
    for copy in 0..copies {
        let sector = geometry.superblock_sector(copy);
        let mut buffer: Box<Frame> = Box::new([0; FRAME_BYTES]);
        superblock::encode(&mut buffer, &superblock, copy, sector);
        overwrite(disk, sector, &buffer);
    }
}

fn overwrite(disk: &mut SimulatedDisk, sector: u64, frame: &Frame) {
    let written = disk.write(sector, frame.as_slice());
    written.and_then(|()| disk.flush()).unwrap();
}

#[test]
fn ten_thousand_mutated_images_give_a_verdict_and_never_a_panic() {
    let (disk, _) = six_records();
    let mut random = Random(21);
    for turn in 0..10_000 {
        let mut mutated = disk.clone();
        for _ in 0..1 + random.below(6) {
            match random.below(5) {
                0 => forge_record(&mut mutated, &mut random),
                1 => forge_superblock(&mut mutated, &mut random),
                2 => {
                    let at = random.below((SECTORS * SECTOR_BYTES) as u64) as usize;
                    let noise = random.next() as u8;
                    mutated.damage(at, random.below(600) as usize, |old| old ^ noise);
                }
                3 => {
                    // A frame copied to another place.
                    let from = random.below(SECTORS as u64 / FRAME_SECTORS) * FRAME_SECTORS;
                    let to = random.below(SECTORS as u64 / FRAME_SECTORS) * FRAME_SECTORS;
                    let mut buffer: Box<Frame> = Box::new([0; FRAME_BYTES]);
                    if mutated.read(from, buffer.as_mut_slice()).is_ok() {
                        overwrite(&mut mutated, to, &buffer);
                    }
                }
                _ => mutated.plant(Fault::DeadSectors {
                    sector: random.below(SECTORS as u64),
                    count: random.below(20),
                }),
            }
        }
        if random.below(8) == 0 {
            // An image cut short.
            let mut bytes = mutated.image();
            bytes.truncate(random.below(bytes.len() as u64) as usize);
            mutated = SimulatedDisk::from_image(&bytes);
        }
        exercise(&mutated, &mut random).unwrap_or_else(|error| panic!("turn {turn}: {error}"));
    }
}

#[test]
fn a_foreign_device_is_named_and_neither_examined_nor_opened_into_change() {
    let marks: [(usize, &[u8], &str); 6] = [
        (510, b"\x55\xAA", "an MBR partition table or boot sector"),
        (512, b"EFI PART", "a GPT partition table"),
        (1080, b"\x53\xEF", "an ext2, ext3 or ext4 file system"),
        (0, b"LUKS\xBA\xBE", "a LUKS encrypted volume"),
        (4086, b"SWAPSPACE2", "Linux swap space"),
        (200_000, b"letters", "unknown data"),
    ];
    for (offset, mark, what) in marks {
        let mut bytes = vec![0; SECTORS * SECTOR_BYTES];
        bytes[offset..offset + mark.len()].copy_from_slice(mark);
        let mut disk = SimulatedDisk::from_image(&bytes);
        let verdict = Examination::Foreign { what };
        assert_eq!(examine(&mut disk), verdict);
        let refused = Ledger::open(&mut disk).map(|_| ());
        assert_eq!(refused, Err(OpenError::NotALedger(verdict)));
        assert_eq!(disk.image(), bytes);
        assert_eq!(disk.counts().writes, 0);
    }
}

#[test]
fn blank_small_and_unreadable_devices_are_told_apart() {
    assert_eq!(
        examine(&mut SimulatedDisk::new(SECTORS)),
        Examination::Blank
    );
    let mut small = SimulatedDisk::new(SECTORS - 1);
    let need_bytes = crate::DEVICE_BYTES_MIN;
    assert_eq!(examine(&mut small), Examination::TooSmall { need_bytes });
    assert_eq!(make(&mut small, SEED), Err(FormatError::TooSmall));
    assert_eq!(small.counts().writes, 0);
    let mut broken = SimulatedDisk::new(SECTORS);
    broken.plant(Fault::DeadSectors {
        sector: 0,
        count: SECTORS as u64,
    });
    assert!(matches!(examine(&mut broken), Examination::Unreadable(_)));
    let (disk, _) = six_records();
    assert!(matches!(
        examine(&mut disk.clone()),
        Examination::Ours { superblocks: 4, .. }
    ));
}

#[test]
fn a_shrunk_device_is_refused_and_a_grown_one_opens() {
    let (disk, history) = six_records();
    let mut bytes = disk.image();
    bytes.resize(bytes.len() + 100 * SECTOR_BYTES, 0);
    let grown = SimulatedDisk::from_image(&bytes);
    assert!(super::recovers(grown, &history).is_ok());
    let mut large = SimulatedDisk::new(2 * SECTORS);
    make(&mut large, SEED).unwrap();
    let mut bytes = large.image();
    bytes.truncate(SECTORS * SECTOR_BYTES);
    let refused = Ledger::open(SimulatedDisk::from_image(&bytes)).map(|_| ());
    assert!(matches!(refused, Err(OpenError::Shrunk { .. })));
}

/// Formats over an old ledger whose records must not come back.
pub(super) fn reformat_campaign() -> Outcome {
    let (mut disk, _) = six_records();
    make(&mut disk, OTHER).map_err(|error| format!("{error}"))?;
    super::recovers(disk, &History::default())?;
    Ok(1)
}

#[test]
fn records_of_an_earlier_format_never_come_back() {
    assert_eq!(reformat_campaign(), Ok(1));
}

#[test]
fn formatting_cut_short_leaves_the_old_ledger_none_or_the_new_one() {
    let (disk, history) = six_records();
    let mut random = Random(22);
    let mut states = 0;
    for cut in 0..30 {
        let mut disk = disk.clone();
        disk.cut_power_after(cut);
        let finished = make(&mut disk, OTHER).is_ok();
        states += states_left(&disk, 60, &mut random, &mut |state| {
            let Ok((mut ledger, report)) = Ledger::open(state) else {
                return Ok(());
            };
            if report.read_only.is_some() {
                return Err(format!("cut {cut}: read-only"));
            }
            let found = records(&mut ledger)?;
            let expected: Vec<_> = if ledger.epoch() == OTHER.epoch {
                Vec::new()
            } else {
                history.acknowledged.clone()
            };
            if found == expected {
                Ok(())
            } else {
                Err(format!("cut {cut}: a mixture of {} records", found.len()))
            }
        })
        .unwrap();
        if finished {
            break;
        }
    }
    std::println!("states of formatting cut short: {states}");
    assert!(states > 500);
}

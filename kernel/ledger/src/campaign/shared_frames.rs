//! Records that share frames: their numbers, how they are found, what a commit of several costs.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::{History, Random, SEED, Workload, fresh_disk, run};
use crate::device::BlockDevice as _;
use crate::error::ReadOnlyReason;
use crate::format as make;
use crate::geometry::{FRAME_BYTES, Geometry, Place, SLOTS_MAX};
use crate::ledger::{Departure, Entry, Ledger, Reserve};
use crate::simulated::{Fault, SimulatedDisk};

/// A ledger of some 1,400 records in 500 frames: alone, sharing frames, and appends of several frames.
fn mixed() -> (Ledger<SimulatedDisk>, History) {
    let mut disk = SimulatedDisk::new(20_000);
    make(&mut disk, SEED).unwrap();
    let (mut ledger, _) = Ledger::open(disk).unwrap();
    let mut random = Random(61);
    let workload: Workload = (0..320)
        .map(|_| match random.below(4) {
            0 => vec![512; 16],
            1 => vec![random.below(900) as usize; 1 + random.below(6) as usize],
            _ => vec![random.below(3884) as usize],
        })
        .collect();
    let mut history = History::default();
    run(&mut ledger, &workload, &mut history);
    (ledger, history)
}

#[test]
fn a_record_is_found_by_its_number_in_a_few_reads_wherever_it_lies() {
    let (mut ledger, history) = mixed();
    let issued = &history.acknowledged;
    assert_eq!(ledger.records(), issued.len() as u64);
    assert!(ledger.frames() * 2 < ledger.records(), "frames are shared");
    let mut buffer = [0; FRAME_BYTES];
    let mut random = Random(62);
    // Twice the halvings of the largest ledger: a search begins near the record read last.
    let reads_max = 2 * u64::from(SLOTS_MAX.ilog2());
    let in_turn = 0..issued.len();
    let at_random = (0..2000).map(|_| random.below(issued.len() as u64) as usize);
    for number in in_turn.chain(at_random) {
        let before = ledger.device_mut().counts().reads;
        let record = ledger.record(number as u64, &mut buffer).unwrap();
        let expected = &issued[number];
        assert_eq!(record.seq, number as u64);
        assert_eq!(
            (record.kind, record.payload),
            (expected.kind, &expected.payload[..])
        );
        let reads = ledger.device_mut().counts().reads - before;
        assert!(reads <= reads_max, "{reads} reads for record {number}");
    }
    assert!(ledger.record(issued.len() as u64, &mut buffer).is_err());
}

#[test]
fn records_one_after_the_other_are_read_with_one_read_each() {
    let (mut ledger, history) = mixed();
    let mut buffer = [0; FRAME_BYTES];
    let count = history.acknowledged.len() as u64;
    let before = ledger.device_mut().counts().reads;
    for number in 0..count {
        assert_eq!(ledger.record(number, &mut buffer).unwrap().seq, number);
    }
    assert_eq!(ledger.device_mut().counts().reads - before, count);
}

#[test]
fn a_commit_of_sixteen_records_writes_three_frames_in_three_places_with_one_flush() {
    let mut disk = SimulatedDisk::new(20_000);
    make(&mut disk, SEED).unwrap();
    let (mut ledger, _) = Ledger::open(disk).unwrap();
    ledger.device_mut().heal();
    let entry = Entry {
        kind: 1,
        payload: &[0x42; 512],
    };
    let receipt = ledger
        .append_group(&[entry; 16], Reserve::Ordinary)
        .unwrap();
    assert_eq!(
        (receipt.seq, ledger.records(), ledger.frames()),
        (15, 16, 3)
    );
    let counts = ledger.device_mut().counts();
    assert_eq!((counts.writes, counts.flushes, counts.reads), (3, 1, 3));
    let written = ledger.device_mut().pending().count();
    assert_eq!(written, 0, "all of it is durable");
    assert_eq!(ledger.status().frames, 3);
    assert_eq!(ledger.free(Reserve::Emergency), ledger.capacity() - 3);
}

#[test]
fn a_checkpoint_in_the_middle_of_an_append_is_none_of_the_ledger() {
    let (mut ledger, _) = Ledger::open(fresh_disk()).unwrap();
    let workload = vec![vec![10], vec![20, 30, 40]];
    run(&mut ledger, &workload, &mut History::default());
    let whole = ledger.checkpoint().unwrap();
    assert_eq!((whole.records, ledger.hold_against(&whole)), (4, Ok(())));
    for kept in [2, 3] {
        let middle = abi::Checkpoint {
            records: kept,
            ..whole
        };
        let departure = Err(Departure::Rewritten { kept });
        assert_eq!(ledger.hold_against(&middle), departure);
    }
}

/// Opens a disk without these frames, and reads every record by its number; returns how many were not to
/// be had, and how many reads that took.
fn read_all_but(lost: &[Range<u64>], disk: &SimulatedDisk, history: &History) -> (u64, u64) {
    let mut disk = disk.clone();
    let geometry = Geometry::for_sectors(disk.sector_count()).unwrap();
    for run in lost {
        for place in [Place::ZoneA, Place::ZoneB] {
            disk.plant(Fault::DeadSectors {
                sector: geometry.sector(place, run.start),
                count: 8 * (run.end - run.start),
            });
        }
    }
    let (mut damaged, report) = Ledger::open(disk).unwrap();
    assert!(matches!(report.read_only, Some(ReadOnlyReason::Damage(_))));
    assert_eq!(report.records, history.acknowledged.len() as u64);
    let before = damaged.device_mut().counts().reads;
    let mut buffer = [0; FRAME_BYTES];
    let mut unreadable = 0;
    for (number, expected) in history.acknowledged.iter().enumerate() {
        match damaged.record(number as u64, &mut buffer) {
            Ok(record) => assert_eq!(record.payload, expected.payload),
            Err(_) => unreadable += 1,
        }
    }
    (unreadable, damaged.device_mut().counts().reads - before)
}

#[test]
fn every_record_of_a_damaged_ledger_whose_frame_is_whole_is_found() {
    let (mut ledger, history) = mixed();
    let (disk, frames_of) = frames_of_records(&mut ledger);
    let mut random = Random(63);
    for _ in 0..20 {
        // Two runs of lost frames that have left the ring.
        let lost = [(); 2].map(|()| {
            let first = random.below(ledger.frames() - 80);
            first..first + 1 + random.below(3)
        });
        let is_lost = |frame: &&u64| lost.iter().any(|run| run.contains(*frame));
        let records = frames_of.iter().filter(is_lost).count() as u64;
        let (unreadable, _) = read_all_but(&lost, &disk, &history);
        assert_eq!(unreadable, records, "{lost:?}");
    }
}

#[test]
fn a_wrecked_ledger_is_read_around_a_long_hole_with_two_reads_a_record_at_most() {
    let (mut ledger, history) = mixed();
    let (disk, frames_of) = frames_of_records(&mut ledger);
    let lost = 100..300;
    let records = frames_of
        .iter()
        .filter(|frame| lost.contains(*frame))
        .count() as u64;
    let (unreadable, reads) = read_all_but(&[lost], &disk, &history);
    assert_eq!(unreadable, records);
    let reads_max = 2 * history.acknowledged.len() as u64;
    assert!(reads <= reads_max, "{reads} reads");
}

/// The disk of `ledger` as it is, and the frame of each record.
fn frames_of_records(ledger: &mut Ledger<SimulatedDisk>) -> (SimulatedDisk, Vec<u64>) {
    let mut disk = ledger.device_mut().clone();
    disk.heal();
    let mut chains = Vec::new();
    let replayed = ledger.replay(|record| {
        chains.push(record.chain);
        Ok::<(), ()>(())
    });
    assert_eq!(replayed, Ok(()));
    let mut frame = 0;
    let mut frames = vec![0];
    for pair in chains.windows(2) {
        frame += u64::from(pair[0] != pair[1]);
        frames.push(frame);
    }
    assert_eq!(frame + 1, ledger.frames());
    (disk, frames)
}

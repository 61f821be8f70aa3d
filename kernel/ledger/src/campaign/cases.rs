//! Single cases with a name of their own: what a caller sees of damage, limits and repair.

use alloc::vec;

use super::damage::{filled, heals, ten_frames};
use super::{fresh_disk, geometry, recovers};
use crate::device::{BlockDevice, DeviceError, SECTOR_BYTES};
use crate::error::{AppendError, ReadOnlyReason};
use crate::finding::Finding;
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Place};
use crate::ledger::{Ledger, Reserve};
use crate::simulated::{Fault, SimulatedDisk};

#[test]
fn a_lost_record_in_the_middle_is_named_and_the_rest_stays_readable() {
    let (mut disk, _) = filled(&ten_frames()).unwrap();
    for place in [Place::ZoneA, Place::ZoneB] {
        let at = geometry().sector(place, 1) as usize * SECTOR_BYTES;
        disk.damage(at, FRAME_BYTES, |_| 0xEE);
    }
    let before = disk.image();
    let (mut ledger, report) = Ledger::open(disk).unwrap();
    let lost = Finding::RecordLost { seq: 1 };
    assert_eq!(report.read_only, Some(ReadOnlyReason::Damage(lost)));
    assert_eq!((report.records, report.frames), (14, 10));
    let mut buffer = [0; FRAME_BYTES];
    for (seq, bytes) in [(13, 333), (0, 0), (7, 1500), (6, 20), (11, 2600)] {
        let record = ledger.record(seq, &mut buffer).unwrap();
        assert_eq!((record.seq, record.payload.len()), (seq, bytes));
    }
    for seq in 1..4 {
        assert!(ledger.record(seq, &mut buffer).is_err());
    }
    let refused = ledger.append(1, b"no", Reserve::Emergency);
    assert!(matches!(refused, Err(AppendError::ReadOnly(_))));
    let verdict = ledger.verify();
    assert!(!verdict.sound);
    for told in ["record 1 is lost:", "records 2 to 3 are lost"] {
        let mut findings = verdict.findings.iter();
        assert!(findings.any(|line| line.contains(told)), "{verdict:?}");
    }
    assert_eq!(ledger.into_device().image(), before);
}

#[test]
fn a_later_record_proves_an_earlier_one_even_when_the_whole_ring_is_gone() {
    let (mut disk, _) = filled(&ten_frames()).unwrap();
    let ring = geometry().sector(Place::Ring, 0) as usize * SECTOR_BYTES;
    let frames = geometry().ring_count as usize;
    disk.damage(ring, frames * FRAME_BYTES, |_| 0);
    for place in [Place::ZoneA, Place::ZoneB] {
        let at = geometry().sector(place, 4) as usize * SECTOR_BYTES;
        disk.damage(at, FRAME_BYTES, |_| 0);
    }
    let (_, report) = Ledger::open(disk).unwrap();
    // Frame 4 begins with record 6.
    let lost = Finding::RecordLost { seq: 6 };
    assert_eq!(report.read_only, Some(ReadOnlyReason::Damage(lost)));
}

#[test]
fn a_whole_zone_lost_is_rebuilt_from_the_other_one() {
    for place in [Place::ZoneA, Place::ZoneB] {
        let (mut disk, history) = filled(&ten_frames()).unwrap();
        let zone = geometry().sector(place, 0) as usize * SECTOR_BYTES;
        let frames = geometry().slot_count as usize;
        disk.damage(zone, frames * FRAME_BYTES, |old| old ^ 0x77);
        heals(disk, &history).unwrap();
    }
}

#[test]
fn a_write_protected_device_is_read_and_never_acknowledged_on() {
    struct Protected(SimulatedDisk);
    impl BlockDevice for Protected {
        fn sector_count(&self) -> u64 {
            self.0.sector_count()
        }
        fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
            self.0.read(sector, buffer)
        }
        fn write(&mut self, _: u64, _: &[u8]) -> Result<(), DeviceError> {
            Err(DeviceError::ReadOnly)
        }
        fn flush(&mut self) -> Result<(), DeviceError> {
            Ok(())
        }
    }
    let (disk, _) = filled(&ten_frames()).unwrap();
    let (mut ledger, report) = Ledger::open(Protected(disk)).unwrap();
    let reason = ReadOnlyReason::Device(DeviceError::ReadOnly);
    assert_eq!((report.records, report.read_only), (14, Some(reason)));
    let refused = ledger.append(1, b"no", Reserve::Ordinary);
    assert_eq!(refused, Err(AppendError::ReadOnly(reason)));
    let mut buffer = [0; FRAME_BYTES];
    assert_eq!(ledger.record(5, &mut buffer).unwrap().payload.len(), 700);
}

#[test]
fn a_slot_that_takes_no_writes_is_stepped_over_for_good() {
    let mut disk = fresh_disk();
    let dead = geometry().sector(Place::ZoneB, 1);
    disk.plant(Fault::DeadSectors {
        sector: dead,
        count: FRAME_SECTORS,
    });
    let (mut ledger, _) = Ledger::open(disk).unwrap();
    let capacity = ledger.capacity();
    let _ = ledger.append(1, b"one", Reserve::Ordinary).unwrap();
    assert!(ledger.append(1, b"two", Reserve::Ordinary).is_err());
    let report = ledger.recover().unwrap();
    assert_eq!(report.read_only, None);
    let seq = report.records;
    let receipt = ledger.append(1, b"three", Reserve::Ordinary).unwrap();
    assert_eq!(receipt.seq, seq);
    let (ledger, report) = Ledger::open(ledger.into_device()).unwrap();
    assert_eq!((report.records, report.read_only), (seq + 1, None));
    // Either record 1 lives with one damaged copy, or its slot was given up.
    let kept = report.unrepaired > 0;
    assert!(kept || ledger.capacity() == capacity - 1);
}

#[test]
fn a_damaged_copy_is_repaired_when_it_is_read() {
    let (disk, history) = filled(&ten_frames()).unwrap();
    let mut ledger = recovers(disk, &history).unwrap();
    let at = geometry().sector(Place::ZoneA, 3) as usize * SECTOR_BYTES;
    ledger.device_mut().damage(at + 300, 1, |old| old ^ 4);
    assert!(!ledger.verify().sound);
    let mut buffer = [0; FRAME_BYTES];
    assert_eq!(ledger.record(5, &mut buffer).unwrap().payload.len(), 700);
    assert!(ledger.verify().sound);
    assert_eq!(ledger.status().repaired, 1);
}

#[test]
fn a_full_ledger_keeps_its_reserve_for_emergencies_and_harms_nothing() {
    let (mut ledger, _) = Ledger::open(fresh_disk()).unwrap();
    let reserve = ledger.geometry().reserve_slots;
    let mut ordinary = 0;
    while ledger.append(1, b"ordinary", Reserve::Ordinary).is_ok() {
        ordinary += 1;
    }
    assert_eq!(ordinary, ledger.capacity() - reserve);
    let refused = ledger.append(1, b"ordinary", Reserve::Ordinary);
    assert_eq!(refused, Err(AppendError::Full));
    for _ in 0..reserve {
        let _ = ledger.append(2, b"emergency", Reserve::Emergency).unwrap();
    }
    let refused = ledger.append(2, b"emergency", Reserve::Emergency);
    assert_eq!(refused, Err(AppendError::Full));
    assert_eq!(ledger.status().state, abi::response::LedgerState::ReadOnly);
    let (mut ledger, report) = Ledger::open(ledger.into_device()).unwrap();
    assert_eq!(report.records, ledger.capacity());
    assert!(ledger.verify().sound);
}

#[test]
fn payloads_and_groups_beyond_the_limits_are_refused_and_certainly_absent() {
    let (mut ledger, _) = Ledger::open(fresh_disk()).unwrap();
    let bytes_max = crate::PAYLOAD_BYTES_MAX;
    let long = vec![1; bytes_max + 1];
    let error = ledger.append(1, &long, Reserve::Ordinary).unwrap_err();
    let bytes = long.len();
    assert_eq!(error, AppendError::PayloadTooLarge { bytes, bytes_max });
    assert_eq!(error.fate(), crate::Fate::Absent);
    // Two of these do not share a frame.
    let entry = crate::Entry {
        kind: 1,
        payload: &[7; 2000],
    };
    let frames_max = ledger.geometry().group_max();
    for frames in [0, frames_max + 1] {
        let refused = ledger.append_group(&vec![entry; frames], Reserve::Ordinary);
        assert_eq!(refused, Err(AppendError::GroupSize { frames, frames_max }));
    }
    let group = vec![entry; frames_max];
    let receipt = ledger.append_group(&group, Reserve::Ordinary).unwrap();
    assert_eq!(receipt.seq, frames_max as u64 - 1);
}

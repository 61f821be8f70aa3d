//! Copies of whole ledgers: what a backup keeps, and what a copy cut short leaves.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::crash_states::states_left;
use super::damage::{filled, ten_frames};
use super::{
    History, Outcome, Random, SECTORS, SEED, Workload, fresh_disk, geometry, records, recovers, run,
};
use crate::copy::{CopyError, bytes_for, copy};
use crate::device::SECTOR_BYTES;
use crate::geometry::{FRAME_BYTES, Geometry, Place};
use crate::ledger::Ledger;
use crate::simulated::{Fault, SectorFate, SimulatedDisk};
use crate::{Seed, format as make};

/// Groups of each length that the small device takes, and records alone.
fn groups() -> Workload {
    vec![
        vec![3884],
        vec![10, 20, 30, 40],
        vec![0],
        vec![5, 600, 3500],
        vec![77, 1],
    ]
}

/// Number, kind, payload, frames of its append, whether it closes that, and chain value of every record.
type Whole = Vec<(u64, u8, Vec<u8>, u32, bool, [u8; 32])>;

fn whole(ledger: &mut Ledger<SimulatedDisk>) -> Whole {
    let mut found = Vec::new();
    ledger
        .replay(|record| {
            let payload = record.payload.to_vec();
            let group = (record.group_frames, record.closes_append);
            found.push((
                record.seq,
                record.kind,
                payload,
                group.0,
                group.1,
                record.chain,
            ));
            Ok::<(), ()>(())
        })
        .unwrap();
    found
}

#[test]
fn a_copy_keeps_records_groups_and_chain_and_goes_on_like_the_original() {
    let (disk, _) = filled(&groups()).unwrap();
    let (mut source, _) = Ledger::inspect(disk).unwrap();
    let original = whole(&mut source);
    assert_eq!(original.len(), 11);
    for sectors in [SECTORS, 2 * SECTORS, 20_000] {
        let mut target = SimulatedDisk::new(sectors);
        let checkpoint = copy(&mut source, &mut target).unwrap();
        assert_eq!(Some(checkpoint), source.checkpoint());
        let cut = target.crash(|_| SectorFate::Old);
        let (mut copied, report) = Ledger::open(cut).unwrap();
        assert_eq!((report.read_only, report.repaired), (None, 0));
        assert_eq!(whole(&mut copied), original);
        assert_eq!(copied.hold_against(&checkpoint), Ok(()));
        assert!(copied.verify().sound);
        let receipt = copied.append(1, b"on", crate::Reserve::Ordinary).unwrap();
        assert_eq!(receipt.seq, 11);
        // And back, over the original.
        let mut back = source.device_mut().clone();
        copy(&mut copied, &mut back).unwrap();
        let (mut back, _) = Ledger::open(back).unwrap();
        assert_eq!(whole(&mut back), whole(&mut copied));
    }
}

#[test]
fn a_copy_over_a_longer_life_of_the_same_ledger_holds_nothing_of_it() {
    let (short, _) = filled(&vec![vec![300], vec![20, 30]]).unwrap();
    let (long, _) = filled(&groups()).unwrap();
    let (mut source, _) = Ledger::inspect(short).unwrap();
    let mut target = long;
    let checkpoint = copy(&mut source, &mut target).unwrap();
    let (mut copied, _) = Ledger::open(target).unwrap();
    assert_eq!((copied.records(), checkpoint.records), (3, 3));
    assert_eq!(whole(&mut copied), whole(&mut source));
}

#[test]
fn a_target_that_is_too_small_and_a_source_that_is_damaged_leave_the_target_as_it_was() {
    let mut large = SimulatedDisk::new(20_000);
    make(&mut large, SEED).unwrap();
    let (mut source, _) = Ledger::open(large).unwrap();
    run(&mut source, &vec![vec![3000; 16]], &mut History::default());
    let need_bytes = bytes_for(16, 16);
    let before = fresh_disk();
    for sectors in [0, 100, SECTORS] {
        let mut target = before.clone();
        if sectors < SECTORS {
            target = SimulatedDisk::new(sectors);
        }
        let refused = copy(&mut source, &mut target);
        assert_eq!(refused, Err(CopyError::TooSmall { need_bytes }));
        assert_eq!((target.counts().writes, target.counts().flushes), (0, 0));
    }
    let (mut wreck, _) = filled(&ten_frames()).unwrap();
    for place in [Place::ZoneA, Place::ZoneB] {
        let at = geometry().sector(place, 1) as usize * SECTOR_BYTES;
        wreck.damage(at, FRAME_BYTES, |_| 0xEE);
    }
    let (mut source, _) = Ledger::inspect(wreck).unwrap();
    let mut target = before;
    assert_eq!(copy(&mut source, &mut target), Err(CopyError::Damaged));
    assert_eq!(target.counts().writes, 0);
}

#[test]
fn the_smallest_image_for_a_copy_takes_it_and_a_smaller_one_does_not() {
    for (records, group) in [(0, 1), (18, 4), (19, 4), (1, 16), (8150, 16), (100_000, 1)] {
        let bytes = bytes_for(records, group);
        let takes = |sectors| {
            Geometry::for_sectors(sectors)
                .is_some_and(|it| it.slot_count >= records && it.group_max() >= group)
        };
        assert!(takes(bytes / 512), "{records} {group}");
        assert!(!takes(bytes / 512 - 1), "{records} {group}");
    }
}

/// Copies over an older ledger, over another one and over a longer life of the same one, crashed
/// at each write and flush.
fn cut_copies(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let (disk, history) = filled(&vec![vec![40], vec![20, 3000], vec![700]])?;
    let (mut source, _) = Ledger::inspect(disk).map_err(|error| format!("{error}"))?;
    let other = Seed {
        device_uuid: *b"another-device!!",
        epoch: *b"another-epoch!!!",
    };
    let mut foreign = SimulatedDisk::new(SECTORS);
    make(&mut foreign, other).map_err(|error| format!("{error}"))?;
    let targets = [
        (foreign, History::default()),
        filled(&vec![vec![40]])?,
        filled(&groups())?,
    ];
    let mut states = 0;
    for (target, old) in targets {
        // A copy has far fewer operations: one that never succeeds is a failure.
        for cut in 0..=400 {
            if cut == 400 {
                return Err(String::from("a copy never succeeds"));
            }
            let mut target = target.clone();
            target.cut_power_after(cut);
            let finished = copy(&mut source, &mut target).is_ok();
            // Many sectors are in flight, and most of their fates are alike: some of them will do.
            let mut turn = 0;
            states_left(&target, 0, &mut random, &mut |state| {
                turn += 1;
                if turn > 12 && turn % 8 != 0 {
                    return Ok(());
                }
                states += 1;
                let Ok((mut ledger, report)) = Ledger::open(state) else {
                    return Ok(());
                };
                if let Some(reason) = report.read_only {
                    return Err(format!("cut {cut}: read-only: {reason}"));
                }
                let found = records(&mut ledger)?;
                let is_old = !finished && found == old.acknowledged;
                if is_old || found == history.acknowledged {
                    Ok(())
                } else {
                    Err(format!("cut {cut}: {} records", found.len()))
                }
            })?;
            if finished {
                let durable = target.crash(|_| SectorFate::Old);
                recovers(durable, &history)?;
                break;
            }
        }
    }
    Ok(states)
}

#[test]
fn a_copy_cut_short_leaves_the_old_ledger_none_or_the_whole_copy() {
    let states = cut_copies(41).unwrap();
    std::println!("copies cut short: {states}");
    assert!(states > 500);
}

#[test]
fn an_error_at_any_operation_of_a_copy_leaves_no_part_of_it() {
    let (disk, history) = filled(&groups()).unwrap();
    let (mut source, _) = Ledger::inspect(disk).unwrap();
    let (mut done, mut failed) = (0, 0);
    for number in 0..60 {
        for fault in [
            Fault::LostWrite { write: number },
            Fault::FailedWrite { write: number },
            Fault::FailedRead { read: number },
            Fault::FailedFlush { flush: number },
            Fault::Dies { operation: number },
        ] {
            let (mut target, _) = filled(&vec![vec![40]]).unwrap();
            target.plant(fault);
            let copied = copy(&mut source, &mut target);
            target.heal();
            let Ok((mut ledger, _)) = Ledger::open(target.crash(|_| SectorFate::Old)) else {
                assert!(copied.is_err(), "{fault:?}");
                failed += 1;
                continue;
            };
            let found = records(&mut ledger).unwrap_or_else(|_: String| Vec::new());
            let is_whole = found == history.acknowledged;
            assert!(
                is_whole || copied.is_err(),
                "{fault:?}: {} records",
                found.len()
            );
            assert!(
                is_whole || found.len() == 1,
                "{fault:?}: {} records",
                found.len()
            );
            done += 1;
        }
    }
    assert!(done > 50 && failed > 20, "{done} {failed}");
}

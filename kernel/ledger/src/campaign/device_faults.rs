//! Sessions on a device that fails: lost and misdirected writes, errors, lies, and crashes with damage.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::crash_states::{cut_session, states_left};
use super::damage::{filled, heals, used_frames};
use super::{
    History, Outcome, Random, SECTORS, fresh_disk, goes_on, records, recovers, recovers_or_stops,
    run,
};
use crate::device::BlockDevice;
use crate::error::ReadOnlyReason;
use crate::frame::{self, Frame};
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Place};
use crate::ledger::Ledger;
use crate::simulated::{Fault, SectorFate, SimulatedDisk};

/// Whether all three copies of frame `seq` are whole.
fn tripled(ledger: &mut Ledger<SimulatedDisk>, seq: u64) -> bool {
    let geometry = ledger.geometry();
    let epoch = ledger.epoch();
    let mut disk = ledger.device_mut().clone();
    disk.heal();
    Place::ALL.into_iter().all(|place| {
        let mut buffer: Box<Frame> = Box::new([0; FRAME_BYTES]);
        let sector = geometry.sector(place, seq);
        let read = disk.read(sector, buffer.as_mut_slice());
        let head = frame::read_whole(&buffer, &epoch, sector);
        read.is_ok() && head.is_some_and(|head| head.seq == seq)
    })
}

/// Runs a session in which `fault` strikes, recovers as a node would, and goes on.
fn session_with(fault: Fault) -> Outcome {
    let workload = vec![vec![300], vec![20, 3870], vec![3884], vec![64, 5, 900]];
    let mut disk = fresh_disk();
    disk.plant(fault);
    let mut history = History::default();
    let (mut ledger, _) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
    for group in &workload {
        let before = ledger.frames();
        run(&mut ledger, &vec![group.clone()], &mut history);
        if history.in_flight.is_empty() && ledger.read_only().is_none() {
            if !(before..ledger.frames()).all(|seq| tripled(&mut ledger, seq)) {
                return Err(String::from("acknowledged without three whole copies"));
            }
            continue;
        }
        // What is acknowledged is durable: it survives a power cut at this very moment.
        let cut = ledger.device_mut().crash(|_| SectorFate::Old);
        recovers(cut, &history)?;
        ledger.device_mut().heal();
        let report = ledger.recover().map_err(|error| format!("{error}"))?;
        if let Some(reason) = report.read_only {
            return Err(format!("read-only after recovery: {reason}"));
        }
        let found = records(&mut ledger)?;
        if !history.admits(&found) {
            return Err(format!("{} records after recovery", found.len()));
        }
        history = History {
            acknowledged: found,
            in_flight: Vec::new(),
        };
    }
    let cut = ledger.into_device().crash(|_| SectorFate::Old);
    goes_on(recovers(cut, &history)?)?;
    Ok(1)
}

/// Every write lost, and every write misdirected to every frame of the device.
pub(super) fn stray_write_campaign() -> Outcome {
    let mut states = 0;
    for write in 0..20 {
        states += session_with(Fault::LostWrite { write })
            .map_err(|error| format!("write {write} lost: {error}"))?;
        for frame in 0..SECTORS as u64 / FRAME_SECTORS {
            let sector = frame * FRAME_SECTORS;
            // The zones hold groups of several frames, which must not run over the end.
            if sector + 2 * FRAME_SECTORS <= SECTORS as u64 {
                states += session_with(Fault::MisdirectedWrite { write, sector })
                    .map_err(|error| format!("write {write} to sector {sector}: {error}"))?;
            }
        }
    }
    Ok(states)
}

/// Every operation fails once, and every operation from some point on.
pub(super) fn error_campaign() -> Outcome {
    let mut states = 0;
    for number in 0..80 {
        for fault in [
            Fault::FailedWrite { write: number },
            Fault::FailedWriteDone { write: number },
            Fault::FailedRead { read: number },
            Fault::FailedFlush { flush: number },
            Fault::Dies {
                operation: 12 + number,
            },
        ] {
            states += session_with(fault).map_err(|error| format!("{fault:?}: {error}"))?;
        }
    }
    Ok(states)
}

/// A flush that lies: what survives is the beginning of what was issued, or the ledger stops.
pub(super) fn lying_flush_campaign(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let workload = vec![vec![50], vec![50, 60], vec![3800, 90], vec![50]];
    let mut total = 0;
    for flush in 0..10 {
        let mut disk = fresh_disk();
        disk.plant(Fault::LyingFlush { flush });
        let mut history = History::default();
        let (mut ledger, _) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
        ledger.device_mut().cut_power_after(4 * (flush % 5));
        run(&mut ledger, &workload, &mut history);
        let issued = [history.acknowledged, history.in_flight].concat();
        let mut visit = |state| {
            let Ok((mut ledger, report)) = Ledger::open(state) else {
                return Ok(());
            };
            if report.read_only.is_some() || issued.starts_with(&records(&mut ledger)?) {
                return Ok(());
            }
            Err(String::from("records that were never issued in this order"))
        };
        total += states_left(&ledger.into_device(), 200, &mut random, &mut visit)?;
    }
    Ok(total)
}

/// A crash in any append or opening, and then one or two wrecked frames.
pub(super) fn crash_and_damage_campaign(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let workload = vec![
        vec![30],
        vec![900, 4, 3000],
        vec![3884],
        vec![70, 80],
        vec![1],
    ];
    let frames = used_frames(6);
    let mut total = 0;
    for cut in 0..32 {
        let (disk, history) = cut_session(fresh_disk(), &workload, cut)?;
        let mut dice = Random(random.next());
        let mut visit = |state: SimulatedDisk| {
            let mut wreck = |disk: &mut SimulatedDisk| {
                let pick = dice.below(frames.len() as u64) as usize;
                let noise = dice.next() as u8 | 1;
                if let Some((offset, _)) = frames.get(pick) {
                    disk.damage(*offset, FRAME_BYTES, |old| old ^ noise);
                }
            };
            let mut once = state;
            wreck(&mut once);
            let mut twice = once.clone();
            wreck(&mut twice);
            recovers_or_stops(twice, &history)?;
            recovers(once, &history).map(|_| ())
        };
        total += states_left(&disk, 40, &mut random, &mut visit)
            .map_err(|error| format!("cut {cut}: {error}"))?;
    }
    Ok(total)
}

/// A session struck by two faults of any kinds; what was acknowledged is there or the ledger
/// stops.
pub(super) fn double_fault_session(random: &mut Random) -> Outcome {
    let mut disk = fresh_disk();
    let mut planted = Vec::new();
    for _ in 0..2 {
        let number = random.below(20);
        let sector = random.below(63) * FRAME_SECTORS;
        let fault = match random.below(7) {
            0 => Fault::LostWrite { write: number },
            1 => Fault::FailedWrite { write: number },
            2 => Fault::FailedWriteDone { write: number },
            3 => Fault::FailedRead {
                read: random.below(90),
            },
            4 => Fault::FailedFlush {
                flush: random.below(9),
            },
            5 => Fault::DeadSectors {
                sector,
                count: 1 + random.below(8),
            },
            _ => Fault::MisdirectedWrite {
                write: number,
                sector,
            },
        };
        planted.push(fault);
        disk.plant(fault);
    }
    let mut history = History::default();
    let Ok((mut ledger, _)) = Ledger::open(disk) else {
        return Ok(1);
    };
    for group in [vec![300], vec![20, 3870], vec![3884], vec![64, 5, 900]] {
        run(&mut ledger, &vec![group], &mut history);
        if ledger.read_only() == Some(ReadOnlyReason::Unconfirmed) {
            let Ok(report) = ledger.recover() else {
                break;
            };
            if report.read_only.is_some() {
                break;
            }
            let found = records(&mut ledger).map_err(|error| format!("{planted:?}: {error}"))?;
            if !history.admits(&found) {
                return Err(format!("{planted:?}: {} records", found.len()));
            }
            history = History {
                acknowledged: found,
                in_flight: Vec::new(),
            };
        }
    }
    let cut = ledger.into_device().crash(|_| SectorFate::Old);
    recovers_or_stops(cut, &history).map_err(|error| format!("{planted:?}: {error}"))?;
    Ok(1)
}

#[test]
fn two_faults_of_any_kinds_are_survived_or_stop_the_ledger() {
    let mut random = Random(14);
    let mut states = 0;
    for _ in 0..10_000 {
        states += double_fault_session(&mut random).unwrap();
    }
    std::println!("double faults: {states}");
    assert_eq!(states, 10_000);
}

#[test]
fn a_crash_with_one_damage_is_repaired_and_with_two_never_silently_wrong() {
    let states = crash_and_damage_campaign(13).unwrap();
    std::println!("crashes with damage: {states}");
    assert!(states > 1_000);
}

#[test]
fn every_lost_or_misdirected_write_is_noticed_and_loses_nothing() {
    let states = stray_write_campaign().unwrap();
    std::println!("lost and misdirected writes: {states}");
    assert!(states > 1_000);
}

#[test]
fn an_error_at_any_operation_never_leads_to_a_false_acknowledgement() {
    let states = error_campaign().unwrap();
    std::println!("I/O errors: {states}");
    assert_eq!(states, 400);
}

#[test]
fn after_a_lying_flush_no_later_record_stands_without_the_earlier_ones() {
    let states = lying_flush_campaign(12).unwrap();
    std::println!("lying flushes: {states}");
    assert!(states > 1_000);
}

#[test]
fn an_error_at_any_operation_of_a_later_opening_loses_nothing() {
    let workload = vec![vec![300], vec![3884], vec![20, 40]];
    let (disk, history) = filled(&workload).unwrap();
    let mut states = 0;
    for number in 0..40 {
        for fault in [
            Fault::LostWrite { write: number },
            Fault::FailedWrite { write: number },
            Fault::FailedWriteDone { write: number },
            Fault::FailedRead { read: number },
            Fault::FailedFlush { flush: number },
            Fault::Dies { operation: number },
        ] {
            let mut struck = disk.clone();
            struck.plant(fault);
            let after = match Ledger::open_or_give_back(struck) {
                Ok((mut ledger, report)) => {
                    ledger.device_mut().heal();
                    if report.read_only.is_none() {
                        assert_eq!(records(&mut ledger).unwrap(), history.acknowledged);
                    }
                    ledger.into_device()
                }
                Err((_, device)) => device,
            };
            let cut = after.crash(|_| SectorFate::Old);
            heals(cut, &history).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            states += 1;
        }
    }
    std::println!("errors while opening: {states}");
}

//! Crashes at every write and flush, with every kind of fate for what was not flushed.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::crash_states::{Effort, Seen, crash_states, cut_session, states_left};
use super::{History, Outcome, Random, Workload, fresh_disk, goes_on, recovers};
use crate::ledger::Ledger;
use crate::simulated::{SectorFate, SimulatedDisk};

/// Crashes a session with `workload` on a `fresh` disk at each write and flush, recovers from every
/// state, and crashes some of the recoveries in turn.
pub(super) fn crash_campaign(
    fresh: &SimulatedDisk,
    workload: &Workload,
    effort: Effort,
    seed: u64,
) -> Outcome {
    let mut random = Random(seed);
    let mut total = 0;
    let mut seen = Seen::default();
    for cut in 0.. {
        let (disk, history) = cut_session(fresh.clone(), workload, cut)?;
        let mut sample = 0;
        let mut inner = Random(random.next());
        let mut nested = 0;
        total += crash_states(&disk, &mut seen, effort, &mut random, &mut |state| {
            let place = |error| format!("cut {cut}, state {sample}: {error}");
            if sample % effort.crash_recovery_every == 0 {
                nested += crash_recovery(&state, &history, &mut inner, effort.recovery_depth)
                    .map_err(place)?;
            }
            let ledger = recovers(state, &history).map_err(place)?;
            if sample % 16 == 0 {
                goes_on(ledger).map_err(place)?;
            }
            sample += 1;
            Ok(())
        })?;
        total += nested;
        if !disk.is_off() {
            return Ok(total);
        }
    }
    Ok(total)
}

/// Crashes the recovery of `disk` at each of its writes and flushes; with a `depth` above 1 also
/// the recoveries of what some of these crashes leave.
fn crash_recovery(
    disk: &SimulatedDisk,
    history: &History,
    random: &mut Random,
    depth: u32,
) -> Outcome {
    let effort = Effort::fates_only(6);
    let mut total = 0;
    let mut seen = Seen::default();
    for cut in 0..64 {
        let mut disk = disk.clone();
        disk.cut_power_after(cut);
        let (ledger, _) =
            Ledger::open(disk).map_err(|error| format!("recovery cut {cut}: {error}"))?;
        let disk = ledger.into_device();
        if !disk.is_off() {
            return Ok(total);
        }
        // A handful of frame fates and random ones: the outer campaign varies the rest.
        let mut turn = 0;
        let mut nested = 0;
        let mut inner = Random(random.next());
        crash_states(&disk, &mut seen, effort, random, &mut |state| {
            turn += 1;
            if turn % 7 != 0 && turn > 12 {
                return Ok(());
            }
            total += 1;
            let place = |error| format!("recovery cut {cut}: {error}");
            if depth > 1 && turn % 5 == 0 {
                let deeper = crash_recovery(&state, history, &mut inner, depth - 1);
                nested += deeper.map_err(place)?;
            }
            recovers(state, history).map(|_| ()).map_err(place)
        })?;
        total += nested;
    }
    Ok(total)
}

/// Kills the node in the middle of an append and starts it again with the disk's cache still
/// full: what recovery then reports must survive a power cut.
pub(super) fn warm_restart_campaign(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let workload = vec![vec![300], vec![3884, 7], vec![10, 900]];
    let mut total = 0;
    for cut in 0..40 {
        let (mut disk, history) = cut_session(fresh_disk(), &workload, cut)?;
        disk.heal();
        let mut ledger = recovers(disk, &history)?;
        let reported = History {
            acknowledged: super::records(&mut ledger)?,
            in_flight: Vec::new(),
        };
        let mut visit = |state| {
            recovers(state, &reported)
                .map(|_| ())
                .map_err(|error| format!("warm cut {cut}: {error}"))
        };
        total += states_left(&ledger.into_device(), 16, &mut random, &mut visit)?;
        total += 1;
    }
    Ok(total)
}

/// A crash whose leftovers an unlucky second crash could complete: the first session writes a
/// record that tears, the second one writes a different record to the same place.
pub(super) fn leftover_campaign(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let mut total = 0;
    // The long record's last sectors never arrive; the second record's do, and they are equal.
    for missing in 1..8_u64 {
        let mut disk = fresh_disk();
        disk.cut_power_after(u64::MAX - 1);
        let (mut ledger, _) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
        let mut first = payload_with_tail(1);
        let second = payload_with_tail(2);
        let records_before = ledger.records();
        let mut disk = {
            ledger.device_mut().heal();
            ledger.device_mut().cut_power_after(3);
            let refused = ledger.append(1, &first, crate::Reserve::Ordinary);
            if refused.is_ok() {
                return Ok(total);
            }
            ledger.into_device()
        };
        disk = disk.crash(|sector| {
            if sector % 8 < 8 - missing {
                SectorFate::New
            } else {
                SectorFate::Old
            }
        });
        let (mut ledger, report) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
        if report.records != records_before {
            return Err(String::from("a torn record was accepted"));
        }
        ledger.device_mut().heal();
        ledger.device_mut().cut_power_after(3);
        first.clear();
        let refused = ledger.append(2, &second, crate::Reserve::Ordinary);
        if refused.is_ok() {
            return Ok(total);
        }
        let history = History {
            acknowledged: Vec::new(),
            in_flight: vec![super::Issued {
                kind: 2,
                payload: second.clone(),
            }],
        };
        let disk = ledger.into_device();
        for kept in 0..8_u64 {
            total += 1;
            let state = disk.crash(|sector| {
                if sector % 8 >= kept {
                    SectorFate::New
                } else {
                    SectorFate::Old
                }
            });
            recovers(state, &history)
                .map_err(|error| format!("leftover {missing}/{kept}: {error}"))?;
        }
        let mut visit = |state| recovers(state, &history).map(|_| ());
        total += states_left(&disk, 0, &mut random, &mut visit)?;
    }
    Ok(total)
}

/// Payloads that differ in their first bytes only, so that their last sectors are equal.
fn payload_with_tail(first: u8) -> Vec<u8> {
    let mut bytes = super::payload(0, crate::PAYLOAD_BYTES_MAX);
    if let Some(start) = bytes.first_mut() {
        *start = first;
    }
    bytes
}

#[test]
fn every_crash_of_short_workloads_loses_nothing_acknowledged_and_shows_no_halves() {
    let thorough = Effort {
        every_sector_subset: true,
        random_states: 64,
        crash_recovery_every: 97,
        recovery_depth: 1,
    };
    let mut states = 0;
    for workload in [
        vec![vec![3884]],
        vec![vec![100], vec![3884]],
        vec![vec![500], vec![1500], vec![3000]],
    ] {
        states += crash_campaign(&fresh_disk(), &workload, thorough, 1).unwrap();
    }
    let broad = Effort {
        every_sector_subset: false,
        random_states: 24,
        crash_recovery_every: 61,
        recovery_depth: 1,
    };
    let sizes = [0, 400, 3884];
    for a in sizes {
        for b in sizes {
            states += crash_campaign(&fresh_disk(), &vec![vec![a], vec![b]], broad, 2).unwrap();
            for c in sizes {
                let workload = vec![vec![a], vec![b], vec![c]];
                states += crash_campaign(&fresh_disk(), &workload, broad, 3).unwrap();
            }
        }
    }
    std::println!("crash states of short workloads: {states}");
    assert!(states > 10_000);
}

#[test]
fn a_crash_in_the_recovery_from_a_crash_in_a_recovery_loses_nothing() {
    let effort = Effort {
        every_sector_subset: false,
        random_states: 4,
        crash_recovery_every: 151,
        recovery_depth: 2,
    };
    let workload = vec![vec![300], vec![20, 3884]];
    let states = crash_campaign(&fresh_disk(), &workload, effort, 8).unwrap();
    std::println!("crash states of recoveries in recoveries: {states}");
    assert!(states > 5_000);
}

#[test]
fn every_crash_of_a_group_shows_all_of_it_or_nothing() {
    let effort = Effort {
        every_sector_subset: false,
        random_states: 64,
        crash_recovery_every: 61,
        recovery_depth: 1,
    };
    let mut states = 0;
    for workload in [
        vec![vec![10, 20]],
        vec![vec![512; 7]],
        vec![vec![5], vec![300, 3884, 1], vec![9]],
        vec![vec![1, 2, 3, 4], vec![3000, 3000]],
        vec![vec![700, 800, 900, 1000, 1100, 1200]],
    ] {
        states += crash_campaign(&fresh_disk(), &workload, effort, 4).unwrap();
    }
    std::println!("crash states of groups: {states}");
    assert!(states > 1_000);
}

#[test]
fn crashes_of_long_random_workloads_lose_nothing() {
    let effort = Effort {
        every_sector_subset: false,
        random_states: 8,
        crash_recovery_every: 211,
        recovery_depth: 1,
    };
    let mut states = 0;
    for seed in 0..3 {
        let mut random = Random(seed);
        let workload: Workload = (0..9)
            .map(|_| {
                let records = if random.below(4) == 0 { 2 } else { 1 };
                (0..records).map(|_| random.below(3885) as usize).collect()
            })
            .collect();
        states += crash_campaign(&fresh_disk(), &workload, effort, seed).unwrap();
    }
    std::println!("crash states of long workloads: {states}");
    assert!(states > 1_000);
}

#[test]
fn crashes_in_the_last_slots_of_a_full_device_lose_nothing() {
    let effort = Effort {
        every_sector_subset: false,
        random_states: 4,
        crash_recovery_every: 307,
        recovery_depth: 1,
    };
    // 18 slots, of which ordinary records may use 16: the last append is refused.
    let mut workload = vec![vec![3000, 8, 3000, 8, 3000, 8, 3000]; 3];
    workload.extend([vec![100, 3884], vec![3880, 60, 1], vec![9]]);
    let states = crash_campaign(&fresh_disk(), &workload, effort, 7).unwrap();
    std::println!("crash states of a full device: {states}");
    assert!(states > 1_000);
}

#[test]
fn what_recovery_reports_after_a_warm_restart_survives_a_power_cut() {
    let states = warm_restart_campaign(5).unwrap();
    std::println!("warm restart states: {states}");
    assert!(states > 40);
}

#[test]
fn a_record_decided_against_never_comes_back() {
    let states = leftover_campaign(6).unwrap();
    std::println!("leftover states: {states}");
    assert!(states > 100);
}

//! Faults of the device: rot, lost and misdirected writes, errors, lies, dead sectors.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::crash_states::{Effort, Seen, crash_states};
use super::{
    History, Outcome, Random, SECTORS, SEED, Workload, fresh_disk, geometry, goes_on, records,
    recovers, recovers_or_stops, run,
};
use crate::device::{BlockDevice, SECTOR_BYTES};
use crate::error::ReadOnlyReason;
use crate::frame::{self, Frame, HEADER_BYTES};
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Place, SUPERBLOCK_COPIES};
use crate::ledger::Ledger;
use crate::simulated::{Fault, SectorFate, SimulatedDisk};
use crate::superblock::SUPERBLOCK_BYTES;

/// Enough records that the oldest ones have left the ring.
pub(super) fn ten_records() -> Workload {
    let sizes = [0, 40, 3888, 700, 20, 1500, 300, 90, 2600, 333];
    sizes.into_iter().map(|size| vec![size]).collect()
}

/// A closed ledger of `workload`, and what was acknowledged.
pub(super) fn filled(workload: &Workload) -> Result<(SimulatedDisk, History), String> {
    let opened = Ledger::open(fresh_disk()).map_err(|error| format!("{error}"))?;
    let mut ledger = opened.0;
    let mut history = History::default();
    run(&mut ledger, workload, &mut history);
    let disk = ledger.into_device().crash(|_| SectorFate::New);
    Ok((disk, history))
}

/// Byte offset and bytes of meaning of every frame in use when `count` records are there.
fn used_frames(count: u64) -> Vec<(usize, usize)> {
    let geometry = geometry();
    let mut frames = Vec::new();
    let offset = |sector: u64| sector as usize * SECTOR_BYTES;
    for copy in 0..SUPERBLOCK_COPIES {
        frames.push((offset(geometry.superblock_sector(copy)), SUPERBLOCK_BYTES));
    }
    for slot in 0..count {
        frames.push((offset(geometry.sector(Place::ZoneA, slot)), HEADER_BYTES));
        frames.push((offset(geometry.sector(Place::ZoneB, slot)), HEADER_BYTES));
    }
    for slot in 0..count.min(geometry.ring_count) {
        frames.push((offset(geometry.sector(Place::Ring, slot)), HEADER_BYTES));
    }
    frames
}

/// Demands that `disk` recovers with all records, and is whole again afterwards.
pub(super) fn heals(disk: SimulatedDisk, history: &History) -> Result<(), String> {
    let mut ledger = recovers(disk, history)?;
    let report = ledger.verify();
    if report.sound {
        Ok(())
    } else {
        Err(format!("not whole after recovery: {:?}", report.findings))
    }
}

/// How many bits of each byte are flipped, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bits {
    One,
    All,
}

/// One fault in each place: flipped bits, zeroed frames, noise, sectors that cannot be read.
pub(super) fn single_damage_campaign(seed: u64, bits: Bits) -> Outcome {
    let (disk, history) = filled(&ten_records())?;
    let mut random = Random(seed);
    let mut states = 0;
    for (offset, meaning) in used_frames(10) {
        let padding = (0..24).map(|_| random.below(FRAME_BYTES as u64) as usize);
        let bytes: BTreeSet<usize> = (0..meaning).chain(padding).collect();
        for byte in bytes {
            let (first, count) = match bits {
                Bits::All => (0, 8),
                Bits::One => (random.below(8), 1),
            };
            for bit in first..first + count {
                let mut damaged = disk.clone();
                damaged.damage(offset + byte, 1, |old| old ^ (1 << bit));
                heals(damaged, &history).map_err(|error| format!("{offset}+{byte}: {error}"))?;
                states += 1;
            }
        }
        let noise = random.next() as u8 | 1;
        for wreck in [|_: u8, _: u8| 0, |old, noise| old ^ noise] {
            let mut damaged = disk.clone();
            damaged.damage(offset, FRAME_BYTES, |old| wreck(old, noise));
            heals(damaged, &history).map_err(|error| format!("frame at {offset}: {error}"))?;
            states += 1;
        }
        let mut dead = disk.clone();
        dead.plant(Fault::DeadSectors {
            sector: (offset / SECTOR_BYTES) as u64,
            count: FRAME_SECTORS,
        });
        recovers(dead, &history).map_err(|error| format!("dead frame at {offset}: {error}"))?;
        states += 1;
    }
    Ok(states)
}

/// What befalls one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    Noise,
    Zeros,
    /// The sound bytes of another place, as a misdirected write leaves them.
    Stranger,
    /// It cannot be read, whatever is written to it.
    Dead,
}

const BLOWS: [Blow; 4] = [Blow::Noise, Blow::Zeros, Blow::Stranger, Blow::Dead];

fn strike(disk: &mut SimulatedDisk, offset: usize, blow: Blow, stranger: &[u8]) {
    match blow {
        Blow::Noise => disk.damage(offset, FRAME_BYTES, |old| old ^ 0x5A),
        Blow::Zeros => disk.damage(offset, FRAME_BYTES, |_| 0),
        Blow::Stranger => {
            for (at, byte) in (offset..).zip(stranger) {
                disk.damage(at, 1, |_| *byte);
            }
        }
        Blow::Dead => disk.plant(Fault::DeadSectors {
            sector: (offset / SECTOR_BYTES) as u64,
            count: FRAME_SECTORS,
        }),
    }
}

/// Every pair of frames in use struck in every way: all records, or a stop with a reason.
pub(super) fn double_damage_campaign() -> Outcome {
    let (disk, history) = filled(&ten_records())?;
    let frames = used_frames(10);
    let image = disk.image();
    let stranger = |offset: usize| {
        let at = frames.iter().map(|(at, _)| *at).find(|at| *at != offset);
        at.and_then(|at| image.get(at..at + FRAME_BYTES))
            .unwrap_or(&[])
    };
    let (mut states, mut stopped) = (0, 0);
    for (index, (first, _)) in frames.iter().enumerate() {
        for (second, _) in frames.get(..index).unwrap_or(&[]) {
            for one in BLOWS {
                for other in BLOWS {
                    let mut damaged = disk.clone();
                    strike(&mut damaged, *first, one, stranger(*first));
                    strike(&mut damaged, *second, other, stranger(*second));
                    stopped += recovers_or_stops(damaged, &history).map_err(|error| {
                        format!("{one:?} at {first}, {other:?} at {second}: {error}")
                    })?;
                    states += 1;
                }
            }
        }
    }
    // Two faults can lose the two records that left the ring, and two superblocks that stay dead
    // are one too many.
    let pairs_of_superblocks = 6;
    let ways = BLOWS.len() as u64 * BLOWS.len() as u64;
    if stopped > 2 * ways + pairs_of_superblocks {
        return Err(format!("{stopped} pairs of faults stopped the ledger"));
    }
    Ok(states)
}

/// Whether all three copies of record `seq` are whole.
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
    let workload = vec![vec![300], vec![20, 2000], vec![3888], vec![64]];
    let mut disk = fresh_disk();
    disk.plant(fault);
    let mut history = History::default();
    let (mut ledger, _) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
    for group in &workload {
        run(&mut ledger, &vec![group.clone()], &mut history);
        let newest = history.acknowledged.len() as u64;
        if history.in_flight.is_empty() && ledger.read_only().is_none() {
            if !(newest - group.len() as u64..newest).all(|seq| tripled(&mut ledger, seq)) {
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

/// An edited record under a digest and chain value made anew, in all of its copies.
pub(super) fn tamper_campaign() -> Outcome {
    let (disk, history) = filled(&ten_records())?;
    let geometry = geometry();
    let mut states = 0;
    // The newest record is left out: no later one vouches for it on this disk.
    for seq in 0..9 {
        let mut edited = disk.clone();
        let mut buffer: Box<Frame> = Box::new([0; FRAME_BYTES]);
        for place in Place::ALL {
            let sector = geometry.sector(place, seq);
            edited
                .read(sector, buffer.as_mut_slice())
                .map_err(|error| format!("{error}"))?;
            let Some(head) = frame::read_whole(&buffer, &SEED.epoch, sector) else {
                continue;
            };
            if head.seq != seq {
                continue;
            }
            let mut forged = frame::Head {
                kind: head.kind ^ 1,
                ..head
            };
            let payload = frame::payload(&buffer, &head).unwrap_or(&[]).to_vec();
            forged.chain = frame::link(&SEED.epoch, &forged, &payload);
            frame::encode(&mut buffer, &SEED.epoch, sector, &forged, &payload);
            let at = sector as usize * SECTOR_BYTES;
            for (index, byte) in buffer.iter().enumerate() {
                edited.damage(at + index, 1, |_| *byte);
            }
        }
        match Ledger::open(edited) {
            Ok((_, report)) if matches!(report.read_only, Some(ReadOnlyReason::Damage(_))) => {}
            Ok(_) => {
                return Err(format!(
                    "edited record {seq} of {:?}",
                    history.in_flight.len()
                ));
            }
            Err(error) => return Err(format!("{error}")),
        }
        states += 1;
    }
    Ok(states)
}

/// A flush that lies: what survives is the beginning of what was issued, or the ledger stops.
pub(super) fn lying_flush_campaign(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let effort = Effort {
        every_sector_subset: false,
        random_states: 200,
        crash_recovery_every: u64::MAX,
        recovery_depth: 0,
    };
    let mut total = 0;
    for flush in 0..10 {
        let mut disk = fresh_disk();
        disk.plant(Fault::LyingFlush { flush });
        let mut history = History::default();
        let (mut ledger, _) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
        ledger.device_mut().cut_power_after(4 * (flush % 5));
        run(&mut ledger, &vec![vec![50]; 4], &mut history);
        let issued: Vec<_> = history
            .acknowledged
            .iter()
            .chain(&history.in_flight)
            .cloned()
            .collect();
        let disk = ledger.into_device();
        total += crash_states(
            &disk,
            &mut Seen::default(),
            effort,
            &mut random,
            &mut |state| {
                let Ok((mut ledger, report)) = Ledger::open(state) else {
                    return Ok(());
                };
                if report.read_only.is_some() || issued.starts_with(&records(&mut ledger)?) {
                    return Ok(());
                }
                Err(String::from("records that were never issued in this order"))
            },
        )?;
    }
    Ok(total)
}

/// A crash in any append or opening, and then one or two wrecked frames.
pub(super) fn crash_and_damage_campaign(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let effort = Effort {
        every_sector_subset: false,
        random_states: 40,
        crash_recovery_every: u64::MAX,
        recovery_depth: 0,
    };
    let frames = used_frames(6);
    let mut total = 0;
    for cut in 0..32 {
        let mut disk = fresh_disk();
        disk.cut_power_after(cut);
        let mut history = History::default();
        let (mut ledger, _) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
        let workload = vec![vec![30], vec![900, 4], vec![3888], vec![70], vec![1]];
        run(&mut ledger, &workload, &mut history);
        let disk = ledger.into_device();
        let mut dice = Random(random.next());
        total += crash_states(
            &disk,
            &mut Seen::default(),
            effort,
            &mut random,
            &mut |state| {
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
            },
        )
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
    for group in [vec![300], vec![20, 2000], vec![3888], vec![64]] {
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
fn every_single_damage_is_repaired() {
    let states = single_damage_campaign(11, Bits::All).unwrap();
    std::println!("single damages: {states}");
    assert!(states > 50_000);
}

#[test]
fn every_double_damage_is_repaired_or_stops_the_ledger() {
    let states = double_damage_campaign().unwrap();
    std::println!("double damages: {states}");
    assert_eq!(states, 32 * 31 / 2 * 16);
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
fn an_edited_record_breaks_the_chain() {
    assert_eq!(tamper_campaign(), Ok(9));
}

#[test]
fn after_a_lying_flush_no_later_record_stands_without_the_earlier_ones() {
    let states = lying_flush_campaign(12).unwrap();
    std::println!("lying flushes: {states}");
    assert!(states > 1_000);
}

#[test]
fn an_error_at_any_operation_of_a_later_opening_loses_nothing() {
    let workload = vec![vec![300], vec![3888], vec![20, 40]];
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

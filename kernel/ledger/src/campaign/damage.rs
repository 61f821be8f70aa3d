//! Damage at rest: rot, lost frames, sectors that cannot be read, edited records.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{
    History, Outcome, Random, SEED, Workload, fresh_disk, geometry, recovers, recovers_or_stops,
    run,
};
use crate::device::{BlockDevice, SECTOR_BYTES};
use crate::error::ReadOnlyReason;
use crate::frame::{self, Frame, HEADER_BYTES};
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Place, SUPERBLOCK_COPIES};
use crate::ledger::Ledger;
use crate::simulated::{Fault, SectorFate, SimulatedDisk};
use crate::superblock::SUPERBLOCK_BYTES;

/// Ten frames, of one record to three, so many that the oldest ones have left the ring.
pub(super) fn ten_frames() -> Workload {
    vec![
        vec![0],
        vec![40, 3000, 700],
        vec![3884],
        vec![700],
        vec![20, 1500],
        vec![300, 3700],
        vec![90],
        vec![2600, 1],
        vec![333],
    ]
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

/// Byte offset and bytes of meaning of every frame in use when `count` frames of records are there.
pub(super) fn used_frames(count: u64) -> Vec<(usize, usize)> {
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
    let (disk, history) = filled(&ten_frames())?;
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
    let (disk, history) = filled(&ten_frames())?;
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
    // Two faults can lose the two frames that left the ring, and two superblocks that stay dead
    // are one too many.
    let pairs_of_superblocks = 6;
    let ways = BLOWS.len() as u64 * BLOWS.len() as u64;
    if stopped > 2 * ways + pairs_of_superblocks {
        return Err(format!("{stopped} pairs of faults stopped the ledger"));
    }
    Ok(states)
}

/// An edited record under a digest and chain value made anew, in all of its copies.
pub(super) fn tamper_campaign() -> Outcome {
    let (disk, history) = filled(&ten_frames())?;
    let geometry = geometry();
    let mut states = 0;
    // The newest frame is left out: no later one vouches for it on this disk.
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
            let mut forged = head;
            let mut payload = frame::payload(&buffer, &head).unwrap_or(&[]).to_vec();
            // The kind of its first record.
            if let Some(kind) = payload.first_mut() {
                *kind ^= 1;
            }
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
                    "edited frame {seq} of {:?}",
                    history.in_flight.len()
                ));
            }
            Err(error) => return Err(format!("{error}")),
        }
        states += 1;
    }
    Ok(states)
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
fn an_edited_record_breaks_the_chain() {
    assert_eq!(tamper_campaign(), Ok(9));
}

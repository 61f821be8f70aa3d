//! Somebody with the disk and this very code in hand: edits, deletions, reorderings, splices,
//! truncations and older images, under digests and chain values made anew.
//!
//! What a look at the disk alone finds depends on how far the forger went; a checkpoint that was
//! kept elsewhere finds all of it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use campaign::{Campaign, Size};

use super::damage::filled;
use super::{History, Outcome, Random, SEED, fresh_disk, geometry, recovers, run};
use crate::device::BlockDevice;
use crate::error::ReadOnlyReason;
use crate::frame::{self, Frame, Head, PAYLOAD_ROOM_BYTES, genesis_chain};
use crate::geometry::{FRAME_BYTES, Place, SUPERBLOCK_COPIES};
use crate::ledger::{Departure, Ledger};
use crate::records::RECORD_HEADER_BYTES;
use crate::simulated::{SectorFate, SimulatedDisk};
use crate::superblock::{self, Superblock};
use crate::version::Version;

/// What is done to the frames of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attack {
    Edit,
    Delete,
    Reorder,
    Splice,
    Truncate,
    OldImage,
    /// A frame says that its records have later numbers, and so do all behind it.
    Renumber,
}

const ATTACKS: [Attack; 7] = [
    Attack::Edit,
    Attack::Delete,
    Attack::Reorder,
    Attack::Splice,
    Attack::Truncate,
    Attack::OldImage,
    Attack::Renumber,
];

/// How well it is covered up. Every frame gets a right digest and place in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cover {
    /// Records keep their chain values.
    None,
    /// Each record's chain value covers its new content.
    OwnChain,
    /// Each record follows from the one before.
    Relinked,
    /// So it is, and the superblocks say the same.
    Resealed,
}

const COVERS: [Cover; 4] = [
    Cover::None,
    Cover::OwnChain,
    Cover::Relinked,
    Cover::Resealed,
];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Forged {
    head: Head,
    payload: Vec<u8>,
    /// Numbers that its first record is ahead of those before it.
    ahead: u64,
}

/// A session of a few openings; the fence lies before the records of the last one.
fn session(random: &mut Random, disk: SimulatedDisk) -> Result<SimulatedDisk, String> {
    let mut disk = disk;
    for _ in 0..1 + random.below(3) {
        let (mut ledger, _) = Ledger::open(disk).map_err(|error| format!("{error}"))?;
        let workload = (0..1 + random.below(2))
            .map(|_| {
                let records = 1 + random.below(3);
                (0..records).map(|_| random.below(1900) as usize).collect()
            })
            .collect();
        let already = ledger.records() as usize;
        let history = &mut History {
            acknowledged: (0..already)
                .map(|_| super::Issued {
                    kind: 0,
                    payload: Vec::new(),
                })
                .collect(),
            in_flight: Vec::new(),
        };
        run(&mut ledger, &workload, history);
        disk = ledger.into_device().crash(|_| SectorFate::Old);
    }
    Ok(disk)
}

fn read_frame(disk: &mut SimulatedDisk, sector: u64) -> Result<Box<Frame>, String> {
    let mut buffer: Box<Frame> = Box::new([0; FRAME_BYTES]);
    let read = disk.read(sector, buffer.as_mut_slice());
    read.map_err(|error| format!("{error}"))?;
    Ok(buffer)
}

fn read_records(disk: &mut SimulatedDisk) -> Result<Vec<Forged>, String> {
    let mut records = Vec::new();
    for slot in 0..geometry().slot_count {
        let sector = geometry().sector(Place::ZoneA, slot);
        let buffer = read_frame(disk, sector)?;
        let Some(head) = frame::read_whole(&buffer, &SEED.epoch, sector) else {
            break;
        };
        let payload = frame::payload(&buffer, &head).unwrap_or(&[]).to_vec();
        records.push(Forged {
            head,
            payload,
            ahead: 0,
        });
    }
    Ok(records)
}

fn newest_superblock(disk: &mut SimulatedDisk) -> Result<Superblock, String> {
    let sector = geometry().superblock_sector(0);
    let buffer = read_frame(disk, sector)?;
    superblock::decode(&buffer, 0, sector).map_err(|refusal| format!("{refusal:?}"))
}

/// Lays `records` over all that `disk` held, as well covered up as `cover` says.
fn lay(disk: &mut SimulatedDisk, records: &[Forged], cover: Cover) -> Result<(), String> {
    let failed = |error| format!("{error}");
    let mut superblock = newest_superblock(disk)?;
    let resealed = cover == Cover::Resealed;
    if resealed {
        superblock.fence_seq = superblock.fence_seq.min(records.len() as u64);
    }
    let mut chain = genesis_chain(&SEED.epoch, &SEED.device_uuid);
    let mut next_record = 0;
    let mut frames: Vec<(Head, &[u8])> = Vec::new();
    for (seq, record) in (0..).zip(records) {
        if resealed && seq == superblock.fence_seq {
            superblock.fence_chain = chain;
        }
        let mut head = Head {
            seq,
            payload_bytes: record.payload.len() as u32,
            record_first: record.head.record_first + record.ahead,
            ..record.head
        };
        if cover != Cover::None {
            head.record_first = next_record + record.ahead;
        }
        next_record = head.record_end();
        if cover != Cover::None {
            let is_new = seq >= superblock.fence_seq;
            head.incarnation = superblock.incarnation - u64::from(!is_new);
            (head.group_first, head.group_count) = (seq, 1);
        }
        if matches!(cover, Cover::Relinked | Cover::Resealed) {
            head.previous_chain = chain;
        }
        if cover != Cover::None {
            head.chain = frame::link(&SEED.epoch, &head, &record.payload);
        }
        chain = head.chain;
        frames.push((head, &record.payload));
    }
    if resealed && superblock.fence_seq == records.len() as u64 {
        superblock.fence_chain = chain;
    }
    let zeros: Box<Frame> = Box::new([0; FRAME_BYTES]);
    for place in Place::ALL {
        for slot in 0..geometry().slot_count {
            let sector = geometry().sector(place, slot);
            disk.write(sector, zeros.as_slice()).map_err(failed)?;
        }
        for (head, payload) in &frames {
            let sector = geometry().sector(place, head.seq);
            let mut buffer = zeros.clone();
            frame::encode(&mut buffer, &SEED.epoch, sector, head, payload);
            disk.write(sector, buffer.as_slice()).map_err(failed)?;
        }
    }
    for copy in 0..SUPERBLOCK_COPIES {
        let sector = geometry().superblock_sector(copy);
        let mut buffer = zeros.clone();
        superblock::encode(&mut buffer, &superblock, copy, sector);
        disk.write(sector, buffer.as_slice()).map_err(failed)?;
    }
    disk.flush().map_err(failed)
}

/// Does `attack` to `records`.
fn attack(attack: Attack, records: &mut Vec<Forged>, fork: &[Forged], random: &mut Random) {
    let count = records.len() as u64;
    let at = random.below(count) as usize;
    match attack {
        // Another record in the frame, or the kind of its first one changed.
        Attack::Edit => {
            let record = &mut records[at];
            let kind = random.next() as u8;
            let has_room = record.payload.len() + RECORD_HEADER_BYTES <= PAYLOAD_ROOM_BYTES;
            if has_room && random.below(2) == 0 {
                record.payload.extend([kind, 0, 0, 0]);
                record.head.record_count += 1;
            } else {
                let bits = 1 + random.below(255) as u8;
                record.payload[0] ^= bits;
            }
        }
        Attack::Renumber => records[at].ahead = 1 + random.below(3),
        Attack::Delete => drop(records.remove(at)),
        Attack::Reorder => {
            let other = (at + 1 + random.below(count.saturating_sub(1)) as usize) % records.len();
            records.swap(at, other);
        }
        Attack::Splice => {
            records.truncate(at);
            records.extend(fork.iter().skip(at).cloned());
        }
        Attack::Truncate | Attack::OldImage => records.truncate(at),
    }
}

fn is_damaged(disk: SimulatedDisk) -> bool {
    match Ledger::open(disk) {
        Ok((_, report)) => matches!(report.read_only, Some(ReadOnlyReason::Damage(_))),
        Err(_) => true,
    }
}

/// One session, forged once in each way and covered up in each.
pub(super) fn forged_session(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let early = session(&mut random, fresh_disk())?;
    let mut disk = session(&mut random, early.clone())?;
    let mut other = session(&mut random, early.clone())?;
    let (ledger, _) = Ledger::inspect(disk.clone()).map_err(|error| format!("{error}"))?;
    let checkpoint = ledger
        .checkpoint()
        .ok_or("a sound ledger has a checkpoint")?;
    let fence = newest_superblock(&mut disk)?.fence_seq;
    let original = read_records(&mut disk)?;
    let fork = read_records(&mut other)?;
    let newest = original.last().ok_or("a session has records")?;
    let newest_append = newest.head.group_first;
    let mut states = 0;
    for what in ATTACKS {
        for cover in COVERS {
            let mut records = original.clone();
            attack(what, &mut records, &fork, &mut random);
            let content =
                |record: &Forged| (record.head.chain, record.payload.clone(), record.ahead);
            let same = original
                .iter()
                .zip(&records)
                .take_while(|(one, other)| content(one) == content(other))
                .count();
            if same == original.len() && same == records.len() {
                continue;
            }
            let touched = same as u64;
            let mut forged = disk.clone();
            if what == Attack::OldImage {
                forged = early.clone();
            } else {
                lay(&mut forged, &records, cover)?;
            }
            let place = |found: &str| format!("{what:?}, {cover:?}, record {touched}: {found}");
            let (mut opened, _) =
                Ledger::inspect(forged.clone()).map_err(|error| place(&format!("{error}")))?;
            if opened.hold_against(&checkpoint).is_ok() {
                return Err(place("the checkpoint does not find it"));
            }
            states += 1;
            let is_proven = touched < fence;
            let shows = match (what, cover) {
                // The numbers are counted along the chain, whatever vouches for them.
                (Attack::Renumber, Cover::Relinked | Cover::Resealed) => true,
                (_, Cover::Resealed) | (Attack::OldImage, _) => false,
                // A tail that once followed is as good as one made to follow.
                (Attack::Splice | Attack::Truncate, _) | (_, Cover::Relinked) => is_proven,
                // Frames that moved and were not linked anew are no records: the tail is cut off.
                (Attack::Delete | Attack::Reorder, Cover::None) => is_proven,
                (_, Cover::None | Cover::OwnChain) => is_proven || touched < newest_append,
            };
            let damaged = is_damaged(forged);
            if shows && !damaged {
                return Err(place("the disk alone does not show it"));
            }
            // Whoever makes everything anew leaves a sound ledger: the checkpoint is what tells.
            if cover == Cover::Resealed && damaged && what != Attack::Renumber {
                return Err(place("the forger of this test is not good enough"));
            }
        }
    }
    let (mut later, _) =
        Ledger::inspect(session(&mut random, disk)?).map_err(|error| format!("{error}"))?;
    match later.hold_against(&checkpoint) {
        Ok(()) => Ok(states),
        Err(departure) => Err(format!("an honest ledger that grew: {departure}")),
    }
}

/// A last frame whose records do not fill it as they should, under digests and chain values made anew: it
/// counts for nothing.
pub(super) fn misfit_campaign() -> Outcome {
    let workload = vec![vec![30], vec![40, 50]];
    let (mut disk, history) = filled(&workload)?;
    let mut records = read_records(&mut disk)?;
    let newest = records.last().cloned().ok_or("a session has records")?;
    let two = Version::Two;
    let misfits: [(Version, u32, &[u8]); 9] = [
        (two, 1, &[]),
        (two, 1, &[7]),
        (two, 1, &[7, 0, 0]),
        (two, 1, &[7, 0, 2, 0, 1]),
        (two, 2, &[7, 0, 0, 0, 8, 0, 1, 0]),
        (two, 2, &[7, 0, 0, 0]),
        (two, 1, &[7, 0, 0, 0, 8, 0, 0, 0]),
        (two, 1, &[7, 1, 0, 0]),
        // Sound by itself, in a ledger of another version.
        (Version::One, 1, &[7, 0, 0, 0]),
    ];
    for (version, record_count, payload) in misfits {
        let mut forged = disk.clone();
        records.push(Forged {
            head: Head {
                version,
                record_count,
                ..newest.head
            },
            payload: payload.to_vec(),
            ahead: 0,
        });
        lay(&mut forged, &records, Cover::Resealed)?;
        records.pop();
        recovers(forged, &history).map_err(|error| format!("{payload:?}: {error}"))?;
    }
    Ok(misfits.len() as u64)
}

#[test]
fn a_frame_whose_records_do_not_fill_it_exactly_counts_for_nothing() {
    assert_eq!(misfit_campaign(), Ok(9));
}

#[test]
fn tampering_of_every_kind_is_found_by_a_checkpoint_for_as_long_as_asked() {
    let size = Size {
        gate: 5_000,
        campaign: 100_000,
    };
    Campaign::begin("ledger: tampering", size).run(forged_session);
}

#[test]
fn a_departure_says_in_what_way_the_ledger_departs() {
    let mut random = Random(51);
    let early = session(&mut random, fresh_disk()).unwrap();
    let (ledger, _) = Ledger::inspect(early.clone()).unwrap();
    let before = ledger.checkpoint().unwrap();
    let later = session(&mut random, early.clone()).unwrap();
    let (ledger, _) = Ledger::inspect(later).unwrap();
    let after = ledger.checkpoint().unwrap();
    let (mut old, _) = Ledger::inspect(early).unwrap();
    let behind = Departure::Behind {
        records: before.records,
        kept: after.records,
    };
    assert_eq!(old.hold_against(&after), Err(behind));
    assert_eq!(old.hold_against(&before), Ok(()));
    let empty = abi::Checkpoint {
        records: 0,
        chain: genesis_chain(&SEED.epoch, &SEED.device_uuid),
        ..before
    };
    assert_eq!(old.hold_against(&empty), Ok(()));
    let other = abi::Checkpoint {
        epoch: [1; 16],
        ..before
    };
    assert_eq!(old.hold_against(&other), Err(Departure::OtherLedger));
    let kept = before.records;
    let rewritten = abi::Checkpoint {
        chain: [1; 32],
        ..before
    };
    assert_eq!(
        old.hold_against(&rewritten),
        Err(Departure::Rewritten { kept })
    );
}

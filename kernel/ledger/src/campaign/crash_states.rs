//! What a crash may leave of the writes that were not flushed, each state once.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{History, Outcome, Random, Workload, fresh_disk, run};
use crate::device::{BlockDevice as _, SECTOR_BYTES};
use crate::ledger::Ledger;
use crate::simulated::{Sector, SectorFate, SimulatedDisk};

/// How much of the space of fates is walked at one crash point.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    /// Walk every subset of new sectors of each frame, with the other frames old or new.
    pub(super) every_sector_subset: bool,
    /// Further states with an independent random fate for each sector.
    pub(super) random_states: u64,
    /// Of each how many states recovery is crashed in turn, at each of its writes.
    pub(super) crash_recovery_every: u64,
    /// Recoveries that are crashed one after the other before one is left alone.
    pub(super) recovery_depth: u32,
}

impl Effort {
    /// Every fate of frames that are few, some of many, and no crash of the recovery.
    pub(super) const fn fates_only(random_states: u64) -> Effort {
        Effort {
            every_sector_subset: false,
            random_states,
            crash_recovery_every: u64::MAX,
            recovery_depth: 0,
        }
    }
}

/// Fates of whole frames, tried in all combinations.
const FRAME_FATES: u64 = 4;

/// What crashes of one session have left already. Crashes at two writes between the same flushes leave
/// much that is the same, and it counts once.
#[derive(Default)]
pub(super) struct Seen {
    /// Flushes that were done, and so the bytes that the states below differ from.
    flushes_done: u64,
    states: HashSet<Vec<Changed>>,
}

/// A sector that is not as it was at the last flush: its number, which of its writes since it holds,
/// and what makes garbage of that.
type Changed = (u64, usize, Option<u64>);

impl Seen {
    /// Takes note of the state that `fates` leave; says whether it is new.
    fn is_new(&mut self, disk: &SimulatedDisk, fates: &[(u64, SectorFate)]) -> bool {
        if disk.flushes_done() != self.flushes_done {
            self.flushes_done = disk.flushes_done();
            self.states.clear();
        }
        let changed = fates.iter().filter_map(|(sector, fate)| {
            let writes = disk.pending_writes(*sector);
            match fate {
                SectorFate::Old => None,
                SectorFate::New => Some((*sector, writes, None)),
                SectorFate::Earlier => Some((*sector, writes.saturating_sub(1), None)),
                SectorFate::Garbage(seed) => Some((*sector, writes, Some(*seed))),
            }
        });
        self.states.insert(changed.collect())
    }
}

/// The disks that a crash of `disk` may leave, but those `seen` at another crash of the same session.
/// Fates that leave the same bytes count once.
pub(super) fn crash_states(
    disk: &SimulatedDisk,
    seen: &mut Seen,
    effort: Effort,
    random: &mut Random,
    visit: &mut dyn FnMut(SimulatedDisk) -> Result<(), String>,
) -> Outcome {
    let pending: Vec<u64> = disk.pending().collect();
    let mut frames: Vec<u64> = pending.iter().map(|sector| sector / 8).collect();
    frames.dedup();
    let position = |sector: u64| frames.binary_search(&(sector / 8)).unwrap_or(0);
    let mut states = 0;
    let mut try_state = |fate: &mut dyn FnMut(u64) -> SectorFate| {
        let fates: Vec<(u64, SectorFate)> = pending
            .iter()
            .map(|sector| (*sector, disk.plainest(*sector, fate(*sector))))
            .collect();
        if !seen.is_new(disk, &fates) {
            return Ok(());
        }
        states += 1;
        let mut next = fates.iter();
        visit(disk.crash(|_| next.next().map_or(SectorFate::Old, |(_, fate)| *fate)))
    };
    // All combinations where they are few, a sample where they are many.
    let combinations = FRAME_FATES.saturating_pow(frames.len() as u32);
    for turn in 0..combinations.min(256) {
        let salt = random.next();
        try_state(&mut |sector| {
            let digit = if combinations <= 256 {
                turn >> (2 * position(sector))
            } else {
                Random(salt ^ position(sector) as u64).next()
            };
            match digit % FRAME_FATES {
                0 => SectorFate::Old,
                1 => SectorFate::New,
                2 if sector % 8 < 4 => SectorFate::New,
                2 => SectorFate::Earlier,
                _ => SectorFate::Garbage(salt ^ sector),
            }
        })?;
    }
    if effort.every_sector_subset {
        for torn in 0..frames.len() {
            for others in 0..1_u64 << frames.len().saturating_sub(1).min(3) {
                for subset in 0..256_u64 {
                    try_state(&mut |sector| {
                        let frame = position(sector);
                        let new = if frame == torn {
                            subset >> (sector % 8) & 1
                        } else {
                            others >> (frame - usize::from(frame > torn)) & 1
                        };
                        if new == 1 {
                            SectorFate::New
                        } else {
                            SectorFate::Old
                        }
                    })?;
                }
            }
        }
    }
    for _ in 0..effort.random_states {
        let salt = random.next();
        let mut dice = Random(salt);
        try_state(&mut |_| match dice.below(4) {
            0 => SectorFate::Old,
            1 => SectorFate::New,
            2 => SectorFate::Earlier,
            _ => SectorFate::Garbage(dice.next()),
        })?;
    }
    Ok(states)
}

/// The disks that one crash of `disk` may leave: the fates of its frames, and `random_states` more of
/// its sectors.
pub(super) fn states_left(
    disk: &SimulatedDisk,
    random_states: u64,
    random: &mut Random,
    visit: &mut dyn FnMut(SimulatedDisk) -> Result<(), String>,
) -> Outcome {
    let effort = Effort::fates_only(random_states);
    crash_states(disk, &mut Seen::default(), effort, random, visit)
}

/// Opens `disk` and appends `workload`, until the power goes after `cut` writes and flushes.
pub(super) fn cut_session(
    mut disk: SimulatedDisk,
    workload: &Workload,
    cut: u64,
) -> Result<(SimulatedDisk, History), String> {
    disk.cut_power_after(cut);
    let mut history = History::default();
    let opened = Ledger::open(disk).map_err(|error| format!("cut {cut}: does not open: {error}"));
    let (mut ledger, _) = opened?;
    run(&mut ledger, workload, &mut history);
    Ok((ledger.into_device(), history))
}

/// What crashes at the first writes and flushes of a session leave, by the bytes of the whole disk.
fn images_left(seen_at_another_crash: impl Fn(Seen) -> Seen) -> Vec<(u64, u64)> {
    let effort = Effort::fates_only(8);
    let mut random = Random(9);
    let mut seen = Seen::default();
    let mut images = Vec::new();
    for cut in 0..20 {
        let workload = vec![vec![300], vec![20, 3884]];
        let (disk, _) = cut_session(fresh_disk(), &workload, cut).unwrap();
        seen = seen_at_another_crash(seen);
        crash_states(&disk, &mut seen, effort, &mut random, &mut |state| {
            let mut hasher = DefaultHasher::new();
            state.image().hash(&mut hasher);
            images.push((disk.flushes_done(), hasher.finish()));
            Ok(())
        })
        .unwrap();
    }
    images
}

#[test]
fn a_state_that_several_crashes_leave_is_tried_once_and_none_is_left_out() {
    let tried = images_left(|seen| seen);
    let left = images_left(|_| Seen::default());
    assert!(
        tried.len() < left.len(),
        "{} of {}",
        tried.len(),
        left.len()
    );
    let distinct: HashSet<_> = left.into_iter().collect();
    assert_eq!(tried.len(), distinct.len());
    assert_eq!(tried.into_iter().collect::<HashSet<_>>(), distinct);
}

#[test]
fn a_second_write_of_a_sector_leaves_a_state_of_its_own() {
    let effort = Effort::fates_only(0);
    let mut disk = SimulatedDisk::new(8);
    let mut seen = Seen::default();
    let mut left = Vec::new();
    for value in [1, 2] {
        disk.write(0, &[value; SECTOR_BYTES]).unwrap();
        let mut visit = |state: SimulatedDisk| {
            left.extend(state.image().first_chunk::<SECTOR_BYTES>().copied());
            Ok(())
        };
        crash_states(&disk, &mut seen, effort, &mut Random(1), &mut visit).unwrap();
    }
    let times = |value| {
        let whole = |found: &&Sector| **found == [value; SECTOR_BYTES];
        left.iter().filter(whole).count()
    };
    assert_eq!([times(0), times(1), times(2)], [1, 1, 1]);
}

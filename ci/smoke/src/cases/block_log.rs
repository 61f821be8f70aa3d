//! The log of every write under a governance session, cut at every flush.
//!
//! QEMU logs what the node writes to its disk (`blklogwrites`). At each flush of that log the power is
//! cut anew: nothing that followed is there, all of it, any part of it, or sectors that are torn. The
//! ledger's own recovery judges each of those disks on the host, and QEMU boots some of them, in the
//! campaign every one that whole writes make. Nothing that the console acknowledged before the cut may
//! be missing, and a node that boots says again what was said.
//!
//! A control runs with it: the record that was acknowledged last is looked for on the disk from
//! before its flush, by recovery and by a node that boots it, and has to be missed.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ledger::simulated::SimulatedDisk;
use qemu::{BlockLog, Entry, Session, Storage};

use crate::case::{Case, Failure, Place};
use crate::cases::governance::open_emergency;
use crate::checks;
use crate::council::{Council, FOUR, format_ledger};
use crate::replay::{Flush, Found, flushes, judge};
use crate::told::{Told, boot};

/// Size of the disk in bytes.
const DISK_BYTES: u32 = 4 << 20;
/// Size of the log's file in bytes, of which the host stores what is written.
const LOG_BYTES: u64 = 256 << 20;
/// Bytes of a log that its count of entries lies in.
const LOG_HEAD_BYTES: usize = 512;
/// Torn disks are drawn from this.
const SEED: u64 = 0x7465_6172;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Torn disks at each flush, beside the choices of whole writes.
    torn: usize,
    boots: Boots,
}

/// Which disks are booted in QEMU.
#[derive(Clone, Copy, Debug)]
enum Boots {
    /// Of so many flushes spread over the log one each: with nothing of what followed, or torn.
    Some(usize),
    /// Of every flush each choice of whole writes, and so many torn ones; two machines at a time.
    Every { torn: usize },
}

/// The share of the gate.
const GATE: Effort = Effort {
    torn: 8,
    boots: Boots::Some(3),
};
/// The campaign.
const CAMPAIGN: Effort = Effort {
    torn: 500,
    boots: Boots::Every { torn: 2 },
};

/// The gate's case.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("block-log", |place| story(place, GATE))]
}

/// The same story, with every disk booted that whole writes make: minutes.
pub(super) fn campaigns() -> Vec<Case> {
    vec![Case::new("block-log-at-every-flush", |place| {
        story(place, CAMPAIGN)
    })]
}

/// A running node whose disk is logged, and what it acknowledged.
struct Recorder {
    session: Session,
    log: PathBuf,
    told: Vec<Told>,
}

impl Recorder {
    /// Takes down what the console says is in the ledger, and how long the log is at that moment.
    fn note(&mut self) -> Result<(), Failure> {
        let mut head = [0; LOG_HEAD_BYTES];
        File::open(&self.log)
            .and_then(|mut file| file.read_exact(&mut head))
            .map_err(|error| host(&self.log, &error))?;
        let count = BlockLog::count(&head).map_err(|error| host(&self.log, &error))?;
        let entries = usize::try_from(count).map_err(|error| host(&self.log, &error))?;
        self.told.push(Told::hear(&mut self.session, entries)?);
        Ok(())
    }

    /// Says a line that has to be acknowledged.
    fn says(&mut self, line: &str) -> Result<(), Failure> {
        self.session.command_ok(line)?;
        self.note()
    }
}

fn host(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Host(format!("{}: {error}", path.display()))
}

/// The story of an emergency up to its post-mortem, every step noted.
fn record(place: &Place<'_>) -> Result<Recorder, Failure> {
    let file = place.empty_disk(u64::from(DISK_BYTES))?;
    let log = place.file("writes");
    File::create(&log)
        .and_then(|file| file.set_len(LOG_BYTES))
        .map_err(|error| host(&log, &error))?;
    let mut profile = checks::with_disk(place, &file);
    profile.storage = Storage::Logged {
        file,
        log: log.clone(),
    };
    let (session, _) = checks::boot(&profile, checks::limits(), place)?;
    let mut recorder = Recorder {
        session,
        log,
        told: Vec::new(),
    };
    format_ledger(&mut recorder.session)?;
    recorder.note()?;
    let mut council = Council::new(place);
    for guardian in FOUR {
        council.enrol(&mut recorder.session, guardian)?;
        recorder.note()?;
    }
    let (_, id) = open_emergency(&mut recorder.session)?;
    recorder.note()?;
    let steps = [
        ("galahad", "sign"),
        ("cerberus", "sign"),
        ("codex_deus", "sign"),
        ("cerberus", "post-mortem"),
    ];
    for (guardian, action) in steps {
        let line = council.signed_step(&mut recorder.session, &id, guardian, action)?;
        recorder.says(&line)?;
    }
    for title in ["the first after it", "the second after it"] {
        recorder.says(&format!(
            "request create low config operator \"{title}\" \"told and kept\""
        ))?;
    }
    Ok(recorder)
}

fn story(place: &Place<'_>, effort: Effort) -> Result<(), Failure> {
    let Recorder { session, log, told } = record(place)?;
    session.kill();
    let bytes = fs::read(&log).map_err(|error| host(&log, &error))?;
    let parsed = BlockLog::parse(&bytes).map_err(|error| host(&log, &error))?;
    acknowledged_after_their_flush(&parsed, &told)?;
    let disk_bytes = usize::try_from(DISK_BYTES).map_err(|error| host(&log, &error))?;
    let flushes = flushes(&parsed, disk_bytes).map_err(Failure::Wrong)?;
    let mut cuts: usize = 0;
    for (index, flush) in flushes.iter().enumerate() {
        cuts = cuts.saturating_add(every_cut(&flushes, index, flush, &told, effort)?);
    }
    control(place, &flushes, &told)?;
    let booted = boots(place, &flushes, &told, effort.boots)?;
    // Sparse or not, it is larger than anything else that a case leaves.
    fs::remove_file(&log).map_err(|error| host(&log, &error))?;
    place.note(&format!(
        "{} flushes, {} acknowledgements, {cuts} cuts recovered on the host, {booted} booted: \
         nothing acknowledged was lost\n",
        flushes.len().saturating_sub(1),
        told.len()
    ))
}

/// When something is acknowledged, the log ends with a flush: nothing that was told waits in a cache.
fn acknowledged_after_their_flush(log: &BlockLog<'_>, told: &[Told]) -> Result<(), Failure> {
    for Told { acknowledged, .. } in told {
        let last = acknowledged.entries.checked_sub(1);
        if last.and_then(|last| log.entries.get(last)) != Some(&Entry::Flush) {
            return Err(Failure::Wrong(format!(
                "{} records were acknowledged while something written was not yet flushed",
                acknowledged.records
            )));
        }
    }
    Ok(())
}

/// What had been acknowledged at a flush.
fn told_at<'a>(flush: &Flush<'_>, told: &'a [Told]) -> Option<&'a Told> {
    told.iter()
        .rfind(|told| told.acknowledged.entries <= flush.entries)
}

/// The most records that a cut before the flush after `index` can hold: those of that flush.
fn records_max(flushes: &[Flush<'_>], index: usize) -> Result<u64, Failure> {
    let here = flushes.get(index);
    let next = flushes.get(index.saturating_add(1)).or(here);
    let disk = next.map(Flush::durable);
    match disk.map(|disk| judge(disk, None, u64::MAX)) {
        Some(Ok(Found::Ready { records, .. })) => Ok(records),
        Some(Ok(Found::Nothing)) | None => Ok(0),
        Some(Err(text)) => Err(Failure::Wrong(format!("after flush {index}: {text}"))),
    }
}

fn every_cut(
    flushes: &[Flush<'_>],
    index: usize,
    flush: &Flush<'_>,
    told: &[Told],
    effort: Effort,
) -> Result<usize, Failure> {
    let acknowledged = told_at(flush, told).map(|told| &told.acknowledged);
    let records_max = records_max(flushes, index)?;
    let cuts = flush.cuts(effort.torn, SEED);
    let count = cuts.len();
    for (number, cut) in cuts.into_iter().enumerate() {
        judge(cut, acknowledged, records_max).map_err(|text| {
            Failure::Wrong(format!("flush {index} of the log, cut {number}: {text}"))
        })?;
    }
    Ok(count)
}

/// The record that was acknowledged last has to be missed on the disk from before its flush, by recovery
/// and by a node that boots it.
fn control(place: &Place<'_>, flushes: &[Flush<'_>], told: &[Told]) -> Result<(), Failure> {
    let Some(last) = told.last() else {
        return Err(Failure::Wrong("nothing was acknowledged".to_owned()));
    };
    let acknowledged = &last.acknowledged;
    let before = flushes
        .iter()
        .rfind(|flush| flush.entries < acknowledged.entries);
    let Some(before) = before else {
        return Err(Failure::Wrong("the log has one flush at most".to_owned()));
    };
    let green = |who: &str| {
        Err(Failure::Wrong(format!(
            "{who} finds nothing lost on a disk from before the last acknowledgement"
        )))
    };
    if judge(before.durable(), Some(acknowledged), u64::MAX).is_ok() {
        return green("recovery");
    }
    let found = judge(before.durable(), None, u64::MAX).map_err(Failure::Wrong)?;
    match boot(place, &before.durable(), &found, Some(last)) {
        Err(Failure::Wrong(text)) if text.contains("does not tell again") => Ok(()),
        Ok(()) => green("a booted node"),
        Err(other) => Err(other),
    }
}

/// Boots disks of the log: the node finds what the host found, and tells what was told.
fn boots(
    place: &Place<'_>,
    flushes: &[Flush<'_>],
    told: &[Told],
    boots: Boots,
) -> Result<usize, Failure> {
    let (chosen, machines): (Vec<usize>, usize) = match boots {
        Boots::Some(count) => {
            let is_told = |index: &usize| flushes.get(*index).and_then(|it| told_at(it, told));
            let all: Vec<usize> = (0..flushes.len())
                .filter(|index| is_told(index).is_some())
                .collect();
            let stride = all.len().div_ceil(count).max(1);
            (all.into_iter().step_by(stride).collect(), 1)
        }
        Boots::Every { .. } => ((0..flushes.len()).collect(), 2),
    };
    let next = AtomicUsize::new(0);
    let work = |machine: usize| {
        let place = place.part(machine);
        let mut booted: usize = 0;
        while let Some(index) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(flush) = flushes.get(*index) else {
                continue;
            };
            let disks = disks(flush, *index, boots);
            for (number, disk) in disks.iter().enumerate() {
                boot_cut(&place, disk, told_at(flush, told)).map_err(|failure| {
                    next.store(chosen.len(), Ordering::Relaxed);
                    let at = format!("flush {index} of the log, disk {number}, booted");
                    Failure::Wrong(format!(
                        "{at}: {failure}; its log: {}",
                        place.log().display()
                    ))
                })?;
            }
            booted = booted.saturating_add(disks.len());
        }
        Ok(booted)
    };
    thread::scope(|scope| {
        let work = &work;
        let machines: Vec<_> = (0..machines)
            .map(|machine| scope.spawn(move || work(machine)))
            .collect();
        let ended = machines.into_iter().map(|machine| {
            machine
                .join()
                .unwrap_or_else(|_| Err(Failure::Host("a worker panicked".to_owned())))
        });
        ended.sum()
    })
}

/// The disks of a flush that are booted.
fn disks(flush: &Flush<'_>, index: usize, boots: Boots) -> Vec<SimulatedDisk> {
    match boots {
        Boots::Some(_) => {
            // The last is torn; the first has nothing of what followed.
            let mut cuts = flush.cuts(1, SEED);
            let disk = if index.is_multiple_of(2) {
                cuts.drain(..).next()
            } else {
                cuts.pop()
            };
            disk.into_iter().collect()
        }
        Boots::Every { torn } => flush.cuts(torn, SEED),
    }
}

fn boot_cut(place: &Place<'_>, disk: &SimulatedDisk, told: Option<&Told>) -> Result<(), Failure> {
    let acknowledged = told.map(|told| &told.acknowledged);
    let found = judge(disk.clone(), acknowledged, u64::MAX).map_err(Failure::Wrong)?;
    boot(place, disk, &found, told)
}

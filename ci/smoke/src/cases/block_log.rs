//! The log of every write under a governance session, cut at every flush.
//!
//! QEMU logs what the node writes to its disk (`blklogwrites`). At each flush of that log the power is
//! cut anew: nothing that followed is there, all of it, any part of it, or sectors that are torn. The
//! ledger's own recovery judges each of those disks on the host, and QEMU boots some of them. Nothing
//! that the console acknowledged before the cut may be missing.
//!
//! A control runs with it: the record that was acknowledged last is judged against the disk from
//! before its flush, and has to be missed.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ledger::simulated::SimulatedDisk;
use qemu::{BlockLog, Entry, Session, Storage};

use crate::case::{Case, Failure, Place};
use crate::cases::governance::open_emergency;
use crate::checks::{self, demand};
use crate::council::{Council, FOUR, format_ledger, required};
use crate::replay::{Acknowledged, Flush, Found, flushes, judge};

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
    /// Flushes of which a disk is booted in QEMU; all of them, if there are not as many.
    boots: usize,
}

/// The share of the gate.
const GATE: Effort = Effort { torn: 8, boots: 3 };
/// The campaign: every flush is booted.
const CAMPAIGN: Effort = Effort {
    torn: 500,
    boots: usize::MAX,
};

/// The gate's case.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("block-log", |place| story(place, GATE))]
}

/// The same story, with every flush booted: minutes.
pub(super) fn campaigns() -> Vec<Case> {
    vec![Case::new("block-log-at-every-flush", |place| {
        story(place, CAMPAIGN)
    })]
}

/// A running node whose disk is logged, and what it acknowledged.
struct Recorder {
    session: Session,
    log: PathBuf,
    told: Vec<Acknowledged>,
}

impl Recorder {
    /// Takes down what the console says is in the ledger, and how long the log is at that moment.
    fn note(&mut self) -> Result<(), Failure> {
        let mut head = [0; LOG_HEAD_BYTES];
        File::open(&self.log)
            .and_then(|mut file| file.read_exact(&mut head))
            .map_err(|error| host(&self.log, &error))?;
        let count = BlockLog::count(&head).map_err(|error| host(&self.log, &error))?;
        let status = self.session.command_ok("ledger status")?;
        let is_ready = status.field("state").as_deref() == Some("ready");
        demand(is_ready, "ledger status", &status)?;
        self.told.push(Acknowledged {
            entries: usize::try_from(count).map_err(|error| host(&self.log, &error))?,
            records: number(&required(&status, "records")?)?,
            chain: required(&status, "chain")?,
        });
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

fn number(text: &str) -> Result<u64, Failure> {
    text.parse()
        .map_err(|_| Failure::Wrong(format!("`{text}` is no number")))
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
    control(&flushes, &told)?;
    let booted = boots(place, &flushes, &told, effort)?;
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
fn acknowledged_after_their_flush(
    log: &BlockLog<'_>,
    told: &[Acknowledged],
) -> Result<(), Failure> {
    for told in told {
        let last = told.entries.checked_sub(1);
        if last.and_then(|last| log.entries.get(last)) != Some(&Entry::Flush) {
            return Err(Failure::Wrong(format!(
                "{} records were acknowledged while something written was not yet flushed",
                told.records
            )));
        }
    }
    Ok(())
}

/// What had been acknowledged at a flush.
fn told_at<'a>(flush: &Flush<'_>, told: &'a [Acknowledged]) -> Option<&'a Acknowledged> {
    told.iter().rfind(|told| told.entries <= flush.entries)
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
    told: &[Acknowledged],
    effort: Effort,
) -> Result<usize, Failure> {
    let records_max = records_max(flushes, index)?;
    let cuts = flush.cuts(effort.torn, SEED);
    let count = cuts.len();
    for (number, cut) in cuts.into_iter().enumerate() {
        judge(cut, told_at(flush, told), records_max).map_err(|text| {
            Failure::Wrong(format!("flush {index} of the log, cut {number}: {text}"))
        })?;
    }
    Ok(count)
}

/// The record that was acknowledged last has to be missed on the disk from before its flush.
fn control(flushes: &[Flush<'_>], told: &[Acknowledged]) -> Result<(), Failure> {
    let Some(last) = told.last() else {
        return Err(Failure::Wrong("nothing was acknowledged".to_owned()));
    };
    let before = flushes.iter().rfind(|flush| flush.entries < last.entries);
    let Some(before) = before else {
        return Err(Failure::Wrong("the log has one flush at most".to_owned()));
    };
    match judge(before.durable(), Some(last), u64::MAX) {
        Err(_) => Ok(()),
        Ok(found) => Err(Failure::Wrong(format!(
            "a disk from before the last acknowledgement was judged green: {found:?}"
        ))),
    }
}

/// Boots disks of flushes spread over the log: the node finds what the host found.
fn boots(
    place: &Place<'_>,
    flushes: &[Flush<'_>],
    told: &[Acknowledged],
    effort: Effort,
) -> Result<usize, Failure> {
    let acknowledged: Vec<(usize, &Flush<'_>)> = flushes
        .iter()
        .enumerate()
        .filter(|(_, flush)| told_at(flush, told).is_some())
        .collect();
    let stride = acknowledged.len().div_ceil(effort.boots).max(1);
    let mut booted = 0;
    for (index, flush) in acknowledged.into_iter().step_by(stride) {
        let cuts = flush.cuts(1, SEED);
        // The last is torn; the first has nothing of what followed.
        let ends = [cuts.first(), cuts.last()];
        let disk = ends.get(index % 2).copied().flatten();
        let Some(disk) = disk else { continue };
        let found = judge(disk.clone(), told_at(flush, told), u64::MAX)
            .map_err(|text| Failure::Wrong(format!("flush {index}: {text}")))?;
        boot(place, disk, &found).map_err(|failure| {
            Failure::Wrong(format!("flush {index} of the log, booted: {failure}"))
        })?;
        booted += 1;
    }
    Ok(booted)
}

/// The node on this disk has the records that recovery found on the host, all of them sound; it may
/// add its own, such as that a grant has ended with the power.
fn boot(place: &Place<'_>, disk: &SimulatedDisk, found: &Found) -> Result<(), Failure> {
    let file = place.file("disk");
    fs::write(&file, disk.image()).map_err(|error| host(&file, &error))?;
    let profile = checks::with_disk(place, &file);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let status = session.command_ok("ledger status")?;
    let is_ready = status.field("state").as_deref() == Some("ready");
    demand(is_ready, "ledger status", &status)?;
    let told = Acknowledged {
        entries: 0,
        records: number(&required(&status, "records")?)?,
        chain: required(&status, "chain")?,
    };
    let verified = session.command_ok("ledger verify")?;
    let is_sound = verified.field("sound").as_deref() == Some("yes");
    demand(is_sound, "ledger verify", &verified)?;
    session.power_off()?;
    let image = fs::read(&file).map_err(|error| host(&file, &error))?;
    let mut expected = vec![told];
    if let Found::Ready { records, chain } = found {
        expected.push(Acknowledged {
            entries: 0,
            records: *records,
            chain: chain.clone(),
        });
    }
    for expected in &expected {
        judge(SimulatedDisk::from_image(&image), Some(expected), u64::MAX)
            .map_err(|text| Failure::Wrong(format!("on the disk that the node left: {text}")))?;
    }
    Ok(())
}

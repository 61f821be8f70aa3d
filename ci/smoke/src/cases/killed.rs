//! A node that is killed in the middle of commits, again and again, on one disk.
//!
//! After each kill the next boot has to show every record that was acknowledged, with the id of its
//! acknowledgement, and of the one that was under way either the whole or nothing. A control
//! destroys an acknowledged record between two boots and has to be judged red by the same function.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ledger::{FRAME_BYTES, Geometry, Place as Copy, SECTOR_BYTES};
use qemu::{Profile, Reply, Session, SessionError};

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand};
use crate::council::{format_ledger, required};
use crate::draw::Draw;
use crate::glyphctl::Glyphctl;

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 64 << 20;
/// How often the node is killed.
const ROUNDS: u64 = 16;
/// How many formats are killed.
const FORMATS: u64 = 8;
/// Most commits of one round that are waited for.
const COMMITS_MAX: u64 = 6;
/// A direct start is over by then, as a rule.
const BOOT_TIME: Duration = Duration::from_millis(500);
/// The moments of the kills are drawn from this.
const SEED: u64 = 0x6c79_7068_6f73;

/// The story and its control.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("killed-in-commits", story),
        Case::new("killed-in-format", killed_in_format),
        Case::new("control-lost-record", control),
    ]
}

/// What an operator knows who was told of each commit, or not.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Acknowledged requests: the id by the title.
    acknowledged: BTreeMap<String, String>,
    /// The title of the request that nobody was told of.
    pub(super) pending: Option<String>,
    /// Commits under way that were found whole after a kill.
    pub(super) found: u64,
    /// Commits under way that had left nothing.
    vanished: u64,
}

impl Memory {
    /// Has the node record a request, and remembers its acknowledgement.
    ///
    /// # Errors
    /// If the node refuses.
    pub(super) fn commit(&mut self, session: &mut Session, title: String) -> Result<(), Failure> {
        let answer = session.command_ok(&create(&title))?;
        self.take(&answer, title)
    }

    /// Remembers an acknowledgement.
    ///
    /// # Errors
    /// If the answer is none.
    pub(super) fn take(&mut self, answer: &Reply, title: String) -> Result<(), Failure> {
        self.acknowledged
            .insert(title, required(answer, "request")?);
        Ok(())
    }

    /// Holds what the node shows after a kill against what was acknowledged.
    ///
    /// # Errors
    /// [`Failure::Wrong`] with what is missing, twice there or never asked for.
    pub(super) fn judge(&mut self, session: &mut Session) -> Result<(), Failure> {
        let answer = session.command_ok("request list")?;
        let mut shown: BTreeMap<String, String> = BTreeMap::new();
        for line in &answer.lines {
            let (title, id) = (qemu::field(line, "title"), qemu::field(line, "request"));
            let (Some(title), Some(id)) = (title, id) else {
                return demand(false, "request list", &answer);
            };
            if shown.insert(title.clone(), id).is_some() {
                return Err(Failure::Wrong(format!("`{title}` is there twice")));
            }
        }
        for (title, id) in &self.acknowledged {
            match shown.remove(title) {
                Some(told) if told == *id => {}
                Some(told) => {
                    return Err(Failure::Wrong(format!(
                        "`{title}` was acknowledged as {id} and is now {told}"
                    )));
                }
                None => {
                    return Err(Failure::Wrong(format!(
                        "`{title}` was acknowledged as {id} and is lost"
                    )));
                }
            }
        }
        if let Some(title) = self.pending.take() {
            match shown.remove(&title) {
                Some(id) => {
                    self.found = self.found.saturating_add(1);
                    self.acknowledged.insert(title, id);
                }
                None => self.vanished = self.vanished.saturating_add(1),
            }
        }
        if let Some(title) = shown.keys().next() {
            return Err(Failure::Wrong(format!("nobody asked for `{title}`")));
        }
        let answer = session.command_ok("ledger verify")?;
        let is_sound = answer.field("sound").as_deref() == Some("yes");
        demand(is_sound, "ledger verify", &answer)?;
        let answer = session.command_ok("ledger status")?;
        let is_ready = answer.field("state").as_deref() == Some("ready");
        // The first record adopts the policy; every other one is a request.
        let expected = self.acknowledged.len().saturating_add(1).to_string();
        let is_whole = answer.field("records") == Some(expected);
        demand(is_ready && is_whole, "ledger status", &answer)
    }
}

/// The command that has a request of this title recorded.
pub(super) fn create(title: &str) -> String {
    format!("request create low config operator \"{title}\" \"written while the power fails\"")
}

/// Kills the node somewhere on its way to the ready line, where it recovers the ledger.
fn kill_while_booting(
    profile: &Profile,
    place: &Place<'_>,
    draw: &mut Draw,
) -> Result<(), Failure> {
    let session = Session::start(profile, checks::limits(), &place.log())?;
    thread::sleep(draw.part_of(BOOT_TIME));
    session.kill();
    Ok(())
}

fn story(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    format_ledger(&mut session)?;
    session.power_off()?;
    let mut memory = Memory::default();
    let mut draw = Draw::new(SEED);
    let mut quickest = Duration::from_secs(1);
    for round in 0..ROUNDS {
        if draw.below(2) == 0 {
            kill_while_booting(&profile, place, &mut draw)?;
        }
        let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
        memory.judge(&mut session)?;
        for number in 0..=draw.below(COMMITS_MAX) {
            let began = Instant::now();
            memory.commit(&mut session, format!("round {round}, commit {number}"))?;
            quickest = quickest.min(began.elapsed());
        }
        let title = format!("round {round}, under way");
        session.send(format!("{}\n", create(&title)).as_bytes());
        memory.pending = Some(title);
        // The moment of the kill is meant to be anywhere in a commit: nothing is waited for.
        thread::sleep(draw.part_of(quickest.mul_f64(1.5)));
        session.kill();
    }
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    memory.judge(&mut session)?;
    session.power_off()?;
    let verdict = Glyphctl::of(place).verify(&disk)?;
    if verdict.status != Some(0) {
        return Err(Failure::Wrong(format!(
            "`glyphctl ledger verify` finds the disk unsound: {verdict:?}"
        )));
    }
    let Memory {
        acknowledged,
        found,
        vanished,
        ..
    } = &memory;
    let told = u64::try_from(acknowledged.len())
        .unwrap_or(u64::MAX)
        .saturating_sub(*found);
    let counts = format!(
        "{ROUNDS} kills: {told} of {told} acknowledged records are there; of those under way \
         {found} are there whole and {vanished} not at all\n"
    );
    place.note(&counts)
}

/// A disk whose formatting was killed is blank, a ledger, or takes the word again.
fn killed_in_format(place: &Place<'_>) -> Result<(), Failure> {
    let mut draw = Draw::new(SEED);
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    let mut format_time = Duration::from_millis(5);
    for _ in 0..FORMATS {
        let disk = place.empty_disk(DISK_SIZE)?;
        let profile = checks::with_disk(place, &disk);
        let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
        let word = required(&session.command_ok("ledger format")?, "confirmation")?;
        session.send(format!("ledger format {word}\n").as_bytes());
        thread::sleep(draw.part_of(format_time.mul_f64(1.5)));
        session.kill();
        let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
        let state = ready.get("ledger_state").unwrap_or_default().to_owned();
        if state != "ready" {
            let began = Instant::now();
            format_ledger(&mut session)?;
            format_time = began.elapsed();
        }
        session.command_ok(&create("the first"))?;
        let answer = session.command_ok("ledger verify")?;
        let is_sound = answer.field("sound").as_deref() == Some("yes");
        demand(is_sound, "ledger verify", &answer)?;
        session.power_off()?;
        let count = states.entry(state).or_default();
        *count = count.saturating_add(1);
    }
    place.note(&format!(
        "after a killed format the disks were {states:?}\n"
    ))
}

/// An acknowledged record is destroyed in all its copies: the story's judge has to see it.
fn control(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    format_ledger(&mut session)?;
    let mut memory = Memory::default();
    for number in 0..4 {
        memory.commit(&mut session, format!("commit {number}"))?;
    }
    session.kill();
    for copy in COPIES {
        destroy(&disk, copy, 2)?;
    }
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let judged = memory.judge(&mut session);
    session.kill();
    let verdict = Glyphctl::of(place).verify(&disk)?;
    match (judged, verdict.status) {
        (Err(Failure::Wrong(_) | Failure::Session(SessionError::Refused { .. })), Some(1)) => {
            Ok(())
        }
        (Ok(()), _) => Err(Failure::Wrong("a lost record was judged green".to_owned())),
        (judged, _) => Err(Failure::Wrong(format!(
            "a lost record gave {judged:?} and {verdict:?}"
        ))),
    }
}

/// Where the copies of a record are.
pub(super) const COPIES: [Copy; 3] = [Copy::ZoneA, Copy::ZoneB, Copy::Ring];

/// Flips one bit in the middle of one copy of a record.
///
/// # Errors
/// If the disk is none, or its file cannot be written.
pub(super) fn destroy(disk: &Path, copy: Copy, seq: u64) -> Result<(), Failure> {
    let host = |error| Failure::Host(format!("{}: {error}", disk.display()));
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(disk)
        .map_err(host)?;
    let sector_bytes = SECTOR_BYTES as u64;
    let sectors = file.metadata().map_err(host)?.len() / sector_bytes;
    let geometry = Geometry::for_sectors(sectors)
        .ok_or_else(|| Failure::Host(format!("{} is too small", disk.display())))?;
    let start = geometry.sector(copy, seq).saturating_mul(sector_bytes);
    let mut frame = [0; FRAME_BYTES];
    file.read_exact_at(&mut frame, start).map_err(host)?;
    let written = frame.iter().rposition(|&byte| byte != 0).unwrap_or(0);
    if let Some(byte) = frame.get_mut(written / 2) {
        *byte ^= 0x10;
    }
    file.write_all_at(&frame, start).map_err(host)
}

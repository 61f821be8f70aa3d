//! A disk that fills under a running node: told long before, refused with what to do, and moved on.

use std::fs;
use std::path::Path;

use qemu::Session;

use super::governance::verified_offline;
use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, refused};
use crate::council::{format_ledger, required};
use crate::glyphctl::Glyphctl;

/// The smallest disk that takes a ledger: 18 records, 2 of them for emergencies alone.
const SMALLEST: u64 = 256 << 10;
/// Room for 50 records, so that 95 % of it comes before its end.
const SMALL: u64 = 512 << 10;
/// Where a full ledger goes on.
const LARGER: u64 = 1 << 20;
/// More than either disk takes.
const TRIES_MAX: u64 = 100;
/// A decision that is no emergency.
const REQUEST: &str = "request create low config operator \"one of many\" \"why\"";

/// The story, on each disk.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("disk-that-fills-the-smallest", |place| {
            story(place, SMALLEST, 15, &[("more than 80 % full", 12)])
        }),
        Case::new("disk-that-fills", |place| {
            let marks = [("more than 80 % full", 38), ("more than 95 % full", 45)];
            story(place, SMALL, 47, &marks)
        }),
    ]
}

/// `room` is how many requests the disk takes beside the record of the policy; each of `marks` is
/// told first after so many of them.
fn story(place: &Place<'_>, bytes: u64, room: u64, marks: &[(&str, u64)]) -> Result<(), Failure> {
    let disk = place.empty_disk(bytes)?;
    let profile = checks::with_disk(place, &disk);
    let boot = || checks::boot(&profile, checks::limits(), place).map(|(session, _)| session);
    let mut session = boot()?;
    format_ledger(&mut session)?;
    let told = fill(&mut session, room)?;
    for (mark, after) in marks {
        let first = told.iter().position(|reason| reason.contains(mark));
        if first.and_then(|first| u64::try_from(first).ok()) != Some(*after) {
            return Err(Failure::Wrong(format!("{mark} after {first:?}: {told:?}")));
        }
    }
    full(&mut session)?;
    // The reserve still takes an emergency, and no other decision.
    let requests = session.command_ok("request list")?;
    let id = required(&requests, "request")?;
    session.command_ok(&format!("override create {id} operator \"the dam breaks\""))?;
    full(&mut session)?;
    let log = session.command_ok("ledger log 1000")?.text();
    session.power_off()?;
    verified_offline(place, &disk)?;

    let mut session = boot()?;
    keeps(&mut session, &log)?;
    full(&mut session)?;
    session.power_off()?;
    verified_offline(place, &disk)?;
    goes_on(place, &disk, &log)
}

/// Types requests until one is refused, which has to be the one after `room`; what the status told
/// before each.
fn fill(session: &mut Session, room: u64) -> Result<Vec<String>, Failure> {
    let mut told = Vec::new();
    for accepted in 0..TRIES_MAX {
        let status = session.command_ok("ledger status")?;
        told.push(required(&status, "reason")?);
        let answer = session.command(REQUEST)?;
        if !answer.is_ok() {
            demand(accepted == room, "the last request", &answer)?;
            return Ok(told);
        }
    }
    Err(Failure::Wrong(format!("{TRIES_MAX} requests fit")))
}

/// A decision is refused, with what to do next.
fn full(session: &mut Session) -> Result<(), Failure> {
    refused(session, REQUEST, "full", "so it has not happened")?;
    refused(session, REQUEST, "full", "glyphctl ledger restore")
}

/// Every record of `log` is there, and the whole is sound.
fn keeps(session: &mut Session, log: &str) -> Result<(), Failure> {
    let now = session.command_ok("ledger log 1000")?;
    demand(now.text().starts_with(log), "ledger log", &now)?;
    let verified = session.command_ok("ledger verify")?;
    let is_sound = verified.field("sound").as_deref() == Some("yes");
    demand(is_sound, "ledger verify", &verified)
}

/// What the refusal advises: on a larger disk the same ledger takes decisions again.
fn goes_on(place: &Place<'_>, full: &Path, log: &str) -> Result<(), Failure> {
    let kept = place.file("full");
    fs::rename(full, &kept)
        .map_err(|error| Failure::Host(format!("{}: {error}", full.display())))?;
    let larger = place.empty_disk(LARGER)?;
    Glyphctl::of(place).restore(&kept, &larger)?;
    let profile = checks::with_disk(place, &larger);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    keeps(&mut session, log)?;
    session.command_ok(REQUEST)?;
    session.power_off()?;
    verified_offline(place, &larger)
}

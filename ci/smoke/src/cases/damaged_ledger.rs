//! Ledgers that were damaged while the power was off.
//!
//! One bad copy of a record is written anew and told; a record without a whole copy makes the node
//! read-only, with its reason, and nothing more is accepted.

use qemu::{Profile, Session};

use crate::case::{Case, Failure, Place};
use crate::cases::killed::{COPIES, destroy};
use crate::checks::{self, demand, refused};
use crate::council::{format_ledger, required};
use crate::glyphctl::Glyphctl;

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 16 << 20;
/// The record that is damaged: neither the first nor the last.
const VICTIM: u64 = 2;
/// A command that needs a record.
const COMMIT: &str = "request create low config operator \"one more\"";

/// The stories.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("ledger-with-one-bad-copy", one_copy),
        Case::new("ledger-with-a-lost-record", all_copies),
    ]
}

fn one_copy(place: &Place<'_>) -> Result<(), Failure> {
    for copy in COPIES {
        let (profile, log) = written(place)?;
        let disk = place.file("disk");
        destroy(&disk, copy, VICTIM)?;
        let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
        let told = session.command_ok("log")?;
        let is_told = told
            .lines
            .iter()
            .any(|line| line.contains(&format!("record {VICTIM} is damaged")));
        demand(is_told, "log", &told)?;
        let same = session.command_ok("ledger log 1000")?;
        demand(same.text() == log, "ledger log", &same)?;
        session.command_ok(COMMIT)?;
        let verified = session.command_ok("ledger verify")?;
        let is_sound = verified.field("sound").as_deref() == Some("yes");
        demand(is_sound, "ledger verify", &verified)?;
        session.power_off()?;
        let verdict = Glyphctl::of(place).verify(&disk)?;
        if verdict.status != Some(0) {
            return Err(Failure::Wrong(format!("after the repair: {verdict:?}")));
        }
    }
    Ok(())
}

fn all_copies(place: &Place<'_>) -> Result<(), Failure> {
    let (profile, _) = written(place)?;
    let disk = place.file("disk");
    for copy in COPIES {
        destroy(&disk, copy, VICTIM)?;
    }
    let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
    if ready.get("ledger_state") != Some("read_only") {
        return Err(Failure::Wrong(format!("the ready line says {ready:?}")));
    }
    let status = session.command_ok("ledger status")?;
    let reason = required(&status, "reason")?;
    let is_named = reason.contains(&format!("record {VICTIM}"));
    demand(is_named, "ledger status", &status)?;
    let before = std::fs::read(&disk);
    for command in [COMMIT, "guardian enrol galahad ethics hmac 00"] {
        let answer = session.command(command)?;
        demand(!answer.is_ok(), command, &answer)?;
    }
    refused(
        &mut session,
        "ledger format yes",
        "refused",
        "ledger format",
    )?;
    let verified = session.command_ok("ledger verify")?;
    let is_unsound = verified.field("sound").as_deref() == Some("no");
    demand(is_unsound, "ledger verify", &verified)?;
    rest_goes_on(&mut session)?;
    session.power_off()?;
    let after = std::fs::read(&disk);
    if before.is_err() || before.ok() != after.ok() {
        return Err(Failure::Wrong(
            "the node wrote to a ledger that it calls read-only".to_owned(),
        ));
    }
    let verdict = Glyphctl::of(place).verify(&disk)?;
    let is_told = verdict.text.contains(&format!("record {VICTIM}"));
    if verdict.status != Some(1) || !is_told {
        return Err(Failure::Wrong(format!(
            "`glyphctl ledger verify` on a lost record: {verdict:?}"
        )));
    }
    Ok(())
}

/// A powered-off disk with some records, and what `ledger log` said of them.
fn written(place: &Place<'_>) -> Result<(Profile, String), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    format_ledger(&mut session)?;
    for number in 0..4 {
        session.command_ok(&format!(
            "request create low config operator \"number {number}\""
        ))?;
    }
    let log = session.command_ok("ledger log 1000")?;
    let is_whole = log.lines.len() == 5;
    demand(is_whole, "ledger log", &log)?;
    session.power_off()?;
    Ok((profile, log.text()))
}

/// What needs no ledger works.
fn rest_goes_on(session: &mut Session) -> Result<(), Failure> {
    session.command_ok("substrate write 7 120 0 900")?;
    let answer = session.command_ok("substrate read 7")?;
    let is_there = answer.field("magnitude").as_deref() == Some("120");
    demand(is_there, "substrate read", &answer)
}

//! Another vault under a quorum, on a machine that is killed between the steps.
//!
//! The archive goes the way that an operator sends it: `glyphctl vault lines` at the console.

use qemu::{Reply, Session};

use super::bad_input::write;
use super::governance::verified_offline;
use super::trust;
use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, is_refused, refused};
use crate::council::{Council, FOUR, format_ledger, required};
use crate::glyphctl::Glyphctl;

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 64 << 20;
/// Who signs: a strict majority of the four.
const QUORUM: [&str; 3] = ["galahad", "cerberus", "codex_deus"];
/// The other vault.
const COMET: [(&str, &[u8]); 1] = [("comet.gdf", b"glyph_id: comet\nmagnitude: 3\n")];

/// The story.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("vault-replaced-by-a-quorum", story)]
}

fn story(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let profile = checks::with_disk(place, &disk);
    let boot = || checks::boot(&profile, checks::limits(), place).map(|(session, _)| session);
    let mut session = boot()?;
    format_ledger(&mut session)?;
    let mut council = Council::new(place);
    for guardian in FOUR {
        council.enrol(&mut session, guardian)?;
    }
    let shipped = required(&session.command_ok("vault status")?, "digest")?;

    let lines = lines_of(place, &trust::key(place)?)?;
    let half = lines.len() / 2;
    stage(&mut session, lines.get(..half).unwrap_or_default())?;
    // What was staged is gone with the machine; the lines are sent anew.
    session.kill();
    let mut session = boot()?;
    let Some((propose, stages)) = lines.split_last() else {
        return Err(Failure::Host("no lines were written".to_owned()));
    };
    stage(&mut session, stages)?;
    let proposed = session.command_ok(propose)?;
    let change = required(&proposed, "change")?;
    let archive = required(&proposed, "archive")?;
    session.kill();
    let mut session = boot()?;
    sign(&mut session, &council, &change)?;
    // The kill comes after the acknowledgement: the new vault is there without a farewell.
    in_force(&mut session, "ledger", &archive, "comet", "water")?;
    session.kill();
    let mut session = boot()?;
    in_force(&mut session, "ledger", &archive, "comet", "water")?;
    refused(&mut session, "vault propose", "not_found", "vault lines")?;

    let back = session.command_ok("vault propose boot-medium")?;
    sign(&mut session, &council, &required(&back, "change")?)?;
    in_force(&mut session, "boot_medium", &shipped, "water", "comet")?;
    session.power_off()?;
    let mut session = boot()?;
    in_force(&mut session, "boot_medium", &shipped, "water", "comet")?;
    foreign(place, &mut session)?;
    session.power_off()?;
    verified_offline(place, &disk)
}

/// The console's lines for the other vault, signed with `seed`.
fn lines_of(place: &Place<'_>, seed: &[u8; 32]) -> Result<Vec<String>, Failure> {
    let bytes = glyph_archive::pack(COMET, seed)
        .map_err(|error| Failure::Host(format!("the vault does not pack: {error}")))?;
    let file = place.file("vault");
    write(&file, &bytes)?;
    Glyphctl::of(place).vault_lines(&file)
}

fn stage(session: &mut Session, lines: &[String]) -> Result<(), Failure> {
    for line in lines {
        session.command_ok(line)?;
    }
    Ok(())
}

/// Two signatures change nothing, the third puts the vault in force.
fn sign(session: &mut Session, council: &Council<'_>, change: &str) -> Result<(), Failure> {
    let before = digest(&session.command_ok("vault status")?);
    for (signer, missing) in QUORUM.iter().zip(["2", "1", "0"]) {
        let now = digest(&session.command_ok("vault status")?);
        if now != before {
            return Err(Failure::Wrong(format!("the vault changed early: {now:?}")));
        }
        let ask = format!("vault challenge {change} {signer} \"I read every line of it\"");
        let conclude = format!("vault sign {change} {signer}");
        let answer = council.decide(session, signer, &ask, &conclude)?;
        let is_counted = answer.field("signatures_missing").as_deref() == Some(missing);
        demand(is_counted, "vault sign", &answer)?;
    }
    Ok(())
}

fn digest(status: &Reply) -> Option<String> {
    status.field("digest")
}

/// The vault with this digest is in force: it has one glyph and not the other.
fn in_force(
    session: &mut Session,
    source: &str,
    archive: &str,
    there: &str,
    gone: &str,
) -> Result<(), Failure> {
    let status = session.command_ok("vault status")?;
    let is_it = status.field("state").as_deref() == Some("in_force")
        && status.field("source").as_deref() == Some(source)
        && digest(&status).as_deref() == Some(archive);
    demand(is_it, "vault status", &status)?;
    session.command_ok(&format!("activate {there}"))?;
    refused(session, &format!("activate {gone}"), "not_found", "")
}

/// An archive that a stranger signed comes no further than memory.
fn foreign(place: &Place<'_>, session: &mut Session) -> Result<(), Failure> {
    let records = session.command_ok("ledger status")?.field("records");
    let lines = lines_of(place, &[0x5a; 32])?;
    let Some((propose, stages)) = lines.split_last() else {
        return Err(Failure::Host("no lines were written".to_owned()));
    };
    stage(session, stages)?;
    let answer = session.command(propose)?;
    let is_named = is_refused(&answer, "bad_signature", "signed with another key");
    demand(is_named, propose, &answer)?;
    let after = session.command_ok("ledger status")?;
    demand(after.field("records") == records, "ledger status", &after)
}

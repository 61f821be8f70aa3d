//! The policy that the signed vault brings: in force, and still in force when the vault is altered.

use std::path::Path;

use qemu::{Session, Start};

use super::bad_input::write;
use super::governance::verified_offline;
use super::trust;
use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand};
use crate::council::{format_ledger, required};

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 1 << 20;
/// What the newer policy asks for, and what somebody would rather have.
const ASKED: &[u8] = b"min_signatures: 4";
const LOWERED: &[u8] = b"min_signatures: 3";

/// The story.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("policy-of-the-vault", story)]
}

fn story(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let mut session = boot(place, &disk, &trust::shipped(place)?)?;
    format_ledger(&mut session)?;
    let status = session.command_ok("vault status")?;
    let key = required(&status, "key")?;
    in_force(&mut session, "1", &key, "")?;
    asks_for(&mut session, "3")?;
    session.power_off()?;

    let newer = trust::repacked(place, |name, bytes| {
        let text = String::from_utf8_lossy(bytes);
        match name {
            glyph_archive::POLICY_FILE => text
                .replace("version: 1", "version: 2")
                .replace("min_signatures: 3", "min_signatures: 4")
                .into_bytes(),
            _ => bytes.to_vec(),
        }
    })?;
    let mut session = boot(place, &disk, &newer)?;
    in_force(&mut session, "2", &key, "")?;
    asks_for(&mut session, "4")?;
    session.power_off()?;

    let mut session = boot(place, &disk, &altered(newer)?)?;
    in_force(&mut session, "2", &key, "stays in force")?;
    asks_for(&mut session, "4")?;
    for (command, told) in [
        ("log", "vault refused: its signature does not hold"),
        ("log", "stays in force"),
        ("ledger log 1000", "version 2 adopted, signed by"),
    ] {
        let answer = session.command_ok(command)?;
        demand(answer.text().contains(told), command, &answer)?;
    }
    session.power_off()?;
    verified_offline(place, &disk)
}

/// The machine with this disk and this archive as its vault.
fn boot(place: &Place<'_>, disk: &Path, archive: &[u8]) -> Result<Session, Failure> {
    let path = place.file("tar");
    write(&path, &trust::ramdisk(&[(trust::VAULT_NAME, archive)])?)?;
    let mut profile = checks::with_disk(place, disk);
    if let Start::Direct { ramdisk, .. } = &mut profile.start {
        *ramdisk = Some(path);
    }
    checks::boot(&profile, checks::limits(), place).map(|(session, _)| session)
}

/// The policy in force has this version and key; what stands against the vault's own.
fn in_force(session: &mut Session, version: &str, key: &str, why: &str) -> Result<(), Failure> {
    let status = session.command_ok("vault status")?;
    let refused = required(&status, "policy_refused")?;
    let is_it = status.field("policy_version").as_deref() == Some(version)
        && status.field("policy_key").as_deref() == Some(key)
        && refused.contains(why)
        && refused.is_empty() == why.is_empty();
    demand(is_it, "vault status", &status)
}

/// An override asks for this many signatures.
fn asks_for(session: &mut Session, signatures: &str) -> Result<(), Failure> {
    let request =
        session.command_ok("request create high config operator \"a request\" \"why\"")?;
    let id = required(&request, "request")?;
    let opened = session.command_ok(&format!("override create {id} operator \"why\""))?;
    let asked = opened.field("min_signatures_required");
    demand(
        asked.as_deref() == Some(signatures),
        "override create",
        &opened,
    )
}

/// The archive with the policy's signatures lowered and nothing else changed.
fn altered(mut archive: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let mut windows = archive.windows(ASKED.len());
    let place = windows.position(|bytes| bytes == ASKED);
    let there = place.and_then(|from| archive.get_mut(from..)?.get_mut(..ASKED.len()));
    match there {
        Some(bytes) => bytes.copy_from_slice(LOWERED),
        None => return Err(Failure::Host("the archive holds no policy".to_owned())),
    }
    Ok(archive)
}

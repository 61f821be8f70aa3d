//! Whose vault a machine takes: none but the one that its kernel's key signed.
//!
//! Owns the making of ramdisks with another vault than the one that ships.

use std::fs;

use abi::id::hex_decode;
use abi::key_file;
use glyph_archive::{Archive, POLICY_FILE, TrustedKey, public_key, ustar};

use super::bad_input::{health, read, with_ramdisk};
use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand};

/// The name of the vault's archive in a ramdisk.
pub(super) const VAULT_NAME: &str = "vault.tar";
/// A signer that no kernel trusts.
const STRANGER: [u8; 32] = [0x5a; 32];

/// The cases: each vault that is not to be trusted, and what the node says of it.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("vault-altered", |place| {
            let mut bytes = shipped(place)?;
            let middle = bytes.len() / 2;
            for byte in bytes.iter_mut().skip(middle).take(1) {
                *byte ^= 1;
            }
            refuse(place, &[(VAULT_NAME, &bytes)], "signature does not hold")
        }),
        Case::new("vault-unsigned", |place| {
            let loose = unpacked(&shipped(place)?, &key(place)?)?;
            let names: Vec<_> = loose
                .iter()
                .map(|(name, bytes)| (format!("vault/{name}"), bytes))
                .collect();
            let files: Vec<_> = names
                .iter()
                .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
                .collect();
            refuse(place, &files, "unsigned")
        }),
        Case::new("vault-of-another-key", |place| {
            let bytes = packed(&unpacked(&shipped(place)?, &key(place)?)?, &STRANGER)?;
            refuse(place, &[(VAULT_NAME, &bytes)], "signed with another key")
        }),
    ]
}

/// The machine starts without the vault, says why on every channel, and works.
fn refuse(place: &Place<'_>, files: &[(&str, &[u8])], why: &str) -> Result<(), Failure> {
    let profile = with_ramdisk(place, &ramdisk(files)?)?;
    let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
    if ready.get("glyphs") != Some("0") {
        return Err(Failure::Wrong(format!("the ready line says {ready:?}")));
    }
    for command in ["log", "events", "vault status"] {
        let answer = session.command_ok(command)?;
        demand(answer.text().contains(why), command, &answer)?;
    }
    let metrics = session.command_ok("metrics")?;
    let is_counted = metrics
        .lines
        .iter()
        .any(|line| line == "glyphos_vault_refused 1");
    demand(is_counted, "metrics", &metrics)?;
    health(&mut session, "vault", "FAILED")?;
    let answer = session.command("activate water")?;
    demand(!answer.is_ok(), "activate water", &answer)?;
    session.command_ok("substrate write 0 1 1 1")?;
    session.command_ok("ledger status")?;
    Ok(session.power_off()?)
}

/// The secret that the shipped vault is signed with.
pub(super) fn key(place: &Place<'_>) -> Result<[u8; 32], Failure> {
    let path = &place.shipped.vault_key;
    let wrong = |what: &dyn std::fmt::Display| Failure::Host(format!("{}: {what}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let (_, digits) = key_file::read(&text).map_err(|error| wrong(&error))?;
    let mut seed = [0; 32];
    hex_decode(digits, &mut seed).map_err(|error| wrong(&error))?;
    Ok(seed)
}

/// The archive in the ramdisk that ships.
pub(super) fn shipped(place: &Place<'_>) -> Result<Vec<u8>, Failure> {
    let ramdisk = read(&place.shipped.ramdisk)?;
    let entries = ustar::entries(&ramdisk)
        .map_err(|error| Failure::Host(format!("the ramdisk that ships: {error}")))?;
    let vault = entries.iter().find(|entry| entry.name == VAULT_NAME);
    match vault {
        Some(entry) => Ok(entry.bytes.to_vec()),
        None => Err(Failure::Host("the ramdisk has no vault".to_owned())),
    }
}

/// Name and bytes of each file of an archive that `seed` signed, by name.
fn unpacked(archive: &[u8], seed: &[u8; 32]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let host =
        |error: &dyn std::fmt::Display| Failure::Host(format!("the vault's archive: {error}"));
    let origin = glyph_archive::KeyOrigin::Given;
    let trusted = TrustedKey::new(public_key(seed), origin).map_err(|error| host(&error))?;
    let archive = Archive::open(archive, &trusted).map_err(|error| host(&error))?;
    let policy = archive.policy().map(|text| (POLICY_FILE, text));
    let files = archive.files().chain(policy);
    let mut files: Vec<_> = files
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect();
    files.sort();
    Ok(files)
}

fn packed(files: &[(String, Vec<u8>)], seed: &[u8; 32]) -> Result<Vec<u8>, Failure> {
    let files = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    glyph_archive::pack(files, seed)
        .map_err(|error| Failure::Host(format!("the vault does not pack: {error}")))
}

/// The shipped vault with each file changed by `change`, signed with the kernel's key.
pub(super) fn repacked(
    place: &Place<'_>,
    change: impl Fn(&str, &[u8]) -> Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    let seed = key(place)?;
    let files = unpacked(&shipped(place)?, &seed)?;
    let changed: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.clone(), change(name, bytes)))
        .collect();
    packed(&changed, &seed)
}

/// A ramdisk of these files, in ascending order of their names, and no boot options.
pub(super) fn ramdisk(files: &[(&str, &[u8])]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        if !ustar::append(&mut bytes, name, content) {
            return Err(Failure::Host(format!("no tar holds {name}")));
        }
    }
    ustar::finish(&mut bytes);
    Ok(bytes)
}

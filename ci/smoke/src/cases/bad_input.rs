//! What people and fate hand to a node: bad files, other people's disks, hostile lines.
//!
//! Each gets a clear error, everything else goes on, and nothing is written unasked.

use std::fs;
use std::path::{Path, PathBuf};

use qemu::{Profile, Session, Start};

use super::trust;
use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, is_refused, refused};
use crate::council::required;

/// A tar header, and the unit of everything in a tar, in bytes.
const TAR_BLOCK: usize = 512;
/// Longest line that the console takes, in bytes.
const LINE_BYTES_MAX: usize = 4608;
/// What the heap may have grown by after a flood, in bytes: a reply's worth, not a flood's.
const HEAP_GROWTH_MAX: u64 = 64 << 10;

/// The stories.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("vault-with-a-bad-file", bad_vault_file),
        Case::new("ramdisk-cut-short", ramdisk_cut_short),
        Case::new("disk-with-a-partition-table", |place| {
            foreign_disk(place, &partitioned())
        }),
        Case::new("disk-with-unknown-data", |place| {
            foreign_disk(place, &noise(4 << 20))
        }),
        Case::new("disk-too-small", disk_too_small),
        Case::new("hostile-lines", hostile_lines),
    ]
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::Host(format!("{}: {error}", path.display())))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| fs::write(path, bytes))
        .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))
}

/// The machine of the case, started with these bytes as its ramdisk.
pub(super) fn with_ramdisk(place: &Place<'_>, bytes: &[u8]) -> Result<Profile, Failure> {
    let path = place.file("tar");
    write(&path, bytes)?;
    let disk = place.empty_disk(1 << 20)?;
    let mut profile = checks::with_disk(place, &disk);
    if let Start::Direct { ramdisk, .. } = &mut profile.start {
        *ramdisk = Some(path);
    }
    Ok(profile)
}

/// One file is refused by name and place; the glyphs beside it load and compute.
fn bad_vault_file(place: &Place<'_>) -> Result<(), Failure> {
    let spoilt = trust::repacked(place, |name, bytes| {
        let text = String::from_utf8_lossy(bytes);
        match name {
            "silence.gdf" => text.replace("coherence", "?oherence").into_bytes(),
            _ => bytes.to_vec(),
        }
    })?;
    let profile = with_ramdisk(place, &trust::ramdisk(&[(trust::VAULT_NAME, &spoilt)])?)?;
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let errors = session.command_ok("vault errors")?;
    let is_named = errors
        .lines
        .iter()
        .any(|line| line.contains("silence.gdf:"));
    demand(is_named, "vault errors", &errors)?;
    let log = session.command_ok("log")?;
    let is_logged = log.lines.iter().any(|line| line.contains("silence.gdf"));
    demand(is_logged, "log", &log)?;
    health(&mut session, "vault", "limited")?;
    refused(&mut session, "activate silence", "glyph_refused", "")?;
    session.command_ok("activate water")?;
    session.command_ok("activate quintessence --with-parents")?;
    Ok(session.power_off()?)
}

/// A cut ramdisk is refused with what to do; the node runs without its vault.
fn ramdisk_cut_short(place: &Place<'_>) -> Result<(), Failure> {
    let whole = read(&place.shipped.ramdisk)?;
    for length in [1, TAR_BLOCK, TAR_BLOCK * 3 / 2, whole.len() / 2] {
        let cut = whole.get(..length).unwrap_or(&whole);
        let profile = with_ramdisk(place, cut)?;
        let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
        if ready.get("glyphs") != Some("0") {
            return Err(Failure::Wrong(format!("{length} bytes gave {ready:?}")));
        }
        let log = session.command_ok("log")?;
        let is_told = log.lines.iter().any(|line| {
            line.contains("ramdisk refused") && line.contains("write the boot medium again")
        });
        demand(is_told, &format!("log, {length} bytes"), &log)?;
        let answer = session.command("activate water")?;
        demand(!answer.is_ok(), "activate water", &answer)?;
        session.command_ok("substrate read 0")?;
        session.power_off()?;
    }
    Ok(())
}

/// A disk image with one partition in its boot record, and a file system's worth of data.
fn partitioned() -> Vec<u8> {
    let mut bytes = noise(4 << 20);
    let record = [
        0x80, 0x20, 0x21, 0x00, 0x83, 0xff, 0xff, 0xff, 0x00, 0x08, 0, 0, 0x00, 0x18, 0, 0,
    ];
    let mut sector = vec![0; TAR_BLOCK];
    for (place, byte) in sector.iter_mut().skip(446).zip(record) {
        *place = byte;
    }
    for (place, byte) in sector.iter_mut().skip(510).zip([0x55, 0xaa]) {
        *place = byte;
    }
    for (place, byte) in bytes.iter_mut().zip(sector) {
        *place = byte;
    }
    bytes
}

/// Bytes without order, the same ones every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// Whatever is typed short of the word itself, someone else's disk stays as it is.
fn foreign_disk(place: &Place<'_>, bytes: &[u8]) -> Result<(), Failure> {
    let disk = place.file("disk");
    write(&disk, bytes)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
    if ready.get("ledger_state") != Some("foreign") {
        return Err(Failure::Wrong(format!("the ready line says {ready:?}")));
    }
    health(&mut session, "ledger", "FAILED")?;
    let key = "01".repeat(32);
    for command in [
        format!("guardian enrol galahad ethics hmac {key}"),
        "request create low config operator \"anything\"".to_owned(),
        "ledger verify".to_owned(),
    ] {
        refused(
            &mut session,
            &command,
            "ledger_unavailable",
            "attach another disk",
        )?;
    }
    let asked = session.command_ok("ledger format")?;
    demand(asked.field("holds").is_some(), "ledger format", &asked)?;
    for word in ["yes", "format-4-mib", "erase-0-mib", "erase"] {
        let command = format!("ledger format {word}");
        refused(&mut session, &command, "refused", "does not confirm")?;
    }
    session.command_ok("activate water")?;
    session.power_off()?;
    match read(&disk)? == bytes {
        true => Ok(()),
        false => Err(Failure::Wrong(
            "the node wrote to a disk that is not its own".to_owned(),
        )),
    }
}

fn disk_too_small(place: &Place<'_>) -> Result<(), Failure> {
    let disk: PathBuf = place.empty_disk(64 << 10)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    for command in ["ledger verify", "override list"] {
        refused(
            &mut session,
            command,
            "ledger_unavailable",
            "attach a larger disk",
        )?;
    }
    health(&mut session, "ledger", "FAILED")?;
    session.command_ok("activate water")?;
    session.power_off()?;
    match read(&disk)?.iter().all(|&byte| byte == 0) {
        true => Ok(()),
        false => Err(Failure::Wrong("the node wrote to the disk".to_owned())),
    }
}

/// Garbage and floods are refused whole, a long paste is taken whole, and memory stays as it was.
fn hostile_lines(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(1 << 20)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let digest = session.command_ok("substrate digest")?.text();
    let heap_before = heap(&mut session)?;
    let garbage: [&[u8]; 5] = [
        b"\xff\xfe\x80substrate write 0 1 1 1\n",
        b"substrate write 0 1 1 1\xc3\x28\n",
        b"substrate write 0 1 1 1 \x00\n",
        b"substrate write 0 1 1 \"1\n",
        b"\x1b]0;substrate write 0 1 1 1\n",
    ];
    for line in garbage {
        session.send(line);
        let answer = session.reply("garbage")?;
        demand(!answer.is_ok(), &String::from_utf8_lossy(line), &answer)?;
    }
    let flood = "substrate write 0 1 1 1 ".repeat((1 << 20) / 24);
    session.send(flood.as_bytes());
    session.send(b"\n");
    let answer = session.reply("a line of a MiB")?;
    let is_void = is_refused(&answer, "line_void", "send it again");
    demand(is_void, "a line of a MiB", &answer)?;
    let answer = session.command_ok("substrate digest")?;
    demand(answer.text() == digest, "substrate digest", &answer)?;
    paste(&mut session)?;
    let heap_after = heap(&mut session)?;
    if heap_after > heap_before.saturating_add(HEAP_GROWTH_MAX) {
        return Err(Failure::Wrong(format!(
            "the heap grew from {heap_before} to {heap_after} bytes"
        )));
    }
    Ok(session.power_off()?)
}

/// A line of the longest length arrives whole; one byte more is refused whole.
fn paste(session: &mut Session) -> Result<(), Failure> {
    let head = "help ";
    let most = "x".repeat(LINE_BYTES_MAX.saturating_sub(head.len()));
    let answer = session.command(&format!("{head}{most}"))?;
    // The console names what it does not know: the line came to the grammar, whole.
    demand(
        is_refused(&answer, "usage", "no command is called `xxxx"),
        "the longest line",
        &answer,
    )?;
    let answer = session.command(&format!("{head}{most}x"))?;
    demand(
        is_refused(&answer, "line_void", "longer"),
        "a longer line",
        &answer,
    )?;
    // A paste of 4 KiB that does something: every byte of it counts.
    let note = "y".repeat(4060);
    let answer = session.command(&format!("activate water --trace {note}"))?;
    demand(!answer.is_ok(), "a paste of 4 KiB", &answer)?;
    let answer = session.command(&format!("activate water{}--trace", " ".repeat(4070)))?;
    demand(answer.is_ok(), "a paste of 4 KiB", &answer)
}

/// Bytes in use in the heap and in blocks too large for it.
fn heap(session: &mut Session) -> Result<u64, Failure> {
    let answer = session.command_ok("mem")?;
    let mut all: u64 = 0;
    for field in ["heap_used_bytes", "large_bytes"] {
        let used = required(&answer, field)?;
        let used: u64 = used
            .parse()
            .map_err(|_| Failure::Wrong(format!("`mem` says {field}={used}")))?;
        all = all.saturating_add(used);
    }
    Ok(all)
}

/// `status` gives `part` this health.
pub(super) fn health(session: &mut Session, part: &str, health: &str) -> Result<(), Failure> {
    let answer = session.command_ok("status")?;
    let is_told = answer.lines.iter().any(|line| {
        qemu::field(line, "part").as_deref() == Some(part)
            && qemu::field(line, "health").as_deref() == Some(health)
    });
    demand(is_told, "status", &answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partitioned_disk_has_a_boot_record() {
        let bytes = partitioned();
        assert_eq!(bytes[510..512], [0x55, 0xaa]);
        assert_eq!(bytes[450], 0x83);
    }
}

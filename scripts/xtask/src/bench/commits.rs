//! Durable commits in QEMU: the node's ledger, and SQLite in a Linux guest on the same kind of disk.
//!
//! Owns the two guests. Both have a virtio disk past the host's page cache (`cache.direct=on`), each
//! takes its own time inside the guest, and QEMU counts what reached the disk.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};
use qemu::{Limits, Machine, Profile, Rng, Session, Start, Storage, field};
use serde_json::Value;

use super::figures::{Figure, Figures, Unit, from_count};
use super::{peer, start};
use crate::process;

/// MiB of each guest's disk.
const DISK_MIB: u32 = 64;
/// Commits that are timed: as many as `ci/peers/sqlite_commits.c` does, and fewer than can wait.
const COMMITS: u32 = 200;
/// Commits before them.
const WARM_UP: u32 = 20;
/// A request's description, which makes its record about as long as the peer's 512 bytes.
const DESCRIPTION_BYTES: usize = 300;
/// The kernel's modules for a virtio disk, each after those that it needs.
const MODULES: [&str; 6] = [
    "virtio/virtio_ring",
    "virtio/virtio",
    "virtio/virtio_pci_modern_dev",
    "virtio/virtio_pci_legacy_dev",
    "virtio/virtio_pci",
    "block/virtio_blk",
];

const COMMAND: &str = "cargo xtask bench, in QEMU with cache=none";

/// Measures the node, and with `with_peer` SQLite too.
pub(super) fn measure(artifacts: &Artifacts, with_peer: bool, figures: &mut Figures) -> Result<()> {
    let folder = artifacts.target().join("bench/commits");
    fs::create_dir_all(&folder)?;
    println!("bench: durable commits in QEMU");
    let ours = node(artifacts, &folder, figures)?;
    if !with_peer {
        return Ok(());
    }
    for (journal, per_second) in sqlite(artifacts, &folder)? {
        let name = format!("SQLite in a Linux guest, journal={journal}, synchronous=FULL");
        figures.add(Figure::new(name, per_second, Unit::PerSecond, COMMAND));
        figures.add(Figure::new(
            format!("commits of the node to one of SQLite, journal={journal}"),
            ours / per_second,
            Unit::Times,
            COMMAND,
        ));
    }
    Ok(())
}

/// What reached a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traffic {
    flushes: u64,
    writes: u64,
    written_bytes: u64,
}

impl Traffic {
    fn of(session: &mut Session) -> Result<Self> {
        let stats = session.qmp().execute("query-blockstats", Value::Null)?;
        Self::read(&stats).context("QEMU counts nothing of its disk")
    }

    /// The counts of the first device of QEMU's answer.
    fn read(stats: &Value) -> Option<Self> {
        let stats = stats.pointer("/0/stats")?;
        let count = |name: &str| stats.get(name).and_then(Value::as_u64);
        Some(Self {
            flushes: count("flush_operations")?,
            writes: count("wr_operations")?,
            written_bytes: count("wr_bytes")?,
        })
    }
}

/// Commits per second of the node's ledger, by its own histogram.
fn node(artifacts: &Artifacts, folder: &Path, figures: &mut Figures) -> Result<f64> {
    let mut profile = start::direct(artifacts, Machine::Q35);
    profile.storage = Storage::Uncached {
        file: zeroed_disk(folder, "ledger.img")?,
    };
    profile.rng = Rng::Virtio;
    let mut session = Session::start(&profile, Limits::default(), &folder.join("node.log"))?;
    session.wait_ready()?;
    session.machine_mode()?;
    let word = session.command_ok("ledger format")?;
    let word = word.field("confirmation").context("no word to confirm")?;
    session.command_ok(&format!("ledger format {word}"))?;
    commit(&mut session, WARM_UP)?;
    let (time_before, count_before) = commit_time(&mut session)?;
    let traffic_before = Traffic::of(&mut session)?;
    commit(&mut session, COMMITS)?;
    let (time_after, count_after) = commit_time(&mut session)?;
    let traffic = Traffic::of(&mut session)?;
    session.kill();
    let commits = count_after - count_before;
    let seconds = time_after - time_before;
    if commits < f64::from(COMMITS) || seconds <= 0.0 {
        bail!("{COMMITS} requests gave {commits} commits in {seconds} s");
    }
    let per_commit = |after: u64, before: u64| from_count(after.saturating_sub(before)) / commits;
    let flushes = per_commit(traffic.flushes, traffic_before.flushes);
    let writes = per_commit(traffic.writes, traffic_before.writes);
    let bytes = per_commit(traffic.written_bytes, traffic_before.written_bytes);
    let rate = commits / seconds;
    for (name, value, unit) in [
        ("durable commits of the node", rate, Unit::PerSecond),
        ("flushes of the disk for one commit", flushes, Unit::Count),
        ("writes of the disk for one commit", writes, Unit::Count),
        ("bytes written for one commit", bytes, Unit::Bytes),
    ] {
        figures.add(Figure::new(name, value, unit, COMMAND));
    }
    Ok(rate)
}

/// Has the node record `count` requests.
fn commit(session: &mut Session, count: u32) -> Result<()> {
    let description = "x".repeat(DESCRIPTION_BYTES);
    for number in 0..count {
        session.command_ok(&format!(
            "request create low config operator \"commit {number}\" \"{description}\""
        ))?;
    }
    Ok(())
}

/// Seconds that all commits took so far, and how many they were.
fn commit_time(session: &mut Session) -> Result<(f64, f64)> {
    let metrics = session.command_ok("metrics")?;
    let value = |name: &str| {
        metrics
            .lines
            .iter()
            .find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok())
            .with_context(|| format!("the node has no metric {name}"))
    };
    Ok((
        value("glyphos_ledger_commit_duration_seconds_sum ")?,
        value("glyphos_ledger_commit_duration_seconds_count ")?,
    ))
}

/// Commits per second of SQLite by journal mode, as the guest says.
fn sqlite(artifacts: &Artifacts, folder: &Path) -> Result<Vec<(String, f64)>> {
    let disk = zeroed_disk(folder, "sqlite.img")?;
    process::output(
        Command::new("mkfs.ext4")
            .args(["-q", "-F", "-E", "nodiscard"])
            .arg(&disk),
    )?;
    let linux = peer::folder(artifacts);
    let mut profile = Profile::direct(Machine::Q35, &peer::kernel(&linux)?, None);
    profile.start = Start::Direct {
        kernel: peer::kernel(&linux)?,
        ramdisk: Some(ramdisk(artifacts, folder, &linux)?),
        options: "console=ttyS0 quiet rdinit=/init".to_owned(),
    };
    profile.storage = Storage::Uncached { file: disk };
    let mut session = Session::start(&profile, Limits::default(), &folder.join("linux.log"))?;
    let mut rates = Vec::new();
    loop {
        let line = session.expect("SQLITE ", Limits::default().boot)?;
        if line.contains("SQLITE DONE") {
            break;
        }
        let told = line.trim_start_matches(|letter| letter != 'j');
        let number = |key| field(told, key).and_then(|text| text.parse::<f64>().ok());
        let (Some(journal), Some(commits), Some(ns)) =
            (field(told, "journal"), number("commits"), number("ns"))
        else {
            bail!("the Linux guest says: {line}");
        };
        rates.push((journal, commits * 1e9 / ns));
    }
    session.kill();
    Ok(rates)
}

/// The guest's first program with the modules that its disk needs.
fn ramdisk(artifacts: &Artifacts, folder: &Path, linux: &Path) -> Result<PathBuf> {
    let init = folder.join("init");
    let source = artifacts.root().join("ci/peers/sqlite_commits.c");
    process::output(
        Command::new("gcc")
            .args(["-O2", "-static", "-o"])
            .arg(&init)
            .arg(&source)
            .args(["-lsqlite3", "-lm", "-lpthread"]),
    )
    .context("install gcc and libsqlite3-dev, or use --no-peer")?;
    let drivers = peer::modules(linux)?.join("kernel/drivers");
    let mut archive = peer::Archive::new()?;
    archive.folder("modules")?;
    for (number, module) in MODULES.into_iter().enumerate() {
        let path = drivers.join(format!("{module}.ko"));
        let content = fs::read(&path).with_context(|| format!("no {}", path.display()))?;
        archive.file(&format!("modules/{number}.ko"), &content)?;
    }
    archive.folder("disk")?;
    archive.program("init", &fs::read(&init)?)?;
    let path = folder.join("ramdisk.cpio");
    fs::write(&path, archive.end()?)?;
    Ok(path)
}

/// A disk of zeros that the host has stored: a guest's flush must not wait for the host's file system
/// to find room for what was written.
fn zeroed_disk(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    let mut file = File::create(&path)?;
    let zeros = vec![0; 1 << 20];
    for _ in 0..DISK_MIB {
        file.write_all(&zeros)?;
    }
    file.sync_all()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn qemus_counts_of_the_first_disk_are_read() {
        let stats = json!([{"stats": {
            "flush_operations": 3, "wr_operations": 9, "wr_bytes": 4096, "rd_bytes": 1
        }}]);
        let expected = Traffic {
            flushes: 3,
            writes: 9,
            written_bytes: 4096,
        };
        assert_eq!(Traffic::read(&stats), Some(expected));
        assert_eq!(Traffic::read(&json!([])), None);
        assert_eq!(Traffic::read(&json!([{"stats": {}}])), None);
    }
}

//! Durable commits in QEMU: the node's ledger, and SQLite in a Linux guest on the same kind of disk.
//!
//! Owns the two guests. Both have a virtio disk past the host's page cache (`cache.direct=on`), each
//! takes its own time inside the guest, and QEMU counts what reached the disk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
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

/// Measures the node, and with `with_peer` SQLite too: in turn, `rounds` times each, so that a slow
/// moment of the disk hits both. Medians count.
pub(super) fn measure(
    artifacts: &Artifacts,
    with_peer: bool,
    rounds: u32,
    figures: &mut Figures,
) -> Result<()> {
    let folder = artifacts.target().join("bench/commits");
    fs::create_dir_all(&folder)?;
    println!("bench: durable commits in QEMU");
    let mut ours = Vec::new();
    let mut theirs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for round in 1..=rounds.max(1) {
        let run = node(artifacts, &folder)?;
        let mut told = format!("round {round}: the node {:.0} a second", run.per_second);
        ours.push(run);
        if with_peer {
            for (journal, per_second) in sqlite(artifacts, &folder)? {
                let _ = write!(told, ", SQLite with journal={journal} {per_second:.0}");
                theirs.entry(journal).or_default().push(per_second);
            }
        }
        println!("{told}");
    }
    let of_run = |value: fn(&Run) -> f64| median(ours.iter().map(value).collect());
    let per_second = of_run(|run| run.per_second);
    for (name, value, unit) in [
        ("durable commits of the node", per_second, Unit::PerSecond),
        (
            "flushes of the disk for one commit",
            of_run(|run| run.flushes),
            Unit::Count,
        ),
        (
            "writes of the disk for one commit",
            of_run(|run| run.writes),
            Unit::Count,
        ),
        (
            "bytes written for one commit",
            of_run(|run| run.bytes),
            Unit::Bytes,
        ),
        (
            "time of one commit in the disk's flush",
            of_run(|run| run.flush_ns),
            Unit::Nanoseconds,
        ),
        (
            "time of one commit beside the disk's flush",
            of_run(|run| run.other_ns),
            Unit::Nanoseconds,
        ),
    ] {
        figures.add(Figure::new(name, value, unit, COMMAND));
    }
    for (journal, rates) in theirs {
        let rate = median(rates);
        let name = format!("SQLite in a Linux guest, journal={journal}, synchronous=FULL");
        figures.add(Figure::new(name, rate, Unit::PerSecond, COMMAND));
        figures.add(Figure::new(
            format!("commits of the node to one of SQLite, journal={journal}"),
            per_second / rate,
            Unit::Times,
            COMMAND,
        ));
    }
    Ok(())
}

/// The value in the middle; of an even number the higher of both.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What reached a disk, and how long it took for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traffic {
    flushes: u64,
    flush_ns: u64,
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
            flush_ns: count("flush_total_time_ns")?,
            writes: count("wr_operations")?,
            written_bytes: count("wr_bytes")?,
        })
    }
}

/// What the commits of one node came to; all but the first for one commit.
struct Run {
    per_second: f64,
    flushes: f64,
    writes: f64,
    bytes: f64,
    flush_ns: f64,
    other_ns: f64,
}

/// Commits of the node's ledger, timed by its own histogram.
fn node(artifacts: &Artifacts, folder: &Path) -> Result<Run> {
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
    let before = Traffic::of(&mut session)?;
    commit(&mut session, COMMITS)?;
    let (time_after, count_after) = commit_time(&mut session)?;
    let after = Traffic::of(&mut session)?;
    session.kill();
    let commits = count_after - count_before;
    let seconds = time_after - time_before;
    if commits < f64::from(COMMITS) || seconds <= 0.0 {
        bail!("{COMMITS} requests gave {commits} commits in {seconds} s");
    }
    let per_commit = |of: fn(&Traffic) -> u64| {
        let spent = of(&after).saturating_sub(of(&before));
        from_count(spent) / commits
    };
    let flush_ns = per_commit(|traffic| traffic.flush_ns);
    Ok(Run {
        per_second: commits / seconds,
        flushes: per_commit(|traffic| traffic.flushes),
        writes: per_commit(|traffic| traffic.writes),
        bytes: per_commit(|traffic| traffic.written_bytes),
        flush_ns,
        other_ns: seconds * 1e9 / commits - flush_ns,
    })
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
    fn the_median_is_a_value_that_was_measured() {
        assert!((median(vec![9.0, 1.0, 4.0]) - 4.0).abs() < 1e-9);
        assert!((median(vec![2.0, 8.0]) - 8.0).abs() < 1e-9);
    }

    #[test]
    fn qemus_counts_of_the_first_disk_are_read() {
        let stats = json!([{"stats": {
            "flush_operations": 3, "flush_total_time_ns": 7000,
            "wr_operations": 9, "wr_bytes": 4096, "rd_bytes": 1
        }}]);
        let expected = Traffic {
            flushes: 3,
            flush_ns: 7000,
            writes: 9,
            written_bytes: 4096,
        };
        assert_eq!(Traffic::read(&stats), Some(expected));
        assert_eq!(Traffic::read(&json!([])), None);
        assert_eq!(Traffic::read(&json!([{"stats": {}}])), None);
    }
}

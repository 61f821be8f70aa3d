//! `cargo xtask fuzz`: the fuzz targets of `ci/fuzz`, guided by coverage.
//!
//! Owns the instrumented build and the folders: what is found goes under `target/fuzz`, what is kept
//! is the corpus in the tree, which the gate replays. The instrumentation is a stable option of the
//! compiler, so any toolchain that builds GlyphOS on the host serves.
//!
//! Invariant: the corpus in the tree changes only by `--keep` and `--minimise`.
//!
//! `cargo xtask campaign fuzz` runs the same programs for a number of executions.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ::iso::artifacts::{Artifacts, sha256};
use anyhow::{Context, Result, bail};

use crate::process;

/// The targets, as `ci/fuzz` names them.
const TARGETS: [&str; 7] = [
    "parser",
    "compiler",
    "interpreter",
    "archive",
    "glyphs",
    "ledger",
    "governance",
];

/// Where the targets run; build scripts are then not instrumented, since the target is named.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// What makes the compiler count edges and tell comparisons, as libFuzzer expects them.
const INSTRUMENTATION: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Clink-dead-code",
    "--cfg=fuzzing",
];

/// What to fuzz.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One target; all of them, one after the other, if none is named
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Put this input into the target's corpus, where the gate runs it from then on
    #[arg(long, value_name = "FILE", requires = "target")]
    keep: Option<PathBuf>,
    /// Make the corpus anew from itself and from what was found: as few inputs as reach every edge that
    /// both reach, and every input that was put there by --keep
    #[arg(long, conflicts_with = "keep")]
    minimise: bool,
}

/// Fuzzes, keeps an input or grows the corpus.
///
/// # Errors
/// If the targets cannot be built, or one of them fails; its input is then kept and named.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    let named = arguments.target.as_deref();
    let targets: Vec<&str> = named.map_or_else(|| TARGETS.to_vec(), |target| vec![target]);
    if let (Some(file), Some(target)) = (&arguments.keep, named) {
        return keep(&corpus(artifacts, target), file);
    }
    build(artifacts)?;
    for target in targets {
        println!("fuzz: {target}");
        if arguments.minimise {
            minimise(artifacts, target)?;
        } else {
            let limit = format!("-max_total_time={}", arguments.seconds);
            fuzz(artifacts, target, &[limit])?;
        }
    }
    Ok(())
}

/// Executions of each target, of a thousand in all. One of the parser costs some 0.1 ms with the
/// counters in, of the compiler and the interpreter five times, and of `glyphs` twenty times that.
const SHARES: [(&str, u64); TARGETS.len()] = [
    ("parser", 560),
    ("compiler", 50),
    ("interpreter", 50),
    ("archive", 80),
    ("glyphs", 10),
    ("ledger", 10),
    ("governance", 240),
];

/// Runs every target for its share of `executions`, or for `minutes` each; gives the executions.
///
/// # Errors
/// If the targets cannot be built, or one of them fails.
pub(crate) fn campaign(
    artifacts: &Artifacts,
    executions: u64,
    minutes: Option<u64>,
    seed: u64,
) -> Result<u64> {
    build(artifacts)?;
    let mut sum = 0_u64;
    for (target, share) in SHARES {
        let limit = match minutes {
            Some(minutes) => format!("-max_total_time={}", minutes.saturating_mul(60)),
            None => format!("-runs={}", (executions.saturating_mul(share) / 1000).max(1)),
        };
        let began = std::time::Instant::now();
        let done = fuzz(artifacts, target, &[limit, format!("-seed={seed}")])?;
        println!(
            "campaign: name=\"fuzz: {target}\" states={done} seeds={seed}..{seed} seconds={}",
            began.elapsed().as_secs()
        );
        sum = sum.saturating_add(done);
    }
    Ok(sum)
}

/// Status with which libFuzzer ends when somebody stops it.
const INTERRUPTED: i32 = 72;

/// Runs one target within limits of libFuzzer, its messages on this terminal; gives the executions.
fn fuzz(artifacts: &Artifacts, target: &str, limits: &[String]) -> Result<u64> {
    let found = folder(artifacts, "found", Some(target))?;
    let failures = folder(artifacts, "failures", None)?;
    let mut child = Command::new(program(artifacts, target))
        .args(limits)
        // Ten seconds are a hang, and a target that holds on to memory is stopped by its size.
        .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
        .arg(format!(
            "-artifact_prefix={}",
            failures.join(format!("{target}-")).display()
        ))
        .arg(&found)
        .arg(corpus(artifacts, target))
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start the target {target}"))?;
    let messages = child.stderr.take().context("the target has no messages")?;
    let mut executions = None;
    for line in BufReader::new(messages).lines() {
        let line = line.context("cannot read what the target prints")?;
        executions = executions_of(&line).or(executions);
        eprintln!("{line}");
    }
    let status = child.wait().context("cannot wait for the target")?;
    if status.code() == Some(INTERRUPTED) {
        bail!(
            "{target} was stopped after {} executions",
            executions.unwrap_or(0)
        );
    }
    if !status.success() {
        bail!(
            "an input breaks {target}; `cargo xtask fuzz {target} --keep FILE` makes a test of the input that is named above"
        );
    }
    executions.with_context(|| format!("{target} did not say how often it ran"))
}

/// The executions that libFuzzer's closing statistics tell.
fn executions_of(line: &str) -> Option<u64> {
    let number = line.strip_prefix("stat::number_of_executed_units:")?;
    number.trim().parse().ok()
}

/// A folder under `target/fuzz`, made if it is not there.
fn folder(artifacts: &Artifacts, name: &str, target: Option<&str>) -> Result<PathBuf> {
    let mut folder = artifacts.target().join("fuzz").join(name);
    folder.extend(target);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Replaces the corpus of a target by the least that reaches as much: of what people wrote all that
/// adds an edge, and of what was found a set cover of the other edges.
fn minimise(artifacts: &Artifacts, target: &str) -> Result<()> {
    let corpus = corpus(artifacts, target);
    let found = folder(artifacts, "found", Some(target))?;
    let (written, least) = (
        folder(artifacts, "written", Some(target))?,
        folder(artifacts, "least", Some(target))?,
    );
    for old in files(&written)?.iter().chain(&files(&least)?) {
        fs::remove_file(old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    for path in files(&corpus)? {
        let name = name_of(&path);
        if !name.starts_with(FOUND) {
            fs::copy(&path, written.join(&name))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    let merge = |how: &str, sources: &[&Path]| {
        process::run(
            Command::new(program(artifacts, target))
                // Counting how often an edge is passed would keep five times as many.
                .args([how, "-use_counters=0"])
                .arg(&least)
                .args(sources),
        )
    };
    merge("-merge=1", &[&written])?;
    merge("-set_cover_merge=1", &[&corpus, &found])?;
    let (kept, removed) = replace(&corpus, &least)?;
    println!("fuzz: {target} keeps {kept} inputs, {removed} that reach nothing more are gone");
    Ok(())
}

/// What begins the name of an input that fuzzing found and nobody wrote.
const FOUND: &str = "found_";

/// What begins the name of an input that once failed.
const KEPT: &str = "kept_";

/// Leaves in `corpus` the inputs of `least`, under their names where they have one, and those that
/// once failed; gives how many there are, and how many went.
fn replace(corpus: &Path, least: &Path) -> Result<(usize, usize)> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut missing = BTreeSet::new();
    for path in files(least)? {
        missing.insert(read(&path)?);
    }
    let (mut kept, mut removed) = (0, 0);
    for path in files(corpus)? {
        let is_new = missing.remove(&read(&path)?);
        if is_new || name_of(&path).starts_with(KEPT) {
            kept += 1;
        } else {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            removed += 1;
        }
    }
    for bytes in missing {
        write(corpus, FOUND, &bytes)?;
        kept += 1;
    }
    Ok((kept, removed))
}

/// The regular files of a folder, sorted by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn corpus(artifacts: &Artifacts, target: &str) -> PathBuf {
    artifacts.root().join("ci/fuzz/corpus").join(target)
}

fn program(artifacts: &Artifacts, target: &str) -> PathBuf {
    let built = artifacts.target().join("fuzz/build");
    built.join(TRIPLE).join("release").join(target)
}

fn build(artifacts: &Artifacts) -> Result<()> {
    if process::output(Command::new("c++").arg("--version")).is_err() {
        bail!("libFuzzer is C++ and there is no `c++`: install g++ and repeat");
    }
    process::run(
        process::cargo()
            .args(["build", "--release", "--locked", "--target", TRIPLE])
            .arg("--manifest-path")
            .arg(artifacts.root().join("ci/fuzz/libfuzzer/Cargo.toml"))
            .arg("--target-dir")
            .arg(artifacts.target().join("fuzz/build"))
            .env("RUSTFLAGS", INSTRUMENTATION.join(" ")),
    )
    .context("the fuzz targets do not build")
}

/// Copies an input that failed into a corpus.
fn keep(corpus: &Path, file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let kept = write(corpus, KEPT, &bytes)?;
    println!("fuzz: {} is a test of the gate now", kept.display());
    Ok(())
}

/// Writes an input into a corpus, under a name that follows from its bytes.
fn write(corpus: &Path, prefix: &str, bytes: &[u8]) -> Result<PathBuf> {
    let digest = sha256(bytes);
    let path = corpus.join(format!("{prefix}{}", digest.get(..16).unwrap_or(&digest)));
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_corpus() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let corpus = manifest.join("../../ci/fuzz/corpus");
        let mut folders: Vec<String> = fs::read_dir(corpus)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let mut targets = TARGETS.map(str::to_owned);
        targets.sort();
        assert_eq!(folders, targets);
    }

    #[test]
    fn a_kept_input_has_a_name_of_its_own_and_all_of_its_bytes() {
        let folder = std::env::temp_dir().join(format!("xtask-fuzz-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("crash");
        fs::write(&file, b"abc").unwrap();
        keep(&folder, &file).unwrap();
        let kept = fs::read(folder.join("kept_ba7816bf8f01cfea")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(kept, b"abc");
    }

    #[test]
    fn the_shares_of_a_campaign_are_those_of_the_targets_and_make_a_thousand() {
        assert_eq!(SHARES.map(|(target, _)| target), TARGETS);
        assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u64>(), 1000);
    }

    #[test]
    fn executions_are_read_from_the_closing_statistics() {
        let line = "stat::number_of_executed_units: 1234";
        assert_eq!(executions_of(line), Some(1234));
        assert_eq!(executions_of("stat::average_exec_per_sec:     99"), None);
        assert_eq!(executions_of("#2 INITED"), None);
    }

    #[test]
    fn a_minimised_corpus_keeps_names_and_failures_and_loses_what_reaches_nothing_more() {
        let folder = std::env::temp_dir().join(format!("xtask-least-{}", std::process::id()));
        let (corpus, least) = (folder.join("corpus"), folder.join("least"));
        fs::create_dir_all(&corpus).unwrap();
        fs::create_dir_all(&least).unwrap();
        for (name, bytes) in [
            ("chain", "a"),
            ("twice", "a2"),
            ("kept_0", "b"),
            ("idle", "c"),
        ] {
            fs::write(corpus.join(name), bytes).unwrap();
        }
        fs::write(least.join("0a"), "a").unwrap();
        fs::write(least.join("0d"), "abc").unwrap();
        assert_eq!(replace(&corpus, &least).unwrap(), (3, 2));
        let names: Vec<String> = files(&corpus)
            .unwrap()
            .iter()
            .map(|path| name_of(path))
            .collect();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(names, ["chain", "found_ba7816bf8f01cfea", "kept_0"]);
    }
}

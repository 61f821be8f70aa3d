//! `cargo xtask fuzz`: the fuzz targets of `ci/fuzz`, guided by coverage.
//!
//! Owns the instrumented build and the folders: what is found goes under `target/fuzz`, what is kept
//! is the corpus in the tree, which the gate replays. The instrumentation is a stable option of the
//! compiler, so any toolchain that builds GlyphOS on the host serves.
//!
//! Invariant: the corpus in the tree changes only by `--keep` and `--minimise`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::iso::artifacts::{Artifacts, sha256};
use anyhow::{Context, Result, bail};

use crate::process;

/// The targets, as `ci/fuzz` names them.
const TARGETS: [&str; 6] = [
    "parser",
    "compiler",
    "interpreter",
    "archive",
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
    /// Add what was found to the corpus, as far as it reaches code that the corpus does not
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
        let found = artifacts.target().join("fuzz/found").join(target);
        let failures = artifacts.target().join("fuzz/failures");
        for folder in [&found, &failures] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let mut command = Command::new(program(artifacts, target));
        if arguments.minimise {
            command
                .arg("-merge=1")
                .arg(corpus(artifacts, target))
                .arg(&found);
        } else {
            let prefix = failures.join(format!("{target}-"));
            command
                .arg(format!("-max_total_time={}", arguments.seconds))
                .arg("-timeout=10")
                .arg(format!("-artifact_prefix={}", prefix.display()))
                .arg(&found)
                .arg(corpus(artifacts, target));
        }
        println!("fuzz: {target}");
        process::run(&mut command).with_context(|| {
            format!("`cargo xtask fuzz {target} --keep FILE` makes a test of the input that libFuzzer named above")
        })?;
    }
    Ok(())
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

/// Copies an input into a corpus, under a name that follows from its bytes.
fn keep(corpus: &Path, file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let digest = sha256(&bytes);
    let name = format!("kept_{}", digest.get(..16).unwrap_or(&digest));
    let kept = corpus.join(name);
    fs::write(&kept, &bytes).with_context(|| format!("cannot write {}", kept.display()))?;
    println!("fuzz: {} is a test of the gate now", kept.display());
    Ok(())
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
}

//! `cargo xtask smoke`: the boot-smoke matrix over the files that ship.
//!
//! Owns the filter and the report; the cases belong to the crate `smoke`.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use ::iso::artifacts::Artifacts;
use ::smoke::{Case, Shipped};
use anyhow::{Context, Result, bail};

use crate::{iso, process};

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only cases whose name contains one of these words
    filter: Vec<String>,
    /// Take the files under target/ as they are
    #[arg(long)]
    no_build: bool,
    /// Cases at a time
    #[arg(long, default_value_t = NonZeroUsize::MIN.saturating_add(1))]
    jobs: NonZeroUsize,
    /// Print the names of the cases and run none
    #[arg(long)]
    list: bool,
}

/// Runs all cases over the files as they are.
///
/// # Errors
/// As [`run`].
pub(crate) fn all(artifacts: &Artifacts) -> Result<()> {
    let jobs = NonZeroUsize::MIN.saturating_add(1);
    run(
        artifacts,
        &Arguments {
            filter: Vec::new(),
            no_build: true,
            jobs,
            list: false,
        },
    )
}

/// Runs the cases, one line each, and ends with a line of counts.
///
/// # Errors
/// If the filter matches nothing, a file cannot be built, or a case fails.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    let cases: Vec<_> = ::smoke::cases::all()
        .into_iter()
        .filter(|case| matches(&case.name, &arguments.filter))
        .collect();
    if cases.is_empty() {
        bail!("no case is called like that; `cargo xtask smoke --list` prints their names");
    }
    if arguments.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(());
    }
    run_cases(artifacts, &cases, arguments.no_build, arguments.jobs)
}

/// Runs the stories that take minutes, and shows what they counted.
///
/// # Errors
/// If a file cannot be built, or a story fails.
pub(crate) fn campaigns(artifacts: &Artifacts, cases: &[Case]) -> Result<()> {
    run_cases(artifacts, cases, false, NonZeroUsize::MIN)?;
    for case in cases {
        let counted = artifacts.target().join(format!("smoke/{}.txt", case.name));
        let counted = fs::read_to_string(&counted)
            .with_context(|| format!("{} left no {}", case.name, counted.display()))?;
        print!("{}: {counted}", case.name);
    }
    Ok(())
}

fn run_cases(
    artifacts: &Artifacts,
    cases: &[Case],
    no_build: bool,
    jobs: NonZeroUsize,
) -> Result<()> {
    if !no_build {
        iso::image(artifacts, &Default::default())?;
    }
    let shipped = Shipped {
        kernel: artifacts.kernel(),
        ramdisk: artifacts.ramdisk(),
        vault_key: artifacts.vault_key(),
        iso: artifacts.iso(),
        expected: artifacts.root().join("glyphs/vault/expected.tsv"),
        glyphctl: glyphctl(artifacts, no_build)?,
    };
    let folder = artifacts.target().join("smoke");
    let tell = |line: &str| println!("smoke: {line}");
    let summary = ::smoke::run(cases, &shipped, &folder, jobs, &tell)
        .with_context(|| format!("cannot use {}", folder.display()))?;
    println!("{} passed, {} failed", summary.passed, summary.failed);
    if !summary.is_green() {
        bail!(
            "the boot-smoke matrix is red; the serial logs are under {}",
            folder.display()
        );
    }
    Ok(())
}

/// Builds the operator's tool, which the stories use as operators do, and gives its place. One
/// that is there is taken as it is if nothing is to be built.
fn glyphctl(artifacts: &Artifacts, no_build: bool) -> Result<PathBuf> {
    let target = artifacts.target();
    let program = target.join("debug/glyphctl");
    if no_build && program.is_file() {
        return Ok(program);
    }
    process::run(
        process::cargo()
            .args(["build", "--quiet", "--locked", "--package", "glyphctl"])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(artifacts.root()),
    )?;
    Ok(program)
}

fn matches(name: &str, filter: &[String]) -> bool {
    filter.is_empty() || filter.iter().any(|word| name.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_any_of_its_words_and_none_takes_all() {
        let words = ["uefi".to_owned(), "direct".to_owned()];
        assert!(matches("iso-uefi-cd-pc", &words));
        assert!(matches("direct-q35", &words));
        assert!(!matches("iso-bios-cd-pc", &words));
        assert!(matches("iso-bios-cd-pc", &[]));
    }
}

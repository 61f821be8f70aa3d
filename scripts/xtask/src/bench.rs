//! `cargo xtask bench`: what things cost, each figure with the command that gives it.
//!
//! Owns the report and its comparison with the last run; `start` measures boots, `peer` the Linux
//! kernel that boots beside ours, `language` what other languages take, `figures` holds and compares numbers.
//!
//! Invariants:
//! - no figure decides anything: a benchmark reports, tests judge;
//! - figures of the same name are comparable: same files, same flags, best of the same count.

mod figures;
mod language;
mod peer;
mod start;

use std::fs;

use ::iso::artifacts::{Artifacts, publish};
use anyhow::{Context, Result, bail};

use self::figures::{Figure, Figures, Unit};
use crate::{iso, process};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Take the files under target/ as they are
    #[arg(long)]
    no_build: bool,
    /// Leave out what is not ours: the Linux kernel and the peers of the language, fetched the first time
    #[arg(long)]
    no_peer: bool,
    /// Boots of which the best counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// Measures everything, prints it beside the last run's figures, and keeps it for the next one.
///
/// # Errors
/// If something cannot be built, started or measured.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    if !arguments.no_build {
        iso::image(artifacts, None)?;
    }
    let store = artifacts.target().join("bench/last.json");
    let last = match fs::read_to_string(&store) {
        Ok(text) => Figures::from_json(&text).with_context(|| {
            format!(
                "{} is not what bench wrote: delete it and repeat",
                store.display()
            )
        })?,
        Err(_) => Figures::default(),
    };
    let mut now = Figures::default();
    sizes(artifacts, &mut now)?;
    start::measure(artifacts, arguments.rounds, &mut now)?;
    if !arguments.no_peer {
        peer::measure(artifacts, arguments.rounds, &mut now)?;
        language::measure(artifacts, &mut now)?;
    }
    operations(artifacts, &mut now)?;
    print!("{}", now.table(&last));
    publish(&store, now.to_json().as_bytes())
        .with_context(|| format!("cannot write {}", store.display()))?;
    Ok(())
}

fn sizes(artifacts: &Artifacts, figures: &mut Figures) -> Result<()> {
    for (name, path) in [("ISO", artifacts.iso()), ("kernel", artifacts.kernel())] {
        let bytes = fs::metadata(&path)
            .with_context(|| format!("no {}", path.display()))?
            .len();
        let relative = path
            .strip_prefix(artifacts.root())
            .unwrap_or(&path)
            .display()
            .to_string();
        figures.add(Figure::new(
            format!("size of the {name}"),
            figures::from_count(bytes),
            Unit::Bytes,
            format!("stat -c %s {relative}"),
        ));
    }
    Ok(())
}

/// Benchmarks of crates, each line of which names an operation and ends in a number and `ns`.
const BENCHMARKS: [(&str, &str); 2] = [
    ("substrate", "operations"),
    ("glyph-interpreter", "activation"),
];

fn operations(artifacts: &Artifacts, figures: &mut Figures) -> Result<()> {
    for (package, bench) in BENCHMARKS {
        println!("bench: the operations of {package}");
        let arguments = [
            "bench",
            "--locked",
            "--quiet",
            "--package",
            package,
            "--bench",
            bench,
        ];
        let output = process::output(
            process::cargo()
                .args(arguments)
                .current_dir(artifacts.root()),
        )?;
        let found = figures::from_lines(&output);
        if found.is_empty() {
            bail!("the benchmark of {package} printed no figure");
        }
        for (name, nanoseconds) in found {
            let name = format!("{package}: {name}");
            let command = format!("cargo bench -p {package} --bench {bench}");
            figures.add(Figure::new(name, nanoseconds, Unit::Nanoseconds, command));
        }
    }
    Ok(())
}

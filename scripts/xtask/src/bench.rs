//! `cargo xtask bench`: what things cost, each figure with the command that gives it.
//!
//! Owns the report and its comparison with the last run; `start` measures boots, `peer` the Linux
//! kernel that boots beside ours, `commits` durable decisions beside SQLite in Linux, `language` what
//! other languages take, `ledger` what other stores take, `race` the substrate beside plain C, `count`
//! its instructions, `growth` shows how its costs grow, `figures` holds and compares numbers.
//!
//! Invariants:
//! - no figure decides anything: a benchmark reports, tests judge;
//! - figures of the same name are comparable: same files, same flags, best of the same count.

mod commits;
mod contestants;
mod count;
mod figures;
mod growth;
mod language;
mod ledger;
mod peer;
mod race;
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
    /// Leave out what is not ours: the Linux kernel, languages and stores, fetched the first time
    #[arg(long)]
    no_peer: bool,
    /// Boots of which the best counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Measure only these parts, and keep no figures for the next run
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Write how the substrate's costs grow into docs/performance.md
    #[arg(long)]
    page: bool,
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Sizes of the files that ship
    Sizes,
    /// Boots of the node
    Start,
    /// Boots of Debian's cloud kernel beside the node
    Linux,
    /// The glyph language beside other languages
    Language,
    /// The ledger beside SQLite and redb
    Ledger,
    /// Durable commits of the node in QEMU, and of SQLite in a Linux guest
    Commits,
    /// Operations of single crates
    Operations,
    /// The substrate beside plain C
    Substrate,
}

/// Measures everything, prints it beside the last run's figures, and keeps it for the next one.
///
/// # Errors
/// If something cannot be built, started or measured.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    let needs_image = [Part::Sizes, Part::Start, Part::Linux, Part::Commits]
        .into_iter()
        .any(|part| arguments.wants(part));
    if !arguments.no_build && needs_image {
        iso::image(artifacts, &Default::default())?;
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
    if arguments.wants(Part::Sizes) {
        sizes(artifacts, &mut now)?;
    }
    if arguments.wants(Part::Start) {
        start::measure(artifacts, arguments.rounds, &mut now)?;
    }
    if arguments.wants(Part::Linux) && !arguments.no_peer {
        peer::measure(artifacts, arguments.rounds, &mut now)?;
    }
    if arguments.wants(Part::Language) && !arguments.no_peer {
        language::measure(artifacts, &mut now)?;
    }
    if arguments.wants(Part::Ledger) && !arguments.no_peer {
        ledger::measure(artifacts, arguments.rounds, &mut now)?;
    }
    if arguments.wants(Part::Commits) {
        commits::measure(artifacts, !arguments.no_peer, arguments.rounds, &mut now)?;
    }
    if arguments.wants(Part::Operations) {
        operations(artifacts, &mut now)?;
    }
    if arguments.wants(Part::Substrate) {
        let [median, best] = race::measure(artifacts, &mut now)?;
        print!("{}", growth::tables(&median, &best));
        if arguments.page {
            median.write_page(&best, artifacts)?;
        }
    }
    print!("{}", now.table(&last));
    if arguments.only.is_empty() {
        publish(&store, now.to_json().as_bytes())
            .with_context(|| format!("cannot write {}", store.display()))?;
    }
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
const BENCHMARKS: [(&str, &str); 5] = [
    ("substrate", "operations"),
    ("ledger", "ledger"),
    ("governance", "signatures"),
    ("glyph-interpreter", "activation"),
    ("glyph-interpreter", "growth"),
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

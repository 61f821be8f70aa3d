//! The ledger beside SQLite and redb: durable commits on one file system, in turn.
//!
//! Owns which ratios the race of `ci/peers/ledger` comes to. Its own table, with flushes, bytes and
//! time apart from the flush, is printed as it is.

use std::process::Command;

use ::iso::artifacts::Artifacts;
use anyhow::{Result, bail};

use super::contestants;
use super::figures::{Figure, Figures, Unit};
use crate::process;

const COMMAND: &str = "cargo xtask bench, all in turn";
/// How our line begins.
const OURS: &str = "GlyphOS ledger";

/// Builds the race and runs it.
///
/// # Errors
/// If a peer cannot be fetched or built, or the race comes to nothing.
pub(super) fn measure(artifacts: &Artifacts, rounds: u32, figures: &mut Figures) -> Result<()> {
    println!("bench: the ledger beside SQLite and redb (their first build takes some minutes)");
    let program = contestants::build(artifacts, "ledger-peers")?;
    let output = process::output(
        Command::new(program)
            .arg(artifacts.target().join("bench/ledger"))
            .arg(rounds.to_string()),
    )?;
    print!("{output}");
    let found = read(&output);
    if found.is_empty() {
        bail!("the race of the ledger printed no figure");
    }
    for (name, nanoseconds) in &found {
        figures.add(Figure::new(name, *nanoseconds, Unit::Nanoseconds, COMMAND));
    }
    for (name, ratio) in ratios(&found) {
        figures.add(Figure::new(name, ratio, Unit::Times, COMMAND));
    }
    Ok(())
}

/// Contestant with heading, and nanoseconds for one record. A line is a name, two blanks, what is
/// for people, and the figure; any other line is the heading of those below it.
fn read(output: &str) -> Vec<(String, f64)> {
    let mut heading = "";
    let mut found = Vec::new();
    for line in output.lines() {
        let figure = line.strip_suffix(" ns").and_then(|line| {
            let (name, _) = line.split_once("  ")?;
            let (_, number) = line.rsplit_once(' ')?;
            Some((name.trim(), number.parse().ok()?))
        });
        match figure {
            Some((name, nanoseconds)) => found.push((format!("{name}, {heading}"), nanoseconds)),
            None => heading = line,
        }
    }
    found
}

/// What each peer takes for one record, by what ours takes under the same heading.
fn ratios(found: &[(String, f64)]) -> Vec<(String, f64)> {
    let mut ratios = Vec::new();
    for (ours, value) in found {
        let Some(heading) = ours.strip_prefix(OURS) else {
            continue;
        };
        for (name, other) in found.iter().filter(|(name, _)| name != ours) {
            if let Some(peer) = name.strip_suffix(heading) {
                ratios.push((format!("{peer} / {OURS}{heading}"), other / value));
            }
        }
    }
    ratios
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_between_lines_of_one_heading() {
        let output = "\n1 record in each\n\
             GlyphOS ledger    300 records/s  1.00 times ours      4000 ns\n\
             SQLite, WAL       150 records/s  0.50 times ours      8000 ns\n\
             16 records in each\n\
             GlyphOS ledger    9 records/s        100 ns\n\
             SQLite, WAL       9 records/s         50 ns\n\
             signatures\nHMAC, sign     300 ns\n";
        let found = read(output);
        assert_eq!(found.len(), 5);
        assert_eq!(found[4], ("HMAC, sign, signatures".to_owned(), 300.0));
        let told = ratios(&found);
        let expected = [
            ("SQLite, WAL / GlyphOS ledger, 1 record in each", 2.0),
            ("SQLite, WAL / GlyphOS ledger, 16 records in each", 0.5),
        ];
        assert_eq!(told.len(), expected.len());
        for ((name, ratio), (expected_name, expected_ratio)) in told.iter().zip(expected) {
            assert_eq!(name, expected_name);
            assert!((ratio - expected_ratio).abs() < 1e-9, "{name}: {ratio}");
        }
        assert!(read("no figure\nat all ns\n").is_empty());
    }
}

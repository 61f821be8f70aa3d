//! `cargo xtask campaign`: the tests that go on for as long as somebody asks.
//!
//! Owns which crates have campaigns, and the closing line. What a campaign reads from its
//! environment is documented in the crate `campaign`.
//!
//! Invariants:
//! - a crate whose campaigns print no line is an error: nothing was tried;
//! - a campaign fails by its own assertion, which names the seed that repeats it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};
use campaign::{LINE, TESTS};
use clap::ValueEnum;

use crate::{fuzz, process, smoke};

/// How long a live node's memory is flipped if nobody says.
const MEMORY_MINUTES: u64 = 10;

/// What is put to the test.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Crashes two deep, torn sectors, faults of devices
    Ledger,
    /// Every state that guardians and overrides can reach: whole worlds, then as far as it is walked
    Governance,
    /// Compiled glyphs against step-by-step evaluation
    Glyphs,
    /// Damaged memory
    Substrate,
    /// A live node's writes, cut at every flush, each booted again in QEMU
    Blocklog,
    /// Memory that the host flips under a live node, ten bits a second, for ten minutes
    Memory,
    /// Hostile bytes, guided by coverage
    Fuzz,
    /// One after the other
    All,
}

impl Part {
    /// The crate, or all of them.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Part::Ledger => &["ledger", "node"],
            Part::Governance => &["governance"],
            Part::Glyphs => &["glyph-interpreter"],
            Part::Substrate => &["substrate"],
            Part::Blocklog | Part::Memory | Part::Fuzz => &[],
            Part::All => &[
                "ledger",
                "node",
                "governance",
                "glyph-interpreter",
                "substrate",
            ],
        }
    }
}

/// Executions of the fuzz targets that a campaign asks for by itself.
const EXECUTIONS: u64 = 10_000_000;

/// Which campaigns, and for how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to put to the test
    #[arg(value_enum, default_value = "all")]
    part: Part,
    /// States that each campaign tries at least; without it and --minutes, each its own number
    #[arg(long, value_name = "N")]
    states: Option<u64>,
    /// Minutes after which each campaign ends
    #[arg(long, value_name = "M")]
    minutes: Option<u64>,
    /// Seed of each campaign's first round, as a failure names it
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs the campaigns that were asked for and sums them up.
///
/// # Errors
/// If a promise is broken, or a crate's campaigns tried nothing.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let (mut campaigns, mut states) = (0, 0_u64);
    if matches!(arguments.part, Part::Fuzz | Part::All) {
        campaigns += 1;
        states = fuzz::campaign(
            artifacts,
            arguments.states.unwrap_or(EXECUTIONS),
            arguments.minutes,
            arguments.seed.unwrap_or(1),
        )?;
    }
    for package in arguments.part.packages() {
        let lines = lines_of(package, artifacts, arguments)?;
        if lines.is_empty() {
            bail!("the campaigns of {package} tried nothing: is one left in it?");
        }
        for line in lines {
            let told = states_of(&line).with_context(|| format!("no states in {line:?}"))?;
            campaigns += 1;
            states = states.saturating_add(told);
        }
    }
    if matches!(arguments.part, Part::Blocklog | Part::All) {
        smoke::campaigns(artifacts, &::smoke::cases::campaigns())?;
    }
    if matches!(arguments.part, Part::Memory | Part::All) {
        let minutes = arguments.minutes.unwrap_or(MEMORY_MINUTES);
        let case = ::smoke::cases::memory_campaign(minutes, arguments.seed.unwrap_or(1));
        smoke::campaigns(artifacts, &[case])?;
    }
    if matches!(arguments.part, Part::Blocklog | Part::Memory) {
        return Ok(());
    }
    println!(
        "campaigns: {campaigns} held every promise in {states} states, {} s with the builds",
        began.elapsed().as_secs()
    );
    Ok(())
}

/// Runs the campaigns of `package`, shows what they print, and hands back their lines.
fn lines_of(package: &str, artifacts: &Artifacts, arguments: &Arguments) -> Result<Vec<String>> {
    println!("campaigns of {package}");
    let mut command = command(package, arguments);
    let mut child = command
        .current_dir(artifacts.root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut lines = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read what the campaigns print")?;
        if let Some(told) = told(&line) {
            println!("{told}");
            lines.push(told.to_owned());
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        bail!(
            "a campaign of {package} found a broken promise; the message above names the seed, \
             and --seed repeats it"
        );
    }
    Ok(lines)
}

/// A campaign's own line; a test's name and its first line share one line of the harness.
fn told(line: &str) -> Option<&str> {
    line.get(line.find(LINE)?..)
}

fn command(package: &str, arguments: &Arguments) -> Command {
    let mut command = process::cargo();
    command.args(["test", "--locked", "--quiet", "--release", "--tests"]);
    command.args(["--package", package, "--", TESTS, "--nocapture"]);
    command.env("GLYPHOS_CAMPAIGN", "1");
    for (variable, value) in [
        ("GLYPHOS_CAMPAIGN_STATES", arguments.states),
        ("GLYPHOS_CAMPAIGN_MINUTES", arguments.minutes),
        ("GLYPHOS_CAMPAIGN_SEED", arguments.seed),
    ] {
        if let Some(value) = value {
            command.env(variable, value.to_string());
        }
    }
    command
}

/// The number after `states=`.
fn states_of(line: &str) -> Option<u64> {
    let (_, after) = line.split_once("states=")?;
    after.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_a_campaign_are_read_from_its_line() {
        let line = "campaign: name=\"any\" states=30 seeds=1..3 seconds=2";
        assert_eq!(states_of(line), Some(30));
        assert_eq!(states_of("campaign: name=\"any\""), None);
        assert_eq!(states_of("campaign: states=many"), None);
    }

    #[test]
    fn what_the_harness_says_of_a_campaigns_test_is_not_its_line() {
        let name = "campaign::long::crashes_lose_nothing_for_as_long_as_asked";
        let slow = format!("test {name} has been running for over 60 seconds");
        assert_eq!(told(&slow), None);
        let line = "campaign: name=\"any\" states=30 seeds=1..3 seconds=2";
        assert_eq!(told(&format!("test {name} ... {line}")), Some(line));
    }

    #[test]
    fn what_is_asked_for_goes_to_the_tests_and_nothing_else_does() {
        let asked = Arguments {
            part: Part::All,
            states: Some(7),
            minutes: None,
            seed: Some(9),
        };
        let command = command("ledger", &asked);
        let set: Vec<_> = command
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        assert_eq!(
            set,
            [
                ("GLYPHOS_CAMPAIGN".into(), Some("1".into())),
                ("GLYPHOS_CAMPAIGN_SEED".into(), Some("9".into())),
                ("GLYPHOS_CAMPAIGN_STATES".into(), Some("7".into())),
            ]
        );
    }
}

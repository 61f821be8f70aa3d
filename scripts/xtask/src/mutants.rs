//! `cargo xtask mutants`: how many small changes of the language crates their own tests notice.
//!
//! Owns the pinned version of cargo-mutants, how it is called, and the score. A mutant that does the
//! same as the crate is left out by name, with the reason, in `.cargo/mutants.toml`.
//!
//! Invariant: a score of [`PERCENT_MIN`] or less is an error, and so is a run that tried nothing.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::coverage::CRATES;
use crate::tool::Tool;

/// What makes the mutants and runs the tests of each.
const MUTATOR: Tool = Tool {
    name: "cargo-mutants",
    version: "27.1.0",
};

/// Each crate's score has to be above this.
const PERCENT_MIN: f64 = 90.0;

/// Status of cargo-mutants if a mutant was missed, and if one ran too long.
const JUDGED: [i32; 3] = [0, 2, 3];

/// Which mutants to try.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One crate; all of them, one after the other, if none is named
    #[arg(value_parser = CRATES.map(|(name, _)| name))]
    package: Option<String>,
    /// Try one mutant of this many
    #[arg(long, value_name = "N", default_value_t = 1)]
    one_of: u32,
    /// Try only those whose name, as a run gives it, matches this
    #[arg(long, value_name = "REGEX")]
    only: Option<String>,
}

/// Changes the crates, one place at a time, and tells which changes no test notices.
///
/// # Errors
/// If the tests fail without a change, nothing could be changed, or a score is too low.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    let program = MUTATOR.program(artifacts)?;
    let folder = artifacts.target().join("mutants");
    let mut low = Vec::new();
    for (package, _) in CRATES {
        if arguments
            .package
            .as_deref()
            .is_some_and(|named| named != package)
        {
            continue;
        }
        let output = folder.join(package);
        fs::create_dir_all(&output).with_context(|| format!("cannot make {}", output.display()))?;
        let mut command = Command::new(&program);
        command
            .args(["mutants", "--package", package, "--output"])
            .arg(&output)
            // Doctests show, they do not judge; and each would be compiled for each mutant.
            .args(["--cargo-test-arg=--lib", "--cargo-test-arg=--tests"])
            // The tests of a crate take seconds: on a busy machine a minute still means that they hang.
            .args(["--minimum-test-timeout", "60"])
            .args(["--sharding", "round-robin", "--shard"])
            .arg(format!("0/{}", arguments.one_of.max(1)))
            .env("CARGO_TARGET_DIR", folder.join("build"))
            // Nobody debugs a mutant, and linking is most of what each costs.
            .env("CARGO_PROFILE_TEST_DEBUG", "none")
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .current_dir(artifacts.root());
        if let Some(only) = &arguments.only {
            command.args(["--re", only]);
        }
        let status = command.status().context("cannot start cargo-mutants")?;
        if !status.code().is_some_and(|code| JUDGED.contains(&code)) {
            bail!("cargo-mutants could not judge {package} ({status}); its messages are above");
        }
        let score = Score::read(&output.join("mutants.out/outcomes.json"))?;
        println!("mutants: {package}: {score}");
        if score.percent() <= PERCENT_MIN {
            low.push(package);
        }
    }
    if !low.is_empty() {
        bail!(
            "more than {PERCENT_MIN} % are promised, and {} has less: write tests for what is named MISSED above",
            low.join(", ")
        );
    }
    Ok(())
}

/// What became of the mutants, as cargo-mutants counts them.
#[derive(Debug, Deserialize)]
struct Score {
    total_mutants: u32,
    caught: u32,
    missed: u32,
    timeout: u32,
    unviable: u32,
}

impl Score {
    fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let score: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} holds no counts", path.display()))?;
        if score.noticed() + score.missed == 0 {
            bail!("no mutant was tried: does --only match a name?");
        }
        Ok(score)
    }

    /// Those with which a test failed, or did not come to an end.
    fn noticed(&self) -> u32 {
        self.caught + self.timeout
    }

    /// The share that was noticed of those that compile, in percent.
    fn percent(&self) -> f64 {
        let judged = self.noticed() + self.missed;
        100.0 * f64::from(self.noticed()) / f64::from(judged.max(1))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Score {
            total_mutants,
            caught,
            missed,
            timeout,
            unviable,
        } = self;
        write!(
            out,
            "{:.1} % of the mutants noticed: {total_mutants} tried, {caught} caught, \
             {timeout} without an end, {missed} missed, {unviable} that do not compile",
            self.percent()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what cargo-mutants would have written.
    fn read(text: &str) -> Result<Score> {
        let file = tempfile(text);
        let score = Score::read(&file);
        fs::remove_file(file).unwrap();
        score
    }

    fn tempfile(text: &str) -> std::path::PathBuf {
        let name = format!("xtask-mutants-{}-{}", std::process::id(), text.len());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    #[test]
    fn a_mutant_without_an_end_is_noticed_and_one_that_does_not_compile_counts_for_nothing() {
        let text = r#"{"outcomes": [], "total_mutants": 86, "missed": 4, "caught": 69,
            "timeout": 3, "unviable": 10, "success": 0}"#;
        assert_eq!(
            read(text).unwrap().to_string(),
            "94.7 % of the mutants noticed: 86 tried, 69 caught, 3 without an end, 4 missed, \
             10 that do not compile"
        );
    }

    #[test]
    fn a_run_that_tried_nothing_is_no_score() {
        let text = r#"{"total_mutants": 2, "missed": 0, "caught": 0, "timeout": 0, "unviable": 2}"#;
        assert!(read(text).is_err());
        assert!(read(r#"{"outcomes": []}"#).is_err());
    }
}

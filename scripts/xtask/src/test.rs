//! `cargo xtask test`: every gate, in the order that finds faults soonest.
//!
//! Owns the list of gates and the report. Each gate is a verb or a call of its own, so that a red
//! one can be repeated alone; the first red one ends the run.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};

use crate::{iso, lint, policy, process, reproduce, smoke, tidy};

/// A gate: its name, how it is repeated alone, and what it does.
struct Gate {
    name: &'static str,
    alone: &'static str,
    run: fn(&Artifacts) -> Result<()>,
}

const GATES: [Gate; 11] = [
    Gate {
        name: "format",
        alone: "cargo fmt --all --check",
        run: lint::format,
    },
    Gate {
        name: "house rules",
        alone: "cargo xtask tidy",
        run: tidy::run,
    },
    Gate {
        name: "lints, host",
        alone: "cargo clippy --all-targets",
        run: lint::host,
    },
    Gate {
        name: "lints, bare machine",
        alone: "cargo xtask lint",
        run: lint::bare,
    },
    Gate {
        name: "unit tests",
        alone: "cargo test",
        run: unit_tests,
    },
    Gate {
        name: "documentation",
        alone: "cargo doc --no-deps",
        run: documentation,
    },
    Gate {
        name: "dependencies and licences",
        alone: "cargo xtask policy",
        run: policy::run,
    },
    Gate {
        name: "image",
        alone: "cargo xtask iso",
        run: image,
    },
    Gate {
        name: "boot-smoke matrix",
        alone: "cargo xtask smoke",
        run: smoke::all,
    },
    Gate {
        name: "exposition",
        alone: "cargo xtask smoke direct",
        run: exposition,
    },
    Gate {
        name: "reproducible image",
        alone: "cargo xtask reproduce",
        run: reproduce::run,
    },
];

/// Runs every gate.
///
/// # Errors
/// At the first gate that is red, by its name and the way to repeat it.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    run_gates(&GATES, artifacts)
}

fn run_gates(gates: &[Gate], artifacts: &Artifacts) -> Result<()> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for (index, gate) in gates.iter().enumerate() {
        println!(
            "test: [{}/{}] {}",
            index.saturating_add(1),
            gates.len(),
            gate.name
        );
        let started = Instant::now();
        let result = (gate.run)(artifacts);
        times.push((gate.name, started.elapsed()));
        if let Err(error) = result {
            print_times(&times);
            return Err(error.context(format!(
                "the gate `{}` is red; `{}` repeats it alone",
                gate.name, gate.alone
            )));
        }
    }
    print_times(&times);
    println!("test: all {} gates are green", gates.len());
    Ok(())
}

fn print_times(times: &[(&str, Duration)]) {
    for (name, time) in times {
        println!("test: {:7.1} s  {name}", time.as_secs_f64());
    }
    let whole: Duration = times.iter().map(|(_, time)| *time).sum();
    println!("test: {:7.1} s  in all", whole.as_secs_f64());
}

fn unit_tests(artifacts: &Artifacts) -> Result<()> {
    process::run(
        process::cargo()
            .args(["test", "--locked"])
            .current_dir(artifacts.root()),
    )
}

fn documentation(artifacts: &Artifacts) -> Result<()> {
    process::run(
        process::cargo()
            .args(["doc", "--no-deps", "--locked"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .current_dir(artifacts.root()),
    )
}

fn image(artifacts: &Artifacts) -> Result<()> {
    iso::run(artifacts, &Default::default())
}

/// What `metrics` printed in the matrix, under the eyes of Prometheus' own checker.
fn exposition(artifacts: &Artifacts) -> Result<()> {
    let folder = artifacts.target().join("smoke");
    let mut checked = 0_usize;
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "prom") {
            continue;
        }
        let input = File::open(&path)?;
        process::run(
            Command::new("promtool")
                .args(["check", "metrics"])
                .stdin(Stdio::from(input)),
        )
        .with_context(|| format!("promtool finds fault with {}", path.display()))?;
        checked = checked.saturating_add(1);
    }
    if checked == 0 {
        bail!("the matrix left no exposition under {}", folder.display());
    }
    println!("test: promtool accepts {checked} expositions");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifacts() -> Artifacts {
        Artifacts::of(std::path::Path::new("nowhere"))
    }

    #[test]
    fn the_first_red_gate_ends_the_run_and_is_named() {
        let gates = [
            Gate {
                name: "good",
                alone: "a",
                run: |_| Ok(()),
            },
            Gate {
                name: "bad",
                alone: "repeat bad",
                run: |_| bail!("on purpose"),
            },
            Gate {
                name: "never",
                alone: "c",
                run: |_| panic!("a gate after a red one ran"),
            },
        ];
        let error = format!("{:#}", run_gates(&gates, &artifacts()).unwrap_err());
        assert_eq!(
            error,
            "the gate `bad` is red; `repeat bad` repeats it alone: on purpose"
        );
    }

    #[test]
    fn green_gates_are_green() {
        let gates = [Gate {
            name: "good",
            alone: "a",
            run: |_| Ok(()),
        }];
        assert!(run_gates(&gates, &artifacts()).is_ok());
    }

    #[test]
    fn an_exposition_that_is_missing_is_red() {
        assert!(exposition(&artifacts()).is_err());
    }
}

//! The substrate beside a plain C program that does the same without any integrity.
//!
//! Owns the race: `ci/peers/substrate.c` and `kernel/substrate/benches/race.rs` serve the same
//! requests; they first show that they compute the same, then take turns round by round, so that
//! other load on the host hits both. Time is the processor's; the median of the rounds counts, and the
//! best round beside it.
//!
//! Invariants:
//! - no ratio is printed of sides that do not agree on what they compute;
//! - a round of one side is followed by one of the other, with the same operation and size.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};

use super::count;
use super::figures::{Figure, Figures, Unit, from_count};
use super::growth::{Growth, Point, Round};
use crate::process;

/// Sides of the grids: 4 Ki, 64 Ki, 1 Mi and 16 Mi cells.
const SIDES: [u32; 4] = [64, 256, 1024, 4096];
/// What both sides do.
const OPERATIONS: [&str; 6] = [
    "read",
    "read-scattered",
    "write",
    "write-scattered",
    "tick",
    "wave",
];
/// Nanoseconds that a round should take: short, so that most are not interrupted.
const ROUND_NS: f64 = 2e6;
/// Most operations in a round; a thousand ticks bring a field to rest.
const OPERATIONS_MAX: [(&str, u64); 2] = [("tick", 500), ("", 1 << 20)];
/// Rounds of each side, and of the largest grid's, where one operation can take a tenth of a second.
const ROUNDS: usize = 41;
const ROUNDS_OF_LARGEST: usize = 5;
/// Cells of the session that both sides compute, and how far apart two numbers may be: each side
/// has a mathematical library of its own.
const VALUES: usize = 4096;
const TOLERANCE: f64 = 1e-9;
const TURN: f64 = core::f64::consts::TAU;

/// A running program that answers requests.
struct Racer {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Racer {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let requests = child.stdin.take().context("no way to ask")?;
        let answers = BufReader::new(child.stdout.take().context("no way to answer")?);
        Ok(Self {
            child,
            requests,
            answers,
        })
    }

    fn ask(&mut self, request: &str) -> Result<String> {
        writeln!(self.requests, "{request}")
            .with_context(|| format!("nobody takes the request {request:?}"))?;
        self.answer(request)
    }

    fn answer(&mut self, request: &str) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("the request {request:?} got no answer: the program ended");
        }
        Ok(line.trim_end().to_owned())
    }

    /// Nanoseconds per operation, over `count` of them.
    fn time(&mut self, operation: &str, size: u64, count: u64) -> Result<f64> {
        let request = format!("time {operation} {size} {count}");
        let answer = self.ask(&request)?;
        let whole: u64 = answer
            .parse()
            .with_context(|| format!("{request:?} got {answer:?}"))?;
        Ok(from_count(whole) / from_count(count))
    }

    /// How many operations make a round.
    fn round(&mut self, operation: &str, size: u64) -> Result<u64> {
        let most = OPERATIONS_MAX
            .into_iter()
            .find_map(|(name, most)| (name.is_empty() || name == operation).then_some(most))
            .unwrap_or(1);
        let mut count = 1;
        loop {
            let each = self.time(operation, size, count)?;
            if each * from_count(count) >= ROUND_NS / 2.0 || count == most {
                return Ok(count);
            }
            count = (count * 4).min(most);
        }
    }

    fn values(&mut self) -> Result<Vec<[f64; 4]>> {
        writeln!(self.requests, "values")?;
        (0..VALUES)
            .map(|_| {
                let line = self.answer("values")?;
                let numbers: Vec<f64> = line
                    .split(' ')
                    .map(str::parse)
                    .collect::<std::result::Result<_, _>>()
                    .with_context(|| format!("no cell: {line:?}"))?;
                <[f64; 4]>::try_from(numbers)
                    .ok()
                    .with_context(|| format!("no cell: {line:?}"))
            })
            .collect()
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        // Its work is done; whether it is gone already does not matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the race; returns how the costs grow, by medians and by best rounds, and adds the ratios
/// of both to `figures`.
pub(super) fn measure(artifacts: &Artifacts, figures: &mut Figures) -> Result<[Growth; 2]> {
    let program = build_ours(artifacts)?;
    let mut ours = Racer::start(&mut Command::new(&program))?;
    let mut theirs = Racer::start(&mut Command::new(build_peer(artifacts, "substrate")?))?;
    agree(&ours.values()?, &theirs.values()?)?;
    println!("bench: {VALUES} cells of both sides agree to {TOLERANCE:e}");
    let mut growth = [Growth::default(), Growth::default()];
    for side in SIDES {
        let rounds = if side == SIDES[SIDES.len() - 1] {
            ROUNDS_OF_LARGEST
        } else {
            ROUNDS
        };
        let size = u64::from(side);
        let bytes: u64 = ours.ask(&format!("bytes {side}"))?.parse()?;
        let copied = ("scrub", "copy", bytes);
        let raced = OPERATIONS.map(|operation| (operation, operation, size));
        for (operation, their_operation, their_size) in raced.into_iter().chain([copied]) {
            let our_count = ours.round(operation, size)?;
            let their_count = theirs.round(their_operation, their_size)?;
            let points = in_turn(
                rounds,
                || ours.time(operation, size, our_count),
                || theirs.time(their_operation, their_size, their_count),
            )?;
            for (growth, (our_ns, their_ns)) in growth.iter_mut().zip(points) {
                growth.add(operation, Point::new(side, our_ns, their_ns));
            }
        }
        println!("bench: {} cells measured", size * size);
    }
    for (growth, round) in growth.iter().zip([Round::Median, Round::Best]) {
        add_figures(growth, round, figures);
    }
    count::measure(&program, figures)?;
    Ok(growth)
}

fn add_figures(growth: &Growth, round: Round, figures: &mut Figures) {
    let round = match round {
        Round::Median => "",
        Round::Best => ", best round",
    };
    let command = "cargo xtask bench --only substrate, in turn";
    for (operation, points) in growth.operations() {
        for point in points {
            let name = format!("substrate: {operation}, {} cells{round}", point.cells());
            figures.add(Figure::new(&name, point.ours(), Unit::Nanoseconds, command));
            let name = match operation {
                "scrub" => format!("{name}, of memcpy's bandwidth"),
                _ => format!("{name}, sooner than plain C by"),
            };
            figures.add(Figure::new(name, point.ratio(), Unit::Times, command));
        }
    }
}

/// Medians and best rounds of both sides, measured by turns.
fn in_turn(
    rounds: usize,
    mut ours: impl FnMut() -> Result<f64>,
    mut theirs: impl FnMut() -> Result<f64>,
) -> Result<[(f64, f64); 2]> {
    let mut of_ours = Vec::with_capacity(rounds);
    let mut of_theirs = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        of_ours.push(ours()?);
        of_theirs.push(theirs()?);
    }
    let (our_median, their_median) = median(&mut of_ours)
        .zip(median(&mut of_theirs))
        .context("no round")?;
    let best = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    Ok([
        (our_median, their_median),
        (best(&of_ours), best(&of_theirs)),
    ])
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Checks that both sides computed the same cells.
fn agree(ours: &[[f64; 4]], theirs: &[[f64; 4]]) -> Result<()> {
    let near = |one: f64, other: f64| (one - other).abs() <= TOLERANCE * one.abs().max(1.0);
    for (cell, (our, their)) in ours.iter().zip(theirs).enumerate() {
        let [magnitude, phase, coherence, updated] = *our;
        let [their_magnitude, their_phase, their_coherence, their_updated] = *their;
        // A phase may be just above 0 on one side and just below a turn on the other.
        let turned = (phase - their_phase).abs();
        let agree = near(magnitude, their_magnitude)
            && turned.min(TURN - turned).abs() <= TOLERANCE
            && near(coherence, their_coherence)
            && updated.to_bits() == their_updated.to_bits();
        if !agree {
            bail!("the sides do not compute the same: cell {cell} is {our:?} here, {their:?} in C");
        }
    }
    if ours.len() != theirs.len() {
        bail!("the sides have {} and {} cells", ours.len(), theirs.len());
    }
    Ok(())
}

/// Builds our side, and returns the program.
fn build_ours(artifacts: &Artifacts) -> Result<PathBuf> {
    let arguments = [
        "bench",
        "--locked",
        "--quiet",
        "--package",
        "substrate",
        "--bench",
        "race",
        "--no-run",
        "--message-format=json",
    ];
    let messages = process::output(
        process::cargo()
            .args(arguments)
            .current_dir(artifacts.root()),
    )?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "race")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo built no race of the substrate")
}

/// Compiles the peer `name` of `ci/peers` as plainly as anybody would.
fn build_peer(artifacts: &Artifacts, name: &str) -> Result<PathBuf> {
    let folder = artifacts.target().join("peers");
    fs::create_dir_all(&folder)?;
    let program = folder.join(name);
    let source = Path::new("ci/peers").join(name).with_extension("c");
    process::output(
        Command::new("cc")
            .args(["-O2", "-std=c11", "-o"])
            .arg(&program)
            .arg(&source)
            .arg("-lm")
            .current_dir(artifacts.root()),
    )
    .context("a C compiler is needed: apt-get install gcc")?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn sides_that_differ_are_told_apart() {
        let cell = [100.0, 0.0, 500.0, 3.0];
        assert!(agree(&[cell], &[cell]).is_ok());
        assert!(agree(&[cell], &[[100.0, TURN - 1e-12, 500.0, 3.0]]).is_ok());
        assert!(agree(&[cell], &[[100.000_001, 0.0, 500.0, 3.0]]).is_err());
        assert!(agree(&[cell], &[[100.0, 0.1, 500.0, 3.0]]).is_err());
        assert!(agree(&[cell], &[[100.0, 0.0, 500.0, 4.0]]).is_err());
        assert!(agree(&[cell], &[[f64::NAN, 0.0, 500.0, 3.0]]).is_err());
        assert!(agree(&[cell], &[]).is_err());
    }
}

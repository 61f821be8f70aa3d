//! How many instructions an operation of the substrate takes, by callgrind: a count that repeats.
//!
//! Two runs that differ in nothing but the number of operations differ in their instructions by
//! the operations alone: both sum lines up in the same form, and not in the one that is quickest
//! at the moment.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::figures::{Figure, Figures, Unit, from_count};

/// Operations of the first run, and how many more the second one does.
const COUNT: u32 = 1 << 12;
/// Sides of the grids that are counted; larger ones take minutes under valgrind.
const SIDES: [u32; 3] = [64, 256, 1024];
/// The widest form that valgrind emulates; a processor without it counts with what it chooses.
const FORM: &str = "avx2";
const OPERATIONS: [&str; 2] = ["read-scattered", "write-scattered"];

/// Adds instructions per operation to `figures`; says how to get valgrind if it is missing.
///
/// # Errors
/// If the program or valgrind ends in an error.
pub(super) fn measure(program: &std::path::Path, figures: &mut Figures) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("bench: no valgrind, so no instructions are counted: apt-get install valgrind");
        return Ok(());
    }
    for operation in OPERATIONS {
        for side in SIDES {
            let few = instructions(program, operation, side, COUNT)?;
            let more = instructions(program, operation, side, 2 * COUNT)?;
            let each = from_count(more.saturating_sub(few)) / f64::from(COUNT);
            let cells = super::growth::Point::new(side, 0.0, 0.0).cells();
            figures.add(Figure::new(
                format!("substrate: {operation}, {cells} cells, instructions"),
                each,
                Unit::Count,
                "valgrind --tool=callgrind, the difference of two runs",
            ));
        }
    }
    Ok(())
}

/// Instructions of a whole run with `count` operations.
fn instructions(program: &std::path::Path, operation: &str, side: u32, count: u32) -> Result<u64> {
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start valgrind")?;
    let mut requests = child.stdin.take().context("no way to ask")?;
    writeln!(requests, "form {FORM}")?;
    writeln!(requests, "do {operation} {side} {count}")?;
    drop(requests);
    let output = child.wait_with_output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed:\n{}", words.trim_end());
    }
    collected(&words).with_context(|| format!("callgrind gave no count:\n{}", words.trim_end()))
}

/// The count that callgrind ends with.
fn collected(words: &str) -> Option<u64> {
    let (_, count) = words.rsplit_once("Collected : ")?;
    count.lines().next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_the_words_of_callgrind() {
        let words = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(collected(words), Some(123_456));
        assert_eq!(collected("==7== Collected : \n"), None);
        assert_eq!(collected(""), None);
    }
}

//! The glyph language beside others: plain C, Lua, Rhai, and a Rust function.
//!
//! Owns how the race of `ci/peers/glyphs` is built and which ratios it comes to. All contestants
//! run in one process and take turns there; the peers' sources say what each one does.

use std::fs;
use std::process::Command;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};

use super::contestants;
use super::figures::{self, Figure, Figures, Unit};
use crate::process;

/// Pairs whose ratio is told, the first over the second, each after the heading's name.
const RATIOS: [(&str, &str); 5] = [
    ("GlyphOS", "a Rust function"),
    ("plain C", "GlyphOS"),
    ("Lua 5.4", "GlyphOS"),
    ("Rhai", "GlyphOS"),
    ("GlyphOS, overlapping", "a Rust function, overlapping"),
];

/// Builds the race and runs it.
///
/// # Errors
/// If there is no C compiler, a peer cannot be fetched or built, or two contestants disagree.
pub(super) fn measure(artifacts: &Artifacts, figures: &mut Figures) -> Result<()> {
    println!("bench: the glyph language beside others (their first build takes some minutes)");
    let folder = artifacts.root().join("ci/peers");
    let built = contestants::folder(artifacts);
    fs::create_dir_all(&built).with_context(|| format!("cannot make {}", built.display()))?;
    let interpreter = built.join("interpreter");
    process::run(
        Command::new("cc")
            .args(["-O2", "-o"])
            .arg(&interpreter)
            .arg(folder.join("interpreter.c"))
            .arg("-lm"),
    )
    .context("the plain C interpreter needs a C compiler: install gcc and repeat")?;
    let program = contestants::build(artifacts, "glyph-peers")?;
    let output = process::output(
        Command::new(program)
            .arg(artifacts.root().join("glyphs/vault"))
            .arg(&interpreter),
    )?;
    let found = figures::from_lines(&output);
    for (name, nanoseconds) in &found {
        figures.add(Figure::new(name, *nanoseconds, Unit::Nanoseconds, COMMAND));
    }
    for (name, ratio) in ratios(&found) {
        figures.add(Figure::new(name, ratio, Unit::Times, COMMAND));
    }
    Ok(())
}

const COMMAND: &str = "cargo xtask bench --only language";

/// The ratios of [`RATIOS`] under each heading that has both of a pair.
fn ratios(found: &[(String, f64)]) -> Vec<(String, f64)> {
    let mut ratios = Vec::new();
    for (name, value) in found {
        for (over, under) in RATIOS {
            let Some(heading) = name.strip_prefix(over).filter(|h| is_heading(h)) else {
                continue;
            };
            let other = format!("{under}{heading}");
            let below = found.iter().find(|(name, _)| *name == other);
            ratios.extend(below.map(|(_, below)| (format!("{over} / {other}"), value / below)));
        }
    }
    ratios
}

/// Whether this is what `from_lines` puts after a contestant's name.
fn is_heading(text: &str) -> bool {
    text.starts_with(", activation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_between_figures_of_one_heading() {
        let output = "activation of x, 17 commands\n\
                      GlyphOS: 20.0 ns\na Rust function: 10.0 ns\n\
                      GlyphOS, overlapping: 12.0 ns\na Rust function, overlapping: 4.0 ns\n\
                      plain C: 3000.0 ns\n\
                      activation on top, high\nGlyphOS: 5.0 ns\nplain C: 50.0 ns\n";
        let mut found = ratios(&figures::from_lines(output));
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            ("GlyphOS / a Rust function, activation of x", 2.0),
            (
                "GlyphOS, overlapping / a Rust function, overlapping, activation of x",
                3.0,
            ),
            ("plain C / GlyphOS, activation of x", 150.0),
            ("plain C / GlyphOS, activation on top", 10.0),
        ];
        assert_eq!(found.len(), expected.len());
        for ((name, ratio), (expected_name, expected_ratio)) in found.iter().zip(expected) {
            assert_eq!(name, expected_name);
            assert!((ratio - expected_ratio).abs() < 1e-9, "{name}: {ratio}");
        }
    }
}

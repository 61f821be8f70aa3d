//! `cargo xtask coverage`: which lines of the language crates their tests run.
//!
//! Owns the instrumented build under `target/coverage` and the count. The tests are those of the crates
//! themselves; their own lines do not count.
//!
//! Invariant: a figure below [`PERCENT_MIN`] is an error.

mod lines;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::lines::Lines;
use crate::process;

/// The language crates, whose tests are judged, with the folders of their lines.
pub(crate) const CRATES: [(&str, &str); 3] = [
    ("glyph-parser", "glyphs/parser/src/"),
    ("glyph-compiler", "glyphs/compiler/src/"),
    ("glyph-interpreter", "glyphs/interpreter/src/"),
];

/// The share of their lines that the tests have to run.
const PERCENT_MIN: f64 = 95.0;

/// What to show.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Name each line that no test runs
    #[arg(long)]
    missing: bool,
}

/// Builds the tests with counters, runs them and tells the share of lines that they ran.
///
/// # Errors
/// If a tool is missing, a test fails, or too few lines are run.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    let tools = Tools::find()?;
    let folder = artifacts.target().join("coverage");
    let profiles = folder.join("profiles");
    if profiles.exists() {
        fs::remove_dir_all(&profiles)
            .with_context(|| format!("cannot empty {}", profiles.display()))?;
    }
    let programs = build(artifacts, &folder)?;
    for program in &programs {
        process::output(
            Command::new(&program.path)
                .current_dir(&program.package)
                .env("LLVM_PROFILE_FILE", profiles.join("%m-%p.profraw")),
        )?;
    }
    let lcov = tools.export(&profiles, &folder.join("all.profdata"), &programs)?;
    let mut all = Lines::default();
    for (name, sources) in CRATES {
        let of_crate = Lines::read(&lcov, artifacts.root(), sources)?;
        println!("coverage: {name}: {of_crate}");
        all.add(of_crate);
    }
    if arguments.missing {
        for line in all.missing() {
            println!("coverage: not run: {line}");
        }
    }
    println!("coverage: the language crates: {all}");
    if all.percent() < PERCENT_MIN {
        bail!(
            "the tests run {all}; at least {PERCENT_MIN} % are promised: `--missing` names the others"
        );
    }
    Ok(())
}

/// A test program, and the folder that its tests expect to stand in.
struct Program {
    path: PathBuf,
    package: PathBuf,
}

/// Builds the tests of all crates, instrumented.
fn build(artifacts: &Artifacts, folder: &Path) -> Result<Vec<Program>> {
    let mut command = process::cargo();
    command.args([
        "test",
        "--locked",
        "--no-run",
        "--lib",
        "--tests",
        "--message-format=json-render-diagnostics",
    ]);
    for (name, _) in CRATES {
        command.args(["--package", name]);
    }
    let messages = process::output(
        command
            .arg("--target-dir")
            .arg(folder.join("build"))
            .env("RUSTFLAGS", "-Cinstrument-coverage")
            // What a build script runs would leave a profile in the tree.
            .env("LLVM_PROFILE_FILE", folder.join("build.profraw"))
            .current_dir(artifacts.root()),
    )?;
    let programs: Vec<Program> = messages.lines().filter_map(program).collect();
    if programs.is_empty() {
        bail!("cargo built no test program");
    }
    Ok(programs)
}

/// The test program that a message of cargo names, if it is such a message.
fn program(message: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    let manifest = Path::new(message.get("manifest_path")?.as_str()?);
    Some(Program {
        path: path.into(),
        package: manifest.parent()?.to_path_buf(),
    })
}

/// The tools that read the compiler's counters; they have to be of its own LLVM.
struct Tools {
    profdata: OsString,
    cov: OsString,
}

impl Tools {
    /// Those of the toolchain, or those of the system with the same version.
    fn find() -> Result<Self> {
        let sysroot = process::output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let version = process::output(Command::new("rustc").arg("-vV"))?;
        let major = version
            .lines()
            .find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next())
            .context("rustc does not say which LLVM it has")?;
        let bundled = Path::new(sysroot.trim()).join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
        let tool = |name: &str| -> Result<OsString> {
            let bundled = bundled.join(name);
            if bundled.is_file() {
                return Ok(bundled.into());
            }
            let system = format!("{name}-{major}");
            process::output(Command::new(&system).arg("--version")).with_context(|| {
                format!("no {name} of LLVM {major}: `rustup component add llvm-tools`, or install llvm-{major}")
            })?;
            Ok(system.into())
        };
        Ok(Tools {
            profdata: tool("llvm-profdata")?,
            cov: tool("llvm-cov")?,
        })
    }

    /// Merges the profiles and gives the count of every line, in the format of lcov.
    fn export(&self, profiles: &Path, merged: &Path, programs: &[Program]) -> Result<String> {
        process::output(
            Command::new(&self.profdata)
                .args(["merge", "--sparse", "--output"])
                .arg(merged)
                .arg(profiles),
        )?;
        let mut export = Command::new(&self.cov);
        export.args(["export", "--format=lcov", "--instr-profile"]);
        export.arg(merged);
        for program in programs {
            export.arg("--object").arg(&program.path);
        }
        process::output(&mut export)
    }
}

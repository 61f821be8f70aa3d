//! `cargo xtask lint`: formatting and lints, all of them errors.
//!
//! Owns the calls for the host and for the bare machine. What runs on the machine is linted with
//! the compiler and the flags that build it.

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};

use crate::{bare, process, toolchain};

/// Packages that are part of the kernel's image alone; clippy checks what they depend on as well.
const BARE_PACKAGES: [&str; 4] = ["image", "machine", "drivers", "node"];

/// Formatting, then the host's lints, then the bare machine's.
///
/// # Errors
/// If a file is not formatted or a lint fires.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    format(artifacts)?;
    host(artifacts)?;
    bare(artifacts)
}

/// Whether every file is formatted.
pub(crate) fn format(artifacts: &Artifacts) -> Result<()> {
    process::run(
        process::cargo()
            .args(["fmt", "--all", "--check"])
            .current_dir(artifacts.root()),
    )
    .context("`cargo fmt --all` formats the files that are shown above")
}

/// The lints of all that is compiled for the host, tests included.
pub(crate) fn host(artifacts: &Artifacts) -> Result<()> {
    process::run(
        process::cargo()
            .args([
                "clippy",
                "--locked",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])
            .current_dir(artifacts.root()),
    )
}

/// The lints of all that is compiled for the bare machine.
pub(crate) fn bare(artifacts: &Artifacts) -> Result<()> {
    let mut command = bare::cargo(&toolchain::find()?, artifacts, "clippy")?;
    for package in BARE_PACKAGES {
        command.args(["--package", package]);
    }
    process::run(command.args(["--locked", "--", "-D", "warnings"]))
}

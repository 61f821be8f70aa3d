//! `cargo xtask setup`: all that a build needs beyond the packages that `scripts/setup` installs.
//!
//! Owns the list of programs that the build calls, and the order of set-up steps.

use std::path::Path;

use ::iso::artifacts::Artifacts;
use anyhow::{Result, bail};

use crate::{stages, toolchain};

/// The programs that building, packing and starting need, with the Debian package of each.
const PROGRAMS: [(&str, &str); 6] = [
    ("as", "binutils"),
    ("ld", "binutils"),
    ("xorriso", "xorriso"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("promtool", "prometheus"),
    ("git", "git"),
];
/// The UEFI firmware for QEMU, and its package.
const FIRMWARE: (&str, &str) = ("/usr/share/OVMF/OVMF_CODE.fd", "ovmf");

/// Checks the tools, fetches the compiler if it is missing, builds the loader's stages if need be.
///
/// # Errors
/// If a tool is missing, or the compiler or the stages cannot be had; the message says what to do.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    let missing = missing_packages(&|program| on_path(program), Path::new(FIRMWARE.0).exists());
    if !missing.is_empty() {
        bail!(
            "missing packages: {}; run ./scripts/setup, or install them by hand",
            missing.join(" ")
        );
    }
    if toolchain::find().is_err() {
        toolchain::install_by_rustup()?;
        toolchain::find()?;
    }
    stages::ensure(artifacts)
}

fn missing_packages(present: &dyn Fn(&str) -> bool, firmware: bool) -> Vec<&'static str> {
    let mut missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !present(program))
        .map(|(_, package)| *package)
        .collect();
    if !firmware {
        missing.push(FIRMWARE.1);
    }
    missing.dedup();
    missing
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_programs_are_named_by_their_packages_once() {
        assert!(missing_packages(&|_| true, true).is_empty());
        let without_binutils = |program: &str| !matches!(program, "as" | "ld");
        assert_eq!(
            missing_packages(&without_binutils, false),
            ["binutils", "ovmf"]
        );
    }
}

//! `cargo xtask policy`: which outside code may come in, by licence, source and version.
//!
//! Owns the checker's pinned version and its installation under `target/tools`; the policy itself
//! is `deny.toml`. The boot loader's stages, the fuzz targets under libFuzzer and the peers of the
//! benchmarks have workspaces of their own, whose versions belong to others: for them licences and
//! sources count.

use std::path::PathBuf;
use std::process::Command;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};

use crate::process;

/// The checker, a tool of the host that is compiled once.
const CHECKER: &str = "cargo-deny";
const CHECKER_VERSION: &str = "0.20.2";

/// Checks the lock files against `deny.toml`.
///
/// # Errors
/// If the checker cannot be installed, or something came in that may not.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    let checker = checker(artifacts)?;
    for (manifest, checks) in [
        ("Cargo.toml", ["bans", "licenses", "sources"].as_slice()),
        ("boot/images/Cargo.toml", &["licenses", "sources"]),
        ("ci/fuzz/libfuzzer/Cargo.toml", &["licenses", "sources"]),
        ("ci/peers/Cargo.toml", &["licenses", "sources"]),
    ] {
        let manifest = artifacts.root().join(manifest);
        println!("policy: {} of {}", checks.join(", "), manifest.display());
        process::run(
            Command::new(&checker)
                .args(["--locked", "--log-level", "error", "--manifest-path"])
                .arg(&manifest)
                .arg("--config")
                .arg(artifacts.root().join("deny.toml"))
                .arg("check")
                .args(["--allow", "license-not-encountered", "--hide-inclusion-graph"])
                .args(checks),
        )
        .context("a dependency breaks the policy of deny.toml: take another one, or argue for a change there")?;
    }
    Ok(())
}

/// The installed checker of the pinned version.
fn checker(artifacts: &Artifacts) -> Result<PathBuf> {
    let root = artifacts
        .target()
        .join("tools")
        .join(format!("{CHECKER}-{CHECKER_VERSION}"));
    let program = root.join("bin").join(CHECKER);
    if program.is_file() {
        return Ok(program);
    }
    println!("policy: compiling {CHECKER} {CHECKER_VERSION} once, which takes two to four minutes");
    process::run(
        process::cargo()
            .args([
                "install",
                CHECKER,
                "--version",
                CHECKER_VERSION,
                "--locked",
                "--quiet",
                "--root",
            ])
            .arg(&root),
    )
    .with_context(|| {
        format!("{CHECKER} has to be fetched once: connect to a network and repeat")
    })?;
    Ok(program)
}

//! `cargo xtask policy`: which outside code may come in, by licence, source and version.
//!
//! Owns the checker's pinned version; the policy itself is `deny.toml`. The boot loader's stages, the
//! fuzz targets under libFuzzer and the peers of the benchmarks have workspaces of their own, whose
//! versions belong to others: for them licences and sources count.

use std::process::Command;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};

use crate::process;
use crate::tool::Tool;

/// The checker.
const CHECKER: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// Checks the lock files against `deny.toml`.
///
/// # Errors
/// If the checker cannot be installed, or something came in that may not.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    let checker = CHECKER.program(artifacts)?;
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

//! Builds a race of `ci/peers`, a workspace of its own that neither product nor gate compiles.

use std::path::PathBuf;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};

use crate::process;

/// Where the races are built.
pub(super) fn folder(artifacts: &Artifacts) -> PathBuf {
    artifacts.target().join("peers")
}

/// Builds the program of `package`.
///
/// # Errors
/// If a peer cannot be fetched or built.
pub(super) fn build(artifacts: &Artifacts, package: &str) -> Result<PathBuf> {
    let built = folder(artifacts);
    process::run(
        process::cargo()
            .args(["build", "--release", "--locked", "--quiet"])
            .args(["--package", package, "--manifest-path"])
            .arg(artifacts.root().join("ci/peers/Cargo.toml"))
            .arg("--target-dir")
            .arg(&built),
    )
    .context(
        "the peers have to be fetched once: connect to a network and repeat, or say --no-peer",
    )?;
    Ok(built.join("release").join(package))
}

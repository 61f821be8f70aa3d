//! Programs of others that a verb needs: of a pinned version, compiled once under `target/tools`.
//!
//! Invariant: nothing is installed outside of the checkout.

use std::path::PathBuf;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};

use crate::process;

/// A program that is one crate of its name.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Tool {
    /// The installed program; it is compiled if it is not there.
    ///
    /// # Errors
    /// If it has to be compiled and cannot be.
    pub(crate) fn program(&self, artifacts: &Artifacts) -> Result<PathBuf> {
        let Tool { name, version } = self;
        let root = artifacts
            .target()
            .join("tools")
            .join(format!("{name}-{version}"));
        let program = root.join("bin").join(name);
        if program.is_file() {
            return Ok(program);
        }
        println!("compiling {name} {version} once, which takes two to four minutes");
        process::run(
            process::cargo()
                .args(["install", name, "--version", version])
                .args(["--locked", "--quiet", "--root"])
                .arg(&root),
        )
        .with_context(|| {
            format!("{name} has to be fetched once: connect to a network and repeat")
        })?;
        Ok(program)
    }
}

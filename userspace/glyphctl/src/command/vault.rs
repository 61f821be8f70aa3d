//! `glyphctl vault`: whether the kernel would take a vault, and its canonical spelling.

mod check;
mod fmt;

use std::io::Write;

use clap::Subcommand;

use crate::failure::Failure;

/// `glyphctl vault ...`
#[derive(Subcommand)]
pub(crate) enum Vault {
    /// Parse, compile and lint the *.gdf files of a folder; exit 1 and every error if one is not sound
    Check(check::Check),
    /// Rewrite glyphs in canonical spelling; comments, blank lines and the order of fields stay
    Fmt(fmt::Fmt),
}

impl Vault {
    /// Does it; the answer goes to `out`, errors and advice to standard error.
    ///
    /// # Errors
    /// If the vault is not sound, or cannot be read or written.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Vault::Check(check) => check.run(out),
            Vault::Fmt(fmt) => fmt.run(out),
        }
    }
}

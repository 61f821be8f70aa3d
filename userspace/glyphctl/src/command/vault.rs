//! `glyphctl vault`: whether the kernel would take a vault, its canonical spelling, its archive.

mod check;
mod fmt;
mod keygen;
mod lines;
mod pack;
mod verify;

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
    /// Make a key to sign vaults with
    Keygen(keygen::Keygen),
    /// Pack a sound vault into one signed archive
    Pack(pack::Pack),
    /// Write the console's lines that stage an archive on a node and propose it to the guardians
    Lines(lines::Lines),
    /// Check an archive as a node does: signature first, then its glyphs; exit 1 if either fails
    Verify(verify::Verify),
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
            Vault::Keygen(keygen) => keygen.run(out),
            Vault::Lines(lines) => lines.run(out),
            Vault::Pack(pack) => pack.run(out),
            Vault::Verify(verify) => verify.run(out),
        }
    }
}

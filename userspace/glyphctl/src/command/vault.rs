//! `glyphctl vault check`: whether the kernel would take every file of a vault.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::failure::{Failure, note};
use crate::lint::lint;
use crate::vault;

/// `glyphctl vault ...`
#[derive(Subcommand)]
pub(crate) enum Vault {
    /// Parse, compile and lint the *.gdf files of a folder; exit 1 and every error if one is not sound
    Check(Check),
}

/// `glyphctl vault check DIR`
#[derive(Args)]
pub(crate) struct Check {
    /// Folder of the vault
    dir: PathBuf,
}

impl Vault {
    /// Does it; the verdict goes to `out`, errors and advice to standard error.
    ///
    /// # Errors
    /// If the vault is not sound or cannot be read.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let Vault::Check(Check { dir }) = self;
        let loaded = vault::load(dir)?;
        for stray in &loaded.strays {
            note(format_args!("{stray}"));
        }
        for error in &loaded.errors {
            note(format_args!("{error}"));
        }
        for advice in lint(&loaded) {
            note(format_args!("advice: {advice}"));
        }
        let shown = dir.display();
        let glyphs = loaded.vault.len();
        match loaded.error_count() {
            0 if loaded.files.is_empty() => Err(Failure::new(format!(
                "{shown} holds no file that ends in .gdf; name the folder of a vault"
            ))),
            0 => {
                writeln!(out, "{shown}: sound, {glyphs} glyphs")?;
                Ok(())
            }
            count => Err(Failure::new(format!(
                "{shown}: not sound, {count} errors and {glyphs} sound glyphs; correct what is told above"
            ))),
        }
    }
}

//! `glyphctl vault check`: whether the kernel would take every file of a vault.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use glyph_compiler::VaultError;
use serde::Serialize;

use crate::failure::{Failure, note};
use crate::lint::lint;
use crate::vault::{self, Stray};

/// `glyphctl vault check DIR [--json]`
#[derive(Args)]
pub(crate) struct Check {
    /// Folder of the vault
    dir: PathBuf,
    /// Print one JSON object for each error, and nothing if there is none
    #[arg(long)]
    json: bool,
}

/// An error as one line of JSON; the names and the order of the keys are promised to scripts.
#[derive(Serialize)]
struct ErrorLine<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    kind: &'static str,
    expected: &'a str,
    found: &'a str,
    suggestion: Option<&'a str>,
}

impl<'a> From<&'a VaultError> for ErrorLine<'a> {
    fn from(error: &'a VaultError) -> Self {
        let diagnostic = &error.diagnostic;
        ErrorLine {
            file: &diagnostic.file,
            line: diagnostic.line,
            column: diagnostic.column,
            kind: error.kind.name(),
            expected: &diagnostic.expected,
            found: &diagnostic.found,
            suggestion: diagnostic.suggestion.as_deref(),
        }
    }
}

impl<'a> From<&'a Stray> for ErrorLine<'a> {
    fn from(stray: &'a Stray) -> Self {
        ErrorLine {
            file: &stray.name,
            line: 1,
            column: 1,
            kind: "entry",
            expected: &stray.expected,
            found: &stray.found,
            suggestion: None,
        }
    }
}

impl Check {
    /// Does it; the verdict goes to `out`, errors for people and advice to standard error.
    ///
    /// # Errors
    /// If the vault is not sound or cannot be read.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let loaded = vault::load(&self.dir)?;
        if self.json {
            let strays = loaded.strays.iter().map(ErrorLine::from);
            for line in strays.chain(loaded.errors.iter().map(ErrorLine::from)) {
                let json = serde_json::to_string(&line).map_err(io::Error::from)?;
                writeln!(out, "{json}")?;
            }
        } else {
            for stray in &loaded.strays {
                note(format_args!("{stray}"));
            }
            for error in &loaded.errors {
                note(format_args!("{error}"));
            }
        }
        for advice in lint(&loaded) {
            note(format_args!("advice: {advice}"));
        }
        let shown = self.dir.display();
        let glyphs = loaded.vault.len();
        let policy = vault::policy(&self.dir)?;
        match loaded.error_count() {
            0 if loaded.files.is_empty() => Err(Failure::new(format!(
                "{shown} holds no file that ends in .gdf; name the folder of a vault"
            ))),
            0 if self.json => Ok(()),
            0 => {
                let contents = vault::contents(&loaded.vault, policy.as_ref());
                writeln!(out, "{shown}: sound, {contents}")?;
                Ok(())
            }
            count => Err(Failure::new(format!(
                "{shown}: not sound, {count} errors and {glyphs} sound glyphs; correct what is told above"
            ))),
        }
    }
}

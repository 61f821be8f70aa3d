//! `glyphctl vault fmt`: glyphs in canonical spelling.
//!
//! Owns the way back to the disk; the spelling is `glyph_parser::reformat`.
//!
//! Invariants:
//! - a file that is not sound stays as it is;
//! - a file is replaced whole or not at all: the new text is on the disk before it takes the name.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use glyph_compiler::Limits;

use crate::failure::{Failure, note};
use crate::vault;

/// `glyphctl vault fmt [--check] PATH...`
#[derive(Args)]
pub(crate) struct Fmt {
    /// Write nothing; name the files that would change, and exit 1 if there is one
    #[arg(long)]
    check: bool,
    /// Files, or folders whose *.gdf files are meant
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// What came of the files so far.
#[derive(Default)]
struct Tally {
    changed: usize,
    refused: usize,
}

impl Fmt {
    /// Does it; the files that change go to `out`, errors to standard error.
    ///
    /// # Errors
    /// If a file is not sound, cannot be read or written, or, with `--check`, would change.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let mut tally = Tally::default();
        for path in &self.paths {
            if path.is_dir() {
                let files_max = Limits::default().files_max as usize;
                let (files, strays) = vault::read(path, files_max)?;
                if files.len() > files_max {
                    let shown = path.display();
                    return Err(Failure::new(format!(
                        "{shown} holds more than the {files_max} files of a vault; name a smaller folder"
                    )));
                }
                tally.refused += strays.len();
                for stray in &strays {
                    note(format_args!("{stray}"));
                }
                for (name, bytes) in &files {
                    self.one(&path.join(name), bytes, &mut tally, out)?;
                }
            } else if is_regular(path)? {
                self.one(path, &vault::bytes(path)?, &mut tally, out)?;
            } else {
                let shown = path.display();
                return Err(Failure::new(format!(
                    "{shown} is no regular file; name the file that holds the glyph"
                )));
            }
        }
        match tally {
            Tally {
                refused: 0,
                changed,
            } if changed == 0 || !self.check => Ok(()),
            Tally {
                refused: 0,
                changed,
            } => Err(Failure::new(format!(
                "{changed} files are not in canonical spelling; `glyphctl vault fmt` rewrites them"
            ))),
            Tally { refused, .. } => Err(Failure::new(format!(
                "{refused} files are not sound and stay as they are; correct what is told above"
            ))),
        }
    }

    fn one(
        &self,
        path: &Path,
        bytes: &[u8],
        tally: &mut Tally,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let shown = path.display();
        match glyph_parser::reformat(&shown.to_string(), bytes) {
            Err(refusal) => {
                tally.refused += 1;
                note(format_args!("{refusal}"));
            }
            Ok(text) if text.as_bytes() != bytes => {
                if !self.check {
                    replace(path, &text).map_err(|error| {
                        Failure::new(format!("{shown} cannot be written: {error}"))
                    })?;
                }
                tally.changed += 1;
                writeln!(out, "{shown}")?;
            }
            Ok(_) => {}
        }
        Ok(())
    }
}

/// Whether `path` is a file itself, not a link to one: replacing a link would cut it.
fn is_regular(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) => {
            let shown = path.display();
            Err(Failure::new(format!("{shown} cannot be read: {error}")))
        }
    }
}

/// Gives the file at `path` a new text, its permissions kept.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let permissions = fs::metadata(path)?.permissions();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(permissions))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is left of a failed attempt is no file of the vault; its own error is told.
        let _ = fs::remove_file(&beside);
    }
    written
}

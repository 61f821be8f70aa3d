//! The operator's tool on the host, as its users call it.
//!
//! Owns the calls of the built program: keys, signatures, and a disk image read offline. What the
//! program prints is taken as text and JSON; none of its code is linked here.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::case::{Failure, Place};

/// Fewest hexadecimal digits of a key: 32 bytes.
const KEY_DIGITS_MIN: usize = 64;

/// The program.
#[derive(Clone, Debug)]
pub(crate) struct Glyphctl(PathBuf);

/// What the program thinks of a ledger.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// 0 sound, 1 not sound; none if a signal ended it.
    pub(crate) status: Option<i32>,
    /// What it printed, on both outputs.
    pub(crate) text: String,
}

impl Glyphctl {
    /// The program that ships.
    pub(crate) fn of(place: &Place<'_>) -> Self {
        Self(place.shipped.glyphctl.clone())
    }

    /// Makes a guardian's key in `file`, and gives the digits that the console is told.
    ///
    /// # Errors
    /// If the program does not make a key.
    pub(crate) fn keygen(&self, algorithm: &str, file: &Path) -> Result<String, Failure> {
        // The program never overwrites a key; this one is of the case's last run.
        let _ = fs::remove_file(file);
        let words = ["keygen", "--algorithm", algorithm, "--out"].map(OsStr::new);
        let output = self.succeed(&[words.as_slice(), &[file.as_os_str()]].concat())?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.split(|letter: char| !letter.is_ascii_hexdigit())
            .find(|word| word.len() >= KEY_DIGITS_MIN)
            .map(str::to_owned)
            .ok_or_else(|| Failure::Wrong(format!("`glyphctl keygen` names no key: {text:?}")))
    }

    /// Signs the line of a challenge.
    ///
    /// # Errors
    /// If the program does not sign.
    pub(crate) fn sign(&self, key: &Path, challenge: &str) -> Result<String, Failure> {
        let words = [
            OsStr::new("sign"),
            OsStr::new("--key"),
            key.as_os_str(),
            OsStr::new(challenge),
        ];
        let output = self.succeed(&words)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The console's lines that stage and propose the archive in `file`.
    ///
    /// # Errors
    /// If the program does not write them.
    pub(crate) fn vault_lines(&self, file: &Path) -> Result<Vec<String>, Failure> {
        let words = ["vault", "lines"].map(OsStr::new);
        let output = self.succeed(&[words.as_slice(), &[file.as_os_str()]].concat())?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Verifies the ledger in `image`.
    ///
    /// # Errors
    /// If the program does not start.
    pub(crate) fn verify(&self, image: &Path) -> Result<Verdict, Failure> {
        let output = self.run(&[
            OsStr::new("ledger"),
            OsStr::new("verify"),
            image.as_os_str(),
        ])?;
        let text = [output.stdout, output.stderr].concat();
        Ok(Verdict {
            status: output.status.code(),
            text: String::from_utf8_lossy(&text).into_owned(),
        })
    }

    /// Makes the disk `to` the copy of the ledger in `from`.
    ///
    /// # Errors
    /// If the program refuses.
    pub(crate) fn restore(&self, from: &Path, to: &Path) -> Result<(), Failure> {
        let words = ["ledger", "restore"].map(OsStr::new);
        let paths = [from.as_os_str(), to.as_os_str()];
        self.succeed(&[words, paths].concat()).map(drop)
    }

    /// The records in `image` as JSON, one value a line.
    ///
    /// # Errors
    /// If the program fails or prints something else.
    pub(crate) fn export(&self, image: &Path) -> Result<Vec<Value>, Failure> {
        let output = self.succeed(&[
            OsStr::new("ledger"),
            OsStr::new("export"),
            image.as_os_str(),
        ])?;
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| {
                serde_json::from_str(line).map_err(|error| {
                    Failure::Wrong(format!("`ledger export` printed no JSON ({error}): {line}"))
                })
            })
            .collect()
    }

    fn succeed(&self, arguments: &[&OsStr]) -> Result<Output, Failure> {
        let output = self.run(arguments)?;
        if output.status.success() {
            return Ok(output);
        }
        let words: Vec<_> = arguments
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        Err(Failure::Wrong(format!(
            "`glyphctl {}` ended with {}: {}",
            words.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )))
    }

    fn run(&self, arguments: &[&OsStr]) -> Result<Output, Failure> {
        Command::new(&self.0)
            .args(arguments)
            .output()
            .map_err(|error| Failure::Host(format!("{}: {error}", self.0.display())))
    }
}

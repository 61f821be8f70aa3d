//! `glyphctl vault verify`: whether a node with a given key would take an archive.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use abi::id::Hex;
use clap::Args;
use glyph_archive::{ARCHIVE_BYTES_MAX, Archive, KeyOrigin, TrustedKey};
use glyph_compiler::{Limits, Vault};
use governance::Policy;

use crate::failure::{Failure, note};
use crate::key::Secret;
use crate::vault::contents;

/// `glyphctl vault verify FILE --key KEY`
#[derive(Args)]
pub(crate) struct Verify {
    /// The archive
    file: PathBuf,
    /// Whose signature counts: 64 hex digits of a public key, or a key file
    #[arg(long, value_name = "KEY")]
    key: String,
}

impl Verify {
    /// Opens the archive as a node does, and loads its glyphs; the verdict goes to `out`.
    ///
    /// # Errors
    /// If the archive is not to be trusted, or a glyph in it is not sound.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let trusted = trusted(&self.key)?;
        let bytes = read(&self.file)?;
        let shown = self.file.display();
        let archive = Archive::open(&bytes, &trusted)
            .map_err(|error| Failure::new(format!("{shown} is refused: {error}")))?;
        let (vault, errors) = Vault::load(archive.files(), &Limits::default());
        for error in &errors {
            note(format_args!("{error}"));
        }
        if !errors.is_empty() {
            return Err(Failure::new(format!(
                "{shown}: signed, but {} errors in its glyphs are told above",
                errors.len()
            )));
        }
        let policy = archive.policy().map(Policy::parse).transpose();
        let policy =
            policy.map_err(|error| Failure::new(format!("{shown}: signed, but {error}")))?;
        writeln!(
            out,
            "{shown}: sound, {}, sha256 {}, signed by {}",
            contents(&vault, policy.as_ref()),
            Hex(archive.digest()),
            Hex(&trusted.fingerprint())
        )?;
        Ok(())
    }
}

/// The key that digits or a key file give.
fn trusted(key: &str) -> Result<TrustedKey, Failure> {
    if let Ok(trusted) = TrustedKey::from_hex(key) {
        return Ok(trusted);
    }
    let path = Path::new(key);
    if !path.exists() {
        return Err(Failure::new(format!(
            "{key} is neither the 64 hex digits of a sound public key nor a file; give what `glyphctl vault keygen` printed"
        )));
    }
    let Secret::Ed25519(pair) = Secret::load(path)? else {
        return Err(Failure::new(format!(
            "{key} is no ed25519 key, and vaults are signed with one; give the key of whoever signed"
        )));
    };
    TrustedKey::new(pair.public_key(), KeyOrigin::Given)
        .map_err(|error| Failure::new(error.to_string()))
}

/// The file's bytes, and one more than allowed if it is too large.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            let most = ARCHIVE_BYTES_MAX as u64 + 1;
            file.take(most).read_to_end(&mut bytes)
        })
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    Ok(bytes)
}

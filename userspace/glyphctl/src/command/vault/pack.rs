//! `glyphctl vault pack`: a folder of glyphs becomes one signed archive.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use abi::id::Hex;
use clap::Args;
use glyph_archive::{Archive, KeyOrigin, POLICY_FILE, TrustedKey};

use crate::failure::Failure;
use crate::key::Secret;
use crate::vault;

/// `glyphctl vault pack DIR FILE --key KEY`
#[derive(Args)]
pub(crate) struct Pack {
    /// Folder of the vault, which has to be sound
    dir: PathBuf,
    /// The archive to write
    file: PathBuf,
    /// Key file to sign with, as `glyphctl vault keygen` made it
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
}

impl Pack {
    /// Packs and signs; what was made goes to `out`.
    ///
    /// # Errors
    /// If the vault is not sound, the key is none for vaults, or the file cannot be written.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let secret = Secret::load(&self.key)?;
        let Secret::Ed25519(key) = &secret else {
            return Err(Failure::new(format!(
                "{} is a key for {}, and vaults are signed with ed25519; make one with `glyphctl vault keygen`",
                self.key.display(),
                secret.algorithm()
            )));
        };
        let loaded = vault::load(&self.dir)?;
        let folder = self.dir.display();
        if loaded.error_count() > 0 || loaded.files.is_empty() {
            return Err(Failure::new(format!(
                "{folder} is no sound vault, so nothing was packed; `glyphctl vault check {folder}` tells why"
            )));
        }
        let refused = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
        let files = loaded
            .files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let policy = vault::policy(&self.dir)?;
        let text = policy
            .iter()
            .map(|policy| (POLICY_FILE, policy.text().as_bytes()));
        let bytes = glyph_archive::pack(files.chain(text), key.secret())
            .map_err(|error| refused(&error))?;
        // What is written is opened first, as a node would open it.
        let trusted = TrustedKey::new(key.public_key(), KeyOrigin::Given);
        let trusted = trusted.map_err(|error| refused(&error))?;
        let archive = Archive::open(&bytes, &trusted).map_err(|error| refused(&error))?;
        let shown = self.file.display();
        let draft = self.file.with_extension("draft");
        fs::write(&draft, &bytes)
            .and_then(|()| fs::rename(&draft, &self.file))
            .map_err(|error| Failure::new(format!("{shown} cannot be written: {error}")))?;
        writeln!(
            out,
            "{shown}: {}, {} bytes, sha256 {}, signed by {}",
            vault::contents(&loaded.vault, policy.as_ref()),
            bytes.len(),
            Hex(archive.digest()),
            Hex(&trusted.fingerprint())
        )?;
        Ok(())
    }
}

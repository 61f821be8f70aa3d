//! `glyphctl vault keygen`: a key to sign vaults with.

use std::io::Write;
use std::path::PathBuf;

use abi::governance::Algorithm;
use abi::id::Hex;
use clap::Args;

use crate::failure::{Failure, note};
use crate::key::Secret;

/// `glyphctl vault keygen FILE`
#[derive(Args)]
pub(crate) struct Keygen {
    /// New file for the key; an existing one is never overwritten
    file: PathBuf,
}

impl Keygen {
    /// Makes the key; its public half is the whole of what goes to `out`.
    ///
    /// # Errors
    /// If there is no entropy or the file cannot be made.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let secret = Secret::generate(Algorithm::Ed25519)?;
        secret.save(&self.file)?;
        let shown = self.file.display();
        note(format_args!(
            "{shown}: a new key for vaults; build with `cargo xtask iso --vault-key {shown}` and keep \
             it away from the node; its public half is:"
        ));
        writeln!(out, "{}", Hex(&secret.material()))?;
        Ok(())
    }
}

//! `glyphctl vault lines`: an archive as lines to type at a node's console.
//!
//! Invariant: a line fits the console, and each says where its bytes belong, so that a lost one is
//! noticed by the next.

use std::io::Write;
use std::path::PathBuf;

use abi::id::Hex;
use abi::limits::LINE_BYTES_MAX;
use clap::Args;
use governance::vault::VAULT_ARCHIVE_BYTES_MAX;

use crate::failure::Failure;

/// Bytes of the archive in one line.
const BYTES_PER_LINE: usize = 2048;
// Two digits a byte, and the command with its offset.
const _: () = assert!(2 * BYTES_PER_LINE + 64 <= LINE_BYTES_MAX);

/// `glyphctl vault lines FILE`
#[derive(Args)]
pub(crate) struct Lines {
    /// The archive
    file: PathBuf,
}

impl Lines {
    /// Writes the lines to `out`, the proposal last.
    ///
    /// # Errors
    /// If the archive cannot be read, or is larger than a ledger keeps.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let bytes = super::verify::read(&self.file)?;
        if bytes.len() > VAULT_ARCHIVE_BYTES_MAX {
            return Err(Failure::new(format!(
                "{} has {} bytes, and a ledger keeps {VAULT_ARCHIVE_BYTES_MAX} at most; put a larger vault on the boot medium",
                self.file.display(),
                bytes.len()
            )));
        }
        let mut offset = 0_usize;
        for piece in bytes.chunks(BYTES_PER_LINE) {
            writeln!(out, "vault stage {offset} {}", Hex(piece))?;
            offset = offset.saturating_add(piece.len());
        }
        writeln!(out, "vault propose")?;
        Ok(())
    }
}

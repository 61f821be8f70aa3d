//! The ramdisk: a tar with the boot options and the vault's archive.
//!
//! Untrusted bytes: a tar that is cut short or altered is refused whole, with the place, and the
//! node starts without what it would have held. The vault's archive is handed on unread.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use glyph_archive::ustar;

/// Name of the vault's archive in the ramdisk.
pub const VAULT_FILE: &str = "vault.tar";
/// Folder of glyphs that nobody signed.
const LOOSE_FOLDER: &str = "vault/";

/// What a ramdisk holds, borrowed from its bytes.
#[derive(Debug, Default)]
pub struct Ramdisk<'a> {
    /// The boot options' bytes, if the file is there.
    pub options: Option<&'a [u8]>,
    /// The vault's archive, if the file is there.
    pub vault: Option<&'a [u8]>,
    /// Whether there are glyphs outside of an archive, which no signature covers.
    pub has_loose_glyphs: bool,
    /// Files that belong to none of these, by name.
    pub strangers: Vec<String>,
}

impl<'a> Ramdisk<'a> {
    /// Reads the tar's table of contents.
    ///
    /// # Errors
    /// One sentence that says what is wrong with the tar and what to do.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let entries = ustar::entries(bytes).map_err(|reason| {
            alloc::format!(
                "ramdisk refused: {reason}; write the boot medium again from a checked ISO"
            )
        })?;
        let mut ramdisk = Ramdisk::default();
        for entry in entries {
            if entry.name == crate::options::OPTIONS_FILE {
                ramdisk.options = Some(entry.bytes);
            } else if entry.name == VAULT_FILE {
                ramdisk.vault = Some(entry.bytes);
            } else if entry.name.starts_with(LOOSE_FOLDER) {
                ramdisk.has_loose_glyphs = true;
            } else {
                ramdisk.strangers.push(entry.name.to_string());
            }
        }
        Ok(ramdisk)
    }
}

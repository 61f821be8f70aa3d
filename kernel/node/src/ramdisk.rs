//! The ramdisk: a tar archive with the boot options and the vault.
//!
//! Untrusted bytes: an archive that is cut short or altered is refused whole, with the place,
//! and the node starts without what it would have held.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use tar_no_std::TarArchiveRef;

/// Folder of the vault's files in the archive.
const VAULT_FOLDER: &str = "vault/";

/// What a ramdisk holds, borrowed from its bytes.
#[derive(Debug, Default)]
pub struct Ramdisk<'a> {
    /// The boot options' bytes, if the file is there.
    pub options: Option<&'a [u8]>,
    /// Name (without the folder) and bytes of each file of the vault, in archive order.
    pub vault: Vec<(String, &'a [u8])>,
    /// Files that belong to neither, by name.
    pub strangers: Vec<String>,
}

impl<'a> Ramdisk<'a> {
    /// Reads the archive's table of contents.
    ///
    /// # Errors
    /// One sentence that says what is wrong with the archive and what to do.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let archive = TarArchiveRef::new(bytes).map_err(|reason| {
            alloc::format!(
                "ramdisk refused: {reason}; write the boot medium again from a checked ISO"
            )
        })?;
        let mut ramdisk = Ramdisk::default();
        for entry in archive.entries() {
            let name = entry.filename();
            let Ok(name) = name.as_str() else {
                ramdisk
                    .strangers
                    .push("a name that is not UTF-8".to_string());
                continue;
            };
            let name = name.strip_prefix("./").unwrap_or(name);
            if name == crate::options::OPTIONS_FILE {
                ramdisk.options = Some(entry.data());
            } else if let Some(file) = name.strip_prefix(VAULT_FOLDER) {
                if !file.is_empty() {
                    ramdisk.vault.push((file.to_string(), entry.data()));
                }
            } else {
                ramdisk.strangers.push(name.to_string());
            }
        }
        Ok(ramdisk)
    }
}

//! A vault archive as a whole: packed from files, opened by a trusted key.
//!
//! Owns the bounds and the rules on names that a vault's archive has beyond a tar's.

use crate::key::TrustedKey;
use crate::seal;
use crate::ustar::{self, Entry, TarError};
use abi::id::Hex;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest as _, Sha256};

/// Largest archive, in bytes: a vault of the largest size, and a header and padding for each file.
pub const ARCHIVE_BYTES_MAX: usize = 32 << 20;
/// Name of the policy of governance that a vault may carry beside its glyphs.
pub const POLICY_FILE: &str = "policy.txt";
/// What the names of a vault's glyphs end in.
const ENDING: &str = ".gdf";

/// A vault's files, signed with a trusted key, borrowed from the archive's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive<'a> {
    files: Vec<Entry<'a>>,
    digest: [u8; 32],
}

/// Why an archive is not opened: no byte of its content was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveError {
    /// It has more than [`ARCHIVE_BYTES_MAX`] bytes.
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// It does not end in a seal.
    Unsigned,
    /// Its seal is of a form that this version does not know.
    Version,
    /// It names another key as its signer's.
    OtherKey {
        /// Fingerprint of that key.
        signed_by: [u8; 8],
    },
    /// The signature does not hold over its bytes.
    Altered,
    /// Its signer packed something else than plain files.
    Tar(TarError),
    /// Its signer packed a file whose name is neither a glyph's nor the policy's.
    Name(String),
}

impl ArchiveError {
    /// A word for it, as in a script or a label.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            ArchiveError::TooLarge { .. } => "too_large",
            ArchiveError::Unsigned => "unsigned",
            ArchiveError::Version => "version",
            ArchiveError::OtherKey { .. } => "other_key",
            ArchiveError::Altered => "altered",
            ArchiveError::Tar(_) | ArchiveError::Name(_) => "content",
        }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArchiveError::TooLarge { bytes } => write!(
                out,
                "it has {bytes} bytes, {ARCHIVE_BYTES_MAX} at most: leave glyphs out"
            ),
            ArchiveError::Unsigned => out.write_str(
                "it is unsigned or cut short: pack it with `glyphctl vault pack`, or make the boot \
                 medium anew",
            ),
            ArchiveError::Version => out.write_str(
                "its seal is of another version: pack it with the `glyphctl` of this release",
            ),
            ArchiveError::OtherKey { signed_by } => write!(
                out,
                "it is signed with another key ({}): sign it with the key that this kernel was \
                 built for",
                Hex(signed_by)
            ),
            ArchiveError::Altered => out.write_str(
                "its signature does not hold, so its bytes were altered: take it from its source \
                 anew",
            ),
            ArchiveError::Tar(error) => {
                write!(out, "{error}: pack it with `glyphctl vault pack`")
            }
            ArchiveError::Name(name) => write!(
                out,
                "{name} is no name of a glyph's file: it has to end in {ENDING} and name no folder, \
                 or to be {POLICY_FILE}"
            ),
        }
    }
}

impl core::error::Error for ArchiveError {}

/// Why no archive was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackError {
    /// A file's name is not plain, or neither ends in `.gdf` nor is [`POLICY_FILE`].
    Name(String),
    /// Two files have one name.
    Twice(String),
    /// The archive would have more than [`ARCHIVE_BYTES_MAX`] bytes.
    TooLarge,
}

impl fmt::Display for PackError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackError::Name(name) => write!(
                out,
                "rename {name}: a glyph's file name is ASCII letters, digits, '-', '_' and '.', \
                 ends in {ENDING} and has at most {} bytes",
                ustar::NAME_BYTES_MAX
            ),
            PackError::Twice(name) => write!(out, "{name} is given twice: leave one out"),
            PackError::TooLarge => write!(
                out,
                "the archive would be larger than {ARCHIVE_BYTES_MAX} bytes: leave glyphs out"
            ),
        }
    }
}

impl core::error::Error for PackError {}

impl<'a> Archive<'a> {
    /// Opens an archive that `trusted` signed.
    ///
    /// # Errors
    /// [`ArchiveError`] says why it is not to be trusted, or what its signer did wrong.
    pub fn open(bytes: &'a [u8], trusted: &TrustedKey) -> Result<Self, ArchiveError> {
        if bytes.len() > ARCHIVE_BYTES_MAX {
            return Err(ArchiveError::TooLarge { bytes: bytes.len() });
        }
        let tar = seal::open(bytes, trusted)?;
        let files = ustar::entries(tar).map_err(ArchiveError::Tar)?;
        if let Some(stranger) = files.iter().find(|file| !is_vault_name(file.name)) {
            return Err(ArchiveError::Name(stranger.name.into()));
        }
        Ok(Archive {
            files,
            digest: Sha256::digest(bytes).into(),
        })
    }

    /// Name and bytes of each glyph's file, by name.
    pub fn files(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let glyphs = self.files.iter().filter(|file| file.name != POLICY_FILE);
        glyphs.map(|file| (file.name, file.bytes))
    }

    /// The text of the policy of governance, if the vault carries one.
    #[must_use]
    pub fn policy(&self) -> Option<&'a [u8]> {
        let policy = self.files.iter().find(|file| file.name == POLICY_FILE)?;
        Some(policy.bytes)
    }

    /// SHA-256 of the whole archive, as `sha256sum` prints it.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// Packs files, given as name and bytes in any order, and seals them with a secret seed.
///
/// # Errors
/// [`PackError`] names the file that cannot be packed.
pub fn pack<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    seed: &[u8; 32],
) -> Result<Vec<u8>, PackError> {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_unstable();
    let mut bytes = Vec::new();
    let mut previous = None;
    for (name, content) in files {
        if previous.replace(name) == Some(name) {
            return Err(PackError::Twice(name.into()));
        }
        if !is_vault_name(name) || !ustar::append(&mut bytes, name, content) {
            return Err(PackError::Name(name.into()));
        }
    }
    ustar::finish(&mut bytes);
    seal::close(&mut bytes, seed);
    if bytes.len() > ARCHIVE_BYTES_MAX {
        return Err(PackError::TooLarge);
    }
    Ok(bytes)
}

fn is_vault_name(name: &str) -> bool {
    name == POLICY_FILE || is_glyph_name(name)
}

fn is_glyph_name(name: &str) -> bool {
    ustar::is_plain_name(name)
        && !name.contains('/')
        && name
            .strip_suffix(ENDING)
            .is_some_and(|stem| !stem.is_empty())
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests;

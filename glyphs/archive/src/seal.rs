//! The block at the end of a vault archive: what it is, who signed, and the signature.
//!
//! | bytes | content |
//! |---|---|
//! | 0 to 15 | `glyphos-vault-1` and a line feed |
//! | 16 to 47 | the Ed25519 public key (RFC 8032) of the signer |
//! | 48 to 447 | zeros |
//! | 448 to 511 | the signature over every byte of the file before it |
//!
//! Invariant: `open` gives bytes only if the signature of the trusted key holds over all of the file.

use crate::archive::ArchiveError;
use crate::key::{self, SIGNATURE_BYTES, TrustedKey, fingerprint, public_key};
use crate::ustar::BLOCK_BYTES;
use alloc::vec::Vec;

/// What a seal begins with; the digit is the version of the form.
const MAGIC: &[u8; 16] = b"glyphos-vault-1\n";
/// What the seal of any version begins with.
const MAGIC_OF_ANY_VERSION: &[u8] = b"glyphos-vault-";
/// Zeros between the key and the signature.
const RESERVED_BYTES: usize = BLOCK_BYTES - MAGIC.len() - 32 - SIGNATURE_BYTES;

/// Appends the seal of `seed` to a finished tar.
pub(crate) fn close(tar: &mut Vec<u8>, seed: &[u8; 32]) {
    tar.extend_from_slice(MAGIC);
    tar.extend_from_slice(&public_key(seed));
    tar.extend_from_slice(&[0; RESERVED_BYTES]);
    let signature = key::sign(seed, tar);
    tar.extend_from_slice(&signature);
}

/// The tar of a sealed file, if `trusted` signed all of it.
///
/// # Errors
/// [`ArchiveError::Unsigned`], [`ArchiveError::Version`], [`ArchiveError::OtherKey`] or
/// [`ArchiveError::Altered`]: what best explains that the signature does not hold.
pub(crate) fn open<'a>(bytes: &'a [u8], trusted: &TrustedKey) -> Result<&'a [u8], ArchiveError> {
    let (signed, signature) = bytes
        .split_last_chunk::<SIGNATURE_BYTES>()
        .ok_or(ArchiveError::Unsigned)?;
    let tar_bytes = bytes.len().checked_sub(BLOCK_BYTES);
    let (tar, head) = tar_bytes
        .and_then(|length| signed.split_at_checked(length))
        .ok_or(ArchiveError::Unsigned)?;
    let holds = trusted.verifies(signed, signature);
    // Only now is anything looked at, and without the signature only to say what is wrong.
    let Some(rest) = head.strip_prefix(MAGIC) else {
        return Err(match head.starts_with(MAGIC_OF_ANY_VERSION) {
            true => ArchiveError::Version,
            false => ArchiveError::Unsigned,
        });
    };
    let (public, _) = rest
        .split_first_chunk::<32>()
        .ok_or(ArchiveError::Unsigned)?;
    if public != trusted.public() {
        return Err(ArchiveError::OtherKey {
            signed_by: fingerprint(public),
        });
    }
    if holds {
        Ok(tar)
    } else {
        Err(ArchiveError::Altered)
    }
}

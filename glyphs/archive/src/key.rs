//! The key that vaults are signed with: whose word counts, and where it came from.
//!
//! Owns [`TrustedKey`], the public half that a kernel carries, and its form as one line of text.
//! The private half is a seed of RFC 8032 that never reaches a node.
//!
//! Invariant: a [`TrustedKey`] that exists is a canonical and strong point of the curve.

use abi::id::{Hex, hex_decode};
use core::fmt;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Bytes of a signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// Where a key came from: what its signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// Whoever built the kernel named it.
    Given,
    /// The build made it for itself, because none was named.
    Development,
}

impl KeyOrigin {
    /// The word in the line that carries a key into a kernel.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KeyOrigin::Given => "given",
            KeyOrigin::Development => "development",
        }
    }
}

/// Why a text is no trusted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

impl fmt::Display for NoKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a vault's public key is 64 hex digits of a sound ed25519 key")
    }
}

impl core::error::Error for NoKey {}

/// Whose vaults are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    public: [u8; 32],
    origin: KeyOrigin,
}

impl TrustedKey {
    /// Checks the bytes of a public key.
    ///
    /// # Errors
    /// [`NoKey`] if they are no point of the curve, a weak one, or another spelling of one.
    pub fn new(public: [u8; 32], origin: KeyOrigin) -> Result<Self, NoKey> {
        let point = VerifyingKey::from_bytes(&public).map_err(|_| NoKey)?;
        let is_canonical = point.to_edwards().compress().to_bytes() == public;
        if point.is_weak() || !is_canonical {
            return Err(NoKey);
        }
        Ok(TrustedKey { public, origin })
    }

    /// Reads the 64 hexadecimal digits of a public key that somebody gave.
    ///
    /// # Errors
    /// [`NoKey`] if they are not that.
    pub fn from_hex(digits: &str) -> Result<Self, NoKey> {
        let mut public = [0; 32];
        hex_decode(digits, &mut public).map_err(|_| NoKey)?;
        TrustedKey::new(public, KeyOrigin::Given)
    }

    /// Reads the line that a build carries into a kernel, as [`Display`](fmt::Display) writes it.
    ///
    /// # Errors
    /// [`NoKey`] if it is not that.
    pub fn from_line(line: &str) -> Result<Self, NoKey> {
        let (origin, digits) = line.split_once(' ').ok_or(NoKey)?;
        let origin = [KeyOrigin::Given, KeyOrigin::Development]
            .into_iter()
            .find(|known| known.name() == origin)
            .ok_or(NoKey)?;
        Ok(TrustedKey {
            origin,
            ..TrustedKey::from_hex(digits)?
        })
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Where it came from.
    #[must_use]
    pub const fn origin(&self) -> KeyOrigin {
        self.origin
    }

    /// What people compare: see [`fingerprint`].
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 8] {
        fingerprint(&self.public)
    }

    /// Whether `signature` is this key's over `message`; one message has one signature.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        VerifyingKey::from_bytes(&self.public).is_ok_and(|key| {
            key.verify_strict(message, &Signature::from_bytes(signature))
                .is_ok()
        })
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.origin.name(), Hex(&self.public))
    }
}

/// First 8 bytes of the SHA-256 of a public key.
#[must_use]
pub fn fingerprint(public: &[u8; 32]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(public).into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// The public key that belongs to a secret seed.
#[must_use]
pub fn public_key(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// The signature of a seed over a message.
pub(crate) fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; SIGNATURE_BYTES] {
    SigningKey::from_bytes(seed).sign(message).to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString as _;

    #[test]
    fn a_key_survives_the_line_that_carries_it_into_a_kernel() {
        let public = public_key(&[7; 32]);
        for origin in [KeyOrigin::Given, KeyOrigin::Development] {
            let key = TrustedKey::new(public, origin).unwrap();
            assert_eq!(TrustedKey::from_line(&key.to_string()), Ok(key));
        }
        let digits = Hex(&public).to_string();
        for line in [
            "",
            "given",
            &digits,
            &format!("given  {digits}"),
            &format!("borrowed {digits}"),
            &format!("given {digits}0"),
            "given 00",
        ] {
            assert_eq!(TrustedKey::from_line(line), Err(NoKey), "{line}");
        }
    }

    #[test]
    fn weak_points_and_other_spellings_of_a_point_are_no_keys() {
        let mut identity = [0; 32];
        identity[0] = 1;
        // The same point with its y-coordinate written as p + 1.
        let mut respelt = [0xff; 32];
        (respelt[0], respelt[31]) = (0xee, 0x7f);
        for public in [identity, respelt, [0; 32], [0xff; 32]] {
            assert_eq!(TrustedKey::new(public, KeyOrigin::Given), Err(NoKey));
        }
    }
}

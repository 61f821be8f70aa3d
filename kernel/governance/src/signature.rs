//! Keys and signatures: HMAC-SHA256 and Ed25519, made on a host, checked on the machine.
//!
//! A secret for HMAC-SHA256 lies in the ledger, since the machine needs it to check: whoever
//! has the disk can sign with it. An Ed25519 guardian leaves only a public key here, which is
//! why that kind is recommended.
//!
//! Invariants:
//! - a [`Key`] that exists has a legal length, and an Ed25519 one is a strong curve point;
//! - no comparison of a signature ends early on the first byte that differs;
//! - no `Debug`, summary or JSON text shows a secret, and copies of it are wiped when dropped.

use crate::wire::{DecodeError, Reader, Wire, Writer};
use abi::governance::Algorithm;
use abi::id::Hex;
use abi::request::KeyMaterial;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

/// Shortest HMAC-SHA256 secret, in bytes: as long as the hash.
pub const HMAC_SECRET_BYTES_MIN: usize = 32;
/// Longest HMAC-SHA256 secret, in bytes.
pub const HMAC_SECRET_BYTES_MAX: usize = 128;

/// What the machine keeps to check a guardian's signatures.
#[derive(Clone)]
pub enum Key {
    /// The guardian's own secret, 32 to 128 bytes.
    HmacSha256(Zeroizing<Vec<u8>>),
    /// The guardian's public key.
    Ed25519([u8; 32]),
}

/// Why bytes are not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// An HMAC secret has 32 to 128 bytes.
    SecretLength,
    /// An Ed25519 public key has 32 bytes.
    PublicLength,
    /// The bytes are no point of the curve, or one of its weak points.
    NoPoint,
}

impl fmt::Display for KeyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            KeyError::SecretLength => {
                "an hmac secret has 32 to 128 bytes (64 to 256 hex digits): make one with glyphctl keygen"
            }
            KeyError::PublicLength => {
                "an ed25519 public key has 32 bytes (64 hex digits): make one with glyphctl keygen"
            }
            KeyError::NoPoint => {
                "these bytes are no sound ed25519 public key: make one with glyphctl keygen"
            }
        })
    }
}

impl core::error::Error for KeyError {}

impl Key {
    /// Checks key material as typed at the console.
    ///
    /// # Errors
    /// [`KeyError`] says which length or form is wrong.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            Algorithm::HmacSha256 => {
                if !(HMAC_SECRET_BYTES_MIN..=HMAC_SECRET_BYTES_MAX).contains(&bytes.len()) {
                    return Err(KeyError::SecretLength);
                }
                Ok(Key::HmacSha256(Zeroizing::new(bytes.to_vec())))
            }
            Algorithm::Ed25519 => {
                let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::PublicLength)?;
                let point = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NoPoint)?;
                if point.is_weak() {
                    return Err(KeyError::NoPoint);
                }
                Ok(Key::Ed25519(bytes))
            }
        }
    }

    /// Checks key material of a request.
    ///
    /// # Errors
    /// [`KeyError`] says which length or form is wrong.
    pub fn from_material(material: &KeyMaterial) -> Result<Self, KeyError> {
        Key::new(material.algorithm, &material.bytes)
    }

    /// How its guardian signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Key::HmacSha256(_) => Algorithm::HmacSha256,
            Key::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// First 8 bytes of the SHA-256 of a public key; `None` for a secret.
    #[must_use]
    pub fn fingerprint(&self) -> Option<[u8; 8]> {
        match self {
            Key::HmacSha256(_) => None,
            Key::Ed25519(public) => {
                let digest: [u8; 32] = Sha256::digest(public).into();
                digest.first_chunk().copied()
            }
        }
    }

    /// SHA-256 over the algorithm and the key, to see that no key is used twice.
    pub(crate) fn identity(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(b"glyphos.key.v1")
            .chain_update([self.algorithm().number()])
            .chain_update(self.bytes())
            .finalize()
            .into()
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Key::HmacSha256(secret) => secret,
            Key::Ed25519(public) => public,
        }
    }

    /// Bytes that a signature of this kind has.
    #[must_use]
    pub const fn signature_bytes(&self) -> usize {
        match self {
            Key::HmacSha256(_) => 32,
            Key::Ed25519(_) => 64,
        }
    }

    /// Whether `signature` is this key's over `message`; takes the same time for every
    /// signature of the right length.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Key::HmacSha256(secret) => {
                let mut expected = sign_hmac(secret, message);
                let equal = bool::from(expected.ct_eq(signature));
                expected.zeroize();
                equal
            }
            Key::Ed25519(public) => {
                let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
                    return false;
                };
                VerifyingKey::from_bytes(public)
                    .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
            }
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm() == other.algorithm() && bool::from(self.bytes().ct_eq(other.bytes()))
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::HmacSha256(_) => out.write_str("Key(hmac, withheld)"),
            Key::Ed25519(public) => write!(out, "Key(ed25519, {})", Hex(public)),
        }
    }
}

impl Wire for Key {
    fn put(&self, out: &mut Writer) {
        self.algorithm().put(out);
        out.raw(self.bytes());
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let algorithm = Algorithm::take(input)?;
        Key::new(algorithm, input.raw()?).map_err(|_| DecodeError::Value("a key"))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            Key::HmacSha256(_) => out.write_str("{\"algorithm\":\"hmac\",\"secret\":\"withheld\"}"),
            Key::Ed25519(public) => {
                write!(
                    out,
                    "{{\"algorithm\":\"ed25519\",\"public_key\":\"{}\"}}",
                    Hex(public)
                )
            }
        }
    }
}

/// Signature bytes as kept in a record: 32 for HMAC-SHA256, 64 for Ed25519.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureBytes(pub Vec<u8>);

impl Wire for SignatureBytes {
    fn put(&self, out: &mut Writer) {
        out.raw(&self.0);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.raw()?;
        if matches!(bytes.len(), 32 | 64) {
            Ok(SignatureBytes(bytes.to_vec()))
        } else {
            Err(DecodeError::Value("a signature"))
        }
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "\"{}\"", Hex(&self.0))
    }
}

/// HMAC-SHA256 of `message` under `secret`.
#[must_use]
pub fn sign_hmac(secret: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of every length, so the error arm cannot be reached; an all-zero key
    // there would be a forgery made easy, hence the assertion.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        unreachable!("HMAC takes a key of any length")
    };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Ed25519 signature over `message` with the secret `seed` (RFC 8032's private key).
#[must_use]
pub fn sign_ed25519(seed: &[u8; 32], message: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(seed).sign(message).to_bytes()
}

/// The public key that belongs to the secret `seed`.
#[must_use]
pub fn ed25519_public_key(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

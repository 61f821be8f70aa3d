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

mod ed25519;
#[cfg(test)]
mod edge_cases;

pub use ed25519::{PublicKey, SigningKey};

use crate::wire::{DecodeError, Reader, Wire, Writer};
use abi::governance::Algorithm;
use abi::id::Hex;
use abi::request::KeyMaterial;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
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
    /// The guardian's public key; copies share what it prepares for checks.
    Ed25519(Arc<PublicKey>),
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
                let public = PublicKey::new(&bytes).ok_or(KeyError::NoPoint)?;
                Ok(Key::Ed25519(Arc::new(public)))
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
                let digest: [u8; 32] = Sha256::digest(public.as_bytes()).into();
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
            Key::Ed25519(public) => public.as_bytes(),
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

    /// Whether `signature` is this key's over `message`; with a secret key it takes the same time for
    /// every signature of the right length.
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
                let signature = signature.try_into();
                signature.is_ok_and(|signature| public.verifies(message, signature))
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
            Key::Ed25519(public) => write!(out, "Key(ed25519, {})", Hex(public.as_bytes())),
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
                    Hex(public.as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;
    use abi::id::hex_decode;
    use std::format;
    use std::string::ToString as _;
    use std::vec;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let mut bytes = [0; N];
        hex_decode(hex, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn hmac_sha256_gives_the_vectors_of_rfc_4231() {
        let counting: Vec<u8> = (1..=25).collect();
        let long = "This is a test using a larger than block-size key and a larger than \
                    block-size data. The key needs to be hashed before being used by the HMAC \
                    algorithm.";
        let cases: [(&[u8], &[u8], &str); 6] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &counting,
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                long.as_bytes(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, data, tag) in cases {
            assert_eq!(Hex(&sign_hmac(key, data)).to_string(), tag);
        }
    }

    #[test]
    fn ed25519_gives_the_vectors_of_rfc_8032() {
        for (seed, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                &[][..],
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac\
                 c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                &[0x72][..],
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e\
                 458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ] {
            let signer = SigningKey::new(&bytes(seed));
            assert_eq!(Hex(&signer.public_key()).to_string(), public);
            let made = signer.sign(message);
            assert_eq!(Hex(&made).to_string(), signature);
            let key = Key::new(Algorithm::Ed25519, &signer.public_key()).unwrap();
            assert!(key.verifies(message, &made));
        }
    }

    #[test]
    fn a_signature_with_any_bit_flipped_or_any_byte_missing_is_refused() {
        let secret = [7; 32];
        let signer = SigningKey::new(&secret);
        let keys = [
            (
                Key::new(Algorithm::HmacSha256, &secret).unwrap(),
                sign_hmac(&secret, b"m").to_vec(),
            ),
            (
                Key::new(Algorithm::Ed25519, &signer.public_key()).unwrap(),
                signer.sign(b"m").to_vec(),
            ),
        ];
        for (key, signature) in keys {
            assert!(key.verifies(b"m", &signature));
            assert!(!key.verifies(b"n", &signature) && !key.verifies(b"m", &[]));
            for place in 0..signature.len() {
                assert!(!key.verifies(b"m", signature.get(..place).unwrap()));
                for bit in 0..8 {
                    let mut flipped = signature.clone();
                    flipped[place] ^= 1 << bit;
                    assert!(!key.verifies(b"m", &flipped), "byte {place} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn keys_of_a_wrong_length_or_form_are_refused() {
        for length in [0, 31, 129] {
            let made = Key::new(Algorithm::HmacSha256, &vec![1; length]);
            assert_eq!(made, Err(KeyError::SecretLength));
        }
        assert!(Key::new(Algorithm::HmacSha256, &[1; 128]).is_ok());
        assert_eq!(
            Key::new(Algorithm::Ed25519, &[1; 31]),
            Err(KeyError::PublicLength)
        );
        // The identity and other points of small order verify signatures that nobody made.
        let mut identity = [0; 32];
        identity[0] = 1;
        for weak in [identity, [0; 32], [0xff; 32]] {
            assert_eq!(Key::new(Algorithm::Ed25519, &weak), Err(KeyError::NoPoint));
        }
    }

    #[test]
    fn debug_text_of_a_secret_withholds_it() {
        let key = Key::new(Algorithm::HmacSha256, &[0x61; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "Key(hmac, withheld)");
    }
}

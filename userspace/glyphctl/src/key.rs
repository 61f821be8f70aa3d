//! A signer's key file: how it is made, written and read; its form belongs to [`abi::key_file`].
//!
//! Invariants:
//! - a key file is readable by its owner only, and an existing file is never overwritten;
//! - a secret is wiped from memory when its owner here is dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use abi::governance::Algorithm;
use abi::id::hex_decode;
use abi::key_file::{self, KEY_FILE_BYTES_MAX};
use governance::signature::{HMAC_SECRET_BYTES_MAX, HMAC_SECRET_BYTES_MIN, SigningKey, sign_hmac};
use zeroize::Zeroizing;

use crate::failure::{Failure, note};

/// Bytes of a new secret, for either algorithm.
const SECRET_BYTES: usize = 32;
/// More than the text of the longest key has, in bytes.
const TEXT_BYTES: usize = 512;
/// Who may read and write a key file: its owner.
const FILE_MODE: u32 = 0o600;

/// A guardian's secret.
pub(crate) enum Secret {
    /// 32 to 128 bytes, known to the node too.
    Hmac(Zeroizing<Vec<u8>>),
    /// A key pair.
    Ed25519(SigningKey),
}

impl Secret {
    /// Makes a new one of the operating system's entropy.
    ///
    /// # Errors
    /// If the system gives no entropy.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
            Failure::new(format!(
                "the system gives no entropy ({error}); make the key on another machine"
            ))
        })?;
        Ok(match algorithm {
            Algorithm::HmacSha256 => Secret::Hmac(Zeroizing::new(bytes.to_vec())),
            Algorithm::Ed25519 => Secret::Ed25519(SigningKey::new(&bytes)),
        })
    }

    /// How it signs.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Secret::Hmac(_) => Algorithm::HmacSha256,
            Secret::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// What a node is given to check signatures: the secret itself, or the public key.
    pub(crate) fn material(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Secret::Hmac(secret) => secret.clone(),
            Secret::Ed25519(key) => Zeroizing::new(key.public_key().to_vec()),
        }
    }

    /// The signature over `message`: 32 bytes for HMAC, 64 for Ed25519.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Secret::Hmac(secret) => sign_hmac(secret, message).to_vec(),
            Secret::Ed25519(key) => key.sign(message).to_vec(),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Secret::Hmac(secret) => secret,
            Secret::Ed25519(key) => key.secret(),
        }
    }

    /// Writes it to a new file and makes it durable.
    ///
    /// # Errors
    /// If the file exists, or cannot be written whole; none is left behind then.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path);
        let shown = path.display();
        let mut file = opened.map_err(|error| {
            Failure::new(match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    format!("{shown} exists and is not overwritten; give another name to --out")
                }
                _ => format!("{shown} cannot be made: {error}"),
            })
        })?;
        let text = self.to_text();
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| {
                // Half a key would pass for a whole one; the first error is what is told.
                let _ = fs::remove_file(path);
                Failure::new(format!("{shown} cannot be written: {error}"))
            })
    }

    fn to_text(&self) -> Zeroizing<String> {
        // Long enough that it never moves and leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES));
        // Writing to a string does not fail.
        let _ = key_file::write(&mut *text, "signer's", self.algorithm(), self.bytes());
        text
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// If it cannot be read or is no key file.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let mut text = Zeroizing::new(String::new());
        let mut file = File::open(path)
            .map_err(|error| Failure::new(format!("{shown} cannot be opened: {error}")))?;
        if let Ok(metadata) = file.metadata()
            && metadata.permissions().mode() & 0o077 != 0
        {
            note(format_args!(
                "glyphctl: others than the owner may read {shown}; `chmod 600` keeps it to you"
            ));
        }
        (&mut file)
            .take(KEY_FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| Failure::new(format!("{shown} cannot be read as text: {error}")))?;
        Secret::from_text(&text).map_err(|problem| {
            Failure::new(format!(
                "{shown} is no key file: {problem}; make one with `glyphctl keygen`"
            ))
        })
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let (algorithm, digits) = key_file::read(text).map_err(|error| error.to_string())?;
        let mut bytes = Zeroizing::new(vec![0; digits.len() / 2]);
        hex_decode(digits, &mut bytes).map_err(|_| "its secret is not hexadecimal")?;
        match algorithm {
            Algorithm::HmacSha256 => {
                let legal = HMAC_SECRET_BYTES_MIN..=HMAC_SECRET_BYTES_MAX;
                if legal.contains(&bytes.len()) {
                    Ok(Secret::Hmac(bytes))
                } else {
                    Err("an hmac secret has 32 to 128 bytes".to_owned())
                }
            }
            Algorithm::Ed25519 => {
                let secret = bytes.as_slice().try_into();
                let secret = secret.map_err(|_| "an ed25519 secret has 32 bytes")?;
                Ok(Secret::Ed25519(SigningKey::new(secret)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governance::Key;

    #[test]
    fn a_key_survives_its_text_and_its_signature_verifies() {
        for algorithm in [Algorithm::HmacSha256, Algorithm::Ed25519] {
            let secret = Secret::generate(algorithm).unwrap();
            let back = Secret::from_text(&secret.to_text()).unwrap();
            assert_eq!(back.bytes(), secret.bytes());
            assert_eq!(back.algorithm(), algorithm);
            let key = Key::new(algorithm, &secret.material()).unwrap();
            assert!(key.verifies(b"message", &back.sign(b"message")));
            assert!(!key.verifies(b"another", &back.sign(b"message")));
        }
    }

    #[test]
    fn two_new_keys_differ() {
        let one = Secret::generate(Algorithm::Ed25519).unwrap();
        let other = Secret::generate(Algorithm::Ed25519).unwrap();
        assert_ne!(one.bytes(), other.bytes());
    }

    #[test]
    fn texts_that_are_no_key_are_refused() {
        let digits = "ab".repeat(32);
        for text in [
            String::new(),
            "algorithm: hmac\n".to_owned(),
            format!("secret: {digits}\n"),
            format!("algorithm: rot13\nsecret: {digits}\n"),
            format!("algorithm: hmac\nsecret: {}\n", "ab".repeat(31)),
            format!("algorithm: hmac\nsecret: {}\n", "ab".repeat(129)),
            format!("algorithm: ed25519\nsecret: {}\n", "ab".repeat(33)),
            format!("algorithm: hmac\nsecret: {digits}a\n"),
            format!("algorithm: hmac\nsecret: {}\n", "zz".repeat(32)),
            format!("algorithm: hmac\nsecret: {digits}\nsecret: {digits}\n"),
            format!("algorithm: hmac\nsecret: {digits}\nextra: 1\n"),
            format!("algorithm: hmac\n{digits}\n"),
        ] {
            assert!(Secret::from_text(&text).is_err(), "{text}");
        }
        let good = format!("# comment\r\n\r\n secret : {digits}\r\nalgorithm: hmac\r\n");
        assert!(Secret::from_text(&good).is_ok());
    }
}

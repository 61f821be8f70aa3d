//! A key file: the text in which a secret lies on a host, read and written in one place.
//!
//! Lines of `name: value`: `algorithm` is `hmac` or `ed25519`, `secret` is hexadecimal digits, `#`
//! begins a comment. For Ed25519 the secret is the seed of RFC 8032. Guardians and whoever signs
//! vaults use the same form.
//!
//! Invariant: nothing here copies a secret, so wiping it is up to whoever holds the text.

use crate::governance::Algorithm;
use crate::id::Hex;
use core::fmt;

/// Longest key file that is read, in bytes.
pub const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Why a text is no key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFileError(&'static str);

impl fmt::Display for KeyFileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl core::error::Error for KeyFileError {}

/// The algorithm and the hexadecimal digits of the secret.
///
/// # Errors
/// [`KeyFileError`] with the clause that says what is wrong.
pub fn read(text: &str) -> Result<(Algorithm, &str), KeyFileError> {
    let (mut algorithm, mut secret) = (None, None);
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or(KeyFileError("a line is not `name: value`"))?;
        let slot = match name.trim() {
            "algorithm" => &mut algorithm,
            "secret" => &mut secret,
            _ => {
                return Err(KeyFileError(
                    "it has a line that is neither `algorithm` nor `secret`",
                ));
            }
        };
        if slot.replace(value.trim()).is_some() {
            return Err(KeyFileError("a line is there twice"));
        }
    }
    let algorithm = algorithm.ok_or(KeyFileError("it names no algorithm"))?;
    let digits = secret.ok_or(KeyFileError("it holds no secret"))?;
    let algorithm =
        Algorithm::from_name(algorithm).ok_or(KeyFileError("its algorithm is unknown"))?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) || digits.len() % 2 != 0 {
        return Err(KeyFileError("its secret is not hexadecimal"));
    }
    Ok((algorithm, digits))
}

/// Writes a key file; `whose` completes "A GlyphOS ... key" in its comment.
///
/// # Errors
/// Only those of `out`.
pub fn write(
    out: &mut dyn fmt::Write,
    whose: &str,
    algorithm: Algorithm,
    secret: &[u8],
) -> fmt::Result {
    writeln!(
        out,
        "# A GlyphOS {whose} key. Whoever has this file can sign with it."
    )?;
    writeln!(out, "algorithm: {algorithm}")?;
    writeln!(out, "secret: {}", Hex(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    #[test]
    fn a_key_survives_its_file() {
        for algorithm in [Algorithm::HmacSha256, Algorithm::Ed25519] {
            let mut text = String::new();
            write(&mut text, "guardian's", algorithm, &[0xab; 32]).unwrap();
            let digits = "ab".repeat(32);
            assert_eq!(read(&text), Ok((algorithm, digits.as_str())));
        }
        let spaced = "# comment\r\n\r\n secret : 00ff\r\nalgorithm: hmac\r\n";
        assert_eq!(read(spaced), Ok((Algorithm::HmacSha256, "00ff")));
    }

    #[test]
    fn texts_that_are_no_key_file_are_refused() {
        for text in [
            "",
            "algorithm: hmac\n",
            "secret: 00\n",
            "algorithm: rot13\nsecret: 00\n",
            "algorithm: hmac\nsecret: 000\n",
            "algorithm: hmac\nsecret: zz\n",
            "algorithm: hmac\nsecret: 00\nsecret: 00\n",
            "algorithm: hmac\nsecret: 00\nextra: 1\n",
            "algorithm: hmac\n00\n",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&format!("algorithm: ed25519\nsecret: {}\n", "0".repeat(64))).is_ok());
    }
}

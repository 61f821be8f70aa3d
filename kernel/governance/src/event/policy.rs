//! A policy in a record: its text, read as soon as the record is, and whose it is.

use super::PolicyAdopted;
use crate::policy::{Policy, PolicyError};
use crate::wire::{DecodeError, Reader, Wire, Writer, json_text};
use abi::id::Hex;
use abi::vault::PolicyView;
use alloc::format;
use alloc::string::String;
use core::fmt;
use sha2::{Digest as _, Sha256};

impl PolicyAdopted {
    /// The policy that comes with this software, which no vault's key signed.
    ///
    /// # Errors
    /// [`PolicyError`] if the built-in text is unsound, which a test rules out.
    pub fn built_in() -> Result<Self, PolicyError> {
        Ok(PolicyAdopted {
            policy: Policy::built_in()?,
            signed_by: None,
        })
    }

    /// What people compare of the key that signed it: the first 8 bytes of its SHA-256.
    #[must_use]
    pub fn signer(&self) -> Option<[u8; 8]> {
        let digest = Sha256::digest(self.signed_by?);
        digest.first_chunk().copied()
    }

    /// What is told of it.
    #[must_use]
    pub fn view(&self) -> PolicyView {
        PolicyView {
            name: self.policy.name.clone(),
            version: self.policy.version,
            digest: self.policy.digest,
            signed_by: self.signer(),
        }
    }

    /// Whose it is, in words.
    #[must_use]
    pub fn source(&self) -> String {
        self.signer().map_or_else(
            || "built in".into(),
            |key| format!("signed by {}", Hex(&key)),
        )
    }

    /// What it is and asks for, and whose it is, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let Policy {
            name,
            version,
            min_signatures,
            ..
        } = &self.policy;
        format!(
            "policy {name} version {version} of {min_signatures} signatures, {}",
            self.source()
        )
    }
}

impl Wire for Policy {
    fn put(&self, out: &mut Writer) {
        out.raw(self.text().as_bytes());
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Policy::parse(input.raw()?).map_err(|_| DecodeError::Value("a sound policy"))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(
            out,
            "{{\"name\":\"{}\",\"version\":{},\"digest\":\"{}\",\"text\":",
            self.name,
            self.version,
            Hex(&self.digest)
        )?;
        json_text(self.text(), out)?;
        out.write_char('}')
    }
}

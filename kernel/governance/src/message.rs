//! The message that a guardian signs, and the challenge line that carries it.
//!
//! The machine writes it, `glyphctl sign` shows it to the person and signs its bytes, and the
//! machine builds it anew from its own records before it checks the signature. Nothing that a
//! signature means is outside of it.
//!
//! Invariants:
//! - two messages that differ in any field differ in their bytes (see [`wire`](crate::wire));
//! - decoding accepts only what encoding writes.

use crate::wire::{DecodeError, Reader, Wire as _, Writer, wire_struct};
use abi::governance::{Action, Algorithm, Role};
use abi::id::{Hex, hex_decode};
use abi::{GuardianId, RecordId};
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// First field of every message: what it is for, and the version of its form.
pub const DOMAIN: &str = "glyphos.governance.message.v1";
/// What a challenge line begins with.
pub const CHALLENGE_PREFIX: &str = "glyphos-challenge:";

wire_struct! {
    /// What one signature says, in full.
    Message {
        /// [`DOMAIN`].
        domain: String,
        /// Random at the ledger's format: no signature counts on another ledger.
        epoch: [u8; 16],
        /// Version of the policy in force when the challenge was issued.
        policy_version: u32,
        /// The override; `None` for requests and changes of guardians.
        override_id: Option<RecordId>,
        /// The request that is decided or overridden; `None` for changes of guardians.
        request_id: Option<RecordId>,
        /// The change of guardians; `None` for requests and overrides.
        change_id: Option<RecordId>,
        /// Random, used once.
        challenge: [u8; 16],
        /// What the signature does.
        action: Action,
        /// Who signs.
        guardian_id: GuardianId,
        /// In which role.
        role: Role,
        /// How.
        algorithm: Algorithm,
        /// The signer's justification, report or review.
        justification: String,
        /// What the ids stand for, in one line, so that a person sees what is signed.
        subject: String,
    }
}

impl Message {
    /// The bytes to sign.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.put(&mut out);
        out.bytes
    }

    /// Reads the bytes of a message.
    ///
    /// # Errors
    /// [`DecodeError`]: the bytes are no message of this version; never sign them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let message = Message::take(&mut input)?;
        input.end()?;
        if message.domain == DOMAIN {
            Ok(message)
        } else {
            Err(DecodeError::Value("a message of GlyphOS's governance"))
        }
    }

    /// The line that a console prints for `glyphctl sign`.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut line = CHALLENGE_PREFIX.to_string();
        line.push_str(&Hex(&self.encode()).to_string());
        line
    }

    /// Reads a challenge line; blanks around it do not matter.
    ///
    /// # Errors
    /// [`DecodeError`]: the line was cut, changed, or is something else; ask the node again.
    pub fn from_line(line: &str) -> Result<Self, DecodeError> {
        let digits = line
            .trim()
            .strip_prefix(CHALLENGE_PREFIX)
            .ok_or(DecodeError::Value("a challenge line"))?;
        let mut bytes = vec![0; digits.len() / 2];
        hex_decode(digits, &mut bytes).map_err(|_| DecodeError::Value("hexadecimal digits"))?;
        Message::decode(&bytes)
    }
}

impl fmt::Display for Message {
    /// Shows every field on a line of its own, for the person who is about to sign.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "action:         {}", self.action)?;
        writeln!(out, "subject:        {}", self.subject)?;
        writeln!(out, "justification:  {}", self.justification)?;
        writeln!(out, "guardian:       {} ({})", self.guardian_id, self.role)?;
        for (name, id) in [
            ("override:       ", self.override_id),
            ("request:        ", self.request_id),
            ("change:         ", self.change_id),
        ] {
            if let Some(id) = id {
                writeln!(out, "{name}{id}")?;
            }
        }
        writeln!(out, "algorithm:      {}", self.algorithm)?;
        writeln!(out, "policy version: {}", self.policy_version)?;
        writeln!(out, "challenge:      {}", Hex(&self.challenge))?;
        writeln!(out, "ledger epoch:   {}", Hex(&self.epoch))
    }
}

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
        /// The change of guardians or of the vault; `None` for requests and overrides.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::format;

    fn message() -> Message {
        Message {
            domain: DOMAIN.to_string(),
            epoch: [1; 16],
            policy_version: 1,
            override_id: Some(RecordId([2; 16])),
            request_id: Some(RecordId([3; 16])),
            change_id: None,
            challenge: [4; 16],
            action: Action::SignOverride,
            guardian_id: GuardianId::new("galahad").unwrap(),
            role: Role::Ethics,
            algorithm: Algorithm::HmacSha256,
            justification: "why".to_string(),
            subject: "what".to_string(),
        }
    }

    #[test]
    fn a_message_survives_its_bytes_and_its_line() {
        let message = message();
        assert_eq!(Message::decode(&message.encode()), Ok(message.clone()));
        let line = message.to_line();
        assert!(line.starts_with("glyphos-challenge:"));
        assert_eq!(Message::from_line(&format!("  {line}\r\n")), Ok(message));
    }

    #[test]
    fn each_field_changes_the_bytes() {
        let base = message();
        let other = RecordId([9; 16]);
        let variants = [
            base.clone(),
            Message {
                epoch: [9; 16],
                ..base.clone()
            },
            Message {
                policy_version: 2,
                ..base.clone()
            },
            Message {
                override_id: Some(other),
                ..base.clone()
            },
            Message {
                override_id: None,
                ..base.clone()
            },
            Message {
                request_id: Some(other),
                ..base.clone()
            },
            Message {
                request_id: None,
                ..base.clone()
            },
            Message {
                change_id: Some(other),
                ..base.clone()
            },
            Message {
                challenge: [9; 16],
                ..base.clone()
            },
            Message {
                action: Action::RevokeOverride,
                ..base.clone()
            },
            Message {
                guardian_id: GuardianId::new("galahae").unwrap(),
                ..base.clone()
            },
            Message {
                role: Role::Security,
                ..base.clone()
            },
            Message {
                algorithm: Algorithm::Ed25519,
                ..base.clone()
            },
            Message {
                justification: "why?".to_string(),
                ..base.clone()
            },
            Message {
                subject: "what?".to_string(),
                ..base.clone()
            },
        ];
        let bytes: BTreeSet<_> = variants.iter().map(Message::encode).collect();
        assert_eq!(bytes.len(), variants.len());
    }

    #[test]
    fn no_text_moved_between_two_fields_keeps_the_bytes() {
        // Every pair of texts up to 3 characters of an alphabet with a separator in it.
        let mut texts = std::vec![String::new()];
        for length in 0..3_usize {
            let longest: Vec<String> = texts
                .iter()
                .filter(|text| text.len() == length)
                .cloned()
                .collect();
            for text in longest {
                texts.extend(['a', '|', ' '].map(|end| format!("{text}{end}")));
            }
        }
        let mut seen = BTreeSet::new();
        for justification in &texts {
            for subject in &texts {
                let message = Message {
                    justification: justification.clone(),
                    subject: subject.clone(),
                    ..message()
                };
                assert!(
                    seen.insert(message.encode()),
                    "{justification:?} {subject:?}"
                );
            }
        }
        assert_eq!(seen.len(), 40 * 40);
        // Ids that move to the neighbouring slot say something else.
        let moved = Message {
            override_id: None,
            request_id: Some(RecordId([2; 16])),
            change_id: Some(RecordId([3; 16])),
            ..message()
        };
        assert_ne!(moved.encode(), message().encode());
    }

    #[test]
    fn lines_that_are_no_challenge_are_refused() {
        let line = message().to_line();
        let cut = line.get(..line.len().saturating_sub(2)).unwrap();
        let odd = line.get(..line.len().saturating_sub(1)).unwrap();
        let longer = format!("{line}00");
        for bad in [
            "",
            "glyphos-challenge:",
            "0102",
            cut,
            odd,
            &longer,
            "glyphos-challenge:zz",
        ] {
            assert!(Message::from_line(bad).is_err(), "{bad}");
        }
        let foreign = Message {
            domain: "another.domain".to_string(),
            ..message()
        };
        assert!(Message::decode(&foreign.encode()).is_err());
    }
}

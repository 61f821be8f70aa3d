//! A checkpoint: what a ledger held at one moment, as one line that an auditor keeps elsewhere.
//!
//! `glyphos-checkpoint:EPOCH-RECORDS-CHAIN-CHECK`: the epoch in 32 hexadecimal digits, the number
//! of records in decimal, the chain value after the newest of them in 64 digits, and the CRC-32
//! (IEEE 802.3) of the text before the last `-` in 8.
//!
//! Invariant: a line read back was not mistyped; whether it is true is for whoever holds the ledger
//! against it. The check digits are no signature: a checkpoint is worth as much as the place where
//! it was kept.

use crate::id::{Hex, hex_decode};
use alloc::format;
use core::fmt;

/// How each line begins.
pub const CHECKPOINT_PREFIX: &str = "glyphos-checkpoint:";

/// What a ledger held at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Random at format: which ledger.
    pub epoch: [u8; 16],
    /// Records in it.
    pub records: u64,
    /// Chain value after the newest of them; covers every record before it.
    pub chain: [u8; 32],
}

/// Why a text is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// The text does not begin with [`CHECKPOINT_PREFIX`].
    NoPrefix,
    /// A part is missing, too many, or not made of the digits it should have.
    Malformed,
    /// The check digits do not fit the rest.
    Mistyped,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::NoPrefix => write!(
                out,
                "a checkpoint begins with `{CHECKPOINT_PREFIX}`, as `ledger checkpoint` prints it"
            ),
            CheckpointError::Malformed => out.write_str(
                "a checkpoint has four parts with `-` between them: epoch, records, chain, check; \
                 copy the whole line",
            ),
            CheckpointError::Mistyped => out.write_str(
                "the checkpoint's check digits do not fit: it was mistyped or changed; copy the \
                 line again from where it was kept",
            ),
        }
    }
}

impl core::error::Error for CheckpointError {}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body();
        write!(out, "{body}-{:08x}", crc32(body.as_bytes()))
    }
}

impl Checkpoint {
    /// Reads a line; blanks around it do not matter.
    ///
    /// # Errors
    /// [`CheckpointError`] says what is wrong with the text.
    pub fn from_line(line: &str) -> Result<Self, CheckpointError> {
        let line = line.trim();
        let parts = line
            .strip_prefix(CHECKPOINT_PREFIX)
            .ok_or(CheckpointError::NoPrefix)?;
        let mut parts = parts.split('-');
        let (Some(epoch), Some(records), Some(chain), Some(check), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(CheckpointError::Malformed);
        };
        let mut checkpoint = Checkpoint {
            epoch: [0; 16],
            records: records.parse().map_err(|_| CheckpointError::Malformed)?,
            chain: [0; 32],
        };
        let mut stated = [0; 4];
        for (text, bytes) in [
            (epoch, checkpoint.epoch.as_mut_slice()),
            (chain, &mut checkpoint.chain),
            (check, &mut stated),
        ] {
            hex_decode(text, bytes).map_err(|_| CheckpointError::Malformed)?;
        }
        // The text is made anew, so that each checkpoint has one spelling only.
        let body = checkpoint.body();
        let is_spelled_so = line.strip_prefix(body.as_str()).is_some();
        if !is_spelled_so || crc32(body.as_bytes()) != u32::from_be_bytes(stated) {
            return Err(CheckpointError::Mistyped);
        }
        Ok(checkpoint)
    }

    fn body(&self) -> alloc::string::String {
        format!(
            "{CHECKPOINT_PREFIX}{}-{}-{}",
            Hex(&self.epoch),
            self.records,
            Hex(&self.chain)
        )
    }
}

/// CRC-32 of IEEE 802.3, bit by bit: a line is short, and this crate has no dependency.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let is_odd = crc & 1 == 1;
            crc = (crc >> 1) ^ if is_odd { 0xedb8_8320 } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn sample() -> Checkpoint {
        Checkpoint {
            epoch: core::array::from_fn(|i| u8::try_from(i * 16).unwrap_or(0)),
            records: 1_000_000_007,
            chain: [0xc4; 32],
        }
    }

    #[test]
    fn the_check_digits_are_the_published_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_checkpoint_is_read_back_from_its_line() {
        let line = sample().to_string();
        assert!(
            line.starts_with("glyphos-checkpoint:00102030405060708090a0b0c0d0e0f0-1000000007-")
        );
        assert_eq!(Checkpoint::from_line(&line), Ok(sample()));
        let spaced = std::format!("  {line}\r\n");
        assert_eq!(Checkpoint::from_line(&spaced), Ok(sample()));
    }

    #[test]
    fn no_single_wrong_character_passes_for_another_checkpoint() {
        let line = sample().to_string();
        for place in 0..line.len() {
            for digit in "0123456789abcdef-:x ".chars() {
                let mut changed: Vec<char> = line.chars().collect();
                changed[place] = digit;
                let changed: String = changed.into_iter().collect();
                let read = Checkpoint::from_line(&changed);
                assert!(
                    changed == line || read != Ok(sample()) && read.is_err(),
                    "{changed}"
                );
            }
        }
    }

    #[test]
    fn a_line_that_was_cut_or_grew_is_refused() {
        let line = sample().to_string();
        for end in 0..line.len() {
            assert!(Checkpoint::from_line(&line[..end]).is_err(), "{end}");
        }
        assert!(Checkpoint::from_line(&std::format!("{line}0")).is_err());
        assert_eq!(Checkpoint::from_line(""), Err(CheckpointError::NoPrefix));
        let zeros = line.replace("-1000000007-", "-01000000007-");
        let refused = Checkpoint::from_line(&zeros);
        assert_eq!(refused, Err(CheckpointError::Mistyped));
    }
}

//! The versions of the format: FORMAT.md, section "Versions".
//!
//! Owns what differs between them. A ledger keeps for life the version that it was formatted with:
//! all of its superblocks and frames are of it.

use crate::frame::PAYLOAD_ROOM_BYTES;
use crate::records::RECORD_HEADER_BYTES;

/// A version of the format that this code reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// One record in each frame.
    One,
    /// One record or more in each frame.
    Two,
}

impl Version {
    /// The version of what is formatted now.
    pub(crate) const NEWEST: Version = Version::Two;

    /// Its number, as superblocks and frames state it.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Version::One => 1,
            Version::Two => 2,
        }
    }

    /// The version of that number, if this code knows it.
    pub(crate) fn of(number: u16) -> Option<Version> {
        [Version::One, Version::Two]
            .into_iter()
            .find(|version| version.number() == number)
    }

    /// Largest payload of one record, in bytes.
    pub(crate) const fn payload_bytes_max(self) -> usize {
        match self {
            Version::One => PAYLOAD_ROOM_BYTES,
            Version::Two => PAYLOAD_ROOM_BYTES - RECORD_HEADER_BYTES,
        }
    }
}

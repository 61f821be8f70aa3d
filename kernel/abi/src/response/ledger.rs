//! Answers about the ledger: its state, its records, what a check found.

use crate::time::UnixSeconds;
use alloc::string::String;
use alloc::vec::Vec;

/// What can be done with the ledger now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerState {
    /// No device.
    Absent,
    /// A device without anything on it: `ledger format` makes a ledger.
    Blank,
    /// A device with someone else's data: never written unless told so.
    Foreign,
    /// Takes records.
    Ready,
    /// Takes records; one copy is damaged and was or will be repaired.
    Degraded,
    /// Can be read, takes no records: damage that could not be repaired, or full.
    ReadOnly,
    /// Cannot be read.
    Failed,
}

impl LedgerState {
    /// The word on the wire, as in `ledger_state=ready`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            LedgerState::Absent => "absent",
            LedgerState::Blank => "blank",
            LedgerState::Foreign => "foreign",
            LedgerState::Ready => "ready",
            LedgerState::Degraded => "degraded",
            LedgerState::ReadOnly => "read_only",
            LedgerState::Failed => "failed",
        }
    }
}

/// The ledger in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerStatus {
    /// What can be done with it.
    pub state: LedgerState,
    /// Why, where it is not ready; else empty.
    pub reason: String,
    /// Records in it.
    pub records: u64,
    /// Frames that they take; records that were decided together share them.
    pub frames: u64,
    /// Frames that fit; each takes one record or more.
    pub capacity: u64,
    /// Sequence number of the newest record; `None` if there is none.
    pub newest: Option<u64>,
    /// Chain value after the newest record.
    pub chain: [u8; 32],
    /// Random at format; part of every signed message.
    pub epoch: [u8; 16],
    /// Faults repaired since boot.
    pub repaired: u64,
    /// Capacity of the device in bytes.
    pub device_bytes: u64,
}

/// A record in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordView {
    /// Position in the chain, from 0.
    pub seq: u64,
    /// When it was decided.
    pub time: UnixSeconds,
    /// One line on what it says.
    pub summary: String,
}

/// What a complete check of the ledger found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whether each record is there, linked and whole in both copies.
    pub sound: bool,
    /// Records checked.
    pub records: u64,
    /// Chain value after the newest record.
    pub chain: [u8; 32],
    /// Each thing found wrong, with its place.
    pub findings: Vec<String>,
}

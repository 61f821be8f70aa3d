//! The ledger as its callers see it: append, read, replay, verify.
//!
//! Owns an opened device and what is known of it. The order of writes in an append is the one
//! of FORMAT.md, section "Append"; its case analysis is there.
//!
//! Invariants:
//! - a record is acknowledged only after three copies of it were written, made durable by a
//!   flush, read back and found equal;
//! - after an append that was not confirmed the ledger takes nothing until it is recovered;
//! - no bytes leave [`Ledger::record`] or [`Ledger::replay`] that were not verified in this call.

mod append;
mod checkpoint;
mod find;
mod read;

pub use checkpoint::Departure;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use abi::response::{LedgerState, LedgerStatus};

use crate::device::{BlockDevice, SECTOR_BYTES};
use crate::error::{AppendError, OpenError, ReadOnlyReason};
use crate::finding::Finding;
use crate::frame::Head;
use crate::geometry::{FRAME_BYTES, Geometry, Place};
use crate::recovery::{Mode, NextSlot, RecoveryReport, recover};
use crate::superblock::Superblock;
use crate::version::Version;

/// Percent of the room for ordinary records at which a ledger tells that it fills.
const FILL_WARNINGS: [u64; 2] = [80, 95];

/// Which slots an append may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// Leaves the reserve alone.
    Ordinary,
    /// May use the reserve: overrides, post-mortems, and what ends them.
    Emergency,
}

/// One record to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What the payload is; the caller's numbers.
    pub kind: u8,
    /// At most [`crate::PAYLOAD_BYTES_MAX`] bytes.
    pub payload: &'a [u8],
}

/// Proof that an append is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the receipt says which record was acknowledged"]
pub struct Receipt {
    /// Number of the record; of the last one of a group.
    pub seq: u64,
    /// Chain value after the append.
    pub chain: [u8; 32],
}

/// A verified record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number, from 0.
    pub seq: u64,
    /// What the payload is; the caller's numbers.
    pub kind: u8,
    /// The payload.
    pub payload: &'a [u8],
    /// Chain value after its frame: records that share a frame have one.
    pub chain: [u8; 32],
    /// Frames of the append that it belongs to.
    pub group_frames: u32,
    /// Whether it is the last record of its append.
    pub closes_append: bool,
}

/// An opened ledger.
#[derive(Debug)]
pub struct Ledger<D> {
    device: D,
    superblock: Superblock,
    /// Number of the next frame, which is the number of frames.
    next_seq: u64,
    /// Number of the next record, which is the number of records.
    records: u64,
    chain: [u8; 32],
    /// The frame of the record that was read last: where the next search begins.
    found: Option<Head>,
    /// Frames of a damaged ledger that recovery found lost.
    lost: Vec<Range<u64>>,
    read_only: Option<ReadOnlyReason>,
    repaired: u64,
    unrepaired: u64,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl<D: BlockDevice> Ledger<D> {
    /// Opens the ledger on `device` and makes it ready to take records.
    ///
    /// A damaged ledger opens too: read-only, with the reason in the report.
    ///
    /// # Errors
    /// [`OpenError`] if the device holds no ledger that this version knows; nothing was written.
    pub fn open(device: D) -> Result<(Self, RecoveryReport), OpenError> {
        Self::open_as(device, Mode::Write).map_err(|(error, _)| error)
    }

    /// As [`Ledger::open`], and gives the device back if it cannot be opened.
    ///
    /// # Errors
    /// As [`Ledger::open`], beside the device.
    pub fn open_or_give_back(device: D) -> Result<(Self, RecoveryReport), (OpenError, D)> {
        Self::open_as(device, Mode::Write)
    }

    /// Opens the ledger on `device` without writing a byte, whatever state it is in.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn inspect(device: D) -> Result<(Self, RecoveryReport), OpenError> {
        Self::open_as(device, Mode::Inspect).map_err(|(error, _)| error)
    }

    fn open_as(mut device: D, mode: Mode) -> Result<(Self, RecoveryReport), (OpenError, D)> {
        let recovered = match recover(&mut device, mode, NextSlot::Trusted) {
            Ok(recovered) => recovered,
            Err(error) => return Err((error, device)),
        };
        let report = recovered.report;
        let buffer_bytes = recovered
            .superblock
            .geometry
            .group_max()
            .saturating_mul(FRAME_BYTES)
            .saturating_mul(Place::ALL.len());
        let mut ledger = Ledger {
            device,
            superblock: recovered.superblock,
            next_seq: 0,
            records: 0,
            chain: [0; 32],
            found: None,
            lost: recovered.lost,
            read_only: None,
            repaired: 0,
            unrepaired: 0,
            outgoing: vec![0; buffer_bytes],
            incoming: vec![0; buffer_bytes],
        };
        ledger.take(&report);
        Ok((ledger, report))
    }

    /// Recovers again on the same device, as after an append that was not confirmed: finds out
    /// whether its record is there, and makes the ledger ready.
    ///
    /// # Errors
    /// As [`Ledger::open`]; the ledger stays read-only then.
    pub fn recover(&mut self) -> Result<RecoveryReport, OpenError> {
        let mode = match self.read_only {
            Some(ReadOnlyReason::Inspection) => Mode::Inspect,
            _ => Mode::Write,
        };
        let next_slot = match self.read_only {
            Some(ReadOnlyReason::Unconfirmed) => NextSlot::Suspect,
            _ => NextSlot::Trusted,
        };
        let known = self.records;
        let recovered = recover(&mut self.device, mode, next_slot)?;
        let mut report = recovered.report;
        if report.records < known && report.read_only.is_none() {
            let finding = Finding::RecordLost {
                seq: report.records,
            };
            report.findings.add(finding);
            report.read_only = Some(ReadOnlyReason::Damage(finding));
        }
        self.superblock = recovered.superblock;
        self.lost = recovered.lost;
        self.take(&report);
        Ok(report)
    }

    fn take(&mut self, report: &RecoveryReport) {
        self.next_seq = report.frames;
        self.records = report.records;
        self.chain = report.chain;
        self.found = None;
        self.read_only = report.read_only;
        self.repaired = self.repaired.saturating_add(report.repaired);
        self.unrepaired = report.unrepaired;
    }

    /// Gives the device back.
    pub fn into_device(self) -> D {
        self.device
    }

    /// The device, as for its own counters.
    pub fn device_mut(&mut self) -> &mut D {
        &mut self.device
    }

    /// Records in the ledger, which is the number of the next one.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Frames that the records take: as many as there are records, or fewer.
    pub fn frames(&self) -> u64 {
        self.next_seq
    }

    /// Chain value after the newest record.
    pub fn chain(&self) -> [u8; 32] {
        self.chain
    }

    /// Random at format; part of every signed message.
    pub fn epoch(&self) -> [u8; 16] {
        self.superblock.epoch
    }

    /// Random at format; names the device.
    pub fn device_uuid(&self) -> [u8; 16] {
        self.superblock.device_uuid
    }

    /// Why the ledger takes no records, if it takes none.
    pub fn read_only(&self) -> Option<ReadOnlyReason> {
        self.read_only
    }

    /// Of the format; for life.
    pub(crate) fn version(&self) -> Version {
        self.superblock.version
    }

    /// The layout of the device.
    pub fn geometry(&self) -> Geometry {
        self.superblock.geometry
    }

    /// Frames that fit altogether; each takes one record or more.
    pub fn capacity(&self) -> u64 {
        let geometry = self.superblock.geometry;
        geometry
            .slot_count
            .saturating_sub(self.superblock.bad_slots.count())
    }

    /// Frames that are left; each takes one record or more.
    pub fn free(&self, reserve: Reserve) -> u64 {
        let kept = match reserve {
            Reserve::Ordinary => self.superblock.geometry.reserve_slots,
            Reserve::Emergency => 0,
        };
        self.capacity()
            .saturating_sub(self.next_seq)
            .saturating_sub(kept)
    }

    /// The last mark that the frames of ordinary records have passed, in percent of the room for them; 0 while
    /// there is plenty.
    pub fn fill_mark(&self) -> u64 {
        let room = self.next_seq.saturating_add(self.free(Reserve::Ordinary));
        let passed = |mark: &u64| self.next_seq.saturating_mul(100) >= room.saturating_mul(*mark);
        FILL_WARNINGS.into_iter().rfind(passed).unwrap_or(0)
    }

    /// The ledger in short.
    pub fn status(&self) -> LedgerStatus {
        let full = self.free(Reserve::Ordinary) == 0;
        let (state, reason) = match self.read_only {
            Some(reason) => (LedgerState::ReadOnly, reason.to_string()),
            None if self.free(Reserve::Emergency) == 0 => {
                (LedgerState::ReadOnly, AppendError::Full.to_string())
            }
            None if self.unrepaired > 0 => (
                LedgerState::Degraded,
                format!("{} damaged copies could not be repaired", self.unrepaired),
            ),
            None if full => (
                LedgerState::Ready,
                String::from("full but for the emergency reserve: move it to a larger disk"),
            ),
            None if self.fill_mark() > 0 => (
                LedgerState::Ready,
                format!(
                    "more than {} % full, {} ordinary records still fit, or more that share frames: plan a \
                     larger disk",
                    self.fill_mark(),
                    self.free(Reserve::Ordinary)
                ),
            ),
            None => (LedgerState::Ready, String::new()),
        };
        LedgerStatus {
            state,
            reason,
            records: self.records,
            frames: self.next_seq,
            capacity: self.capacity(),
            newest: self.records.checked_sub(1),
            chain: self.chain,
            epoch: self.superblock.epoch,
            repaired: self.repaired,
            device_bytes: self
                .device
                .sector_count()
                .saturating_mul(SECTOR_BYTES as u64),
        }
    }
}

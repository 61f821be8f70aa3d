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

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use abi::response::{LedgerState, LedgerStatus, VerifyReport};

use crate::defect::{Defect, planted};
use crate::device::{BlockDevice, DeviceError, SECTOR_BYTES};
use crate::error::{AppendError, OpenError, ReadError, ReadOnlyReason, ReplayError};
use crate::finding::Finding;
use crate::frame::{self, Frame, Head, PAYLOAD_BYTES_MAX};
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Geometry, Place};
use crate::recovery::{Mode, NextSlot, RecoveryReport, read_superblocks, recover};
use crate::scan::{Purpose, Reach, Standing, scan, standing};
use crate::superblock::Superblock;
use crate::window::Window;

/// Which slots a record may use.
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
    /// At most [`PAYLOAD_BYTES_MAX`] bytes.
    pub payload: &'a [u8],
}

/// Proof that an append is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the receipt says which record was acknowledged"]
pub struct Receipt {
    /// Number of the record; of the last one of a group.
    pub seq: u64,
    /// Chain value after it.
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
    /// Chain value after it.
    pub chain: [u8; 32],
}

/// An opened ledger.
#[derive(Debug)]
pub struct Ledger<D> {
    device: D,
    superblock: Superblock,
    next_seq: u64,
    chain: [u8; 32],
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
        Self::open_as(device, Mode::Write)
    }

    /// Opens the ledger on `device` without writing a byte, whatever state it is in.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn inspect(device: D) -> Result<(Self, RecoveryReport), OpenError> {
        Self::open_as(device, Mode::Inspect)
    }

    fn open_as(mut device: D, mode: Mode) -> Result<(Self, RecoveryReport), OpenError> {
        let recovered = recover(&mut device, mode, NextSlot::Trusted)?;
        let report = recovered.report;
        let buffer_bytes = recovered
            .superblock
            .geometry
            .group_max()
            .saturating_mul(FRAME_BYTES);
        let mut ledger = Ledger {
            device,
            superblock: recovered.superblock,
            next_seq: 0,
            chain: [0; 32],
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
        let known_seq = self.next_seq;
        let recovered = recover(&mut self.device, mode, next_slot)?;
        let mut report = recovered.report;
        if report.records < known_seq && report.read_only.is_none() {
            let finding = Finding::RecordLost {
                seq: report.records,
            };
            report.findings.add(finding);
            report.read_only = Some(ReadOnlyReason::Damage(finding));
        }
        self.superblock = recovered.superblock;
        self.take(&report);
        Ok(report)
    }

    fn take(&mut self, report: &RecoveryReport) {
        self.next_seq = report.records;
        self.chain = report.chain;
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

    /// The layout of the device.
    pub fn geometry(&self) -> Geometry {
        self.superblock.geometry
    }

    /// Records that fit altogether.
    pub fn capacity(&self) -> u64 {
        let geometry = self.superblock.geometry;
        geometry
            .slot_count
            .saturating_sub(self.superblock.bad_slots.count())
    }

    /// Records that still fit.
    pub fn free(&self, reserve: Reserve) -> u64 {
        let kept = match reserve {
            Reserve::Ordinary => self.superblock.geometry.reserve_slots,
            Reserve::Emergency => 0,
        };
        self.capacity()
            .saturating_sub(self.next_seq)
            .saturating_sub(kept)
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
                String::from("full but for the emergency reserve"),
            ),
            None => (LedgerState::Ready, String::new()),
        };
        LedgerStatus {
            state,
            reason,
            records: self.next_seq,
            capacity: self.capacity(),
            newest: self.next_seq.checked_sub(1),
            chain: self.chain,
            epoch: self.superblock.epoch,
            repaired: self.repaired,
            device_bytes: self
                .device
                .sector_count()
                .saturating_mul(SECTOR_BYTES as u64),
        }
    }

    /// Appends one record and returns when it is durable in three places.
    ///
    /// # Errors
    /// [`AppendError::fate`] says whether the record may be there all the same; if so, call
    /// [`Ledger::recover`] to find out before anything else.
    pub fn append(
        &mut self,
        kind: u8,
        payload: &[u8],
        reserve: Reserve,
    ) -> Result<Receipt, AppendError> {
        self.append_group(&[Entry { kind, payload }], reserve)
    }

    /// Appends records that belong together: after a crash all of them are there, or none.
    ///
    /// # Errors
    /// As [`Ledger::append`]; a group takes 1 to [`Geometry::group_max`] records.
    pub fn append_group(
        &mut self,
        entries: &[Entry<'_>],
        reserve: Reserve,
    ) -> Result<Receipt, AppendError> {
        self.admit(entries, reserve)?;
        // Until the read-back has succeeded nothing may follow, whatever goes wrong below.
        self.read_only = Some(ReadOnlyReason::Unconfirmed);
        let receipt = self.encode_group(entries);
        for place in places() {
            self.retarget_group(entries.len(), place);
            self.transfer(entries.len(), place, Transfer::Write)
                .map_err(AppendError::Device)?;
        }
        if !planted(Defect::AcknowledgeEarly) {
            self.make_durable().map_err(AppendError::Device)?;
            self.read_back(entries.len())?;
        }
        self.next_seq = receipt.seq.saturating_add(1);
        self.chain = receipt.chain;
        self.read_only = None;
        Ok(receipt)
    }

    fn admit(&self, entries: &[Entry<'_>], reserve: Reserve) -> Result<(), AppendError> {
        if let Some(reason) = self.read_only {
            return Err(AppendError::ReadOnly(reason));
        }
        let records_max = self.superblock.geometry.group_max();
        if entries.is_empty() || entries.len() > records_max {
            return Err(AppendError::GroupSize {
                records: entries.len(),
                records_max,
            });
        }
        let longest = entries.iter().map(|entry| entry.payload.len()).max();
        if let Some(bytes) = longest.filter(|bytes| *bytes > PAYLOAD_BYTES_MAX) {
            return Err(AppendError::PayloadTooLarge { bytes });
        }
        if (entries.len() as u64) > self.free(reserve) {
            return Err(AppendError::Full);
        }
        Ok(())
    }

    /// Lays the frames of a group, as for zone A, into the outgoing buffer.
    fn encode_group(&mut self, entries: &[Entry<'_>]) -> Receipt {
        let mut receipt = Receipt {
            seq: self.next_seq,
            chain: self.chain,
        };
        let (frames, _) = self.outgoing.as_chunks_mut::<FRAME_BYTES>();
        for ((entry, target), seq) in entries.iter().zip(frames).zip(self.next_seq..) {
            let mut head = Head {
                kind: entry.kind,
                payload_bytes: u32::try_from(entry.payload.len()).unwrap_or(u32::MAX),
                seq,
                incarnation: self.superblock.incarnation,
                group_first: self.next_seq,
                group_count: u32::try_from(entries.len()).unwrap_or(u32::MAX),
                previous_chain: receipt.chain,
                chain: [0; 32],
            };
            head.chain = frame::link(&self.superblock.epoch, &head, entry.payload);
            let slot = self.superblock.bad_slots.slot_of(seq);
            let sector = self.superblock.geometry.sector(Place::ZoneA, slot);
            let epoch = &self.superblock.epoch;
            frame::encode(target, epoch, sector, &head, entry.payload);
            receipt = Receipt {
                seq,
                chain: head.chain,
            };
        }
        receipt
    }

    /// Turns the frames in the outgoing buffer into the copies for `place`.
    fn retarget_group(&mut self, records: usize, place: Place) {
        let (frames, _) = self.outgoing.as_chunks_mut::<FRAME_BYTES>();
        for (target, seq) in frames.iter_mut().take(records).zip(self.next_seq..) {
            let slot = self.superblock.bad_slots.slot_of(seq);
            frame::retarget(target, self.superblock.geometry.sector(place, slot));
        }
    }

    /// Moves the frames of a group between the buffers and `place`, in as few requests as
    /// neighbouring places allow.
    fn transfer(
        &mut self,
        records: usize,
        place: Place,
        direction: Transfer,
    ) -> Result<(), DeviceError> {
        let geometry = self.superblock.geometry;
        let bad_slots = &self.superblock.bad_slots;
        let sector_of = |index: usize| {
            let seq = self.next_seq.saturating_add(index as u64);
            geometry.sector(place, bad_slots.slot_of(seq))
        };
        let mut start = 0;
        while start < records {
            let sector = sector_of(start);
            let mut end = start.saturating_add(1);
            let mut next = sector.saturating_add(FRAME_SECTORS);
            while end < records && sector_of(end) == next {
                end = end.saturating_add(1);
                next = next.saturating_add(FRAME_SECTORS);
            }
            let bytes = start.saturating_mul(FRAME_BYTES)..end.saturating_mul(FRAME_BYTES);
            match direction {
                Transfer::Write => {
                    let data = self.outgoing.get(bytes).ok_or(DeviceError::OutOfRange)?;
                    self.device.write(sector, data)?;
                }
                Transfer::Read => {
                    let room = self.incoming.get_mut(bytes);
                    let room = room.ok_or(DeviceError::OutOfRange)?;
                    self.device.read(sector, room)?;
                }
            }
            start = end;
        }
        Ok(())
    }

    fn make_durable(&mut self) -> Result<(), DeviceError> {
        if planted(Defect::SkipFlush) {
            return Ok(());
        }
        if planted(Defect::RetryFlush) {
            return self.device.flush().or_else(|_| self.device.flush());
        }
        self.device.flush()
    }

    /// Reads all copies of a group and compares them with what was to be written.
    fn read_back(&mut self, records: usize) -> Result<(), AppendError> {
        if planted(Defect::SkipReadBack) {
            return Ok(());
        }
        let bytes = records.saturating_mul(FRAME_BYTES);
        for place in places() {
            self.retarget_group(records, place);
            self.transfer(records, place, Transfer::Read)
                .map_err(AppendError::Device)?;
            if self.outgoing.get(..bytes) != self.incoming.get(..bytes) {
                return Err(AppendError::ReadBack);
            }
        }
        Ok(())
    }

    /// Reads and verifies one record. A damaged copy is repaired from a whole one on the way.
    ///
    /// Verifies the record by itself; [`Ledger::replay`] verifies the links between records.
    ///
    /// # Errors
    /// [`ReadError::NoSuchRecord`], or [`ReadError::Damaged`] if no copy is whole.
    pub fn record<'b>(&mut self, seq: u64, buffer: &'b mut Frame) -> Result<Record<'b>, ReadError> {
        if seq >= self.next_seq {
            return Err(ReadError::NoSuchRecord { seq });
        }
        let head = self.load(seq, None, buffer)?;
        let payload = frame::payload(buffer, &head).ok_or(ReadError::Damaged { seq })?;
        Ok(Record {
            seq,
            kind: head.kind,
            payload,
            chain: head.chain,
        })
    }

    /// Reads record `seq` from the first place where it is whole and, if `previous` is known,
    /// follows from it; repairs the places before that one.
    fn load(
        &mut self,
        seq: u64,
        previous: Option<[u8; 32]>,
        buffer: &mut Frame,
    ) -> Result<Head, ReadError> {
        let slot = self.superblock.bad_slots.slot_of(seq);
        let mut error = ReadError::Damaged { seq };
        for (tried, place) in Place::ALL.into_iter().enumerate() {
            let sector = self.superblock.geometry.sector(place, slot);
            let read = self.device.read(sector, buffer.as_mut_slice());
            let Some(head) = read.ok().and_then(|()| self.whole(buffer, sector, seq)) else {
                continue;
            };
            if previous.is_none_or(|chain| chain == head.previous_chain) {
                let damaged = Place::ALL.get(..tried).unwrap_or(&[]);
                self.repair_on_read(slot, damaged, buffer);
                return Ok(head);
            }
            error = ReadError::Unlinked { seq };
        }
        Err(error)
    }

    fn whole(&self, frame: &Frame, sector: u64, seq: u64) -> Option<Head> {
        frame::read_whole(frame, &self.superblock.epoch, sector).filter(|head| {
            head.seq == seq && standing(&self.superblock, head) != Standing::Leftover
        })
    }

    /// Writes damaged copies anew from `whole`; what does not succeed is counted as damage.
    fn repair_on_read(&mut self, slot: u64, damaged: &[Place], whole: &Frame) {
        if self.read_only.is_some() {
            return;
        }
        let mut copy = Box::new(*whole);
        for place in damaged {
            let sector = self.superblock.geometry.sector(*place, slot);
            frame::retarget(&mut copy, sector);
            let written = self.device.write(sector, copy.as_slice());
            let durable = written.and_then(|()| self.device.flush());
            let mut check = Box::new([0; FRAME_BYTES]);
            let read = self.device.read(sector, check.as_mut_slice());
            if durable.is_ok() && read.is_ok() && check == copy {
                self.repaired = self.repaired.saturating_add(1);
            } else {
                self.unrepaired = self.unrepaired.saturating_add(1);
            }
        }
    }

    /// Reads every record in order, verifies it and its link, and hands it to `visit`.
    ///
    /// # Errors
    /// [`ReplayError::Read`] at the first record that is damaged or does not follow from the
    /// one before it; [`ReplayError::Visitor`] with the visitor's own error.
    pub fn replay<E>(
        &mut self,
        mut visit: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), ReplayError<E>> {
        let mut chain = frame::genesis_chain(&self.superblock.epoch, &self.superblock.device_uuid);
        let geometry = self.superblock.geometry;
        let mut window = Window::new(Place::ZoneA, &geometry);
        let mut buffer = Box::new([0; FRAME_BYTES]);
        for seq in 0..self.next_seq {
            let slot = self.superblock.bad_slots.slot_of(seq);
            window.load(&mut self.device, &geometry, slot);
            let quick = window.frame(slot).and_then(|frame| {
                let head = self.whole(frame, geometry.sector(Place::ZoneA, slot), seq)?;
                (head.previous_chain == chain).then_some((head, frame))
            });
            let (head, frame) = match quick {
                Some(quick) => quick,
                None => {
                    let head = self.load(seq, Some(chain), &mut buffer);
                    (head.map_err(ReplayError::Read)?, &*buffer)
                }
            };
            chain = head.chain;
            let payload = frame::payload(frame, &head).unwrap_or(&[]);
            let record = Record {
                seq,
                kind: head.kind,
                payload,
                chain,
            };
            visit(record).map_err(ReplayError::Visitor)?;
        }
        Ok(())
    }

    /// Checks every copy of every record, every link, the ring and the superblocks; repairs
    /// nothing.
    pub fn verify(&mut self) -> VerifyReport {
        let (records, chain, findings) = match read_superblocks(&mut self.device) {
            Err(error) => {
                return VerifyReport {
                    sound: false,
                    records: 0,
                    chain: self.chain,
                    findings: vec![error.to_string()],
                };
            }
            Ok((superblock, mut findings)) => {
                let found = scan(&mut self.device, &superblock, Purpose::Look, Reach::Always);
                findings.absorb(found.findings);
                if superblock != self.superblock
                    || (found.next_seq, found.chain) != (self.next_seq, self.chain)
                {
                    findings.add(Finding::ChangedUnderneath {
                        seq: found.next_seq.min(self.next_seq),
                    });
                }
                (found.next_seq, found.chain, findings)
            }
        };
        let mut sentences: Vec<String> = findings.list().iter().map(ToString::to_string).collect();
        if findings.omitted() > 0 {
            sentences.push(format!("{} more findings", findings.omitted()));
        }
        VerifyReport {
            sound: findings.is_sound(),
            records,
            chain,
            findings: sentences,
        }
    }
}

/// The places that an append writes, in order.
fn places() -> impl Iterator<Item = Place> {
    Place::ALL.into_iter().filter(|place| match place {
        Place::ZoneA => true,
        Place::ZoneB => !planted(Defect::SkipMirror),
        Place::Ring => !planted(Defect::SkipRing),
    })
}

/// Which way frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    Write,
    Read,
}

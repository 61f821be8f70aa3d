//! Appending: write three copies at once, flush, read them back, acknowledge.
//!
//! Owns the order of an append's operations: FORMAT.md, section "Append".
//!
//! Invariant: from the first write until the read-back has succeeded the ledger is marked
//! [`ReadOnlyReason::Unconfirmed`], so no way out of here leaves it taking records on a guess.

use alloc::vec::Vec;

use crate::defect::{Defect, planted};
use crate::device::{BlockDevice, DeviceError};
use crate::error::{AppendError, ReadOnlyReason};
use crate::frame::{self, Head, PAYLOAD_BYTES_MAX};
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Place};

use super::{Entry, Ledger, Receipt, Reserve};

impl<D: BlockDevice> Ledger<D> {
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
    /// As [`Ledger::append`]; a group takes 1 to [`crate::Geometry::group_max`] records.
    pub fn append_group(
        &mut self,
        entries: &[Entry<'_>],
        reserve: Reserve,
    ) -> Result<Receipt, AppendError> {
        self.admit(entries, reserve)?;
        // Until the read-back has succeeded nothing may follow, whatever goes wrong below.
        self.read_only = Some(ReadOnlyReason::Unconfirmed);
        let receipt = self.encode_group(entries);
        self.copy_group(entries.len());
        self.write_copies(entries.len())
            .map_err(AppendError::Device)?;
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

    /// Lays the copies for the other places behind the frames for zone A.
    fn copy_group(&mut self, records: usize) {
        let (frames, _) = self.outgoing.as_chunks_mut::<FRAME_BYTES>();
        let (first, others) = frames.split_at_mut(records.min(frames.len()));
        for (place, copies) in places().skip(1).zip(others.chunks_mut(records.max(1))) {
            for ((copy, frame), seq) in copies.iter_mut().zip(&*first).zip(self.next_seq..) {
                *copy = *frame;
                let slot = self.superblock.bad_slots.slot_of(seq);
                frame::retarget(copy, self.superblock.geometry.sector(place, slot));
            }
        }
    }

    /// Where the frames in the buffers lie on the device: runs of a first sector and a number of
    /// frames, as few as neighbouring places allow.
    fn runs(&self, records: usize) -> Vec<(u64, usize)> {
        let mut runs: Vec<(u64, usize)> = Vec::new();
        for place in places() {
            for seq in (self.next_seq..).take(records) {
                let slot = self.superblock.bad_slots.slot_of(seq);
                let sector = self.superblock.geometry.sector(place, slot);
                match runs.last_mut() {
                    Some((first, frames))
                        if first.saturating_add(FRAME_SECTORS.saturating_mul(*frames as u64))
                            == sector =>
                    {
                        *frames = frames.saturating_add(1);
                    }
                    _ => runs.push((sector, 1)),
                }
            }
        }
        runs
    }

    fn write_copies(&mut self, records: usize) -> Result<(), DeviceError> {
        let mut rest = self.outgoing.as_slice();
        let mut writes = Vec::new();
        for (sector, frames) in self.runs(records) {
            let bytes = frames.saturating_mul(FRAME_BYTES);
            let (data, after) = rest
                .split_at_checked(bytes)
                .ok_or(DeviceError::OutOfRange)?;
            writes.push((sector, data));
            rest = after;
        }
        self.device.write_all(&writes)
    }

    fn read_copies(&mut self, records: usize) -> Result<(), DeviceError> {
        let runs = self.runs(records);
        let mut rest = self.incoming.as_mut_slice();
        let mut reads = Vec::new();
        for (sector, frames) in runs {
            let bytes = frames.saturating_mul(FRAME_BYTES);
            let (buffer, after) = rest
                .split_at_mut_checked(bytes)
                .ok_or(DeviceError::OutOfRange)?;
            reads.push((sector, buffer));
            rest = after;
        }
        self.device.read_all(&mut reads)
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
        self.read_copies(records).map_err(AppendError::Device)?;
        let bytes = records
            .saturating_mul(FRAME_BYTES)
            .saturating_mul(places().count());
        if self.outgoing.get(..bytes) != self.incoming.get(..bytes) {
            return Err(AppendError::ReadBack);
        }
        Ok(())
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

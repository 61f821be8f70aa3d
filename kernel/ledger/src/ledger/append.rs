//! Appending: write three copies, flush, read back, acknowledge.
//!
//! Owns the order of an append's operations: FORMAT.md, section "Append".
//!
//! Invariant: from the first write until the read-back has succeeded the ledger is marked
//! [`ReadOnlyReason::Unconfirmed`], so no way out of here leaves it taking records on a guess.

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

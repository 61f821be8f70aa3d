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
use crate::frame::{self, Head};
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Place};
use crate::records;

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

    /// Appends records that belong together: after a crash all of them are there, or none. They
    /// share frames where they fit.
    ///
    /// # Errors
    /// As [`Ledger::append`]; a group takes 1 to [`crate::Geometry::group_max`] frames.
    pub fn append_group(
        &mut self,
        entries: &[Entry<'_>],
        reserve: Reserve,
    ) -> Result<Receipt, AppendError> {
        let frames = self.admit(entries, reserve)?;
        // Until the read-back has succeeded nothing may follow, whatever goes wrong below.
        self.read_only = Some(ReadOnlyReason::Unconfirmed);
        let chain = self.encode_group(entries, frames);
        self.copy_group(frames);
        self.write_copies(frames).map_err(AppendError::Device)?;
        if !planted(Defect::AcknowledgeEarly) {
            self.make_durable().map_err(AppendError::Device)?;
            self.read_back(frames)?;
        }
        self.next_seq = self.next_seq.saturating_add(frames as u64);
        self.records = self.records.saturating_add(entries.len() as u64);
        self.chain = chain;
        self.read_only = None;
        let seq = self.records.saturating_sub(1);
        Ok(Receipt { seq, chain })
    }

    /// How many frames `entries` take, if they may be appended.
    fn admit(&self, entries: &[Entry<'_>], reserve: Reserve) -> Result<usize, AppendError> {
        if let Some(reason) = self.read_only {
            return Err(AppendError::ReadOnly(reason));
        }
        let version = self.superblock.version;
        let bytes_max = version.payload_bytes_max();
        let longest = entries.iter().map(|entry| entry.payload.len()).max();
        if let Some(bytes) = longest.filter(|bytes| *bytes > bytes_max) {
            return Err(AppendError::PayloadTooLarge { bytes, bytes_max });
        }
        let frames = records::pack(version, entries).count();
        let frames_max = self.superblock.geometry.group_max();
        if frames == 0 || frames > frames_max {
            return Err(AppendError::GroupSize { frames, frames_max });
        }
        if (frames as u64) > self.free(reserve) {
            return Err(AppendError::Full);
        }
        Ok(frames)
    }

    /// Lays the `group_count` frames of a group, as for zone A, into the outgoing buffer; returns the
    /// chain value after them.
    fn encode_group(&mut self, entries: &[Entry<'_>], group_count: usize) -> [u8; 32] {
        let superblock = &self.superblock;
        let version = superblock.version;
        let mut chain = self.chain;
        let mut record_first = self.records;
        let (frames, _) = self.outgoing.as_chunks_mut::<FRAME_BYTES>();
        let laid = records::pack(version, entries).zip(frames);
        for ((entries, frame), seq) in laid.zip(self.next_seq..) {
            let payload_bytes = records::lay(frame, version, entries);
            let mut head = Head {
                version,
                kind: records::frame_kind(version, entries),
                payload_bytes: u32::try_from(payload_bytes).unwrap_or(u32::MAX),
                seq,
                incarnation: superblock.incarnation,
                group_first: self.next_seq,
                group_count: u32::try_from(group_count).unwrap_or(u32::MAX),
                record_first,
                record_count: u32::try_from(entries.len()).unwrap_or(u32::MAX),
                previous_chain: chain,
                chain: [0; 32],
            };
            let payload = frame::payload(frame, &head).unwrap_or(&[]);
            head.chain = frame::link(&superblock.epoch, &head, payload);
            let slot = superblock.bad_slots.slot_of(seq);
            let sector = superblock.geometry.sector(Place::ZoneA, slot);
            frame::write_header(frame, &superblock.epoch, sector, &head);
            chain = head.chain;
            record_first = head.record_end();
        }
        chain
    }

    /// Lays the copies for the other places behind the frames for zone A.
    fn copy_group(&mut self, frames: usize) {
        let (buffer, _) = self.outgoing.as_chunks_mut::<FRAME_BYTES>();
        let (first, others) = buffer.split_at_mut(frames.min(buffer.len()));
        for (place, copies) in places().skip(1).zip(others.chunks_mut(frames.max(1))) {
            for ((copy, frame), seq) in copies.iter_mut().zip(&*first).zip(self.next_seq..) {
                *copy = *frame;
                let slot = self.superblock.bad_slots.slot_of(seq);
                frame::retarget(copy, self.superblock.geometry.sector(place, slot));
            }
        }
    }

    /// Where the frames in the buffers lie on the device: runs of a first sector and a number of
    /// frames, as few as neighbouring places allow.
    fn runs(&self, frames: usize) -> Vec<(u64, usize)> {
        let mut runs: Vec<(u64, usize)> = Vec::new();
        for place in places() {
            for seq in (self.next_seq..).take(frames) {
                let slot = self.superblock.bad_slots.slot_of(seq);
                let sector = self.superblock.geometry.sector(place, slot);
                match runs.last_mut() {
                    Some((first, length))
                        if first.saturating_add(FRAME_SECTORS.saturating_mul(*length as u64))
                            == sector =>
                    {
                        *length = length.saturating_add(1);
                    }
                    _ => runs.push((sector, 1)),
                }
            }
        }
        runs
    }

    fn write_copies(&mut self, frames: usize) -> Result<(), DeviceError> {
        let mut rest = self.outgoing.as_slice();
        let mut writes = Vec::new();
        for (sector, length) in self.runs(frames) {
            let bytes = length.saturating_mul(FRAME_BYTES);
            let (data, after) = rest
                .split_at_checked(bytes)
                .ok_or(DeviceError::OutOfRange)?;
            writes.push((sector, data));
            rest = after;
        }
        self.device.write_all(&writes)
    }

    fn read_copies(&mut self, frames: usize) -> Result<(), DeviceError> {
        let runs = self.runs(frames);
        let mut rest = self.incoming.as_mut_slice();
        let mut reads = Vec::new();
        for (sector, length) in runs {
            let bytes = length.saturating_mul(FRAME_BYTES);
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
    fn read_back(&mut self, frames: usize) -> Result<(), AppendError> {
        if planted(Defect::SkipReadBack) {
            return Ok(());
        }
        self.read_copies(frames).map_err(AppendError::Device)?;
        let bytes = frames
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

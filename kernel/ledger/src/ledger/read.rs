//! Reading: single records, replay, and the complete check.
//!
//! Owns what leaves the ledger: every record is verified in the call that returns it, and a
//! damaged copy that a read comes upon is repaired from a whole one.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use abi::response::VerifyReport;

use crate::defect::{Defect, planted};
use crate::device::BlockDevice;
use crate::error::{ReadError, ReplayError};
use crate::finding::Finding;
use crate::frame::{self, Frame, Head};
use crate::geometry::{FRAME_BYTES, Place};
use crate::records;
use crate::recovery::read_superblocks;
use crate::scan::{Purpose, Reach, Standing, follows, scan, standing};
use crate::window::Window;

use super::{Ledger, Record};

/// The records of a whole frame, each with its number.
fn records_of<'f>(frame: &'f Frame, head: &Head) -> impl Iterator<Item = Record<'f>> {
    let payload = frame::payload(frame, head).unwrap_or(&[]);
    let (chain, group_frames) = (head.chain, head.group_count);
    let closing = (head.seq.saturating_add(1) == head.group_end()).then(|| head.record_end());
    let numbered = (head.record_first..).zip(records::records(head, payload));
    numbered.map(move |(seq, entry)| Record {
        seq,
        kind: entry.kind,
        payload: entry.payload,
        chain,
        group_frames,
        closes_append: closing == Some(seq.saturating_add(1)),
    })
}

impl<D: BlockDevice> Ledger<D> {
    /// Reads and verifies one record. A damaged copy is repaired from a whole one on the way.
    ///
    /// Verifies the frame of the record by itself; [`Ledger::replay`] verifies the links between frames.
    ///
    /// # Errors
    /// [`ReadError::NoSuchRecord`], or [`ReadError::Damaged`] if no copy is whole.
    pub fn record<'b>(&mut self, seq: u64, buffer: &'b mut Frame) -> Result<Record<'b>, ReadError> {
        if seq >= self.records {
            return Err(ReadError::NoSuchRecord { seq });
        }
        let head = self.find(seq, buffer)?;
        let mut shared = records_of(buffer, &head);
        let record = shared.find(|record| record.seq == seq);
        record.ok_or(ReadError::Damaged { seq })
    }

    /// Reads frame `seq` from the first place where it is whole and, if `previous` is known, follows
    /// from it; repairs the places before that one. An error names `record`.
    pub(super) fn load(
        &mut self,
        seq: u64,
        previous: Option<[u8; 32]>,
        record: u64,
        buffer: &mut Frame,
    ) -> Result<Head, ReadError> {
        let slot = self.superblock.bad_slots.slot_of(seq);
        let mut error = ReadError::Damaged { seq: record };
        for (tried, place) in Place::ALL.into_iter().enumerate() {
            let sector = self.superblock.geometry.sector(place, slot);
            let read = self.device.read(sector, buffer.as_mut_slice());
            let Some(head) = read.ok().and_then(|()| self.whole(buffer, sector, seq)) else {
                continue;
            };
            if previous.is_none_or(|chain| follows(&head, chain, record)) {
                let damaged = Place::ALL.get(..tried).unwrap_or(&[]);
                self.repair_on_read(slot, damaged, buffer);
                return Ok(head);
            }
            error = ReadError::Unlinked { seq: record };
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
        let mut next: u64 = 0;
        for seq in 0..self.next_seq {
            let slot = self.superblock.bad_slots.slot_of(seq);
            window.load(&mut self.device, &geometry, slot);
            let quick = window.frame(slot).and_then(|frame| {
                let head = self.whole(frame, geometry.sector(Place::ZoneA, slot), seq)?;
                follows(&head, chain, next).then_some((head, frame))
            });
            let (head, frame) = match quick {
                Some(quick) => quick,
                None => {
                    let head = self.load(seq, Some(chain), next, &mut buffer);
                    (head.map_err(ReplayError::Read)?, &*buffer)
                }
            };
            chain = head.chain;
            next = head.record_end();
            let shown = if planted(Defect::DropSharedRecords) {
                1
            } else {
                usize::MAX
            };
            for record in records_of(frame, &head).take(shown) {
                visit(record).map_err(ReplayError::Visitor)?;
            }
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
                        seq: found.records.min(self.records),
                    });
                }
                (found.records, found.chain, findings)
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

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

use crate::device::BlockDevice;
use crate::error::{ReadError, ReplayError};
use crate::finding::Finding;
use crate::frame::{self, Frame, Head};
use crate::geometry::{FRAME_BYTES, Place};
use crate::recovery::read_superblocks;
use crate::scan::{Purpose, Reach, Standing, scan, standing};
use crate::window::Window;

use super::{Ledger, Record};

impl<D: BlockDevice> Ledger<D> {
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
            group_first: head.group_first,
            group_count: head.group_count,
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
                group_first: head.group_first,
                group_count: head.group_count,
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

//! Finding the frame of a record: records have numbers of their own, and frames lie in their order.
//!
//! Owns the search. It trusts no frame: what it comes upon is verified, and a frame counts only if its
//! own header says that it holds the record.
//!
//! Bound: about twice the binary logarithm of the number of frames; all frames on a damaged ledger.

use core::ops::Range;

use crate::device::BlockDevice;
use crate::error::{ReadError, ReadOnlyReason};
use crate::frame::{Frame, Head};

use super::Ledger;

/// A place between frames: the frame behind it, and that one's first record.
#[derive(Clone, Copy, Debug)]
struct Position {
    seq: u64,
    record: u64,
}

impl Position {
    fn before(head: &Head) -> Self {
        Position {
            seq: head.seq,
            record: head.record_first,
        }
    }

    fn behind(head: &Head) -> Self {
        Position {
            seq: head.seq.saturating_add(1),
            record: head.record_end(),
        }
    }
}

/// Narrows `within`, which holds `record`, by what a frame in it says; `true` if that frame has it.
fn narrow(within: &mut Range<Position>, head: &Head, record: u64) -> bool {
    if head.record_end() <= record {
        within.start = Position::behind(head);
        return false;
    }
    if head.record_first > record {
        within.end = Position::before(head);
        return false;
    }
    *within = Position::before(head)..Position::behind(head);
    true
}

impl<D: BlockDevice> Ledger<D> {
    /// Reads the frame that holds `record` into `buffer`.
    pub(super) fn find(&mut self, record: u64, buffer: &mut Frame) -> Result<Head, ReadError> {
        let is_damaged = matches!(self.read_only, Some(ReadOnlyReason::Damage(_)));
        let head = match self.search(record, buffer) {
            // Frames that are lost, or that say what is not so, lead a search astray.
            Err(_) if is_damaged => self.look_through(record, buffer),
            found => found,
        }?;
        self.found = Some(head);
        Ok(head)
    }

    fn search(&mut self, record: u64, buffer: &mut Frame) -> Result<Head, ReadError> {
        let start = Position { seq: 0, record: 0 };
        let end = Position {
            seq: self.next_seq,
            record: self.records,
        };
        let mut within = start..end;
        if let Some(head) = &self.found {
            narrow(&mut within, head, record);
        }
        let mut step: u64 = 0;
        while within.start.seq < within.end.seq {
            let frames = within.end.seq.saturating_sub(within.start.seq);
            let records = within.end.record.saturating_sub(within.start.record);
            let ahead = if records == frames {
                // One record in each frame: its number leads to it.
                let into = record.saturating_sub(within.start.record);
                into.min(frames.saturating_sub(1))
            } else {
                // Neighbours are read one after the other, so the first looks are close.
                step.min(frames / 2)
            };
            step = step.saturating_mul(2).max(1);
            let seq = within.start.seq.saturating_add(ahead);
            let head = self.load(seq, None, record, buffer)?;
            if narrow(&mut within, &head, record) {
                return Ok(head);
            }
        }
        Err(ReadError::Damaged { seq: record })
    }

    fn look_through(&mut self, record: u64, buffer: &mut Frame) -> Result<Head, ReadError> {
        // From where the last record was found: the next one is near.
        let from = self.found.map_or(0, |head| head.seq).min(self.next_seq);
        for seq in (from..self.next_seq).chain(0..from) {
            let head = self.load(seq, None, record, buffer).ok();
            let holds = |head: &Head| (head.record_first..head.record_end()).contains(&record);
            if let Some(head) = head.filter(holds) {
                return Ok(head);
            }
        }
        Err(ReadError::Damaged { seq: record })
    }
}

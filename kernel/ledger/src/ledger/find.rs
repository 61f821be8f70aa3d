//! Finding the frame of a record: records have numbers of their own, and frames lie in their order.
//!
//! Owns the search. It trusts no frame: what it comes upon is verified, and a frame counts only if its
//! own header says that it holds the record.
//!
//! Bound: about twice the binary logarithm of the number of frames looked at. Frames that recovery
//! found lost are stepped over. A frame that says what is not so leads a search astray: then the ledger
//! takes no records, and an error is the answer.

use core::ops::Range;

use crate::device::BlockDevice;
use crate::error::ReadError;
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
            let mut seq = probe(&within, record, step);
            step = step.saturating_mul(2).max(1);
            if let Some(hole) = self.lost.iter().find(|hole| hole.contains(&seq)) {
                if hole.end >= within.end.seq {
                    within.end.seq = hole.start;
                    continue;
                }
                seq = hole.end;
            }
            let head = self.load(seq, None, record, buffer)?;
            if narrow(&mut within, &head, record) {
                self.found = Some(head);
                return Ok(head);
            }
        }
        Err(ReadError::Damaged { seq: record })
    }
}

/// The frame to look at next.
fn probe(within: &Range<Position>, record: u64, step: u64) -> u64 {
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
    within.start.seq.saturating_add(ahead)
}

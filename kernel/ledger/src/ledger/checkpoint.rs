//! Checkpoints: telling what the ledger holds, and holding it against what it held.
//!
//! Owns the verdict on a checkpoint. A checkpoint was kept where whoever changed the device could
//! not reach it, so it finds what no look at the device alone can: an older image put back, a tail
//! cut off, and a history made anew with every digest right.

use core::fmt;

use abi::Checkpoint;

use crate::device::BlockDevice;
use crate::error::{ReadError, ReadOnlyReason, ReplayError};
use crate::frame;

use super::Ledger;

/// How a ledger departs from a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The checkpoint is of another ledger, or the device was formatted since.
    OtherLedger,
    /// Records that the checkpoint counts are missing at the end.
    Behind {
        /// Records that are here.
        records: u64,
        /// Records that were there.
        kept: u64,
    },
    /// There are as many records, and one of them is not what it was.
    Rewritten {
        /// The records of the checkpoint, one of which was changed, or more.
        kept: u64,
    },
    /// A record before the checkpoint cannot be read.
    Unreadable(ReadError),
}

impl fmt::Display for Departure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Departure::OtherLedger => out.write_str(
                "the checkpoint is of another ledger: the device was formatted since, or is \
                 not the one that it was taken from",
            ),
            Departure::Behind { records, kept } => write!(
                out,
                "the checkpoint counts {kept} records and {records} are here: an older image \
                 was put back, or the newest records were cut off"
            ),
            Departure::Rewritten { kept } => write!(
                out,
                "the first {kept} records are not those of the checkpoint: the history was \
                 made anew"
            ),
            Departure::Unreadable(error) => write!(
                out,
                "the records up to the checkpoint cannot all be read: {error}"
            ),
        }
    }
}

impl core::error::Error for Departure {}

impl<D: BlockDevice> Ledger<D> {
    /// What the ledger holds now, to be kept away from the device; `None` while it is damaged,
    /// since a checkpoint of a damaged history would vouch for it.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let is_damaged = matches!(self.read_only, Some(ReadOnlyReason::Damage(_)));
        (!is_damaged).then_some(Checkpoint {
            epoch: self.superblock.epoch,
            records: self.records,
            chain: self.chain,
        })
    }

    /// Whether the ledger still begins with all that it held at `checkpoint`. Reads and verifies
    /// every record and every link.
    ///
    /// # Errors
    /// [`Departure`] says in what way it does not.
    pub fn hold_against(&mut self, checkpoint: &Checkpoint) -> Result<(), Departure> {
        let kept = checkpoint.records;
        if checkpoint.epoch != self.superblock.epoch {
            return Err(Departure::OtherLedger);
        }
        if self.records < kept {
            let records = self.records;
            return Err(Departure::Behind { records, kept });
        }
        let mut chain = frame::genesis_chain(&self.superblock.epoch, &self.superblock.device_uuid);
        if kept > 0 {
            let replayed = self.replay(|record| {
                // A checkpoint is taken between appends.
                if record.closes_append {
                    chain = record.chain;
                }
                // Nothing behind the checkpoint is its business.
                if record.seq.saturating_add(1) < kept {
                    Ok(())
                } else {
                    Err(())
                }
            });
            if let Err(ReplayError::Read(error)) = replayed {
                return Err(Departure::Unreadable(error));
            }
        }
        if chain == checkpoint.chain {
            Ok(())
        } else {
            Err(Departure::Rewritten { kept })
        }
    }
}

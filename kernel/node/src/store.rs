//! The disk under the ledger: which one, what it holds, and making a ledger on it.
//!
//! Owns the device. Nothing here writes to a device that holds no ledger, except
//! [`Store::format`], which runs on the operator's confirmed word only.

use abi::response::{LedgerState, LedgerStatus};
use abi::{Fault, FaultCode};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;
use ledger::{BlockDevice, Examination, Ledger, RecoveryReport, SECTOR_BYTES, Seed};

/// A block device, whatever drives it.
pub type Disk = Box<dyn BlockDevice>;

/// What stands where the ledger should be.
pub(crate) enum Store {
    /// No disk.
    Absent,
    /// A disk without a ledger that this version can use.
    Unusable { disk: Disk, holds: Examination },
    /// A disk whose ledger could not be opened, with the reason; nothing was written.
    Failed { disk: Disk, reason: String },
    /// A ledger, possibly read-only.
    Open(Box<Ledger<Disk>>),
}

fn bytes_of(disk: &Disk) -> u64 {
    disk.sector_count().saturating_mul(SECTOR_BYTES as u64)
}

/// How much a disk looks like the one that is meant: the least is taken.
fn rank(holds: &Examination) -> u32 {
    match holds {
        Examination::Ours { .. } => 0,
        Examination::Unsupported { .. } => 1,
        Examination::Blank => 2,
        Examination::Foreign { .. } => 3,
        Examination::TooSmall { .. } => 4,
        Examination::Unreadable(_) => 5,
    }
}

/// What a disk of `bytes` bytes holds, and the word that confirms losing it; `records` are those of
/// the ledger on it, if it opens.
#[must_use]
pub fn confirmation(holds: &Examination, records: Option<u64>, bytes: u64) -> (String, String) {
    let mib = bytes >> 20;
    match (holds, records) {
        (_, Some(records)) => (
            format!("a GlyphOS ledger with {records} records"),
            format!("erase-{records}-records"),
        ),
        (Examination::Blank, _) => (String::from("nothing"), format!("format-{mib}-mib")),
        (Examination::Foreign { what }, _) => (String::from(*what), format!("erase-{mib}-mib")),
        (other, _) => (other.to_string(), format!("erase-{mib}-mib")),
    }
}

impl Store {
    /// Takes the disk that holds a ledger, else the one most fit for one; reads only, unless a
    /// ledger is there to be recovered.
    pub(crate) fn choose(disks: Vec<Disk>) -> (Store, Option<RecoveryReport>) {
        let best = disks
            .into_iter()
            .map(|mut disk| (ledger::examine(&mut disk), disk))
            .min_by_key(|(holds, _)| rank(holds));
        match best {
            None => (Store::Absent, None),
            Some((Examination::Ours { .. }, disk)) => Store::open(disk),
            Some((holds, disk)) => (Store::Unusable { disk, holds }, None),
        }
    }

    fn open(disk: Disk) -> (Store, Option<RecoveryReport>) {
        match Ledger::open_or_give_back(disk) {
            Ok((ledger, report)) => (Store::Open(Box::new(ledger)), Some(report)),
            Err((error, disk)) => {
                let reason = error.to_string();
                (Store::Failed { disk, reason }, None)
            }
        }
    }

    pub(crate) fn ledger(&mut self) -> Option<&mut Ledger<Disk>> {
        match self {
            Store::Open(ledger) => Some(ledger),
            _ => None,
        }
    }

    /// The last mark of fullness that the ledger has passed, in percent; 0 without a ledger.
    pub(crate) fn fill_mark(&self) -> u64 {
        match self {
            Store::Open(ledger) => ledger.fill_mark(),
            _ => 0,
        }
    }

    /// Why there is no ledger, and what to do.
    pub(crate) fn unavailable(&self) -> Fault {
        Fault::new(FaultCode::LedgerUnavailable, self.status().reason)
    }

    pub(crate) fn status(&self) -> LedgerStatus {
        let (state, reason, device_bytes) = match self {
            Store::Open(ledger) => return ledger.status(),
            Store::Absent => (
                LedgerState::Absent,
                String::from("no disk: attach a virtio disk and start again"),
                0,
            ),
            Store::Failed { disk, reason } => (LedgerState::Failed, reason.clone(), bytes_of(disk)),
            Store::Unusable { disk, holds } => {
                let (state, advice) = match holds {
                    Examination::Blank => (LedgerState::Blank, ""),
                    Examination::Foreign { .. } => (
                        LedgerState::Foreign,
                        ": attach another disk, or type `ledger format` to see what would be lost",
                    ),
                    Examination::TooSmall { .. } => (LedgerState::Failed, ": attach a larger disk"),
                    _ => (LedgerState::Failed, ""),
                };
                (state, format!("{holds}{advice}"), bytes_of(disk))
            }
        };
        LedgerStatus {
            state,
            reason,
            records: 0,
            frames: 0,
            capacity: 0,
            newest: None,
            chain: [0; 32],
            epoch: [0; 16],
            repaired: 0,
            device_bytes,
        }
    }

    /// What the disk holds and the word that confirms losing it; `None` if there is no disk.
    pub(crate) fn confirmation(&mut self) -> Option<(String, String)> {
        match self {
            Store::Absent => None,
            Store::Failed { disk, reason } => {
                let (_, word) = confirmation(&ledger::examine(disk), None, bytes_of(disk));
                Some((format!("a ledger that does not open: {reason}"), word))
            }
            Store::Open(ledger) => {
                let records = ledger.records();
                let holds = ledger::examine(ledger.device_mut());
                let bytes = bytes_of(ledger.device_mut());
                Some(confirmation(&holds, Some(records), bytes))
            }
            Store::Unusable { disk, holds } => Some(confirmation(holds, None, bytes_of(disk))),
        }
    }

    /// Makes a new ledger on the disk, whatever it holds. The caller has the operator's word.
    pub(crate) fn format(&mut self, seed: Seed) -> Result<(), Fault> {
        let mut disk = match mem::replace(self, Store::Absent) {
            Store::Open(ledger) => ledger.into_device(),
            Store::Unusable { disk, .. } | Store::Failed { disk, .. } => disk,
            Store::Absent => return Err(self.unavailable()),
        };
        if let Err(error) = ledger::format(&mut disk, seed) {
            let holds = ledger::examine(&mut disk);
            *self = Store::Unusable { disk, holds };
            return Err(Fault::new(FaultCode::Device, error.to_string()));
        }
        *self = Store::open(disk).0;
        match self {
            Store::Open(_) => Ok(()),
            _ => Err(self.unavailable()),
        }
    }
}

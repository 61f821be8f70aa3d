//! The ledger on a file: all three copies, `fdatasync`, all of them read back.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ledger::{BlockDevice, DeviceError, Entry, Ledger, Reserve, SECTOR_BYTES, Seed};

use crate::file::Timed;
use crate::{Contestant, Failure, PAYLOAD, Spent};

const SECTOR: u64 = SECTOR_BYTES as u64;
/// Bytes of the disk: room for all rounds.
const BYTES: u64 = 384 << 20;

struct Disk(Timed);

impl BlockDevice for Disk {
    fn sector_count(&self) -> u64 {
        self.0.bytes / SECTOR
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let read = self.0.file.read_exact_at(buffer, sector * SECTOR);
        read.map_err(|_| DeviceError::Read)
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        let written = self.0.file.write_all_at(data, sector * SECTOR);
        written.map_err(|_| DeviceError::Write)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.0.flush().map_err(|_| DeviceError::Flush)
    }
}

pub(crate) struct Ours {
    ledger: Ledger<Disk>,
    spent: Spent,
}

impl Ours {
    pub(crate) fn create(folder: &Path) -> Result<Self, Failure> {
        let mut disk = Disk(Timed::create(&folder.join("ledger.img"), BYTES)?);
        let seed = Seed {
            device_uuid: *b"bench-device-id!",
            epoch: *b"an epoch of ours",
        };
        ledger::format(&mut disk, seed)?;
        let (ledger, _) = Ledger::open(disk)?;
        Ok(Ours {
            ledger,
            spent: Spent::default(),
        })
    }
}

impl Contestant for Ours {
    fn name(&self) -> &'static str {
        "GlyphOS ledger"
    }

    fn commit(&mut self, records: u64) -> Result<(), Failure> {
        let entry = Entry {
            kind: 1,
            payload: &PAYLOAD,
        };
        let entries = vec![entry; usize::try_from(records)?];
        let receipt = self.ledger.append_group(&entries, Reserve::Emergency)?;
        if receipt.seq + 1 != self.ledger.records() {
            return Err("a receipt for another record".into());
        }
        self.spent = self.ledger.device_mut().0.spent();
        Ok(())
    }

    fn spent(&self) -> Spent {
        self.spent
    }
}

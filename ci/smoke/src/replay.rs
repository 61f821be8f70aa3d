//! What a power cut could have left of a disk, from the log of its writes, and the verdict on it.
//!
//! Owns the replay: the disk as it was durable at each flush, and what can become of the writes that
//! followed. Each such disk is given to the ledger's own recovery.
//!
//! Invariants:
//! - the disk under a replay is the one of the crash campaign, with its fates of sectors;
//! - a replay is named by its flush and its number, and comes out the same again.

use std::fmt::Write as _;

use ledger::simulated::{SectorFate, SimulatedDisk};
use ledger::{BlockDevice, Ledger, SECTOR_BYTES};
use qemu::{BlockLog, Entry};

use crate::draw::Draw;

/// Writes of which each subset is tried; of more, all but one and one alone.
const SUBSET_WRITES_MAX: usize = 4;

/// What a person at the console was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// Entries that the log had when it was told.
    pub(crate) entries: usize,
    /// Records in the ledger.
    pub(crate) records: u64,
    /// The chain value after the newest of them, in hexadecimal.
    pub(crate) chain: String,
}

/// The disk at one flush, and what was written from there to the next.
#[derive(Debug)]
pub(crate) struct Flush<'a> {
    /// Entries of the log up to this flush.
    pub(crate) entries: usize,
    durable: SimulatedDisk,
    writes: Vec<(u64, &'a [u8])>,
}

/// The flushes of a log over a blank disk of `disk_bytes`, in order; the first is the blank disk.
///
/// # Errors
/// A sentence if the log has an entry that no ledger makes.
pub(crate) fn flushes<'a>(log: &BlockLog<'a>, disk_bytes: usize) -> Result<Vec<Flush<'a>>, String> {
    let mut disk = SimulatedDisk::new(disk_bytes / SECTOR_BYTES);
    let mut flushes = vec![Flush {
        entries: 0,
        durable: disk.clone(),
        writes: Vec::new(),
    }];
    for (number, entry) in log.entries.iter().enumerate() {
        match *entry {
            Entry::Write { sector, data } => {
                disk.write(sector, data)
                    .map_err(|error| format!("entry {number}: {error}"))?;
                if let Some(last) = flushes.last_mut() {
                    last.writes.push((sector, data));
                }
            }
            Entry::Flush => {
                disk.flush()
                    .map_err(|error| format!("entry {number}: {error}"))?;
                flushes.push(Flush {
                    entries: number.saturating_add(1),
                    durable: disk.clone(),
                    writes: Vec::new(),
                });
            }
            Entry::Other => return Err(format!("entry {number} is neither a write nor a flush")),
        }
    }
    Ok(flushes)
}

impl Flush<'_> {
    /// The disk as this flush left it.
    pub(crate) fn durable(&self) -> SimulatedDisk {
        self.durable.clone()
    }

    /// What a power cut before the next flush can leave: any choice of the writes, then `torn` disks
    /// whose sectors are old, new, of an earlier write, or neither.
    pub(crate) fn cuts(&self, torn: usize, seed: u64) -> Vec<SimulatedDisk> {
        if self.writes.is_empty() {
            return vec![self.durable()];
        }
        let mut disk = self.durable();
        for (sector, data) in &self.writes {
            // In range, because the log was replayed once already.
            let _ = disk.write(*sector, data);
        }
        let count = self.writes.len();
        let subsets: Vec<Vec<usize>> = if count <= SUBSET_WRITES_MAX {
            (0..1_usize << count)
                .map(|set| (0..count).filter(|write| set >> write & 1 == 1).collect())
                .collect()
        } else {
            let alone = (0..count).map(|one| vec![one]);
            let but_one = (0..count).map(|one| (0..count).filter(|write| *write != one).collect());
            let ends = [Vec::new(), (0..count).collect()];
            ends.into_iter().chain(alone).chain(but_one).collect()
        };
        let mut cuts: Vec<SimulatedDisk> = subsets
            .iter()
            .map(|subset| self.with_writes(subset))
            .collect();
        let mut draw = Draw::new(seed.wrapping_add(self.entries as u64));
        cuts.extend((0..torn).map(|_| {
            disk.crash(|_| match draw.below(4) {
                0 => SectorFate::Old,
                1 => SectorFate::Earlier,
                2 => SectorFate::Garbage(draw.below(u64::MAX)),
                _ => SectorFate::New,
            })
        }));
        cuts
    }

    /// The durable disk with these of the writes after it.
    fn with_writes(&self, chosen: &[usize]) -> SimulatedDisk {
        let mut disk = self.durable();
        for (sector, data) in chosen.iter().filter_map(|write| self.writes.get(*write)) {
            let _ = disk.write(*sector, data);
        }
        disk.crash(|_| SectorFate::New)
    }
}

/// What recovery makes of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No ledger: a format that was not finished, or not begun.
    Nothing,
    /// A ledger that takes records.
    Ready {
        /// Its records.
        records: u64,
        /// Its chain value, in hexadecimal.
        chain: String,
    },
}

/// Recovers `disk` and demands all that was `acknowledged`, and no more than `records_max` records.
///
/// # Errors
/// A sentence with what is lost or wrong.
pub(crate) fn judge(
    disk: SimulatedDisk,
    acknowledged: Option<&Acknowledged>,
    records_max: u64,
) -> Result<Found, String> {
    let (mut ledger, report) = match Ledger::open(disk) {
        Ok(opened) => opened,
        Err(_) if acknowledged.is_none() => return Ok(Found::Nothing),
        Err(error) => return Err(format!("an acknowledged ledger does not open: {error}")),
    };
    if let Some(reason) = report.read_only {
        return Err(format!("the ledger is read-only: {reason}"));
    }
    let records = ledger.records();
    if records > records_max {
        return Err(format!("{records} records, and {records_max} were written"));
    }
    let mut chains = Vec::new();
    ledger
        .replay(|record| {
            chains.push(record.chain);
            Ok::<(), ()>(())
        })
        .map_err(|error| format!("a record does not read: {error:?}"))?;
    if let Some(told) = acknowledged {
        let newest = told.records.checked_sub(1).map(|newest| {
            let newest = usize::try_from(newest).ok();
            let chain = newest.and_then(|newest| chains.get(newest));
            chain.map(|chain| hex(chain))
        });
        // Of an empty ledger nothing can be lost but that it opens.
        if newest.is_some_and(|newest| newest.as_ref() != Some(&told.chain)) {
            return Err(format!(
                "{} records were acknowledged, and after the cut there are {records}, the last of \
                 these with the chain {}",
                told.records,
                hex(&ledger.chain())
            ));
        }
    }
    Ok(Found::Ready {
        records,
        chain: hex(&ledger.chain()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Reserve, Seed};

    const DISK_BYTES: usize = 1 << 20;

    /// A write, or a flush.
    type Operation = Option<(u64, Vec<u8>)>;

    /// A device that keeps a log of itself, as QEMU's does.
    #[derive(Default)]
    struct Logging {
        disk: Option<SimulatedDisk>,
        entries: Vec<Operation>,
    }

    impl Logging {
        fn disk(&mut self) -> &mut SimulatedDisk {
            self.disk
                .get_or_insert_with(|| SimulatedDisk::new(DISK_BYTES / SECTOR_BYTES))
        }
    }

    impl BlockDevice for Logging {
        fn sector_count(&self) -> u64 {
            (DISK_BYTES / SECTOR_BYTES) as u64
        }

        fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), ledger::DeviceError> {
            self.disk().read(sector, buffer)
        }

        fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), ledger::DeviceError> {
            self.entries.push(Some((sector, data.to_vec())));
            self.disk().write(sector, data)
        }

        fn flush(&mut self) -> Result<(), ledger::DeviceError> {
            self.entries.push(None);
            self.disk().flush()
        }
    }

    /// A ledger of four records, its log, and what was acknowledged when.
    fn written() -> (Vec<Operation>, Vec<Acknowledged>) {
        let mut device = Logging::default();
        let seed = Seed {
            device_uuid: [1; 16],
            epoch: [2; 16],
        };
        ledger::format(&mut device, seed).unwrap();
        let (mut ledger, _) = Ledger::open(device).unwrap();
        let mut told = Vec::new();
        for number in 0..4 {
            let _ = ledger.append(1, &[number; 300], Reserve::Ordinary).unwrap();
            told.push(Acknowledged {
                entries: ledger.device_mut().entries.len(),
                records: ledger.records(),
                chain: hex(&ledger.chain()),
            });
        }
        (ledger.into_device().entries, told)
    }

    fn log(entries: &[Operation]) -> BlockLog<'_> {
        let entries = entries
            .iter()
            .map(|entry| match entry {
                Some((sector, data)) => Entry::Write {
                    sector: *sector,
                    data,
                },
                None => Entry::Flush,
            })
            .collect();
        BlockLog { entries }
    }

    #[test]
    fn every_cut_of_a_sound_log_keeps_what_was_acknowledged() {
        let (entries, told) = written();
        let mut cuts = 0;
        for flush in flushes(&log(&entries), DISK_BYTES).unwrap() {
            let told = told.iter().rfind(|told| told.entries <= flush.entries);
            for cut in flush.cuts(8, 1) {
                judge(cut, told, 4).unwrap();
                cuts += 1;
            }
        }
        assert!(cuts > 100);
    }

    #[test]
    fn a_flush_that_never_happened_loses_an_acknowledged_record_and_is_seen() {
        let (mut entries, told) = written();
        let last = told.last().unwrap();
        // The flush of the last append is taken out: its writes stay in the cache.
        assert_eq!(entries.remove(last.entries - 1), None);
        let log = log(&entries);
        let flushes = flushes(&log, DISK_BYTES).unwrap();
        let flush = flushes.last().unwrap();
        let lost = judge(flush.durable(), Some(last), 4).unwrap_err();
        assert!(lost.contains("4 records were acknowledged"), "{lost}");
        assert!(
            flush
                .cuts(0, 1)
                .into_iter()
                .any(|cut| judge(cut, Some(last), 4).is_err())
        );
    }

    #[test]
    fn a_record_that_nobody_wrote_is_seen() {
        let (entries, told) = written();
        let log = log(&entries);
        let flushes = flushes(&log, DISK_BYTES).unwrap();
        let whole = flushes.last().unwrap().durable();
        assert!(judge(whole.clone(), told.last(), 4).is_ok());
        assert!(judge(whole, told.last(), 3).is_err());
    }

    #[test]
    fn an_entry_that_no_ledger_makes_is_refused() {
        let log = BlockLog {
            entries: vec![Entry::Other],
        };
        assert!(flushes(&log, DISK_BYTES).is_err());
        let data = [0; SECTOR_BYTES];
        let beyond = Entry::Write {
            sector: u64::MAX,
            data: &data,
        };
        let log = BlockLog {
            entries: vec![beyond],
        };
        assert!(flushes(&log, DISK_BYTES).is_err());
    }
}

//! What QEMU's `blklogwrites` driver wrote down: every write and flush of a disk, in order.
//!
//! Owns the decoding of that log. Source of the format: Linux, `drivers/md/dm-log-writes.c`, of which
//! QEMU writes version 1: numbers are little-endian, everything begins at a whole log sector.
//!
//! Invariants:
//! - any bytes give a log or a [`LogError`];
//! - an entry is taken only if the head of the log counts it: QEMU counts a flush before it answers it;
//! - one entry of the log is one [`Entry`], so that a count of one is a count of the other.

use std::fmt;

/// Bytes of a log sector, as a logged disk of this crate is told to have it.
const SECTOR_BYTES: usize = 512;
const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
const IS_FLUSH: u64 = 1;
const IS_DISCARD: u64 = 4;
const IS_MARK: u64 = 8;

/// One entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Sectors were written.
    Write {
        /// The first of them, in units of 512 bytes.
        sector: u64,
        /// Their bytes.
        data: &'a [u8],
    },
    /// Everything before this was made durable.
    Flush,
    /// Something that a ledger's disk is never asked: sectors given up, a mark, a flush with data.
    Other,
}

/// A whole log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockLog<'a> {
    /// What happened, in order.
    pub entries: Vec<Entry<'a>>,
}

/// Bytes that are no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogError {
    /// They do not begin as a log does.
    NoLog,
    /// A version or a sector size that QEMU 7.2 does not write for this crate.
    Unknown {
        /// The version.
        version: u64,
        /// Bytes of a log sector.
        sector_bytes: u32,
    },
    /// The log ends inside an entry that its head counts.
    CutOff {
        /// The entry, counted from 0.
        entry: u64,
    },
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLog => f.write_str("no log of writes: was the disk a logged one, and written?"),
            Self::Unknown {
                version,
                sector_bytes,
            } => write!(
                f,
                "a log of version {version} with sectors of {sector_bytes} bytes: use QEMU 7.2's"
            ),
            Self::CutOff { entry } => {
                write!(f, "the log ends inside entry {entry}: is its disk full?")
            }
        }
    }
}

impl std::error::Error for LogError {}

impl<'a> BlockLog<'a> {
    /// How many entries the head of a log counts; a log that is being written has them whole.
    ///
    /// # Errors
    /// [`LogError::NoLog`] or [`LogError::Unknown`].
    pub fn count(bytes: &[u8]) -> Result<u64, LogError> {
        let number = |at| u64_at(bytes, at).ok_or(LogError::NoLog);
        if number(0)? != MAGIC {
            return Err(LogError::NoLog);
        }
        let (version, count) = (number(8)?, number(16)?);
        let size = bytes.get(24..28).and_then(|size| size.try_into().ok());
        let sector_bytes = size.map(u32::from_le_bytes).ok_or(LogError::NoLog)?;
        if version != VERSION || usize::try_from(sector_bytes) != Ok(SECTOR_BYTES) {
            return Err(LogError::Unknown {
                version,
                sector_bytes,
            });
        }
        Ok(count)
    }

    /// Reads a log.
    ///
    /// # Errors
    /// [`LogError`] if the bytes are none, or not whole.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LogError> {
        let count = Self::count(bytes)?;
        let mut rest = bytes.get(SECTOR_BYTES..).unwrap_or(&[]);
        let mut entries = Vec::new();
        for entry in 0..count {
            let cut_off = LogError::CutOff { entry };
            let (head, after) = rest.split_at_checked(SECTOR_BYTES).ok_or(cut_off)?;
            let number = |at| u64_at(head, at).ok_or(cut_off);
            let (sector, sectors, flags) = (number(0)?, number(8)?, number(16)?);
            let data_bytes = match flags & IS_DISCARD {
                0 => usize::try_from(sectors)
                    .ok()
                    .and_then(|sectors| sectors.checked_mul(SECTOR_BYTES))
                    .ok_or(cut_off)?,
                _ => 0,
            };
            let (data, after) = after.split_at_checked(data_bytes).ok_or(cut_off)?;
            rest = after;
            entries.push(match flags & (IS_FLUSH | IS_DISCARD | IS_MARK) {
                0 => Entry::Write { sector, data },
                IS_FLUSH if data.is_empty() => Entry::Flush,
                _ => Entry::Other,
            });
        }
        Ok(Self { entries })
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sector(numbers: [u64; 4]) -> Vec<u8> {
        let mut bytes = numbers.map(u64::to_le_bytes).concat();
        bytes.resize(SECTOR_BYTES, 0);
        bytes
    }

    /// A log of one write of two sectors, a flush and a discard of eight.
    fn log() -> Vec<u8> {
        [
            sector([MAGIC, VERSION, 3, SECTOR_BYTES as u64]),
            sector([64, 2, 0, 0]),
            vec![7; 2 * SECTOR_BYTES],
            sector([0, 0, IS_FLUSH, 0]),
            sector([8, 8, IS_DISCARD, 0]),
        ]
        .concat()
    }

    #[test]
    fn writes_flushes_and_others_are_told_in_order() {
        let bytes = log();
        let data = vec![7; 2 * SECTOR_BYTES];
        let write = Entry::Write {
            sector: 64,
            data: &data,
        };
        let log = BlockLog::parse(&bytes).unwrap();
        assert_eq!(log.entries, [write, Entry::Flush, Entry::Other]);
        assert_eq!(BlockLog::count(&bytes), Ok(3));
    }

    #[test]
    fn what_the_head_does_not_count_is_not_there() {
        let mut bytes = log();
        bytes[16] = 1;
        assert_eq!(BlockLog::parse(&bytes).unwrap().entries.len(), 1);
    }

    #[test]
    fn a_log_that_is_cut_off_is_an_error_wherever_it_ends() {
        let bytes = log();
        for end in 0..bytes.len() {
            let error = BlockLog::parse(&bytes[..end]).unwrap_err();
            let is_head = matches!(error, LogError::NoLog) && end < 28;
            assert!(is_head || matches!(error, LogError::CutOff { .. }), "{end}");
        }
    }

    #[test]
    fn another_version_sector_size_or_file_is_named() {
        let with = |at: usize, value: u8| {
            let mut bytes = log();
            bytes[at] = value;
            BlockLog::parse(&bytes).unwrap_err()
        };
        assert_eq!(with(0, 0), LogError::NoLog);
        assert!(matches!(with(8, 2), LogError::Unknown { version: 2, .. }));
        assert!(with(25, 16).to_string().contains("4096"));
    }

    #[test]
    fn a_length_beyond_all_measure_is_cut_off_and_no_panic() {
        for at in 520..528 {
            let mut bytes = log();
            bytes[at] = 0xff;
            assert_eq!(
                BlockLog::parse(&bytes),
                Err(LogError::CutOff { entry: 0 }),
                "{at}"
            );
        }
    }
}

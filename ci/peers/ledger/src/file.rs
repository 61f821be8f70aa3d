//! A file that counts and times its flushes, and the bare cost of writing to it durably.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{Contestant, Failure, GROUP, PAYLOAD, Spent};

/// A file of a fixed size whose blocks are there already, as a disk's are.
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) file: File,
    pub(crate) bytes: u64,
    flushes: u64,
    flushing: Duration,
}

impl Timed {
    pub(crate) fn create(path: &Path, bytes: u64) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(path)?;
        let zeros = vec![0; 1 << 20];
        for offset in (0..bytes).step_by(zeros.len()) {
            file.write_all_at(&zeros, offset)?;
        }
        file.sync_all()?;
        Ok(Timed {
            file,
            bytes,
            flushes: 0,
            flushing: Duration::ZERO,
        })
    }

    pub(crate) fn flush(&mut self) -> std::io::Result<()> {
        let began = Instant::now();
        let done = self.file.sync_data();
        self.flushing += began.elapsed();
        self.flushes += 1;
        done
    }

    pub(crate) fn spent(&self) -> Spent {
        Spent {
            flushes: Some(self.flushes),
            flushing: Some(self.flushing),
        }
    }
}

/// Writes each record once, in place, and flushes: what nobody can do for less.
pub(crate) struct Bare {
    file: Timed,
    next: u64,
}

impl Bare {
    pub(crate) fn create(folder: &Path) -> Result<Self, Failure> {
        Ok(Bare {
            file: Timed::create(&folder.join("bare.img"), 16 << 20)?,
            next: 0,
        })
    }
}

impl Contestant for Bare {
    fn name(&self) -> &'static str {
        "write and fdatasync alone"
    }

    fn commit(&mut self, records: u64) -> Result<(), Failure> {
        let data = PAYLOAD.repeat(usize::try_from(records.min(GROUP))?);
        let at = self.next % (self.file.bytes - (64 << 10));
        self.file.file.write_all_at(&data, at)?;
        self.next += data.len() as u64;
        Ok(self.file.flush()?)
    }

    fn spent(&self) -> Spent {
        self.file.spent()
    }
}

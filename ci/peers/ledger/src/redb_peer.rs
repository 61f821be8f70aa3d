//! redb with its default durability, over a file whose flushes are counted.

use std::fs::OpenOptions;
use std::io::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redb::backends::FileBackend;
use redb::{
    Builder, Database, ReadableDatabase as _, ReadableTableMetadata as _, StorageBackend,
    TableDefinition,
};

use crate::{Contestant, Failure, PAYLOAD, Spent};

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

#[derive(Debug, Default)]
struct Flushes {
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

/// redb's own way to a file, with a stop-watch.
#[derive(Debug)]
struct Counted {
    file: FileBackend,
    flushes: Arc<Flushes>,
}

impl StorageBackend for Counted {
    fn len(&self) -> Result<u64, Error> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Result<(), Error> {
        let began = Instant::now();
        let done = self.file.sync_data();
        let spent = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.flushes.nanoseconds.fetch_add(spent, Ordering::Relaxed);
        self.flushes.count.fetch_add(1, Ordering::Relaxed);
        done
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.file.write(offset, data)
    }

    fn close(&self) -> Result<(), Error> {
        self.file.close()
    }
}

pub(crate) struct Redb {
    database: Database,
    flushes: Arc<Flushes>,
    next: u64,
}

impl Redb {
    pub(crate) fn create(folder: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = FileBackend::new(options.open(folder.join("records.redb"))?)?;
        let flushes = Arc::new(Flushes::default());
        let counted = Counted {
            file,
            flushes: Arc::clone(&flushes),
        };
        let database = Builder::new().create_with_backend(counted)?;
        Ok(Redb {
            database,
            flushes,
            next: 0,
        })
    }
}

impl Contestant for Redb {
    fn name(&self) -> &'static str {
        "redb"
    }

    fn commit(&mut self, records: u64) -> Result<(), Failure> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for _ in 0..records {
                table.insert(self.next, PAYLOAD.as_slice())?;
                self.next += 1;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn spent(&self) -> Spent {
        Spent {
            flushes: Some(self.flushes.count.load(Ordering::Relaxed)),
            flushing: Some(Duration::from_nanos(
                self.flushes.nanoseconds.load(Ordering::Relaxed),
            )),
        }
    }
}

impl Drop for Redb {
    /// A table that lost records would have been fast for nothing.
    fn drop(&mut self) {
        let count = self
            .database
            .begin_read()
            .ok()
            .and_then(|it| it.open_table(RECORDS).ok())
            .and_then(|table| table.len().ok());
        assert_eq!(count, Some(self.next), "redb holds every record");
    }
}

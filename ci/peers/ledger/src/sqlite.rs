//! SQLite, as its documentation says to run it where nothing may be lost.

use std::path::Path;

use rusqlite::{Connection, Statement};

use crate::{Contestant, Failure, PAYLOAD, Spent};

/// How it keeps a commit whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Journal {
    Wal,
    Rollback,
}

pub(crate) struct Sqlite {
    journal: Journal,
    begin: Statement<'static>,
    insert: Statement<'static>,
    commit: Statement<'static>,
}

impl Sqlite {
    pub(crate) fn create(folder: &Path, journal: Journal) -> Result<Self, Failure> {
        let (name, mode) = match journal {
            Journal::Wal => ("wal.sqlite", "wal"),
            Journal::Rollback => ("rollback.sqlite", "delete"),
        };
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let path = folder.join(format!("{name}{suffix}"));
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        let connection = Connection::open(folder.join(name))?;
        let taken: String =
            connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0))?;
        if taken != mode {
            return Err(format!("SQLite took journal mode {taken}, not {mode}").into());
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute(
            "CREATE TABLE records (seq INTEGER PRIMARY KEY, kind INTEGER, payload BLOB)",
            (),
        )?;
        // Kept to the end of the program, so that statements are prepared once.
        let connection: &'static Connection = Box::leak(Box::new(connection));
        Ok(Sqlite {
            journal,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            insert: connection.prepare("INSERT INTO records (kind, payload) VALUES (1, ?1)")?,
            commit: connection.prepare("COMMIT")?,
        })
    }
}

impl Contestant for Sqlite {
    fn name(&self) -> &'static str {
        match self.journal {
            Journal::Wal => "SQLite, WAL, FULL",
            Journal::Rollback => "SQLite, rollback journal, FULL",
        }
    }

    fn commit(&mut self, records: u64) -> Result<(), Failure> {
        self.begin.execute(())?;
        for _ in 0..records {
            self.insert.execute([PAYLOAD.as_slice()])?;
        }
        self.commit.execute(())?;
        Ok(())
    }

    fn spent(&self) -> Spent {
        Spent::default()
    }
}

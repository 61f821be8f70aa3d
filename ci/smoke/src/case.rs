//! One case of the matrix: a name and what has to happen.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use qemu::SessionError;

/// The files that ship.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// The kernel's ELF with its PVH entry.
    pub kernel: PathBuf,
    /// The ramdisk for a direct start.
    pub ramdisk: PathBuf,
    /// The file of the key that the vault is signed with.
    pub vault_key: PathBuf,
    /// The hybrid image.
    pub iso: PathBuf,
    /// What each glyph of the vault computes, as a table.
    pub expected: PathBuf,
    /// The operator's tool on the host, built.
    pub glyphctl: PathBuf,
}

/// Where a case finds the files and leaves its own.
#[derive(Debug)]
pub struct Place<'a> {
    name: Cow<'a, str>,
    folder: &'a Path,
    /// The files under test.
    pub shipped: &'a Shipped,
}

impl<'a> Place<'a> {
    /// The place of the case `name`, its files under `folder`.
    #[must_use]
    pub fn new(name: &'a str, folder: &'a Path, shipped: &'a Shipped) -> Self {
        Self {
            name: Cow::Borrowed(name),
            folder,
            shipped,
        }
    }

    /// A place beside this one, for one of several machines of a case at a time.
    #[must_use]
    pub fn part(&self, number: usize) -> Self {
        Self {
            name: Cow::Owned(format!("{}-{number}", self.name)),
            ..*self
        }
    }

    /// The serial log of the console.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.file("log")
    }

    /// A file of this case alone, by its extension.
    #[must_use]
    pub fn file(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.name))
    }

    /// Writes what a case counted to its file `txt`.
    ///
    /// # Errors
    /// [`Failure::Host`] if the file cannot be written.
    pub fn note(&self, text: &str) -> Result<(), Failure> {
        let path = self.file("txt");
        fs::write(&path, text)
            .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))
    }

    /// Makes an empty disk of `size_bytes`, without blocks on the host until it is written.
    ///
    /// # Errors
    /// [`Failure::Host`] if the file cannot be made.
    pub fn empty_disk(&self, size_bytes: u64) -> Result<PathBuf, Failure> {
        let path = self.file("disk");
        let host = |error| Failure::Host(format!("{}: {error}", path.display()));
        // Created anew: a case must not find the disk of its last run.
        fs::File::create(&path)
            .and_then(|file| file.set_len(size_bytes))
            .map_err(host)?;
        Ok(path)
    }
}

/// Why a case failed.
#[derive(Debug)]
pub enum Failure {
    /// The machine did not boot, answer or end as it should.
    Session(SessionError),
    /// The node answered, and the answer is wrong.
    Wrong(String),
    /// This host could not provide what the case needs.
    Host(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(error) => error.fmt(f),
            Self::Wrong(text) | Self::Host(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

/// What a case does.
type Script = Box<dyn Fn(&Place<'_>) -> Result<(), Failure> + Send + Sync>;

/// One case.
pub struct Case {
    /// Its name: part of the log's file name, and what a filter is matched with.
    pub name: String,
    script: Script,
}

impl Case {
    /// A case that does `script`.
    pub fn new(
        name: impl Into<String>,
        script: impl Fn(&Place<'_>) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            script: Box::new(script),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// The [`Failure`], if it failed.
    pub fn run(&self, place: &Place<'_>) -> Result<(), Failure> {
        (self.script)(place)
    }
}

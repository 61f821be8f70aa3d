//! A directory for the files of one run, removed when the run is over.
//!
//! It lies in the system's temporary folder, because a Unix socket's path has to be shorter than
//! 108 bytes and a checkout may lie deep.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A private temporary directory.
#[derive(Debug)]
pub struct RunDirectory(PathBuf);

impl RunDirectory {
    /// Creates a new, empty directory.
    ///
    /// # Errors
    /// The system's error if it cannot be created.
    pub fn new() -> io::Result<Self> {
        // A process with our number may have died and left its folder: take the next free name.
        for _ in 0..1000 {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("glyphos-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(
            "no free name for a temporary directory: empty the temporary folder",
        ))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // A leftover temporary folder harms nobody; there is nobody to tell.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_distinct_and_go_away() {
        let first = RunDirectory::new().unwrap();
        let second = RunDirectory::new().unwrap();
        assert_ne!(first.path(), second.path());
        let path = first.path().to_owned();
        fs::write(path.join("file"), b"x").unwrap();
        drop(first);
        assert!(!path.exists());
        assert!(second.path().is_dir());
    }
}

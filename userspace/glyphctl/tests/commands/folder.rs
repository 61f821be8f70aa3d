//! A folder of one test, gone with it.

use std::fs;
use std::path::{Path, PathBuf};

/// An empty folder that is removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes one; `name` is unique among the tests.
    pub(crate) fn new(name: &str) -> Self {
        // Short, since a socket's path has 108 bytes at most.
        let path = std::env::temp_dir().join(format!("gctl-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("the folder is new");
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of an entry, as an argument.
    pub(crate) fn entry(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("plain text").to_owned()
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), bytes).expect("the file is written");
        self.entry(name)
    }

    pub(crate) fn shown(&self) -> &str {
        self.0.to_str().expect("plain text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

//! Reads the files of a vault from a folder.
//!
//! Owns which entries of a folder are files of the vault: the regular files whose names end in
//! `.gdf`. Other names are left alone; a folder, a link or anything else with such a name is an
//! error, since a boot image would not carry what it stands for.
//!
//! Invariant: a file is never read beyond the first byte that makes it too long, and no more
//! files are read than a vault may have.

use std::fs::{self, DirEntry, File};
use std::io::Read as _;
use std::path::Path;

use glyph_compiler::{Limits, Vault, VaultError};
use glyph_parser::limits::FILE_BYTES_MAX;

use crate::failure::Failure;

/// What the names of a vault's files end in.
const ENDING: &str = ".gdf";

/// A folder's vault, and all that is wrong with it.
pub(crate) struct Loaded {
    /// Every sound glyph.
    pub(crate) vault: Vault,
    /// Entries of the folder that are no readable files of a vault, each as a sentence.
    pub(crate) strays: Vec<String>,
    /// Errors of the files and of the glyphs together.
    pub(crate) errors: Vec<VaultError>,
    /// Name and bytes of each file, sorted by name.
    pub(crate) files: Vec<NamedBytes>,
}

impl Loaded {
    /// Errors of all kinds.
    pub(crate) fn error_count(&self) -> usize {
        self.strays.len() + self.errors.len()
    }
}

/// Loads the vault in `folder`; a file that is not sound does not stop the others.
///
/// # Errors
/// If the folder or one of its files cannot be read.
pub(crate) fn load(folder: &Path) -> Result<Loaded, Failure> {
    let limits = Limits {
        errors_max: u32::MAX,
        ..Limits::default()
    };
    let (files, strays) = read(folder, limits.files_max as usize)?;
    let named = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let (vault, errors) = Vault::load(named, &limits);
    Ok(Loaded {
        vault,
        strays,
        errors,
        files,
    })
}

/// A file's name and bytes.
pub(crate) type NamedBytes = (String, Vec<u8>);

/// The vault's files, sorted by name, and a sentence for each entry that only looks like one.
fn read(folder: &Path, files_max: usize) -> Result<(Vec<NamedBytes>, Vec<String>), Failure> {
    let unreadable = |error| {
        let shown = folder.display();
        Failure::new(format!(
            "{shown} cannot be read as a folder of glyphs: {error}"
        ))
    };
    let mut files = Vec::new();
    let mut strays = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().ends_with(ENDING.as_bytes()) {
            continue;
        }
        let kind = entry.file_type().map_err(unreadable)?;
        match name.to_str() {
            None => strays.push(format!(
                "{name:?}: expected a name in UTF-8; rename the file"
            )),
            Some(name) if !kind.is_file() => strays.push(format!(
                "{name:?}: expected a regular file, found {}; put the glyph's text there",
                what(kind)
            )),
            Some(name) if size(&entry)? > FILE_BYTES_MAX as u64 => strays.push(format!(
                "{name:?}: expected at most {FILE_BYTES_MAX} bytes, found {}; a glyph is a short text",
                size(&entry)?
            )),
            // One more than allowed shows that there are too many.
            Some(name) if files.len() <= files_max => {
                files.push((name.to_owned(), bytes(&entry)?));
            }
            Some(_) => {}
        }
    }
    files.sort();
    strays.sort();
    Ok((files, strays))
}

fn what(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else {
        "a special file"
    }
}

fn size(entry: &DirEntry) -> Result<u64, Failure> {
    let shown = entry.path();
    entry
        .metadata()
        .map(|metadata| metadata.len())
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", shown.display())))
}

/// The file's bytes, and one more than allowed if it grew meanwhile.
fn bytes(entry: &DirEntry) -> Result<Vec<u8>, Failure> {
    let path = entry.path();
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| {
            let most = FILE_BYTES_MAX as u64 + 1;
            file.take(most).read_to_end(&mut bytes)
        })
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    Ok(bytes)
}

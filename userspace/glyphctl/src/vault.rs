//! Reads the files of a vault from a folder.
//!
//! Owns which entries of a folder are files of the vault: the regular files whose names end in
//! `.gdf`. Other names are left alone; a folder, a link or anything else with such a name is an
//! error, since a boot image would not carry what it stands for.
//!
//! Invariant: a file is never read beyond the first byte that makes it too long, and no more
//! files are read than a vault may have.

use std::fmt;
use std::fs::{self, DirEntry, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use abi::GlyphId;
use glyph_archive::POLICY_FILE;
use glyph_compiler::{GlyphIndex, Limits, Vault, VaultError};
use glyph_parser::limits::FILE_BYTES_MAX;
use governance::Policy;

use crate::failure::{Failure, note};

/// What the names of a vault's files end in.
const ENDING: &str = ".gdf";

/// A folder's vault, and all that is wrong with it.
pub(crate) struct Loaded {
    /// Every sound glyph.
    pub(crate) vault: Vault,
    /// Entries of the folder that are no readable files of a vault.
    pub(crate) strays: Vec<Stray>,
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

    /// Says how many errors there are, for commands that go on without the glyphs concerned.
    pub(crate) fn note_errors(&self, folder: &Path) {
        if self.error_count() > 0 {
            note(format_args!(
                "glyphctl: {} errors in the vault; `glyphctl vault check {}` tells them",
                self.error_count(),
                folder.display()
            ));
        }
    }

    /// The sound glyph with this id.
    ///
    /// # Errors
    /// If there is none, with what to do.
    pub(crate) fn find(&self, folder: &Path, id: &GlyphId) -> Result<GlyphIndex, Failure> {
        let shown = folder.display();
        self.vault.find(id).ok_or_else(|| {
            Failure::new(match self.vault.is_refused(id) {
                true => format!("{id} is not sound: `glyphctl vault check {shown}` says why"),
                false => format!("there is no glyph {id} in {shown}; give the id of one that is"),
            })
        })
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

/// An entry of a vault's folder that is no file of the vault, though it has the name of one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stray {
    /// Its name, escaped.
    pub(crate) name: String,
    /// What would have been right.
    pub(crate) expected: String,
    /// What is there.
    pub(crate) found: String,
    advice: &'static str,
}

impl fmt::Display for Stray {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stray {
            name,
            expected,
            found,
            advice,
        } = self;
        write!(
            out,
            "\"{name}\": expected {expected}, found {found}; {advice}"
        )
    }
}

/// A file's name and bytes.
pub(crate) type NamedBytes = (String, Vec<u8>);

/// The vault's files, sorted by name, and each entry that only looks like one.
///
/// # Errors
/// If the folder or one of its files cannot be read.
pub(crate) fn read(
    folder: &Path,
    files_max: usize,
) -> Result<(Vec<NamedBytes>, Vec<Stray>), Failure> {
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
            None => strays.push(stray(
                &name.to_string_lossy(),
                "a name in UTF-8".to_owned(),
                format!("{name:?}"),
                "rename the file",
            )),
            Some(name) if !kind.is_file() => strays.push(stray(
                name,
                "a regular file".to_owned(),
                what(kind).to_owned(),
                "put the glyph's text there",
            )),
            Some(name) if size(&entry)? > FILE_BYTES_MAX as u64 => strays.push(stray(
                name,
                format!("at most {FILE_BYTES_MAX} bytes"),
                size(&entry)?.to_string(),
                "a glyph is a short text",
            )),
            // One more than allowed shows that there are too many.
            Some(name) if files.len() <= files_max => {
                files.push((name.to_owned(), bytes(&entry.path())?));
            }
            Some(_) => {}
        }
    }
    files.sort();
    strays.sort();
    Ok((files, strays))
}

fn stray(name: &str, expected: String, found: String, advice: &'static str) -> Stray {
    Stray {
        name: name.escape_debug().to_string(),
        expected,
        found,
        advice,
    }
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

/// The text of the policy of governance that a vault's folder carries, if it does and it is sound.
///
/// # Errors
/// If it is not sound, or cannot be read.
pub(crate) fn policy(folder: &Path) -> Result<Option<Policy>, Failure> {
    let path = folder.join(POLICY_FILE);
    let kind = match fs::symlink_metadata(&path) {
        Ok(kind) => kind.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let shown = path.display();
            return Err(Failure::new(format!("{shown} cannot be read: {error}")));
        }
    };
    let failed = |why: &dyn fmt::Display| Failure::new(format!("{}: {why}", path.display()));
    if !kind.is_file() {
        let found = what(kind);
        return Err(failed(&format_args!(
            "expected a regular file, found {found}; put the policy's text there"
        )));
    }
    let policy = Policy::parse(&bytes(&path)?);
    policy.map(Some).map_err(|error| failed(&error))
}

/// What a sound vault holds, in words.
pub(crate) fn contents(vault: &Vault, policy: Option<&Policy>) -> String {
    let glyphs = vault.len();
    match policy {
        Some(Policy { name, version, .. }) => {
            format!("{glyphs} glyphs, policy {name} version {version}")
        }
        None => format!("{glyphs} glyphs"),
    }
}

/// The file's bytes, and one more than allowed if it grew meanwhile.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            let most = FILE_BYTES_MAX as u64 + 1;
            file.take(most).read_to_end(&mut bytes)
        })
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    Ok(bytes)
}

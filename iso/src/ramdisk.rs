//! The ramdisk: a tar with the boot options and the vault.
//!
//! Owns its form: POSIX ustar, `glyphos.conf` first, then `vault/NAME.gdf` in the order of their
//! names, every owner, group and time zero, every mode 0644. The kernel reads it without a file system.
//!
//! Invariants:
//! - equal contents give equal bytes, whatever the order or the dates of the source files;
//! - names are short enough for a plain ustar header, so no extension records appear.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name of the boot options inside the ramdisk.
pub const OPTIONS_NAME: &str = "glyphos.conf";
/// The folder of the glyphs inside the ramdisk.
pub const VAULT_FOLDER: &str = "vault";
/// The longest name a plain ustar header holds, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Why no ramdisk was made.
#[derive(Debug)]
pub enum RamdiskError {
    /// A file or folder could not be read; the path says which.
    Unreadable(PathBuf, io::Error),
    /// The vault holds no `.gdf` file.
    EmptyVault(PathBuf),
    /// A glyph's file name is not plain ASCII, or too long for the archive.
    BadName(PathBuf),
    /// The archive writer refused an entry.
    Archive(io::Error),
}

impl fmt::Display for RamdiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::EmptyVault(path) => {
                write!(
                    f,
                    "the vault {} holds no .gdf file; name a folder that does",
                    path.display()
                )
            }
            Self::BadName(path) => write!(
                f,
                "rename {}: a glyph's file name must be ASCII letters, digits, '-', '_' and '.', at most {} bytes",
                path.display(),
                NAME_BYTES_MAX - VAULT_FOLDER.len() - 1,
            ),
            Self::Archive(error) => write!(f, "cannot write the ramdisk: {error}"),
        }
    }
}

impl std::error::Error for RamdiskError {}

/// Reads the boot options file and every `.gdf` file directly in `vault`, and packs them.
///
/// # Errors
/// [`RamdiskError::Unreadable`], [`RamdiskError::EmptyVault`] or [`RamdiskError::BadName`]; each names the file.
pub fn from_files(options: &Path, vault: &Path) -> Result<Vec<u8>, RamdiskError> {
    let unreadable = |path: &Path| {
        let path = path.to_path_buf();
        move |error| RamdiskError::Unreadable(path, error)
    };
    let mut glyphs = Vec::new();
    for entry in fs::read_dir(vault).map_err(unreadable(vault))? {
        let path = entry.map_err(unreadable(vault))?.path();
        if path.extension().is_none_or(|extension| extension != "gdf") {
            continue;
        }
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|name| is_plain(name))
            .ok_or_else(|| RamdiskError::BadName(path.clone()))?
            .to_owned();
        glyphs.push((name, fs::read(&path).map_err(unreadable(&path))?));
    }
    if glyphs.is_empty() {
        return Err(RamdiskError::EmptyVault(vault.to_path_buf()));
    }
    let options = fs::read(options).map_err(unreadable(options))?;
    pack(&options, glyphs)
}

/// Packs the boot options and the glyphs, given as pairs of file name and contents in any order.
///
/// # Errors
/// [`RamdiskError::BadName`] for a name that does not fit, [`RamdiskError::Archive`] if the writer refuses an entry.
pub fn pack(options: &[u8], mut glyphs: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, RamdiskError> {
    glyphs.sort();
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, OPTIONS_NAME, options)?;
    for (name, contents) in &glyphs {
        if !is_plain(name) {
            return Err(RamdiskError::BadName(PathBuf::from(name)));
        }
        append(&mut archive, &format!("{VAULT_FOLDER}/{name}"), contents)?;
    }
    archive.into_inner().map_err(RamdiskError::Archive)
}

fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    name: &str,
    contents: &[u8],
) -> Result<(), RamdiskError> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(contents.len() as u64);
    archive
        .append_data(&mut header, name, contents)
        .map_err(RamdiskError::Archive)
}

fn is_plain(name: &str) -> bool {
    let fits = VAULT_FOLDER.len() + 1 + name.len() <= NAME_BYTES_MAX;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    fits && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn glyph(name: &str, contents: &str) -> (String, Vec<u8>) {
        (name.to_owned(), contents.as_bytes().to_vec())
    }

    #[test]
    fn the_order_of_the_sources_does_not_show_in_the_bytes() {
        let one = pack(b"a=1\n", vec![glyph("b.gdf", "B"), glyph("a.gdf", "A")]).unwrap();
        let two = pack(b"a=1\n", vec![glyph("a.gdf", "A"), glyph("b.gdf", "B")]).unwrap();
        assert_eq!(one, two);
    }

    #[test]
    fn options_come_first_and_every_entry_reads_back() {
        let bytes = pack(b"a=1\n", vec![glyph("b.gdf", "B"), glyph("a.gdf", "A")]).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert!(header.as_ustar().is_some());
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (0, 0));
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut contents = String::new();
            entry.read_to_string(&mut contents).unwrap();
            seen.push((name, contents));
        }
        let expected = [
            ("glyphos.conf", "a=1\n"),
            ("vault/a.gdf", "A"),
            ("vault/b.gdf", "B"),
        ];
        assert_eq!(
            seen,
            expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
    }

    #[test]
    fn a_name_that_the_archive_cannot_hold_plainly_is_refused() {
        for name in [
            "../escape.gdf",
            "with space.gdf",
            "caf\u{e9}.gdf",
            &"n".repeat(95),
        ] {
            let refused = pack(b"", vec![glyph(name, "")]);
            assert!(matches!(refused, Err(RamdiskError::BadName(_))), "{name}");
        }
        assert!(pack(b"", vec![glyph(&"n".repeat(94), "")]).is_ok());
    }

    #[test]
    fn only_glyph_files_are_taken_and_an_empty_vault_is_refused() {
        let folder = std::env::temp_dir().join(format!("iso-vault-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let options = folder.join("glyphos.conf");
        fs::write(&options, "").unwrap();
        assert!(matches!(
            from_files(&options, &folder),
            Err(RamdiskError::EmptyVault(_))
        ));
        fs::write(folder.join("one.gdf"), "text").unwrap();
        fs::write(folder.join("README.md"), "not a glyph").unwrap();
        let bytes = from_files(&options, &folder).unwrap();
        assert_eq!(
            tar::Archive::new(bytes.as_slice())
                .entries()
                .unwrap()
                .count(),
            2
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}

//! The ramdisk: a tar with the boot options and the vault.
//!
//! Owns its form: `glyphos.conf`, then `vault.tar`, the vault's files sealed into one signed archive.
//! Both are tars of the one form of [`glyph_archive::ustar`]; the kernel reads them without a file
//! system.
//!
//! Invariants:
//! - equal contents and key give equal bytes, whatever the order or the dates of the source files;
//! - no glyph is outside of the archive that the signature covers.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glyph_archive::{POLICY_FILE, PackError, ustar};
use governance::Policy;
use governance::policy::PolicyError;

/// The name of the boot options inside the ramdisk.
pub const OPTIONS_NAME: &str = "glyphos.conf";
/// The name of the vault's archive inside the ramdisk.
pub const VAULT_NAME: &str = "vault.tar";

/// Why no ramdisk was made.
#[derive(Debug)]
pub enum RamdiskError {
    /// A file or folder could not be read; the path says which.
    Unreadable(PathBuf, io::Error),
    /// The vault holds no `.gdf` file.
    EmptyVault(PathBuf),
    /// A glyph's file name is no UTF-8.
    BadName(PathBuf),
    /// The vault's policy of governance is not sound.
    Policy(PathBuf, PolicyError),
    /// The vault cannot be packed into an archive.
    Vault(PackError),
    /// The boot options or the archive are too large for a tar.
    TooLarge(&'static str),
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
            Self::BadName(path) => {
                write!(f, "rename {}: its name is not UTF-8", path.display())
            }
            Self::Policy(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Vault(error) => write!(f, "cannot pack the vault: {error}"),
            Self::TooLarge(name) => write!(f, "{name} is too large for a ramdisk"),
        }
    }
}

impl std::error::Error for RamdiskError {}

/// Reads the boot options file, and every `.gdf` file and the policy directly in `vault`, and packs them;
/// `seed` signs.
///
/// # Errors
/// [`RamdiskError`] names the file.
pub fn from_files(options: &Path, vault: &Path, seed: &[u8; 32]) -> Result<Vec<u8>, RamdiskError> {
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
            .ok_or_else(|| RamdiskError::BadName(path.clone()))?
            .to_owned();
        glyphs.push((name, fs::read(&path).map_err(unreadable(&path))?));
    }
    if glyphs.is_empty() {
        return Err(RamdiskError::EmptyVault(vault.to_path_buf()));
    }
    let policy = vault.join(POLICY_FILE);
    if policy.exists() {
        let text = fs::read(&policy).map_err(unreadable(&policy))?;
        Policy::parse(&text).map_err(|error| RamdiskError::Policy(policy, error))?;
        glyphs.push((POLICY_FILE.to_owned(), text));
    }
    let files = glyphs
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let archive = glyph_archive::pack(files, seed).map_err(RamdiskError::Vault)?;
    let options = fs::read(options).map_err(unreadable(options))?;
    pack(&options, &archive)
}

/// Packs the boot options and the vault's archive, whatever its bytes are.
///
/// # Errors
/// [`RamdiskError::TooLarge`] for what a tar cannot hold.
pub fn pack(options: &[u8], archive: &[u8]) -> Result<Vec<u8>, RamdiskError> {
    let mut bytes = Vec::new();
    for (name, content) in [(OPTIONS_NAME, options), (VAULT_NAME, archive)] {
        if !ustar::append(&mut bytes, name, content) {
            return Err(RamdiskError::TooLarge(name));
        }
    }
    ustar::finish(&mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use glyph_archive::{Archive, KeyOrigin, TrustedKey, public_key};
    use std::io::Read;

    const SEED: [u8; 32] = [3; 32];
    const POLICY: &str = include_str!("../../glyphs/vault/policy.txt");

    /// The names and contents that another program reads from a tar.
    fn read_by_another(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(bytes);
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert!(header.as_ustar().is_some());
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (0, 0));
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents).unwrap();
            seen.push((name, contents));
        }
        seen
    }

    /// What another program writes for the same files.
    fn written_by_another(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, contents) in files {
            let mut header = tar::Header::new_ustar();
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(contents.len() as u64);
            archive.append_data(&mut header, name, *contents).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn the_ramdisk_is_the_tar_that_other_programs_write_and_read() {
        let archive = vec![7; 1000];
        let bytes = pack(b"a=1\n", &archive).unwrap();
        let files = [
            ("glyphos.conf", b"a=1\n".as_slice()),
            ("vault.tar", &archive),
        ];
        assert_eq!(bytes, written_by_another(&files));
        let read = read_by_another(&bytes);
        let expected = files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
        assert_eq!(read, expected);
    }

    #[test]
    fn a_vaults_archive_is_a_tar_that_other_programs_list() {
        let files = [("a.gdf", b"A".as_slice()), ("b.gdf", b"B")];
        let archive = glyph_archive::pack(files, &SEED).unwrap();
        let names: Vec<_> = read_by_another(&archive)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["a.gdf", "b.gdf"]);
        assert!(archive.starts_with(&written_by_another(&files)));
    }

    #[test]
    fn only_glyph_files_and_a_sound_policy_are_taken_and_an_empty_vault_is_refused() {
        let folder = std::env::temp_dir().join(format!("iso-vault-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let options = folder.join("glyphos.conf");
        fs::write(&options, "").unwrap();
        assert!(matches!(
            from_files(&options, &folder, &SEED),
            Err(RamdiskError::EmptyVault(_))
        ));
        fs::write(folder.join("two.gdf"), "text").unwrap();
        fs::write(folder.join("one.gdf"), "text").unwrap();
        fs::write(folder.join("README.md"), "not a glyph").unwrap();
        fs::write(folder.join("policy.txt"), POLICY).unwrap();
        let bytes = from_files(&options, &folder, &SEED).unwrap();
        let read = read_by_another(&bytes);
        let trusted = TrustedKey::new(public_key(&SEED), KeyOrigin::Given).unwrap();
        let archive = Archive::open(&read[1].1, &trusted).unwrap();
        let names: Vec<_> = archive.files().map(|(name, _)| name).collect();
        assert_eq!(names, ["one.gdf", "two.gdf"]);
        assert_eq!(archive.policy(), Some(POLICY.as_bytes()));
        let lowered = POLICY.replace("min_signatures: 3", "min_signatures: 2");
        fs::write(folder.join("policy.txt"), lowered).unwrap();
        let refused = from_files(&options, &folder, &SEED);
        assert!(matches!(refused, Err(RamdiskError::Policy(..))));
        fs::remove_file(folder.join("policy.txt")).unwrap();
        fs::write(folder.join("with space.gdf"), "text").unwrap();
        let refused = from_files(&options, &folder, &SEED);
        assert!(matches!(refused, Err(RamdiskError::Vault(_))));
        fs::remove_dir_all(&folder).unwrap();
    }
}

//! The key that the build signs the vault with: given, or made once per checkout.
//!
//! Owns the file of the development key. Whoever has that file can sign vaults that this checkout's
//! kernels take, so it proves no more than that one checkout built both; a build that others rely
//! on names a key of its own.
//!
//! Invariants:
//! - a key that exists is never overwritten, also when two builds begin at once;
//! - a secret is readable by its owner only, and enters no artifact.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use abi::governance::Algorithm;
use abi::id::hex_decode;
use abi::key_file::{self, KEY_FILE_BYTES_MAX};
use glyph_archive::{KeyOrigin, TrustedKey, public_key};
use std::io::{Read as _, Write as _};

use crate::artifacts::Artifacts;

/// Who may read and write the file: its owner.
const FILE_MODE: u32 = 0o600;

/// A secret that vaults are signed with, and the public key that belongs to it.
pub struct VaultKey {
    seed: [u8; 32],
    trusted: TrustedKey,
}

impl VaultKey {
    /// What signs.
    #[must_use]
    pub const fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// What a kernel is built to trust.
    #[must_use]
    pub const fn trusted(&self) -> &TrustedKey {
        &self.trusted
    }
}

impl fmt::Debug for VaultKey {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultKey({})", self.trusted)
    }
}

/// Why there is no key.
#[derive(Debug)]
pub enum VaultKeyError {
    /// The file could not be read or made.
    File(PathBuf, io::Error),
    /// The file is no key file, or of another algorithm; the clause says which.
    NoKey(PathBuf, String),
    /// The operating system gives no entropy for a new key.
    NoEntropy(String),
}

impl fmt::Display for VaultKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => {
                write!(f, "cannot use the key file {}: {error}", path.display())
            }
            Self::NoKey(path, clause) => write!(
                f,
                "{} holds no key for vaults: {clause}; make one with `glyphctl vault keygen`",
                path.display()
            ),
            Self::NoEntropy(reason) => write!(
                f,
                "the system gives no entropy for a key ({reason}); name one with --vault-key"
            ),
        }
    }
}

impl std::error::Error for VaultKeyError {}

/// The key of a checkout: the one that was named, else the development key, made if it is not there.
///
/// # Errors
/// [`VaultKeyError`] names the file and what is wrong with it.
pub fn of(artifacts: &Artifacts) -> Result<VaultKey, VaultKeyError> {
    if let Some(path) = artifacts.given_vault_key() {
        return load(path, KeyOrigin::Given);
    }
    let path = artifacts.development_key();
    if !path.exists() {
        make(&path)?;
    }
    load(&path, KeyOrigin::Development)
}

fn load(path: &Path, origin: KeyOrigin) -> Result<VaultKey, VaultKeyError> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| VaultKeyError::File(path.to_path_buf(), error))?;
    let wrong = |clause: String| VaultKeyError::NoKey(path.to_path_buf(), clause);
    let (algorithm, digits) = key_file::read(&text).map_err(|error| wrong(error.to_string()))?;
    if algorithm != Algorithm::Ed25519 {
        return Err(wrong(format!("it is for {algorithm}, not ed25519")));
    }
    let mut seed = [0; 32];
    hex_decode(digits, &mut seed).map_err(|_| wrong("its secret has not 32 bytes".to_owned()))?;
    let trusted = TrustedKey::new(public_key(&seed), origin);
    let trusted = trusted.map_err(|error| wrong(error.to_string()))?;
    Ok(VaultKey { seed, trusted })
}

/// Makes a new key at `path`, unless another build was faster.
fn make(path: &Path) -> Result<(), VaultKeyError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| VaultKeyError::NoEntropy(error.to_string()))?;
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = key_file::write(&mut text, "vault's development", Algorithm::Ed25519, &seed);
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let made = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true);
        let mut file = options.mode(FILE_MODE).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A link appears whole and replaces nothing.
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }();
    // A draft that stays behind is a key that nothing uses.
    let _ = fs::remove_file(&draft);
    made.map_err(|error| VaultKeyError::File(path.to_path_buf(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("iso-key-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_checkout_has_one_development_key_for_its_owner_alone() {
        let place = folder("development");
        let artifacts = Artifacts::of(&place);
        let key = of(&artifacts).unwrap();
        let again = of(&artifacts).unwrap();
        assert_eq!(key.seed(), again.seed());
        assert_eq!(key.trusted().origin(), KeyOrigin::Development);
        let path = artifacts.development_key();
        assert!(path.starts_with(artifacts.target()));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let beside = path.parent().unwrap();
        assert_eq!(fs::read_dir(beside).unwrap().count(), 1);
        // A second build that was slower leaves the first one's key alone.
        make(&path).unwrap();
        assert_eq!(of(&artifacts).unwrap().seed(), key.seed());
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn a_given_key_is_used_and_never_made() {
        let place = folder("given");
        let path = place.join("vault.key");
        let artifacts = Artifacts::of(&place).with_vault_key(Some(path.clone()));
        assert!(matches!(of(&artifacts), Err(VaultKeyError::File(..))));
        assert!(!path.exists());
        fs::write(
            &path,
            format!("algorithm: ed25519\nsecret: {}\n", "2a".repeat(32)),
        )
        .unwrap();
        let key = of(&artifacts).unwrap();
        assert_eq!(key.seed(), &[0x2a; 32]);
        assert_eq!(key.trusted().origin(), KeyOrigin::Given);
        assert!(!format!("{key:?}").contains("2a2a2a2a"));
        for text in [
            "secret: 00\n".to_owned(),
            format!("algorithm: hmac\nsecret: {}\n", "2a".repeat(32)),
            format!("algorithm: ed25519\nsecret: {}\n", "2a".repeat(31)),
        ] {
            fs::write(&path, text).unwrap();
            assert!(matches!(of(&artifacts), Err(VaultKeyError::NoKey(..))));
        }
        fs::remove_dir_all(&place).unwrap();
    }
}

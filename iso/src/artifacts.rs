//! Where the artifacts of a build lie.
//!
//! Owns the file names that the build tool writes and that the QEMU runner, the tests and a person
//! read. Every path hangs off the root of the checkout.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The artifacts of one checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifacts {
    root: PathBuf,
    vault_key: Option<PathBuf>,
}

impl Artifacts {
    /// Names the artifacts of the checkout at `root`.
    #[must_use]
    pub fn of(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            vault_key: None,
        }
    }

    /// The same, with the file of a key to sign the vault with; without one the build's own is used.
    #[must_use]
    pub fn with_vault_key(self, vault_key: Option<PathBuf>) -> Self {
        Self { vault_key, ..self }
    }

    /// The file of the key that was named to sign the vault with.
    #[must_use]
    pub fn given_vault_key(&self) -> Option<&Path> {
        self.vault_key.as_deref()
    }

    /// The file of the key that signs the vault.
    #[must_use]
    pub fn vault_key(&self) -> PathBuf {
        let given = self.vault_key.clone();
        given.unwrap_or_else(|| self.development_key())
    }

    /// The file of the key that the build makes for itself where none was named.
    #[must_use]
    pub fn development_key(&self) -> PathBuf {
        self.target().join("vault-key/development.key")
    }

    /// The root of the checkout.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that all build output goes to.
    #[must_use]
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The folder of the kernel and the ramdisk.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.target().join("glyphos")
    }

    /// The kernel as it goes on the ISO and as `qemu -kernel` starts it: an ELF without debug sections.
    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.folder().join("kernel.elf")
    }

    /// The same kernel with its line tables, for `addr2line` and debuggers.
    #[must_use]
    pub fn kernel_debug(&self) -> PathBuf {
        self.folder().join("kernel.debug.elf")
    }

    /// The ramdisk: boot options and the vault's signed archive, as a tar. Passed by the loader, or by `qemu -initrd`.
    #[must_use]
    pub fn ramdisk(&self) -> PathBuf {
        self.folder().join("ramdisk.tar")
    }

    /// The folder of the loader's stages, which are built once.
    #[must_use]
    pub fn boot_stages(&self) -> PathBuf {
        self.target().join("boot-stages")
    }

    /// The hybrid ISO.
    #[must_use]
    pub fn iso(&self) -> PathBuf {
        self.target().join("glyphos.iso")
    }

    /// The ISO's SHA-256 in the form that `sha256sum --check` reads.
    #[must_use]
    pub fn iso_checksum(&self) -> PathBuf {
        self.target().join("glyphos.iso.sha256")
    }
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    use sha2_host::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Writes `bytes` to `path` so that a reader sees either the old file or the whole new one.
///
/// # Errors
/// Whatever the file system answers; the old file is then untouched.
pub fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut draft = path.as_os_str().to_owned();
    // Two builds at once must not write into one draft.
    draft.push(format!(".{}.draft", std::process::id()));
    let draft = PathBuf::from(draft);
    fs::write(&draft, bytes)?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_artifact_lies_under_target() {
        let artifacts = Artifacts::of(Path::new("/somewhere"));
        for path in [
            artifacts.development_key(),
            artifacts.kernel(),
            artifacts.kernel_debug(),
            artifacts.ramdisk(),
            artifacts.boot_stages(),
            artifacts.iso(),
            artifacts.iso_checksum(),
        ] {
            assert!(path.starts_with("/somewhere/target"), "{}", path.display());
        }
    }

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), expected);
    }

    #[test]
    fn publishing_replaces_the_old_file_and_leaves_no_draft() {
        let folder = std::env::temp_dir().join(format!("iso-publish-{}", std::process::id()));
        let path = folder.join("inner").join("file");
        publish(&path, b"old").unwrap();
        publish(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.join("inner")).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}

//! Whether the vault is to be trusted: its archive, the key, and what became of it.
//!
//! Owns [`Standing`]. Invariant: no byte of a vault's files is read unless the signature of the
//! kernel's own key holds over the whole archive.

use crate::Node;
use crate::glyphs::Glyphs;
use crate::journal::Journal;
use crate::ports::Machine;
use crate::ramdisk::Ramdisk;
use abi::id::Hex;
use abi::vault::{VaultKeyView, VaultSource, VaultState, VaultStatus};
use alloc::string::{String, ToString};
use glyph_archive::{Archive, ArchiveError, KeyOrigin, TrustedKey};
use telemetry::{EventKind, Level, WordCounter};

/// What to do where a vault is refused: the rest of the node needs none.
const WITHOUT_A_VAULT: &str = "the node runs without glyphs, all else works; `vault status` tells \
                               more";

/// What became of the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its signature held.
    InForce {
        /// SHA-256 of its archive.
        digest: [u8; 32],
    },
    /// There is none, and why.
    Absent(String),
    /// It is not to be trusted, and why.
    Refused(String),
}

impl Standing {
    pub(crate) const fn state(&self) -> VaultState {
        match self {
            Standing::InForce { .. } => VaultState::InForce,
            Standing::Absent(_) => VaultState::Absent,
            Standing::Refused(_) => VaultState::Refused,
        }
    }

    /// Why it is not in force; empty if it is.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Standing::InForce { .. } => "",
            Standing::Absent(reason) | Standing::Refused(reason) => reason,
        }
    }
}

/// The vault that the boot medium carries, for a substrate of `cells` cells.
pub(crate) fn from_boot_medium(
    ramdisk: &Ramdisk<'_>,
    key: Option<&TrustedKey>,
    cells: u64,
) -> (Glyphs, Standing) {
    match ramdisk.vault {
        Some(bytes) => open(bytes, key, cells),
        None if ramdisk.has_loose_glyphs => {
            let reason = ArchiveError::Unsigned.to_string();
            (Glyphs::load(&[], cells), Standing::Refused(reason))
        }
        None => {
            let reason = String::from("the boot medium carries none");
            (Glyphs::load(&[], cells), Standing::Absent(reason))
        }
    }
}

fn open(bytes: &[u8], key: Option<&TrustedKey>, cells: u64) -> (Glyphs, Standing) {
    let Some(key) = key else {
        let reason = String::from(
            "this kernel was built without a key to check it with: build it with `cargo xtask`",
        );
        return (Glyphs::load(&[], cells), Standing::Refused(reason));
    };
    match Archive::open(bytes, key) {
        Ok(archive) => {
            let files: alloc::vec::Vec<_> = archive.files().collect();
            let digest = *archive.digest();
            (Glyphs::load(&files, cells), Standing::InForce { digest })
        }
        Err(error) => (
            Glyphs::load(&[], cells),
            Standing::Refused(error.to_string()),
        ),
    }
}

/// Tells the log, the events and the metrics what became of the vault.
pub(crate) fn tell(
    glyphs: &Glyphs,
    standing: &Standing,
    key: Option<&TrustedKey>,
    journal: &mut Journal,
    now_ns: u64,
) {
    if let Standing::Refused(reason) = standing {
        let text = format_args!("vault refused: {reason}; {WITHOUT_A_VAULT}");
        journal.log(now_ns, Level::Error, text);
        journal.event(now_ns, EventKind::VaultRefused, reason);
    }
    if let Some(key) = key
        && key.origin() == KeyOrigin::Development
    {
        let text = format_args!(
            "vault: this kernel trusts a development key ({}), for trials only: name your own \
             with --vault-key",
            Hex(&key.fingerprint())
        );
        journal.log(now_ns, Level::Warning, text);
    }
    for error in &glyphs.errors {
        let first_line = error.lines().next().unwrap_or(error);
        journal.log(now_ns, Level::Error, format_args!("vault: {first_line}"));
        journal.event(now_ns, EventKind::GlyphRefused, first_line);
    }
    let vault = &glyphs.vault;
    for (field, count) in vault.error_counts().iter() {
        if count > 0 {
            journal
                .metrics()
                .raise_word_to(WordCounter::ParseErrors, field, count);
        }
    }
    journal
        .metrics()
        .load_glyphs(vault.glyphs().map(|glyph| vault.id(glyph).as_str()));
    let text = alloc::format!("{} glyphs, {} errors", vault.len(), glyphs.errors.len());
    journal.log(now_ns, Level::Info, format_args!("vault: {text}"));
    journal.event(now_ns, EventKind::VaultLoaded, &text);
}

impl<M: Machine> Node<M> {
    /// The answer to `vault status`.
    pub(crate) fn vault_status(&self) -> VaultStatus {
        let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
        VaultStatus {
            state: self.standing.state(),
            reason: self.standing.reason().to_string(),
            source: VaultSource::BootMedium,
            digest: match &self.standing {
                Standing::InForce { digest } => Some(*digest),
                _ => None,
            },
            glyphs: count(self.glyphs.vault.len()),
            errors: count(self.glyphs.errors.len()),
            key: self.vault_key.as_ref().map(|key| VaultKeyView {
                fingerprint: key.fingerprint(),
                origin: key.origin().name(),
            }),
        }
    }
}

//! Whether the vault is to be trusted: its archive, the key, and what became of it.
//!
//! Owns [`Trust`]. How a quorum puts another archive in force is in [`replace`].
//!
//! Invariant: no byte of a vault's files is read unless the signature of the kernel's own key holds
//! over the whole archive, wherever it came from.

mod mend;
mod replace;

use crate::Node;
use crate::decisions::Decisions;
use crate::glyphs::Glyphs;
use crate::journal::Journal;
use crate::ports::Machine;
use crate::ramdisk::Ramdisk;
use abi::id::Hex;
use abi::vault::{VaultKeyView, VaultSource, VaultState, VaultStatus};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use glyph_archive::{Archive, ArchiveError, KeyOrigin, TrustedKey};
use governance::Governance;
use governance::event::PolicyAdopted;
use telemetry::{EventKind, Level, WordCounter};

/// What to do where a vault is refused: the rest of the node needs none.
const WITHOUT_A_VAULT: &str = "the node runs without glyphs, all else works; `vault status` tells \
                               more";

/// What became of a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// Its signature held.
    InForce {
        /// SHA-256 of its archive.
        digest: [u8; 32],
    },
    /// There is none, and why.
    Absent(String),
    /// It is not to be trusted, and why.
    Refused(String),
    /// It was damaged in memory, and why it could not be loaded anew.
    Damaged(String),
}

impl Standing {
    /// Why it is not in force; empty if it is.
    fn reason(&self) -> &str {
        match self {
            Standing::InForce { .. } => "",
            Standing::Absent(reason) | Standing::Refused(reason) | Standing::Damaged(reason) => {
                reason
            }
        }
    }
}

/// What the boot medium carries, kept so that a quorum can go back to it.
enum Carried {
    /// No vault.
    Nothing,
    /// Glyphs that no signature covers.
    Loose,
    /// An archive, unread.
    Archive(Vec<u8>),
}

/// What a trusted archive holds.
struct Opened {
    glyphs: Glyphs,
    policy: Option<PolicyAdopted>,
}

/// Whose vaults are taken, and which one is.
pub(crate) struct Trust {
    key: Option<TrustedKey>,
    carried: Carried,
    standing: Standing,
    source: VaultSource,
    /// An archive on its way to a proposal.
    staged: Vec<u8>,
}

impl Trust {
    pub(crate) fn new(key: Option<TrustedKey>, ramdisk: &Ramdisk<'_>) -> Self {
        let carried = match ramdisk.vault {
            Some(bytes) => Carried::Archive(bytes.to_vec()),
            None if ramdisk.has_loose_glyphs => Carried::Loose,
            None => Carried::Nothing,
        };
        Trust {
            key,
            carried,
            standing: Standing::Absent(String::new()),
            source: VaultSource::BootMedium,
            staged: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> VaultState {
        match self.standing {
            Standing::InForce { .. } => VaultState::InForce,
            Standing::Absent(_) => VaultState::Absent,
            Standing::Refused(_) => VaultState::Refused,
            Standing::Damaged(_) => VaultState::Damaged,
        }
    }

    pub(crate) const fn source(&self) -> VaultSource {
        self.source
    }

    /// Why it is not in force; empty if it is.
    pub(crate) fn reason(&self) -> &str {
        self.standing.reason()
    }

    /// Loads the vault that the records put in force, for a substrate of `cells` cells, and offers
    /// its policy.
    ///
    /// An archive of the ledger that is not to be had leaves the node without a vault: the quorum
    /// may have replaced the boot medium's because of what it does.
    pub(crate) fn load(&mut self, decisions: &mut Decisions, cells: u64) -> Glyphs {
        let Opened { glyphs, policy } = match self.read(decisions, cells) {
            Ok((digest, opened)) => {
                self.standing = Standing::InForce { digest };
                opened
            }
            Err(standing) => {
                self.standing = standing;
                Opened {
                    glyphs: Glyphs::load(&[], cells),
                    policy: None,
                }
            }
        };
        decisions.offer(policy);
        glyphs
    }

    /// Reads the archive that the records put in force, and its SHA-256; or what became of it.
    fn read(
        &mut self,
        decisions: &mut Decisions,
        cells: u64,
    ) -> Result<([u8; 32], Opened), Standing> {
        match replace::in_force(decisions) {
            Some((digest, read)) => {
                self.source = VaultSource::Ledger;
                read.map_err(Standing::Refused)
                    .and_then(|bytes| self.open(&bytes, Some(&digest), cells))
            }
            None => {
                self.source = VaultSource::BootMedium;
                match &self.carried {
                    Carried::Archive(bytes) => self.open(bytes, None, cells),
                    Carried::Loose => Err(Standing::Refused(ArchiveError::Unsigned.to_string())),
                    Carried::Nothing => Err(Standing::Absent(String::from(
                        "the boot medium carries none",
                    ))),
                }
            }
        }
    }

    /// Opens an archive, which has to be the one with this SHA-256 if one is given; its SHA-256.
    fn open(
        &self,
        bytes: &[u8],
        expected: Option<&[u8; 32]>,
        cells: u64,
    ) -> Result<([u8; 32], Opened), Standing> {
        let refused = |reason: &str| Standing::Refused(String::from(reason));
        let key = self.key.as_ref().ok_or_else(|| {
            refused(
                "this kernel was built without a key to check it with: build it with `cargo xtask`",
            )
        })?;
        let archive = Archive::open(bytes, key).map_err(|error| refused(&error.to_string()))?;
        let digest = *archive.digest();
        if expected.is_some_and(|expected| *expected != digest) {
            return Err(refused(
                "its records hold another archive than the quorum signed: type `ledger verify`",
            ));
        }
        let (glyphs, policy) = Glyphs::of_archive(&archive, cells);
        let policy = policy.map(|policy| PolicyAdopted {
            policy,
            signed_by: Some(*key.public()),
        });
        Ok((digest, Opened { glyphs, policy }))
    }

    /// Tells the log, the events and the metrics what became of the vault.
    pub(crate) fn tell(&self, glyphs: &Glyphs, journal: &mut Journal, now_ns: u64) {
        if let Standing::Refused(reason) = &self.standing {
            let text = format_args!("vault refused: {reason}; {WITHOUT_A_VAULT}");
            journal.log(now_ns, Level::Error, text);
            journal.event(now_ns, EventKind::VaultRefused, reason);
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
            .load_glyphs(vault.glyphs().map(|glyph| vault.id_text(glyph)));
        let text = alloc::format!("{} glyphs, {} errors", vault.len(), glyphs.errors.len());
        journal.log(now_ns, Level::Info, format_args!("vault: {text}"));
        journal.event(now_ns, EventKind::VaultLoaded, &text);
    }

    /// Tells the log which policy is in force, and what stands against the vault's own.
    pub(crate) fn tell_policy(decisions: &Decisions, journal: &mut Journal, now_ns: u64) {
        let governance = decisions.governance();
        if let Some(policy) = governance.and_then(Governance::policy_in_force) {
            let text = format_args!("governance: in force is {}", policy.describe());
            journal.log(now_ns, Level::Info, text);
        }
        let refused = decisions.offer_refused();
        if !refused.is_empty() {
            journal.log(
                now_ns,
                Level::Warning,
                format_args!("governance: {refused}"),
            );
        }
    }

    /// Warns of a key that is good for trials only.
    pub(crate) fn tell_key(&self, journal: &mut Journal, now_ns: u64) {
        if let Some(key) = &self.key
            && key.origin() == KeyOrigin::Development
        {
            let text = format_args!(
                "vault: this kernel trusts a development key ({}), for trials only: name your own \
                 with --vault-key",
                Hex(&key.fingerprint())
            );
            journal.log(now_ns, Level::Warning, text);
        }
    }
}

impl<M: Machine> Node<M> {
    /// The answer to `vault status`.
    pub(crate) fn vault_status(&self) -> VaultStatus {
        let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
        let trust = &self.trust;
        let governance = self.decisions.governance();
        VaultStatus {
            state: trust.state(),
            reason: trust.reason().to_string(),
            source: trust.source,
            digest: match &trust.standing {
                Standing::InForce { digest } => Some(*digest),
                _ => None,
            },
            glyphs: count(self.glyphs.vault.len()),
            errors: count(self.glyphs.errors.len()),
            key: trust.key.as_ref().map(|key| VaultKeyView {
                fingerprint: key.fingerprint(),
                origin: key.origin().name(),
            }),
            policy: governance
                .and_then(Governance::policy_in_force)
                .map(PolicyAdopted::view),
            policy_refused: self.decisions.offer_refused(),
            staged_bytes: count(trust.staged.len()),
            archives: governance.map_or_else(Vec::new, |state| state.vault_archive_views()),
            changes: governance.map_or_else(Vec::new, |state| state.vault_change_views()),
        }
    }
}

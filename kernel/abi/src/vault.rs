//! What is asked and told about the vault as a whole: whose it is, and whether it is in force.

use crate::request::Signature;
use crate::time::UnixSeconds;
use crate::{GuardianId, RecordId, RecordPrefix};
use alloc::string::String;
use alloc::vec::Vec;

/// `vault ...`, beside `vault list` and `vault errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultRequest {
    /// `status`
    Status,
    /// `stage OFFSET HEX`: a piece of an archive, kept in memory until it is proposed.
    Stage {
        /// Where it begins: 0, or where the piece before it ended.
        offset: u64,
        /// The piece.
        bytes: Vec<u8>,
    },
    /// `propose [boot-medium|DIGITS]`
    Propose(VaultTarget),
    /// `challenge CHANGE GUARDIAN "why"`
    Challenge {
        /// The proposed change.
        change: RecordPrefix,
        /// Who will sign.
        signer: GuardianId,
        /// The signer's reason.
        justification: String,
    },
    /// `sign CHANGE GUARDIAN SIGNATURE`
    Sign {
        /// The proposed change.
        change: RecordPrefix,
        /// Who signed.
        signer: GuardianId,
        /// Over the challenge issued last for this change and signer.
        signature: Signature,
    },
}

/// Which vault is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultTarget {
    /// The archive that was staged.
    Staged,
    /// The vault of the boot medium.
    BootMedium,
    /// An archive that the ledger holds, by the first digits of its SHA-256.
    Kept(RecordPrefix),
}

/// What became of the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultState {
    /// Its signature held, and its glyphs were loaded.
    InForce,
    /// There is none.
    Absent,
    /// It is not to be trusted, and no byte of it was read.
    Refused,
    /// It was in force, was damaged in memory, and could not be loaded anew.
    Damaged,
}

impl VaultState {
    /// The word for people and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            VaultState::InForce => "in_force",
            VaultState::Absent => "absent",
            VaultState::Refused => "refused",
            VaultState::Damaged => "damaged",
        }
    }
}

/// Where a vault came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultSource {
    /// The medium that the machine started from.
    BootMedium,
    /// The ledger, where a quorum put it in force.
    Ledger,
}

impl VaultSource {
    /// The word for people and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            VaultSource::BootMedium => "boot_medium",
            VaultSource::Ledger => "ledger",
        }
    }
}

/// The key that a kernel was built to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultKeyView {
    /// First 8 bytes of the SHA-256 of the public key.
    pub fingerprint: [u8; 8],
    /// `given` by whoever built the kernel, or `development`: made by the build for itself.
    pub origin: &'static str,
}

/// The policy of governance that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyView {
    /// Its name.
    pub name: String,
    /// Grows with every change.
    pub version: u32,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// Fingerprint of the key that signed the vault it came with; `None` for the built-in one.
    pub signed_by: Option<[u8; 8]>,
}

/// The answer to `vault status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultStatus {
    /// What became of it.
    pub state: VaultState,
    /// Why it is not in force; empty if it is.
    pub reason: String,
    /// Where it came from.
    pub source: VaultSource,
    /// SHA-256 of the archive that is in force.
    pub digest: Option<[u8; 32]>,
    /// Glyphs that were loaded from it.
    pub glyphs: u64,
    /// Errors in its files.
    pub errors: u64,
    /// Whose signature counts; `None` in a kernel that was built without a key.
    pub key: Option<VaultKeyView>,
    /// The policy of governance that is in force, whatever became of the vault.
    pub policy: Option<PolicyView>,
    /// Why the policy that this vault brings does not follow it; empty if nothing stands against it.
    pub policy_refused: String,
    /// Bytes of an archive that are staged for a proposal.
    pub staged_bytes: u64,
    /// Archives that the ledger holds.
    pub archives: Vec<VaultArchiveView>,
    /// Changes that wait for a quorum.
    pub changes: Vec<VaultChangeView>,
}

/// An archive in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultArchiveView {
    /// Its SHA-256.
    pub digest: [u8; 32],
    /// Bytes of the whole.
    pub bytes: u64,
    /// Whether all of it is there.
    pub is_whole: bool,
}

/// A proposed change of the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultChangeView {
    /// Its id.
    pub id: RecordId,
    /// SHA-256 of the archive; `None` for the boot medium's vault.
    pub archive: Option<[u8; 32]>,
    /// Who signed.
    pub signed: Vec<GuardianId>,
    /// Signatures that are still missing; 0 when it is in force.
    pub signatures_missing: u32,
    /// When the proposal ends.
    pub expires_at: UnixSeconds,
}

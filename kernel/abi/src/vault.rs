//! What is asked and told about the vault as a whole: whose it is, and whether it is in force.

use alloc::string::String;

/// `vault ...`, beside `vault list` and `vault errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultRequest {
    /// `status`
    Status,
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
}

impl VaultState {
    /// The word for people and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            VaultState::InForce => "in_force",
            VaultState::Absent => "absent",
            VaultState::Refused => "refused",
        }
    }
}

/// Where a vault came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultSource {
    /// The medium that the machine started from.
    BootMedium,
}

impl VaultSource {
    /// The word for people and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            VaultSource::BootMedium => "boot_medium",
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
}

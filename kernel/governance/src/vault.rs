//! Which vault is in force: archives kept in records, and changes that a quorum signs.
//!
//! Owns the state and the questions about it. An archive's bytes lie in the ledger, in records of
//! their own and in order; here are only their numbers and the hash that they have to come to. What an
//! archive holds and whose seal it bears is the node's to judge, before and after.
//!
//! Invariants:
//! - an archive is complete only if its pieces have the SHA-256 that it is called by;
//! - what is in force is the boot medium's vault or a complete archive, put there by a quorum.

use crate::event::{Body, Event, VaultPiece, VaultPieceBytes};
use crate::state::{Ballot, Governance};
use abi::time::UnixSeconds;
use abi::vault::{VaultArchiveView, VaultChangeView};
use abi::{Fault, RecordId};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// Largest archive that is kept in records, in bytes.
pub const VAULT_ARCHIVE_BYTES_MAX: usize = 256 << 10;
/// Bytes of an archive in one record, the last piece excepted.
pub const VAULT_PIECE_BYTES: usize = 3072;
/// Most archives that a ledger keeps, incomplete ones included.
pub(crate) const VAULT_ARCHIVES_MAX: usize = 64;
/// Most changes of the vault that wait for a quorum at a time.
pub(crate) const VAULT_CHANGES_OPEN_MAX: usize = 8;

/// An archive in the ledger.
#[derive(Clone)]
pub(crate) struct Kept {
    /// Bytes of the whole archive.
    pub(crate) whole_bytes: u32,
    /// Bytes that the records hold so far.
    pub(crate) held_bytes: u32,
    /// Over the bytes so far.
    pub(crate) hash: Sha256,
    /// Numbers of the records that hold its pieces, in order.
    pub(crate) records: Vec<u64>,
}

impl Kept {
    pub(crate) const fn is_complete(&self) -> bool {
        self.held_bytes == self.whole_bytes
    }
}

/// A proposed change of the vault.
#[derive(Clone, Debug)]
pub(crate) struct VaultChange {
    pub(crate) number: u64,
    /// The archive; `None` for the boot medium's vault.
    pub(crate) archive: Option<[u8; 32]>,
    pub(crate) ballot: Ballot,
}

/// All that the records say about the vault.
#[derive(Clone, Default)]
pub(crate) struct Vaults {
    pub(crate) archives: BTreeMap<[u8; 32], Arc<Kept>>,
    pub(crate) changes: BTreeMap<RecordId, Arc<VaultChange>>,
    /// `None` for the boot medium's.
    pub(crate) in_force: Option<[u8; 32]>,
}

impl Governance {
    /// The archive that a quorum put in force; `None` for the boot medium's vault.
    #[must_use]
    pub const fn vault_in_force(&self) -> Option<&[u8; 32]> {
        self.vaults.in_force.as_ref()
    }

    /// Numbers of the records that hold an archive, in order; `None` if it is not there whole.
    #[must_use]
    pub fn vault_records(&self, archive: &[u8; 32]) -> Option<&[u64]> {
        let kept = self.vaults.archives.get(archive)?;
        kept.is_complete().then_some(kept.records.as_slice())
    }

    /// The next record on the way of an archive into the ledger; `None` once it is there whole.
    ///
    /// `archive` is the SHA-256 of `bytes`; the last piece is judged by it.
    ///
    /// # Errors
    /// A [`Fault`] if the archive is too large, or the ledger keeps as many as it may.
    pub fn vault_piece(
        &self,
        archive: [u8; 32],
        bytes: &[u8],
        now: UnixSeconds,
    ) -> Result<Option<Event>, Fault> {
        let kept = self.vaults.archives.get(&archive);
        let offset = kept.map_or(0, |kept| kept.held_bytes);
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| bytes.get(offset..))
            .unwrap_or_default();
        if rest.is_empty() && kept.is_some() {
            return Ok(None);
        }
        let piece = rest.get(..VAULT_PIECE_BYTES).unwrap_or(rest);
        let time = self.time_at(now);
        let body = Body::VaultPiece(VaultPiece {
            archive,
            whole_bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            offset,
            bytes: VaultPieceBytes(piece.to_vec()),
        });
        self.judge(time, &body).map_err(|refused| refused.fault)?;
        Ok(Some(Event { time, body }))
    }

    /// Changes of the vault that wait for signatures, oldest first.
    #[must_use]
    pub fn vault_change_views(&self) -> Vec<VaultChangeView> {
        let mut open: Vec<_> = self
            .vaults
            .changes
            .iter()
            .filter(|(_, change)| change.ballot.is_open())
            .collect();
        open.sort_by_key(|(_, change)| change.number);
        open.into_iter()
            .map(|(id, change)| self.vault_change_view(*id, change))
            .collect()
    }

    pub(crate) fn vault_change_view(&self, id: RecordId, change: &VaultChange) -> VaultChangeView {
        VaultChangeView {
            id,
            archive: change.archive,
            signed: change.ballot.signers(),
            signatures_missing: self.signatures_missing(&change.ballot),
            expires_at: change.ballot.expires_at,
        }
    }

    /// Archives in the ledger, in the order of their SHA-256.
    #[must_use]
    pub fn vault_archive_views(&self) -> Vec<VaultArchiveView> {
        self.vaults
            .archives
            .iter()
            .map(|(digest, kept)| VaultArchiveView {
                digest: *digest,
                bytes: u64::from(kept.whole_bytes),
                is_whole: kept.is_complete(),
            })
            .collect()
    }
}

impl Kept {
    /// An archive without a piece.
    pub(crate) fn new(whole_bytes: u32) -> Self {
        Kept {
            whole_bytes,
            held_bytes: 0,
            hash: Sha256::new(),
            records: Vec::new(),
        }
    }

    /// The hash with one more piece.
    pub(crate) fn hash_with(&self, piece: &[u8]) -> [u8; 32] {
        self.hash.clone().chain_update(piece).finalize().into()
    }
}

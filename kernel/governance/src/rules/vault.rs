//! Rules on the vault: its pieces, and who puts an archive in force.
//!
//! Invariants:
//! - pieces of an archive come in order, none twice, and the last one proves the whole;
//! - no vault changes without a strict majority of the active guardians, the first included.

use crate::challenge::Subject;
use crate::event::{VaultChangeProposed, VaultPiece, Vote};
use crate::refused::Refused;
use crate::rules::ballot::Kind;
use crate::rules::same;
use crate::state::{Governance, Guardian};
use crate::vault::{
    Kept, VAULT_ARCHIVE_BYTES_MAX, VAULT_ARCHIVES_MAX, VAULT_CHANGES_OPEN_MAX, VAULT_PIECE_BYTES,
    VaultChange,
};
use abi::governance::Action;
use abi::id::Hex;
use abi::time::UnixSeconds;
use abi::{FaultCode, RecordId};
use alloc::format;
use alloc::string::String;

const BALLOT: Kind = Kind {
    about: "the vault",
    command: "vault",
    list: "vault status",
    open_max: VAULT_CHANGES_OPEN_MAX,
};

impl Governance {
    pub(super) fn judge_vault_piece(&self, event: &VaultPiece) -> Result<(), Refused> {
        self.require_policy()?;
        self.require_signers()?;
        let whole = usize::try_from(event.whole_bytes).unwrap_or(usize::MAX);
        if whole > VAULT_ARCHIVE_BYTES_MAX {
            return Err(Refused::of(
                FaultCode::OutOfRange,
                format!(
                    "the archive has {whole} bytes, and the ledger keeps {VAULT_ARCHIVE_BYTES_MAX} \
                     at most: put a larger vault on the boot medium"
                ),
            ));
        }
        let kept = self.vaults.archives.get(&event.archive);
        if kept.is_none() && self.vaults.archives.len() >= VAULT_ARCHIVES_MAX {
            return Err(Refused::of(
                FaultCode::Full,
                format!(
                    "the ledger keeps {VAULT_ARCHIVES_MAX} archives, the most there may be: propose \
                     one of them, or put the vault on the boot medium"
                ),
            ));
        }
        let new;
        let kept: &Kept = match kept {
            Some(kept) => kept,
            None => {
                new = Kept::new(event.whole_bytes);
                &new
            }
        };
        let is_next = kept.whole_bytes == event.whole_bytes && kept.held_bytes == event.offset;
        same(is_next, "the place of a vault's piece")?;
        let length = event.bytes.0.len();
        let rest = kept.whole_bytes.saturating_sub(kept.held_bytes);
        let expected = VAULT_PIECE_BYTES.min(usize::try_from(rest).unwrap_or(usize::MAX));
        same(
            length == expected && length > 0,
            "the length of a vault's piece",
        )?;
        let is_last = expected == usize::try_from(rest).unwrap_or(usize::MAX);
        if is_last {
            let hash = kept.hash_with(&event.bytes.0);
            same(hash == event.archive, "the hash of a vault's archive")?;
        }
        Ok(())
    }

    pub(super) fn judge_vault_proposed(
        &self,
        time: UnixSeconds,
        event: &VaultChangeProposed,
    ) -> Result<(), Refused> {
        self.require_new(&event.change_id)?;
        self.require_signers()?;
        self.require_installable(event.archive)?;
        let ballots = self.vaults.changes.values().map(|change| &change.ballot);
        self.require_ballot(&BALLOT, ballots, time, event.expires_at)
    }

    /// Whether there is anybody who could sign.
    fn require_signers(&self) -> Result<(), Refused> {
        if self.is_unclaimed() {
            return Err(Refused::rule(
                "nobody can sign for another vault yet: guardian enrol makes the first guardian",
            ));
        }
        Ok(())
    }

    /// Whether this vault could be put in force now.
    fn require_installable(&self, archive: Option<[u8; 32]>) -> Result<(), Refused> {
        if archive == self.vaults.in_force {
            return Err(Refused::rule(
                "this vault is in force already: vault status shows it",
            ));
        }
        if let Some(archive) = archive
            && self.vault_records(&archive).is_none()
        {
            return Err(Refused::of(
                FaultCode::NotFound,
                format!(
                    "the ledger does not hold the archive {} whole: send it with the lines of \
                     glyphctl vault lines",
                    Hex(&archive)
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn may_replace_vault(
        &self,
        time: UnixSeconds,
        id: RecordId,
        guardian: &Guardian,
    ) -> Result<(), Refused> {
        let change = self.vault_change(id)?;
        self.may_sign_ballot(&BALLOT, id, &change.ballot, time, guardian)?;
        self.require_installable(change.archive)
    }

    /// Whether this vote is sound; then, whether the vault is in force with it.
    pub(crate) fn judge_vault_signed(
        &self,
        time: UnixSeconds,
        id: RecordId,
        vote: &Vote,
    ) -> Result<bool, Refused> {
        self.judge_vote(time, Subject::Vault(id), Action::ReplaceVault, vote)?;
        Ok(self.signatures_missing(&self.vault_change(id)?.ballot) == 1)
    }

    pub(super) fn judge_vault_expired(
        &self,
        time: UnixSeconds,
        id: RecordId,
    ) -> Result<(), Refused> {
        let change = self.vault_change(id)?;
        same(
            change.ballot.is_due(time),
            "the expiry of a change of the vault",
        )
    }

    pub(crate) fn vault_change(&self, id: RecordId) -> Result<&VaultChange, Refused> {
        let change = self.vaults.changes.get(&id);
        change.map(AsRef::as_ref).ok_or_else(|| {
            Refused::of(
                FaultCode::NotFound,
                format!("there is no change of the vault {id}: vault status shows those that are"),
            )
        })
    }

    /// What a signer of the change agrees to, in one line.
    pub(super) fn vault_subject(&self, id: RecordId) -> Result<String, Refused> {
        let change = self.vault_change(id)?;
        Ok(match change.archive {
            Some(archive) => {
                let bytes = self
                    .vaults
                    .archives
                    .get(&archive)
                    .map_or(0, |kept| kept.whole_bytes);
                format!(
                    "replace the vault by the archive with sha256 {} ({bytes} bytes)",
                    Hex(&archive)
                )
            }
            None => String::from("replace the vault by that of the boot medium"),
        })
    }
}

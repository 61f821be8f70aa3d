//! Rules on the vault: its pieces, and who puts an archive in force.
//!
//! Invariants:
//! - pieces of an archive come in order, none twice, and the last one proves the whole;
//! - no vault changes without a strict majority of the active guardians, the first included.

use crate::challenge::Subject;
use crate::event::summary::short;
use crate::event::{VaultChangeProposed, VaultPiece, Vote};
use crate::policy::hours;
use crate::refused::Refused;
use crate::rules::same;
use crate::state::{ChangeStatus, Governance, Guardian};
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
        self.require_policy()?;
        self.require_new(&event.change_id)?;
        self.require_signers()?;
        self.require_installable(event.archive)?;
        if self.policy_is_current() {
            let expiry = time.plus(hours(self.policy.guardian_change_hours));
            same(event.expires_at == expiry, "the proposal's expiry")?;
        }
        same(event.expires_at > time, "the proposal's expiry")?;
        let open = self
            .vaults
            .changes
            .values()
            .filter(|change| change.status == ChangeStatus::Open)
            .count();
        if open >= VAULT_CHANGES_OPEN_MAX {
            return Err(Refused::of(
                FaultCode::Full,
                format!("{open} changes of the vault wait already: sign them or let them expire"),
            ));
        }
        Ok(())
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
        if change.status != ChangeStatus::Open || time >= change.expires_at {
            return Err(Refused::rule(
                "this change of the vault is no longer open: vault status shows those that are",
            ));
        }
        if self.has_voted(&change.signatures, guardian) {
            return Err(Refused::rule(format!(
                "{} signed this change already, {} more signatures are missing: type vault \
                 challenge {} GUARDIAN \"why\" for another guardian",
                guardian.id,
                self.vault_votes_missing(change),
                short(&id)
            )));
        }
        self.require_installable(change.archive)
    }

    /// Signatures that an open change still needs, at least 1; 0 once it is closed.
    pub(crate) fn vault_votes_missing(&self, change: &VaultChange) -> u32 {
        if change.status != ChangeStatus::Open {
            return 0;
        }
        let counted = self.counting(&change.signatures).count();
        self.quorum()
            .saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX))
            .max(1)
    }

    /// Whether this vote is sound; then, whether the vault is in force with it.
    pub(crate) fn judge_vault_signed(
        &self,
        time: UnixSeconds,
        id: RecordId,
        vote: &Vote,
    ) -> Result<bool, Refused> {
        self.judge_vote(time, Subject::Vault(id), Action::ReplaceVault, vote)?;
        Ok(self.vault_votes_missing(self.vault_change(id)?) == 1)
    }

    pub(super) fn judge_vault_expired(
        &self,
        time: UnixSeconds,
        id: RecordId,
    ) -> Result<(), Refused> {
        let change = self.vault_change(id)?;
        same(
            change.status == ChangeStatus::Open && time >= change.expires_at,
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

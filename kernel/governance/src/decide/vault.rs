//! Deciding on changes of the vault.

use super::{Context, Reply, Step, resolve};
use crate::challenge::Subject;
use crate::event::{Body, VaultChangeProposed, VaultChangeSigned};
use crate::policy::hours;
use crate::refused::Refused;
use crate::state::Governance;
use abi::governance::Action;
use abi::request::Signature;
use abi::time::UnixSeconds;
use abi::{GuardianId, RecordPrefix};

/// A step towards another vault.
#[derive(Clone, Copy, Debug)]
pub enum VaultCommand<'a> {
    /// Proposes an archive that the ledger holds whole, or the boot medium's vault.
    Propose {
        /// SHA-256 of the archive; `None` for the boot medium's vault.
        archive: Option<[u8; 32]>,
    },
    /// Asks for a challenge.
    Challenge {
        /// The proposed change.
        change: &'a RecordPrefix,
        /// Who will sign.
        signer: &'a GuardianId,
        /// The signer's reason.
        justification: &'a str,
    },
    /// Signs.
    Sign {
        /// The proposed change.
        change: &'a RecordPrefix,
        /// Who signed.
        signer: &'a GuardianId,
        /// Over the challenge issued last for this change and signer.
        signature: &'a Signature,
    },
}

impl Governance {
    pub(super) fn serve_vault(
        &mut self,
        command: VaultCommand<'_>,
        time: UnixSeconds,
        context: &Context,
    ) -> Result<Step, Refused> {
        let find = |governance: &Self, change: &RecordPrefix| {
            let changes = &governance.vaults.changes;
            resolve(changes, change, ("change of the vault", "vault status"))
        };
        match command {
            VaultCommand::Propose { archive } => {
                let change_id = self.new_id(context)?;
                let body = Body::VaultChangeProposed(VaultChangeProposed {
                    change_id,
                    archive,
                    expires_at: time.plus(hours(self.require_policy()?.guardian_change_hours)),
                });
                self.propose_record(time, body, Reply::VaultChange(change_id))
            }
            VaultCommand::Challenge {
                change,
                signer,
                justification,
            } => {
                let id = find(self, change)?;
                let step = (Action::ReplaceVault, signer, justification);
                self.issue(time, context, Subject::Vault(id), step)
            }
            VaultCommand::Sign {
                change,
                signer,
                signature,
            } => {
                let change_id = find(self, change)?;
                let step = (Action::ReplaceVault, signer, signature);
                let signed = self.vote(time, Subject::Vault(change_id), step)?;
                let in_effect = self.judge_vault_signed(time, change_id, &signed)?;
                let body = Body::VaultChangeSigned(VaultChangeSigned {
                    change_id,
                    signed,
                    in_effect,
                });
                Ok(Step::record(body, Reply::VaultChange(change_id)))
            }
        }
    }
}

//! Steps towards another vault, on a simulated node.

use super::{Node, id, prefix};
use crate::{Command, VaultCommand};
use abi::vault::VaultChangeView;
use abi::{Fault, RecordId, Response};
use sha2::{Digest as _, Sha256};
use std::vec::Vec;

/// The change in an answer.
pub(crate) fn change_of(answer: Response) -> VaultChangeView {
    let Response::VaultChange(change) = answer else {
        panic!("{answer:?}")
    };
    change
}

impl Node {
    /// Records every piece of an archive that is not there yet; its SHA-256.
    pub(crate) fn keep_archive(&mut self, bytes: &[u8]) -> Result<[u8; 32], Fault> {
        let archive = Sha256::digest(bytes).into();
        while let Some(event) = self.governance.vault_piece(archive, bytes, self.now)? {
            self.record(&event);
        }
        Ok(archive)
    }

    /// Keeps an archive and proposes it.
    pub(crate) fn propose_vault(&mut self, bytes: &[u8]) -> Result<VaultChangeView, Fault> {
        let archive = self.keep_archive(bytes)?;
        self.propose_kept(Some(archive))
    }

    pub(crate) fn propose_kept(
        &mut self,
        archive: Option<[u8; 32]>,
    ) -> Result<VaultChangeView, Fault> {
        self.run(Command::Vault(VaultCommand::Propose { archive }))
            .map(change_of)
    }

    pub(crate) fn sign_vault(
        &mut self,
        change: RecordId,
        name: &str,
    ) -> Result<VaultChangeView, Fault> {
        let (change, signer) = (prefix(change), id(name));
        let challenge = self.run(Command::Vault(VaultCommand::Challenge {
            change: &change,
            signer: &signer,
            justification: "I read it",
        }))?;
        let signature = self.answer_challenge(name, &challenge);
        self.run(Command::Vault(VaultCommand::Sign {
            change: &change,
            signer: &signer,
            signature: &signature,
        }))
        .map(change_of)
    }

    /// Signs the oldest open change of the vault until it is in force.
    pub(crate) fn agree_on_vault(&mut self) {
        let change = self.governance.vault_change_views()[0].clone();
        let signers: Vec<_> = self.secrets.keys().cloned().collect();
        let missing = usize::try_from(change.signatures_missing).unwrap();
        for signer in signers.iter().take(missing) {
            self.sign_vault(change.id, signer.as_str()).unwrap();
        }
        assert_eq!(self.governance.vault_in_force(), change.archive.as_ref());
    }
}

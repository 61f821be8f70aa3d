//! Applying records about the vault.

use crate::effect::Effect;
use crate::event::{Body, VaultPiece};
use crate::state::{Ballot, BallotStatus, Governance};
use crate::vault::{Kept, VaultChange};
use abi::RecordId;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use sha2::Digest as _;

impl Governance {
    pub(super) fn change_vault(&mut self, body: &Body) -> Vec<Effect> {
        match body {
            Body::VaultPiece(event) => {
                self.keep_piece(event);
                Vec::new()
            }
            Body::VaultChangeProposed(event) => {
                let change = VaultChange {
                    number: self.next_number(),
                    archive: event.archive,
                    ballot: Ballot::new(event.expires_at),
                };
                self.vaults
                    .changes
                    .insert(event.change_id, Arc::new(change));
                Vec::new()
            }
            Body::VaultChangeSigned(event) => {
                let accepted = self.accept(&event.signed);
                let changes = &mut self.vaults.changes;
                if let Some(change) = changes.get_mut(&event.change_id).map(Arc::make_mut) {
                    change.ballot.signatures.push(accepted);
                }
                if event.in_effect {
                    self.replace_vault(event.change_id)
                } else {
                    Vec::new()
                }
            }
            Body::VaultChangeExpired(event) => {
                let changes = &mut self.vaults.changes;
                if let Some(change) = changes.get_mut(&event.change_id).map(Arc::make_mut) {
                    change.ballot.status = BallotStatus::Expired;
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn keep_piece(&mut self, event: &VaultPiece) {
        let record = self.last_seq.unwrap_or_default();
        let archives = &mut self.vaults.archives;
        let kept = archives
            .entry(event.archive)
            .or_insert_with(|| Arc::new(Kept::new(event.whole_bytes)));
        let kept = Arc::make_mut(kept);
        let length = u32::try_from(event.bytes.0.len()).unwrap_or(u32::MAX);
        kept.held_bytes = kept.held_bytes.saturating_add(length);
        kept.hash.update(&event.bytes.0);
        kept.records.push(record);
    }

    fn replace_vault(&mut self, id: RecordId) -> Vec<Effect> {
        let changes = &mut self.vaults.changes;
        let Some(change) = changes.get_mut(&id).map(Arc::make_mut) else {
            return Vec::new();
        };
        change.ballot.status = BallotStatus::InEffect;
        self.vaults.in_force = change.archive;
        vec![Effect::VaultReplaced {
            archive: change.archive,
        }]
    }
}

//! Challenges that wait for their signature, in memory only.
//!
//! Invariants:
//! - at most [`CHALLENGES_MAX`] wait; the oldest makes room for a new one;
//! - one waits per subject, guardian and action: a new one replaces it;
//! - none outlives its use, a change of its guardian's key, or a restart.

use abi::governance::Action;
use abi::time::UnixSeconds;
use abi::{GuardianId, RecordId};
use alloc::string::String;
use alloc::vec::Vec;

/// Most challenges that wait at a time.
pub const CHALLENGES_MAX: usize = 64;

/// What a signature is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Override(RecordId),
    Request(RecordId),
    Change(RecordId),
    Vault(RecordId),
}

/// One challenge that was issued and not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) subject: Subject,
    pub(crate) guardian: GuardianId,
    pub(crate) action: Action,
    pub(crate) nonce: [u8; 16],
    pub(crate) issued_at: UnixSeconds,
    pub(crate) justification: String,
}

/// The table of waiting challenges, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Challenges {
    waiting: Vec<Challenge>,
}

impl Challenges {
    /// Adds one; the one for the same step, or else the oldest of a full table, goes.
    pub(crate) fn issue(&mut self, challenge: Challenge) {
        self.waiting.retain(|old| {
            old.subject != challenge.subject
                || old.guardian != challenge.guardian
                || old.action != challenge.action
        });
        if self.waiting.len() >= CHALLENGES_MAX {
            self.waiting.remove(0);
        }
        self.waiting.push(challenge);
    }

    /// The one that waits for this step.
    pub(crate) fn find(
        &self,
        subject: Subject,
        guardian: &GuardianId,
        action: Action,
    ) -> Option<&Challenge> {
        self.waiting.iter().find(|waiting| {
            waiting.subject == subject && waiting.guardian == *guardian && waiting.action == action
        })
    }

    /// Whether this nonce waits.
    pub(crate) fn holds(&self, nonce: &[u8; 16]) -> bool {
        self.waiting.iter().any(|waiting| waiting.nonce == *nonce)
    }

    /// Removes the one that was used.
    pub(crate) fn spend(&mut self, nonce: &[u8; 16]) {
        self.waiting.retain(|waiting| waiting.nonce != *nonce);
    }

    /// Removes those of a guardian whose key or state changed.
    pub(crate) fn forget(&mut self, guardian: &GuardianId) {
        self.waiting.retain(|waiting| waiting.guardian != *guardian);
    }

    /// Removes all: the policy that they name is no longer in force.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(number: u8, action: Action) -> Challenge {
        Challenge {
            subject: Subject::Override(RecordId([number; 16])),
            guardian: GuardianId::new("galahad").unwrap(),
            action,
            nonce: [number; 16],
            issued_at: UnixSeconds(0),
            justification: String::new(),
        }
    }

    #[test]
    fn a_new_challenge_replaces_the_one_of_the_same_step_only() {
        let mut table = Challenges::default();
        table.issue(challenge(1, Action::SignOverride));
        table.issue(challenge(1, Action::PostMortem));
        table.issue(Challenge {
            nonce: [9; 16],
            ..challenge(1, Action::SignOverride)
        });
        assert!(!table.holds(&[1; 16]) || table.waiting.len() == 2);
        let waiting = &table.waiting;
        assert_eq!(waiting.len(), 2);
        assert!(
            waiting
                .iter()
                .any(|c| c.nonce == [9; 16] && c.action == Action::SignOverride)
        );
        assert!(
            waiting
                .iter()
                .any(|c| c.nonce == [1; 16] && c.action == Action::PostMortem)
        );
    }

    #[test]
    fn a_full_table_gives_up_its_oldest_challenge() {
        let mut table = Challenges::default();
        for number in 0..=64 {
            table.issue(challenge(number, Action::SignOverride));
        }
        assert_eq!(table.waiting.len(), CHALLENGES_MAX);
        assert!(!table.holds(&[0; 16]) && table.holds(&[64; 16]));
    }
}

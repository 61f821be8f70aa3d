//! Rules on ballots: what a strict majority of the active guardians has to sign.
//!
//! Owns how a ballot opens, is signed and expires, whether it is about guardians or the vault.
//!
//! Invariants:
//! - a signature counts once for each guardian, and only while its key is the guardian's;
//! - an open ballot needs at least one signature more, however few guardians are left.

use crate::event::summary::short;
use crate::policy::hours;
use crate::refused::Refused;
use crate::rules::same;
use crate::state::{Ballot, Governance, Guardian};
use abi::time::UnixSeconds;
use abi::{FaultCode, RecordId};
use alloc::format;

/// What refusals say of a kind of ballot.
pub(super) struct Kind {
    /// What is voted on: "changes of ...".
    pub(super) about: &'static str,
    /// The command's first word.
    pub(super) command: &'static str,
    /// The command that shows open ballots.
    pub(super) list: &'static str,
    /// Most that may be open at a time.
    pub(super) open_max: usize,
}

impl Governance {
    /// Whether another ballot of this kind, to expire then, can open now.
    pub(super) fn require_ballot<'a>(
        &self,
        kind: &Kind,
        ballots: impl Iterator<Item = &'a Ballot>,
        time: UnixSeconds,
        expires_at: UnixSeconds,
    ) -> Result<(), Refused> {
        let expiry = time.plus(hours(self.require_policy()?.guardian_change_hours));
        same(expires_at == expiry, "the proposal's expiry")?;
        let open = ballots.filter(|ballot| ballot.is_open()).count();
        if open >= kind.open_max {
            return Err(Refused::of(
                FaultCode::Full,
                format!(
                    "{open} changes of {} wait already: sign them or let them expire",
                    kind.about
                ),
            ));
        }
        Ok(())
    }

    /// Whether this guardian may sign the ballot now, as far as the ballot goes.
    pub(super) fn may_sign_ballot(
        &self,
        kind: &Kind,
        id: RecordId,
        ballot: &Ballot,
        time: UnixSeconds,
        guardian: &Guardian,
    ) -> Result<(), Refused> {
        if !ballot.is_open() || time >= ballot.expires_at {
            return Err(Refused::rule(format!(
                "this change of {} is no longer open: {} shows those that are",
                kind.about, kind.list
            )));
        }
        if self.has_voted(&ballot.signatures, guardian) {
            return Err(Refused::rule(format!(
                "{} signed this change already, {} more signatures are missing: type {} \
                 challenge {} GUARDIAN \"why\" for another guardian",
                guardian.id,
                self.signatures_missing(ballot),
                kind.command,
                short(&id)
            )));
        }
        Ok(())
    }

    /// Signatures that an open ballot still needs, at least 1; 0 once it is closed.
    pub(crate) fn signatures_missing(&self, ballot: &Ballot) -> u32 {
        if !ballot.is_open() {
            return 0;
        }
        let counted = self.counting(&ballot.signatures).count();
        self.quorum()
            .saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX))
            .max(1)
    }
}

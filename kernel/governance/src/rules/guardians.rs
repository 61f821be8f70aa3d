//! Rules on who is a guardian: enrolment, rotation, suspension, retirement.
//!
//! Invariants:
//! - only the first enrolment of a ledger needs no quorum;
//! - no key serves twice, neither for two guardians nor again after a rotation;
//! - at least one guardian stays active, or no quorum could ever form again.

use crate::challenge::Subject;
use crate::event::{GuardianChangeProposed, Vote};
use crate::refused::Refused;
use crate::rules::ballot::Kind;
use crate::rules::{no_key, same};
use crate::state::{CHANGES_OPEN_MAX, Change, GUARDIANS_MAX, Governance, Guardian};
use abi::governance::{Action, GuardianChange, GuardianState};
use abi::id::Hex;
use abi::time::UnixSeconds;
use abi::{FaultCode, GuardianId, RecordId};
use alloc::format;
use alloc::string::String;

use crate::signature::Key;

const BALLOT: Kind = Kind {
    about: "guardians",
    command: "guardian",
    list: "guardian list",
    open_max: CHANGES_OPEN_MAX,
};

impl Governance {
    pub(super) fn judge_change_proposed(
        &self,
        time: UnixSeconds,
        event: &GuardianChangeProposed,
    ) -> Result<(), Refused> {
        self.require_new(&event.change_id)?;
        self.require_applicable(event.change, &event.guardian_id, event.key.as_ref())?;
        let has_role = event.role.is_some();
        let has_key = event.key.is_some();
        let needs = match event.change {
            GuardianChange::Enrol => (true, true),
            GuardianChange::Rotate => (false, true),
            GuardianChange::Suspend | GuardianChange::Retire => (false, false),
        };
        if (has_role, has_key) != needs {
            return Err(Refused::of(
                FaultCode::Usage,
                "an enrolment needs a role and a key, a rotation a key, other changes neither: type \
                 help guardian",
            ));
        }
        let ballots = self.changes.values().map(|change| &change.ballot);
        self.require_ballot(&BALLOT, ballots, time, event.expires_at)?;
        same(
            event.in_effect == self.is_unclaimed(),
            "whether the change took effect",
        )
    }

    /// Whether no guardian was ever enrolled: the next enrolment takes effect at once.
    pub(crate) fn is_unclaimed(&self) -> bool {
        self.guardians
            .iter()
            .all(|guardian| guardian.generation == 0)
    }

    /// Whether the change could take effect now.
    fn require_applicable(
        &self,
        change: GuardianChange,
        id: &GuardianId,
        key: Option<&Key>,
    ) -> Result<(), Refused> {
        if key.is_some_and(|key| self.used_keys.contains(&key.identity())) {
            return Err(Refused::rule(
                "this key is or was a guardian's already: make a new one with glyphctl keygen",
            ));
        }
        let known = self.guardian(id);
        if known.is_some_and(|guardian| guardian.state == GuardianState::Retired) {
            return Err(Refused::rule(format!(
                "guardian {id} is retired for good: use another id"
            )));
        }
        if change == GuardianChange::Enrol {
            return self.require_enrollable(id, known);
        }
        let guardian = known.ok_or_else(|| {
            Refused::of(
                FaultCode::NotFound,
                format!("there is no guardian {id}: guardian list shows them"),
            )
        })?;
        if guardian.key.is_none() {
            return Err(no_key(id));
        }
        let removes = matches!(change, GuardianChange::Suspend | GuardianChange::Retire);
        if change == GuardianChange::Suspend && guardian.state == GuardianState::Suspended {
            return Err(Refused::rule(format!(
                "guardian {id} is suspended already: guardian rotate {id} brings it back with a new key"
            )));
        }
        if removes && guardian.is_active() && self.active_guardians() == 1 {
            return Err(Refused::rule(format!(
                "{id} is the last active guardian: enrol another one first"
            )));
        }
        Ok(())
    }

    fn require_enrollable(&self, id: &GuardianId, known: Option<&Guardian>) -> Result<(), Refused> {
        let Some(guardian) = known else {
            let alike = |other: &&Guardian| other.id.as_str().eq_ignore_ascii_case(id.as_str());
            if let Some(other) = self.guardians.iter().find(alike) {
                return Err(Refused::rule(format!(
                    "{id} differs from guardian {} in upper and lower case only: use another id",
                    other.id
                )));
            }
            if self.guardians.len() >= GUARDIANS_MAX {
                return Err(Refused::of(
                    FaultCode::Full,
                    format!(
                        "{GUARDIANS_MAX} guardians are the most a node keeps: give one of them another \
                         key with guardian rotate"
                    ),
                ));
            }
            return Ok(());
        };
        if guardian.is_active() {
            return Err(Refused::rule(format!(
                "guardian {id} is enrolled already: guardian rotate {id} gives it another key"
            )));
        }
        Ok(())
    }

    pub(super) fn may_change_guardians(
        &self,
        time: UnixSeconds,
        id: RecordId,
        guardian: &Guardian,
    ) -> Result<(), Refused> {
        let change = self.change(id)?;
        self.may_sign_ballot(&BALLOT, id, &change.ballot, time, guardian)?;
        self.require_applicable(change.change, &change.guardian, change.key.as_ref())
    }

    /// Whether this vote is sound; then, whether the change takes effect with it.
    pub(crate) fn judge_change_signed(
        &self,
        time: UnixSeconds,
        id: RecordId,
        vote: &Vote,
    ) -> Result<bool, Refused> {
        self.judge_vote(time, Subject::Change(id), Action::ChangeGuardians, vote)?;
        Ok(self.signatures_missing(&self.change(id)?.ballot) == 1)
    }

    pub(super) fn judge_change_expired(
        &self,
        time: UnixSeconds,
        id: RecordId,
    ) -> Result<(), Refused> {
        let change = self.change(id)?;
        same(
            change.ballot.is_due(time),
            "the expiry of a change of guardians",
        )
    }

    pub(crate) fn change(&self, id: RecordId) -> Result<&Change, Refused> {
        self.changes.get(&id).map(AsRef::as_ref).ok_or_else(|| {
            Refused::of(
                FaultCode::NotFound,
                format!("there is no change of guardians {id}: guardian list shows the open ones"),
            )
        })
    }

    /// What a signer of the change agrees to, in one line.
    pub(super) fn change_subject(&self, id: RecordId) -> Result<String, Refused> {
        let change = self.change(id)?;
        let mut text = format!("{} guardian {}", change.change, change.guardian);
        if let Some(role) = change.role {
            text.push_str(&format!(" as {role}"));
        }
        match &change.key {
            Some(Key::Ed25519(public)) => {
                text.push_str(&format!(
                    " with ed25519 public key {}",
                    Hex(public.as_bytes())
                ));
            }
            Some(Key::HmacSha256(_)) => text.push_str(" with an hmac secret"),
            None => {}
        }
        Ok(text)
    }
}

//! Applying records: the only place where the state of governance changes.
//!
//! Called by the node for each record at boot, and for each new one after the ledger
//! acknowledged it. A record that breaks a rule changes nothing and is an error: it was not
//! written by this software from this state.

mod vault;

use crate::defect::{Defect, planted};
use crate::effect::Effect;
use crate::event::{
    Body, Event, GrantEnd, GuardianChangeProposed, OverrideCreated, OverrideSigned,
    PostMortemFiled, Refusal, RequestCreated, RequestDecided,
};
use crate::refused::Refused;
use crate::state::{
    Accepted, Approval, Ballot, BallotStatus, Change, Governance, Grant, Guardian, Override,
};
use abi::governance::{GuardianChange, GuardianState, Impact, OverrideStatus, RequestStatus};
use abi::request::OverrideKind;
use abi::time::UnixSeconds;
use abi::{Fault, RecordId};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::event::Vote;

/// Why a record does not follow from the ones before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// The sequence number is not greater than the last one.
    OutOfOrder {
        /// The record's number.
        seq: u64,
        /// The number of the record before.
        last: u64,
    },
    /// The record is older than the one before it.
    TimeRegressed {
        /// The record's time.
        time: UnixSeconds,
        /// The time of the record before.
        last: UnixSeconds,
    },
    /// The record breaks a rule.
    Rule(Fault),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::OutOfOrder { seq, last } => {
                write!(out, "record {seq} comes after record {last}")
            }
            ApplyError::TimeRegressed { time, last } => {
                write!(out, "a record of {time} comes after one of {last}")
            }
            ApplyError::Rule(fault) => write!(out, "a record breaks a rule: {}", fault.text),
        }
    }
}

impl core::error::Error for ApplyError {}

impl From<Refused> for ApplyError {
    fn from(refused: Refused) -> Self {
        ApplyError::Rule(refused.fault)
    }
}

impl Governance {
    /// Applies the record with number `seq`; the effects are for telemetry, to be told after a
    /// live step and dropped at replay.
    ///
    /// # Errors
    /// [`ApplyError`]: the record does not follow from the state, which is unchanged. The
    /// caller stops taking decisions and reports it: the ledger was tampered with.
    pub fn apply(&mut self, seq: u64, event: &Event) -> Result<Vec<Effect>, ApplyError> {
        if let Some(last) = self.last_seq
            && seq <= last
        {
            return Err(ApplyError::OutOfOrder { seq, last });
        }
        if event.time < self.last_time {
            return Err(ApplyError::TimeRegressed {
                time: event.time,
                last: self.last_time,
            });
        }
        self.judge(event.time, &event.body)?;
        self.last_seq = Some(seq);
        self.last_time = event.time;
        Ok(self.change_state(event.time, &event.body))
    }

    pub(crate) fn change_state(&mut self, time: UnixSeconds, body: &Body) -> Vec<Effect> {
        match body {
            Body::PolicyAdopted(event) => {
                self.adopted = Some(Arc::new(event.clone()));
                self.challenges.clear();
                vec![Effect::PolicyAdopted(event.describe())]
            }
            Body::GuardianChangeProposed(event) => self.propose(event),
            Body::GuardianChangeSigned(event) => {
                let accepted = self.accept(&event.signed);
                if let Some(change) = self.changes.get_mut(&event.change_id).map(Arc::make_mut) {
                    change.ballot.signatures.push(accepted);
                }
                if event.in_effect {
                    self.take_effect(event.change_id)
                } else {
                    Vec::new()
                }
            }
            Body::GuardianChangeExpired(event) => {
                if let Some(change) = self.changes.get_mut(&event.change_id).map(Arc::make_mut) {
                    change.ballot.status = BallotStatus::Expired;
                    change.key = None;
                }
                Vec::new()
            }
            Body::RequestCreated(event) => {
                self.add_request(time, event);
                Vec::new()
            }
            Body::RequestDecided(event) => self.decide_request(event),
            Body::RequestExpired(event) => {
                self.set_request(event.request_id, RequestStatus::Expired)
            }
            Body::OverrideCreated(event) => {
                self.add_override(event);
                Vec::new()
            }
            Body::VaultPiece(_)
            | Body::VaultChangeProposed(_)
            | Body::VaultChangeSigned(_)
            | Body::VaultChangeExpired(_) => self.change_vault(body),
            Body::Refusal(event) => self.count_refusal(time, event),
            _ => self.change_override(body),
        }
    }

    fn change_override(&mut self, body: &Body) -> Vec<Effect> {
        match body {
            Body::OverrideSigned(event) => self.sign_override(event),
            Body::OverrideRejectSigned(event) => {
                let accepted = self.accept(&event.signed);
                self.with_override(event.override_id, |item| {
                    item.reject_votes.push(accepted);
                    if event.rejected {
                        item.status = OverrideStatus::Rejected;
                    }
                    Vec::new()
                })
            }
            Body::OverrideExpired(event) => self.with_override(event.override_id, |item| {
                item.status = OverrideStatus::Rejected;
                Vec::new()
            }),
            Body::OverrideRevoked(event) => {
                self.accept(&event.signed);
                let note = format!("grant revoked by {}", event.signed.guardian_id);
                self.with_override(event.override_id, |item| {
                    item.consequences.push(note);
                    end_grant(item, GrantEnd::Revoked)
                })
            }
            Body::GrantEnded(event) => self.with_override(event.override_id, |item| {
                item.consequences
                    .push(format!("grant ended: {}", event.reason.name()));
                end_grant(item, event.reason)
            }),
            Body::PostMortemFiled(event) => self.file_post_mortem(event),
            Body::ReviewFiled(event) => {
                self.accept(&event.signed);
                self.with_override(event.override_id, |item| {
                    item.review = Some(event.signed.clone());
                    item.status = OverrideStatus::Reviewed;
                    Vec::new()
                })
            }
            Body::ReviewOverdue(event) => {
                let override_id = event.override_id;
                self.with_override(override_id, |item| {
                    item.status = OverrideStatus::ReviewOverdue;
                    item.overdue_recorded = true;
                    vec![Effect::ReviewOverdue { override_id }]
                })
            }
            _ => Vec::new(),
        }
    }

    /// Books a vote's guardian and challenge; the vote with its key's generation.
    fn accept(&mut self, vote: &Vote) -> Accepted {
        if !planted(Defect::ReuseChallenge) {
            self.spent.insert(vote.challenge);
            self.challenges.spend(&vote.challenge);
        }
        let (mut generation, is_live) = (0, self.is_live);
        if let Some(guardian) = self.guardian_mut(&vote.guardian_id) {
            guardian.failures = 0;
            generation = guardian.generation;
            if planted(Defect::ReplayFirstKey) && !is_live {
                generation = 1;
            }
        }
        Accepted {
            vote: vote.clone(),
            generation,
        }
    }

    fn guardian_mut(&mut self, id: &abi::GuardianId) -> Option<&mut Guardian> {
        self.guardians
            .iter_mut()
            .find(|guardian| guardian.id == *id)
    }

    fn next_number(&mut self) -> u64 {
        self.created = self.created.saturating_add(1);
        self.created
    }

    fn propose(&mut self, event: &GuardianChangeProposed) -> Vec<Effect> {
        let change = Change {
            number: self.next_number(),
            change: event.change,
            guardian: event.guardian_id.clone(),
            role: event.role,
            key: event.key.clone(),
            ballot: Ballot::new(event.expires_at),
        };
        self.changes.insert(event.change_id, Arc::new(change));
        if event.in_effect {
            self.take_effect(event.change_id)
        } else {
            Vec::new()
        }
    }

    /// Puts a change of guardians into effect.
    fn take_effect(&mut self, id: RecordId) -> Vec<Effect> {
        let Some(change) = self.changes.get_mut(&id).map(Arc::make_mut) else {
            return Vec::new();
        };
        change.ballot.status = BallotStatus::InEffect;
        let key = change.key.take();
        let (what, who, role) = (change.change, change.guardian.clone(), change.role);
        if let Some(key) = &key {
            self.used_keys.insert(key.identity());
        }
        if self.guardian(&who).is_none()
            && let Some(role) = role
        {
            self.guardians.push(Guardian {
                id: who.clone(),
                role,
                state: GuardianState::Active,
                key: None,
                generation: 0,
                failures: 0,
                last_failure: UnixSeconds(0),
            });
        }
        if let Some(guardian) = self.guardian_mut(&who) {
            match what {
                GuardianChange::Enrol | GuardianChange::Rotate => {
                    guardian.role = role.unwrap_or(guardian.role);
                    guardian.key = key;
                    guardian.state = GuardianState::Active;
                    guardian.generation = guardian.generation.saturating_add(1);
                    guardian.failures = 0;
                }
                GuardianChange::Suspend => guardian.state = GuardianState::Suspended,
                GuardianChange::Retire => {
                    guardian.state = GuardianState::Retired;
                    guardian.key = None;
                }
            }
        }
        self.challenges.forget(&who);
        self.escalate_or_return();
        vec![Effect::GuardiansChanged {
            change: what,
            guardian: who,
        }]
    }

    /// Brings open requests in line with the roles that are held now.
    fn escalate_or_return(&mut self) {
        let statuses: [(Impact, RequestStatus); 4] =
            [Impact::Low, Impact::Medium, Impact::High, Impact::Critical]
                .map(|impact| (impact, self.open_status(impact)));
        for id in &self.open_requests {
            let Some(request) = self.requests.get_mut(id) else {
                continue;
            };
            let impact = request.created.impact;
            if let Some((_, status)) = statuses.iter().find(|(other, _)| *other == impact) {
                Arc::make_mut(request).status = *status;
            }
        }
    }

    fn add_request(&mut self, time: UnixSeconds, event: &RequestCreated) {
        let request = Approval {
            number: self.next_number(),
            created: Arc::new(event.clone()),
            created_at: time,
            status: event.status,
            approvals: Vec::new(),
            rejections: Vec::new(),
        };
        if request.is_open() {
            self.open_requests.insert(event.request_id);
        }
        self.requests.insert(event.request_id, Arc::new(request));
    }

    fn set_request(&mut self, request_id: RecordId, status: RequestStatus) -> Vec<Effect> {
        let Some(request) = self.requests.get_mut(&request_id).map(Arc::make_mut) else {
            return Vec::new();
        };
        let is_new = request.status != status;
        request.status = status;
        if !request.is_open() {
            self.open_requests.remove(&request_id);
        }
        if is_new && !request.is_open() {
            vec![Effect::RequestClosed { request_id, status }]
        } else {
            Vec::new()
        }
    }

    fn decide_request(&mut self, event: &RequestDecided) -> Vec<Effect> {
        let accepted = self.accept(&event.signed);
        if let Some(request) = self.requests.get_mut(&event.request_id).map(Arc::make_mut) {
            if event.approves {
                request.approvals.push(accepted);
            } else {
                request.rejections.push(accepted);
            }
        }
        self.set_request(event.request_id, event.status)
    }

    fn add_override(&mut self, event: &OverrideCreated) {
        let item = Override {
            number: self.next_number(),
            created: Arc::new(event.clone()),
            status: OverrideStatus::Pending,
            signatures: Vec::new(),
            reject_votes: Vec::new(),
            activation: None,
            grant: None,
            post_mortem: None,
            review: None,
            overdue_recorded: false,
            consequences: Vec::new(),
        };
        self.overrides.insert(event.override_id, Arc::new(item));
    }

    fn with_override(
        &mut self,
        id: RecordId,
        change: impl FnOnce(&mut Override) -> Vec<Effect>,
    ) -> Vec<Effect> {
        self.overrides
            .get_mut(&id)
            .map(Arc::make_mut)
            .map_or_else(Vec::new, change)
    }

    fn sign_override(&mut self, event: &OverrideSigned) -> Vec<Effect> {
        let accepted = self.accept(&event.signed);
        let override_id = event.override_id;
        let mut effects = Vec::new();
        let Some(item) = self.overrides.get_mut(&override_id).map(Arc::make_mut) else {
            return effects;
        };
        item.signatures.push(accepted);
        let Some(activation) = &event.activation else {
            return effects;
        };
        item.status = OverrideStatus::Active;
        item.activation = Some(activation.clone());
        item.grant = activation.grant_lapses_at.map(|lapses_at| Grant {
            lapses_at,
            ended: None,
            stale: false,
        });
        let request_id = item.created.request_id;
        item.consequences
            .push(match activation.approved_request_id {
                Some(request) => format!("request {request} approved"),
                None => String::from("drill: nothing granted"),
            });
        let is_real = item.created.kind == OverrideKind::Real;
        let impact = self
            .requests
            .get(&request_id)
            .map_or(Impact::Critical, |request| request.created.impact);
        if !is_real {
            return vec![Effect::DrillActivated {
                override_id,
                request_id,
            }];
        }
        self.activations = self.activations.saturating_add(1);
        effects.push(Effect::OverrideActivated {
            override_id,
            request_id,
            impact,
        });
        if matches!(impact, Impact::High | Impact::Critical) {
            effects.push(Effect::IncidentOpened {
                override_id,
                severity: impact,
            });
        }
        effects.extend(self.set_request(request_id, RequestStatus::Approved));
        effects
    }

    fn file_post_mortem(&mut self, event: &PostMortemFiled) -> Vec<Effect> {
        self.accept(&event.signed);
        self.with_override(event.override_id, |item| {
            item.post_mortem = Some(event.signed.clone());
            item.status = OverrideStatus::Completed;
            let mut effects = vec![Effect::PostMortemFiled {
                override_id: event.override_id,
            }];
            effects.extend(end_grant(item, GrantEnd::Concluded));
            effects
        })
    }

    fn count_refusal(&mut self, time: UnixSeconds, event: &Refusal) -> Vec<Effect> {
        let count = self.refusals.entry(event.reason).or_insert(0);
        *count = count.saturating_add(1);
        if event.reason.is_failed_signature()
            && !planted(Defect::ForgetFailure)
            && let Some(id) = &event.guardian_id
            && let Some(guardian) = self.guardian_mut(id)
        {
            guardian.failures = guardian.failures.saturating_add(1);
            guardian.last_failure = time;
        }
        vec![Effect::Refused {
            reason: event.reason,
            guardian: event.guardian_id.clone(),
        }]
    }
}

/// Ends the grant if it has not ended before.
fn end_grant(item: &mut Override, reason: GrantEnd) -> Vec<Effect> {
    match &mut item.grant {
        Some(grant)
            if grant.ended.is_none()
                && !(planted(Defect::KeepRevoked) && reason == GrantEnd::Revoked) =>
        {
            grant.ended = Some(reason);
            vec![Effect::GrantEnded {
                override_id: item.created.override_id,
                reason,
            }]
        }
        _ => Vec::new(),
    }
}

//! Governance over its ledger: decide, record, apply, report.
//!
//! Owns the store and the state machine that its records give. [`Node::commit`] is the one
//! place where a record is written; nothing is applied before its record is acknowledged.

mod disk;

use crate::Node;
use crate::audit;
use crate::ports::Machine;
use crate::store::{Disk, Store};
use abi::governance::OverrideStatus;
use abi::request::OverrideKind;
use abi::response::{LedgerState, LedgerStatus};
use abi::time::UnixSeconds;
use abi::{Fault, FaultCode, Response};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use governance::event::{PolicyAdopted, RefusalReason};
use governance::{Command, Context, Effect, Event, Governance};
use ledger::{AppendError, Fate, RecoveryReport, Reserve};
use telemetry::{Counter, EventKind, Histogram, Level, WordCounter};

/// Refusals that count as failed signatures.
pub(crate) const SIGNATURE_REASONS: [RefusalReason; 5] = [
    RefusalReason::Mismatch,
    RefusalReason::Malformed,
    RefusalReason::NoChallenge,
    RefusalReason::NoKey,
    RefusalReason::TooSoon,
];

/// Governance and the ledger under it.
pub(crate) struct Decisions {
    pub(crate) store: Store,
    /// What governance is offered each time it is rebuilt.
    policy: Option<PolicyAdopted>,
    governance: Option<Governance>,
    /// Why governance takes no decisions although there is a ledger.
    fault: Option<Fault>,
    time_floor: UnixSeconds,
    /// Faults of the store that were already told, so that each is told once.
    pub(crate) told_repaired: u64,
}

impl Decisions {
    /// Opens the ledger among `disks` and rebuilds what its records say. Writes nothing but
    /// repairs.
    pub(crate) fn open(disks: Vec<Disk>) -> (Self, Option<RecoveryReport>) {
        let (store, report) = Store::choose(disks);
        let mut decisions = Decisions {
            store,
            policy: None,
            governance: None,
            fault: None,
            time_floor: UnixSeconds(0),
            told_repaired: 0,
        };
        decisions.rebuild();
        (decisions, report)
    }

    fn rebuild(&mut self) {
        self.governance = None;
        let Some(ledger) = self.store.ledger() else {
            return;
        };
        match audit::rebuild(ledger) {
            Ok(mut governance) => {
                governance.start();
                if let Some(policy) = &self.policy {
                    governance.offer(policy.clone());
                }
                self.time_floor = governance.last_time();
                self.governance = Some(governance);
                self.fault = None;
            }
            Err(finding) => {
                let text = format!(
                    "the records do not add up, so no decision is taken: {finding}; \
                     type `ledger verify` and keep the disk as evidence"
                );
                self.fault = Some(Fault::new(FaultCode::CheckFailed, text));
            }
        }
    }

    /// Offers a vault's policy, or else the built-in one: its record is due if it may follow.
    pub(crate) fn offer(&mut self, of_vault: Option<PolicyAdopted>) {
        // A test holds that the built-in one is sound.
        self.policy = of_vault.or_else(|| PolicyAdopted::built_in().ok());
        if let (Some(governance), Some(policy)) = (&mut self.governance, &self.policy) {
            governance.offer(policy.clone());
        }
    }

    /// Why the policy offered last does not follow the one in force; empty if nothing stands
    /// against it.
    pub(crate) fn offer_refused(&self) -> String {
        let fault = self.governance.as_ref().and_then(Governance::offer_fault);
        fault.map(|fault| fault.text).unwrap_or_default()
    }

    pub(crate) fn governance(&self) -> Option<&Governance> {
        self.governance.as_ref()
    }

    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    pub(crate) fn time_floor(&self) -> UnixSeconds {
        self.time_floor
    }

    pub(crate) fn ledger_status(&self) -> LedgerStatus {
        self.store.status()
    }

    pub(crate) fn unavailable(&self) -> Fault {
        match (&self.fault, &self.store) {
            (Some(fault), Store::Open(_)) => fault.clone(),
            _ => self.store.unavailable(),
        }
    }

    /// Writes one record; the number it was acknowledged under.
    fn append(&mut self, event: &Event) -> Result<u64, Fault> {
        let Some(ledger) = self.store.ledger() else {
            return Err(self.store.unavailable());
        };
        let reserve = if event.is_emergency() {
            Reserve::Emergency
        } else {
            Reserve::Ordinary
        };
        let expected = ledger.records();
        match ledger.append(event.kind(), &event.encode(), reserve) {
            Ok(receipt) => Ok(receipt.seq),
            Err(error) if error.fate() == Fate::Unknown => {
                // Only a recovery that ran to its end can tell whether the record is there: one that
                // could not write and flush has made nothing durable, whatever it read.
                match ledger.recover() {
                    Ok(report) if report.read_only.is_some() => Err(unknown_fate(&error)),
                    Ok(report) if report.records > expected => Ok(expected),
                    Ok(_) => Err(append_fault(&error)),
                    Err(_) => Err(unknown_fate(&error)),
                }
            }
            Err(error) => Err(append_fault(&error)),
        }
    }
}

/// A record that is certainly not there.
fn append_fault(error: &AppendError) -> Fault {
    let (code, why) = match error {
        AppendError::Full => (FaultCode::Full, error.to_string()),
        AppendError::PayloadTooLarge { .. } => (FaultCode::OutOfRange, error.to_string()),
        AppendError::ReadOnly(_) => (FaultCode::LedgerUnavailable, error.to_string()),
        _ => (FaultCode::Device, format!("{}; try again", cause(error))),
    };
    Fault::new(code, format!("not recorded, so it has not happened: {why}"))
}

/// A record that may be there or not, and nothing on this device can tell.
fn unknown_fate(error: &AppendError) -> Fault {
    let text = format!(
        "not acknowledged, so nothing was done: {}; check the device and start again, which shows \
         whether it was recorded all the same",
        cause(error)
    );
    Fault::new(FaultCode::Device, text)
}

/// What failed, without the advice for those who hold the ledger themselves.
fn cause(error: &AppendError) -> String {
    match error {
        AppendError::Device(error) => error.to_string(),
        AppendError::ReadBack => String::from("the record does not read back"),
        other => other.to_string(),
    }
}

impl<M: Machine> Node<M> {
    /// Serves a command of governance.
    pub(crate) fn govern(&mut self, command: Command<'_>) -> Result<Response, Fault> {
        let now = self.now();
        self.record_due(now);
        let mut entropy = [0; 32];
        let entropy = self.machine.fill(&mut entropy).ok().map(|()| entropy);
        let Some(governance) = &mut self.decisions.governance else {
            return Err(self.decisions.unavailable());
        };
        let decision = governance.decide(command, &Context { now, entropy });
        let recorded = decision
            .event
            .as_ref()
            .map_or(Ok(()), |event| self.commit(event));
        let reply = decision.outcome?;
        recorded?;
        match &self.decisions.governance {
            Some(governance) => Ok(governance.reply(reply, now)),
            None => Err(self.decisions.unavailable()),
        }
    }

    /// Records what time has brought about: expiries, lapses, overdue reviews.
    pub(crate) fn record_due(&mut self, now: UnixSeconds) {
        if self.decisions.ledger_status().state == LedgerState::ReadOnly {
            return;
        }
        let due = self
            .decisions
            .governance
            .as_ref()
            .map(|governance| governance.due(now));
        for event in due.unwrap_or_default() {
            if self.commit(&event).is_err() {
                break;
            }
        }
    }

    /// Records an event and, once it is acknowledged, applies and reports it.
    pub(crate) fn commit(&mut self, event: &Event) -> Result<(), Fault> {
        let mark_before = self.decisions.store.fill_mark();
        let began = self.machine.monotonic_ns();
        let appended = self.decisions.append(event);
        let ended = self.machine.monotonic_ns();
        let seq = match appended {
            Ok(seq) => seq,
            Err(fault) => {
                let text = format_args!("ledger: {}", fault.text);
                self.journal.log(ended, Level::Error, text);
                self.journal
                    .event(ended, EventKind::LedgerDegraded, &fault.text);
                return Err(fault);
            }
        };
        let metrics = self.journal.metrics();
        metrics.observe(Histogram::LedgerCommit, ended.saturating_sub(began));
        metrics.add(Counter::LedgerCommits, 1);
        if self.decisions.store.fill_mark() > mark_before {
            let text = self.decisions.ledger_status().reason;
            self.journal
                .log(ended, Level::Warning, format_args!("ledger: {text}"));
            self.journal.event(ended, EventKind::LedgerFilling, &text);
        }
        let Some(governance) = &mut self.decisions.governance else {
            return Err(self.decisions.unavailable());
        };
        match governance.apply(seq, event) {
            Ok(effects) => {
                effects.iter().for_each(|effect| self.report(effect));
                Ok(())
            }
            Err(error) => {
                // Decided by the same rules a moment ago: no later decision can be trusted.
                self.decisions.governance = None;
                let text = format!("record {seq} was decided and does not apply: {error}");
                let fault = Fault::new(FaultCode::CheckFailed, text);
                self.decisions.fault = Some(fault.clone());
                Err(fault)
            }
        }
    }

    /// Tells telemetry what a record did; nothing here can stop or delay it.
    fn report(&mut self, effect: &Effect) {
        let now_ns = self.machine.monotonic_ns();
        let (kind, text) = match effect {
            Effect::OverrideActivated {
                override_id,
                request_id,
                impact,
            } => {
                let text = format!("override={override_id} request={request_id} impact={impact}");
                (EventKind::OverrideActivated, text)
            }
            Effect::IncidentOpened {
                override_id,
                severity,
            } => (
                EventKind::IncidentOpened,
                format!("type=governance_exception severity={severity} override={override_id}"),
            ),
            Effect::DrillActivated {
                override_id,
                request_id,
            } => (
                EventKind::Drill,
                format!("drill={override_id} request={request_id} grants nothing"),
            ),
            Effect::GrantEnded {
                override_id,
                reason,
            } => (
                EventKind::OverrideChanged,
                format!("override={override_id} grant ended: {}", reason.name()),
            ),
            Effect::PostMortemFiled { override_id } => (
                EventKind::OverrideChanged,
                format!("override={override_id} post-mortem filed"),
            ),
            Effect::ReviewOverdue { override_id } => (
                EventKind::OverrideChanged,
                format!("override={override_id} review overdue"),
            ),
            Effect::RequestClosed { request_id, status } => (
                EventKind::RequestChanged,
                format!("request={request_id} {status}"),
            ),
            Effect::GuardiansChanged { change, guardian } => {
                (EventKind::GuardiansChanged, format!("{change} {guardian}"))
            }
            Effect::VaultReplaced { .. } => {
                self.replace_vault();
                return;
            }
            Effect::PolicyAdopted(policy) => {
                let text = format_args!("governance: in force is {policy}");
                self.journal.log(now_ns, Level::Info, text);
                return;
            }
            Effect::Refused { reason, guardian } => {
                let metrics = self.journal.metrics();
                metrics.add_word(WordCounter::SignatureFailures, reason.name(), 1);
                let Some(guardian) = guardian.as_ref().filter(|_| reason.is_failed_signature())
                else {
                    return;
                };
                let failures = self
                    .decisions
                    .governance()
                    .map_or(0, |state| state.failures_of(guardian));
                let text = format!(
                    "guardian={guardian} reason={} failures={failures}",
                    reason.name()
                );
                (EventKind::SignatureRefused, text)
            }
            _ => return,
        };
        self.journal.event(now_ns, kind, &text);
        self.journal.log(
            now_ns,
            Level::Info,
            format_args!("governance: {} {text}", kind.name()),
        );
    }

    /// Tells again of each override that is still active: the crash that may have ended the last
    /// run can have come between its record and its event.
    pub(crate) fn tell_active_overrides(&mut self) {
        let now = self.now();
        let views = self
            .decisions
            .governance
            .as_ref()
            .map(|state| state.override_views(now));
        let now_ns = self.machine.monotonic_ns();
        for view in views.unwrap_or_default() {
            if view.status == OverrideStatus::Active && view.kind == OverrideKind::Real {
                let text = format!(
                    "override={} request={} recorded before this boot",
                    view.override_id, view.request_id
                );
                self.journal
                    .event(now_ns, EventKind::OverrideActivated, &text);
            }
        }
    }
}

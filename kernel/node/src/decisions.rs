//! Governance over its ledger: decide, record, apply, report.
//!
//! Owns the store and the state machine that its records give. [`Node::commit`] is the one
//! place where a record is written; nothing is applied before its record is acknowledged.

use crate::Node;
use crate::audit;
use crate::ports::Machine;
use crate::store::{Disk, Store};
use abi::governance::OverrideStatus;
use abi::request::{LedgerRequest, OverrideKind};
use abi::response::{LedgerState, LedgerStatus, RecordView};
use abi::time::UnixSeconds;
use abi::vault::VaultSource;
use abi::{Fault, FaultCode, Response};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use governance::event::RefusalReason;
use governance::{Command, Context, Effect, Event, Governance, Policy};
use ledger::{AppendError, FRAME_BYTES, Fate, Gravity, RecoveryReport, Reserve, Seed};
use telemetry::{Counter, EventKind, Histogram, Level, WordCounter};

/// Refusals that count as failed signatures.
pub(crate) const SIGNATURE_REASONS: [RefusalReason; 5] = [
    RefusalReason::Mismatch,
    RefusalReason::Malformed,
    RefusalReason::NoChallenge,
    RefusalReason::NoKey,
    RefusalReason::TooSoon,
];
/// Records shown at a time at most.
const LOG_RECORDS_MAX: u32 = 1000;

/// Governance and the ledger under it.
pub(crate) struct Decisions {
    pub(crate) store: Store,
    policy: Option<Policy>,
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
        let (policy, fault) = match Policy::built_in() {
            Ok(policy) => (Some(policy), None),
            Err(error) => (
                None,
                Some(Fault::new(FaultCode::CheckFailed, error.to_string())),
            ),
        };
        let mut decisions = Decisions {
            store,
            policy,
            governance: None,
            fault,
            time_floor: UnixSeconds(0),
            told_repaired: 0,
        };
        decisions.rebuild();
        (decisions, report)
    }

    fn rebuild(&mut self) {
        self.governance = None;
        let (Some(ledger), Some(policy)) = (self.store.ledger(), &self.policy) else {
            return;
        };
        match audit::rebuild(ledger, policy.clone()) {
            Ok(mut governance) => {
                governance.start();
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

    pub(crate) fn serve_ledger(&mut self, request: &LedgerRequest) -> Result<Response, Fault> {
        match request {
            LedgerRequest::Status => Ok(Response::Ledger(self.decisions.ledger_status())),
            LedgerRequest::Log(count) => self.ledger_log(*count),
            LedgerRequest::Verify => {
                let (Some(ledger), Some(policy)) =
                    (self.decisions.store.ledger(), &self.decisions.policy)
                else {
                    return Err(self.decisions.unavailable());
                };
                Ok(Response::Verified(audit::verify(ledger, policy.clone())))
            }
            LedgerRequest::Checkpoint => self.checkpoint(),
            LedgerRequest::Format(word) => self.format_ledger(word.as_deref()),
        }
    }

    fn checkpoint(&mut self) -> Result<Response, Fault> {
        let Some(ledger) = self.decisions.store.ledger() else {
            return Err(self.decisions.store.unavailable());
        };
        let checkpoint = ledger.checkpoint().ok_or_else(|| {
            let text = "a damaged ledger gives no checkpoint: type `ledger verify`";
            Fault::new(FaultCode::CheckFailed, text)
        })?;
        Ok(Response::Checkpoint(checkpoint))
    }

    /// Leaves a checkpoint on the console when the machine goes: the disk is out of sight then.
    pub(crate) fn tell_checkpoint(&mut self) {
        let ledger = self.decisions.store.ledger();
        if let Some(checkpoint) = ledger.and_then(|ledger| ledger.checkpoint()) {
            let now_ns = self.machine.monotonic_ns();
            let text = format_args!("ledger: {checkpoint}");
            self.journal.log(now_ns, Level::Info, text);
        }
    }

    fn ledger_log(&mut self, count: u32) -> Result<Response, Fault> {
        let Some(ledger) = self.decisions.store.ledger() else {
            return Err(self.decisions.store.unavailable());
        };
        let records = ledger.records();
        let first = records.saturating_sub(u64::from(count.min(LOG_RECORDS_MAX)));
        let mut buffer = Box::new([0; FRAME_BYTES]);
        let mut views = Vec::new();
        for seq in first..records {
            let view = match ledger.record(seq, &mut buffer) {
                Ok(record) => match Event::decode(record.payload) {
                    Ok(event) => RecordView {
                        seq,
                        time: event.time,
                        summary: event.summary(),
                    },
                    Err(error) => RecordView {
                        seq,
                        time: UnixSeconds(0),
                        summary: format!("not a record of this version: {error}"),
                    },
                },
                Err(error) => RecordView {
                    seq,
                    time: UnixSeconds(0),
                    summary: error.to_string(),
                },
            };
            views.push(view);
        }
        Ok(Response::Records(views))
    }

    fn format_ledger(&mut self, word: Option<&str>) -> Result<Response, Fault> {
        let Some((holds, confirmation)) = self.decisions.store.confirmation() else {
            return Err(self.decisions.store.unavailable());
        };
        match word {
            None => {
                return Ok(Response::ConfirmFormat {
                    holds,
                    confirmation,
                });
            }
            Some(word) if word != confirmation => {
                return Err(Fault::new(
                    FaultCode::Refused,
                    "that word does not confirm: type `ledger format` to see what would be lost \
                     and the word",
                ));
            }
            Some(_) => {}
        }
        let mut device_uuid = [0; 16];
        let mut epoch = [0; 16];
        self.machine
            .fill(&mut device_uuid)
            .and_then(|()| self.machine.fill(&mut epoch))
            .map_err(|error| Fault::new(FaultCode::Unavailable, error.to_string()))?;
        self.decisions.store.format(Seed { device_uuid, epoch })?;
        self.decisions.rebuild();
        // What a quorum put in force was in the ledger that is gone.
        if self.trust.source() == VaultSource::Ledger {
            self.replace_vault();
        }
        let now_ns = self.machine.monotonic_ns();
        self.journal
            .event(now_ns, EventKind::LedgerFormatted, "by the operator's word");
        self.journal.log(
            now_ns,
            Level::Info,
            format_args!("ledger: formatted by the operator"),
        );
        self.record_due(self.now());
        Ok(Response::Ledger(self.decisions.ledger_status()))
    }

    /// Tells what opening the ledger found.
    pub(crate) fn report_recovery(&mut self, report: &RecoveryReport) {
        let now_ns = self.machine.monotonic_ns();
        for finding in report.findings.list() {
            let level = match finding.gravity() {
                Gravity::Note => Level::Info,
                Gravity::Repairable => Level::Warning,
                Gravity::Fatal => Level::Error,
            };
            self.journal
                .log(now_ns, level, format_args!("ledger: {finding}"));
        }
        if report.repaired > 0 {
            let text = format!("{} damaged copies were written anew", report.repaired);
            self.journal
                .log(now_ns, Level::Warning, format_args!("ledger: {text}"));
            self.journal.event(now_ns, EventKind::LedgerRepaired, &text);
        }
        if let Some(reason) = report.read_only {
            let text = reason.to_string();
            self.journal.log(
                now_ns,
                Level::Error,
                format_args!("ledger: read-only: {text}"),
            );
            self.journal.event(now_ns, EventKind::LedgerDegraded, &text);
        }
    }
}

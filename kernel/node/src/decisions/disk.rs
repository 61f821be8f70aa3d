//! What is asked of the ledger itself: its state, its records, a check, a checkpoint, a format.
//!
//! Invariant: nothing is formatted without the word that names what would be lost.

use crate::Node;
use crate::audit;
use crate::ports::Machine;
use abi::request::LedgerRequest;
use abi::response::RecordView;
use abi::time::UnixSeconds;
use abi::vault::VaultSource;
use abi::{Fault, FaultCode, Response};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use governance::Event;
use ledger::{FRAME_BYTES, Gravity, RecoveryReport, Seed};
use telemetry::{EventKind, Level};

/// Records shown at a time at most.
const LOG_RECORDS_MAX: u32 = 1000;

impl<M: Machine> Node<M> {
    pub(crate) fn serve_ledger(&mut self, request: &LedgerRequest) -> Result<Response, Fault> {
        match request {
            LedgerRequest::Status => Ok(Response::Ledger(self.decisions.ledger_status())),
            LedgerRequest::Log(count) => self.ledger_log(*count),
            LedgerRequest::Verify => {
                let Some(ledger) = self.decisions.store.ledger() else {
                    return Err(self.decisions.unavailable());
                };
                Ok(Response::Verified(audit::verify(ledger)))
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

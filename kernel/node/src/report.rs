//! The status screen and the metrics that are read off the services.
//!
//! Owns nothing: each figure is asked of the part that keeps it, when it is shown.

use crate::Node;
use crate::ports::Machine;
use abi::Response;
use abi::response::{Health, LedgerState, Status, StatusLine};
use abi::vault::VaultState;
use alloc::format;
use alloc::string::{String, ToString};
use telemetry::{Counter, Gauge, WordCounter, WordGauge};

#[expect(
    clippy::cast_precision_loss,
    reason = "metrics are f64; a count beyond 2^53 is not met"
)]
fn number(count: u64) -> f64 {
    count as f64
}

fn seconds(nanoseconds: u64) -> f64 {
    number(nanoseconds) / 1e9
}

impl<M: Machine> Node<M> {
    /// The exposition as `metrics` prints it.
    pub(crate) fn exposition(&mut self) -> String {
        self.refresh();
        self.journal.telemetry.refresh();
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.journal.telemetry.metrics.exposition(&mut text);
        text
    }

    /// Brings every metric that is not moved where it happens up to date.
    pub(crate) fn refresh(&mut self) {
        let now_ns = self.machine.monotonic_ns();
        let memory = self.machine.memory();
        let heap = memory.heap_used_bytes.saturating_add(memory.large_bytes);
        self.refresh_substrate(now_ns);
        self.refresh_decisions();
        let metrics = self.journal.metrics();
        metrics.set(Gauge::VaultGlyphs, number(self.glyphs.vault.len() as u64));
        let is_lost = matches!(
            self.trust.state(),
            VaultState::Refused | VaultState::Damaged
        );
        metrics.set(Gauge::VaultRefused, if is_lost { 1.0 } else { 0.0 });
        metrics.set(Gauge::Uptime, seconds(now_ns));
        metrics.set(Gauge::HeapBytes, number(heap));
    }

    fn refresh_substrate(&mut self, now_ns: u64) {
        let status = self.substrate.status();
        let counters = self.substrate.counters();
        let metrics = self.journal.metrics();
        metrics.raise_to(Counter::CellsWritten, counters.cells_written);
        metrics.raise_to(Counter::CellsRead, counters.cells_read);
        metrics.raise_to(Counter::ChecksumFailures, counters.checksum_failures);
        metrics.raise_to(Counter::ParityFailures, counters.parity_failures);
        metrics.raise_to(Counter::ScrubPasses, counters.scrub_passes);
        for (kind, count) in counters.repairs.by_kind() {
            metrics.raise_word_to(WordCounter::SubstrateRepairs, kind, count);
        }
        metrics.set(Gauge::PoisonedCells, number(status.poisoned));
        metrics.set(Gauge::AverageMagnitude, status.magnitude_mean);
        metrics.set(Gauge::AverageCoherence, status.coherence_mean);
        let scrubber = &self.scrubber;
        metrics.set(Gauge::ScrubAge, seconds(scrubber.since_pass_ns(now_ns)));
        metrics.set(Gauge::ScrubOldest, seconds(scrubber.oldest_ns(now_ns)));
        metrics.set(Gauge::ScrubLag, seconds(scrubber.lag_ns(now_ns)));
        metrics.set(Gauge::ScrubShare, scrubber.share_ratio());
    }

    fn refresh_decisions(&mut self) {
        let ledger = self.decisions.ledger_status();
        let counts = self
            .decisions
            .governance()
            .map(|governance| governance.counts(self.now()));
        let metrics = self.journal.metrics();
        if let Some(counts) = counts {
            for (status, count) in counts.requests {
                metrics.set_word(WordGauge::Requests, status.name(), number(count));
            }
            for (status, count) in counts.overrides {
                metrics.set_word(WordGauge::Overrides, status.name(), number(count));
            }
            // Read off the records, so that no crash and no reboot loses one.
            metrics.raise_to(Counter::OverridesActivated, counts.activations);
            metrics.set(
                Gauge::PostMortemsOverdue,
                number(counts.post_mortems_overdue),
            );
        }
        metrics.set(Gauge::LedgerRecords, number(ledger.records));
        let capacity = number(ledger.capacity.max(1));
        metrics.set(Gauge::LedgerCapacity, number(ledger.frames) / capacity);
        let is_sound = ledger.state == LedgerState::Ready;
        metrics.set(Gauge::LedgerDegraded, if is_sound { 0.0 } else { 1.0 });
        let repaired = ledger.repaired.saturating_sub(self.decisions.told_repaired);
        self.decisions.told_repaired = ledger.repaired.max(self.decisions.told_repaired);
        metrics.add_word(WordCounter::LedgerFaultsRepaired, "copy", repaired);
    }

    pub(crate) fn status(&mut self) -> Response {
        let mut lines = alloc::vec![self.substrate_line(), self.vault_line()];
        lines.push(self.ledger_line());
        lines.push(self.governance_line());
        lines.push(self.telemetry_line());
        lines.extend(self.machine.found().iter().map(|found| StatusLine {
            part: found.part.to_string(),
            health: found.health,
            detail: found.detail.clone(),
        }));
        Response::Status(Status { lines })
    }

    fn substrate_line(&mut self) -> StatusLine {
        let counters = self.substrate.counters();
        let poisoned = counters
            .cells_poisoned
            .saturating_add(counters.superpositions_poisoned);
        let damage = counters
            .checksum_failures
            .saturating_add(counters.parity_failures);
        line(
            "substrate",
            if poisoned > 0 {
                Health::Failed
            } else {
                Health::Good
            },
            format!(
                "{} x {} cells, tick {}; {damage} damages found, {} repaired, {} scrub passes",
                self.substrate.width(),
                self.substrate.height(),
                self.substrate.tick_now(),
                counters.repairs.total(),
                counters.scrub_passes
            ),
        )
    }

    fn vault_line(&self) -> StatusLine {
        let state = self.trust.state();
        if matches!(state, VaultState::Refused | VaultState::Damaged) {
            let detail = format!("{}: {}", state.name(), self.trust.reason());
            return line("vault", Health::Failed, detail);
        }
        let (glyphs, errors) = (self.glyphs.vault.len(), self.glyphs.errors.len());
        let health = match (glyphs, errors) {
            (0, 0) => Health::Absent,
            (_, 0) => Health::Good,
            (0, _) => Health::Failed,
            _ => Health::Limited,
        };
        let advice = if errors > 0 {
            ": type `vault errors`"
        } else {
            ""
        };
        line(
            "vault",
            health,
            format!("{glyphs} glyphs, {errors} errors{advice}"),
        )
    }

    fn ledger_line(&self) -> StatusLine {
        let status = self.decisions.ledger_status();
        let health = match status.state {
            LedgerState::Ready => Health::Good,
            LedgerState::Degraded => Health::Limited,
            LedgerState::Absent | LedgerState::Blank => Health::Absent,
            LedgerState::Foreign | LedgerState::ReadOnly | LedgerState::Failed => Health::Failed,
        };
        let detail = if status.capacity == 0 {
            status.reason
        } else {
            let room = format!(
                "{} records, room for {} or more",
                status.records,
                status.capacity.saturating_sub(status.frames)
            );
            if status.reason.is_empty() {
                room
            } else {
                format!("{room}; {}", status.reason)
            }
        };
        line("ledger", health, detail)
    }

    fn governance_line(&self) -> StatusLine {
        if let Some(fault) = self.decisions.fault() {
            return line("governance", Health::Failed, fault.text.clone());
        }
        let Some(governance) = self.decisions.governance() else {
            return line("governance", Health::Absent, "needs a ledger".to_string());
        };
        let counts = governance.counts(self.now());
        let overdue = counts.post_mortems_overdue;
        let health = match (counts.active_guardians, overdue) {
            (_, 1..) => Health::Failed,
            (0, _) => Health::Limited,
            _ => Health::Good,
        };
        let detail = format!(
            "{} active guardians, {} grants in force, {overdue} post-mortems overdue",
            counts.active_guardians, counts.grants_in_force
        );
        line("governance", health, detail)
    }

    fn telemetry_line(&self) -> StatusLine {
        let telemetry = &self.journal.telemetry;
        let frames = telemetry.metrics.counter(Counter::TelemetryFrames);
        let (events, lost) = (
            telemetry.events.emitted(),
            telemetry.events.lost_undelivered(),
        );
        let health = if lost > 0 {
            Health::Limited
        } else {
            Health::Good
        };
        line(
            "telemetry",
            health,
            format!("{frames} frames sent, {events} events, {lost} lost"),
        )
    }
}

fn line(part: &str, health: Health, detail: String) -> StatusLine {
    StatusLine {
        part: part.to_string(),
        health,
        detail,
    }
}

//! Answers for a person: aligned text of at most 80 columns.

use super::governance::kind_name;
use super::layout::{
    COLUMNS, Elapsed, Labelled, Number, Printable, Size, Table, joined, paragraph, yes_no,
};
use abi::Response;
use abi::id::Hex;
use abi::response::{
    Activation, ApprovalView, CellView, FieldState, GuardianChangeView, GuardianView, LedgerStatus,
    MemoryReport, OverrideView, ScrubReport, SignatureView, SubstrateStatus, VerifyReport,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::fmt;

/// Hexadecimal digits of a record's id that lists show; enough to type and to tell apart.
const SHORT_ID_DIGITS: usize = 8;
/// Hexadecimal digits of a signature that are shown.
const SHORT_SIGNATURE_DIGITS: usize = 16;

pub(super) fn render(response: &Response, out: &mut dyn fmt::Write) -> fmt::Result {
    match response {
        Response::Version(version) => paragraph(
            out,
            0,
            2,
            &format!(
                "GlyphOS {} (commit {}, {})",
                version.version, version.commit, version.rustc
            ),
        ),
        Response::Uptime { nanoseconds } => writeln!(out, "up {}", Elapsed(*nanoseconds)),
        Response::Memory(memory) => write_memory(memory, out),
        Response::Log { lines, lost } => write_log(lines, *lost, out),
        Response::Date(Some(date)) => writeln!(out, "{date}"),
        Response::Date(None) => writeln!(out, "this machine has no clock"),
        Response::Status(status) => {
            let mut table = Table::new(&["part", "health", "detail"]);
            for line in &status.lines {
                table.push(vec![
                    line.part.clone(),
                    line.health.name().to_string(),
                    line.detail.clone(),
                ]);
            }
            table.write("no part reports", out)
        }
        Response::Text(text) => text
            .lines()
            .try_for_each(|line| writeln!(out, "{}", Printable(line))),
        Response::Injected(what) => paragraph(out, 0, 2, &format!("injected: {what}")),
        Response::Challenge { line } => {
            writeln!(out, "sign this line with `glyphctl sign`:")?;
            writeln!(out, "{}", Printable(line))
        }
        Response::ConfirmFormat {
            holds,
            confirmation,
        } => {
            paragraph(out, 0, 2, &format!("the device holds {holds}"))?;
            let how =
                format!("all of it would be lost; to go on, type: ledger format {confirmation}");
            paragraph(out, 0, 2, &how)
        }
        Response::Selftest(tests) => {
            let mut table = Table::new(&["test", "result"]);
            for (name, result) in tests {
                let result = match result {
                    Ok(()) => String::from("ok"),
                    Err(reason) => format!("FAILED: {reason}"),
                };
                table.push(vec![name.clone(), result]);
            }
            table.write("no test ran", out)
        }
        Response::Done => writeln!(out, "done"),
        Response::Goodbye => writeln!(out, "goodbye"),
        other => render_parts(other, out),
    }
}

/// Answers of the vault, the substrate, governance and the ledger.
fn render_parts(response: &Response, out: &mut dyn fmt::Write) -> fmt::Result {
    match response {
        Response::VaultList(glyphs) => {
            let mut table =
                Table::new(&["glyph", "home", "generations", "commands", "activations"]);
            for glyph in glyphs {
                table.push(vec![
                    glyph.id.to_string(),
                    glyph.home.to_string(),
                    glyph.generations.to_string(),
                    glyph.commands.to_string(),
                    glyph.activations.to_string(),
                ]);
            }
            table.write("the vault is empty", out)
        }
        Response::VaultErrors(errors) if errors.is_empty() => writeln!(out, "no errors"),
        Response::VaultErrors(errors) => errors
            .iter()
            .try_for_each(|error| paragraph(out, 0, 2, error)),
        Response::Glyph(glyph) => {
            writeln!(out, "glyph {}", glyph.summary.id)?;
            Labelled::new()
                .row("home cell", glyph.summary.home)
                .row("generations", glyph.summary.generations)
                .row("commands", glyph.summary.commands)
                .row("activations", glyph.summary.activations)
                .write(out)?;
            glyph
                .definition
                .lines()
                .try_for_each(|line| writeln!(out, "{}", Printable(line)))
        }
        Response::Activated(activations) => activations
            .iter()
            .try_for_each(|activation| write_activation(activation, out)),
        Response::Substrate(status) => write_substrate(status, out),
        Response::Cell(cell) => write_cell(cell, out),
        Response::Changed { tick } => writeln!(out, "done at tick {tick}"),
        Response::Superposition(pairs) => {
            let mut table = Table::new(&["amplitude", "phase (rad)"]);
            for pair in pairs {
                table.push(vec![
                    Number(pair.amplitude).to_string(),
                    Number(pair.phase).to_string(),
                ]);
            }
            table.write("no pairs", out)
        }
        Response::Digest(digest) => writeln!(out, "{}", Hex(digest)),
        Response::Scrubbed(report) => write_scrub(report, out),
        Response::Guardians { guardians, changes } => write_guardians(guardians, changes, out),
        Response::GuardianChange { change } => write_change(change, out),
        Response::Approval(view) => write_approval(view, out),
        Response::Approvals(views) => write_approvals(views, out),
        Response::Override { view, note } => {
            write_override(view, out)?;
            paragraph(out, 0, 0, note)
        }
        Response::Overrides(views) => write_overrides(views, out),
        Response::Ledger(status) => write_ledger(status, out),
        Response::Records(records) => {
            let mut table = Table::new(&["seq", "time", "record"]);
            for record in records {
                table.push(vec![
                    record.seq.to_string(),
                    record.time.to_string(),
                    record.summary.clone(),
                ]);
            }
            table.write("the ledger has no records", out)
        }
        Response::Verified(report) => write_verified(report, out),
        // The caller has rendered all the others.
        _ => Ok(()),
    }
}

fn write_memory(memory: &MemoryReport, out: &mut dyn fmt::Write) -> fmt::Result {
    Labelled::new()
        .row("memory", Size(memory.total_bytes))
        .row("heap", Size(memory.heap_bytes))
        .row("heap in use", Size(memory.heap_used_bytes))
        .row("heap peak", Size(memory.heap_peak_bytes))
        .write(out)
}

fn write_log(lines: &[String], lost: u64, out: &mut dyn fmt::Write) -> fmt::Result {
    if lost > 0 {
        writeln!(out, "({lost} earlier lines were overwritten)")?;
    }
    if lines.is_empty() {
        return writeln!(out, "nothing yet");
    }
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "{}", Printable(line)))
}

fn write_activation(activation: &Activation, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "glyph {}", activation.glyph)?;
    for (step, state) in &activation.trace {
        paragraph(out, 2, 4, &format!("{step}: {}", State(state)))?;
    }
    let state = &activation.state;
    let cell = match activation.cell {
        Some(cell) => format!("{cell} (written)"),
        None => String::from("none written"),
    };
    Labelled::new()
        .row("resonance", format!("{} Hz", Number(state.resonance)))
        .row("magnitude", Number(state.magnitude))
        .row("phase", format!("{} degrees", Number(state.phase)))
        .row("coherence", format!("{} %", state.coherence))
        .row("entanglement", Number(state.entanglement))
        .row("cell", cell)
        .row("wave", if activation.wave { "started" } else { "none" })
        .write(out)
}

/// A field state on one line.
struct State<'a>(&'a FieldState);

impl fmt::Display for State<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "R {} M {} P {} C {} E {}",
            Number(self.0.resonance),
            Number(self.0.magnitude),
            Number(self.0.phase),
            self.0.coherence,
            Number(self.0.entanglement)
        )
    }
}

fn write_substrate(status: &SubstrateStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let cells = u64::from(status.width).saturating_mul(u64::from(status.height));
    Labelled::new()
        .row(
            "cells",
            format!("{cells} ({} x {})", status.width, status.height),
        )
        .row("tick", status.tick)
        .row(
            "magnitude",
            format!(
                "mean {:.4}, {:.4} to {:.4}",
                status.magnitude_mean, status.magnitude_min, status.magnitude_max
            ),
        )
        .row("coherence", format!("mean {:.4}", status.coherence_mean))
        .row("superpositions", status.superpositions)
        .row("cells read", status.cells_read)
        .row("cells written", status.cells_written)
        .row("checksum failures", status.checksum_failures)
        .row("parity failures", status.parity_failures)
        .row("repairs", status.repairs)
        .row("poisoned cells", status.poisoned)
        .row("scrub passes", status.scrub_passes)
        .write(out)
}

fn write_cell(cell: &CellView, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "cell {}", cell.cell)?;
    Labelled::new()
        .row("magnitude", Number(cell.magnitude))
        .row("phase", format!("{} rad", Number(cell.phase)))
        .row("coherence", Number(cell.coherence))
        .row("decay rate", Number(cell.decay_rate))
        .row("last update", format!("tick {}", cell.last_update))
        .row("superposition", yes_no(cell.flags & 1 != 0))
        .write(out)
}

fn write_scrub(report: &ScrubReport, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(
        out,
        "{} lines verified: {} damaged, {} repaired, {} cells poisoned",
        report.lines, report.damaged, report.repaired, report.poisoned
    )
}

/// The first digits of an id or signature.
fn short(text: &impl ToString, digits: usize) -> String {
    let text = text.to_string();
    match text.get(..digits) {
        Some(start) if text.len() > digits => String::from(start),
        _ => text,
    }
}

fn write_guardians(
    guardians: &[GuardianView],
    changes: &[GuardianChangeView],
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let mut table = Table::new(&["guardian", "role", "state", "key", "failures"]);
    for guardian in guardians {
        let key = match (guardian.algorithm, &guardian.fingerprint) {
            (None, _) => String::from("none enrolled"),
            (Some(algorithm), None) => algorithm.to_string(),
            (Some(algorithm), Some(fingerprint)) => format!("{algorithm} {}", Hex(fingerprint)),
        };
        table.push(vec![
            guardian.id.to_string(),
            guardian.role.to_string(),
            guardian.state.to_string(),
            key,
            guardian.failures.to_string(),
        ]);
    }
    table.write("no guardians", out)?;
    changes
        .iter()
        .try_for_each(|change| write_change(change, out))
}

fn write_change(change: &GuardianChangeView, out: &mut dyn fmt::Write) -> fmt::Result {
    let name = format!("{} {}", change.change, change.guardian);
    if change.signatures_missing == 0 {
        return paragraph(out, 0, 2, &format!("{name}: in effect"));
    }
    writeln!(out, "change {}", change.id)?;
    Labelled::new()
        .row("does", name)
        .row("signed by", joined(&change.signed, ", "))
        .row(
            "still missing",
            format!("{} signatures", change.signatures_missing),
        )
        .row(
            "to sign",
            format!(
                "guardian challenge {} GUARDIAN \"why\"",
                short(&change.id, SHORT_ID_DIGITS)
            ),
        )
        .write(out)
}

fn write_approvals(views: &[ApprovalView], out: &mut dyn fmt::Write) -> fmt::Result {
    let mut table = Table::new(&["request", "status", "impact", "missing", "title"]);
    for view in views {
        table.push(vec![
            short(&view.request_id, SHORT_ID_DIGITS),
            view.status.to_string(),
            view.impact.to_string(),
            joined(&view.missing_roles, ","),
            view.title.clone(),
        ]);
    }
    table.write("no requests", out)
}

fn write_approval(view: &ApprovalView, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "request {}", view.request_id)?;
    let size = format!("{} files, {} lines", view.files_changed, view.lines_changed);
    Labelled::new()
        .row("title", &view.title)
        .row("description", &view.description)
        .row("status", view.status)
        .row("impact", view.impact)
        .row("type", &view.change_type)
        .row("requester", &view.requester)
        .row("size", size)
        .row("created", view.created_at)
        .row("expires", view.expires_at)
        .row("needs", joined(&view.required_roles, ", "))
        .row("still missing", joined(&view.missing_roles, ", "))
        .row("risk score", format!("{:.2}", view.risk_score))
        .write(out)?;
    write_metadata(&view.metadata, out)?;
    write_signatures("approved", &view.approvals, out)?;
    write_signatures("rejected", &view.rejections, out)?;
    for check in &view.compliance {
        let verdict = if check.passed { "passed" } else { "FAILED" };
        let line = format!("check {}: {verdict}, score {:.2}", check.name, check.score);
        paragraph(out, 2, 4, &line)?;
        for violation in &check.violations {
            paragraph(out, 4, 6, &format!("violation: {violation}"))?;
        }
        for warning in &check.warnings {
            paragraph(out, 4, 6, &format!("warning: {warning}"))?;
        }
    }
    Ok(())
}

fn write_metadata(pairs: &[(String, String)], out: &mut dyn fmt::Write) -> fmt::Result {
    pairs
        .iter()
        .try_for_each(|(key, value)| paragraph(out, 2, 4, &format!("meta {key} = {value}")))
}

fn write_signatures(
    what: &str,
    signatures: &[SignatureView],
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    signatures.iter().try_for_each(|signature| {
        let line = format!(
            "{what} by {} ({}) at {}, signature {}: {}",
            signature.guardian_id,
            signature.role,
            signature.timestamp,
            short(&signature.signature, SHORT_SIGNATURE_DIGITS),
            signature.justification
        );
        paragraph(out, 2, 4, &line)
    })
}

fn write_overrides(views: &[OverrideView], out: &mut dyn fmt::Write) -> fmt::Result {
    let mut table = Table::new(&["override", "status", "kind", "grants", "signed", "request"]);
    for view in views {
        table.push(vec![
            short(&view.override_id, SHORT_ID_DIGITS),
            view.status.to_string(),
            kind_name(view.kind).to_string(),
            yes_no(view.grant_in_force).to_string(),
            format!("{}/{}", view.signatures.len(), view.min_signatures_required),
            short(&view.request_id, SHORT_ID_DIGITS),
        ]);
    }
    table.write("no overrides", out)
}

fn write_override(view: &OverrideView, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "override {}", view.override_id)?;
    let signed = format!(
        "{} of {}",
        view.signatures.len(),
        view.min_signatures_required
    );
    let grant = match (view.grant_in_force, view.lapses_at) {
        (true, Some(lapses)) => format!("in force until {lapses}"),
        (true, None) => String::from("in force"),
        (false, _) => String::from("none"),
    };
    let post_mortem = if view.post_mortem_completed {
        "written"
    } else {
        "still to be written"
    };
    Labelled::new()
        .row("request", view.request_id)
        .row("status", view.status)
        .row("kind", kind_name(view.kind))
        .row("initiated by", &view.initiated_by)
        .row("justification", &view.justification)
        .row("created", view.created_at)
        .row("signatures", signed)
        .row("missing roles", joined(&view.missing_roles, ", "))
        .row("grant", grant)
        .row("post-mortem", post_mortem)
        .row("review due", view.auto_review_date)
        .write(out)?;
    write_metadata(&view.metadata, out)?;
    write_signatures("signed", &view.signatures, out)?;
    write_signatures("post-mortem", view.post_mortem_report.as_slice(), out)?;
    write_signatures("reviewed", view.review.as_slice(), out)?;
    view.consequences
        .iter()
        .try_for_each(|consequence| paragraph(out, 2, 4, &format!("consequence: {consequence}")))
}

fn write_ledger(status: &LedgerStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let is_there = !status.chain.iter().all(|byte| *byte == 0);
    Labelled::new()
        .row("state", status.state.name())
        .maybe(
            "reason",
            (!status.reason.is_empty()).then_some(&status.reason),
        )
        .row(
            "records",
            format!("{} of {}", status.records, status.capacity),
        )
        .maybe("newest", status.newest)
        .maybe("chain", is_there.then_some(Hex(&status.chain)))
        .row("epoch", Hex(&status.epoch))
        .row("repaired", status.repaired)
        .row("device", Size(status.device_bytes))
        .write(out)
}

fn write_verified(report: &VerifyReport, out: &mut dyn fmt::Write) -> fmt::Result {
    let verdict = if report.sound { "sound" } else { "NOT SOUND" };
    writeln!(out, "{verdict}: {} records checked", report.records)?;
    writeln!(out, "chain {}", Hex(&report.chain))?;
    report
        .findings
        .iter()
        .try_for_each(|finding| paragraph(out, 2, 4, finding))
}

// The chain value and its label share a line.
const _: () = assert!("chain ".len() + 64 <= COLUMNS);

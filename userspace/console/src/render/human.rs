//! Answers for a person: aligned text of at most 80 columns.

mod records;
mod vault;

use super::layout::{
    COLUMNS, Elapsed, Labelled, Number, Printable, Size, Table, paragraph, yes_no,
};
use abi::id::Hex;
use abi::response::{
    Activation, CellView, FieldState, FiguresAge, LedgerStatus, MemoryReport, ScrubReport,
    SubstrateStatus, VerifyReport,
};
use abi::{Checkpoint, Response};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::fmt;
use records::{
    write_approval, write_approvals, write_change, write_guardians, write_override, write_overrides,
};

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
            let how = format!(
                "a new ledger takes its place; to go on, type: ledger format {confirmation}"
            );
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
        Response::Vault(status) => vault::write_status(status, out),
        Response::VaultStaged { bytes } => writeln!(out, "{bytes} bytes are staged"),
        Response::VaultChange(change) => vault::write_change(change, out),
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
        Response::Checkpoint(checkpoint) => write_checkpoint(checkpoint, out),
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
        .row("large blocks", Size(memory.large_bytes))
        .row("free", Size(memory.free_bytes))
        .row("free, longest", Size(memory.free_longest_bytes))
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
    let mut before = None;
    for (step, after) in &activation.trace {
        paragraph(out, 2, 4, &format!("{step}: {}", Change { before, after }))?;
        before = Some(after);
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

/// A field state on one line, each value that a step changed with the one before it.
struct Change<'a> {
    before: Option<&'a FieldState>,
    after: &'a FieldState,
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.before.unwrap_or(self.after);
        for (name, before, after) in [
            ("R ", before.resonance, self.after.resonance),
            (" M ", before.magnitude, self.after.magnitude),
            (" P ", before.phase, self.after.phase),
        ] {
            change(out, name, &Number(before), &Number(after))?;
        }
        change(out, " C ", &before.coherence, &self.after.coherence)?;
        let (before, after) = (before.entanglement, self.after.entanglement);
        change(out, " E ", &Number(before), &Number(after))
    }
}

/// Writes `name before -> after`, or `name after` where both read the same.
fn change(
    out: &mut fmt::Formatter<'_>,
    name: &str,
    before: &dyn fmt::Display,
    after: &dyn fmt::Display,
) -> fmt::Result {
    let (before, after) = (format!("{before}"), format!("{after}"));
    if before == after {
        write!(out, "{name}{after}")
    } else {
        write!(out, "{name}{before} -> {after}")
    }
}

fn write_substrate(status: &SubstrateStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let cells = u64::from(status.width).saturating_mul(u64::from(status.height));
    let mut rows = Labelled::new()
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
        .row("coherence", format!("mean {:.4}", status.coherence_mean));
    if let FiguresAge::Since(tick) = status.figures {
        rows = rows.row(
            "these as of",
            format!("the last whole scrub: tick {tick} or later"),
        );
    }
    rows.row("superpositions", status.superpositions)
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

fn write_ledger(status: &LedgerStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let is_there = !status.chain.iter().all(|byte| *byte == 0);
    Labelled::new()
        .row("state", status.state.name())
        .maybe(
            "reason",
            (!status.reason.is_empty()).then_some(&status.reason),
        )
        .row("records", status.records)
        .row(
            "frames",
            format!(
                "{} of {}, one record or more in each",
                status.frames, status.capacity
            ),
        )
        .maybe("newest", status.newest)
        .maybe("chain", is_there.then_some(Hex(&status.chain)))
        .row("epoch", Hex(&status.epoch))
        .row("repaired", status.repaired)
        .row("device", Size(status.device_bytes))
        .write(out)
}

fn write_checkpoint(checkpoint: &Checkpoint, out: &mut dyn fmt::Write) -> fmt::Result {
    let kept = "keep this line away from the machine; `glyphctl ledger verify IMAGE \
                --checkpoint LINE` holds the disk against it:";
    paragraph(out, 0, 2, kept)?;
    writeln!(out, "{checkpoint}")
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

//! Answers for a program: `key=value` lines.

mod vault;

use super::governance;
use super::layout::{Number, joined, yes_no};
use abi::Response;
use abi::governance::GuardianChange;
use abi::id::Hex;
use abi::response::{
    Activation, FieldState, FiguresAge, GlyphSummary, GuardianChangeView, GuardianView,
    LedgerStatus, SubstrateStatus, VerifyReport,
};
use core::fmt;

/// Text between quotes, on one line.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' => out.write_str("\\\"")?,
                '\\' => out.write_str("\\\\")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                other if other.is_control() => write!(out, "\\u{{{:x}}}", u32::from(other))?,
                other => fmt::Write::write_char(out, other)?,
            }
        }
        out.write_str("\"")
    }
}

/// One line of `key=value` pairs.
pub(super) struct Fields<'a> {
    out: &'a mut dyn fmt::Write,
    result: fmt::Result,
    is_first: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(out: &'a mut dyn fmt::Write) -> Self {
        Fields {
            out,
            result: Ok(()),
            is_first: true,
        }
    }

    fn pair(mut self, key: &str, value: fmt::Arguments<'_>) -> Self {
        if self.result.is_ok() {
            let blank = if self.is_first { "" } else { " " };
            self.result = write!(self.out, "{blank}{key}={value}");
            self.is_first = false;
        }
        self
    }

    /// A word: a value that never holds blanks.
    pub(super) fn word(self, key: &str, value: impl fmt::Display) -> Self {
        self.pair(key, format_args!("{value}"))
    }

    /// A word, or `none`.
    pub(super) fn maybe(self, key: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.word(key, value),
            None => self.word(key, "none"),
        }
    }

    /// A text, quoted.
    pub(super) fn text(self, key: &str, value: &str) -> Self {
        self.pair(key, format_args!("{}", Quoted(value)))
    }

    /// A number in full.
    pub(super) fn number(self, key: &str, value: f64) -> Self {
        self.pair(key, format_args!("{}", Number(value)))
    }

    /// `yes` or `no`.
    pub(super) fn truth(self, key: &str, value: bool) -> Self {
        self.word(key, yes_no(value))
    }

    /// Ends the line.
    pub(super) fn end(self) -> fmt::Result {
        self.result?;
        self.out.write_str("\n")
    }
}

pub(super) fn render(response: &Response, out: &mut dyn fmt::Write) -> fmt::Result {
    match response {
        Response::Version(version) => Fields::new(out)
            .word("version", &version.version)
            .word("commit", &version.commit)
            .text("rustc", &version.rustc)
            .end(),
        Response::Uptime { nanoseconds } => Fields::new(out).word("uptime_ns", nanoseconds).end(),
        Response::Memory(memory) => Fields::new(out)
            .word("total_bytes", memory.total_bytes)
            .word("heap_bytes", memory.heap_bytes)
            .word("heap_used_bytes", memory.heap_used_bytes)
            .word("heap_peak_bytes", memory.heap_peak_bytes)
            .word("large_bytes", memory.large_bytes)
            .word("free_bytes", memory.free_bytes)
            .word("free_longest_bytes", memory.free_longest_bytes)
            .end(),
        Response::Log { lines, lost } => {
            Fields::new(out).word("lost", lost).end()?;
            lines
                .iter()
                .try_for_each(|line| Fields::new(out).text("line", line).end())
        }
        Response::Date(date) => Fields::new(out)
            .maybe("date", *date)
            .maybe("unix_seconds", date.map(|date| date.0))
            .end(),
        Response::Status(status) => status.lines.iter().try_for_each(|line| {
            Fields::new(out)
                .word("part", &line.part)
                .word("health", line.health.name())
                .text("detail", &line.detail)
                .end()
        }),
        Response::Text(text) => raw(text, out),
        Response::Injected(what) => Fields::new(out).text("injected", what).end(),
        Response::Challenge { line } => Fields::new(out).word("challenge", line).end(),
        Response::ConfirmFormat {
            holds,
            confirmation,
        } => Fields::new(out)
            .word("confirmation", confirmation)
            .text("holds", holds)
            .end(),
        Response::Selftest(tests) => tests.iter().try_for_each(|(name, result)| {
            let fields = Fields::new(out).text("test", name);
            match result {
                Ok(()) => fields.word("result", "ok").end(),
                Err(reason) => fields.word("result", "failed").text("reason", reason).end(),
            }
        }),
        Response::Done | Response::Goodbye => Ok(()),
        other => render_parts(other, out),
    }
}

/// Answers of the vault, the substrate, governance and the ledger.
fn render_parts(response: &Response, out: &mut dyn fmt::Write) -> fmt::Result {
    match response {
        Response::VaultList(glyphs) => glyphs
            .iter()
            .try_for_each(|glyph| summary(Fields::new(out), glyph).end()),
        Response::VaultErrors(errors) => errors
            .iter()
            .try_for_each(|error| Fields::new(out).text("error", error).end()),
        Response::Vault(status) => vault::status(status, out),
        Response::VaultStaged { bytes } => Fields::new(out).word("staged_bytes", bytes).end(),
        Response::VaultChange(view) => vault::change(view, out),
        Response::Glyph(glyph) => summary(Fields::new(out), &glyph.summary)
            .text("definition", &glyph.definition)
            .end(),
        Response::Activated(activations) => activations
            .iter()
            .try_for_each(|activation| activated(activation, out)),
        Response::Substrate(status) => substrate(status, out),
        Response::Cell(cell) => Fields::new(out)
            .word("cell", cell.cell)
            .number("magnitude", cell.magnitude)
            .number("phase", cell.phase)
            .number("coherence", cell.coherence)
            .number("decay_rate", cell.decay_rate)
            .word("last_update", cell.last_update)
            .word("flags", cell.flags)
            .end(),
        Response::Changed { tick } => Fields::new(out).word("tick", tick).end(),
        Response::Superposition(pairs) => pairs.iter().enumerate().try_for_each(|(index, pair)| {
            Fields::new(out)
                .word("pair", index)
                .number("amplitude", pair.amplitude)
                .number("phase", pair.phase)
                .end()
        }),
        Response::Digest(digest) => Fields::new(out).word("digest", Hex(digest)).end(),
        Response::Scrubbed(report) => Fields::new(out)
            .word("lines", report.lines)
            .word("damaged", report.damaged)
            .word("repaired", report.repaired)
            .word("poisoned", report.poisoned)
            .end(),
        Response::Guardians { guardians, changes } => {
            guardians
                .iter()
                .try_for_each(|guardian| guardian_line(guardian, out))?;
            changes.iter().try_for_each(|view| change(view, out))
        }
        Response::GuardianChange { change: view } => change(view, out),
        Response::Approval(view) => governance::approval(view, out),
        Response::Approvals(views) => views
            .iter()
            .try_for_each(|view| governance::approval_line(view, out)),
        Response::Override { view, note } => {
            governance::override_record(view, out)?;
            Fields::new(out).text("note", note).end()
        }
        Response::Overrides(views) => views
            .iter()
            .try_for_each(|view| governance::override_line(view, out)),
        Response::Ledger(status) => ledger(status, out),
        Response::Records(records) => records.iter().try_for_each(|record| {
            Fields::new(out)
                .word("seq", record.seq)
                .word("time", record.time)
                .text("summary", &record.summary)
                .end()
        }),
        Response::Checkpoint(checkpoint) => Fields::new(out).word("checkpoint", checkpoint).end(),
        Response::Verified(report) => verified(report, out),
        // The caller has rendered all the others.
        _ => Ok(()),
    }
}

fn verified(report: &VerifyReport, out: &mut dyn fmt::Write) -> fmt::Result {
    Fields::new(out)
        .truth("sound", report.sound)
        .word("records", report.records)
        .word("chain", Hex(&report.chain))
        .end()?;
    report
        .findings
        .iter()
        .try_for_each(|finding| Fields::new(out).text("finding", finding).end())
}

/// Text as it is, except that no line of it can be taken for the end of the reply.
fn raw(text: &str, out: &mut dyn fmt::Write) -> fmt::Result {
    text.lines().try_for_each(|line| {
        let guard = if line == "OK" || line.starts_with("ERR ") {
            " "
        } else {
            ""
        };
        writeln!(out, "{guard}{}", super::layout::Printable(line))
    })
}

fn summary<'a>(fields: Fields<'a>, glyph: &GlyphSummary) -> Fields<'a> {
    fields
        .word("glyph", &glyph.id)
        .word("home", glyph.home)
        .word("generations", glyph.generations)
        .word("commands", glyph.commands)
        .word("activations", glyph.activations)
}

fn state<'a>(fields: Fields<'a>, state: &FieldState) -> Fields<'a> {
    fields
        .number("resonance", state.resonance)
        .number("magnitude", state.magnitude)
        .number("phase", state.phase)
        .word("coherence", state.coherence)
        .number("entanglement", state.entanglement)
}

fn activated(activation: &Activation, out: &mut dyn fmt::Write) -> fmt::Result {
    for (step, after) in &activation.trace {
        let fields = Fields::new(out)
            .word("trace", &activation.glyph)
            .text("step", step);
        state(fields, after).end()?;
    }
    let fields = Fields::new(out).word("glyph", &activation.glyph);
    state(fields, &activation.state)
        .maybe("cell", activation.cell)
        .truth("wave", activation.wave)
        .end()
}

fn substrate(status: &SubstrateStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let (age, tick) = match status.figures {
        FiguresAge::Current => ("current", status.tick),
        FiguresAge::Since(tick) => ("since", tick),
    };
    Fields::new(out)
        .word("width", status.width)
        .word("height", status.height)
        .word("tick", status.tick)
        .word("figures", age)
        .word("figures_tick", tick)
        .number("magnitude_mean", status.magnitude_mean)
        .number("magnitude_min", status.magnitude_min)
        .number("magnitude_max", status.magnitude_max)
        .number("coherence_mean", status.coherence_mean)
        .word("superpositions", status.superpositions)
        .word("cells_read", status.cells_read)
        .word("cells_written", status.cells_written)
        .word("checksum_failures", status.checksum_failures)
        .word("parity_failures", status.parity_failures)
        .word("repairs", status.repairs)
        .word("poisoned", status.poisoned)
        .word("scrub_passes", status.scrub_passes)
        .end()
}

fn guardian_line(guardian: &GuardianView, out: &mut dyn fmt::Write) -> fmt::Result {
    Fields::new(out)
        .word("guardian", &guardian.id)
        .word("role", guardian.role)
        .maybe("algorithm", guardian.algorithm)
        .word("state", guardian.state)
        .word("failures", guardian.failures)
        .maybe("fingerprint", guardian.fingerprint.as_ref().map(|f| Hex(f)))
        .end()
}

fn change(view: &GuardianChangeView, out: &mut dyn fmt::Write) -> fmt::Result {
    let kind: GuardianChange = view.change;
    Fields::new(out)
        .word("change", view.id)
        .word("kind", kind)
        .word("guardian", &view.guardian)
        .word("signed", joined(&view.signed, ","))
        .word("signatures_missing", view.signatures_missing)
        .end()
}

fn ledger(status: &LedgerStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    Fields::new(out)
        .word("state", status.state.name())
        .text("reason", &status.reason)
        .word("records", status.records)
        .word("frames", status.frames)
        .word("capacity", status.capacity)
        .maybe("newest", status.newest)
        .word("chain", Hex(&status.chain))
        .word("epoch", Hex(&status.epoch))
        .word("repaired", status.repaired)
        .word("device_bytes", status.device_bytes)
        .end()
}

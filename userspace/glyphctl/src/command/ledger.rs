//! `glyphctl ledger`: what a disk's ledger holds, whether it is sound, and copies of it.
//!
//! Owns the forms of the answer. The verdict is the kernel's: both call `node::audit`.

mod backup;

use std::io::Write;
use std::path::{Path, PathBuf};

use abi::id::Hex;
use abi::response::{RecordView, VerifyReport};
use abi::time::UnixSeconds;
use abi::{Checkpoint, Response};
use clap::{Args, Subcommand};
use governance::{Event, Governance, override_to_json};
use ledger::{ReadOnlyReason, Record, RecoveryReport, ReplayError};
use node::audit;
use serde::Serialize;

use crate::failure::Failure;
use crate::image::Image;

/// `glyphctl ledger ...`
#[derive(Subcommand)]
pub(crate) enum Ledger {
    /// Check every copy, every link and every decision; exit 1 if the ledger is not sound
    Verify(Verify),
    /// Show the records, guardians, requests and overrides
    Show(Source),
    /// Print each record, and then each override as it stands, as one line of JSON
    Export(Source),
    /// Copy the ledger to a new file, and read that back
    Backup(backup::Backup),
    /// Make a disk the copy of a backup, and read that back
    Restore(backup::Restore),
}

/// `glyphctl ledger verify IMAGE`
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    source: Source,
    /// A checkpoint that was kept elsewhere: the ledger has to hold all that it held then
    #[arg(long, value_name = "LINE", value_parser = Checkpoint::from_line)]
    checkpoint: Vec<Checkpoint>,
}

/// Where the ledger is, and how to answer.
#[derive(Args)]
pub(crate) struct Source {
    /// The disk, or an image of it; it is only read
    image: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Ledger {
    /// Does it.
    ///
    /// # Errors
    /// If the image holds no ledger, or one that is not sound.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Ledger::Verify(asked) => verify(asked, out),
            Ledger::Backup(backup) => backup.run(out),
            Ledger::Restore(restore) => restore.run(out),
            Ledger::Show(source) if !source.json => show(&source.image, out),
            Ledger::Show(source) | Ledger::Export(source) => export(&source.image, out),
        }
    }
}

type Opened = (ledger::Ledger<Image>, RecoveryReport);

fn open(path: &Path) -> Result<Opened, Failure> {
    let image = Image::open(path)?;
    ledger::Ledger::inspect(image).map_err(|error| {
        let shown = path.display();
        Failure::new(format!("{shown}: {error}"))
    })
}

/// Whether what was read can be relied on as the whole of the ledger.
fn require_whole(recovery: &RecoveryReport) -> Result<(), Failure> {
    match recovery.read_only {
        Some(ReadOnlyReason::Damage(finding)) => Err(Failure::new(format!(
            "the answer cannot be relied on: {finding}; `glyphctl ledger verify` tells all that is wrong"
        ))),
        _ => Ok(()),
    }
}

/// What a check of the whole ledger came to.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// Nothing is wrong.
    Sound,
    /// Copies are damaged, every record is whole: the kernel repairs it when it opens it.
    Repairable,
    /// Records are lost, or contradict each other or the rules.
    NotSound,
    /// Whole by itself, and not what it was when a checkpoint was taken.
    Departed,
}

/// Answer of `ledger verify --json`.
#[derive(Serialize)]
struct VerifyLine<'a> {
    verdict: Verdict,
    sound: bool,
    records: u64,
    chain: String,
    epoch: String,
    device_uuid: String,
    /// What to keep elsewhere; nothing while the ledger is damaged.
    checkpoint: Option<String>,
    findings: &'a [String],
}

fn verify(asked: &Verify, out: &mut dyn Write) -> Result<(), Failure> {
    let source = &asked.source;
    let (mut ledger, recovery) = open(&source.image)?;
    let mut report = audit::verify(&mut ledger);
    let mut verdict = if report.sound {
        Verdict::Sound
    } else if recovery.read_only == Some(ReadOnlyReason::Inspection)
        && audit::rebuild(&mut ledger).is_ok()
    {
        Verdict::Repairable
    } else {
        Verdict::NotSound
    };
    for checkpoint in &asked.checkpoint {
        if let Err(departure) = ledger.hold_against(checkpoint) {
            report.sound = false;
            report.findings.push(departure.to_string());
            if verdict != Verdict::NotSound {
                verdict = Verdict::Departed;
            }
        }
    }
    let checkpoint = match verdict {
        Verdict::Sound | Verdict::Repairable => ledger.checkpoint(),
        Verdict::NotSound | Verdict::Departed => None,
    };
    if source.json {
        let line = VerifyLine {
            verdict,
            sound: report.sound,
            records: report.records,
            chain: Hex(&report.chain).to_string(),
            epoch: Hex(&ledger.epoch()).to_string(),
            device_uuid: Hex(&ledger.device_uuid()).to_string(),
            checkpoint: checkpoint.map(|checkpoint| checkpoint.to_string()),
            findings: &report.findings,
        };
        let json = serde_json::to_string(&line).map_err(std::io::Error::from)?;
        writeln!(out, "{json}")?;
    } else {
        print_verdict(verdict, &report, &ledger, out)?;
        if let Some(checkpoint) = checkpoint {
            writeln!(out, "keep     {checkpoint}")?;
        }
    }
    let shown = source.image.display();
    match verdict {
        Verdict::Sound | Verdict::Repairable => Ok(()),
        Verdict::NotSound => Err(Failure::new(format!(
            "{shown} is not sound; keep it as it is and restore a backup to another disk"
        ))),
        Verdict::Departed => Err(Failure::new(format!(
            "{shown} is not the ledger that the checkpoint was taken from, or not all of it; keep \
             it as evidence"
        ))),
    }
}

fn print_verdict(
    verdict: Verdict,
    report: &VerifyReport,
    ledger: &ledger::Ledger<Image>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let word = match verdict {
        Verdict::Sound => "sound",
        Verdict::Repairable => "repairable: every record is whole, a node repairs the copies",
        Verdict::NotSound => "NOT SOUND",
        Verdict::Departed => "DEPARTED: whole by itself, and not what the checkpoint says",
    };
    writeln!(out, "verdict  {word}")?;
    writeln!(out, "records  {}", report.records)?;
    writeln!(out, "chain    {}", Hex(&report.chain))?;
    writeln!(out, "epoch    {}", Hex(&ledger.epoch()))?;
    writeln!(out, "device   {}", Hex(&ledger.device_uuid()))?;
    for finding in &report.findings {
        writeln!(out, "finding  {finding}")?;
    }
    Ok(())
}

fn show(path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut ledger, recovery) = open(path)?;
    let mut records = Vec::new();
    replay(&mut ledger, |record, event| {
        records.push(RecordView {
            seq: record.seq,
            time: event.time,
            summary: event.summary(),
        });
        Ok(())
    })?;
    let governance = rebuild(&mut ledger)?;
    let parts = [
        Response::Records(records),
        Response::Guardians {
            guardians: governance.guardian_views(),
            changes: governance.open_change_views(),
        },
        Response::Approvals(governance.approval_views()),
        Response::Overrides(governance.override_views(AS_RECORDED)),
    ];
    for (part, heading) in parts
        .iter()
        .zip(["records", "guardians", "requests", "overrides"])
    {
        let mut text = String::new();
        // A String takes whatever is written to it.
        let _ = console::render(part, console::Mode::Human, &mut text);
        writeln!(out, "== {heading}")?;
        out.write_all(text.as_bytes())?;
    }
    require_whole(&recovery)
}

/// Governance never goes back in time: this asks for the state at the newest record's time.
const AS_RECORDED: UnixSeconds = UnixSeconds(0);

fn export(path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut ledger, recovery) = open(path)?;
    replay(&mut ledger, |record, event| {
        let mut json = String::new();
        // A String takes whatever is written to it.
        let _ = event.to_json(&mut json);
        let members = json.strip_prefix('{').unwrap_or(&json);
        let chain = Hex(&record.chain);
        writeln!(
            out,
            "{{\"seq\":{},\"chain\":\"{chain}\",{members}",
            record.seq
        )?;
        Ok(())
    })?;
    let governance = rebuild(&mut ledger)?;
    for view in governance.override_views(AS_RECORDED) {
        let mut json = String::new();
        // A String takes whatever is written to it.
        let _ = override_to_json(&view, &mut json);
        writeln!(out, "{{\"override\":{json}}}")?;
    }
    require_whole(&recovery)
}

/// Hands each record with its content to `visit`, up to the first that is not whole.
fn replay(
    ledger: &mut ledger::Ledger<Image>,
    mut visit: impl FnMut(&Record<'_>, &Event) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let replayed = ledger.replay(|record| {
        let event = Event::decode(record.payload).map_err(|error| {
            Failure::new(format!(
                "record {}: {error}; use the release of GlyphOS that wrote it",
                record.seq
            ))
        })?;
        visit(&record, &event)
    });
    replayed.map_err(|error| match error {
        ReplayError::Visitor(failure) => failure,
        ReplayError::Read(error) => Failure::new(format!(
            "{error}; `glyphctl ledger verify` tells all that is wrong"
        )),
    })
}

fn rebuild(ledger: &mut ledger::Ledger<Image>) -> Result<Governance, Failure> {
    audit::rebuild(ledger).map_err(|finding| {
        Failure::new(format!(
            "{finding}; `glyphctl ledger verify` tells all that is wrong"
        ))
    })
}

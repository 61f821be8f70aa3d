//! The second serial line, taken as a reader on a host takes it.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use telemetry::{Deframer, Sink};

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand};
use crate::council::{Council, FOUR, format_ledger, required};

/// How long the line may take to tell what was done.
const LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at the line.
const PAUSE: Duration = Duration::from_millis(100);

/// The story.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("telemetry", story)]
}

/// What a reader of the line knows.
#[derive(Default)]
struct Reader {
    sequences: Vec<u64>,
    exposition: String,
    events: Vec<Value>,
}

impl Sink for Reader {
    fn metrics(&mut self, sequence: u64, exposition: &str) {
        self.sequences.push(sequence);
        exposition.clone_into(&mut self.exposition);
    }

    fn event(&mut self, json: &str) {
        self.events.extend(serde_json::from_str::<Value>(json));
    }
}

impl Reader {
    /// Reads the whole line so far.
    fn of(place: &Place<'_>) -> Result<Self, Failure> {
        let path = place.file("com2");
        let bytes = fs::read(&path)
            .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))?;
        let mut reader = Self::default();
        let mut deframer = Deframer::new();
        deframer.push(&bytes, &mut reader);
        let counts = deframer.counts();
        if counts.corrupted > 0 || counts.cut_off > 0 {
            return Err(Failure::Wrong(format!(
                "a quiet line has bad frames: {counts:?}"
            )));
        }
        Ok(reader)
    }

    fn series(&self) -> BTreeMap<&str, f64> {
        self.exposition
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(' ')?;
                Some((name, value.parse().ok()?))
            })
            .collect()
    }

    fn has_event(&self, kind: &str, words: &str) -> bool {
        self.events.iter().any(|event| {
            let text = |key| event.get(key).and_then(Value::as_str);
            text("kind") == Some(kind) && text("text").is_some_and(|text| text.contains(words))
        })
    }

    /// What is not told yet of what the story did.
    fn missing(&self) -> Option<String> {
        let series = self.series();
        for (name, least) in [
            ("glyphos_glyph_activations_total{glyph_id=\"water\"}", 2.0),
            (
                "glyphos_glyph_activation_failures_total{reason=\"not_found\"}",
                0.0,
            ),
            ("glyphos_substrate_cells_written_total", 3.0),
            ("glyphos_substrate_cells_read_total", 1.0),
            ("glyphos_guardian_emergency_override_activated_total", 1.0),
            ("glyphos_guardian_overrides{status=\"active\"}", 1.0),
            ("glyphos_guardian_requests{status=\"approved\"}", 1.0),
            ("glyphos_ledger_commits_total", 8.0),
            ("glyphos_ledger_records", 9.0),
        ] {
            let told = series.get(name).copied();
            let is_optional = least == 0.0;
            if !is_optional && told.is_none_or(|told| told < least) {
                return Some(format!("{name} is {told:?}, not {least} or more"));
            }
        }
        let activated = "GUARDIAN_EMERGENCY_OVERRIDE_ACTIVATED";
        let incident = "governance_exception";
        let has_incident = self.events.iter().any(|event| {
            let text = event.get("text").and_then(Value::as_str);
            text.is_some_and(|text| text.contains(incident) && text.contains("severity=high"))
        });
        if !self.has_event(activated, "impact=high") {
            return Some(format!("no event {activated}"));
        }
        (!has_incident).then(|| format!("no incident of type {incident}"))
    }
}

fn story(place: &Place<'_>) -> Result<(), Failure> {
    let _ = fs::remove_file(place.file("com2"));
    let disk = place.empty_disk(16 << 20)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    for command in [
        "activate water",
        "activate water",
        "substrate write 9 5 0 10",
        "substrate read 9",
    ] {
        session.command_ok(command)?;
    }
    format_ledger(&mut session)?;
    let mut council = Council::new(place);
    for guardian in FOUR {
        council.enrol(&mut session, guardian)?;
    }
    let answer = session.command_ok("request create high kernel operator \"Stop the flood\"")?;
    let request = required(&answer, "request")?;
    let create = format!("override create {request} operator \"the dam breaks\"");
    let id = required(&session.command_ok(&create)?, "override")?;
    for guardian in ["galahad", "cerberus", "codex_deus"] {
        let answer = council.step(&mut session, &id, guardian, "sign")?;
        demand(answer.is_ok(), "override sign", &answer)?;
    }
    let started = Instant::now();
    let reader = loop {
        let reader = Reader::of(place)?;
        match reader.missing() {
            None => break reader,
            Some(missing) if started.elapsed() > LIMIT => {
                let frames = reader.sequences.len();
                return Err(Failure::Wrong(format!(
                    "the telemetry line does not tell it in {frames} frames: {missing}"
                )));
            }
            Some(_) => thread::sleep(PAUSE),
        }
    };
    let counted = (0..)
        .zip(&reader.sequences)
        .all(|(expected, told)| expected == *told);
    if !counted || reader.exposition.contains('\r') || !reader.exposition.ends_with("# EOF\n") {
        return Err(Failure::Wrong(format!(
            "frames {:?}, the last one: {:?}",
            reader.sequences, reader.exposition
        )));
    }
    // Kept for Prometheus' own checker.
    let path = place.file("prom");
    fs::write(&path, &reader.exposition)
        .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))?;
    Ok(session.power_off()?)
}

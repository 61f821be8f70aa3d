//! The exposition against Prometheus' own checker, where that is installed.

use std::io::Write;
use std::process::{Command, Stdio};
use telemetry::{BuildInfo, Counter, EventKind, Telemetry, WordCounter, WordGauge};

/// Runs `promtool check metrics`; `None` if it is not installed.
fn promtool(exposition: &str) -> std::io::Result<Option<(bool, String)>> {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if let Some(mut input) = child.stdin.take() {
        input.write_all(exposition.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok(Some((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )))
}

#[test]
fn promtool_finds_nothing_to_say_about_the_exposition() {
    let mut telemetry = Telemetry::new(&BuildInfo {
        version: "0.1.0",
        commit: "0123abcd",
        rustc: "rustc 1.96.0",
    });
    let metrics = &mut telemetry.metrics;
    metrics.load_glyphs(["alpha", "beta-2"].into_iter());
    metrics.activated(1, 31_000);
    metrics.add(Counter::CellsRead, 4096);
    metrics.add_word(WordCounter::ActivationFailures, "constraint", 1);
    metrics.add_word(WordCounter::ParseErrors, "coherence", 1);
    metrics.add_word(WordCounter::SubstrateRepairs, "line", 1);
    metrics.add_word(WordCounter::SignatureFailures, "bad_signature", 1);
    metrics.add_word(WordCounter::LedgerFaultsRepaired, "torn", 1);
    metrics.set_word(WordGauge::BootDuration, "vault", 0.0125);
    telemetry.events.emit(1, EventKind::NodeStarted, "up");
    telemetry.refresh();
    let mut text = String::new();
    telemetry
        .metrics
        .exposition(&mut text)
        .expect("a string takes it");
    let Some((accepted, said)) = promtool(&text).expect("promtool runs") else {
        eprintln!("promtool is not on PATH: the exposition was not checked by it");
        return;
    };
    assert!(accepted && said.trim().is_empty(), "{said}\n{text}");
    let without_help = text.replace("# HELP glyphos_uptime", "# HLP glyphos_uptime");
    let verdict = promtool(&without_help).expect("promtool runs");
    assert!(
        matches!(verdict, Some((false, _))),
        "promtool accepts a family without help: the check checks nothing"
    );
}

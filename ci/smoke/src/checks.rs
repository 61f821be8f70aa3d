//! What a started node has to do to pass: answer, compute, report, and leave cleanly.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use qemu::{Limits, Port, Profile, Ready, Reply, Session};

use crate::case::{Failure, Place};

/// How long the telemetry line may take to carry its first whole exposition.
const TELEMETRY_LIMIT: Duration = Duration::from_secs(60);

/// The limits of a node that behaves: long enough for firmware on a loaded host, short for a reply.
pub(crate) fn limits() -> Limits {
    Limits {
        reply: Duration::from_secs(30),
        ..Limits::default()
    }
}

/// Starts `profile`, has the node show that it works, and has it power off.
///
/// # Errors
/// The first thing that is not as it has to be.
pub(crate) fn boot_and_judge(
    profile: &Profile,
    limits: Limits,
    place: &Place<'_>,
) -> Result<(), Failure> {
    let mut session = Session::start(profile, limits, &place.log())?;
    let ready = session.wait_ready()?;
    session.machine_mode()?;
    commands(&mut session, &ready, place)?;
    if let Port::File(path) = &profile.com2 {
        telemetry(path)?;
    }
    session.power_off()?;
    Ok(())
}

/// One command of each part, and what its answer has to show.
fn commands(session: &mut Session, ready: &Ready, place: &Place<'_>) -> Result<(), Failure> {
    let version = ready.get("version").unwrap_or_default();
    let answer = session.command_ok("version")?;
    demand(
        !version.is_empty() && answer.text().contains(version),
        "version",
        &answer,
    )?;
    let answer = session.command_ok("status")?;
    for part in ["substrate", "vault", "ledger", "governance", "telemetry"] {
        demand(
            answer.text().to_ascii_lowercase().contains(part),
            "status",
            &answer,
        )?;
    }
    let answer = session.command_ok("vault list")?;
    let glyph = first_glyph(&answer).unwrap_or_default().to_owned();
    demand(!glyph.is_empty(), "vault list", &answer)?;
    let activate = format!("activate {glyph}");
    let answer = session.command_ok(&activate)?;
    for word in [
        "resonance",
        "magnitude",
        "phase",
        "coherence",
        "entanglement",
    ] {
        demand(
            answer.text().to_ascii_lowercase().contains(word),
            &activate,
            &answer,
        )?;
    }
    let answer = session.command_ok("substrate read 0")?;
    demand(
        answer.text().to_ascii_lowercase().contains("magnitude"),
        "substrate read 0",
        &answer,
    )?;
    let answer = session.command_ok("metrics")?;
    let counted = format!("glyphos_glyph_activations_total{{glyph_id=\"{glyph}\"}} 1");
    let is_whole = answer.lines.last().is_some_and(|line| line == "# EOF");
    demand(
        is_whole && answer.lines.contains(&counted),
        "metrics",
        &answer,
    )?;
    // Kept for Prometheus' own checker, which the gate runs over it.
    let path = place.file("prom");
    fs::write(&path, answer.text())
        .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))?;
    let answer = session.command("no-such-command")?;
    demand(!answer.is_ok(), "no-such-command", &answer)
}

/// The first word of the list's first line that names a glyph.
fn first_glyph(list: &Reply) -> Option<&str> {
    list.lines
        .iter()
        .find_map(|line| line.split_whitespace().next())
}

fn demand(holds: bool, command: &str, reply: &Reply) -> Result<(), Failure> {
    if holds {
        return Ok(());
    }
    let shown: String = reply.text().chars().take(400).collect();
    Err(Failure::Wrong(format!(
        "`{command}` answered {:?}: {shown:?}",
        reply.outcome
    )))
}

/// Waits for a whole exposition on the telemetry line: lines ended by LF alone, and an end mark.
fn telemetry(file: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        let bytes = fs::read(file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        if text.contains("\n# EOF\n") && text.contains("\nglyphos_build_info{") {
            return Ok(());
        }
        if started.elapsed() > TELEMETRY_LIMIT {
            let what = "no whole exposition came on the telemetry line";
            return Err(Failure::Wrong(format!("{what} ({} bytes)", bytes.len())));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

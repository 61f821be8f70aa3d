//! What a started node has to do to pass: answer, compute, report, and leave cleanly.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use glyph_archive::ustar;
use qemu::{Limits, Machine, Outcome, Port, Profile, Ready, Reply, Rng, Session, Start, Storage};

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

/// A whole machine that starts the kernel directly, with `disk`, telemetry and an entropy device.
pub(crate) fn with_disk(place: &Place<'_>, disk: &Path) -> Profile {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Q35, &shipped.kernel, Some(&shipped.ramdisk));
    profile.storage = Storage::Virtio {
        file: disk.to_owned(),
    };
    profile.com2 = Port::File(place.file("com2"));
    profile.rng = Rng::Virtio;
    profile
}

/// Gives a machine that starts directly these boot options, beside the vault that ships.
///
/// # Errors
/// [`Failure::Host`] if the ramdisk cannot be made.
pub(crate) fn set_options(
    profile: &mut Profile,
    place: &Place<'_>,
    options: &str,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Host(format!("the ramdisk: {error}"));
    let shipped = fs::read(&place.shipped.ramdisk).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    for entry in ustar::entries(&shipped).map_err(|error| failed(&error))? {
        let content = match entry.name {
            "glyphos.conf" => options.as_bytes(),
            _ => entry.bytes,
        };
        if !ustar::append(&mut bytes, entry.name, content) {
            return Err(failed(&entry.name));
        }
    }
    ustar::finish(&mut bytes);
    let path = place.file("tar");
    fs::write(&path, bytes).map_err(|error| failed(&error))?;
    if let Start::Direct { ramdisk, .. } = &mut profile.start {
        *ramdisk = Some(path);
    }
    Ok(())
}

/// Starts `profile` and waits until the node takes commands.
///
/// # Errors
/// If it does not start, or does not answer.
pub(crate) fn boot(
    profile: &Profile,
    limits: Limits,
    place: &Place<'_>,
) -> Result<(Session, Ready), Failure> {
    let mut session = Session::start(profile, limits, &place.log())?;
    let ready = session.wait_ready()?;
    session.machine_mode()?;
    Ok((session, ready))
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
    judge(profile, limits, place, &[])
}

/// As [`boot_and_judge`], and `status` gives each of these parts this health.
///
/// # Errors
/// The first thing that is not as it has to be.
pub(crate) fn judge(
    profile: &Profile,
    limits: Limits,
    place: &Place<'_>,
    health: &[(&str, &str)],
) -> Result<(), Failure> {
    // A reader must not take the telemetry of the case's last run for this one's.
    if let Port::File(path) = &profile.com2 {
        let _ = fs::remove_file(path);
    }
    let (mut session, ready) = boot(profile, limits, place)?;
    system(&mut session, &ready, health)?;
    work(&mut session)?;
    exposition(&mut session, place)?;
    if let Port::File(path) = &profile.com2 {
        telemetry(path)?;
    }
    Ok(session.power_off()?)
}

/// The node knows what it is and how it is, and what is no command.
fn system(session: &mut Session, ready: &Ready, health: &[(&str, &str)]) -> Result<(), Failure> {
    let answer = session.command_ok("version")?;
    let told = answer.field("version");
    demand(
        told.is_some() && told.as_deref() == ready.get("version"),
        "version",
        &answer,
    )?;
    let answer = session.command_ok("status")?;
    let parts = answer.column("part");
    for part in ["substrate", "vault", "ledger", "governance", "telemetry"] {
        demand(parts.iter().any(|told| told == part), "status", &answer)?;
    }
    for (part, expected) in health {
        let is_told = answer.lines.iter().any(|line| {
            qemu::field(line, "part").as_deref() == Some(part)
                && qemu::field(line, "health").as_deref() == Some(expected)
        });
        demand(is_told, "status", &answer)?;
    }
    let answer = session.command("no-such-command")?;
    demand(!answer.is_ok(), "no-such-command", &answer)
}

/// A glyph is activated, leaves its magnitude in its cell, and is counted.
fn work(session: &mut Session) -> Result<(), Failure> {
    let answer = session.command_ok("vault list")?;
    let glyphs = answer.column("glyph");
    demand(!glyphs.is_empty(), "vault list", &answer)?;
    for glyph in &glyphs {
        let activate = format!("activate {glyph}");
        let answer = session.command(&activate)?;
        let field = |key| answer.field(key);
        // One that may be activated alone, and whose cell holds nothing but its magnitude.
        let is_plain = answer.is_ok() && field("wave").as_deref() == Some("no");
        let (true, Some(cell), Some(magnitude)) = (is_plain, field("cell"), field("magnitude"))
        else {
            continue;
        };
        // A cell begins with what a magnitude of 1 would leave in it, which would show nothing.
        if cell == "none" || magnitude == "1" {
            continue;
        }
        let read = format!("substrate read {cell}");
        let answer = session.command_ok(&read)?;
        let number = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
        // A cell holds a hundred times a glyph's magnitude, and no more than a cell can hold.
        let expected = number(Some(magnitude)).map(|magnitude| (100.0 * magnitude).min(1000.0));
        let holds = expected.is_some() && number(answer.field("magnitude")) == expected;
        demand(holds, &read, &answer)?;
        let answer = session.command_ok("metrics")?;
        let counted = format!("glyphos_glyph_activations_total{{glyph_id=\"{glyph}\"}} 1");
        return demand(answer.lines.contains(&counted), "metrics", &answer);
    }
    Err(Failure::Wrong(
        "no glyph of the vault alone writes a magnitude of its own".to_owned(),
    ))
}

/// `metrics` prints a whole exposition, which is kept for Prometheus' own checker.
fn exposition(session: &mut Session, place: &Place<'_>) -> Result<(), Failure> {
    let answer = session.command_ok("metrics")?;
    let is_whole = answer.lines.last().is_some_and(|line| line == "# EOF");
    demand(is_whole, "metrics", &answer)?;
    let path = place.file("prom");
    fs::write(&path, answer.text())
        .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))
}

/// Fails with the node's words unless `holds`.
///
/// # Errors
/// [`Failure::Wrong`] if it does not hold.
pub(crate) fn demand(holds: bool, command: &str, reply: &Reply) -> Result<(), Failure> {
    if holds {
        return Ok(());
    }
    let shown: String = reply.text().chars().take(400).collect();
    Err(Failure::Wrong(format!(
        "`{command}` answered {:?}: {shown:?}",
        reply.outcome
    )))
}

/// Fails unless the node refuses `command` with `code` and a sentence that contains `words`.
///
/// # Errors
/// [`Failure::Wrong`] if it does it or refuses it otherwise; a session's failure.
pub(crate) fn refused(
    session: &mut Session,
    command: &str,
    code: &str,
    words: &str,
) -> Result<(), Failure> {
    let reply = session.command(command)?;
    demand(is_refused(&reply, code, words), command, &reply)
}

/// Whether the reply is a refusal with `code` and a sentence that contains `words`.
pub(crate) fn is_refused(reply: &Reply, code: &str, words: &str) -> bool {
    match &reply.outcome {
        Outcome::Err { code: told, text } => told == code && text.contains(words),
        Outcome::Ok => false,
    }
}

/// A figure of the exposition.
///
/// # Errors
/// [`Failure::Wrong`] if it has none of that name; a session's failure.
pub(crate) fn figure(session: &mut Session, name: &str) -> Result<f64, Failure> {
    let answer = session.command_ok("metrics")?;
    let found = answer
        .lines
        .iter()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    found.ok_or_else(|| Failure::Wrong(format!("there is no {name}")))
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
            return Err(Failure::Wrong(format!(
                "no whole exposition came on the telemetry line ({} bytes)",
                bytes.len()
            )));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

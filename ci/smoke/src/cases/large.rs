//! A substrate of a gigabyte: it boots, works, heals, and leaves the console awake.
//!
//! What a key waits while the scrubber works is written to the case's file `txt`; a bound on it would
//! judge the host. Judged is the order of things: a key's echo never waits for the end of a pass.

use std::thread;
use std::time::{Duration, Instant};

use qemu::{Machine, Profile, Session};

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, figure, is_refused, refused};
use crate::council::required;

/// Cells across and down: with checksums and parity more than a gigabyte.
const GRID: [u64; 2] = [4096, 3840];
/// What the substrate has to take at least, in bytes.
const BYTES_MIN: u64 = 1 << 30;
/// Cells of different stripes, the last one among them.
const CELLS: [u64; 4] = [0, 5_000_001, 12_345_678, GRID[0] * GRID[1] - 1];
/// Commands whose answers are awaited one by one while the scrubber works.
const COMMANDS: usize = 40;
/// How long the scrubber may take to show up in the figures: their window is ten seconds.
const FIGURES_LIMIT: Duration = Duration::from_secs(60);
/// Between two looks at them.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// The stories.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("grid-of-a-gigabyte", gigabyte),
        Case::new("grid-beyond-memory", beyond_memory),
    ]
}

fn gigabyte(place: &Place<'_>) -> Result<(), Failure> {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Q35, &shipped.kernel, Some(&shipped.ramdisk));
    profile.memory_mib = 2048;
    let [width, height] = GRID;
    // No pass is done in a second, so that the scrubber is always at work.
    let options = format!(
        "grid_width: {width}\ngrid_height: {height}\nscrub_share_percent: 50\n\
         scrub_longest_age_seconds: 1\n"
    );
    checks::set_options(&mut profile, place, &options)?;
    let started = Instant::now();
    let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
    let booted = started.elapsed();
    let cells = ready.get("cells").and_then(|cells| cells.parse().ok());
    if cells != Some(width * height) {
        return Err(Failure::Wrong(format!("the node has {cells:?} cells")));
    }
    let answer = session.command_ok("mem")?;
    let bytes: Option<u64> = required(&answer, "large_bytes")?.parse().ok();
    demand(bytes >= Some(BYTES_MIN), "mem", &answer)?;
    works(&mut session)?;
    heals(&mut session)?;
    let waits = stays_awake(&mut session)?;
    place.note(&format!(
        "boot {:.1} s; an answer while the scrubber works: median {:.1} ms, longest {:.1} ms\n",
        booted.as_secs_f64(),
        milliseconds(waits.get(waits.len() / 2)),
        milliseconds(waits.last()),
    ))?;
    stops(&mut session)?;
    Ok(session.power_off()?)
}

fn milliseconds(wait: Option<&Duration>) -> f64 {
    wait.copied().unwrap_or_default().as_secs_f64() * 1000.0
}

/// Cells keep what is written, and all of them decay.
fn works(session: &mut Session) -> Result<(), Failure> {
    for (cell, magnitude) in CELLS.iter().zip([400, 300, 200, 100]) {
        session.command_ok(&format!("substrate write {cell} {magnitude} 1.5 800"))?;
    }
    session.command_ok("substrate tick")?;
    for (cell, magnitude) in CELLS.iter().zip(["396", "297", "198", "99"]) {
        let read = format!("substrate read {cell}");
        let answer = session.command_ok(&read)?;
        let is_kept = answer.field("magnitude").as_deref() == Some(magnitude)
            && answer.field("coherence").as_deref() == Some("800");
        demand(is_kept, &read, &answer)?;
    }
    refused(
        session,
        &format!("substrate read {}", GRID[0] * GRID[1]),
        "out_of_range",
        "take one of 0 to",
    )?;
    let status = session.command_ok("substrate status")?;
    demand(
        required(&status, "tick")? == "1" && required(&status, "poisoned")? == "0",
        "substrate status",
        &status,
    )
}

/// Damage is repaired by the read that meets it, and counted.
fn heals(session: &mut Session) -> Result<(), Failure> {
    session.command_ok("drill on")?;
    for cell in CELLS {
        let read = format!("substrate read {cell}");
        let before = session.command_ok(&read)?.text();
        session.command_ok(&format!("inject line {cell}"))?;
        let answer = session.command_ok(&read)?;
        demand(answer.text() == before, &read, &answer)?;
    }
    session.command_ok("drill off")?;
    let status = session.command_ok("substrate status")?;
    let repairs: Option<u64> = required(&status, "repairs")?.parse().ok();
    let is_counted = repairs == Some(CELLS.len() as u64);
    demand(is_counted, "substrate status", &status)
}

/// Answers come while a pass is under way, not after it. Gives how long each took, the shortest first.
fn stays_awake(session: &mut Session) -> Result<Vec<Duration>, Failure> {
    let started = Instant::now();
    while figure(session, "glyphos_substrate_scrub_share_ratio")? <= 0.1 {
        if started.elapsed() > FIGURES_LIMIT {
            return Err(Failure::Wrong("nothing is scrubbed".to_owned()));
        }
        // Printing metrics takes the node's time too.
        thread::sleep(LOOK_PAUSE);
    }
    let before = figure(session, "glyphos_substrate_scrub_passes_total")?;
    let mut waits = Vec::with_capacity(COMMANDS);
    for _ in 0..COMMANDS {
        let sent = Instant::now();
        session.command_ok("uptime")?;
        waits.push(sent.elapsed());
    }
    waits.sort();
    let passes = figure(session, "glyphos_substrate_scrub_passes_total")? - before;
    if passes > 2.0 {
        return Err(Failure::Wrong(format!(
            "{COMMANDS} answers took {passes} passes of the scrubber"
        )));
    }
    Ok(waits)
}

/// A pass that an operator asked for stops at Ctrl-C, and says how far it came.
fn stops(session: &mut Session) -> Result<(), Failure> {
    for command in ["substrate digest", "substrate scrub"] {
        session.send(format!("{command}\n\x03uptime\n").as_bytes());
        let answer = session.reply(command)?;
        demand(
            is_refused(&answer, "stopped", "% of the field"),
            command,
            &answer,
        )?;
        let answer = session.reply("uptime")?;
        demand(answer.is_ok(), "uptime", &answer)?;
    }
    Ok(())
}

/// A grid that memory does not hold is refused with what does fit, and that fits.
fn beyond_memory(place: &Place<'_>) -> Result<(), Failure> {
    let width = 8192;
    let told = boot_grid(place, width, 1 << 20)?;
    let rows: Option<u64> = told.log.as_deref().and_then(|log| {
        let (_, after) = log.split_once("grid_height up to ")?;
        after.split(';').next()?.parse().ok()
    });
    let Some(rows) = rows.filter(|&rows| rows > 64 && told.cells == Some(4096)) else {
        return Err(Failure::Wrong(format!("the node told {told:?}")));
    };
    let told = boot_grid(place, width, rows)?;
    if told.cells == Some(width * rows) && told.log.is_none() {
        return Ok(());
    }
    Err(Failure::Wrong(format!(
        "{rows} rows were said to fit: {told:?}"
    )))
}

/// What a node said of its grid.
#[derive(Debug)]
struct Told {
    cells: Option<u64>,
    /// The line of the log that refuses the grid.
    log: Option<String>,
}

fn boot_grid(place: &Place<'_>, width: u64, height: u64) -> Result<Told, Failure> {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Pc, &shipped.kernel, Some(&shipped.ramdisk));
    let options = format!("grid_width: {width}\ngrid_height: {height}\n");
    checks::set_options(&mut profile, place, &options)?;
    let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
    let log = session.command_ok("log")?;
    session.power_off()?;
    Ok(Told {
        cells: ready.get("cells").and_then(|cells| cells.parse().ok()),
        log: log
            .lines
            .into_iter()
            .find(|line| line.contains("the default size is used")),
    })
}

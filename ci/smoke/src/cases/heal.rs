//! Memory that is damaged on purpose and heals, seen from the console.

use qemu::{Reply, Session};

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, refused};
use crate::council::required;

/// Cells that are written first, in different lines.
const CELLS: [u64; 5] = [0, 5, 700, 2048, 4095];

/// The story.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("heal", heal),
        Case::new("heal-not-beyond-the-code", poison),
    ]
}

/// Every kind of damage that the code covers leaves no trace but in the counts and the log.
fn heal(place: &Place<'_>) -> Result<(), Failure> {
    let mut session = start(place)?;
    refused(&mut session, "inject cell 5 3", "drill_off", "drill on")?;
    session.command_ok("drill on")?;
    let digest = session.command_ok("substrate digest")?.text();
    let reads = read_all(&mut session)?;
    for (damage, kind) in [
        ("inject cell 5 61", "single_bit"),
        ("inject line 700", "line"),
        ("inject checksum 2048", "checksum"),
        ("inject parity 4095", "parity"),
        ("inject second-parity 4095", "parity"),
        ("inject generation 900", "generation"),
        ("inject stale 1200", "line"),
        ("inject page 0", "page"),
        ("inject tick 3", "number"),
        ("inject tick 70", "number"),
        ("inject counts", "number"),
        ("inject marks 2048", "number"),
        ("inject location 9", "number"),
    ] {
        let before = repairs(&mut session, kind)?;
        session.command_ok(damage)?;
        let now = read_all(&mut session)?;
        if now != reads {
            return Err(Failure::Wrong(format!(
                "after `{damage}` cells read {now:?}, not {reads:?}"
            )));
        }
        session.command_ok("substrate scrub")?;
        let after = repairs(&mut session, kind)?;
        if after <= before {
            return Err(Failure::Wrong(format!(
                "`{damage}` left the repairs of kind {kind} at {after}"
            )));
        }
        let answer = session.command_ok("substrate digest")?;
        demand(answer.text() == digest, damage, &answer)?;
    }
    let log = session.command_ok("log")?;
    for words in [
        "drill: ",
        "written anew",
        "rebuilt",
        "computed anew",
        "turned back",
        "found anew",
    ] {
        let is_told = log.lines.iter().any(|line| line.contains(words));
        demand(is_told, &format!("log, `{words}`"), &log)?;
    }
    let status = session.command_ok("substrate status")?;
    let is_whole = status.field("poisoned").as_deref() == Some("0");
    demand(is_whole, "substrate status", &status)?;
    let clean = session.command_ok("substrate scrub")?;
    demand(
        clean.field("damaged").as_deref() == Some("0"),
        "substrate scrub",
        &clean,
    )?;
    Ok(session.power_off()?)
}

/// Cells whose lines share one stripe, in a field of 64 by 64 cells.
const SAME_STRIPE: [u64; 2] = [5, 1285];
/// Tries to lose a stripe before the scrubber comes by and heals the first part of the damage.
const TRIES: usize = 20;

/// Three bad lines of one stripe cannot be told: the cells say so, and a write makes them good.
fn poison(place: &Place<'_>) -> Result<(), Failure> {
    let mut session = start(place)?;
    session.command_ok("drill on")?;
    let unhurt = session.command_ok("substrate read 2048")?.text();
    let mut is_lost = false;
    for _ in 0..TRIES {
        session.command_ok("inject parity 5")?;
        for cell in SAME_STRIPE {
            session.command_ok(&format!("inject line {cell}"))?;
        }
        is_lost = !session.command("substrate read 5")?.is_ok();
        if is_lost {
            break;
        }
    }
    if !is_lost {
        return Err(Failure::Wrong("three bad lines were healed".to_owned()));
    }
    refused(&mut session, "substrate read 5", "poisoned", "")?;
    let status = session.command_ok("substrate status")?;
    let poisoned = required(&status, "poisoned")?;
    demand(poisoned != "0", "substrate status", &status)?;
    let answer = session.command_ok("substrate read 2048")?;
    demand(answer.text() == unhurt, "substrate read 2048", &answer)?;
    session.command_ok("substrate write 5 111 0 900")?;
    let answer = session.command_ok("substrate read 5")?;
    let is_new = answer.field("magnitude").as_deref() == Some("111");
    demand(is_new, "substrate read 5", &answer)?;
    Ok(session.power_off()?)
}

/// A node with something in its field.
fn start(place: &Place<'_>) -> Result<Session, Failure> {
    let disk = place.empty_disk(1 << 20)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    for cell in CELLS {
        session.command_ok(&format!("substrate write {cell} {} 1.5 800", 10 + cell % 7))?;
    }
    Ok(session)
}

fn read_all(session: &mut Session) -> Result<Vec<String>, Failure> {
    CELLS
        .iter()
        .map(|cell| {
            Ok(session
                .command_ok(&format!("substrate read {cell}"))?
                .text())
        })
        .collect()
}

/// Repairs of one kind, from the exposition; none until the first.
fn repairs(session: &mut Session, kind: &str) -> Result<u64, Failure> {
    let answer = session.command_ok("metrics")?;
    Ok(counter(&answer, kind).unwrap_or(0))
}

fn counter(metrics: &Reply, kind: &str) -> Option<u64> {
    let series = format!("glyphos_substrate_repairs_total{{kind=\"{kind}\"}} ");
    metrics
        .lines
        .iter()
        .find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

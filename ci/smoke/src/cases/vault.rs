//! The vault that ships, activated on the machine, and damaged in its memory.
//!
//! The host's tests hold the interpreter to `glyphs/vault/expected.tsv`; this case holds the
//! machine to the same file: same source, another target, another processor.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use qemu::{Machine, Profile, Reply};

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, figure, refused};

/// The numbers of a state that both the file and a reply name.
const NUMBERS: [&str; 5] = [
    "resonance",
    "magnitude",
    "phase",
    "coherence",
    "entanglement",
];

/// How far a number may lie from its step-by-step evaluation, relative to it.
const TOLERANCE: f64 = 1e-12;

/// How long the scrubber may take to come by: many times what the options of the case ask of it.
const FOUND_LIMIT: Duration = Duration::from_secs(60);
/// Between two looks whether it did.
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// Counts the parts of the vault that were found damaged.
const DAMAGES: &str = "glyphos_vault_damages_total";

/// The vault's cases.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("vault-as-expected", activate_all),
        Case::new("vault-damaged-in-memory", damage),
    ]
}

/// A glyph whose program has a flipped bit is answered for as before, and the scrubber finds another that
/// nobody asks for; both are told and counted.
fn damage(place: &Place<'_>) -> Result<(), Failure> {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Q35, &shipped.kernel, Some(&shipped.ramdisk));
    checks::set_options(&mut profile, place, "scrub_longest_age_seconds: 2\n")?;
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    session.command_ok("activate quintessence --with-parents")?;
    let activate = "activate quintessence";
    let before = session.command_ok(activate)?.text();
    let inject = "inject vault quintessence 250";
    refused(&mut session, inject, "drill_off", "drill on")?;
    session.command_ok("drill on")?;
    session.command_ok(inject)?;
    let answer = session.command_ok(activate)?;
    demand(answer.text() == before, activate, &answer)?;
    let mut found = figure(&mut session, DAMAGES)?;
    session.command_ok("inject vault water 60")?;
    let started = Instant::now();
    while found < 2.0 {
        if started.elapsed() > FOUND_LIMIT {
            return Err(Failure::Wrong(format!("{found} damages were found")));
        }
        thread::sleep(LOOK_PAUSE);
        found = figure(&mut session, DAMAGES)?;
    }
    for command in ["log", "events"] {
        let answer = session.command_ok(command)?;
        let told = answer
            .text()
            .matches("loaded anew from its archive")
            .count();
        demand(told == 2, command, &answer)?;
    }
    let answer = session.command_ok(activate)?;
    demand(answer.text() == before, activate, &answer)?;
    let status = session.command_ok("vault status")?;
    let is_in_force = status.field("state").as_deref() == Some("in_force");
    demand(is_in_force, "vault status", &status)?;
    Ok(session.power_off()?)
}

fn activate_all(place: &Place<'_>) -> Result<(), Failure> {
    let shipped = place.shipped;
    let path = &shipped.expected;
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))?;
    let mut rows = text
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let head = rows.next().unwrap_or_default();
    let profile = Profile::direct(Machine::Q35, &shipped.kernel, Some(&shipped.ramdisk));
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let mut count = 0_usize;
    for row in rows {
        let cell = |name: &str| {
            let column = head.iter().position(|head| *head == name);
            column
                .and_then(|column| row.get(column).copied())
                .unwrap_or_default()
        };
        let glyph = cell("glyph_id");
        let activate = format!("activate {glyph} --with-parents");
        let mut answer = session.command_ok(&activate)?;
        // Its ancestors come first in the answer.
        answer
            .lines
            .retain(|line| qemu::field(line, "glyph").as_deref() == Some(glyph));
        for name in NUMBERS {
            let agrees = same_number(cell(name), &answer, name);
            demand(
                agrees,
                &format!("{activate}, {name} {}", cell(name)),
                &answer,
            )?;
        }
        count = count.saturating_add(1);
    }
    let trusted = session.command_ok("vault status")?;
    let is_trusted = trusted.field("state").as_deref() == Some("in_force")
        && trusted.field("glyphs").as_deref() == Some(count.to_string().as_str());
    demand(is_trusted, "vault status", &trusted)?;
    let listed = session.command_ok("vault list")?;
    demand(
        count > 0 && listed.column("glyph").len() == count,
        "vault list",
        &listed,
    )?;
    Ok(session.power_off()?)
}

/// Whether the reply gives the expected number, within what the order of evaluation may change.
fn same_number(expected: &str, reply: &Reply, name: &str) -> bool {
    let told = reply.field(name).and_then(|text| text.parse::<f64>().ok());
    match (expected.parse::<f64>(), told) {
        (Ok(expected), Some(told)) => (told - expected).abs() <= TOLERANCE * expected.abs(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qemu::Outcome;

    #[test]
    fn a_number_agrees_within_the_tolerance_and_no_further() {
        let lines = vec!["glyph=x phase=1431.2250000000001 coherence=100".to_owned()];
        let reply = Reply {
            lines,
            outcome: Outcome::Ok,
        };
        assert!(same_number("1431.2250000000001", &reply, "phase"));
        assert!(same_number("1431.225", &reply, "phase"));
        assert!(!same_number("1431.22500001", &reply, "phase"));
        assert!(!same_number("NaN", &reply, "phase"));
        assert!(same_number("100", &reply, "coherence"));
        assert!(!same_number("100", &reply, "magnitude"));
        assert!(!same_number("", &reply, "phase"));
    }
}

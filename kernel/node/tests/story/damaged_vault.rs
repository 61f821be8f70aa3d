//! The loaded vault, damaged in memory: no answer comes from it, and it is loaded anew or refused.

use crate::simulation::{EXAMPLE, Session, VAULT_SEED, World, archive, ramdisk};
use crate::vault::{OTHER, put_in_force, put_medium_in_force, status, with_guardians};
use abi::FaultCode;
use abi::vault::VaultState;
use ledger::simulated::Fault;

/// Bits of a row of a program.
const ROW_BITS: usize = 256;

fn start() -> Session {
    let mut session = Session::start(&World::new(), Some(&ramdisk(&EXAMPLE)), None);
    session.line("activate b --with-parents");
    session.line("drill on");
    session
}

fn damages(session: &mut Session) -> u64 {
    let metrics = session.line("metrics");
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix("glyphos_vault_damages_total "));
    value
        .and_then(|value| value.parse().ok())
        .expect("the metric is there")
}

#[test]
fn no_request_is_answered_from_a_damaged_glyph_and_its_vault_is_loaded_anew() {
    let mut session = start();
    // It needs its parent active, which outlasts the loading anew.
    let answer = session.line("activate b");
    let shown = session.line("glyph show a");
    let mut found = 0;
    for bit in (0..2 * ROW_BITS).step_by(7) {
        for (damaged, asked) in [("b", "activate b"), ("a", "glyph show a")] {
            session.line(&format!("inject vault {damaged} {bit}"));
            let now = session.line(asked);
            let before = if asked == "activate b" {
                &answer
            } else {
                &shown
            };
            assert_eq!(now, *before, "bit {bit} of {damaged}");
            found += 1;
            assert_eq!(damages(&mut session), found, "bit {bit} of {damaged}");
        }
    }
    for asked in [
        "activate b --with-parents",
        "glyph tree b",
        "vault list",
        "activate nobody",
    ] {
        session.line("inject vault a 3");
        let _ = session.try_line(asked);
        found += 1;
        assert_eq!(damages(&mut session), found, "{asked}");
    }
    let activated = format!("activations={}", 3 + (2 * ROW_BITS).div_ceil(7));
    let shown = session.line("glyph show b");
    assert!(shown.contains(&activated), "counts are kept: {shown}");
    let told = "the loaded vault was damaged in memory, in 1 of 3 parts: it was loaded anew from its archive";
    assert!(session.log().contains(told), "{}", session.log());
    assert!(session.line("events").contains("VAULT_DAMAGED"));
    assert_eq!(status(&mut session).state, VaultState::InForce);
}

#[test]
fn the_scrubber_finds_a_damaged_glyph_that_nobody_asks_for() {
    let world = World::new();
    let mut session = Session::start(&world, Some(&ramdisk(&EXAMPLE)), None);
    session.line("drill on");
    for glyph in ["a", "b"] {
        let before = damages(&mut session);
        session.line(&format!("inject vault {glyph} 200"));
        assert_eq!(damages(&mut session), before, "nothing looked at it");
        // As long as a line of the substrate may wait to be verified.
        for _ in 0..60 {
            world.pass_seconds(1);
            session.node.background();
            session.node.background();
        }
        assert_eq!(damages(&mut session), before + 1, "{glyph}");
    }
    session.line("inject vault a 1");
    session.line("substrate scrub");
    assert_eq!(
        damages(&mut session),
        3,
        "a scrub by hand compares all of it"
    );
}

#[test]
fn a_glyph_whose_count_is_damaged_is_not_taken_for_active_and_it_is_told() {
    let world = World::new();
    let mut session = Session::start(&world, Some(&ramdisk(&EXAMPLE)), None);
    session.line("drill on");
    // Of `a`, which `b` needs active: a program of two rows, then the count.
    for bit in 0..128 {
        session.line(&format!("inject vault a {}", 2 * ROW_BITS + bit));
        let fault = session.refused("activate b");
        assert_eq!(fault.code, FaultCode::Constraint, "bit {bit}");
    }
    assert_eq!(damages(&mut session), 128);
    session.line("activate b --with-parents");
    let told = "activated was damaged in memory: 1 count as not activated";
    assert!(session.log().contains(told), "{}", session.log());
    session.line("inject vault b 600");
    assert_eq!(damages(&mut session), 128);
    session.line("substrate scrub");
    assert_eq!(damages(&mut session), 129, "the scrubber finds it, too");
}

#[test]
fn a_damaged_vault_that_cannot_be_loaded_anew_is_refused_until_a_vault_is_put_in_force() {
    let (world, disk, medium, mut session) = with_guardians();
    put_in_force(&mut session, &archive(&OTHER, &VAULT_SEED));
    session.line("drill on");
    let fault = session.refused("inject vault comet 384");
    assert_eq!(fault.code, FaultCode::OutOfRange);
    assert!(fault.says_what_to_do(), "{fault}");
    session.line("inject vault comet 255");
    disk.0.borrow_mut().plant(Fault::Dies { operation: 0 });
    for line in [
        "activate comet",
        "activate comet",
        "glyph show comet",
        "vault list",
        "bench",
    ] {
        let fault = session.refused(line);
        assert_eq!(fault.code, FaultCode::Unavailable, "{line}");
        assert!(
            fault.text.contains("cannot be loaded anew: the archive"),
            "{fault}"
        );
        assert!(fault.says_what_to_do(), "{fault}");
    }
    let now = status(&mut session);
    assert_eq!((now.state, now.digest), (VaultState::Damaged, None));
    assert!(now.reason.contains("damaged in memory"), "{}", now.reason);
    assert!(
        session
            .line("metrics")
            .contains("glyphos_vault_refused 1\n")
    );
    assert_eq!(damages(&mut session), 1);
    session.line("substrate write 1 2 0 500");

    disk.0.borrow_mut().heal();
    put_medium_in_force(&mut session);
    session.line("activate a");
    assert!(
        session
            .line("metrics")
            .contains("glyphos_vault_refused 0\n")
    );
    drop(session);
    let mut session = Session::start(&world, Some(&medium), Some(&disk));
    session.line("activate a");
}

//! The story of an emergency, over a power-off.

use crate::simulation::{EXAMPLE, Session, SharedDisk, World, ramdisk, shown};
use abi::{FaultCode, Response};

const SECRETS: [(&str, &str, [u8; 32]); 4] = [
    ("galahad", "ethics", [1; 32]),
    ("cerberus", "security", [2; 32]),
    ("codex_deus", "charter", [3; 32]),
    ("safety_monitor", "safety", [4; 32]),
];

pub(crate) fn secret(guardian: &str) -> [u8; 32] {
    SECRETS
        .iter()
        .find(|(id, _, _)| *id == guardian)
        .expect("a guardian")
        .2
}

pub(crate) fn format(session: &mut Session) {
    let Ok(Response::ConfirmFormat { confirmation, .. }) = session.try_line("ledger format") else {
        panic!("no confirmation was asked for")
    };
    session.line(&format!("ledger format {confirmation}"));
}

pub(crate) fn enrol_everybody(session: &mut Session) {
    for (number, (id, role, secret)) in SECRETS.iter().enumerate() {
        let key = abi::id::Hex(secret);
        let answer = session.try_line(&format!("guardian enrol {id} {role} hmac {key}"));
        let Ok(Response::GuardianChange { change }) = answer else {
            panic!("{answer:?}")
        };
        // A strict majority of those already enrolled.
        let needed = if number == 0 { 0 } else { number / 2 + 1 };
        assert_eq!(
            usize::try_from(change.signatures_missing),
            Ok(needed),
            "{id}"
        );
        for (signer, _, secret) in SECRETS.iter().take(needed) {
            let ask = format!("guardian challenge {} {signer} \"known to me\"", change.id);
            let conclude = format!("guardian sign {} {signer}", change.id);
            session
                .sign(&ask, &conclude, secret)
                .expect("the signature is good");
        }
    }
}

fn create_request(session: &mut Session) -> String {
    let line = "request create high kernel operator \"Stop the flood\" \"gate 7 is open\"";
    let Ok(Response::Approval(view)) = session.try_line(line) else {
        panic!("no request")
    };
    view.request_id.to_string()
}

fn create_override(session: &mut Session, request: &str) -> String {
    let line = format!("override create {request} operator \"the dam breaks tonight\"");
    let Ok(Response::Override { view, .. }) = session.try_line(&line) else {
        panic!("none")
    };
    view.override_id.to_string()
}

fn step(
    session: &mut Session,
    id: &str,
    guardian: &str,
    action: &str,
) -> Result<String, abi::Fault> {
    let ask = format!("override challenge {id} {guardian} {action} \"I looked at it\"");
    let conclude = format!("override {action} {id} {guardian}");
    session
        .sign(&ask, &conclude, &secret(guardian))
        .map(|response| shown(&response))
}

/// Goes from a blank disk to an active override, and gives its id.
pub(crate) fn active_override(session: &mut Session) -> String {
    format(session);
    enrol_everybody(session);
    let request = create_request(session);
    let id = create_override(session, &request);
    for guardian in ["galahad", "cerberus", "codex_deus"] {
        step(session, &id, guardian, "sign").expect("signed");
    }
    id
}

#[test]
fn an_emergency_goes_from_request_to_post_mortem_and_survives_a_power_off() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let archive = ramdisk(&EXAMPLE);
    let mut session = Session::start(&world, Some(&archive), Some(&disk));
    format(&mut session);
    enrol_everybody(&mut session);
    let request = create_request(&mut session);
    let id = create_override(&mut session, &request);
    for guardian in ["galahad", "cerberus"] {
        let answer = step(&mut session, &id, guardian, "sign").expect("signed");
        assert!(answer.contains("pending"), "{answer}");
    }
    let answer = step(&mut session, &id, "codex_deus", "sign").expect("signed");
    assert!(answer.contains("active"), "{answer}");
    let events = session.line("events");
    assert!(
        events.contains("GUARDIAN_EMERGENCY_OVERRIDE_ACTIVATED"),
        "{events}"
    );
    assert!(
        events.contains("governance_exception severity=high"),
        "{events}"
    );
    let again = step(&mut session, &id, "galahad", "sign").expect_err("each guardian once");
    assert_eq!(again.code, FaultCode::Refused);
    step(&mut session, &id, "cerberus", "post-mortem").expect("another role writes it");
    let records = session.node.ready_line(0);
    drop(session);

    let mut session = Session::start(&world, Some(&archive), Some(&disk));
    assert_eq!(session.node.ready_line(0), records);
    let shown = session.line(&format!("override show {id}"));
    assert!(shown.contains("completed"), "{shown}");
    let request = session.line(&format!("request show {request}"));
    assert!(request.contains("approved"), "{request}");
    let Ok(Response::Verified(report)) = session.try_line("ledger verify") else {
        panic!()
    };
    assert!(report.sound, "{:?}", report.findings);
    let Ok(Response::Checkpoint(checkpoint)) = session.try_line("ledger checkpoint") else {
        panic!()
    };
    assert_eq!(
        (checkpoint.records, checkpoint.chain),
        (report.records, report.chain)
    );
    session.line("poweroff");
    assert!(
        session.log().contains(&checkpoint.to_string()),
        "it is left on the console"
    );
}

#[test]
fn without_entropy_governance_refuses_and_says_what_to_attach() {
    let mut world = World::new();
    world.has_entropy = false;
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    let fault = session.refused("ledger format format-4-mib");
    assert_eq!(fault.code, FaultCode::Unavailable);
    assert!(fault.text.contains("virtio-rng"), "{fault}");
}

#[test]
fn a_grant_lapses_by_time_and_the_duty_stays() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    let id = active_override(&mut session);
    world.pass_hours(25);
    // Nobody asks anything: the node records the end by itself.
    session.node.background();
    let log = session.line("ledger log 5");
    assert!(log.contains("lapsed"), "{log}");
    let Ok(Response::Override { view, .. }) = session.try_line(&format!("override show {id}"))
    else {
        panic!("it is gone")
    };
    assert!(!view.grant_in_force);
    assert_eq!(view.status.name(), "active");
}

#[test]
fn an_unwritable_disk_acknowledges_nothing() {
    use ledger::simulated::Fault;
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    format(&mut session);
    disk.0.borrow_mut().plant(Fault::Dies { operation: 0 });
    let line = format!(
        "guardian enrol galahad ethics hmac {}",
        abi::id::Hex(&[1; 32])
    );
    let fault = session.refused(&line);
    assert!(fault.text.contains("not acknowledged"), "{fault}");
    disk.0.borrow_mut().heal();
    let fresh = SharedDisk::of(&disk.image());
    let mut session = Session::start(&world, None, Some(&fresh));
    let guardians = session.line("guardian list");
    let without_key = "guardian=galahad role=ethics algorithm=none";
    assert!(guardians.contains(without_key), "{guardians}");
}

#[test]
fn an_activation_is_told_again_after_a_restart_that_ends_its_grant() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    let id = active_override(&mut session);
    drop(session);
    let mut session = Session::start(&world, None, Some(&disk));
    let events = session.line("events");
    assert!(
        events.contains("GUARDIAN_EMERGENCY_OVERRIDE_ACTIVATED"),
        "{events}"
    );
    let metrics = session.line("metrics");
    assert!(metrics.contains("glyphos_guardian_emergency_override_activated_total 1\n"));
    let shown = session.line(&format!("override show {id}"));
    assert!(shown.contains("grant_in_force=no"), "{shown}");
}

#[test]
fn a_revoked_grant_stays_revoked_over_a_power_off_and_the_duty_stays() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    let id = active_override(&mut session);
    let before = session.line(&format!("override show {id}"));
    assert!(before.contains("grant_in_force=yes"), "{before}");

    let fault = step(&mut session, &id, "galahad", "revoke").expect_err("not for ethics");
    assert_eq!(fault.code, FaultCode::Refused);
    assert!(fault.text.contains("security (cerberus)"), "{fault}");
    let answer = step(&mut session, &id, "cerberus", "revoke").expect("security revokes");
    assert!(answer.contains("grant_in_force=no"), "{answer}");
    assert!(
        answer.contains("override challenge") && answer.contains("post-mortem"),
        "{answer}"
    );
    let again = step(&mut session, &id, "cerberus", "revoke").expect_err("it is over");
    assert!(again.text.contains("nothing to revoke"), "{again}");
    let events = session.line("events");
    assert!(events.contains("grant ended: revoked"), "{events}");
    drop(session);

    let mut session = Session::start(&world, None, Some(&disk));
    let Ok(Response::Override { view, note }) = session.try_line(&format!("override show {id}"))
    else {
        panic!("it is gone")
    };
    assert!(!view.grant_in_force && view.status.name() == "active");
    let revoked = "grant revoked by cerberus".to_string();
    assert_eq!(view.consequences.last(), Some(&revoked), "and not rebooted");
    assert!(note.contains("(revoked)"), "{note}");
    step(&mut session, &id, "galahad", "post-mortem").expect("the duty stays");
}

#[test]
fn a_refused_signature_is_told_with_its_guardian_and_the_count() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    format(&mut session);
    enrol_everybody(&mut session);
    let request = create_request(&mut session);
    let id = create_override(&mut session, &request);
    for failures in 1..=2 {
        session.line(&format!("override challenge {id} galahad sign \"why\""));
        let forged = abi::id::Hex(&[0; 32]).to_string();
        session.refused(&format!("override sign {id} galahad {forged}"));
        let events = session.line("events");
        let told = format!(
            "GUARDIAN_SIGNATURE_REFUSED guardian=galahad reason=mismatch failures={failures}"
        );
        assert!(events.contains(&told), "{events}");
        world.pass_seconds(300);
    }
    // A step that another rule stops is no failed signature of its guardian.
    session.refused(&format!(
        "override revoke {id} cerberus {}",
        abi::id::Hex(&[0; 32])
    ));
    let events = session.line("events");
    assert!(!events.contains("guardian=cerberus reason"), "{events}");
}

#[test]
fn a_disk_that_writes_and_reads_and_cannot_flush_acknowledges_nothing() {
    use ledger::simulated::{Fault, SectorFate};
    const FLUSHES: u64 = 64;
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    format(&mut session);
    let flushes = disk.0.borrow().counts().flushes;
    for flush in flushes..flushes + FLUSHES {
        disk.0.borrow_mut().plant(Fault::FailedFlush { flush });
    }
    let fault = session.refused("request create low config operator \"one more\"");
    assert!(fault.text.contains("not acknowledged"), "{fault}");
    assert!(fault.text.contains("start again"), "{fault}");
    let fault = session.refused("request create low config operator \"and another\"");
    assert!(fault.text.contains("not recorded"), "{fault}");
    assert!(disk.0.borrow().counts().flushes < flushes + FLUSHES);
    let after_power_cut = disk.0.borrow().crash(|_| SectorFate::Old).image();
    let fresh = SharedDisk::of(&after_power_cut);
    let mut session = Session::start(&world, None, Some(&fresh));
    assert!(!session.line("request list").contains("one more"));
}

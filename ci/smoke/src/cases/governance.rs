//! The story of an emergency on a disk, from a blank one to a second boot.
//!
//! What a person does is done here: the ledger is formatted by its word, keys are made and
//! challenges signed by `glyphctl`, and the disk is read offline at the end.

use std::path::Path;

use qemu::{Reply, Session};
use serde_json::Value;

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand, is_refused, refused};
use crate::council::{Council, FOUR, format_ledger, required};
use crate::glyphctl::Glyphctl;
use crate::told::Witness;

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 64 << 20;

/// The story's case.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("governance-story", story)]
}

fn story(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    refused_without_a_ledger(&mut session)?;
    format_ledger(&mut session)?;
    let mut council = Council::new(place);
    for guardian in FOUR {
        council.enrol(&mut session, guardian)?;
    }
    for id in ["lancelot", "percival"] {
        council.enrol(&mut session, (id, "ethics", "ed25519"))?;
    }
    let (request, id) = open_emergency(&mut session)?;
    sign(&mut session, &council, &id)?;
    file_post_mortem(&mut session, &council, &id)?;
    let witnesses = Witness::hear(&mut session, &request, &id)?;
    session.power_off()?;
    offline(place, &disk, &id, 5)?;

    let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
    for witness in &witnesses {
        witness.judge(&mut session)?;
    }
    let answer = session.command_ok("ledger verify")?;
    let counted = answer.field("records").as_deref() == ready.get("ledger_records");
    let is_sound = answer.field("sound").as_deref() == Some("yes");
    demand(is_sound && counted, "ledger verify", &answer)?;
    Ok(session.power_off()?)
}

/// On a blank disk nothing of governance is done, and each refusal says what to type.
fn refused_without_a_ledger(session: &mut Session) -> Result<(), Failure> {
    let key = "ab".repeat(32);
    for command in [
        format!("guardian enrol galahad ethics hmac {key}"),
        "request create high kernel operator \"Stop the flood\"".to_owned(),
        "override list".to_owned(),
        "ledger verify".to_owned(),
    ] {
        refused(session, &command, "ledger_unavailable", "ledger format")?;
    }
    refused(session, "ledger format yes", "refused", "ledger format")
}

/// A request of high impact, and an emergency override of it: their ids.
///
/// # Errors
/// If the node refuses one of them.
pub(super) fn open_emergency(session: &mut Session) -> Result<(String, String), Failure> {
    let create = "request create high kernel operator \"Stop the flood\" \"gate 7 is open\" \
                  --files 3 --lines 40 --meta tested_by=nobody";
    let answer = session.command_ok(create)?;
    let is_pending = answer.field("status").as_deref() == Some("pending")
        && answer.field("missing_roles").as_deref() == Some("ethics,security,charter");
    demand(is_pending, create, &answer)?;
    let request = required(&answer, "request")?;
    let create = format!("override create {request} safety_monitor \"the dam breaks tonight\"");
    let answer = session.command_ok(&create)?;
    let is_pending = answer.field("status").as_deref() == Some("pending");
    demand(is_pending, &create, &answer)?;
    Ok((request, required(&answer, "override")?))
}

/// Three signatures of one role activate nothing, and a forged one counts for nothing; ethics,
/// security and charter activate.
fn sign(session: &mut Session, council: &Council<'_>, id: &str) -> Result<(), Failure> {
    for guardian in ["galahad", "lancelot", "percival"] {
        let answer = council.step(session, id, guardian, "sign")?;
        let is_pending = answer.is_ok()
            && answer.field("status").as_deref() == Some("pending")
            && answer.field("missing_roles").as_deref() == Some("security,charter");
        demand(is_pending, "override sign", &answer)?;
    }
    let answer = council.forge(session, id, "codex_deus", "galahad")?;
    let is_caught = is_refused(&answer, "bad_signature", "");
    demand(is_caught, "override sign, forged", &answer)?;
    let answer = council.step(session, id, "cerberus", "sign")?;
    let is_pending = answer.field("status").as_deref() == Some("pending")
        && answer.field("missing_roles").as_deref() == Some("charter");
    demand(is_pending, "override sign", &answer)?;
    let answer = sign_after_delay(session, council, id, "codex_deus")?;
    let is_active = answer.field("status").as_deref() == Some("active")
        && answer.field("grant_in_force").as_deref() == Some("yes")
        && answer.field("signatures").as_deref() == Some("5");
    demand(is_active, "override sign", &answer)
}

/// A guardian whose signature just failed has to wait: tries until the node takes the next one.
fn sign_after_delay(
    session: &mut Session,
    council: &Council<'_>,
    id: &str,
    guardian: &str,
) -> Result<Reply, Failure> {
    let started = std::time::Instant::now();
    loop {
        let answer = council.step(session, id, guardian, "sign");
        let is_early = match &answer {
            Ok(answer) => is_refused(answer, "too_soon", ""),
            Err(failure) => failure.to_string().contains("too_soon"),
        };
        if !is_early || started.elapsed() > checks::limits().boot {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// The initiator's role may not write the post-mortem; another one does, and its word stands.
fn file_post_mortem(session: &mut Session, council: &Council<'_>, id: &str) -> Result<(), Failure> {
    let by_initiator = council.step(session, id, "safety_monitor", "post-mortem");
    let is_refused = match &by_initiator {
        Ok(answer) => !answer.is_ok(),
        Err(Failure::Session(qemu::SessionError::Refused { .. })) => true,
        Err(_) => false,
    };
    if !is_refused {
        return Err(Failure::Wrong(format!(
            "the initiator's own post-mortem: {by_initiator:?}"
        )));
    }
    let answer = council.step(session, id, "cerberus", "post-mortem")?;
    let is_complete = answer.field("status").as_deref() == Some("completed")
        && answer.field("post_mortem_completed").as_deref() == Some("yes");
    demand(is_complete, "override post-mortem", &answer)
}

/// The ledger on a powered-off disk is sound.
///
/// # Errors
/// If `glyphctl` finds it otherwise.
pub(super) fn verified_offline(place: &Place<'_>, disk: &Path) -> Result<(), Failure> {
    let verdict = Glyphctl::of(place).verify(disk)?;
    match verdict.status {
        Some(0) => Ok(()),
        _ => Err(Failure::Wrong(format!(
            "`glyphctl ledger verify` finds a powered-off disk unsound: {verdict:?}"
        ))),
    }
}

/// The disk tells the same without the node that wrote it: sound, and the override completed with
/// this many signatures.
///
/// # Errors
/// If `glyphctl` reads anything else.
pub(super) fn offline(
    place: &Place<'_>,
    disk: &Path,
    id: &str,
    signatures: usize,
) -> Result<(), Failure> {
    verified_offline(place, disk)?;
    let exported = Glyphctl::of(place).export(disk)?;
    let told = exported
        .iter()
        .filter_map(|value| find_override(value, id))
        .next_back();
    let Some(told) = told else {
        return Err(Failure::Wrong(format!(
            "`glyphctl ledger export` does not have the override {id}"
        )));
    };
    let is_right = told.get("status").and_then(Value::as_str) == Some("completed")
        && told.get("post_mortem_required").and_then(Value::as_bool) == Some(true)
        && told.get("post_mortem_completed").and_then(Value::as_bool) == Some(true)
        && told.get("min_signatures_required").and_then(Value::as_u64) == Some(3)
        && told
            .get("signatures")
            .and_then(Value::as_array)
            .is_some_and(|told| told.len() == signatures);
    if !is_right {
        return Err(Failure::Wrong(format!(
            "`glyphctl ledger export` says of the override: {told}"
        )));
    }
    Ok(())
}

/// The object inside `value` that is the override `id` with its state.
fn find_override<'a>(value: &'a Value, id: &str) -> Option<&'a Value> {
    let is_it = value.get("override_id").and_then(Value::as_str) == Some(id)
        && value.get("status").is_some();
    if is_it {
        return Some(value);
    }
    match value {
        Value::Object(members) => members.values().find_map(|inner| find_override(inner, id)),
        Value::Array(items) => items.iter().find_map(|inner| find_override(inner, id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_found_where_its_state_is_told() {
        let record = serde_json::json!({ "fields": { "override_id": "x" } });
        assert!(find_override(&record, "x").is_none());
        let state = serde_json::json!({ "override_id": "x", "status": "active" });
        let nested = serde_json::json!({ "state": [{ "override": state }] });
        assert!(find_override(&nested, "x").is_some());
        assert!(find_override(&nested, "y").is_none());
    }
}

//! The policy that a signed vault brings: what it changes, and what becomes of it without one.

use crate::emergency::{enrol_everybody, format as format_ledger};
use crate::simulation::{EXAMPLE, Session, SharedDisk, VAULT_SEED, World, archive, ramdisk, tar};
use crate::vault::{put_in_force, stage};
use abi::{FaultCode, Response};

const SHIPPED: &str = include_str!("../../../../glyphs/vault/policy.txt");
const ASK: &str = "request create high surveillance operator \"title\" \"why\"";

/// Version 2: one signature more, and another word that fails personhood.
fn newer() -> String {
    SHIPPED
        .replace("policy: glyphos-default", "policy: of-the-house")
        .replace("version: 1", "version: 2")
        .replace("min_signatures: 3", "min_signatures: 4")
        .replace("not surveillance", "not espionage")
}

fn vault_with(policy: &str) -> Vec<(&str, &str)> {
    let mut files = EXAMPLE.to_vec();
    files.push(("vault/policy.txt", policy));
    files
}

/// Signatures that an override of a new request needs, after the checks that the request failed.
fn asked_of(session: &mut Session) -> (Vec<String>, u32) {
    let Ok(Response::Approval(request)) = session.try_line(ASK) else {
        panic!("no request")
    };
    let failed = request.compliance.iter().filter(|check| !check.passed);
    let failed = failed.map(|check| check.name.clone()).collect();
    let line = format!("override create {} operator \"why\"", request.request_id);
    let Ok(Response::Override { view, .. }) = session.try_line(&line) else {
        panic!("no override")
    };
    (failed, view.min_signatures_required)
}

/// Which policy `vault status` shows: name, version, whether a key signed it, what stands against
/// the vault's own.
fn shown(session: &mut Session) -> (String, u32, bool, String) {
    let Ok(Response::Vault(status)) = session.try_line("vault status") else {
        panic!("no status")
    };
    let policy = status.policy.expect("a policy is in force");
    let signer = abi::id::Hex(&crate::simulation::vault_key().fingerprint()).to_string();
    let signed_by = policy.signed_by.map(|key| abi::id::Hex(&key).to_string());
    assert!(signed_by.is_none() || signed_by == Some(signer));
    let is_signed = signed_by.is_some();
    (
        policy.name,
        policy.version,
        is_signed,
        status.policy_refused,
    )
}

fn by_default() -> (Vec<String>, u32) {
    (vec!["personhood".to_string()], 3)
}

#[test]
fn the_policy_of_a_signed_vault_is_in_force_and_stays_when_the_vault_is_altered_or_has_none() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, Some(&ramdisk(&EXAMPLE)), Some(&disk));
    format_ledger(&mut session);
    enrol_everybody(&mut session);
    let built_in = ("glyphos-default".to_string(), 1, false, String::new());
    assert_eq!(shown(&mut session), built_in);
    assert_eq!(asked_of(&mut session), by_default());
    drop(session);

    let text = newer();
    let mut session = Session::start(&world, Some(&ramdisk(&vault_with(&text))), Some(&disk));
    assert!(session.node.ready_line(0).contains(" glyphs=2 "));
    let house = ("of-the-house".to_string(), 2, true, String::new());
    assert_eq!(shown(&mut session), house);
    let records = session.line("ledger log 1");
    assert!(
        records.contains("policy of-the-house version 2 adopted, signed by "),
        "{records}"
    );
    let log = session.log();
    assert!(log.contains("in force is policy of-the-house"), "{log}");
    assert_eq!(asked_of(&mut session), (Vec::new(), 4));
    drop(session);

    // One altered byte in the policy, then no policy: both times the last one stays, and that is said.
    let mut altered = archive(&vault_with(&text), &VAULT_SEED);
    let place = altered
        .windows(17)
        .position(|it| it == b"min_signatures: 4");
    altered[place.expect("it is there") + 16] = b'3';
    let altered = tar([(node::ramdisk::VAULT_FILE, altered.as_slice())]);
    for medium in [altered, ramdisk(&EXAMPLE)] {
        let mut session = Session::start(&world, Some(&medium), Some(&disk));
        let (name, version, is_signed, refused) = shown(&mut session);
        assert_eq!(
            (name.as_str(), version, is_signed),
            ("of-the-house", 2, true)
        );
        assert!(refused.contains("built in cannot follow"), "{refused}");
        assert!(session.log().contains("which stays in force"));
        assert_eq!(asked_of(&mut session), (Vec::new(), 4));
        assert!(session.line("ledger verify").contains("sound=yes"));
    }
}

#[test]
fn an_altered_or_unsigned_vault_leaves_a_new_ledger_with_the_built_in_policy() {
    let text = newer();
    let mut altered = archive(&vault_with(&text), &VAULT_SEED);
    altered[600] ^= 1;
    let loose = tar(vault_with(&text)
        .iter()
        .map(|(name, text)| (*name, text.as_bytes())));
    let altered = tar([(node::ramdisk::VAULT_FILE, altered.as_slice())]);
    for medium in [altered, loose] {
        let disk = SharedDisk::blank(4);
        let mut session = Session::start(&World::new(), Some(&medium), Some(&disk));
        assert!(session.log().contains("vault refused: "));
        format_ledger(&mut session);
        enrol_everybody(&mut session);
        let built_in = ("glyphos-default".to_string(), 1, false, String::new());
        assert_eq!(shown(&mut session), built_in);
        assert_eq!(asked_of(&mut session), by_default());
    }
}

#[test]
fn a_policy_below_the_floors_is_refused_with_its_line_and_the_built_in_one_used() {
    let lower = SHIPPED.replace("min_signatures: 3", "min_signatures: 2");
    let disk = SharedDisk::blank(4);
    let medium = ramdisk(&vault_with(&lower));
    let mut session = Session::start(&World::new(), Some(&medium), Some(&disk));
    let errors = session.line("vault errors");
    assert!(
        errors.contains("policy, line 10: `2` is no number from 3 to 32"),
        "{errors}"
    );
    format_ledger(&mut session);
    assert_eq!(shown(&mut session).0, "glyphos-default");
    assert!(session.node.ready_line(0).contains(" glyphs=2 "));
}

#[test]
fn a_vault_under_a_quorum_brings_its_policy_with_it_at_once_and_for_good() {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let medium = ramdisk(&EXAMPLE);
    let mut session = Session::start(&world, Some(&medium), Some(&disk));
    format_ledger(&mut session);
    enrol_everybody(&mut session);

    let lower = newer().replace("min_signatures: 4", "min_signatures: 2");
    stage(&mut session, &archive(&vault_with(&lower), &VAULT_SEED));
    let fault = session.refused("vault propose");
    assert_eq!(fault.code, FaultCode::GlyphRefused);
    assert!(fault.text.contains("policy, line 10"), "{fault}");

    put_in_force(&mut session, &archive(&vault_with(&newer()), &VAULT_SEED));
    assert_eq!(asked_of(&mut session), (Vec::new(), 4));
    drop(session);
    let mut session = Session::start(&world, Some(&medium), Some(&disk));
    let house = ("of-the-house".to_string(), 2, true, String::new());
    assert_eq!(shown(&mut session), house);
    assert_eq!(asked_of(&mut session), (Vec::new(), 4));
}

//! Another vault under a quorum, over restarts, crashes and damage.

use crate::emergency::{enrol_everybody, format, secret};
use crate::simulation::{
    EXAMPLE, Session, SharedDisk, VAULT_SEED, World, archive, ramdisk, shown, tar,
};
use abi::vault::{VaultChangeView, VaultSource, VaultState, VaultStatus};
use abi::{FaultCode, Response};

/// A vault of one glyph that the boot medium does not have.
pub(crate) const OTHER: [(&str, &str); 1] =
    [("vault/comet.gdf", "glyph_id: comet\nmagnitude: 3\n")];

pub(crate) fn status(session: &mut Session) -> VaultStatus {
    match session.try_line("vault status") {
        Ok(Response::Vault(status)) => status,
        other => panic!("{other:?}"),
    }
}

/// Types an archive's lines, as `glyphctl vault lines` writes them.
pub(crate) fn stage(session: &mut Session, bytes: &[u8]) {
    for (number, piece) in bytes.chunks(2048).enumerate() {
        session.line(&format!(
            "vault stage {} {}",
            number * 2048,
            abi::id::Hex(piece)
        ));
    }
}

fn propose(session: &mut Session, target: &str) -> VaultChangeView {
    match session.try_line(&format!("vault propose {target}")) {
        Ok(Response::VaultChange(change)) => change,
        other => panic!("{other:?}"),
    }
}

fn sign(session: &mut Session, change: &VaultChangeView, guardian: &str) -> VaultChangeView {
    let ask = format!("vault challenge {} {guardian} \"I read it\"", change.id);
    let conclude = format!("vault sign {} {guardian}", change.id);
    match session.sign(&ask, &conclude, &secret(guardian)) {
        Ok(Response::VaultChange(change)) => change,
        other => panic!("{other:?}"),
    }
}

/// A node with four guardians, and the world and disk that it lives on.
pub(crate) fn with_guardians() -> (World, SharedDisk, Vec<u8>, Session) {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let medium = ramdisk(&EXAMPLE);
    let mut session = Session::start(&world, Some(&medium), Some(&disk));
    format(&mut session);
    enrol_everybody(&mut session);
    (world, disk, medium, session)
}

const QUORUM: [&str; 3] = ["galahad", "cerberus", "codex_deus"];

/// Stages, proposes and signs; the change.
pub(crate) fn put_in_force(session: &mut Session, bytes: &[u8]) -> VaultChangeView {
    stage(session, bytes);
    let change = propose(session, "");
    for guardian in QUORUM {
        sign(session, &change, guardian);
    }
    change
}

/// Goes back to the vault of the boot medium.
pub(crate) fn put_medium_in_force(session: &mut Session) {
    let back = propose(session, "boot-medium");
    for guardian in QUORUM {
        sign(session, &back, guardian);
    }
}

#[test]
fn a_quorum_replaces_the_vault_at_once_and_over_a_restart_and_puts_the_old_one_back() {
    let (world, disk, medium, mut session) = with_guardians();
    let before = status(&mut session);
    let other = archive(&OTHER, &VAULT_SEED);
    stage(&mut session, &other);
    let change = propose(&mut session, "");
    assert_eq!((change.signatures_missing, change.signed.len()), (3, 0));
    for guardian in ["galahad", "cerberus"] {
        sign(&mut session, &change, guardian);
        assert_eq!(status(&mut session).digest, before.digest);
        session.line("activate a");
    }
    let done = sign(&mut session, &change, "codex_deus");
    assert_eq!(done.signatures_missing, 0);
    session.line("activate comet");
    assert_eq!(session.refused("activate a").code, FaultCode::NotFound);
    let now = status(&mut session);
    assert_eq!(
        (now.state, now.source),
        (VaultState::InForce, VaultSource::Ledger)
    );
    assert_eq!((now.digest, now.staged_bytes), (change.archive, 0));
    assert!(session.line("events").contains("VAULT_REPLACED"));
    let metrics = session.line("metrics");
    assert!(metrics.contains("glyphos_glyph_activations_total{glyph_id=\"comet\"} 1\n"));

    drop(session);
    let mut session = Session::start(&world, Some(&medium), Some(&disk));
    assert_eq!(status(&mut session).digest, change.archive);
    session.line("activate comet");
    put_medium_in_force(&mut session);
    session.line("activate a");
    drop(session);
    let mut session = Session::start(&world, Some(&medium), Some(&disk));
    assert_eq!(status(&mut session).digest, before.digest);
    // The ledger still has the other one: its digits are enough.
    let digits = shown(&Response::Digest(change.archive.expect("an archive")));
    let digits = digits.trim().trim_start_matches("digest=");
    let again = propose(&mut session, &digits[..8]);
    assert_eq!(again.archive, change.archive);
    for guardian in QUORUM {
        sign(&mut session, &again, guardian);
    }
    session.line("activate comet");
    let Ok(Response::Verified(report)) = session.try_line("ledger verify") else {
        panic!("no verdict")
    };
    assert!(report.sound, "{:?}", report.findings);
}

#[test]
fn an_archive_that_is_not_to_be_trusted_never_reaches_the_ledger() {
    let (_, _, _, mut session) = with_guardians();
    let records = session.node.ready_line(0);
    assert_eq!(session.refused("vault propose").code, FaultCode::NotFound);
    let mut altered = archive(&OTHER, &VAULT_SEED);
    altered[600] ^= 1;
    let broken = [("vault/x.gdf", "glyph_id: x\nparent: nobody\n")];
    for (bytes, code, why) in [
        (altered, FaultCode::BadSignature, "does not hold"),
        (
            archive(&OTHER, &[1; 32]),
            FaultCode::BadSignature,
            "another key",
        ),
        (
            b"glyph_id: x\n".to_vec(),
            FaultCode::BadSignature,
            "unsigned",
        ),
        (
            archive(&broken, &VAULT_SEED),
            FaultCode::GlyphRefused,
            "x.gdf",
        ),
    ] {
        stage(&mut session, &bytes);
        let fault = session.refused("vault propose");
        assert!(fault.code == code && fault.text.contains(why), "{fault}");
        // It stays staged, and is not taken for proposed.
        assert_eq!(status(&mut session).staged_bytes, bytes.len() as u64);
    }
    assert_eq!(session.node.ready_line(0), records);
    assert!(status(&mut session).archives.is_empty());
}

#[test]
fn a_lost_line_of_an_archive_is_noticed_by_the_next_one() {
    let (_, _, _, mut session) = with_guardians();
    session.line("vault stage 0 0011");
    let fault = session.refused("vault stage 4 22");
    assert!(fault.text.contains("offset 2"), "{fault}");
    session.line("vault stage 2 22");
    session.line("vault stage 0 44");
    assert_eq!(status(&mut session).staged_bytes, 1);
    for number in 0..256 {
        let piece = "00".repeat(1024);
        session.line(&format!("vault stage {} {piece}", number * 1024));
    }
    let fault = session.refused("vault stage 262144 00");
    assert_eq!(fault.code, FaultCode::Full);
}

#[test]
fn whatever_write_fails_nothing_is_in_force_before_its_record_is_durable() {
    use ledger::simulated::Fault;
    let (world, disk, medium, mut session) = with_guardians();
    let other = archive(&OTHER, &VAULT_SEED);
    stage(&mut session, &other);
    let image = disk.image();
    drop(session);
    // The disk dies at each of the operations that proposing and signing take.
    let mut survived = 0;
    for operation in 0..200 {
        let disk = SharedDisk::of(&image);
        let mut session = Session::start(&world, Some(&medium), Some(&disk));
        stage(&mut session, &other);
        disk.0.borrow_mut().plant(Fault::Dies { operation });
        let acknowledged = try_to_replace(&mut session);
        let is_live = status(&mut session).source == VaultSource::Ledger;
        assert_eq!(acknowledged, is_live, "operation {operation}");
        drop(session);
        disk.0.borrow_mut().heal();
        let disk = SharedDisk::of(&disk.image());
        let mut session = Session::start(&world, Some(&medium), Some(&disk));
        let status = status(&mut session);
        assert_eq!(status.state, VaultState::InForce, "operation {operation}");
        assert!(!acknowledged || status.source == VaultSource::Ledger);
        // What was left half done is taken up again.
        if status.source == VaultSource::BootMedium {
            put_in_force(&mut session, &other);
        }
        session.line("activate comet");
        survived += u32::from(acknowledged);
        if survived == 3 {
            return;
        }
    }
    panic!("the change takes more than 200 operations");
}

/// Proposes what is staged and signs it; whether the last signature was acknowledged.
fn try_to_replace(session: &mut Session) -> bool {
    let Ok(Response::VaultChange(change)) = session.try_line("vault propose") else {
        return false;
    };
    QUORUM.iter().all(|guardian| {
        let ask = format!("vault challenge {} {guardian} \"I read it\"", change.id);
        let conclude = format!("vault sign {} {guardian}", change.id);
        session.sign(&ask, &conclude, &secret(guardian)).is_ok()
    })
}

#[test]
fn a_replaced_vault_needs_the_kernels_key_too_and_does_not_come_back_by_itself() {
    let (world, disk, medium, mut session) = with_guardians();
    put_in_force(&mut session, &archive(&OTHER, &VAULT_SEED));
    drop(session);
    // A kernel of another build: its own medium would do, but the quorum's word stands.
    let mut session = Session::start_with_key(&world, Some(&medium), Some(&disk), &[2; 32]);
    let now = status(&mut session);
    assert_eq!(
        (now.state, now.source),
        (VaultState::Refused, VaultSource::Ledger)
    );
    assert!(now.reason.contains("another key"), "{}", now.reason);
    // Without its disk a node has the boot medium's.
    let mut session = Session::start(&world, Some(&medium), None);
    assert_eq!(status(&mut session).source, VaultSource::BootMedium);
    session.line("activate a");
    // With a new ledger too, and at once.
    let mut session = Session::start(&world, Some(&tar([])), Some(&disk));
    session.line("activate comet");
    format(&mut session);
    assert_eq!(status(&mut session).state, VaultState::Absent);
    assert_eq!(session.refused("activate comet").code, FaultCode::NotFound);
}

//! Another vault: kept in records, proposed, signed by a quorum, put back.

use super::*;
use crate::VaultCommand;
use crate::event::{VaultPiece, VaultPieceBytes};
use crate::simulated::vault::change_of;
use crate::vault::{VAULT_ARCHIVE_BYTES_MAX, VAULT_PIECE_BYTES};
use sha2::{Digest as _, Sha256};
use std::vec;

/// An archive of three pieces, the last one short.
fn archive(fill: u8) -> Vec<u8> {
    vec![fill; 2 * VAULT_PIECE_BYTES + 100]
}

#[test]
fn a_vault_is_in_force_with_the_last_signature_of_a_quorum_and_after_a_restart() {
    let mut node = Node::with_guardians();
    let change = node.propose_vault(&archive(1)).unwrap();
    assert_eq!(change.signatures_missing, 3, "of four active guardians");
    for (name, missing) in [("galahad", 2), ("cerberus", 1)] {
        let change = node.sign_vault(change.id, name).unwrap();
        assert_eq!(change.signatures_missing, missing);
        assert_eq!(node.governance.vault_in_force(), None);
    }
    let again = node.sign_vault(change.id, "galahad").unwrap_err();
    assert!(again.text.contains("signed this change already"), "{again}");
    node.restart();
    node.effects.clear();
    let done = node.sign_vault(change.id, "codex_deus").unwrap();
    assert_eq!(done.signatures_missing, 0);
    let archive = change.archive;
    assert_eq!(node.effects, [Effect::VaultReplaced { archive }]);
    assert_eq!(node.governance.vault_in_force(), archive.as_ref());
    node.restart();
    assert_eq!(node.governance.vault_in_force(), archive.as_ref());
    assert!(node.governance.vault_change_views().is_empty());
}

#[test]
fn the_archive_is_found_in_its_records_and_an_old_one_is_restored_the_same_way() {
    let mut node = Node::with_guardians();
    let [first, second] = [archive(1), archive(2)];
    let mut digests = Vec::new();
    for bytes in [&first, &second] {
        digests.push(node.propose_vault(bytes).unwrap().archive.unwrap());
        node.agree_on_vault();
    }
    for (digest, bytes) in digests.iter().zip([&first, &second]) {
        let records = node.governance.vault_records(digest).unwrap();
        let read: Vec<u8> = records
            .iter()
            .map(|seq| usize::try_from(*seq).unwrap())
            .flat_map(
                |seq| match Event::decode(&node.records[seq]).unwrap().body {
                    Body::VaultPiece(piece) => piece.bytes.0,
                    other => panic!("{other:?}"),
                },
            )
            .collect();
        assert_eq!(read, *bytes);
    }
    let records = node.records.len();
    // What is kept is proposed anew without a further piece.
    node.propose_vault(&first).unwrap();
    assert_eq!(node.records.len(), records + 1);
    node.agree_on_vault();
    assert_eq!(node.governance.vault_in_force(), Some(&digests[0]));
    node.propose_kept(None).unwrap();
    node.agree_on_vault();
    assert_eq!(node.governance.vault_in_force(), None);
    let fault = node.propose_kept(None).unwrap_err();
    assert!(fault.text.contains("in force already"), "{fault}");
    assert!(node.refused_for("rule"));
}

#[test]
fn an_archive_that_is_not_there_whole_is_not_proposed() {
    let mut node = Node::with_guardians();
    let bytes = archive(1);
    let digest = Sha256::digest(&bytes).into();
    for _ in 0..2 {
        let piece = node.governance.vault_piece(digest, &bytes, node.now);
        let event = piece.unwrap().unwrap();
        node.record(&event);
        let fault = node.propose_kept(Some(digest)).unwrap_err();
        assert_eq!(fault.code, FaultCode::NotFound);
    }
    // A crash between two pieces: the others follow after the restart.
    node.restart();
    assert_eq!(node.keep_archive(&bytes).unwrap(), digest);
    assert!(node.governance.vault_records(&digest).unwrap().len() == 3);
    node.propose_kept(Some(digest)).unwrap();
}

#[test]
fn a_piece_that_is_not_the_next_one_or_does_not_come_to_the_hash_is_refused() {
    let mut node = Node::with_guardians();
    let bytes = archive(1);
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    let first = node.governance.vault_piece(digest, &bytes, node.now);
    let Body::VaultPiece(first) = first.unwrap().unwrap().body else {
        panic!()
    };
    let seq = node.records.len() as u64;
    let time = node.now;
    let judge = |edit: &dyn Fn(&mut VaultPiece)| {
        let mut piece = first.clone();
        edit(&mut piece);
        let body = Body::VaultPiece(piece);
        let mut governance = node.governance.clone();
        governance.apply(seq, &Event { time, body }).is_ok()
    };
    assert!(judge(&|_| ()));
    assert!(!judge(&|piece| piece.offset = 1));
    assert!(!judge(&|piece| piece.bytes.0.truncate(100)));
    assert!(!judge(&|piece| piece.whole_bytes = u32::MAX));
    // Whole in one piece, and not what it says.
    let small = |content: &[u8]| VaultPiece {
        archive: Sha256::digest(b"small").into(),
        whole_bytes: 5,
        offset: 0,
        bytes: VaultPieceBytes(content.to_vec()),
    };
    assert!(judge(&|piece| *piece = small(b"small")));
    assert!(!judge(&|piece| *piece = small(b"smalL")));
    assert!(!judge(&|piece| *piece = small(b"smaller")));
    node.keep_archive(b"small").unwrap();
    let twice = Body::VaultPiece(small(b"small"));
    let again = node.governance.apply(seq + 1, &Event { time, body: twice });
    assert!(again.is_err());
}

#[test]
fn too_large_an_archive_too_many_and_nobody_to_sign_are_refused_in_words() {
    let mut node = Node::with_guardians();
    let large = vec![0; VAULT_ARCHIVE_BYTES_MAX + 1];
    let fault = node.keep_archive(&large).unwrap_err();
    assert!(fault.text.contains("put a larger vault on the boot medium"));
    node.keep_archive(&large[1..]).unwrap();
    for number in 1..crate::vault::VAULT_ARCHIVES_MAX {
        node.keep_archive(&[u8::try_from(number).unwrap()]).unwrap();
    }
    assert_eq!(
        node.keep_archive(b"more").unwrap_err().code,
        FaultCode::Full
    );
    let mut unclaimed = Node::empty();
    let fault = unclaimed.keep_archive(b"x").unwrap_err();
    assert!(fault.text.contains("guardian enrol"), "{fault}");
    let fault = unclaimed.propose_kept(None).unwrap_err();
    assert!(fault.text.contains("in force") || fault.text.contains("enrol"));
}

#[test]
fn a_proposal_expires_and_the_open_ones_are_bounded() {
    let mut node = Node::with_guardians();
    let change = node.propose_vault(b"first").unwrap();
    for number in 0..7_u8 {
        node.propose_vault(&[number]).unwrap();
    }
    assert_eq!(
        node.propose_vault(b"more").unwrap_err().code,
        FaultCode::Full
    );
    node.wait(15 * DAY);
    assert!(node.governance.vault_change_views().is_empty());
    let fault = node.sign_vault(change.id, "galahad").unwrap_err();
    assert!(fault.text.contains("no longer open"), "{fault}");
    node.propose_vault(b"more").unwrap();
}

#[test]
fn a_signature_for_a_vault_serves_no_other_change_and_is_another_guardians_no_more() {
    let mut node = Node::with_guardians();
    let one = node.propose_vault(b"one").unwrap();
    let two = node.propose_vault(b"two").unwrap();
    let signer = id("galahad");
    let ask = |node: &mut Node, change| {
        node.run(Command::Vault(VaultCommand::Challenge {
            change: &prefix(change),
            signer: &signer,
            justification: "I read it",
        }))
        .unwrap()
    };
    let challenge = ask(&mut node, one.id);
    ask(&mut node, two.id);
    let signature = node.answer_challenge("galahad", &challenge);
    let sign = |node: &mut Node, change, signature: &Signature| {
        node.run(Command::Vault(VaultCommand::Sign {
            change: &prefix(change),
            signer: &signer,
            signature,
        }))
    };
    let refused = sign(&mut node, two.id, &signature).unwrap_err();
    assert_eq!(refused.code, FaultCode::BadSignature);
    node.wait(HOUR);
    let wrong = node.answer_challenge("cerberus", &challenge);
    sign(&mut node, one.id, &wrong).unwrap_err();
    node.wait(HOUR);
    let change = change_of(sign(&mut node, one.id, &signature).unwrap());
    assert_eq!(change.signed, [id("galahad")]);
    sign(&mut node, one.id, &signature).unwrap_err();
}

#[test]
fn a_vault_set_in_force_without_its_quorum_or_its_pieces_is_refused_at_replay() {
    let mut node = Node::with_guardians();
    node.propose_vault(&archive(1)).unwrap();
    let first = node.records.len() - 4;
    node.agree_on_vault();
    assert!(node.replay().is_ok());
    let records = node.records.clone();
    // Any record of the change left out: a piece, the proposal, a signature.
    for gone in first..records.len() - 1 {
        node.records = records.clone();
        node.records.remove(gone);
        assert!(node.replay().is_err(), "without record {gone}");
    }
    node.records = records.clone();
    let place = records.len() - 2;
    let mut early = Event::decode(&records[place]).unwrap();
    if let Body::VaultChangeSigned(event) = &mut early.body {
        event.in_effect = true;
    }
    node.records[place] = early.encode();
    assert!(node.replay().is_err());
}

//! `glyphctl keygen` and `glyphctl sign`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use abi::governance::{Action, Algorithm, Role};
use abi::id::hex_decode;
use abi::{GuardianId, RecordId};
use governance::{Key, Message};

use crate::folder::Folder;
use crate::program::{glyphctl, glyphctl_with_input};

fn message(algorithm: Algorithm) -> Message {
    Message {
        domain: governance::message::DOMAIN.to_owned(),
        epoch: [1; 16],
        policy_version: 1,
        override_id: Some(RecordId([2; 16])),
        request_id: Some(RecordId([3; 16])),
        change_id: None,
        challenge: [4; 16],
        action: Action::SignOverride,
        guardian_id: GuardianId::new("galahad").expect("an id"),
        role: Role::Ethics,
        algorithm,
        justification: "the dam breaks".to_owned(),
        subject: "override of the flood gate".to_owned(),
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let mut bytes = vec![0; digits.len() / 2];
    hex_decode(digits, &mut bytes).expect("hexadecimal digits");
    bytes
}

/// Makes a key; gives the enrolment's last word.
fn keygen(file: &str, algorithm: &str) -> String {
    let run = glyphctl(&["keygen", "--algorithm", algorithm, "--out", file]);
    assert_eq!(run.status, 0, "{}", run.err);
    let line = run.out.strip_suffix('\n').expect("a line");
    let digits = line
        .strip_prefix(&format!("guardian enrol ID ROLE {algorithm} "))
        .expect("the line to type");
    digits.to_owned()
}

#[test]
fn a_signature_of_a_new_key_is_one_that_the_kernel_accepts() {
    let folder = Folder::new("round");
    for (name, algorithm) in [
        ("hmac", Algorithm::HmacSha256),
        ("ed25519", Algorithm::Ed25519),
    ] {
        let file = folder.entry(name);
        let key = Key::new(algorithm, &bytes(&keygen(&file, name))).expect("a key");
        let message = message(algorithm);
        let run = glyphctl(&["sign", "--key", &file, &message.to_line()]);
        assert_eq!(run.status, 0, "{}", run.err);
        let digits = run.out.strip_suffix('\n').expect("one line");
        assert!(key.verifies(&message.encode(), &bytes(digits)), "{name}");
        for shown in [
            "the dam breaks",
            "override of the flood gate",
            "galahad (ethics)",
        ] {
            assert!(run.err.contains(shown), "{shown}: {}", run.err);
        }
        let answer = format!("override sign {} galahad SIGNATURE", RecordId([2; 16]));
        assert!(run.err.contains(&answer), "{}", run.err);
        let piped = glyphctl_with_input(
            &["sign", "--key", &file],
            &format!("\nchallenge={}\r\n", message.to_line()),
        );
        assert_eq!((piped.status, &piped.out), (0, &run.out), "{}", piped.err);
    }
}

#[test]
fn a_key_file_is_for_its_owner_only_and_never_overwritten() {
    let folder = Folder::new("mode");
    let file = folder.entry("key");
    let digits = keygen(&file, "ed25519");
    let mode = fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&file).expect("the file");
    assert!(!text.contains(&digits), "only the public key is printed");
    let again = glyphctl(&["keygen", "--out", &file]);
    assert_eq!((again.status, again.out.as_str()), (1, ""));
    assert_eq!(fs::read_to_string(&file).expect("the file"), text);
    let missing = glyphctl(&["keygen", "--out", &folder.entry("no/such/folder")]);
    assert_eq!(missing.status, 1);
}

#[test]
fn the_enrolment_names_guardian_and_role_where_they_are_given() {
    let folder = Folder::new("enrol");
    let file = folder.entry("key");
    let named = ["--guardian", "cerberus", "--role", "security"];
    let run = glyphctl(&[&["keygen", "--out", &file][..], &named].concat());
    assert!(
        run.out
            .starts_with("guardian enrol cerberus security ed25519 "),
        "{}",
        run.out
    );
    let parsed = console::parse(run.out.trim_end());
    assert!(matches!(parsed, Ok(Some(_))), "{parsed:?}");
}

#[test]
fn nothing_is_signed_that_is_no_challenge_of_governance() {
    let folder = Folder::new("refuse");
    let file = folder.entry("key");
    keygen(&file, "hmac");
    let line = message(Algorithm::HmacSha256).to_line();
    let cut = &line[..line.len() - 2];
    let foreign = Message {
        domain: "another.domain.message.v1".to_owned(),
        ..message(Algorithm::HmacSha256)
    }
    .to_line();
    let other_kind = message(Algorithm::Ed25519).to_line();
    for bad in [
        cut,
        &foreign,
        &other_kind,
        "",
        "pay 100",
        "glyphos-challenge:zz",
    ] {
        let run = glyphctl(&["sign", "--key", &file, bad]);
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{bad}");
        assert!(run.err.contains("nothing was signed"), "{}", run.err);
    }
    let silent = glyphctl(&["sign", "--key", &file]);
    assert_eq!((silent.status, silent.out.as_str()), (1, ""));
    let no_key = folder.write("text", "hello\n");
    let run = glyphctl(&["sign", "--key", &no_key, &line]);
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(run.err.contains("no key file"), "{}", run.err);
}

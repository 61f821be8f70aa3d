//! `glyphctl vault keygen`, `pack` and `verify`.

use std::fs;

use abi::vault::{VaultRequest, VaultTarget};

use crate::folder::Folder;
use crate::program::{Run, glyphctl};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../glyphs/vault");

/// Makes a key; its file and the public half.
fn keygen(folder: &Folder, name: &str) -> (String, String) {
    let file = folder.entry(name);
    let run = glyphctl(&["vault", "keygen", &file]);
    assert_eq!(run.status, 0, "{}", run.err);
    let public = run.out.trim().to_owned();
    assert_eq!(public.len(), 64, "{public}");
    (file, public)
}

fn pack(dir: &str, file: &str, key: &str) -> Run {
    glyphctl(&["vault", "pack", dir, file, "--key", key])
}

fn verify(file: &str, key: &str) -> Run {
    glyphctl(&["vault", "verify", file, "--key", key])
}

#[test]
fn a_packed_vault_verifies_by_its_key_file_and_by_its_public_key() {
    let folder = Folder::new("pack");
    let (key, public) = keygen(&folder, "key");
    let file = folder.entry("vault.tar");
    let made = pack(SHIPPED, &file, &key);
    assert_eq!(made.status, 0, "{}", made.err);
    assert!(made.out.contains(": 25 glyphs, "), "{}", made.out);
    let bytes = fs::read(&file).expect("it was written");
    assert_eq!(pack(SHIPPED, &file, &key).out, made.out);
    assert_eq!(fs::read(&file).expect("again"), bytes);
    for key in [&key, &public] {
        let run = verify(&file, key);
        assert_eq!(run.status, 0, "{}", run.err);
        assert!(
            run.out
                .contains(": sound, 25 glyphs, policy glyphos-default version 1, sha256 "),
            "{}",
            run.out
        );
    }
    // Nothing but the key and the archive is left.
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
}

#[test]
fn a_policy_beside_the_glyphs_is_packed_only_if_it_is_sound() {
    let shipped = fs::read_to_string(format!("{SHIPPED}/policy.txt")).expect("it ships");
    let folder = Folder::new("policy");
    let (key, public) = keygen(&folder, "key");
    let vault = Folder::new("policy-v");
    vault.write("a.gdf", "glyph_id: a\n");
    let file = folder.entry("vault.tar");
    let check = || glyphctl(&["vault", "check", vault.shown()]);
    assert!(check().out.ends_with(": sound, 1 glyphs\n"));

    vault.write(
        "policy.txt",
        shipped.replace("grant_hours: 24", "grant_hours: 169"),
    );
    for run in [pack(vault.shown(), &file, &key), check()] {
        assert_eq!((run.status, run.out.as_str()), (1, ""));
        let why = "policy.txt: policy, line 14: `169` is no number from 1 to 168";
        assert!(run.err.contains(why), "{}", run.err);
    }
    assert!(fs::read(&file).is_err(), "nothing was packed");

    vault.write("policy.txt", shipped.replace("version: 1", "version: 7"));
    assert_eq!(pack(vault.shown(), &file, &key).status, 0);
    for run in [verify(&file, &public), check()] {
        let told = run
            .out
            .contains(": sound, 1 glyphs, policy glyphos-default version 7");
        assert!(told, "{}{}", run.out, run.err);
    }
}

#[test]
fn an_archive_that_is_not_to_be_trusted_is_refused_with_what_to_do() {
    let folder = Folder::new("distrust");
    let (key, public) = keygen(&folder, "key");
    let (_, other) = keygen(&folder, "other");
    let vault = Folder::new("distrust-v");
    vault.write("a.gdf", "glyph_id: a\n");
    let file = folder.entry("vault.tar");
    assert_eq!(pack(vault.shown(), &file, &key).status, 0);
    let refused = |file: &str, key: &str, why: &str| {
        let run = verify(file, key);
        assert_eq!((run.status, run.out.as_str()), (1, ""));
        assert!(run.err.contains(why), "{why}: {}", run.err);
    };
    refused(&file, &other, "signed with another key");
    refused(&file, "00", "neither");
    let mut bytes = fs::read(&file).expect("the archive");
    bytes[700] ^= 0x10;
    refused(&folder.write("altered", &bytes), &public, "does not hold");
    refused(&folder.write("cut", &bytes[..900]), &public, "unsigned");
    refused(&folder.entry("nowhere"), &public, "cannot be read");
}

#[test]
fn a_vault_that_is_not_sound_is_not_packed() {
    let folder = Folder::new("unsound");
    let (key, _) = keygen(&folder, "key");
    let vault = Folder::new("unsound-v");
    vault.write("a.gdf", "glyph_id: a\nparent: nobody\n");
    let file = folder.entry("vault.tar");
    let run = pack(vault.shown(), &file, &key);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("glyphctl vault check"), "{}", run.err);
    assert!(fs::metadata(&file).is_err());
    // Neither is one without glyphs, nor with a guardian's secret.
    let empty = Folder::new("unsound-e");
    assert_eq!(pack(empty.shown(), &file, &key).status, 1);
    let hmac = folder.entry("hmac");
    glyphctl(&["keygen", "--algorithm", "hmac", "--out", &hmac]);
    let run = pack(SHIPPED, &file, &hmac);
    assert!(
        run.status == 1 && run.err.contains("ed25519"),
        "{}",
        run.err
    );
}

#[test]
fn an_archives_lines_are_commands_of_the_console_that_hold_all_of_it() {
    let folder = Folder::new("lines");
    let (key, _) = keygen(&folder, "key");
    let file = folder.entry("vault.tar");
    assert_eq!(pack(SHIPPED, &file, &key).status, 0);
    let run = glyphctl(&["vault", "lines", &file]);
    assert_eq!(run.status, 0, "{}", run.err);
    let mut staged = Vec::new();
    let mut is_proposed = false;
    for line in run.out.lines() {
        assert!(line.len() <= abi::limits::LINE_BYTES_MAX);
        let command = console::parse(line).expect("a command");
        let Some(console::Command::Node(abi::Request::Vault(request))) = command else {
            panic!("{line}")
        };
        match request {
            VaultRequest::Stage { offset, bytes } => {
                assert_eq!(offset, staged.len() as u64);
                staged.extend(bytes);
            }
            VaultRequest::Propose(VaultTarget::Staged) => is_proposed = true,
            other => panic!("{other:?}"),
        }
    }
    assert!(is_proposed && staged == fs::read(&file).expect("the archive"));
    let large = folder.write("large", vec![0; 256 * 1024 + 1]);
    let run = glyphctl(&["vault", "lines", &large]);
    assert!(
        run.status == 1 && run.err.contains("boot medium"),
        "{}",
        run.err
    );
}

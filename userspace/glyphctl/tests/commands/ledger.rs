//! `glyphctl ledger`, on images of a ledger that governance wrote.

use std::fs;

use abi::Response;
use serde_json::Value;

use crate::export::export;
use crate::folder::Folder;
use crate::program::{Run, glyphctl};
use crate::station::Station;

const GUARDIANS: [(&str, &str, &str); 3] = [
    ("galahad", "ethics", "hmac"),
    ("cerberus", "security", "ed25519"),
    ("codex_deus", "charter", "ed25519"),
];

/// Asks for a challenge, has `glyphctl` sign it, and answers with the signature.
fn sign(station: &mut Station, folder: &Folder, ask: &str, answer: &str, guardian: &str) {
    let Ok(Response::Challenge { line }) = station.line(ask) else {
        panic!("no challenge for {ask}")
    };
    let run = glyphctl(&["sign", "--key", &folder.entry(guardian), &line]);
    let signed = station.line(&format!("{answer} {}", run.out.trim_end()));
    assert!(signed.is_ok(), "{signed:?}");
}

/// A ledger with three guardians, a request and an active override, signed by `glyphctl`.
pub(crate) fn story(folder: &Folder) -> Station {
    let mut station = Station::new();
    for (number, (id, role, algorithm)) in GUARDIANS.iter().enumerate() {
        let file = folder.entry(id);
        let named = ["--guardian", id, "--role", role, "--algorithm", algorithm];
        let run = glyphctl(&[&["keygen", "--out", &file][..], &named].concat());
        let Ok(Response::GuardianChange { change }) = station.line(run.out.trim_end()) else {
            panic!("no change")
        };
        let needed = if number == 0 { 0 } else { number / 2 + 1 };
        for (signer, ..) in GUARDIANS.iter().take(needed) {
            let ask = format!("guardian challenge {} {signer} \"known\"", change.id);
            let answer = format!("guardian sign {} {signer}", change.id);
            sign(&mut station, folder, &ask, &answer, signer);
        }
    }
    let request = "request create high kernel operator \"Stop the flood\" \"gate 7\"";
    let Ok(Response::Approval(request)) = station.line(request) else {
        panic!("no request")
    };
    let create = format!(
        "override create {} operator \"tonight\"",
        request.request_id
    );
    let Ok(Response::Override { view, .. }) = station.line(&create) else {
        panic!("no override")
    };
    for (guardian, ..) in GUARDIANS {
        let id = view.override_id;
        let ask = format!("override challenge {id} {guardian} sign \"seen \\\"it\\\"\"");
        let answer = format!("override sign {id} {guardian}");
        sign(&mut station, folder, &ask, &answer, guardian);
    }
    station
}

fn verify(folder: &Folder, name: &str, bytes: &[u8]) -> Run {
    let image = folder.write(name, bytes);
    let before = fs::metadata(&image).expect("the image").modified().ok();
    let run = glyphctl(&["ledger", "verify", "--json", &image]);
    assert_eq!(
        fs::read(&image).expect("the image"),
        bytes,
        "the image is only read"
    );
    assert_eq!(
        fs::metadata(&image).expect("the image").modified().ok(),
        before
    );
    run
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[test]
fn an_override_signed_on_this_host_is_found_in_the_image() {
    let folder = Folder::new("story");
    let mut station = story(&folder);
    let run = verify(&folder, "disk", &station.image());
    assert_eq!(run.status, 0, "{}", run.err);
    let verdict = json(&run);
    assert_eq!(
        (&verdict["verdict"], &verdict["sound"]),
        (&"sound".into(), &true.into())
    );
    assert_eq!(verdict["epoch"], "04".repeat(16));
    let (run, lines) = export(&folder.entry("disk"));
    let (last, records) = lines.split_last().expect("lines");
    assert_eq!(verdict["records"], records.len());
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], number, "records come in order");
        assert!(
            record["kind"].is_string() && record["fields"].is_object(),
            "{record}"
        );
    }
    assert_eq!(records.last().expect("records")["chain"], verdict["chain"]);
    let state = &last["override"];
    assert_eq!(
        (&state["status"], &state["min_signatures_required"]),
        (&"active".into(), &3.into())
    );
    assert_eq!(state["signatures"].as_array().map(Vec::len), Some(3));
    assert_eq!(state["signatures"][0]["justification"], "seen \"it\"");
    assert_eq!(state["post_mortem_completed"], false);
    let secret = fs::read_to_string(folder.entry("galahad")).expect("the key file");
    let secret = secret
        .lines()
        .find_map(|line| line.strip_prefix("secret: "))
        .expect("a secret");
    assert!(!run.out.contains(secret), "no secret leaves the ledger");
    let shown = glyphctl(&["ledger", "show", &folder.entry("disk")]);
    assert_eq!(shown.status, 0, "{}", shown.err);
    assert!(shown.out.contains("Stop the flood") && shown.out.contains("codex_deus"));
}

/// Whole frames of 4096 bytes that hold something, by number.
fn written_frames(bytes: &[u8]) -> Vec<usize> {
    let frames = bytes.chunks(4096).enumerate();
    frames
        .filter(|(_, frame)| frame.iter().any(|byte| *byte != 0))
        .map(|(number, _)| number)
        .collect()
}

#[test]
fn damage_anywhere_in_one_frame_is_found_and_repairable() {
    let folder = Folder::new("one");
    let image = Station::new().image();
    let frames = written_frames(&image);
    assert!(
        frames.len() >= 7,
        "superblocks and the copies of a record: {frames:?}"
    );
    let mut repairable = 0;
    for frame in frames {
        let mut damaged = image.clone();
        damaged[frame * 4096 + 70] ^= 1;
        let run = verify(&folder, &format!("disk-{frame}"), &damaged);
        let verdict = json(&run);
        assert_eq!(run.status, 0, "frame {frame}: {run:?}");
        assert_ne!(verdict["verdict"], "not_sound");
        repairable += usize::from(verdict["verdict"] == "repairable");
        if verdict["verdict"] == "repairable" {
            assert_eq!(verdict["sound"], false);
            assert_ne!(verdict["findings"], Value::Array(Vec::new()));
        }
    }
    assert!(repairable >= 7, "{repairable}");
}

#[test]
fn a_record_that_is_damaged_in_every_copy_is_not_sound() {
    let folder = Folder::new("lost");
    let mut station = story(&folder);
    let image = station.image();
    // All frames that hold the same record's payload, wherever they are.
    let needle = b"Stop the flood";
    let mut damaged = image.clone();
    let mut hits = 0;
    for place in 0..image.len() - needle.len() {
        if image[place..].starts_with(needle) {
            damaged[place] ^= 0x20;
            hits += 1;
        }
    }
    assert!(hits >= 2, "{hits} copies");
    let run = verify(&folder, "disk", &damaged);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(json(&run)["verdict"], "not_sound");
    assert!(run.err.contains("not sound"), "{}", run.err);
    let export = glyphctl(&["ledger", "export", &folder.entry("disk")]);
    assert_eq!(export.status, 1, "an export that is not whole says so");
}

#[test]
fn a_record_that_breaks_the_rules_is_not_sound_however_well_it_is_linked() {
    let folder = Folder::new("forged");
    let mut station = Station::new();
    station.forge();
    let run = verify(&folder, "disk", &station.image());
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(json(&run)["verdict"], "not_sound");
    let findings = json(&run)["findings"].to_string();
    assert!(findings.contains("record 1"), "{findings}");
}

#[test]
fn no_damage_ends_in_a_panic_or_is_written_to() {
    let folder = Folder::new("any");
    let image = story(&folder).image();
    let frames = written_frames(&image);
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let mut verdicts = [0; 2];
    for round in 0..120 {
        let mut damaged = image.clone();
        for _ in 0..=random(12) {
            let frame = frames[random(frames.len())] * 4096;
            match random(3) {
                0 => damaged[frame + random(4096)] ^= 1 << random(8),
                1 => damaged[frame..frame + 4096].fill(0xff),
                _ => {
                    let other = frames[random(frames.len())] * 4096;
                    damaged.copy_within(other..other + 4096, frame);
                }
            }
        }
        let run = verify(&folder, "disk", &damaged);
        assert!(matches!(run.status, 0 | 1), "round {round}: {run:?}");
        assert_eq!(
            run.status == 1,
            !run.err.is_empty(),
            "round {round}: {run:?}"
        );
        verdicts[usize::try_from(run.status).expect("0 or 1")] += 1;
        for word in ["show", "export"] {
            let told = glyphctl(&["ledger", word, &folder.entry("disk")]);
            assert!(matches!(told.status, 0 | 1), "round {round}: {told:?}");
            assert!(told.status == run.status, "round {round}: {run:?} {told:?}");
        }
    }
    assert!(verdicts[0] > 0 && verdicts[1] > 0, "{verdicts:?}");
}

#[test]
fn superblocks_of_yesterday_under_records_of_today_are_not_sound() {
    let folder = Folder::new("mixed");
    let superblocks = written_frames(&Station::formatted().image());
    let mut station = Station::new();
    let yesterday = station.image();
    let mut station = station.restart();
    let key = "ab".repeat(32);
    let enrolled = station.line(&format!("guardian enrol galahad ethics hmac {key}"));
    assert!(enrolled.is_ok(), "{enrolled:?}");
    let mut mixed = station.image();
    assert_eq!(verify(&folder, "today", &mixed).status, 0);
    for frame in superblocks {
        let range = frame * 4096..(frame + 1) * 4096;
        mixed[range.clone()].copy_from_slice(&yesterday[range]);
    }
    let run = verify(&folder, "disk", &mixed);
    assert_eq!(
        (run.status, &json(&run)["verdict"]),
        (1, &"not_sound".into()),
        "{run:?}"
    );
    for word in ["show", "export"] {
        let told = glyphctl(&["ledger", word, &folder.entry("disk")]);
        assert_eq!(told.status, 1, "{told:?}");
        assert!(told.err.contains("cannot be relied on"), "{}", told.err);
    }
}

#[test]
fn an_image_without_a_ledger_is_told_from_one_with_a_sentence() {
    let folder = Folder::new("others");
    let sound = Station::new().image();
    let mut foreign = vec![0; 1 << 20];
    foreign[510..512].copy_from_slice(&[0x55, 0xaa]);
    for (name, bytes, words) in [
        ("blank", vec![0; 1 << 20], "blank"),
        ("foreign", foreign, "partition table"),
        ("short", vec![0; 1000], "smaller than"),
        ("empty", Vec::new(), "smaller than"),
        (
            "cut",
            sound[..sound.len() / 2].to_vec(),
            "attach the whole device",
        ),
    ] {
        let run = verify(&folder, name, &bytes);
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{name}: {run:?}");
        assert!(run.err.contains(words), "{name}: {}", run.err);
        for word in ["show", "export"] {
            assert_eq!(
                glyphctl(&["ledger", word, &folder.entry(name)]).status,
                1,
                "{name}"
            );
        }
    }
    let missing = glyphctl(&["ledger", "verify", &folder.entry("missing")]);
    assert_eq!(missing.status, 1);
    assert_eq!(glyphctl(&["ledger", "verify", folder.shown()]).status, 1);
}

#[test]
fn a_verdict_for_people_says_the_same() {
    let folder = Folder::new("human");
    let image = folder.write("disk", Station::new().image());
    let run = glyphctl(&["ledger", "verify", &image]);
    assert_eq!(run.status, 0);
    assert!(
        run.out.starts_with("verdict  sound\nrecords  1\n"),
        "{}",
        run.out
    );
}

//! `glyphctl ledger verify --checkpoint`, `backup` and `restore`, on images that governance wrote.

use std::collections::BTreeSet;
use std::fs;

use abi::Checkpoint;
use ledger::simulated::{SimulatedDisk, share_frames};
use serde_json::Value;

use crate::export::export;
use crate::folder::Folder;
use crate::ledger::story;
use crate::program::{Run, glyphctl};
use crate::station::Station;

/// A ledger of `count` records, and its image before and after each.
fn grown(count: u64) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut station = Station::new();
    let (mut images, mut checkpoints) = (Vec::new(), Vec::new());
    for number in 0..count {
        if number > 0 {
            let title = format!("request create low kernel operator \"step {number}\" \"x\"");
            assert!(station.line(&title).is_ok());
        }
        images.push(station.image());
        checkpoints.push(station.checkpoint().to_string());
    }
    (images, checkpoints)
}

fn verify(image: &str, checkpoint: &str) -> Run {
    glyphctl(&[
        "ledger",
        "verify",
        "--json",
        image,
        "--checkpoint",
        checkpoint,
    ])
}

fn verdict(run: &Run) -> (i32, String) {
    let line: Value = serde_json::from_str(&run.out).unwrap_or_default();
    (
        run.status,
        line["verdict"].as_str().unwrap_or("").to_owned(),
    )
}

#[test]
fn a_checkpoint_finds_an_older_image_put_back_and_nothing_wrong_with_one_that_grew() {
    let folder = Folder::new("checks");
    let (images, checkpoints) = grown(4);
    for (now, image) in images.iter().enumerate() {
        let path = folder.write("disk", image);
        for (then, checkpoint) in checkpoints.iter().enumerate() {
            let run = verify(&path, checkpoint);
            let expected = if then <= now {
                (0, "sound".to_owned())
            } else {
                (1, "departed".to_owned())
            };
            assert_eq!(verdict(&run), expected, "{now} {then}: {run:?}");
        }
    }
    let path = folder.write("disk", &images[3]);
    let run = glyphctl(&["ledger", "verify", &path]);
    let kept = run
        .out
        .lines()
        .find_map(|line| line.strip_prefix("keep     "));
    assert_eq!(kept, checkpoints.last().map(String::as_str));
    let behind = glyphctl(&[
        "ledger",
        "verify",
        &folder.write("old", &images[1]),
        "--checkpoint",
        &checkpoints[3],
    ]);
    assert!(
        behind.out.contains("an older image was put back"),
        "{behind:?}"
    );
    assert!(behind.err.contains("keep it as evidence"), "{behind:?}");
}

#[test]
fn a_checkpoint_of_another_history_or_ledger_departs_and_a_mistyped_one_is_wrong_usage() {
    let folder = Folder::new("other");
    let (images, checkpoints) = grown(3);
    let path = folder.write("disk", &images[2]);
    let line = &checkpoints[1];
    let honest = Checkpoint::from_line(line).expect("the station made it");
    for (changed, words) in [
        (
            Checkpoint {
                chain: [7; 32],
                ..honest
            },
            "made anew",
        ),
        (
            Checkpoint {
                epoch: [7; 16],
                ..honest
            },
            "another ledger",
        ),
    ] {
        let run = verify(&path, &changed.to_string());
        assert_eq!(verdict(&run), (1, "departed".to_owned()), "{run:?}");
        assert!(run.out.contains(words), "{run:?}");
    }
    let mistyped = line.replace("-2-", "-3-");
    for wrong in [mistyped.as_str(), "glyphos-checkpoint:", "something else"] {
        let run = verify(&path, wrong);
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{run:?}");
    }
}

#[test]
fn a_backup_restored_to_another_disk_is_the_same_ledger() {
    let folder = Folder::new("trip");
    let (images, checkpoints) = grown(5);
    let (disk, file) = (folder.write("disk", &images[4]), folder.entry("kept"));
    let made = glyphctl(&["ledger", "backup", &disk, &file]);
    assert_eq!(made.status, 0, "{made:?}");
    assert!(made.out.contains(&checkpoints[4]), "{made:?}");
    assert_eq!(
        fs::read(&disk).expect("the disk"),
        images[4],
        "it is only read"
    );
    assert_eq!(
        verdict(&verify(&file, &checkpoints[4])),
        (0, "sound".to_owned())
    );
    // A disk of another size, blank.
    let target = folder.write("target", vec![0; 3 << 20]);
    let back = [
        "ledger",
        "restore",
        &file,
        &target,
        "--checkpoint",
        &checkpoints[4],
        "--checkpoint",
        &checkpoints[2],
    ];
    let restored = glyphctl(&back);
    assert_eq!(restored.status, 0, "{restored:?}");
    let exported = |path: &str| glyphctl(&["ledger", "export", path]).out;
    assert_eq!(exported(&target), exported(&disk));
    assert_eq!(exported(&file), exported(&disk));
    let checked = glyphctl(&["ledger", "verify", &target]);
    assert!(
        checked.out.starts_with("verdict  sound\nrecords  5\n"),
        "{checked:?}"
    );
    // What is there already is not overwritten by a backup.
    let again = glyphctl(&["ledger", "backup", &disk, &file]);
    assert_eq!(again.status, 1);
    assert_eq!(exported(&file), exported(&disk));
}

/// The lines of an export without the chain values, and how many chain values there are.
fn exported(image: &str) -> (Vec<Value>, usize) {
    let (_, mut lines) = export(image);
    let chains: BTreeSet<String> = lines
        .iter_mut()
        .filter_map(|line| line.as_object_mut()?.remove("chain"))
        .map(|chain| chain.to_string())
        .collect();
    (lines, chains.len())
}

#[test]
fn records_that_share_frames_are_shown_exported_backed_up_and_restored_like_any() {
    let folder = Folder::new("shared");
    let alone = story(&folder).image();
    let shared = share_frames(SimulatedDisk::from_image(&alone), None).expect("it is sound");
    let alone = folder.write("alone", &alone);
    let shared = folder.write("disk", shared.image());
    let (expected, records) = exported(&alone);
    let (lines, frames) = exported(&shared);
    assert_eq!(lines, expected);
    assert!(
        frames < records,
        "{frames} chain values of {records} records"
    );
    let shown = |image: &str| glyphctl(&["ledger", "show", image]).out;
    assert_eq!(shown(&shared), shown(&alone));
    let (file, target) = (
        folder.entry("kept"),
        folder.write("target", vec![0; 3 << 20]),
    );
    for step in [["backup", &shared, &file], ["restore", &file, &target]] {
        let run = glyphctl(&[&["ledger"], &step[..]].concat());
        assert_eq!(run.status, 0, "{run:?}");
    }
    let verified = |image: &str| glyphctl(&["ledger", "verify", image]).out;
    assert!(verified(&shared).starts_with(&format!("verdict  sound\nrecords  {records}\n")));
    for copy in [&file, &target] {
        assert_eq!(verified(copy), verified(&shared));
        assert_eq!(exported(copy), (expected.clone(), frames));
    }
}

#[test]
fn a_restore_gives_up_nothing_without_the_word_that_says_what_is_lost() {
    let folder = Folder::new("words");
    let (images, checkpoints) = grown(4);
    let file = folder.write("kept", &images[1]);
    let ours = folder.write("ours", &images[3]);
    let mut letters = vec![0; 2 << 20];
    letters[510..512].copy_from_slice(&[0x55, 0xaa]);
    let foreign = folder.write("foreign", &letters);
    for (target, before, word) in [
        (&ours, &images[3], "erase-4-records"),
        (&foreign, &letters, "erase-2-mib"),
    ] {
        for given in [
            &[][..],
            &["--confirm", "yes"],
            &["--confirm", "erase-1-records"],
        ] {
            let run = glyphctl(&[&["ledger", "restore", &file, target][..], given].concat());
            assert_eq!(run.status, 1, "{run:?}");
            assert!(run.err.contains(&format!("--confirm {word}")), "{run:?}");
            assert_eq!(&fs::read(target).expect("the target"), before);
        }
        let run = glyphctl(&["ledger", "restore", &file, target, "--confirm", word]);
        assert_eq!(run.status, 0, "{run:?}");
        assert_eq!(
            verdict(&verify(target, &checkpoints[1])),
            (0, "sound".to_owned())
        );
        // The checkpoint of the newer records tells that they are gone.
        assert_eq!(
            verdict(&verify(target, &checkpoints[3])),
            (1, "departed".to_owned())
        );
    }
}

#[test]
fn what_cannot_be_relied_on_is_neither_backed_up_nor_restored() {
    let folder = Folder::new("refused");
    let (images, checkpoints) = grown(3);
    let mut forged = Station::new();
    forged.forge();
    let mut wreck = images[2].clone();
    for place in 0..wreck.len() - 6 {
        if wreck[place..].starts_with(b"step 1") {
            wreck[place] ^= 1;
        }
    }
    let blank = vec![0; 2 << 20];
    let target = folder.write("target", &blank);
    for (name, image) in [
        ("forged", forged.image()),
        ("wreck", wreck),
        ("blank", blank.clone()),
    ] {
        let disk = folder.write(name, &image);
        let file = folder.entry("kept");
        let backup = glyphctl(&["ledger", "backup", &disk, &file]);
        assert_eq!(
            (backup.status, fs::exists(&file).ok()),
            (1, Some(false)),
            "{backup:?}"
        );
        let restore = glyphctl(&["ledger", "restore", &disk, &target]);
        assert_eq!(restore.status, 1, "{restore:?}");
        assert_eq!(fs::read(&target).expect("the target"), blank, "{name}");
    }
    let sound = folder.write("sound", &images[0]);
    let old = glyphctl(&[
        "ledger",
        "restore",
        &sound,
        &target,
        "--checkpoint",
        &checkpoints[2],
    ]);
    assert!(
        old.status == 1 && old.err.contains("is not restored"),
        "{old:?}"
    );
    let short = folder.write("short", vec![0; 1000]);
    let small = glyphctl(&[
        "ledger",
        "restore",
        &sound,
        &short,
        "--confirm",
        "erase-0-mib",
    ]);
    assert!(
        small.status == 1 && small.err.contains("was not touched"),
        "{small:?}"
    );
    let itself = glyphctl(&[
        "ledger",
        "restore",
        &sound,
        &sound,
        "--confirm",
        "erase-1-records",
    ]);
    assert!(
        itself.status == 1 && itself.err.contains("the backup itself"),
        "{itself:?}"
    );
    assert_eq!(fs::read(&sound).expect("the file"), images[0]);
    let missing = glyphctl(&["ledger", "restore", &sound, &folder.entry("none")]);
    assert!(
        missing.status == 1 && missing.err.contains("truncate"),
        "{missing:?}"
    );
    assert_eq!(fs::read(&target).expect("the target"), blank);
}

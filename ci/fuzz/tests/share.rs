//! The gate's share of fuzzing: the kept corpus, and a fixed number of seeded mutations of it.
//!
//! An input that fails is left in the temporary folder under the name that the message gives;
//! `cargo xtask fuzz TARGET --keep FILE` puts it into the corpus, where it is a test from then on.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken expectation fails the test"
)]

use fuzz::{Mutation, TARGETS, Target};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Which of the kept inputs.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    /// Those that people wrote, and those that once failed
    Written,
    /// Those that fuzzing found too, as few as reach every edge that it reached
    All,
}

/// The inputs that are kept for a target, sorted by name.
fn corpus(name: &str, kept: Kept) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let is_found = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("found_")
    };
    paths.retain(|path| kept == Kept::All || !is_found(path));
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn hold(name: &str, run: Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| run(input))).is_err() {
        let file = std::env::temp_dir().join(format!("fuzz-{name}-{}", std::process::id()));
        fs::write(&file, input).unwrap();
        panic!("an input breaks {name}; it is in {}", file.display());
    }
}

fn share(name: &str, inputs: usize) {
    let run = target(name);
    for input in corpus(name, Kept::All) {
        hold(name, run, &input);
    }
    // What people wrote stays near to sound when it is mutated, what fuzzing found does not.
    for kept in [Kept::Written, Kept::All] {
        let corpus = corpus(name, kept);
        assert!(corpus.len() >= 3, "{name} has no corpus");
        for input in Mutation::new(&corpus, 0x0067_6c79_7068).take(inputs / 2) {
            hold(name, run, &input);
        }
    }
}

#[test]
fn no_file_breaks_the_parser() {
    share("parser", 500_000);
}

#[test]
fn no_vault_breaks_the_compiler() {
    share("compiler", 150_000);
}

#[test]
fn no_vault_breaks_the_interpreter() {
    share("interpreter", 200_000);
}

#[test]
fn no_choice_of_glyphs_breaks_the_rules_of_a_vault() {
    share("glyphs", 40_000);
}

#[test]
fn no_archive_breaks_its_reader() {
    share("archive", 20_000);
}

#[test]
fn no_image_breaks_the_ledger() {
    share("ledger", 500);
}

#[test]
fn no_bytes_break_governance() {
    share("governance", 150_000);
}

#[test]
fn a_target_that_panics_is_caught_with_its_input() {
    let run: Target = |input| assert!(!input.contains(&b'!'), "found");
    let corpus = [b"a!b".to_vec()];
    let caught = catch_unwind(|| hold("seeded", run, &corpus[0])).unwrap_err();
    let message = caught.downcast_ref::<String>().unwrap();
    let file = message.rsplit("it is in ").next().unwrap();
    assert_eq!(fs::read(file).unwrap(), b"a!b");
    fs::remove_file(file).unwrap();
}

#[test]
fn mutations_repeat_from_their_seed_and_reach_both_sides_of_the_parser() {
    let corpus = corpus("parser", Kept::Written);
    let inputs = |seed| Mutation::new(&corpus, seed).take(2_000).collect::<Vec<_>>();
    assert_eq!(inputs(7), inputs(7));
    assert_ne!(inputs(7), inputs(8));
    let is_sound = |input: &Vec<u8>| glyph_parser::parse("x.gdf", input).is_ok();
    let sound = inputs(7).iter().filter(|input| is_sound(input)).count();
    assert!((100..1_900).contains(&sound), "{sound} of 2000 are sound");
}

#[test]
fn every_folder_of_the_corpus_belongs_to_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut folders: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut names = TARGETS.map(|(name, _)| name.to_owned());
    names.sort();
    assert_eq!(folders, names);
}

//! The vault that ships: every glyph is sound and comes to the state that is written beside it.
//!
//! `glyphs/vault/expected.tsv` holds the states and `trees.txt` the ancestries; `UPDATE_EXPECT=1` writes
//! them anew, the states from the naive evaluator, and a person then reads the difference.

use crate::naive::{Glyphs, agree, evaluate};
use abi::response::FieldState;
use glyph_compiler::{Limits, Vault};
use glyph_interpreter::Interpreter;
use glyph_parser::{Command, Comparison, Constraint, ParentsWord, StateField};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const HEAD: &str = "glyph_id\tresonance\tmagnitude\tphase\tcoherence\tentanglement\tcell\twave";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vault")
}

fn load() -> (Vault, Glyphs) {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "gdf"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    for (name, bytes) in &files {
        let definition = glyph_parser::parse(name, bytes).unwrap().definition;
        assert_eq!(
            *name,
            format!("{}.gdf", definition.id),
            "a file is named as its glyph"
        );
    }
    let (vault, errors) = Vault::load(
        files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
        &Limits::default(),
    );
    assert!(errors.is_empty(), "{}", errors[0]);
    let glyphs = vault
        .glyphs()
        .map(|index| (vault.id(index), vault.definition(index)))
        .collect();
    (vault, glyphs)
}

/// The line of one glyph, by the naive evaluator.
fn expected_line(vault: &Vault, glyphs: &Glyphs, index: glyph_compiler::GlyphIndex) -> String {
    let definition = vault.definition(index);
    let state = evaluate(glyphs, &definition.id).unwrap();
    let cell = if definition.has_output("field_state") {
        vault.home(index).to_string()
    } else {
        "-".to_string()
    };
    let wave = if definition.has_output("resonance") {
        "yes"
    } else {
        "no"
    };
    format!(
        "{}\t{:?}\t{:?}\t{:?}\t{}\t{:?}\t{cell}\t{wave}",
        definition.id,
        state.resonance,
        state.magnitude,
        state.phase,
        state.coherence,
        state.entanglement
    )
}

fn expected(vault: &Vault, glyphs: &Glyphs) -> BTreeMap<String, Vec<String>> {
    let path = folder().join("expected.tsv");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let mut text = format!("{HEAD}\n");
        for index in vault.glyphs() {
            text.push_str(&expected_line(vault, glyphs, index));
            text.push('\n');
        }
        fs::write(&path, text).unwrap();
    }
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(HEAD));
    lines
        .map(|line| {
            let mut words = line.split('\t').map(str::to_string);
            (words.next().unwrap(), words.collect())
        })
        .collect()
}

#[test]
fn every_shipped_glyph_comes_to_its_written_state() {
    let (vault, glyphs) = load();
    let expected = expected(&vault, &glyphs);
    assert!(vault.len() >= 16);
    assert_eq!(
        expected.len(),
        vault.len(),
        "expected.tsv lists every glyph once"
    );
    let mut interpreter = Interpreter::new(&vault);
    for top in vault.glyphs() {
        let mut order = vault.ancestors_in_order(top);
        order.push(top);
        for index in order {
            let outcome = interpreter.activate(&vault, index, None).unwrap();
            interpreter.commit(index);
            let id = &vault.id(index);
            let words = &expected[id.as_str()];
            let number = |place: usize| words[place].parse::<f64>().unwrap();
            let written = FieldState {
                resonance: number(0),
                magnitude: number(1),
                phase: number(2),
                coherence: words[3].parse().unwrap(),
                entanglement: number(4),
            };
            assert!(
                agree(&written, &outcome.state),
                "{id}: {written:?}, not {:?}",
                outcome.state
            );
            assert!(
                agree(&written, &evaluate(&glyphs, id).unwrap()),
                "{id}: naive"
            );
            let cell = outcome
                .effects()
                .write
                .map_or("-".to_string(), |write| write.cell.to_string());
            assert_eq!(words[5], cell, "{id}");
            assert_eq!(words[6] == "yes", outcome.effects().wave.is_some(), "{id}");
        }
    }
}

#[test]
fn every_shipped_glyph_has_the_ancestry_that_is_drawn() {
    let (vault, _) = load();
    let trees: Vec<String> = vault.glyphs().map(|glyph| vault.tree(glyph)).collect();
    let path = folder().join("trees.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, trees.join("\n")).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), trees.join("\n"));
}

#[test]
fn the_shipped_vault_shows_every_command_constraint_output_and_shape() {
    let (vault, glyphs) = load();
    let commands: BTreeSet<&str> = glyphs
        .values()
        .flat_map(|glyph| &glyph.program)
        .map(|command| match command {
            Command::Resonate(_) => "resonate",
            Command::Entangle(_) => "entangle",
            Command::Amplify(_) => "amplify",
            Command::PhaseShift(_) => "phase_shift",
            Command::Stabilize => "stabilize",
            Command::Decay(_) => "decay",
        })
        .collect();
    assert_eq!(commands, BTreeSet::from(Command::WORDS));
    let constraints: Vec<&Constraint> = glyphs.values().flat_map(|g| &g.constraints).collect();
    let compared = |wanted: StateField| {
        let is =
            |c: &&Constraint| matches!(c, Constraint::Compare { field, .. } if *field == wanted);
        constraints.iter().any(is)
    };
    let by = |wanted: Comparison| {
        constraints
            .iter()
            .any(|c| matches!(c, Constraint::Compare { comparison, .. } if *comparison == wanted))
    };
    let said = |wanted: ParentsWord| constraints.contains(&&Constraint::ParentsActive(wanted));
    assert!(StateField::ALL.into_iter().all(compared));
    assert!(Comparison::ALL.into_iter().all(by));
    assert!(ParentsWord::ALL.into_iter().all(said));
    let outputs = |label: &str| glyphs.values().any(|glyph| glyph.has_output(label));
    assert!(outputs("field_state") && outputs("resonance"));
    assert!(glyphs.values().any(|g| {
        g.outputs
            .iter()
            .any(|o| o != "field_state" && o != "resonance")
    }));
    assert!(
        vault.glyphs().any(|index| vault.generations(index) >= 4),
        "a chain"
    );
    let diamond = vault
        .glyphs()
        .any(|index| vault.tree(index).contains("(shown above)"));
    assert!(diamond, "two ways to one ancestor");
}

//! Vaults made to break: links at random, broken files, ids twice. What is refused is compared
//! with the rules of the specification applied plainly, until nothing changes.

use crate::random::Random;
use glyph_compiler::{Limits, Vault};
use glyph_interpreter::Interpreter;
use glyph_parser::{Command, Definition, parse};
use std::collections::{BTreeMap, BTreeSet};

const NAMES: [&str; 12] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "gone", "k",
];

fn random_files(random: &mut Random) -> Vec<(String, String)> {
    (0..random.below(12) + 1)
        .map(|number| {
            let id = match random.below(12) {
                0 => random.pick(&NAMES[..10]),
                _ => NAMES[number % 10],
            };
            let mut text = format!("glyph_id: {id}\n");
            let parents: Vec<&str> = (0..random.pick(&[0, 0, 1, 1, 2, 3]))
                .map(|_| random.pick(&NAMES))
                .collect();
            if !parents.is_empty() {
                text.push_str(&format!("parent: {}\n", parents.join(", ")));
            }
            match random.below(8) {
                0 | 1 => {
                    let target = random.pick(&NAMES);
                    text.push_str(&format!("activation: stabilize()|entangle({target})\n"));
                }
                2 => text.push_str("coherence: x\n"),
                3 => text.truncate(random.below(text.len())),
                _ => {}
            }
            let name = match random.below(40) {
                0 => "../up.gdf".to_string(),
                _ => format!("{number:02}.gdf"),
            };
            (name, text)
        })
        .collect()
}

/// Ids of the sound glyphs, by the words of the specification.
fn sound_ids(files: &[(String, String)]) -> BTreeSet<String> {
    let mut claimed: BTreeMap<String, u32> = BTreeMap::new();
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, text) in files {
        *names.entry(name).or_default() += 1;
        let id = match parse(name, text.as_bytes()) {
            Ok(parsed) => Some(parsed.definition.id),
            Err(refusal) => refusal.id,
        };
        if let Some(id) = id {
            *claimed.entry(id.to_string()).or_default() += 1;
        }
    }
    let mut glyphs: BTreeMap<String, Definition> = files
        .iter()
        .filter(|(name, _)| !name.contains('/') && names[name.as_str()] == 1)
        .filter_map(|(name, text)| Some(parse(name, text.as_bytes()).ok()?.definition))
        .map(|definition| (definition.id.to_string(), definition))
        .filter(|(id, _)| claimed[id] == 1)
        .collect();
    loop {
        let keep = |definition: &Definition| {
            let known = |id: &abi::GlyphId| glyphs.contains_key(id.as_str());
            let targets_known = definition.program.iter().all(|command| match command {
                Command::Entangle(id) => known(id),
                _ => true,
            });
            definition.parents.iter().all(known)
                && targets_known
                && !leads_back(definition, &glyphs)
        };
        let kept: BTreeMap<String, Definition> = glyphs
            .iter()
            .filter(|(_, definition)| keep(definition))
            .map(|(id, definition)| (id.clone(), definition.clone()))
            .collect();
        if kept.len() == glyphs.len() {
            return kept.into_keys().collect();
        }
        glyphs = kept;
    }
}

fn leads_back(definition: &Definition, glyphs: &BTreeMap<String, Definition>) -> bool {
    let mut open: Vec<&str> = definition.parents.iter().map(|id| id.as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if id == definition.id.as_str() {
            return true;
        }
        if let Some(ancestor) = glyphs.get(id)
            && seen.insert(id)
        {
            open.extend(ancestor.parents.iter().map(|id| id.as_str()));
        }
    }
    false
}

#[test]
fn what_is_refused_is_what_the_rules_refuse() {
    let mut random = Random(0x686f_7374);
    let (mut glyphs, mut refused) = (0, 0);
    for round in 0..20_000 {
        let files = random_files(&mut random);
        let bytes = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes()));
        let (vault, errors) = Vault::load(bytes, &Limits::default());
        let loaded: BTreeSet<String> = vault
            .glyphs()
            .map(|g| vault.id_text(g).to_owned())
            .collect();
        assert_eq!(loaded, sound_ids(&files), "round {round}: {files:#?}");
        assert_eq!(
            errors.is_empty(),
            vault.len() == files.len(),
            "round {round}: every refusal has an error: {files:#?}"
        );
        for id in vault.refused() {
            assert!(!loaded.contains(id));
            assert!(errors.iter().any(|error| {
                error
                    .glyph
                    .as_ref()
                    .is_none_or(|glyph| glyph.as_str() == id)
            }));
        }
        let interpreter = Interpreter::new(&vault);
        for glyph in vault.glyphs() {
            assert!(interpreter.activate(&vault, glyph, None).is_ok());
            assert!(vault.tree(glyph).lines().count() <= 1 + 3 * vault.len());
        }
        glyphs += vault.len();
        refused += vault.refused().count();
    }
    assert!(
        glyphs > 10_000 && refused > 10_000,
        "{glyphs} loaded, {refused} refused"
    );
}

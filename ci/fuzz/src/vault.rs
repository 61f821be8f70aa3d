//! A vault of several files: loaded, and every glyph of it activated.
//!
//! A line that begins with [`HEAD`] begins a file and names it; what stands before the first one is
//! a file too.

use abi::GlyphId;
use abi::limits::GENERATIONS_MAX;
use glyph_compiler::{Limits, Vault, VaultError};
use glyph_interpreter::{Interpreter, Step};

/// What begins the line that begins a file.
const HEAD: &[u8] = b"== ";
/// Cells of the substrate, few so that too many glyphs are reached.
const CELLS: u64 = 64;

fn load(input: &[u8]) -> (Vault, Vec<VaultError>) {
    let mut files = vec![(String::from("first.gdf"), Vec::new())];
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        match (line.strip_prefix(HEAD), files.last_mut()) {
            (None, Some((_, bytes))) => bytes.extend_from_slice(line),
            (name, _) => {
                let name = String::from_utf8_lossy(name.unwrap_or_default());
                files.push((name.trim_end_matches('\n').to_owned(), Vec::new()));
            }
        }
    }
    if files.first().is_some_and(|(_, bytes)| bytes.is_empty()) {
        files.remove(0);
    }
    let limits = Limits {
        cells: CELLS,
        ..Limits::default()
    };
    let named = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    Vault::load(named, &limits)
}

/// Any files give a vault in which every glyph is sound, and errors in order; what is sound loads
/// again from its own printed text, without an error and to the same constants.
///
/// # Panics
/// If that is not so.
pub fn compiler(input: &[u8]) {
    let (vault, errors) = load(input);
    // The last may count those that are not told, whatever its place.
    let told = errors.split_last().map_or(&errors[..], |(_, told)| told);
    assert!(told.is_sorted_by_key(|error| {
        let at = &error.diagnostic;
        (at.file.clone(), at.line, at.column)
    }));
    let ids: Vec<GlyphId> = vault.glyphs().map(|glyph| vault.id(glyph)).collect();
    assert!(ids.is_sorted() && ids.len() as u64 <= CELLS);
    assert!(
        vault
            .refused()
            .all(|id| !ids.iter().any(|loaded| loaded.as_str() == id))
    );
    assert_eq!(vault.damaged(0..vault.parts()), None);
    for glyph in vault.glyphs() {
        let ancestors = vault.ancestors_in_order(glyph);
        assert!(
            !ancestors.contains(&glyph),
            "{} is its own",
            vault.id(glyph)
        );
        assert!(vault.generations(glyph) as usize <= GENERATIONS_MAX);
        let links: usize = ancestors
            .iter()
            .chain([&glyph])
            .map(|at| vault.parents(*at).len())
            .sum();
        assert_eq!(vault.tree(glyph).lines().count(), links.saturating_add(1));
    }
    let printed: Vec<(String, String)> = vault
        .glyphs()
        .map(|glyph| {
            let text = glyph_parser::print(&vault.definition(glyph));
            (format!("{}.gdf", vault.id(glyph)), text)
        })
        .collect();
    let named = printed
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (again, errors) = Vault::load(named, &Limits::default());
    assert_eq!(errors, []);
    assert_eq!(again.len(), vault.len());
    for (left, right) in vault.glyphs().zip(again.glyphs()) {
        let bits = |vault: &Vault, glyph| format!("{:?}", vault.inherited(glyph));
        assert_eq!(bits(&vault, left), bits(&again, right));
        assert_eq!(
            format!("{:?}", vault.program(left)),
            format!("{:?}", again.program(right))
        );
    }
}

/// Every glyph of any vault activates or is refused, the same with a trace and without; every
/// number that comes out is finite, and the trace ends with the final state.
///
/// # Panics
/// If that is not so.
pub fn interpreter(input: &[u8]) {
    let (vault, _) = load(input);
    let mut interpreter = Interpreter::new(&vault);
    for glyph in vault.glyphs().chain(vault.glyphs()) {
        let mut last = None;
        let mut steps = 0_usize;
        let mut keep = |_: Step<'_>, state: &_| {
            steps = steps.saturating_add(1);
            last = Some(*state);
        };
        let traced = interpreter.activate(&vault, glyph, Some(&mut keep));
        let plain = interpreter.activate(&vault, glyph, None);
        // As text, which tells -0 from 0.
        let texts = [&traced, &plain].map(|result| format!("{result:?}"));
        assert_eq!(texts[0], texts[1], "{}", vault.id(glyph));
        match plain {
            Ok(outcome) => {
                let state = outcome.state;
                let numbers = [
                    state.resonance,
                    state.magnitude,
                    state.phase,
                    state.entanglement,
                ];
                assert!(numbers.iter().all(|number| number.is_finite()));
                assert_eq!(last, Some(state));
                let inherits = usize::from(!vault.parents(glyph).is_empty());
                assert_eq!(steps, 1 + inherits + vault.definition(glyph).program.len());
                interpreter.commit(glyph);
                assert!(interpreter.is_active(glyph));
            }
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
    }
}

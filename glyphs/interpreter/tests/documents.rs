//! The examples of the documentation, run: `docs/glyphs.md` and `docs/glyphs-tutorial.md`.
//!
//! The word after a fence says what a block is:
//! - `gdf`: a sound file of the page's vault;
//! - `state`: final states, each glyph activated after its ancestors;
//! - `trace`: the steps of one activation;
//! - `refusal`: how the glyph at the block's beginning is refused, activated first of all;
//! - `tree`: the ancestry of the glyph on its first line;
//! - `gdf refused NAME` and `errors`: a file beside the vault, and all that is wrong then;
//! - `gdf rough` and `canonical`: a file, and its canonical spelling.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken expectation fails the test"
)]

use abi::GlyphId;
use abi::response::FieldState;
use glyph_compiler::{GlyphIndex, Limits, Vault};
use glyph_interpreter::{Interpreter, Outcome, Step};
use std::collections::BTreeSet;
use std::path::Path;

/// A fenced block: what stands after the fence, and its lines.
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        open = match (open, line.strip_prefix("```")) {
            (None, Some(info)) => Some(Block {
                info: info.to_owned(),
                text: String::new(),
            }),
            (None, None) => None,
            (Some(block), Some(_)) => {
                blocks.push(block);
                None
            }
            (Some(mut block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
                Some(block)
            }
        };
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

type Files = Vec<(String, String)>;

fn load(files: &Files) -> (Vault, String) {
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (vault, errors) = Vault::load(files, &Limits::default());
    let errors: String = errors.iter().map(|error| format!("{error}\n")).collect();
    (vault, errors)
}

/// A page: its vault, and the glyphs and commands that its results have shown.
struct Page {
    files: Files,
    vault: Vault,
    shown: BTreeSet<GlyphIndex>,
}

impl Page {
    fn find(&self, id: &str) -> GlyphIndex {
        let found = GlyphId::new(id).ok().and_then(|id| self.vault.find(&id));
        found.unwrap_or_else(|| panic!("the page has no glyph {id:?}"))
    }

    /// Activates the ancestors, then the glyph.
    fn activate(&mut self, glyph: GlyphIndex, trace: &mut String) -> Outcome {
        self.shown.insert(glyph);
        let mut interpreter = Interpreter::new(&self.vault);
        for ancestor in self.vault.ancestors_in_order(glyph) {
            interpreter.activate(&self.vault, ancestor, None).unwrap();
            interpreter.commit(ancestor);
        }
        let mut before = None;
        let mut keep = |step: Step<'_>, after: &FieldState| {
            *trace += &format!("  {step}:{}\n", change(&before.unwrap_or(*after), after));
            before = Some(*after);
        };
        interpreter
            .activate(&self.vault, glyph, Some(&mut keep))
            .unwrap()
    }

    fn states(&mut self, text: &str) -> String {
        let ids: Vec<&str> = text.lines().map(|line| before(line, ':')).collect();
        assert!(!ids.is_empty(), "a block of states names no glyph");
        let line = |id: &&str| {
            let outcome = self.activate(self.find(id), &mut String::new());
            let write = outcome.effects().write.map_or("", |_| "; writes its cell");
            let wave = outcome.effects().wave.map_or("", |_| "; starts a wave");
            format!("{id}: {}{write}{wave}\n", shown(&outcome.state))
        };
        ids.iter().map(line).collect()
    }

    fn trace(&mut self, text: &str) -> String {
        let head = text.lines().next().unwrap();
        let mut trace = format!("{head}\n");
        let glyph = self.find(head.strip_prefix("glyph ").unwrap());
        self.activate(glyph, &mut trace);
        trace
    }

    fn refusal(&mut self, text: &str) -> String {
        let glyph = self.find(before(text, ' '));
        self.shown.insert(glyph);
        let interpreter = Interpreter::new(&self.vault);
        let refusal = interpreter.activate(&self.vault, glyph, None).unwrap_err();
        format!("{refusal}\n")
    }

    fn tree(&mut self, text: &str) -> String {
        let glyph = self.find(text.lines().next().unwrap());
        self.shown.insert(glyph);
        self.vault.tree(glyph)
    }

    fn errors(&self, name: &str, text: &str) -> String {
        let mut files = self.files.clone();
        files.push((name.to_owned(), text.to_owned()));
        load(&files).1
    }
}

fn before(text: &str, end: char) -> &str {
    text.split(end).next().unwrap_or_default()
}

fn shown(state: &FieldState) -> String {
    format!(
        "R {}, M {}, P {}, C {}, E {}",
        // Twelve decimals are what the specification promises of these magnitudes.
        rounded(state.resonance),
        rounded(state.magnitude),
        rounded(state.phase),
        state.coherence,
        rounded(state.entanglement)
    )
}

/// A step's line, each value that it changed with the one before it.
fn change(before: &FieldState, after: &FieldState) -> String {
    let (before, after) = (shown(before), shown(after));
    let pairs = before.split(", ").zip(after.split(", "));
    pairs
        .map(|(before, after)| match after.split_once(' ') {
            Some((name, value)) if before != after => {
                let (_, was) = before.split_once(' ').unwrap();
                format!(" {name} {was} -> {value}")
            }
            _ => format!(" {after}"),
        })
        .collect()
}

fn rounded(value: f64) -> f64 {
    format!("{value:.11}").parse().unwrap()
}

/// Runs a page; gives how many results it compared.
fn run(name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = blocks(&page);
    let files: Files = blocks
        .iter()
        .filter(|block| block.info == "gdf")
        .map(|block| {
            let definition = glyph_parser::parse("example.gdf", block.text.as_bytes());
            let id = definition
                .unwrap_or_else(|refusal| panic!("{refusal}"))
                .definition
                .id;
            (format!("{id}.gdf"), block.text.clone())
        })
        .collect();
    let (vault, errors) = load(&files);
    assert_eq!(errors, "", "{name}");
    let mut page = Page {
        files,
        vault,
        shown: BTreeSet::new(),
    };
    let mut compared = 0;
    let mut before: Option<&Block> = None;
    for block in &blocks {
        let source = before.map_or("", |block| block.text.as_str());
        let kind = before.map_or("", |block| block.info.as_str());
        let result = match block.info.as_str() {
            "state" => Some(page.states(&block.text)),
            "trace" => Some(page.trace(&block.text)),
            "refusal" => Some(page.refusal(&block.text)),
            "tree" => Some(page.tree(&block.text)),
            "errors" => Some(page.errors(kind.strip_prefix("gdf refused ").unwrap(), source)),
            "canonical" => {
                assert_eq!(kind, "gdf rough");
                Some(glyph_parser::reformat("rough.gdf", source.as_bytes()).unwrap())
            }
            "gdf" | "gdf rough" => None,
            other if other.starts_with("gdf refused ") => None,
            other => panic!("{name}: nothing runs a block of {other:?}"),
        };
        if let Some(result) = result {
            assert_eq!(result, block.text, "{name}: this is what it gives");
            compared += 1;
        }
        before = Some(block);
    }
    for glyph in page.vault.glyphs() {
        let id = page.vault.id(glyph);
        assert!(
            page.shown.contains(&glyph),
            "{name} shows no result of {id}"
        );
    }
    let count = |start: &str| blocks.iter().filter(|b| b.info.starts_with(start)).count();
    assert_eq!(count("gdf refused "), count("errors"), "{name}");
    assert_eq!(count("gdf rough"), count("canonical"), "{name}");
    compared
}

#[test]
fn every_example_of_the_reference_gives_what_it_shows() {
    assert!(run("glyphs.md") >= 12);
}

#[test]
fn every_example_of_the_tutorial_gives_what_it_shows() {
    assert!(run("glyphs-tutorial.md") >= 8);
}

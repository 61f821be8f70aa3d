//! From files to a vault: read all, refuse what is unsound, compile the rest.
//!
//! Owns the order of the steps; each step has a module. Nothing stops at the first error: every
//! file is read and every sound glyph is loaded.
//!
//! Invariants:
//! - errors come sorted by file, line and column, whatever the order of the files;
//! - no step recurses, and each is linear in files, glyphs and links but for sorting.

mod compile;
mod draft;
mod files;
mod index;
mod refuse;
mod suggest;

use crate::error::{ErrorCounts, VaultError, VaultErrorKind};
use crate::graph::Graph;
use crate::vault::Vault;
use abi::GlyphId;
use abi::limits::{GRID_HEIGHT_DEFAULT, GRID_WIDTH_DEFAULT};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use draft::Drafts;
use files::Candidate;
use glyph_parser::{Command, Definition, Diagnostic, Field, Parsed, Place, Places};
use index::{Index, NONE};
use suggest::Suggestions;

/// Bounds that a vault is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Cells of the substrate: a vault with more glyphs is refused.
    pub cells: u64,
    /// Most files.
    pub files_max: u32,
    /// Most bytes in all files together.
    pub bytes_max: u64,
    /// Most errors told; the others are counted.
    pub errors_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            cells: u64::from(GRID_WIDTH_DEFAULT) * u64::from(GRID_HEIGHT_DEFAULT),
            files_max: 8192,
            bytes_max: 16 << 20,
            errors_max: 1000,
        }
    }
}

/// The ids of a vault and the links between them, refused glyphs included.
pub(crate) struct Links {
    /// Parents of each candidate that exist, in file order.
    pub(crate) parents: Graph,
    /// Targets of its `entangle` commands that exist, in the order of the program.
    pub(crate) entangled: Graph,
}

impl Vault {
    /// Loads a vault from the names and bytes of its files.
    ///
    /// Gives all glyphs that are sound, and the errors up to a bound, the last of which then
    /// tells how many more there are: a bad file does not stop the others.
    /// A vault over one of its `limits` is refused as a whole and comes back empty.
    pub fn load<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        limits: &Limits,
    ) -> (Vault, Vec<VaultError>) {
        let files = match files::gather(files, limits) {
            Ok(files) => files,
            Err(excess) => return refused_whole(excess),
        };
        let mut log = Log::new(limits.errors_max);
        let (mut candidates, drafts) = files::read(files, &mut log);
        let links = link(&mut candidates, &drafts, &mut log);
        let order = refuse::unsound(&mut candidates, &links, &mut log);
        let sound = candidates.iter().filter(|glyph| !glyph.refused).count();
        if u64::try_from(sound).map_or(true, |count| count > limits.cells) {
            return refused_whole(files::Excess {
                expected: format!("at most {} glyphs, one for each cell", limits.cells),
                found: format!("{sound}"),
            });
        }
        let mut vault = compile::compile(candidates, drafts, links, &order);
        let (errors, counts) = log.finish();
        vault.error_counts = counts;
        vault.add_up();
        (vault, errors)
    }
}

/// Errors while loading: the first ones in full, all of them counted.
pub(crate) struct Log {
    errors: Vec<VaultError>,
    errors_max: usize,
    counts: ErrorCounts,
}

impl Log {
    fn new(errors_max: u32) -> Self {
        Log {
            errors: Vec::new(),
            errors_max: errors_max as usize,
            counts: ErrorCounts::default(),
        }
    }

    pub(crate) fn push(&mut self, error: VaultError) {
        self.counts.add(error.diagnostic.field, 1);
        if self.errors.len() < self.errors_max {
            self.errors.push(error);
        }
    }

    /// Counts errors of a file beyond those that its reader kept.
    pub(crate) fn omit(&mut self, count: u64) {
        self.counts.add(None, count);
    }

    /// The errors in order, and last how many more there are.
    fn finish(mut self) -> (Vec<VaultError>, ErrorCounts) {
        self.errors.sort_by(|a, b| {
            let key = |error: &VaultError| (error.diagnostic.line, error.diagnostic.column);
            (a.diagnostic.file.as_str(), key(a), a.kind).cmp(&(
                b.diagnostic.file.as_str(),
                key(b),
                b.kind,
            ))
        });
        let told = u64::try_from(self.errors.len()).unwrap_or(u64::MAX);
        let untold = self.counts.total().saturating_sub(told);
        if untold > 0 {
            self.errors.push(whole_vault(
                format!("at most {told} errors to tell"),
                format!("{untold} more"),
            ));
        }
        (self.errors, self.counts)
    }
}

/// An empty vault and the error that refuses it.
fn refused_whole(excess: files::Excess) -> (Vault, Vec<VaultError>) {
    let mut vault = Vault::default();
    vault.error_counts.add(None, 1);
    vault.add_up();
    (vault, vec![whole_vault(excess.expected, excess.found)])
}

/// An error of the vault as a whole.
fn whole_vault(expected: String, found: String) -> VaultError {
    VaultError {
        kind: VaultErrorKind::Vault,
        glyph: None,
        diagnostic: Diagnostic {
            file: String::from("vault"),
            line: 1,
            column: 1,
            field: None,
            expected: expected.into(),
            found,
            suggestion: None,
            excerpt: None,
        },
    }
}

/// Resolves parents and targets; a name without a glyph refuses the glyph that has it.
fn link(candidates: &mut [Candidate<'_>], drafts: &Drafts, log: &mut Log) -> Links {
    let mut links = Links {
        parents: Graph::with_capacity(candidates.len()),
        entangled: Graph::with_capacity(candidates.len()),
    };
    let index = Index::new(candidates);
    let found = index.find_all(candidates, &drafts.mentions);
    let mut suggestions = Suggestions::new();
    for position in 0..candidates.len() {
        let draft = candidates[position].draft.map(|draft| drafts.of(draft));
        let [parents, targets] =
            draft.map_or([0..0, 0..0], |draft| [draft.parents(), draft.targets()]);
        let missing = found[parents.start..targets.end].contains(&NONE);
        let existing = |mentions: Range<usize>| {
            let found = found[mentions].iter().filter(|number| **number != NONE);
            found.map(|number| *number as usize)
        };
        links.parents.push(existing(parents));
        links.entangled.push(existing(targets));
        if missing {
            tell_missing(
                &candidates[position],
                candidates,
                &index,
                &mut suggestions,
                log,
            );
            candidates[position].refused = true;
        }
    }
    links
}

/// Tells each parent and target of a candidate that no file defines.
fn tell_missing(
    candidate: &Candidate<'_>,
    candidates: &[Candidate<'_>],
    index: &Index,
    suggestions: &mut Suggestions,
    log: &mut Log,
) {
    let Ok(Parsed { definition, places }) = candidate.read_again() else {
        return;
    };
    for (field, place, id) in mentions(&definition, &places) {
        if index.find(candidates, id.as_str().as_bytes()).is_none() {
            let suggestion = suggestions.near(candidates, id.as_str());
            log.push(candidate.missing(field, place, id.as_str(), suggestion));
        }
    }
}

/// Every parent and target of a definition, with where it stands.
pub(crate) fn mentions<'a>(
    definition: &'a Definition,
    places: &'a Places,
) -> impl Iterator<Item = (Field, Place, &'a GlyphId)> {
    let parents = definition.parents.iter().zip(&places.parents);
    let parents = parents.map(|(id, place)| (Field::ParentGlyphs, *place, id));
    let commands = definition.program.iter().zip(&places.commands);
    parents.chain(commands.filter_map(|(command, place)| match command {
        Command::Entangle(id) => Some((Field::ActivationSimulation, *place, id)),
        _ => None,
    }))
}

#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tests;

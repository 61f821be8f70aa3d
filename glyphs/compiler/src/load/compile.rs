//! Sound candidates to the compiled form of the vault.
//!
//! Invariants:
//! - parents are collapsed before their children, so each link is looked at once;
//! - each pass walks its columns in their order, and what no later pass needs is let go.

use super::Links;
use super::draft::Drafts;
use super::files::Candidate;
use crate::collapse::{Inheritance, collapse};
use crate::program::{Entanglement, position};
use crate::texts::Texts;
use crate::vault::{Compiled, Gate, GlyphIndex, Vault};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use glyph_parser::Constraint;

/// Compiles the candidates that are not refused; `order` has parents first, each with its generations.
pub(super) fn compile(
    candidates: Vec<Candidate<'_>>,
    drafts: Drafts,
    links: Links,
    order: &[(u32, u32)],
) -> Vault {
    let index_of = number(&candidates);
    let (mut vault, constraints) = link_and_entangle(&candidates, drafts, links, &index_of);
    let order = order.iter().filter_map(|(node, generations)| {
        let glyph = index_of[*node as usize]?;
        Some((glyph, *generations))
    });
    inherit(&mut vault, &constraints, order);
    drop(index_of);
    keep_files(candidates, &mut vault);
    vault
}

/// What must hold before each glyph may be activated: in the vault only its gate is kept of it, and its file.
#[derive(Default)]
struct Constraints {
    of: Vec<Range<u32>>,
    pool: Vec<Constraint>,
}

impl Constraints {
    fn of(&self, glyph: GlyphIndex) -> &[Constraint] {
        let range = &self.of[glyph.position()];
        &self.pool[range.start as usize..range.end as usize]
    }
}

/// The index that each candidate gets, if it is sound.
fn number(candidates: &[Candidate<'_>]) -> Vec<Option<GlyphIndex>> {
    let mut count = 0;
    let indexes = candidates.iter().map(|candidate| {
        let index = (!candidate.refused).then_some(GlyphIndex(count));
        count += u32::from(index.is_some());
        index
    });
    indexes.collect()
}

/// The sound drafts with their links, each with its own state: nothing is inherited yet.
fn link_and_entangle(
    candidates: &[Candidate<'_>],
    mut drafts: Drafts,
    links: Links,
    index_of: &[Option<GlyphIndex>],
) -> (Vault, Constraints) {
    // Side by side, since a program entangles with glyphs from anywhere in the vault.
    let shares: Vec<Entanglement> = candidates
        .iter()
        .map(|candidate| match candidate.draft {
            Some(draft) => Entanglement::with(&drafts.of(draft).own),
            None => Entanglement::default(),
        })
        .collect();
    let mut parents_of_all = Vec::new();
    let mut compiled = Vec::with_capacity(candidates.len());
    let mut constraints = Constraints::default();
    constraints.of.reserve_exact(candidates.len());
    for (node, candidate) in candidates.iter().enumerate() {
        let (Some(number), Some(_)) = (candidate.draft, index_of[node]) else {
            continue;
        };
        let targets = links.entangled.of(node).map(|target| shares[target]);
        drafts.entangle(number, targets);
        let draft = drafts.of(number);
        let parents = position(parents_of_all.len());
        parents_of_all.extend(links.parents.of(node).filter_map(|node| index_of[node]));
        constraints.of.push(draft.constraints.clone());
        compiled.push(Compiled {
            coherence: draft.own.coherence,
            program: draft.program,
            parents: parents..position(parents_of_all.len()),
            generations: 0,
            gate: Gate::Open as u8,
            writes_field_state: draft.writes_field_state.into(),
            starts_wave: draft.starts_wave.into(),
        });
    }
    let (lanes, pool) = drafts.into_pools();
    constraints.pool = pool;
    let vault = Vault {
        compiled,
        lanes,
        parents: parents_of_all,
        ..Vault::default()
    };
    (vault, constraints)
}

/// Collapses each glyph after its parents; `order` has parents first, each with its generations.
fn inherit(
    vault: &mut Vault,
    constraints: &Constraints,
    order: impl Iterator<Item = (GlyphIndex, u32)>,
) {
    let mut inheritances = vec![Inheritance::NONE; vault.len()];
    for (glyph, generations) in order {
        let parents = vault.parents(glyph).iter();
        let parents = parents.map(|parent| &inheritances[parent.position()]);
        let (inheritance, state) = collapse(&vault.inherited(glyph), parents);
        let gate = Gate::of(constraints.of(glyph), &state);
        let compiled = &mut vault.compiled[glyph.position()];
        compiled.coherence = state.coherence;
        vault.lanes.start_from(&compiled.program, &state);
        compiled.gate = gate as u8;
        compiled.generations = generations;
        inheritances[glyph.position()] = inheritance;
    }
}

/// Keeps the files of sound glyphs, and of the others the ids.
fn keep_files(candidates: Vec<Candidate<'_>>, vault: &mut Vault) {
    let sound = candidates.iter().filter(|candidate| !candidate.refused);
    let bytes = sound.clone().map(|candidate| candidate.bytes.len()).sum();
    vault.files = Texts::with_capacity(vault.len(), bytes);
    let id_bytes = sound.map(|candidate| candidate.id.as_str().len()).sum();
    vault.ids = Texts::with_capacity(vault.len(), id_bytes);
    for candidate in candidates {
        let id = candidate.id.as_str().as_bytes();
        if candidate.refused {
            vault.refused.push(id);
        } else {
            vault.files.push(candidate.bytes);
            vault.ids.push(id);
        }
    }
}

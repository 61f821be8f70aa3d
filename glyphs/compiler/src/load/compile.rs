//! Sound candidates to the compiled form of the vault.
//!
//! Invariant: parents are collapsed before their children, so each link is looked at once.

use super::Links;
use super::files::Candidate;
use crate::collapse::{Inheritance, collapse};
use crate::program::{Op, position};
use crate::vault::{Compiled, Gate, GlyphIndex, Vault};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use glyph_parser::Definition;

/// Takes the sound definitions out of the candidates; `order` has parents first.
pub(super) fn compile(
    candidates: &mut [Candidate<'_>],
    links: &Links,
    order: &[(usize, u32)],
) -> Vault {
    let mut vault = Vault::default();
    let mut index_of = vec![None; candidates.len()];
    let mut sound = Vec::new();
    for (node, candidate) in candidates.iter().enumerate() {
        if !candidate.refused {
            index_of[node] = Some(GlyphIndex(position(sound.len())));
            sound.push(node);
        }
    }
    let mut inheritances = vec![Inheritance::NONE; candidates.len()];
    let mut states = vec![None; candidates.len()];
    for (node, generations) in order {
        if let Some(definition) = sound_definition(&candidates[*node]) {
            let parents = links.parents.of(*node).iter();
            let (inheritance, state) =
                collapse(definition, parents.map(|parent| &inheritances[*parent]));
            inheritances[*node] = inheritance;
            states[*node] = Some((state, *generations));
        }
    }
    let mut ops = Vec::new();
    for node in sound.iter().copied() {
        let (Some(definition), Some((inherited, generations))) =
            (sound_definition(&candidates[node]), states[node])
        else {
            unreachable!("a sound glyph has a definition and was collapsed");
        };
        let mut targets = links.entangled.of(node).iter();
        ops.clear();
        ops.extend(definition.program.iter().map(|command| {
            let target = || sound_definition(&candidates[*targets.next()?]);
            let op = Op::compile(command, target);
            op.unwrap_or_else(|| unreachable!("a sound glyph entangles with sound glyphs"))
        }));
        let parents = links.parents.of(node).iter();
        let compiled = Compiled {
            inherited,
            program: vault.lanes.push(&ops),
            gate: Gate::of(&definition.constraints, &inherited),
            constraints: extend(
                &mut vault.constraints,
                definition.constraints.iter().copied(),
            ),
            parents: extend(
                &mut vault.parents,
                parents.filter_map(|parent| index_of[*parent]),
            ),
            generations,
            writes_field_state: definition.has_output(Definition::OUTPUT_FIELD_STATE),
            starts_wave: definition.has_output(Definition::OUTPUT_RESONANCE),
        };
        vault.compiled.push(compiled);
    }
    for node in sound {
        let parsed = candidates[node].parsed.take();
        vault
            .definitions
            .extend(parsed.map(|parsed| parsed.definition));
    }
    vault
}

fn sound_definition<'a>(candidate: &'a Candidate<'_>) -> Option<&'a Definition> {
    let parsed = candidate.parsed.as_ref()?;
    (!candidate.refused).then_some(&parsed.definition)
}

/// Appends `items` and gives where they are.
fn extend<T>(pool: &mut Vec<T>, items: impl Iterator<Item = T>) -> Range<u32> {
    let start = position(pool.len());
    pool.extend(items);
    start..position(pool.len())
}

//! Which glyphs are unsound: cycles, too many generations, and all that depends on refused ones.
//!
//! Invariants:
//! - afterwards a candidate is refused if and only if it breaks a rule itself or its parents or
//!   targets lead to one that does;
//! - an error's chain is a shortest one and shows a bounded number of names.

use super::files::Candidate;
use super::{Links, Log, mentions};
use crate::error::VaultErrorKind;
use crate::graph::Components;
use crate::program::position;
use abi::limits::GENERATIONS_MAX;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write as _;
use glyph_parser::{Field, Parsed, Place, quote};

/// Most names that a chain or cycle shows.
const NAMES_MAX: usize = 12;

/// Refuses what is unsound; gives the candidates ordered so that parents come first, with their
/// generations of ancestors.
pub(super) fn unsound(
    candidates: &mut [Candidate<'_>],
    links: &Links,
    log: &mut Log,
) -> Vec<(u32, u32)> {
    let components = links.parents.components();
    let cyclic = refuse_cycles(candidates, links, &components, log);
    let generations = refuse_deep(candidates, links, &components, &cyclic, log);
    refuse_dependents(candidates, links, log);
    components
        .nodes()
        .map(|node| (position(node), generations[node]))
        .collect()
}

/// Refuses every glyph that is its own ancestor; tells which those are.
fn refuse_cycles(
    candidates: &mut [Candidate<'_>],
    links: &Links,
    components: &Components,
    log: &mut Log,
) -> Vec<bool> {
    let mut cyclic = vec![false; candidates.len()];
    let mut component_of = vec![0; candidates.len()];
    for (number, component) in components.iter().enumerate() {
        component.for_each(|node| component_of[node] = position(number));
    }
    let mut before = vec![usize::MAX; candidates.len()];
    for component in components.iter() {
        // Sorted by id already: the least number is the first id.
        let Some(start) = component.clone().min() else {
            continue;
        };
        let inside = |node: usize| component_of[node] == component_of[start];
        let Some(cycle) = links.parents.cycle_through(start, inside, &mut before) else {
            continue;
        };
        let picture = cycle_picture(&cycle, candidates);
        for node in component {
            let next = links.parents.of(node).find(|link| inside(*link));
            let (field, place) = link_place(candidates, node, next.unwrap_or(node));
            let error = candidates[node].error(
                VaultErrorKind::Cycle,
                field,
                place,
                "parents that do not lead back",
                format!("the cycle {picture}"),
            );
            candidates[node].refused = true;
            cyclic[node] = true;
            log.push(error);
        }
    }
    cyclic
}

/// Counts generations of ancestors and refuses glyphs with too many; a member of a cycle, which
/// is refused anyway, counts as having none.
fn refuse_deep(
    candidates: &mut [Candidate<'_>],
    links: &Links,
    components: &Components,
    cyclic: &[bool],
    log: &mut Log,
) -> Vec<u32> {
    let mut generations = vec![0_u32; candidates.len()];
    for node in components.nodes().filter(|node| !cyclic[*node]) {
        let parents = links.parents.of(node);
        let Some(parent) = parents.max_by_key(|parent| generations[*parent]) else {
            continue;
        };
        let count = generations[parent].saturating_add(1);
        generations[node] = count;
        if count as usize > GENERATIONS_MAX && !candidates[node].refused {
            let (field, place) = link_place(candidates, node, parent);
            let error = candidates[node].error(
                VaultErrorKind::TooDeep,
                field,
                place,
                format!("at most {GENERATIONS_MAX} generations of ancestors"),
                format!(
                    "{count} by way of {}",
                    quote(candidates[parent].id.as_str())
                ),
            );
            candidates[node].refused = true;
            log.push(error);
        }
    }
    generations
}

/// How a refused glyph came to be refused.
#[derive(Clone, Copy)]
struct Cause {
    /// The refused glyph that it names itself; its own number if it broke a rule itself.
    next: usize,
    /// The glyph at the end of the chain, which broke a rule itself.
    root: usize,
    /// Links from here to there.
    links: usize,
}

/// Refuses every glyph whose ancestry or targets name a refused one, nearest first.
fn refuse_dependents(candidates: &mut [Candidate<'_>], links: &Links, log: &mut Log) {
    let mut queue: Vec<usize> = (0..candidates.len())
        .filter(|node| candidates[*node].refused)
        .collect();
    if queue.is_empty() {
        return;
    }
    let dependents = [links.parents.reversed(), links.entangled.reversed()];
    let mut causes: Vec<Cause> = (0..candidates.len())
        .map(|node| Cause {
            next: node,
            root: node,
            links: 0,
        })
        .collect();
    let mut head = 0;
    while let Some(refused) = queue.get(head).copied() {
        head += 1;
        for graph in &dependents {
            for node in graph.of(refused) {
                if candidates[node].refused {
                    continue;
                }
                causes[node] = Cause {
                    next: refused,
                    root: causes[refused].root,
                    links: causes[refused].links + 1,
                };
                let (field, place) = link_place(candidates, node, refused);
                let error = candidates[node].error(
                    VaultErrorKind::Inherited,
                    field,
                    place,
                    "a glyph that is not refused",
                    format!(
                        "{}: {}, see {}",
                        quote(candidates[refused].id.as_str()),
                        chain_picture(node, &causes, candidates),
                        candidates[causes[node].root].file()
                    ),
                );
                candidates[node].refused = true;
                log.push(error);
                queue.push(node);
            }
        }
    }
}

/// Field and place where `node` first names `target`.
fn link_place(candidates: &[Candidate<'_>], node: usize, target: usize) -> (Field, Place) {
    let candidate = &candidates[node];
    let Ok(Parsed { definition, places }) = candidate.read_again() else {
        return (Field::GlyphId, candidate.place());
    };
    let mut mentions = mentions(&definition, &places);
    match mentions.find(|(_, _, id)| *id == &candidates[target].id) {
        Some((field, place, _)) => (field, place),
        None => (Field::GlyphId, places.id),
    }
}

/// `a -> b -> a`, shortened in the middle.
fn cycle_picture(cycle: &[usize], candidates: &[Candidate<'_>]) -> String {
    let (Some((last, steps)), mut names) = (cycle.split_last(), Names::default()) else {
        return String::new();
    };
    for node in steps.iter().take(NAMES_MAX) {
        names.push(candidates, *node);
    }
    names.skip(steps.len().saturating_sub(NAMES_MAX));
    names.push(candidates, *last);
    names.text
}

/// `a -> b -> c` from a refused glyph to the one that broke a rule, shortened in the middle.
fn chain_picture(start: usize, causes: &[Cause], candidates: &[Candidate<'_>]) -> String {
    let mut names = Names::default();
    let mut at = start;
    for _ in 0..causes[start].links.min(NAMES_MAX) {
        names.push(candidates, at);
        at = causes[at].next;
    }
    names.skip(causes[start].links.saturating_sub(NAMES_MAX));
    names.push(candidates, causes[start].root);
    names.text
}

/// Names joined by arrows.
#[derive(Default)]
struct Names {
    text: String,
}

impl Names {
    fn push(&mut self, candidates: &[Candidate<'_>], node: usize) {
        if !self.text.is_empty() {
            self.text.push_str(" -> ");
        }
        self.text.push_str(candidates[node].id.as_str());
    }

    fn skip(&mut self, count: usize) {
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = write!(self.text, " -> ... {count} more ...");
        }
    }
}

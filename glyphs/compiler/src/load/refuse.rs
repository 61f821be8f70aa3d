//! Which glyphs are unsound: cycles, too many generations, and all that depends on refused ones.
//!
//! Invariants:
//! - afterwards a candidate is refused if and only if it breaks a rule itself or its parents or
//!   targets lead to one that does;
//! - an error's chain is a shortest one and shows a bounded number of names.

use super::{Links, Log};
use crate::error::VaultErrorKind;
use crate::load::files::Candidate;
use abi::limits::GENERATIONS_MAX;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write as _;
use glyph_parser::{Command, Field, Place, quote};

/// Most names that a chain or cycle shows.
const NAMES_MAX: usize = 12;

/// Refuses what is unsound; gives the candidates ordered so that parents come first, with their
/// generations of ancestors.
pub(super) fn unsound(
    candidates: &mut [Candidate<'_>],
    links: &Links,
    log: &mut Log,
) -> Vec<(usize, u32)> {
    let components = links.parents.components();
    let cyclic = refuse_cycles(candidates, links, &components, log);
    let order: Vec<usize> = components.into_iter().flatten().collect();
    let generations = refuse_deep(candidates, links, &order, &cyclic, log);
    refuse_dependents(candidates, links, log);
    order
        .into_iter()
        .map(|node| (node, generations[node]))
        .collect()
}

/// Refuses every glyph that is its own ancestor; tells which those are.
fn refuse_cycles(
    candidates: &mut [Candidate<'_>],
    links: &Links,
    components: &[Vec<usize>],
    log: &mut Log,
) -> Vec<bool> {
    let mut cyclic = vec![false; candidates.len()];
    let mut component_of = vec![0; candidates.len()];
    for (number, component) in components.iter().enumerate() {
        for node in component {
            component_of[*node] = number;
        }
    }
    let mut before = vec![usize::MAX; candidates.len()];
    for component in components {
        // Sorted by id already: the least number is the first id.
        let Some(start) = component.iter().copied().min() else {
            continue;
        };
        let inside = |node: usize| component_of[node] == component_of[start];
        let Some(cycle) = links.parents.cycle_through(start, inside, &mut before) else {
            continue;
        };
        let picture = cycle_picture(&cycle, candidates);
        for node in component {
            let next = links.parents.of(*node).iter().find(|link| inside(**link));
            let (field, place) = link_place(candidates, *node, *next.unwrap_or(node));
            let error = candidates[*node].error(
                VaultErrorKind::Cycle,
                field,
                place,
                "parents that do not lead back",
                format!("the cycle {picture}"),
            );
            candidates[*node].refused = true;
            cyclic[*node] = true;
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
    order: &[usize],
    cyclic: &[bool],
    log: &mut Log,
) -> Vec<u32> {
    let mut generations = vec![0_u32; candidates.len()];
    for node in order.iter().copied().filter(|node| !cyclic[*node]) {
        let deepest = links
            .parents
            .of(node)
            .iter()
            .copied()
            .max_by_key(|parent| generations[*parent]);
        let Some(parent) = deepest else {
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
    let dependents = [links.parents.reversed(), links.entangled.reversed()];
    let mut queue: Vec<usize> = (0..candidates.len())
        .filter(|node| candidates[*node].refused)
        .collect();
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
            for node in graph.of(refused).iter().copied() {
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
    let id = &candidates[target].id;
    let Some(parsed) = &candidate.parsed else {
        return (Field::GlyphId, candidate.place);
    };
    let (definition, places) = (&parsed.definition, &parsed.places);
    let mut parents = definition.parents.iter().zip(&places.parents);
    if let Some((_, place)) = parents.find(|(parent, _)| *parent == id) {
        return (Field::ParentGlyphs, *place);
    }
    let mut commands = definition.program.iter().zip(&places.commands);
    match commands.find(|(command, _)| matches!(command, Command::Entangle(to) if to == id)) {
        Some((_, place)) => (Field::ActivationSimulation, *place),
        None => (Field::GlyphId, candidate.place),
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

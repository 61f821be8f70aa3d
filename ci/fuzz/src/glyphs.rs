//! Vaults built choice by choice from the input, so that nearly all of them get past the parser.
//!
//! Owns the way from bytes to definitions. What must come of them is told by the specification's
//! words alone: a second, naive judge of soundness here, and the naive evaluator that the
//! interpreter's own tests compare with.

use std::collections::{BTreeMap, BTreeSet};

use abi::GlyphId;
use abi::limits::GENERATIONS_MAX;
use glyph_compiler::{Limits, Vault, VaultErrorKind};
use glyph_interpreter::{ActivationError, Interpreter};
use glyph_parser::{Command, Comparison, Constraint, Definition, ParentsWord, StateField, print};

use crate::naive::{Glyphs, OutOfRange, agree, evaluate};

/// Most glyphs of a vault: more than the generations that are allowed.
const GLYPHS_MAX: usize = 48;
/// Most ways to its ancestors that a glyph may have to be compared: the naive evaluator walks each.
const WAYS_MAX: u64 = 4096;
/// Resonance from which on a copy on the way may have overflowed: half for each generation.
const COPY_OVERFLOW_MIN: f64 = f64::MAX / 4_294_967_296.0;

/// The input as choices; past its end every choice is 0.
struct Choices<'a> {
    bytes: &'a [u8],
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }

    /// A number from 0 up to and without `bound`, which is at least 1.
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()).checked_rem(bound).unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, items: &[T], otherwise: T) -> T {
        let place = self.below(items.len());
        items.get(place).copied().unwrap_or(otherwise)
    }

    /// In [0, high]: an end, tiny, round, or anything between.
    fn real(&mut self, high: f64) -> f64 {
        match self.byte() {
            0 => 0.0,
            1 => high,
            2 => 1e-300,
            round @ 3..=127 => f64::from(round - 3).min(high),
            coarse => {
                let fine = f64::from(self.byte()) / 256.0;
                (f64::from(coarse - 128) + fine) / 128.0 * high
            }
        }
    }

    /// An argument of a command: of either sign, and now and then huge.
    fn argument(&mut self) -> f64 {
        let value = self.real(2.0);
        match self.byte() {
            255 => value * 1e200,
            254 => value * 1e18,
            odd if odd % 2 == 1 => -value,
            _ => value,
        }
    }
}

fn name(number: usize) -> Option<GlyphId> {
    GlyphId::new(&format!("g{number:02}")).ok()
}

/// The vault that the input describes, in the order of its glyphs; ids may repeat and be missing.
fn definitions(input: &[u8]) -> Vec<Definition> {
    let mut choices = Choices { bytes: input };
    let count = 1 + choices.below(GLYPHS_MAX);
    (0..count)
        .filter_map(|number| {
            let number = match choices.byte() {
                255 => choices.below(count),
                _ => number,
            };
            Some(definition(name(number)?, number, count, &mut choices))
        })
        .collect()
}

fn definition(id: GlyphId, number: usize, count: usize, choices: &mut Choices<'_>) -> Definition {
    let mut glyph = Definition::with_defaults(id);
    for _ in 0..choices.pick(&[1, 2, 0, 2, 1, 3, 1, 16], 0) {
        let parent = match choices.byte() {
            // Any glyph, or the one that is nowhere.
            255 => choices.below(count + 1),
            // One before it, often the last one.
            near if near.is_multiple_of(2) => number.saturating_sub(1 + usize::from(near / 2) % 3),
            _ => choices.below(number.max(1)),
        };
        if parent != number || number > 0 {
            glyph.parents.extend(name(parent));
        }
    }
    glyph.resonance = choices.real(100_000.0);
    glyph.magnitude = choices.real(1000.0);
    glyph.entanglement = choices.real(2.0);
    glyph.phase = choices.real(72_000.0) - 36_000.0;
    glyph.coherence = i64::from(choices.byte()) * 3;
    for _ in 0..choices.below(9) {
        glyph.program.extend(command(count, choices));
    }
    for _ in 0..choices.pick(&[0, 0, 1, 2], 0) {
        glyph.constraints.push(constraint(choices));
    }
    for label in ["field_state", "resonance", "note"] {
        if choices.byte().is_multiple_of(3) {
            glyph.outputs.push(label.to_owned());
        }
    }
    glyph
}

fn command(count: usize, choices: &mut Choices<'_>) -> Option<Command> {
    Some(match choices.below(6) {
        0 => Command::Stabilize,
        1 => Command::Resonate(choices.argument()),
        2 => Command::Amplify(choices.argument()),
        3 => Command::PhaseShift(choices.argument() * 180.0),
        4 => Command::Decay(choices.argument()),
        _ => {
            let beyond = usize::from(choices.byte() == 255);
            Command::Entangle(name(choices.below(count + beyond))?)
        }
    })
}

fn constraint(choices: &mut Choices<'_>) -> Constraint {
    match choices.below(3) {
        0 => Constraint::ParentsActive(choices.pick(&ParentsWord::ALL, ParentsWord::Parent)),
        _ => Constraint::Compare {
            field: choices.pick(&StateField::ALL, StateField::Phase),
            comparison: choices.pick(&Comparison::ALL, Comparison::Equal),
            number: choices.real(500.0),
        },
    }
}

/// A vault whose every file is well-formed refuses exactly the glyphs that the specification's words
/// refuse, and the others activate to what a naive evaluation gives.
///
/// # Panics
/// If that is not so.
pub fn glyphs(input: &[u8]) {
    let definitions = definitions(input);
    let files: Vec<(String, String)> = definitions
        .iter()
        .enumerate()
        .map(|(number, glyph)| (format!("{number:02}.gdf"), print(glyph)))
        .collect();
    let named = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (vault, errors) = Vault::load(named, &Limits::default());
    let syntax = errors
        .iter()
        .find(|error| error.kind == VaultErrorKind::Syntax);
    assert!(syntax.is_none(), "{syntax:?}");
    let sound = sound(&definitions);
    let loaded: Glyphs = vault
        .glyphs()
        .map(|glyph| (vault.id(glyph), vault.definition(glyph)))
        .collect();
    assert!(sound.keys().eq(loaded.keys()), "{:?}", loaded.keys());
    assert_eq!(errors.is_empty(), sound.len() == definitions.len());
    assert!(
        sound
            .iter()
            .all(|(id, glyph)| loaded.get(id) == Some(glyph))
    );
    compare(&vault, &sound);
}

/// Every glyph that is defined once, and whose parents and targets are all sound, without a cycle and
/// within the generations: the greatest set that holds itself up.
fn sound(definitions: &[Definition]) -> Glyphs {
    let mut times: BTreeMap<&GlyphId, usize> = BTreeMap::new();
    for glyph in definitions {
        *times.entry(&glyph.id).or_default() += 1;
    }
    let all: BTreeMap<&GlyphId, &Definition> = definitions
        .iter()
        .filter(|glyph| times.get(&glyph.id) == Some(&1))
        .map(|glyph| (&glyph.id, glyph))
        .collect();
    // Generation by generation: what is never reached is in a cycle, under one, or too deep.
    let mut grounded: BTreeSet<&GlyphId> = BTreeSet::new();
    for _ in 0..=GENERATIONS_MAX {
        let next: Vec<&GlyphId> = all
            .iter()
            .filter(|(_, glyph)| glyph.parents.iter().all(|id| grounded.contains(id)))
            .map(|(id, _)| *id)
            .collect();
        grounded.extend(next);
    }
    let mut kept: Glyphs = grounded
        .into_iter()
        .filter_map(|id| Some((id.clone(), (*all.get(id)?).clone())))
        .collect();
    loop {
        let lost: Vec<GlyphId> = kept
            .values()
            .filter(|glyph| !needs(glyph).all(|id| kept.contains_key(id)))
            .map(|glyph| glyph.id.clone())
            .collect();
        if lost.is_empty() {
            return kept;
        }
        kept.retain(|id, _| !lost.contains(id));
    }
}

/// The parents and targets of a glyph.
fn needs(glyph: &Definition) -> impl Iterator<Item = &GlyphId> {
    let targets = glyph.program.iter().filter_map(|command| match command {
        Command::Entangle(id) => Some(id),
        _ => None,
    });
    glyph.parents.iter().chain(targets)
}

/// Activates every glyph, parents first or not as their ids have it, beside the naive evaluator.
fn compare(vault: &Vault, glyphs: &Glyphs) {
    let mut interpreter = Interpreter::new(vault);
    let mut ways: BTreeMap<&GlyphId, u64> = BTreeMap::new();
    for id in glyphs.keys() {
        count_ways(id, glyphs, &mut ways);
    }
    for glyph in vault.glyphs() {
        let id = &vault.id(glyph);
        let outcome = interpreter.activate(vault, glyph, None);
        if outcome.is_ok() {
            interpreter.commit(glyph);
        }
        if ways.get(id).is_none_or(|ways| *ways > WAYS_MAX) {
            continue;
        }
        match (evaluate(glyphs, id), outcome.map_err(|refusal| *refusal)) {
            (_, Err(ActivationError::Constraint { .. }))
            | (Err(OutOfRange), Err(ActivationError::NonFinite { .. })) => {}
            (Ok(expected), Ok(outcome)) => assert!(
                agree(&expected, &outcome.state),
                "{id}: {expected:?}, not {:?}",
                outcome.state
            ),
            // A state may be finite and its write to the home cell not.
            (Ok(state), Err(ActivationError::NonFinite { .. })) => {
                assert!(!(100.0 * state.magnitude).is_finite(), "{id}: {state:?}");
            }
            // A copy may overflow whose share, halved in each generation, does not.
            (Err(OutOfRange), Ok(_)) => {
                let inherited = vault.inherited(glyph).resonance;
                assert!(inherited >= COPY_OVERFLOW_MIN, "{id}: {inherited}");
            }
        }
    }
}

/// Ways that lead from a glyph up to its ancestors; 32 generations at most, so recursion is short.
fn count_ways<'a>(
    id: &'a GlyphId,
    glyphs: &'a Glyphs,
    ways: &mut BTreeMap<&'a GlyphId, u64>,
) -> u64 {
    if let Some(known) = ways.get(id) {
        return *known;
    }
    let parents = glyphs.get(id).map_or(&[][..], |glyph| &glyph.parents);
    let mut count = 1_u64;
    for parent in parents {
        count = count.saturating_add(count_ways(parent, glyphs, ways));
    }
    ways.insert(id, count);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyph(number: usize, parents: &[usize]) -> Definition {
        let mut glyph = Definition::with_defaults(name(number).unwrap());
        glyph.parents = parents.iter().filter_map(|parent| name(*parent)).collect();
        glyph
    }

    #[test]
    fn the_naive_judge_knows_duplicates_cycles_depth_and_what_depends_on_them() {
        let mut entangled = glyph(7, &[]);
        entangled.program = vec![Command::Entangle(name(4).unwrap())];
        let definitions = [
            glyph(0, &[]),
            glyph(1, &[0, 0]),
            glyph(2, &[]),
            glyph(2, &[0]),
            glyph(3, &[1, 2]),
            glyph(4, &[5]),
            glyph(5, &[4]),
            glyph(6, &[40]),
            entangled,
        ];
        let sound: Vec<String> = sound(&definitions).keys().map(GlyphId::to_string).collect();
        assert_eq!(sound, ["g00", "g01"]);
        let chain: Vec<Definition> = (0..40)
            .map(|n| glyph(n, &n.checked_sub(1).map_or(vec![], |above| vec![above])))
            .collect();
        assert_eq!(super::sound(&chain).len(), GENERATIONS_MAX + 1);
    }

    #[test]
    fn inputs_reach_sound_refused_deep_constrained_and_overflowing_glyphs() {
        let (mut sound_count, mut refused, mut deepest, mut failures) = (0, 0, 0, 0);
        let mut state = 9_u64;
        for _ in 0..200 {
            let input: Vec<u8> = (0..1500)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    state.to_be_bytes()[0]
                })
                .collect();
            glyphs(&input);
            let definitions = definitions(&input);
            let sound = sound(&definitions);
            sound_count += sound.len();
            refused += definitions.len() - sound.len();
            let texts: Vec<(String, String)> = sound
                .values()
                .map(|glyph| (format!("{}.gdf", glyph.id), print(glyph)))
                .collect();
            let named = texts
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_bytes()));
            let (vault, _) = Vault::load(named, &Limits::default());
            let interpreter = Interpreter::new(&vault);
            for glyph in vault.glyphs() {
                deepest = deepest.max(vault.generations(glyph));
                failures += u32::from(interpreter.activate(&vault, glyph, None).is_err());
            }
        }
        assert!(
            sound_count > 1000 && refused > 500,
            "{sound_count} {refused}"
        );
        assert!(deepest >= 8 && failures > 50, "{deepest} {failures}");
    }
}

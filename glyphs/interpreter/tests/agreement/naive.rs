//! The naive evaluator: section "Activation" of the GDF specification, step by step.
//!
//! It walks the ancestors at each activation, which is exponential in a stack of diamonds: it
//! serves as the oracle of tests and nothing else. It shares only the definitions with the
//! compiled form.

use abi::GlyphId;
use abi::response::FieldState;
use glyph_parser::{Command, Definition};
use std::collections::BTreeMap;

/// Definitions by id.
pub(crate) type Glyphs = BTreeMap<GlyphId, Definition>;

/// The state left the finite numbers, or its coherence 64 bits.
#[derive(Debug, PartialEq)]
pub(crate) struct OutOfRange;

/// Inherits, then runs the program.
pub(crate) fn evaluate(glyphs: &Glyphs, id: &GlyphId) -> Result<FieldState, OutOfRange> {
    let definition = &glyphs[id];
    let mut state = inherited(glyphs, id)?;
    for command in &definition.program {
        match command {
            Command::Resonate(k) => state.resonance *= k,
            Command::Entangle(target) => {
                state.entanglement += glyphs[target].entanglement;
                state.resonance += glyphs[target].resonance * 0.2;
            }
            Command::Amplify(k) => state.magnitude *= k,
            Command::PhaseShift(d) => state.phase += d,
            Command::Stabilize if state.coherence > 90 => state.coherence = 100,
            Command::Stabilize => state.coherence += 10,
            Command::Decay(k) => {
                state.magnitude *= 1.0 - k;
                let drop = integer((k * 10.0).trunc()).ok_or(OutOfRange)?;
                state.coherence = state.coherence.checked_sub(drop).ok_or(OutOfRange)?;
            }
        }
        if !is_finite(&state) {
            return Err(OutOfRange);
        }
    }
    Ok(state)
}

/// The state after inheritance and before the program.
pub(crate) fn inherited(glyphs: &Glyphs, id: &GlyphId) -> Result<FieldState, OutOfRange> {
    let definition = &glyphs[id];
    let mut state = definition.own_state();
    if !definition.parents.is_empty() {
        inherit(glyphs, definition, &mut state);
        if !is_finite(&state) {
            return Err(OutOfRange);
        }
    }
    Ok(state)
}

fn inherit(glyphs: &Glyphs, glyph: &Definition, state: &mut FieldState) {
    for parent in &glyph.parents {
        let mut copy = *state;
        inherit(glyphs, &glyphs[parent], &mut copy);
        state.resonance += 0.5 * copy.resonance;
        state.entanglement += 0.3 * copy.entanglement;
    }
    state.resonance += glyph.resonance;
    state.magnitude *= glyph.magnitude;
    state.coherence = (state.coherence + glyph.coherence) / 2;
    state.phase += glyph.phase;
    state.entanglement *= glyph.entanglement;
}

fn is_finite(state: &FieldState) -> bool {
    [
        state.resonance,
        state.magnitude,
        state.phase,
        state.entanglement,
    ]
    .iter()
    .all(|value| value.is_finite())
}

/// A whole number as an `i64`, by way of its decimal text.
fn integer(whole: f64) -> Option<i64> {
    format!("{whole:.0}").parse().ok()
}

#[test]
fn the_naive_evaluator_gives_the_worked_example_of_the_specification() {
    let glyph = |text: &str| {
        let definition = glyph_parser::parse("example.gdf", text.as_bytes())
            .unwrap()
            .definition;
        (definition.id.clone(), definition)
    };
    let glyphs = Glyphs::from([
        glyph(
            "glyph_id: a\nresonance: 100\nmagnitude: 2\ncoherence: 90\nentanglement: 1.5\n\
             phase: 10\nactivation: resonate(2) | stabilize()",
        ),
        glyph(
            "glyph_id: b\nparent: a\nresonance: 50\nmagnitude: 0.5\ncoherence: 80\n\
             entanglement: 2\nphase: 5\nactivation: entangle(a) | decay(0.25)",
        ),
    ]);
    let state = |id| {
        let s = evaluate(&glyphs, &GlyphId::new(id).unwrap()).unwrap();
        (
            s.resonance,
            s.magnitude,
            s.phase,
            s.coherence,
            s.entanglement,
        )
    };
    assert_eq!(state("a"), (200.0, 2.0, 10.0, 100, 1.5));
    assert_eq!(state("b"), (195.0, 0.1875, 10.0, 78, 7.3));
}

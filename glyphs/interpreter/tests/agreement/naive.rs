//! The naive evaluator: section "Activation" of the GDF specification, step by step.
//!
//! It walks the ancestors at each activation, which is exponential in a stack of diamonds: it
//! serves as the oracle of these tests and of the fuzz targets and nothing else. It shares only the
//! definitions with the compiled form. What counts as the same result is told here too.

use abi::GlyphId;
use abi::response::FieldState;
use glyph_parser::{Command, Definition};
use std::collections::BTreeMap;

/// Largest relative difference that the specification allows.
const RELATIVE_MAX: f64 = 1e-12;

/// Definitions by id.
pub(crate) type Glyphs = BTreeMap<GlyphId, Definition>;

/// The state left the finite numbers, or its coherence 64 bits.
#[derive(Debug, PartialEq)]
pub(crate) struct OutOfRange;

/// Whether two states agree: integers exactly, the others within [`RELATIVE_MAX`].
pub(crate) fn agree(left: &FieldState, right: &FieldState) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= RELATIVE_MAX * a.abs().max(b.abs());
    left.coherence == right.coherence
        && near(left.resonance, right.resonance)
        && near(left.magnitude, right.magnitude)
        && near(left.phase, right.phase)
        && near(left.entanglement, right.entanglement)
}

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

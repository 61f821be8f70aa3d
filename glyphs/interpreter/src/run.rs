//! Runs programs, plain or with a trace.
//!
//! Invariants:
//! - [`run`], by lanes, and [`run_traced`], command by command, compute the same bits: each field goes
//!   through the same operations in the same order;
//! - a value that is not finite stays so through every operation, therefore one check at the
//!   end finds it; only the coherence, an integer, is checked where it changes.

use crate::ActivationError;
use abi::response::FieldState;
use alloc::format;
use alloc::string::ToString;
use core::fmt;
use glyph_compiler::{GlyphIndex, Op, Program, Vault};
use glyph_parser::{Command, Definition};

/// Coherence above which `stabilize` gives [`COHERENCE_FULL`], percent.
const COHERENCE_NEARLY_FULL: i64 = 90;
/// Coherence that `stabilize` strives for, percent.
const COHERENCE_FULL: i64 = 100;
/// Coherence that `stabilize` adds below that, percent.
const COHERENCE_STEP: i64 = 10;

/// Is told each step of an activation and the state after it.
pub type Tracer<'a> = &'a mut dyn FnMut(Step<'_>, &FieldState);

/// A step of an activation; `Display` shows it as a person reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// The glyph's own values.
    Start,
    /// All of its ancestry, as collapsed when the vault was loaded.
    Inherit(&'a Definition),
    /// One command of its program.
    Command(&'a Command),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Start => out.write_str("start"),
            Step::Inherit(definition) => {
                out.write_str("inherit from ")?;
                for (position, parent) in definition.parents.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(out, "{separator}{parent}")?;
                }
                Ok(())
            }
            Step::Command(command) => command.fmt(out),
        }
    }
}

/// Runs the program of `glyph` on its inherited state.
#[inline]
pub(crate) fn run(vault: &Vault, glyph: GlyphIndex) -> Result<FieldState, ActivationError> {
    match run_lanes(&vault.program(glyph), vault.inherited(glyph)) {
        Some(state) if is_finite(&state) => Ok(state),
        _ => Err(first_failure(vault, glyph)),
    }
}

/// The state after the program; `None` if the coherence leaves its range.
#[inline]
fn run_lanes(program: &Program<'_>, start: &FieldState) -> Option<FieldState> {
    let mut state = *start;
    let mut multiplies = program.multiplies;
    for number in program.resonance {
        if multiplies & 1 == 1 {
            state.resonance *= number;
        } else {
            state.resonance += number;
        }
        multiplies >>= 1;
    }
    for factor in program.magnitude {
        state.magnitude *= factor;
    }
    for degrees in program.phase {
        state.phase += degrees;
    }
    for coefficient in program.entanglement {
        state.entanglement += coefficient;
    }
    let mut stabilizes = program.stabilizes;
    for drop in program.coherence {
        state.coherence = if stabilizes & 1 == 1 {
            stabilized(state.coherence)
        } else {
            state.coherence.checked_sub(*drop)?
        };
        stabilizes >>= 1;
    }
    (!program.drops_beyond_range).then_some(state)
}

/// The same, telling each step and stopping at the first that leaves the range.
pub(crate) fn run_traced(
    vault: &Vault,
    glyph: GlyphIndex,
    tracer: Tracer<'_>,
) -> Result<FieldState, ActivationError> {
    let definition = &vault.definition(glyph);
    tracer(Step::Start, &definition.own_state());
    let mut state = *vault.inherited(glyph);
    if !definition.parents.is_empty() {
        tracer(Step::Inherit(definition), &state);
    }
    if !is_finite(&state) {
        return Err(non_finite(definition, None));
    }
    let ops = vault.program(glyph).ops(&definition.program);
    for ((position, command), op) in definition.program.iter().enumerate().zip(ops) {
        let in_range = apply(&op, &mut state);
        tracer(Step::Command(command), &state);
        if !in_range || !is_finite(&state) {
            return Err(non_finite(definition, Some((position, command))));
        }
    }
    Ok(state)
}

/// Applies one operation; whether the coherence stayed in its range. It keeps its value if not.
fn apply(op: &Op, state: &mut FieldState) -> bool {
    match *op {
        Op::Resonate(factor) => state.resonance *= factor,
        Op::Entangle {
            entanglement,
            resonance,
        } => {
            state.entanglement += entanglement;
            state.resonance += resonance;
        }
        Op::Amplify(factor) => state.magnitude *= factor,
        Op::PhaseShift(degrees) => state.phase += degrees,
        Op::Stabilize => state.coherence = stabilized(state.coherence),
        Op::Decay { keep, drop } => {
            state.magnitude *= keep;
            let Some(coherence) = state.coherence.checked_sub(drop) else {
                return false;
            };
            state.coherence = coherence;
        }
        Op::DecayBeyondRange => return false,
    }
    true
}

fn stabilized(coherence: i64) -> i64 {
    if coherence > COHERENCE_NEARLY_FULL {
        COHERENCE_FULL
    } else {
        coherence + COHERENCE_STEP
    }
}

fn is_finite(state: &FieldState) -> bool {
    // 0 times a finite number is 0, and times any other no number: one comparison for all four.
    let zeros = [
        state.resonance * 0.0,
        state.magnitude * 0.0,
        state.phase * 0.0,
        state.entanglement * 0.0,
    ];
    (zeros[0] + zeros[1]) + (zeros[2] + zeros[3]) == 0.0
}

/// Runs a failing program once more to tell at which step it fails.
#[cold]
fn first_failure(vault: &Vault, glyph: GlyphIndex) -> ActivationError {
    match run_traced(vault, glyph, &mut |_, _| {}) {
        Err(error) => error,
        Ok(_) => unreachable!("plain and traced runs compute the same"),
    }
}

fn non_finite(definition: &Definition, at: Option<(usize, &Command)>) -> ActivationError {
    ActivationError::NonFinite {
        glyph: definition.id.clone(),
        step: match at {
            None => "the inheritance".to_string(),
            Some((position, command)) => format!("command {}, {command}", position + 1),
        },
    }
}

//! Runs programs, plain or with a trace.
//!
//! Invariants:
//! - [`run`], by lanes, and [`run_by_steps`], command by command, compute the same bits: each field goes
//!   through the same operations in the same order;
//! - a value that is not finite stays so through every operation, therefore one check at the
//!   end finds it; only the coherence, an integer, has a check of its own.

use crate::ActivationError;
use abi::response::FieldState;
use alloc::format;
use alloc::string::ToString;
use core::fmt;
use glyph_compiler::{GlyphIndex, Op, Vault};
use glyph_parser::{Command, Definition};

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

/// Runs the program of `glyph` on its inherited state, lane by lane; `None` if it may leave its range.
// As is all that an activation by lanes calls: each call would hand numbers over in memory.
#[inline(always)]
pub(crate) fn run(vault: &Vault, glyph: GlyphIndex) -> Option<FieldState> {
    let program = vault.program(glyph);
    let (start, steps) = program.rows.split_first()?;
    let mut row = *start;
    let mut multiplies = program.multiplies;
    for step in steps {
        if multiplies & 1 == 1 {
            row.resonance *= step.resonance;
        } else {
            row.resonance += step.resonance;
        }
        multiplies >>= 1;
        row.magnitude *= step.magnitude;
        let [phase, entanglement] = step.sums;
        row.sums = [row.sums[0] + phase, row.sums[1] + entanglement];
    }
    Some(row.state(program.coherence.after(program.start)?))
}

/// The same, telling each step and stopping at the first that leaves the range.
pub(crate) fn run_by_steps(
    vault: &Vault,
    glyph: GlyphIndex,
    tracer: Tracer<'_>,
) -> Result<FieldState, ActivationError> {
    let definition = &vault.definition(glyph);
    tracer(Step::Start, &definition.own_state());
    let mut state = vault.inherited(glyph);
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
        Op::Decay { keep, .. } => state.magnitude *= keep,
        Op::Stabilize | Op::DecayBeyondRange => {}
    }
    let coherence = op.coherence(state.coherence);
    state.coherence = coherence.unwrap_or(state.coherence);
    coherence.is_some()
}

/// Whether every number of the state is.
#[inline]
pub(crate) fn is_finite(state: &FieldState) -> bool {
    // 0 times a finite number is 0, and times any other no number: one comparison for all four.
    let zeros = [
        state.resonance * 0.0,
        state.magnitude * 0.0,
        state.phase * 0.0,
        state.entanglement * 0.0,
    ];
    (zeros[0] + zeros[1]) + (zeros[2] + zeros[3]) == 0.0
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

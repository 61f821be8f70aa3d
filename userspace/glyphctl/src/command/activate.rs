//! `glyphctl activate`: activations on a host, computed as the kernel computes them.
//!
//! Owns the form of the answer. Glyphs are activated in the order given, and what was
//! activated before counts for the constraints of what follows, as it does on a node.

use std::io::Write;
use std::path::PathBuf;

use abi::GlyphId;
use abi::response::{Activation, FieldState};
use clap::Args;
use glyph_compiler::{GlyphIndex, Vault};
use glyph_interpreter::{Interpreter, Step};
use serde::Serialize;

use crate::failure::Failure;
use crate::vault;

/// `glyphctl activate --vault DIR [--json] [--trace] [--with-parents] ID...`
#[derive(Args)]
pub(crate) struct Activate {
    /// Folder of the vault
    #[arg(long, value_name = "DIR")]
    vault: PathBuf,
    /// Print one JSON object for each activation, and with --trace for each step before it
    #[arg(long)]
    json: bool,
    /// Print each step with the state before and after it
    #[arg(long)]
    trace: bool,
    /// Activate the ancestors of each glyph first, parents before their children
    #[arg(long)]
    with_parents: bool,
    /// Glyphs to activate, in this order
    #[arg(required = true, value_name = "ID", value_parser = glyph_id)]
    glyphs: Vec<GlyphId>,
}

pub(super) fn glyph_id(text: &str) -> Result<GlyphId, String> {
    GlyphId::new(text).map_err(|error| error.to_string())
}

/// A state as one line of JSON; the order of the keys is promised to scripts.
#[derive(Serialize)]
struct StateLine<'a> {
    glyph_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    #[serde(flatten)]
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<State>,
}

/// The five values of a state.
#[derive(Serialize)]
struct State {
    resonance: f64,
    magnitude: f64,
    phase: f64,
    coherence: i64,
    entanglement: f64,
}

impl From<&FieldState> for State {
    fn from(state: &FieldState) -> Self {
        State {
            resonance: state.resonance,
            magnitude: state.magnitude,
            phase: state.phase,
            coherence: state.coherence,
            entanglement: state.entanglement,
        }
    }
}

impl Activate {
    /// Activates one glyph after the other, up to the first that is refused.
    ///
    /// # Errors
    /// If the vault cannot be read, or a glyph is not there, not sound or refused.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let loaded = vault::load(&self.vault)?;
        loaded.note_errors(&self.vault);
        let vault = &loaded.vault;
        let mut interpreter = Interpreter::new(vault);
        for id in &self.glyphs {
            let glyph = loaded.find(&self.vault, id)?;
            let mut order = match self.with_parents {
                true => vault.ancestors_in_order(glyph),
                false => Vec::new(),
            };
            order.push(glyph);
            for glyph in order {
                let activation = self.activate_one(vault, &mut interpreter, glyph)?;
                self.print(&activation, out)?;
            }
        }
        Ok(())
    }

    fn activate_one(
        &self,
        vault: &Vault,
        interpreter: &mut Interpreter,
        glyph: GlyphIndex,
    ) -> Result<Activation, Failure> {
        let mut trace = Vec::new();
        let mut keep = |step: Step<'_>, state: &FieldState| trace.push((step.to_string(), *state));
        let outcome = match self.trace {
            true => interpreter.activate(vault, glyph, Some(&mut keep)),
            false => interpreter.activate(vault, glyph, None),
        };
        let outcome = outcome.map_err(|refusal| Failure::new(refusal.to_string()))?;
        interpreter.commit(glyph);
        Ok(outcome.report(vault.id(glyph), trace))
    }

    fn print(&self, activation: &Activation, out: &mut dyn Write) -> Result<(), Failure> {
        if !self.json {
            return print_for_people(activation, out);
        }
        let glyph = &activation.glyph;
        let last = StateLine {
            glyph_id: glyph.as_str(),
            step: None,
            state: (&activation.state).into(),
            before: None,
        };
        let steps = steps(activation).map(|(step, before, after)| StateLine {
            glyph_id: glyph.as_str(),
            step: Some(step),
            state: after.into(),
            before: before.map(State::from),
        });
        for line in steps.chain([last]) {
            let json = serde_json::to_string(&line).map_err(std::io::Error::from)?;
            writeln!(out, "{json}")?;
        }
        Ok(())
    }
}

/// Each step with the state before it, if it is not the first, and the state after it.
fn steps(
    activation: &Activation,
) -> impl Iterator<Item = (&str, Option<&FieldState>, &FieldState)> {
    let states = activation.trace.iter().map(|(_, state)| state);
    let before = std::iter::once(None).chain(states.map(Some));
    let steps = activation.trace.iter().zip(before);
    steps.map(|((step, after), before)| (step.as_str(), before, after))
}

/// `NAME BEFORE -> AFTER`, or `NAME AFTER` where nothing changed.
fn change<T: std::fmt::Display + PartialEq>(name: &str, before: T, after: T) -> String {
    if before == after {
        format!(" {name} {after}")
    } else {
        format!(" {name} {before} -> {after}")
    }
}

/// Prints an activation as a table, and what a node would do to its substrate.
fn print_for_people(activation: &Activation, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "glyph {}", activation.glyph)?;
    for (step, before, after) in steps(activation) {
        let before = before.unwrap_or(after);
        writeln!(
            out,
            "  {step}:{}{}{}{}{}",
            change("R", before.resonance, after.resonance),
            change("M", before.magnitude, after.magnitude),
            change("P", before.phase, after.phase),
            change("C", before.coherence, after.coherence),
            change("E", before.entanglement, after.entanglement)
        )?;
    }
    let state = &activation.state;
    writeln!(out, "  resonance     {} Hz", state.resonance)?;
    writeln!(out, "  magnitude     {}", state.magnitude)?;
    writeln!(out, "  phase         {} degrees", state.phase)?;
    writeln!(out, "  coherence     {} %", state.coherence)?;
    writeln!(out, "  entanglement  {}", state.entanglement)?;
    match activation.cell {
        Some(cell) => write!(out, "  on a node     writes cell {cell}")?,
        None => write!(out, "  on a node     writes no cell")?,
    }
    let wave = match activation.wave {
        true => ", starts a wave",
        false => ", starts no wave",
    };
    writeln!(out, "{wave}")?;
    Ok(())
}

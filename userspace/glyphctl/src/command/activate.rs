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
    /// Print each step and the state after it
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
    resonance: f64,
    magnitude: f64,
    phase: f64,
    coherence: i64,
    entanglement: f64,
}

impl<'a> StateLine<'a> {
    fn new(glyph: &'a GlyphId, step: Option<&'a str>, state: &FieldState) -> Self {
        StateLine {
            glyph_id: glyph.as_str(),
            step,
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
        Ok(outcome.report(vault.id(glyph).clone(), trace))
    }

    fn print(&self, activation: &Activation, out: &mut dyn Write) -> Result<(), Failure> {
        if !self.json {
            return print_for_people(activation, out);
        }
        let glyph = &activation.glyph;
        let steps = activation
            .trace
            .iter()
            .map(|(step, state)| StateLine::new(glyph, Some(step), state));
        for line in steps.chain([StateLine::new(glyph, None, &activation.state)]) {
            let json = serde_json::to_string(&line).map_err(std::io::Error::from)?;
            writeln!(out, "{json}")?;
        }
        Ok(())
    }
}

/// Prints an activation as a table, and what a node would do to its substrate.
fn print_for_people(activation: &Activation, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "glyph {}", activation.glyph)?;
    for (step, state) in &activation.trace {
        writeln!(
            out,
            "  {step}: R {} M {} P {} C {} E {}",
            state.resonance, state.magnitude, state.phase, state.coherence, state.entanglement
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

//! The vault and the interpreter: loading, listing, showing, activating.
//!
//! Owns both, and the errors of loading. An activation is computed, its effects land in the
//! substrate together or not at all, and only then does the glyph count as active.

use crate::Node;
use crate::ports::Machine;
use abi::request::{Activate, Include};
use abi::response::{Activation, FieldState};
use abi::suggest::nearest;
use abi::{Fault, FaultCode, GlyphId, Response};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use glyph_archive::Archive;
use glyph_compiler::{GlyphIndex, Limits, Vault};
use glyph_interpreter::{Effects, Interpreter, Step};
use governance::Policy;
use substrate::{Effect, Substrate, SubstrateError};
use telemetry::{EventKind, Histogram, WordCounter};

/// Why an activation failed whose effects the substrate refused.
pub(crate) const SUBSTRATE_REASON: &str = "substrate";
/// Most characters of an error's text in a fault, so that a vault cannot flood a console.
const FAULT_TEXT_BYTES_MAX: usize = 400;
/// Most ids that a missing one is compared with, so that the answer stays instant in any vault.
const COMPARISONS_MAX: usize = 4096;

/// The vault, and what of it is active.
pub(crate) struct Glyphs {
    pub(crate) vault: Vault,
    pub(crate) interpreter: Interpreter,
    /// Each error of loading as a person reads it.
    pub(crate) errors: Vec<String>,
}

impl Glyphs {
    /// Loads the files of a vault for a substrate of `cells` cells.
    pub(crate) fn load(files: &[(&str, &[u8])], cells: u64) -> Self {
        let limits = Limits {
            cells,
            ..Limits::default()
        };
        let (vault, errors) = Vault::load(files.iter().copied(), &limits);
        let interpreter = Interpreter::new(&vault);
        Glyphs {
            vault,
            interpreter,
            errors: crate::lines(errors),
        }
    }

    /// Loads what a signed archive holds; the policy too, if it brings a sound one.
    pub(crate) fn of_archive(archive: &Archive<'_>, cells: u64) -> (Self, Option<Policy>) {
        let files: Vec<_> = archive.files().collect();
        let mut glyphs = Glyphs::load(&files, cells);
        match archive.policy().map(Policy::parse) {
            Some(Ok(policy)) => (glyphs, Some(policy)),
            Some(Err(error)) => {
                glyphs.errors.push(error.to_string());
                (glyphs, None)
            }
            None => (glyphs, None),
        }
    }

    pub(crate) fn find(&self, id: &GlyphId) -> Result<GlyphIndex, Fault> {
        if let Some(glyph) = self.vault.find(id) {
            return Ok(glyph);
        }
        if self.vault.is_refused(id) {
            return Err(Fault::new(
                FaultCode::GlyphRefused,
                format!("{id} was refused when the vault was loaded: type `vault errors`"),
            ));
        }
        let ids = self.vault.glyphs().take(COMPARISONS_MAX);
        let ids = ids.map(|glyph| self.vault.id_text(glyph));
        Err(Fault::new(
            FaultCode::NotFound,
            match nearest(id.as_str(), ids) {
                Some(near) => format!("there is no glyph {id}; did you mean `{near}`?"),
                None => format!("there is no glyph {id}: type `vault list`"),
            },
        ))
    }

    pub(crate) fn list(&self) -> Response {
        let summary = |glyph| self.interpreter.summary(&self.vault, glyph);
        Response::VaultList(self.vault.glyphs().map(summary).collect())
    }

    pub(crate) fn show(&self, glyph: GlyphIndex) -> Response {
        Response::Glyph(self.interpreter.detail(&self.vault, glyph))
    }

    pub(crate) fn tree(&self, id: &GlyphId) -> Result<Response, Fault> {
        Ok(Response::Text(self.vault.tree(self.find(id)?)))
    }

    /// Computes one activation, applies it to the field and makes it count.
    pub(crate) fn activate(
        &mut self,
        field: &mut Substrate,
        glyph: GlyphIndex,
        trace: Include,
    ) -> Result<Activation, Failure> {
        let mut steps: Vec<(String, FieldState)> = Vec::new();
        let mut keep = |step: Step<'_>, state: &FieldState| steps.push((step.to_string(), *state));
        let outcome = match trace {
            Include::Yes => self
                .interpreter
                .activate(&self.vault, glyph, Some(&mut keep)),
            Include::No => self.interpreter.activate(&self.vault, glyph, None),
        };
        let outcome = outcome.map_err(|error| Failure {
            reason: error.reason(),
            fault: Fault::from(*error),
        })?;
        apply(field, &outcome.effects()).map_err(|error| Failure {
            reason: SUBSTRATE_REASON,
            fault: Fault::from(error),
        })?;
        self.interpreter.commit(glyph);
        Ok(outcome.report(self.vault.id(glyph), steps))
    }
}

/// Why an activation came to nothing, with the word for its metric.
pub(crate) struct Failure {
    pub(crate) reason: &'static str,
    pub(crate) fault: Fault,
}

/// Brings an activation's effects to the field, together or not at all.
pub(crate) fn apply(field: &mut Substrate, effects: &Effects) -> Result<(), SubstrateError> {
    let write = effects.write.map(|write| Effect::Write {
        cell: write.cell,
        magnitude: write.magnitude,
        phase: write.phase,
        coherence: write.coherence,
    });
    let wave = effects.wave.map(|wave| Effect::Wave {
        origin: wave.origin,
        amplitude: wave.amplitude,
        frequency: wave.frequency,
    });
    match (write, wave) {
        (Some(write), Some(wave)) => field.apply(&[write, wave]),
        (Some(effect), None) | (None, Some(effect)) => field.apply(&[effect]),
        (None, None) => Ok(()),
    }
}

impl<M: Machine> Node<M> {
    pub(crate) fn activate(&mut self, request: &Activate) -> Result<Response, Fault> {
        let glyph = self.find_glyph(&request.glyph)?;
        let mut order = vec![];
        if request.parents == Include::Yes {
            self.need_whole_vault()?;
            order = self.glyphs.vault.ancestors_in_order(glyph);
        }
        order.push(glyph);
        let mut activations = Vec::with_capacity(order.len());
        for (done, glyph) in order.into_iter().enumerate() {
            match self.activate_one(glyph, request.trace) {
                Ok(activation) => activations.push(activation),
                Err(fault) if done == 0 => return Err(fault),
                Err(fault) => {
                    let text = format!("{} ({done} ancestors were activated before)", fault.text);
                    return Err(Fault::new(fault.code, text));
                }
            }
        }
        Ok(Response::Activated(activations))
    }

    fn activate_one(&mut self, glyph: GlyphIndex, trace: Include) -> Result<Activation, Fault> {
        let began = self.machine.monotonic_ns();
        let result = self.glyphs.activate(&mut self.substrate, glyph, trace);
        let ended = self.machine.monotonic_ns();
        let took = ended.saturating_sub(began);
        match result {
            Ok(activation) => {
                self.journal.metrics().activated(glyph.position(), took);
                if activation.cell.is_some() || activation.wave {
                    self.journal
                        .metrics()
                        .observe(Histogram::SubstrateUpdate, took);
                }
                Ok(activation)
            }
            Err(Failure { reason, mut fault }) => {
                self.journal
                    .metrics()
                    .add_word(WordCounter::ActivationFailures, reason, 1);
                self.journal
                    .event(ended, EventKind::ActivationFailed, &fault.text);
                if fault.text.len() > FAULT_TEXT_BYTES_MAX {
                    let cut = fault.text.floor_char_boundary(FAULT_TEXT_BYTES_MAX);
                    fault.text.truncate(cut);
                }
                Err(fault)
            }
        }
    }
}

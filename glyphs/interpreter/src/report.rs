//! Glyphs and activations in the vocabulary that nodes and consoles share.

use crate::{Interpreter, Outcome};
use abi::GlyphId;
use abi::response::{Activation, FieldState, GlyphDetail, GlyphSummary};
use alloc::string::String;
use alloc::vec::Vec;
use glyph_compiler::{GlyphIndex, Vault};

impl Interpreter {
    /// The glyph in a list.
    #[must_use]
    pub fn summary(&self, vault: &Vault, glyph: GlyphIndex) -> GlyphSummary {
        GlyphSummary {
            id: vault.id(glyph),
            home: vault.home(glyph),
            generations: vault.generations(glyph),
            commands: vault.command_count(glyph),
            activations: self.activations(glyph),
        }
    }

    /// The glyph in full, its definition in canonical text.
    #[must_use]
    pub fn detail(&self, vault: &Vault, glyph: GlyphIndex) -> GlyphDetail {
        GlyphDetail {
            summary: self.summary(vault, glyph),
            definition: glyph_parser::print(&vault.definition(glyph)),
        }
    }
}

impl Outcome {
    /// The report of an activation whose effects have been applied.
    #[must_use]
    pub fn report(&self, glyph: GlyphId, trace: Vec<(String, FieldState)>) -> Activation {
        Activation {
            glyph,
            state: self.state,
            cell: self.writes_field_state.then_some(self.home),
            wave: self.starts_wave,
            trace,
        }
    }
}

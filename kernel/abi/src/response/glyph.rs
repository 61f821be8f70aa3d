//! Answers about glyphs: lists, definitions, activations.

use crate::{CellIndex, GlyphId};
use alloc::string::String;
use alloc::vec::Vec;

/// A glyph in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct GlyphSummary {
    /// Its id.
    pub id: GlyphId,
    /// Its home cell.
    pub home: CellIndex,
    /// Generations of ancestors above it.
    pub generations: u32,
    /// Commands in its program.
    pub commands: u32,
    /// Times activated since boot.
    pub activations: u64,
}

/// A glyph in full.
#[derive(Clone, Debug, PartialEq)]
pub struct GlyphDetail {
    /// The short form.
    pub summary: GlyphSummary,
    /// The definition in canonical GDF text.
    pub definition: String,
}

/// State of a field: the five numbers that a glyph computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldState {
    /// `R`, in hertz.
    pub resonance: f64,
    /// `M`.
    pub magnitude: f64,
    /// `P`, in degrees.
    pub phase: f64,
    /// `C`, in percent.
    pub coherence: i64,
    /// `E`.
    pub entanglement: f64,
}

/// The result of one activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// The glyph.
    pub glyph: GlyphId,
    /// Its final state.
    pub state: FieldState,
    /// The cell that was written, if `field_state` is among its outputs.
    pub cell: Option<CellIndex>,
    /// Whether a wave started at its home cell.
    pub wave: bool,
    /// Step by step, if asked for: what was done and the state after it.
    pub trace: Vec<(String, FieldState)>,
}

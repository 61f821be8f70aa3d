//! What an activation does to the substrate.
//!
//! Section "What an activation does to the substrate" of the GDF specification. Normalizing
//! (clamping, wrapping) is the business of the cell write itself.

use crate::{Outcome, run};
use abi::CellIndex;
use abi::response::FieldState;
use glyph_compiler::{GlyphIndex, Vault};

/// Magnitude of a cell for a magnitude of 1 of a state.
const CELL_MAGNITUDE: f64 = 100.0;
/// Coherence of a cell for one percent of a state's coherence.
const CELL_COHERENCE: f64 = 10.0;

/// What is to happen to the substrate, all of it or none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effects {
    /// The write of the home cell, if `field_state` is among the outputs.
    pub write: Option<CellWrite>,
    /// The wave from the home cell, if `resonance` is among the outputs.
    pub wave: Option<Wave>,
}

/// A write of one cell; all values are finite and not yet clamped or wrapped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellWrite {
    /// The cell.
    pub cell: CellIndex,
    /// `100 * M`
    pub magnitude: f64,
    /// `P` in radians.
    pub phase: f64,
    /// `10 * C`
    pub coherence: f64,
}

/// A wave; both values are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wave {
    /// Where it starts.
    pub origin: CellIndex,
    /// `M`
    pub amplitude: f64,
    /// `R`
    pub frequency: f64,
}

impl Outcome {
    /// Of `glyph`, with its final state.
    #[inline(always)]
    pub(crate) fn of(vault: &Vault, glyph: GlyphIndex, state: FieldState) -> Self {
        Outcome {
            state,
            home: vault.home(glyph),
            writes_field_state: vault.writes_field_state(glyph),
            starts_wave: vault.starts_wave(glyph),
        }
    }

    /// Whether every number of the state and of the effects is finite.
    #[inline]
    pub(crate) fn is_finite(&self) -> bool {
        let scale = if self.writes_field_state {
            CELL_MAGNITUDE
        } else {
            1.0
        };
        run::is_finite(&FieldState {
            magnitude: scale * self.state.magnitude,
            ..self.state
        })
    }

    /// What is to happen to the substrate.
    #[must_use]
    #[inline]
    pub fn effects(&self) -> Effects {
        let state = &self.state;
        Effects {
            write: self.writes_field_state.then(|| CellWrite {
                cell: self.home,
                magnitude: CELL_MAGNITUDE * state.magnitude,
                phase: state.phase.to_radians(),
                coherence: CELL_COHERENCE * coherence(state),
            }),
            wave: self.starts_wave.then_some(Wave {
                origin: self.home,
                amplitude: state.magnitude,
                frequency: state.resonance,
            }),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "beyond 2^53 percent a cell clamps the value anyway"
)]
fn coherence(state: &FieldState) -> f64 {
    state.coherence as f64
}

//! Why an activation was refused.
//!
//! Invariant: a refused activation has changed nothing.

use abi::{Fault, FaultCode, GlyphId};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use glyph_parser::Constraint;

/// Why an activation was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum ActivationError {
    /// A constraint does not hold.
    Constraint {
        /// The glyph.
        glyph: GlyphId,
        /// The first of its constraints that does not hold.
        constraint: Constraint,
        /// The compared value after inheritance; `None` for a constraint on parents.
        actual: Option<f64>,
        /// Parents that are not active, each once; empty for a comparison.
        missing: Vec<GlyphId>,
    },
    /// The arithmetic left the finite numbers, or the coherence its 64 bits.
    NonFinite {
        /// The glyph.
        glyph: GlyphId,
        /// The step at which it did: the inheritance, a command with its position, an effect.
        step: String,
    },
}

impl ActivationError {
    /// Every word that [`ActivationError::reason`] gives.
    pub const REASONS: [&'static str; 2] = ["constraint", "non_finite"];

    /// Label for the metric `glyphos_glyph_activation_failures_total{reason}`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            ActivationError::Constraint { .. } => "constraint",
            ActivationError::NonFinite { .. } => "non_finite",
        }
    }
}

impl fmt::Display for ActivationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActivationError::Constraint {
                glyph,
                constraint,
                actual: Some(actual),
                ..
            } => write!(
                out,
                "{glyph} needs {constraint}, but after inheritance it is {actual}"
            ),
            ActivationError::Constraint {
                glyph,
                constraint,
                missing,
                ..
            } => {
                write!(out, "{glyph} has {constraint}, and not active is ")?;
                for (position, id) in missing.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(out, "{separator}{id}")?;
                }
                write!(out, ": try `activate {glyph} --with-parents`")
            }
            ActivationError::NonFinite { glyph, step } => write!(
                out,
                "{glyph} leaves the range of its numbers at {step}; nothing was changed"
            ),
        }
    }
}

impl core::error::Error for ActivationError {}

impl From<ActivationError> for Fault {
    fn from(error: ActivationError) -> Self {
        let code = match error {
            ActivationError::Constraint { .. } => FaultCode::Constraint,
            ActivationError::NonFinite { .. } => FaultCode::NonFinite,
        };
        Fault::new(code, error.to_string())
    }
}

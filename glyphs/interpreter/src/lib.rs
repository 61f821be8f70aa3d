//! Activates compiled glyphs.
//!
//! Owns which glyphs are active since boot and the running of programs. [`Interpreter::activate`]
//! computes what an activation gives and changes nothing; the node applies the [`Effects`] to
//! the substrate, all or none of them, and then calls [`Interpreter::commit`].
//!
//! Invariants:
//! - a successful activation allocates nothing, searches nothing and walks no ancestors (a glyph
//!   that requires its parents looks at those alone), unless it is traced or its coherence comes within
//!   a thousand percent of the ends of its 64 bits;
//! - every number of an [`Outcome`] is finite;
//! - the same vault and history give the same bits on every machine: each operation is one
//!   rounded `f64` operation in the order of the program.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod activity;
mod constraint;
mod effects;
mod error;
mod report;
mod run;

pub use effects::{CellWrite, Effects, Wave};
pub use error::ActivationError;
pub use run::{Step, Tracer};

use abi::CellIndex;
use abi::response::FieldState;
use activity::Activity;
use alloc::boxed::Box;
use alloc::string::String;
use core::ops::Range;
use glyph_compiler::{GlyphIndex, Vault};

/// What an activation gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The final state.
    pub state: FieldState,
    /// The glyph's home cell, and what it does there.
    home: CellIndex,
    writes_field_state: bool,
    starts_wave: bool,
}

/// The activity of one vault's glyphs since boot.
///
/// # Panics
/// Methods panic if a [`GlyphIndex`] comes from another, larger vault than the one given to
/// [`Interpreter::new`]: that is a broken invariant of the caller.
#[derive(Clone, Debug)]
pub struct Interpreter {
    activity: Activity,
}

impl Interpreter {
    /// Nothing of `vault` is active yet.
    #[must_use]
    pub fn new(vault: &Vault) -> Self {
        Interpreter {
            activity: Activity::none(vault.len()),
        }
    }

    /// Times that the glyph was activated since boot, as [`Interpreter::mend`] left it.
    #[must_use]
    pub fn activations(&self, glyph: GlyphIndex) -> u64 {
        self.activity.get(glyph.position())
    }

    /// Whether the glyph was activated since boot.
    #[must_use]
    pub fn is_active(&self, glyph: GlyphIndex) -> bool {
        self.activations(glyph) > 0
    }

    /// Computes an activation of `glyph` without making it active.
    ///
    /// `tracer` is told each step and the state after it, also of an activation that then
    /// fails: the start, the inheritance, then each command.
    ///
    /// # Errors
    /// [`ActivationError`] if a constraint does not hold or the arithmetic leaves the finite
    /// numbers or the range of a coherence. It is boxed, since a caller who passes a result on would move
    /// room for the whole error with every outcome, which costs as much as the activation.
    pub fn activate(
        &self,
        vault: &Vault,
        glyph: GlyphIndex,
        tracer: Option<Tracer<'_>>,
    ) -> Result<Outcome, Box<ActivationError>> {
        if tracer.is_none()
            && constraint::is_open(self, vault, glyph)
            && let Some(outcome) = by_lanes(vault, glyph)
        {
            return Ok(outcome);
        }
        self.activate_with_questions(vault, glyph, tracer)
    }

    /// The same with every question asked: for a first activation, for a tracer, and to tell why one comes to
    /// nothing.
    #[cold]
    fn activate_with_questions(
        &self,
        vault: &Vault,
        glyph: GlyphIndex,
        tracer: Option<Tracer<'_>>,
    ) -> Result<Outcome, Box<ActivationError>> {
        constraint::check(self, vault, glyph)?;
        if tracer.is_none()
            && let Some(outcome) = by_lanes(vault, glyph)
        {
            return Ok(outcome);
        }
        let state = run::run_by_steps(vault, glyph, tracer.unwrap_or(&mut |_, _| {}))?;
        let outcome = Outcome::of(vault, glyph, state);
        if !outcome.is_finite() {
            return Err(Box::new(ActivationError::NonFinite {
                glyph: vault.id(glyph),
                step: String::from("the write of its home cell"),
            }));
        }
        Ok(outcome)
    }

    /// Makes `glyph` active: its effects have been applied.
    pub fn commit(&mut self, glyph: GlyphIndex) {
        self.activity.add_one(glyph.position());
    }

    /// Lets the counts that memory has damaged begin anew at 0, of the glyphs at these positions; how many.
    pub fn mend(&mut self, positions: Range<usize>) -> usize {
        self.activity.mend(positions)
    }

    /// Damages a count on purpose: flips bit `bit` of it; whether there is one.
    pub fn flip(&mut self, glyph: GlyphIndex, bit: usize) -> bool {
        self.activity.flip(glyph.position(), bit)
    }
}

/// Computes an activation that no constraint refuses; `None` if it may leave the range of its numbers.
#[inline(always)]
fn by_lanes(vault: &Vault, glyph: GlyphIndex) -> Option<Outcome> {
    let outcome = Outcome::of(vault, glyph, run::run(vault, glyph)?);
    outcome.is_finite().then_some(outcome)
}

#[cfg(test)]
mod tests;

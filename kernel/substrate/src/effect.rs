//! What a glyph's activation does to the field, applied all or not at all.

use crate::error::SubstrateError;
use crate::wave::Reach;
use crate::{Normal, Substrate};
use abi::CellIndex;

/// One change to the field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// As [`Substrate::write`].
    Write {
        /// The cell.
        cell: CellIndex,
        /// Magnitude, clamped to 0..=1000.
        magnitude: f64,
        /// Phase in radians, wrapped to one turn.
        phase: f64,
        /// Coherence, clamped to 0..=1000.
        coherence: f64,
    },
    /// As [`Substrate::wave`].
    Wave {
        /// Where it starts.
        origin: CellIndex,
        /// Amplitude.
        amplitude: f64,
        /// Frequency.
        frequency: f64,
    },
}

impl Substrate {
    /// Applies `effects` in their order if every one of them can be, else none.
    ///
    /// A wave may reach a poisoned cell that an earlier effect writes.
    ///
    /// # Errors
    /// The refusal of the first effect that cannot be applied; nothing was changed then.
    /// [`SubstrateError::Poisoned`] also if memory falls beyond repair between check and
    /// change: everything but the lost cells is applied then.
    pub fn apply(&mut self, effects: &[Effect]) -> Result<(), SubstrateError> {
        for (index, effect) in effects.iter().enumerate() {
            self.check(effect, effects.get(..index).unwrap_or_default())?;
        }
        let mut outcome = Ok(());
        for effect in effects {
            outcome = outcome.and(self.perform(effect));
        }
        outcome
    }

    /// Checks everything that could keep an effect from being applied after `earlier`.
    fn check(&mut self, effect: &Effect, earlier: &[Effect]) -> Result<(), SubstrateError> {
        match *effect {
            Effect::Write {
                cell,
                magnitude,
                phase,
                coherence,
            } => {
                self.guard.geometry.locate(cell)?;
                Normal::new(magnitude, phase, coherence).map(|_| ())
            }
            Effect::Wave {
                origin,
                amplitude,
                frequency,
            } => {
                let wave = self.plan_wave(origin, amplitude, frequency)?;
                self.survey(&wave, &mut Reach::default(), |reached| {
                    earlier.iter().any(
                        |other| matches!(other, Effect::Write { cell, .. } if *cell == reached),
                    )
                })
            }
        }
    }

    fn perform(&mut self, effect: &Effect) -> Result<(), SubstrateError> {
        match *effect {
            Effect::Write {
                cell,
                magnitude,
                phase,
                coherence,
            } => self.write(cell, magnitude, phase, coherence),
            Effect::Wave {
                origin,
                amplitude,
                frequency,
            } => {
                let wave = self.plan_wave(origin, amplitude, frequency)?;
                // Verified anew: earlier effects came in between. What was lost meanwhile is
                // told by the spreading.
                let mut reach = Reach::default();
                self.survey(&wave, &mut reach, |_| true)?;
                self.spread(&wave, &reach)
            }
        }
    }
}

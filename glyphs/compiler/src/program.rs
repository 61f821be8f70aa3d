//! Programs as operations with their constants in place.
//!
//! Invariant: an operation carries all that it needs; running it searches nothing.

use glyph_parser::{Command, Definition};

/// Share of a target's resonance that `entangle` adds.
const ENTANGLE_RESONANCE_SHARE: f64 = 0.2;

/// One operation, in the place of one [`Command`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// `R *= k`
    Resonate(f64),
    /// `E += entanglement; R += resonance`
    Entangle {
        /// The target's entanglement coefficient.
        entanglement: f64,
        /// A fifth of the target's resonance, hertz.
        resonance: f64,
    },
    /// `M *= k`
    Amplify(f64),
    /// `P += d`, degrees
    PhaseShift(f64),
    /// `C = 100 if C > 90 else C + 10`
    Stabilize,
    /// `M *= keep; C -= drop`
    Decay {
        /// `1 - k`
        keep: f64,
        /// `trunc(k * 10)`, percent.
        drop: i64,
    },
    /// A `decay` whose `trunc(k * 10)` no coherence can hold: running it fails.
    DecayBeyondRange,
}

impl Op {
    /// Compiles one command; `target` gives the definition that an `entangle` names.
    ///
    /// `None` if the target is not found.
    pub(crate) fn compile<'a>(
        command: &Command,
        target: impl FnOnce() -> Option<&'a Definition>,
    ) -> Option<Op> {
        Some(match command {
            Command::Resonate(factor) => Op::Resonate(*factor),
            Command::Amplify(factor) => Op::Amplify(*factor),
            Command::PhaseShift(degrees) => Op::PhaseShift(*degrees),
            Command::Stabilize => Op::Stabilize,
            Command::Entangle(_) => {
                let target = target()?;
                Op::Entangle {
                    entanglement: target.entanglement,
                    resonance: target.resonance * ENTANGLE_RESONANCE_SHARE,
                }
            }
            Command::Decay(share) => match truncate(*share * 10.0) {
                Some(drop) => Op::Decay {
                    keep: 1.0 - *share,
                    drop,
                },
                None => Op::DecayBeyondRange,
            },
        })
    }
}

/// Toward zero, if the result is an `i64`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is to be dropped and the range is checked"
)]
fn truncate(value: f64) -> Option<i64> {
    // 2^63 is the least f64 above every i64, and -2^63 an i64 itself.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (-BOUND..BOUND).contains(&value).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decay(share: f64) -> Option<Op> {
        Op::compile(&Command::Decay(share), || None)
    }

    #[test]
    fn decay_drops_toward_zero_and_knows_its_range() {
        assert_eq!(
            decay(0.25),
            Some(Op::Decay {
                keep: 0.75,
                drop: 2
            })
        );
        assert_eq!(
            decay(-0.25),
            Some(Op::Decay {
                keep: 1.25,
                drop: -2
            })
        );
        assert_eq!(
            decay(0.09),
            Some(Op::Decay {
                keep: 0.91,
                drop: 0
            })
        );
        assert_eq!(decay(1e300), Some(Op::DecayBeyondRange));
        assert_eq!(decay(f64::MAX), Some(Op::DecayBeyondRange));
        assert_eq!(decay(922_337_203_685_477_580.8), Some(Op::DecayBeyondRange));
        assert!(matches!(
            decay(-922_337_203_685_477_580.8),
            Some(Op::Decay { drop: i64::MIN, .. })
        ));
    }

    #[test]
    fn an_operation_is_small() {
        assert!(size_of::<Op>() <= 24);
    }
}

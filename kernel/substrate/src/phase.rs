//! Wraps a phase to one turn, exactly and in constant time.
//!
//! Invariants:
//! - the result is in [0, 2 pi), never negative zero;
//! - the remainder is that of `fmod`, which is exact, and 2 pi is added to a negative one;
//! - at most two 128-bit divisions, whatever the phase.

use core::f64::consts::TAU;

/// The double nearest to 2 pi is this whole number times 2^-50.
const TAU_MANTISSA: u128 = 0x19_21fb_5444_2d18;
/// Exponent of the last bit of [`TAU`].
const TAU_EXPONENT: i32 = -50;
/// Bits of an exponent that are reduced by a shift; the rest by a table.
const SHIFT_BITS: u32 = 5;

/// `2^(32 * i)` modulo [`TAU_MANTISSA`], for every exponent that a double can have.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where an index out of bounds is an error"
)]
const POWERS: [u128; 32] = {
    let mut powers = [1; 32];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = (powers[i - 1] << 32) % TAU_MANTISSA;
        i += 1;
    }
    powers
};

/// Wraps a finite phase, in radians, to [0, 2 pi).
#[inline]
pub(crate) fn wrap(phase: f64) -> f64 {
    if (0.0..TAU).contains(&phase) {
        // Turns negative zero into zero, and nothing else.
        return phase + 0.0;
    }
    raise(remainder(phase))
}

/// Adds a shift in (-2 pi, 2 pi) to a wrapped phase, and wraps the sum.
///
/// The same bits as [`wrap`] of the sum: subtracting 2 pi once is exact between 2 and 4 pi.
#[inline(always)]
pub(crate) fn advance(phase: f64, shift: f64) -> f64 {
    let sum = phase + shift;
    let (lowered, raised) = (sum - TAU, raise(sum));
    if sum >= TAU { lowered } else { raised }
}

/// The exact remainder of a finite phase by 2 pi, with the sign of the phase: `fmod`.
pub(crate) fn remainder(phase: f64) -> f64 {
    let magnitude = phase.abs();
    if magnitude < TAU {
        return phase;
    }
    let bits = magnitude.to_bits();
    let mantissa = u128::from((bits & ((1 << 52) - 1)) | (1 << 52));
    // At least 0, since the magnitude is at least 2 pi.
    let exponent = (bits >> 52) as i32 - 1075 - TAU_EXPONENT;
    let (table, shift) = (exponent as u32 >> SHIFT_BITS, exponent as u32 & 31);
    let low = (mantissa << shift) % TAU_MANTISSA;
    let power = POWERS.get(table as usize).copied().unwrap_or(1);
    let rest = (low * power) % TAU_MANTISSA;
    // Below 2^53, so the conversion and the scaling are exact.
    let value = rest as u64 as f64 * (1.0 / (1_u64 << 50) as f64);
    value.copysign(phase)
}

/// Brings a remainder in (-2 pi, 2 pi) into [0, 2 pi).
#[inline(always)]
fn raise(rest: f64) -> f64 {
    let raised = rest + TAU;
    // A tiny negative remainder rounds up to the full turn.
    let raised = if raised < TAU { raised } else { 0.0 };
    if rest < 0.0 { raised } else { rest + 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    fn expected(phase: f64) -> f64 {
        let rest = libm::fmod(phase, TAU);
        let raised = if rest < 0.0 { rest + TAU } else { rest };
        if raised >= TAU { 0.0 } else { raised + 0.0 }
    }

    #[test]
    fn extreme_phases_wrap_to_one_turn() {
        let cases = [
            0.0,
            -0.0,
            TAU,
            -TAU,
            1e300,
            -1e300,
            f64::MAX,
            f64::MIN,
            1e-320,
            -1e-320,
            -1e-17,
            1e8,
            1e17,
            6.283_185_307_179_587,
            2.0 * TAU,
            1e6,
            -3.0,
        ];
        for phase in cases {
            let wrapped = wrap(phase);
            assert!((0.0..TAU).contains(&wrapped), "{phase} gave {wrapped}");
            assert_eq!(wrapped.to_bits(), expected(phase).to_bits(), "{phase}");
        }
        assert_eq!(wrap(-1e-320).to_bits(), 0);
        assert_eq!(advance(TAU / 2.0, TAU / 2.0).to_bits(), 0);
    }

    proptest! {
        #[test]
        fn any_finite_phase_has_the_remainder_of_fmod(bits in any::<u64>()) {
            let phase = f64::from_bits(bits);
            if phase.is_finite() {
                assert_eq!(remainder(phase).to_bits(), libm::fmod(phase, TAU).to_bits());
                assert_eq!(wrap(phase).to_bits(), expected(phase).to_bits());
            }
        }

        #[test]
        fn a_shift_below_one_turn_advances_as_the_wrapped_sum(
            phase in 0.0..TAU,
            shift in -TAU..TAU,
        ) {
            let expected = wrap(phase + shift).to_bits();
            assert_eq!(advance(phase, shift).to_bits(), expected);
        }
    }
}

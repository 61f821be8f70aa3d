//! Numbers at least 0 with an `f64`'s precision and a far wider range.
//!
//! The factors that collapse an ancestry multiply from generation to generation and may leave
//! the range of `f64` although the value they are applied to is tiny or zero and the result is
//! an ordinary number. Rounding is that of `f64`.
//!
//! Invariant: `mantissa` is 0, or lies in [1, 2) and the value is `mantissa * 2^exponent`.

use core::cmp::Ordering;

/// A number at least 0; the exponent saturates far outside of what any `f64` can bring back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wide {
    mantissa: f64,
    exponent: i64,
}

const MANTISSA_BITS: i64 = 52;
const EXPONENT_BIAS: i64 = 1023;
const EXPONENT_MASK: u64 = 0x7ff << 52;

impl Wide {
    pub(crate) const ZERO: Wide = Wide {
        mantissa: 0.0,
        exponent: 0,
    };
    pub(crate) const ONE: Wide = Wide {
        mantissa: 1.0,
        exponent: 0,
    };

    /// Takes a finite number that is at least 0.
    pub(crate) fn new(value: f64) -> Self {
        debug_assert!(value >= 0.0 && value.is_finite());
        Wide {
            mantissa: value,
            exponent: 0,
        }
        .normalized()
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let (large, small) =
            if other.is_zero() || (!self.is_zero() && self.exponent >= other.exponent) {
                (self, other)
            } else {
                (other, self)
            };
        let distance = large.exponent.saturating_sub(small.exponent);
        if small.is_zero() || distance > MANTISSA_BITS + 2 {
            return large;
        }
        Wide {
            mantissa: large.mantissa + small.mantissa * power_of_two(-distance),
            exponent: large.exponent,
        }
        .normalized()
    }

    pub(crate) fn times(self, other: Self) -> Self {
        Wide {
            mantissa: self.mantissa * other.mantissa,
            exponent: self.exponent.saturating_add(other.exponent),
        }
        .normalized()
    }

    pub(crate) fn max(self, other: Self) -> Self {
        let key = |value: &Wide| (!value.is_zero(), value.exponent);
        let larger = match key(&self).cmp(&key(&other)) {
            Ordering::Equal => self.mantissa >= other.mantissa,
            order => order == Ordering::Greater,
        };
        if larger { self } else { other }
    }

    /// The nearest `f64`; infinity beyond its range.
    pub(crate) fn to_f64(self) -> f64 {
        if self.exponent > EXPONENT_BIAS {
            return f64::INFINITY;
        }
        // Two factors, since 2^-1074 and its like are no normal numbers.
        let clamped = self.exponent.max(-1200);
        let half = clamped / 2;
        self.mantissa * power_of_two(half) * power_of_two(clamped - half)
    }

    fn is_zero(self) -> bool {
        self.mantissa == 0.0
    }

    fn normalized(self) -> Self {
        if self.is_zero() {
            return Wide::ZERO;
        }
        let (mantissa, below) = if self.mantissa < f64::MIN_POSITIVE {
            (self.mantissa * power_of_two(64), 64)
        } else {
            (self.mantissa, 0)
        };
        let bits = mantissa.to_bits();
        let biased = i64::try_from((bits & EXPONENT_MASK) >> MANTISSA_BITS).unwrap_or(0);
        let one = (bits & !EXPONENT_MASK) | (1.0f64.to_bits() & EXPONENT_MASK);
        Wide {
            mantissa: f64::from_bits(one),
            exponent: self.exponent.saturating_add(biased - EXPONENT_BIAS - below),
        }
    }
}

/// `2^exponent` for exponents of normal numbers.
fn power_of_two(exponent: i64) -> f64 {
    let biased = (exponent + EXPONENT_BIAS).clamp(1, 2 * EXPONENT_BIAS);
    f64::from_bits(biased.unsigned_abs() << MANTISSA_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_numbers_compute_with_the_bits_of_f64() {
        let mut seed = 1_u64;
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1442695040888963407);
            (seed >> 11) as f64 / 4096.0
        };
        for _ in 0..10_000 {
            let (a, b) = (next(), next() * 1e-9);
            assert_eq!(
                Wide::new(a).times(Wide::new(b)).to_f64().to_bits(),
                (a * b).to_bits()
            );
            assert_eq!(
                Wide::new(a).plus(Wide::new(b)).to_f64().to_bits(),
                (a + b).to_bits()
            );
            assert_eq!(
                Wide::new(b).plus(Wide::new(a)).to_f64().to_bits(),
                (a + b).to_bits()
            );
        }
    }

    #[test]
    fn every_f64_comes_back() {
        for value in [0.0, 1.0, 0.1, f64::MAX, f64::MIN_POSITIVE, 5e-324, 3e-310] {
            assert_eq!(
                Wide::new(value).to_f64().to_bits(),
                value.to_bits(),
                "{value}"
            );
        }
    }

    #[test]
    fn factors_beyond_f64_come_back_when_the_value_is_tiny() {
        let huge = Wide::new(1e300).times(Wide::new(1e300));
        assert_eq!(huge.to_f64(), f64::INFINITY);
        let back = huge.times(Wide::new(1e-300)).times(Wide::new(1e-290));
        assert!((back.to_f64() / 1e10 - 1.0).abs() < 1e-14);
        assert_eq!(huge.times(Wide::ZERO).to_f64(), 0.0);
        assert_eq!(Wide::ZERO.plus(huge), huge);
        assert_eq!(Wide::new(1e-300).times(Wide::new(1e-300)).to_f64(), 0.0);
    }

    #[test]
    fn the_larger_of_two_numbers_is_found() {
        let numbers = [0.0, 5e-324, 1e-300, 0.75, 1.0, 1.5, 2.0, 1e300];
        for a in numbers {
            for b in numbers {
                assert_eq!(Wide::new(a).max(Wide::new(b)).to_f64(), a.max(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn exponents_saturate_instead_of_wrapping() {
        let mut value = Wide::new(1e308);
        for _ in 0..100 {
            value = value.times(value);
        }
        assert_eq!(value.to_f64(), f64::INFINITY);
        assert_eq!(value.plus(Wide::ONE).to_f64(), f64::INFINITY);
    }
}

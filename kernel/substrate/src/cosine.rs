//! The cosine of large angles, with the bits of `libm::cos` and in a fraction of its time.
//!
//! From 2^20 times pi/2 on the library reduces an angle by Payne and Hanek's method, on arrays of
//! 24-bit pieces in floating point. Between that and 2^47 the pieces are few and always the same
//! ones, so that whole numbers of 128 bits hold all of them at once; the rest, and what decides
//! the last bits, are the library's own steps in their order: `rem_pio2_large.rs`, `k_cos.rs` and
//! `k_sin.rs` of libm 0.2, after `k_rem_pio2.c`, `k_cos.c` and `k_sin.c` of FreeBSD, which say:
//!
//! Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunSoft, a Sun
//! Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is
//! freely granted, provided that this notice is preserved.
//!
//! Invariant: the bits are those of `libm::cos`, for every angle.

/// Bits of the first angle that the library reduces by Payne and Hanek's method.
const FIRST: u64 = 0x4139_21fb << 32;
/// Bits of 2^47: from here on other pieces of 2/pi count.
const END: u64 = (1023 + 47) << 52;
/// The first bits of 2/pi, 24 in a piece.
const TWO_OVER_PI: [u64; 5] = [0xa2_f983, 0x6e_4e44, 0x15_29fc, 0x27_57d1, 0xf5_34dd];
/// pi/2 in pieces of 24 bits, the highest first.
const HALF_PI: [f64; 5] = [
    f64::from_bits(0x3ff9_21fb_4000_0000),
    f64::from_bits(0x3e74_442d_0000_0000),
    f64::from_bits(0x3cf8_4698_8000_0000),
    f64::from_bits(0x3b78_cc51_6000_0000),
    f64::from_bits(0x39f0_1b83_8000_0000),
];
/// Bits of a piece.
const PIECE: u32 = 24;
/// A piece.
const MASK: u64 = (1 << PIECE) - 1;
/// Bits of the four lowest pieces of a product.
const LOW: u32 = 4 * PIECE;

/// The cosine of a finite angle in radians.
#[inline]
pub(crate) fn cos(angle: f64) -> f64 {
    let bits = angle.to_bits() & (u64::MAX >> 1);
    let reduced = if (FIRST..END).contains(&bits) {
        reduce(bits)
    } else {
        None
    };
    match reduced {
        Some((quarters, rest)) => of_rest(quarters, rest),
        None => libm::cos(angle),
    }
}

/// An angle, given by its bits, from [`FIRST`] to [`END`], as quarters of a turn and a rest in two
/// parts; `None` where the library takes more pieces of 2/pi to tell the rest.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "quarters count modulo 4, and pieces are masked"
)]
fn reduce(bits: u64) -> Option<(u64, [f64; 2])> {
    // The angle is three pieces times a power of 2.
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let (a, b, c) = (
        mantissa >> 29,
        (mantissa >> 5) & MASK,
        (mantissa & 31) << 19,
    );
    let [p, q, r, s, t] = TWO_OVER_PI;
    // The product with 2/pi as far as the library takes it; its highest bits are whole turns.
    let product = [a * p, a * q + b * p, a * r + b * q + c * p]
        .into_iter()
        .chain([a * s + b * r + c * q, a * t + b * s + c * r])
        .fold(0_u128, |sum, piece| {
            (sum << PIECE).wrapping_add(piece.into())
        });
    let (top, low) = ((product >> LOW) as u64, product & ((1 << LOW) - 1));
    // Bits of the fraction above the four lowest pieces: 1 to 27.
    let above = (1023 + 47) - (bits >> 52) as u32;
    let (quarters, highest) = (top >> above, top & ((1 << above) - 1));
    // The nearest number of quarters: a fraction of a half and more is what is missing to 1.
    let is_missing = highest >> (above - 1) == 1;
    let (quarters, highest, low) = if is_missing {
        let borrowed = u64::from(low != 0);
        let highest = (1 << above) - highest - borrowed;
        (quarters.wrapping_add(1), highest, low.wrapping_neg())
    } else {
        (quarters, highest, low)
    };
    if highest == 0 {
        return None;
    }
    let low = |piece: u32| (low >> (piece * PIECE)) as u64 & MASK;
    // The scale of the piece above the lowest four.
    let scale = f64::from_bits(u64::from(1023 - above) << 52);
    let rest = if highest > MASK {
        let pieces = [
            highest >> PIECE,
            highest & MASK,
            low(3),
            low(2),
            low(1),
            low(0),
        ];
        times_half_pi(pieces, scale * (MASK + 1) as f64)
    } else {
        times_half_pi([highest, low(3), low(2), low(1), low(0)], scale)
    };
    let sign = if is_missing { -1.0 } else { 1.0 };
    Some((quarters, rest.map(|part| sign * part)))
}

/// Pieces of a fraction, the first of which counts `scale`, times pi/2, in two parts.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "places go up to N, which the arrays have room for"
)]
fn times_half_pi<const N: usize>(pieces: [u64; N], scale: f64) -> [f64; 2] {
    let mut scale = scale;
    let pieces = pieces.map(|piece| {
        let value = scale * piece as f64;
        scale *= 1.0 / (MASK + 1) as f64;
        value
    });
    let mut sums = [0.0; N];
    for place in 0..N {
        for (of_half_pi, part) in HALF_PI.iter().enumerate().take(place + 1) {
            sums[place] += part * pieces[place - of_half_pi];
        }
    }
    let high = sums.iter().rev().fold(0.0, |high, sum| high + sum);
    let mut low = sums[0] - high;
    for sum in &sums[1..] {
        low += sum;
    }
    [high, low]
}

/// The cosine of so many quarters of a turn and a rest of at most pi/4 in two parts.
#[inline(always)]
fn of_rest(quarters: u64, [high, low]: [f64; 2]) -> f64 {
    // Both, since no one can tell in advance which one an angle takes.
    let (even, odd) = (cos_of_rest(high, low), sin_of_rest(high, low));
    let value = if quarters & 1 == 0 { even } else { odd };
    // Of the quarters 0 to 3: cosine, minus sine, minus cosine, sine.
    let is_negative = (quarters ^ (quarters >> 1)) & 1 == 1;
    if is_negative { -value } else { value }
}

#[inline(always)]
#[expect(
    clippy::excessive_precision,
    reason = "the numbers are the library's, digit by digit"
)]
fn cos_of_rest(x: f64, y: f64) -> f64 {
    const C1: f64 = 4.166_666_666_666_660_190_37e-02;
    const C2: f64 = -1.388_888_888_887_410_957_49e-03;
    const C3: f64 = 2.480_158_728_947_672_941_78e-05;
    const C4: f64 = -2.755_731_435_139_066_330_35e-07;
    const C5: f64 = 2.087_572_321_298_174_827_90e-09;
    const C6: f64 = -1.135_964_755_778_819_482_65e-11;
    let z = x * x;
    let w = z * z;
    let r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6));
    let hz = 0.5 * z;
    let w = 1.0 - hz;
    w + (((1.0 - w) - hz) + (z * r - x * y))
}

#[inline(always)]
#[expect(
    clippy::excessive_precision,
    reason = "the numbers are the library's, digit by digit"
)]
fn sin_of_rest(x: f64, y: f64) -> f64 {
    const S1: f64 = -1.666_666_666_666_663_243_48e-01;
    const S2: f64 = 8.333_333_333_322_489_461_24e-03;
    const S3: f64 = -1.984_126_982_985_794_931_34e-04;
    const S4: f64 = 2.755_731_370_707_006_767_89e-06;
    const S5: f64 = -2.505_076_025_340_686_341_95e-08;
    const S6: f64 = 1.589_690_995_211_550_102_21e-10;
    let z = x * x;
    let w = z * z;
    let r = S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6);
    let v = z * x;
    x - ((z * (0.5 * y - v * r) - y) - v * S1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use campaign::{Campaign, Size};

    fn assert_same(angle: f64) {
        let (ours, theirs) = (cos(angle), libm::cos(angle));
        assert_eq!(
            ours.to_bits(),
            theirs.to_bits(),
            "{angle:e}: {ours:e} {theirs:e}"
        );
    }

    /// Compares `count` angles of four kinds.
    fn compare(seed: u64, count: u64) {
        let mut state = seed;
        let mut next = || {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        for _ in 0..count / 4 {
            // Any angle that is reduced here, and any one at all.
            let bits = FIRST + next() % (END - FIRST);
            assert_same(f64::from_bits(bits));
            assert_same(-f64::from_bits(bits));
            // Few digits, as of a frequency times a tick.
            assert_same((next() % 1_000_000) as f64 * (next() % 100_000) as f64 * 0.5);
            let any = f64::from_bits(next());
            assert_same(if any.is_finite() { any } else { 0.0 });
        }
    }

    #[test]
    fn cosines_have_the_bits_of_the_library_for_as_long_as_asked() {
        let size = Size {
            gate: 1_200_000,
            campaign: 1_000_000_000,
        };
        Campaign::begin("cosines", size).run(|seed| {
            compare(seed, 400_000);
            Ok(400_000)
        });
    }

    #[test]
    fn cosines_near_quarters_of_a_turn_have_the_bits_of_the_library() {
        let mut quarters = 1_000_000.0;
        while quarters < 1e15 {
            let angle = core::f64::consts::FRAC_PI_2 * libm::floor(quarters);
            for step in 0..40 {
                assert_same(f64::from_bits(angle.to_bits() - 20 + step));
                assert_same(f64::from_bits(angle.to_bits() - (20 << 22) + (step << 22)));
            }
            quarters *= 1.003;
        }
        for edge in [FIRST, END] {
            (edge - 1000..edge + 1000).for_each(|bits| assert_same(f64::from_bits(bits)));
        }
    }

    #[test]
    fn large_angles_are_reduced_here_and_almost_none_is_left_to_the_library() {
        let of_ticks = (4000..104_000).map(|tick| (440.0 * f64::from(tick)).to_bits());
        assert!(of_ticks.clone().all(|bits| (FIRST..END).contains(&bits)));
        assert!(of_ticks.filter(|&bits| reduce(bits).is_none()).count() < 100);
    }
}

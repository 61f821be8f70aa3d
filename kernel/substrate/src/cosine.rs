//! The cosines of large angles, with the bits of `libm::cos` and in a fraction of its time.
//!
//! From 2^20 times pi/2 on the library reduces an angle by Payne and Hanek's method, on arrays of
//! 24-bit pieces in floating point. Between that and 2^47 the pieces are few and always the same
//! ones, so that the products fit into words; the rest, and what decides the last bits, are the
//! library's own steps in their order: `rem_pio2_large.rs`, `k_cos.rs` and `k_sin.rs` of libm 0.2,
//! after `k_rem_pio2.c`, `k_cos.c` and `k_sin.c` of FreeBSD. There is no branch, so that several
//! angles are taken side by side in the processor's vector units. FreeBSD's files say:
//!
//! Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunSoft, a Sun
//! Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is
//! freely granted, provided that this notice is preserved.
//!
//! Invariant: the bits are those of `libm::cos`, for every angle.

use vector::{Unit, Work};

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
/// Pieces of a rest: a seventh would be below its last bit.
const PIECES: usize = 6;
/// 2^52, whose last bit counts 1.
const WHOLE: f64 = (1_u64 << 52) as f64;

/// The cosines of finite angles in radians, of as many at once as fill registers.
#[derive(Debug)]
pub(crate) struct Cosines(pub(crate) [f64; Cosines::COUNT]);

impl Cosines {
    /// Angles at once.
    pub(crate) const COUNT: usize = 16;
}

impl Work for Cosines {
    type Output = [f64; Cosines::COUNT];

    #[inline(always)]
    fn run<U: Unit>(self, _: U) -> Self::Output {
        let mut cosines = self.0;
        for value in &mut cosines {
            *value = of_large(*value);
        }
        for (cosine, angle) in cosines.iter_mut().zip(self.0) {
            if cosine.is_nan() {
                *cosine = libm::cos(angle);
            }
        }
        cosines
    }
}

/// The cosine of an angle from [`FIRST`] to [`END`]; of others not a number, and so where the
/// library takes more pieces of 2/pi to tell it.
#[inline(always)]
fn of_large(angle: f64) -> f64 {
    let bits = angle.to_bits() & (u64::MAX >> 1);
    let is_large = (FIRST..END).contains(&bits);
    let (quarters, is_missing, pieces, scale) = reduce(if is_large { bits } else { FIRST });
    let [high, low] = times_half_pi(pieces, scale);
    let sign = if is_missing { -1.0 } else { 1.0 };
    let cosine = of_rest(quarters, [sign * high, sign * low]);
    let [first, second, ..] = pieces;
    if is_large && first | second != 0 {
        cosine
    } else {
        f64::NAN
    }
}

/// An angle, given by its bits, as quarters of a turn, whether the rest is missing to them, and the
/// rest in pieces of a fraction of a quarter, the first of which counts as much as is given last.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "an exponent has eleven bits"
)]
fn reduce(bits: u64) -> (u64, bool, [u64; PIECES], f64) {
    // The angle is three pieces times a power of 2.
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let (a, b, c) = (
        mantissa >> 29,
        (mantissa >> 5) & MASK,
        (mantissa & 31) << 19,
    );
    let [p, q, r, s, t] = TWO_OVER_PI;
    // The product with 2/pi as far as the library takes it, the lowest piece first.
    let products = [
        a * t + b * s + c * r,
        a * s + b * r + c * q,
        a * r + b * q + c * p,
        a * q + b * p,
    ];
    let mut carry = 0;
    let low = products.map(|product| {
        let sum = product.wrapping_add(carry);
        carry = sum >> PIECE;
        sum & MASK
    });
    // Its highest bits are whole turns.
    let top = (a * p).wrapping_add(carry);
    // Bits of the fraction above the four lowest pieces: 1 to 27.
    let above = 1023_u64.wrapping_add(47).wrapping_sub(bits >> 52);
    let one = 1_u64.wrapping_shl(above as u32);
    let (quarters, highest) = (top.wrapping_shr(above as u32), top & one.wrapping_sub(1));
    // The nearest number of quarters: a fraction of a half and more is what is missing to 1.
    let is_missing = highest >= one / 2;
    let mut carry = 1;
    let missing = low.map(|piece| {
        let sum = (MASK - piece).wrapping_add(carry);
        carry = sum >> PIECE;
        sum & MASK
    });
    let missing_highest = one
        .wrapping_sub(1)
        .wrapping_sub(highest)
        .wrapping_add(carry);
    let low = if is_missing { missing } else { low };
    let highest = if is_missing { missing_highest } else { highest };
    let [e, d, c, b] = low;
    let pieces = [highest >> PIECE, highest & MASK, b, c, d, e];
    // The scale of the piece above the four lowest, times that of one piece more.
    let scale = f64::from_bits(1023_u64.wrapping_add(u64::from(PIECE)).wrapping_sub(above) << 52);
    (
        quarters.wrapping_add(u64::from(is_missing)),
        is_missing,
        pieces,
        scale,
    )
}

/// Pieces of a fraction, the first of which counts `scale`, times pi/2, in two parts.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "places go up to PIECES, which the arrays have room for"
)]
fn times_half_pi(pieces: [u64; PIECES], scale: f64) -> [f64; 2] {
    let mut scale = scale;
    let pieces = pieces.map(|piece| {
        // Below 2^52, so the difference is the piece itself: not every vector unit converts words.
        let value = scale * (f64::from_bits(WHOLE.to_bits() | piece) - WHOLE);
        scale *= 1.0 / (MASK + 1) as f64;
        value
    });
    let mut sums = [0.0; PIECES];
    for place in 0..PIECES {
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
    use std::vec::Vec;
    use vector::Form;

    /// Compares angles, some at a time, in every form.
    fn assert_same(angles: &[f64]) {
        let (groups, rest) = angles.as_chunks();
        let mut last = [0.0; Cosines::COUNT];
        last[..rest.len()].copy_from_slice(rest);
        for &group in groups.iter().chain([&last]) {
            let theirs = group.map(libm::cos);
            for form in Form::all() {
                let ours = form.run(Cosines(group));
                for ((angle, ours), theirs) in group.iter().zip(ours).zip(theirs) {
                    let (ours, theirs) = (ours.to_bits(), theirs.to_bits());
                    assert_eq!(ours, theirs, "{angle:e} in {form:?}");
                }
            }
        }
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
        for _ in 0..count / 1000 {
            let angles: Vec<f64> = (0..250)
                .flat_map(|_| {
                    // Any angle that is reduced here, and any one at all.
                    let large = f64::from_bits(FIRST + next() % (END - FIRST));
                    // Few digits, as of a frequency times a tick.
                    let short = (next() % 1_000_000) as f64 * (next() % 100_000) as f64 * 0.5;
                    let any = f64::from_bits(next());
                    [
                        large,
                        -large,
                        short,
                        if any.is_finite() { any } else { 0.0 },
                    ]
                })
                .collect();
            assert_same(&angles);
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
        let mut angles = Vec::new();
        while quarters < 1e15 {
            let angle = core::f64::consts::FRAC_PI_2 * libm::floor(quarters);
            for step in 0..40 {
                angles.push(f64::from_bits(angle.to_bits() - 20 + step));
                angles.push(f64::from_bits(angle.to_bits() - (20 << 22) + (step << 22)));
            }
            quarters *= 1.003;
        }
        for edge in [FIRST, END] {
            angles.extend((edge - 1000..edge + 1000).map(f64::from_bits));
        }
        assert_same(&angles);
    }

    #[test]
    fn large_angles_are_reduced_here_and_almost_none_is_left_to_the_library() {
        let of_ticks = (4000..104_000).map(|tick| 440.0 * f64::from(tick));
        assert!(of_ticks.filter(|&angle| of_large(angle).is_nan()).count() < 100);
    }
}

//! Sixteen bytes at a time: SSE2, which every x86-64 processor has.
//!
//! A line does not fit into the sixteen registers, so several lines are added to the sums pair by
//! pair, with the keys and the sums fetched once for all of them.

use crate::{Keys, KeysIn, Line, PAIRS, Quad, Sums, TAP, Unit};
use core::arch::x86_64::{
    __m128i, _mm_add_epi64, _mm_add_pd, _mm_and_pd, _mm_cmpeq_epi32, _mm_cmpge_pd,
    _mm_cvtsi128_si64, _mm_loadu_pd, _mm_loadu_si128, _mm_min_pd, _mm_movemask_epi8, _mm_mul_epu32,
    _mm_or_si128, _mm_set1_pd, _mm_setzero_si128, _mm_srli_epi64, _mm_storeu_pd, _mm_storeu_si128,
    _mm_sub_pd, _mm_unpackhi_epi64, _mm_xor_pd, _mm_xor_si128,
};
use core::hint::black_box;

/// Registers of 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sse2;

/// Lines that can be added at once.
const LINES_MAX: usize = 4;

#[inline(always)]
fn pair(line: &Line, at: usize) -> __m128i {
    let words: &[u64; 2] = &line.as_chunks().0[at];
    // SAFETY: every x86-64 processor has SSE2, and a pair of words is 16 bytes to be read.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

#[inline(always)]
fn zero() -> __m128i {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe { _mm_setzero_si128() }
}

#[inline(always)]
fn xor(one: __m128i, other: __m128i) -> __m128i {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe { _mm_xor_si128(one, other) }
}

#[inline(always)]
fn plus(one: __m128i, other: __m128i) -> __m128i {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe { _mm_add_epi64(one, other) }
}

/// `sum` and what a pair adds to its line's share, in two parts.
#[inline(always)]
fn plus_share(sum: __m128i, content: __m128i, keys: [__m128i; 2]) -> __m128i {
    let [low, high] = keys;
    // SAFETY: every x86-64 processor has SSE2.
    unsafe {
        let high = _mm_mul_epu32(_mm_srli_epi64::<32>(content), high);
        let both = _mm_add_epi64(_mm_mul_epu32(content, low), high);
        _mm_add_epi64(sum, both)
    }
}

/// The sum of both parts.
#[inline(always)]
fn total(sum: __m128i) -> u64 {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe { _mm_cvtsi128_si64(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum))).cast_unsigned() }
}

impl Unit for Sse2 {
    type Register = [__m128i; PAIRS];

    #[inline(always)]
    fn zero(self) -> Self::Register {
        [zero(); PAIRS]
    }

    #[inline(always)]
    fn load(self, line: &Line) -> Self::Register {
        let mut register = self.zero();
        for (at, content) in register.iter_mut().enumerate() {
            *content = pair(line, at);
        }
        register
    }

    #[inline(always)]
    fn is(self, register: Self::Register, line: &Line) -> bool {
        let mut differences = zero();
        for (at, &content) in register.iter().enumerate() {
            let difference = xor(content, pair(line, at));
            // SAFETY: every x86-64 processor has SSE2.
            differences = unsafe { _mm_or_si128(differences, difference) };
        }
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { _mm_movemask_epi8(_mm_cmpeq_epi32(differences, zero())) == 0xffff }
    }

    #[inline(always)]
    fn share(self, line: &Line, keys: &Keys) -> u64 {
        // Four sums, so that an addition need not wait for the one before.
        let quarter = |first: usize| {
            (first..first + PAIRS / 4).fold(zero(), |sum, at| {
                let keys = [pair(&keys.low, at), pair(&keys.high, at)];
                plus_share(sum, pair(line, at), keys)
            })
        };
        let ab = plus(quarter(0), quarter(3));
        let cd = plus(quarter(6), quarter(9));
        total(plus(ab, cd))
    }

    #[inline(always)]
    fn add<const N: usize>(
        self,
        sums: &mut Sums<Self>,
        lines: [&Line; N],
        keys: &KeysIn<Self>,
    ) -> [u64; N] {
        const { assert!(N <= LINES_MAX && N + TAP <= PAIRS) };
        let mut shares = [zero(); N];
        // The second sum as it was: it moves up by N pairs.
        let before = sums.second;
        // What the lines after the first add to the pairs to come.
        let mut ahead = [zero(); N];
        for at in 0..PAIRS {
            let contents = lines.map(|line| pair(line, at));
            let keys = [keys.low[at], keys.high[at]];
            for (share, content) in shares.iter_mut().zip(contents) {
                *share = plus_share(*share, content, keys);
            }
            sums.first[at] = contents.into_iter().fold(sums.first[at], xor);
            let raised = if at < N { zero() } else { before[at - N] };
            sums.second[at] = xor(raised, xor(ahead[0], contents[0]));
            for line in 1..N {
                let next = ahead.get(line).copied().unwrap_or(zero());
                ahead[line - 1] = xor(next, contents[line]);
            }
            ahead[N - 1] = zero();
        }
        // What left the line comes back at two places.
        for (line, &sum) in ahead.iter().enumerate() {
            let left = xor(before[PAIRS - N + line], sum);
            sums.second[line] = xor(sums.second[line], left);
            sums.second[line + TAP] = xor(sums.second[line + TAP], left);
        }
        shares.map(total)
    }

    #[inline(always)]
    fn advance(
        self,
        numbers: &[u64; 8],
        gains: &[f64; 4],
        shifts: &[f64; 4],
        most: f64,
        turn: f64,
    ) -> [Quad; 2] {
        let mut differences = [[0; 4]; 2];
        let (levels, phases) = numbers.as_chunks::<2>().0.split_at(2);
        let [of_levels, of_phases] = &mut differences;
        let pairs = levels.iter().zip(gains.as_chunks::<2>().0);
        // SAFETY: every x86-64 processor has SSE2, and a pair of words or numbers is 16 bytes.
        unsafe {
            let (most, turn) = (_mm_set1_pd(most), _mm_set1_pd(turn));
            for (difference, (old, gain)) in of_levels.as_chunks_mut::<2>().0.iter_mut().zip(pairs)
            {
                let old = _mm_loadu_pd(old.as_ptr().cast());
                let new = _mm_min_pd(_mm_add_pd(old, _mm_loadu_pd(gain.as_ptr())), most);
                _mm_storeu_pd(difference.as_mut_ptr().cast(), _mm_xor_pd(old, new));
            }
            let pairs = phases.iter().zip(shifts.as_chunks::<2>().0);
            for (difference, (old, shift)) in of_phases.as_chunks_mut::<2>().0.iter_mut().zip(pairs)
            {
                let old = _mm_loadu_pd(old.as_ptr().cast());
                let sum = _mm_add_pd(old, _mm_loadu_pd(shift.as_ptr()));
                let new = _mm_sub_pd(sum, _mm_and_pd(_mm_cmpge_pd(sum, turn), turn));
                _mm_storeu_pd(difference.as_mut_ptr().cast(), _mm_xor_pd(old, new));
            }
        }
        differences
    }

    #[inline(always)]
    fn change<const N: usize>(
        self,
        line: &mut Line,
        start: usize,
        differences: &[Quad; N],
        keys: &Keys,
    ) -> u64 {
        let (mut old, mut new) = (zero(), zero());
        let differences: &[[u64; 2]] = differences.as_flattened().as_chunks().0;
        for (at, difference) in (start / 2..).zip(differences) {
            let keys = [pair(&keys.low, at), pair(&keys.high, at)];
            let was = pair(line, at);
            // SAFETY: every x86-64 processor has SSE2, and a pair of words is 16 bytes.
            let is = xor(was, unsafe { _mm_loadu_si128(difference.as_ptr().cast()) });
            let place: &mut [u64; 2] = &mut line.as_chunks_mut().0[at];
            // SAFETY: every x86-64 processor has SSE2, and a pair of words is 16 bytes.
            unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), is) };
            old = plus_share(old, was, keys);
            new = plus_share(new, is, keys);
        }
        // Compilers would rather multiply differences, which have more bits than a half: the box
        // keeps the subtraction where it is.
        total(new).wrapping_sub(black_box(total(old)))
    }
}

//! Thirty-two bytes at a time: AVX2.
//!
//! A line is six registers of two pairs each; moving it up by one pair takes the upper half of
//! each and the lower half of the next.

use crate::wide::{self, Wide};
use crate::{Keys, KeysIn, Line, Quad, Sums, TAP, Unit, Work};
use core::arch::x86_64::{
    __m256i, _CMP_GE_OQ, _mm_add_epi64, _mm_cvtsi128_si64, _mm_unpackhi_epi64, _mm256_add_epi64,
    _mm256_add_pd, _mm256_and_pd, _mm256_blend_epi32, _mm256_castsi256_si128, _mm256_cmp_pd,
    _mm256_extracti128_si256, _mm256_loadu_pd, _mm256_loadu_si256, _mm256_min_pd, _mm256_mul_epu32,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_pd, _mm256_setzero_si256,
    _mm256_srli_epi64, _mm256_storeu_pd, _mm256_storeu_si256, _mm256_sub_epi64, _mm256_sub_pd,
    _mm256_testz_si256, _mm256_xor_pd, _mm256_xor_si256,
};
use core::hint::black_box;

/// Registers of 32 bytes: the proof that there are some, and that they are switched on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

/// Registers of a line.
const REGISTERS: usize = 6;
// The tap is the upper half of the second register, as the last pair is of the last.
const _: () = assert!(TAP == 3);

type Register = [__m256i; REGISTERS];

impl Avx2 {
    /// The proof.
    ///
    /// # Safety
    /// The processor has AVX2, BMI1 and BMI2, and what runs it has switched the registers on.
    pub(crate) const unsafe fn new() -> Self {
        Avx2(())
    }

    /// Does work that is compiled for this unit.
    #[inline(always)]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,bmi1,bmi2")]
        fn compiled<W: Work>(work: W, unit: Avx2) -> W::Output {
            work.run(unit)
        }
        // SAFETY: self is the proof that the processor has what the function is compiled for.
        unsafe { compiled(work, self) }
    }

    /// Four words of a line in a register.
    #[inline(always)]
    fn quad(self, line: &Line, start: usize) -> __m256i {
        let words = &line[start..start + 4];
        // SAFETY: self is the proof of AVX2, and four words are 32 bytes to be read.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    /// The products of both halves of four words with their keys, summed up for each word.
    #[inline(always)]
    fn products(self, words: __m256i, low: __m256i, high: __m256i) -> __m256i {
        // SAFETY: self is the proof of AVX2.
        unsafe {
            let of_low = _mm256_mul_epu32(words, low);
            let of_high = _mm256_mul_epu32(_mm256_srli_epi64::<32>(words), high);
            _mm256_add_epi64(of_low, of_high)
        }
    }

    /// The sum of four words, modulo 2^64.
    #[inline(always)]
    fn total(self, sum: __m256i) -> u64 {
        // SAFETY: self is the proof of AVX2.
        unsafe {
            let upper = _mm256_extracti128_si256::<1>(sum);
            let sum = _mm_add_epi64(_mm256_castsi256_si128(sum), upper);
            _mm_cvtsi128_si64(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum))).cast_unsigned()
        }
    }
}

impl Wide for Avx2 {
    #[inline(always)]
    fn xor(self, mut one: Register, other: Register) -> Register {
        for (one, other) in one.iter_mut().zip(other) {
            // SAFETY: self is the proof of AVX2.
            *one = unsafe { _mm256_xor_si256(*one, other) };
        }
        one
    }

    #[inline(always)]
    fn raised(self, line: Register) -> Register {
        let [a, b, c, d, e, f] = line;
        // SAFETY: self is the proof of AVX2.
        unsafe {
            let tap = _mm256_blend_epi32::<0xf0>(_mm256_setzero_si256(), f);
            [
                _mm256_permute2x128_si256::<0x21>(f, a),
                _mm256_xor_si256(_mm256_permute2x128_si256::<0x21>(a, b), tap),
                _mm256_permute2x128_si256::<0x21>(b, c),
                _mm256_permute2x128_si256::<0x21>(c, d),
                _mm256_permute2x128_si256::<0x21>(d, e),
                _mm256_permute2x128_si256::<0x21>(e, f),
            ]
        }
    }

    #[inline(always)]
    fn share_of(self, line: Register, low: Register, high: Register) -> u64 {
        // SAFETY: self is the proof of AVX2.
        unsafe {
            // Two sums, so that an addition need not wait for the one before.
            let mut sums = [_mm256_setzero_si256(); 2];
            for at in 0..REGISTERS {
                let both = self.products(line[at], low[at], high[at]);
                sums[at % 2] = _mm256_add_epi64(sums[at % 2], both);
            }
            self.total(_mm256_add_epi64(sums[0], sums[1]))
        }
    }
}

impl Unit for Avx2 {
    type Register = Register;

    #[inline(always)]
    fn zero(self) -> Register {
        // SAFETY: self is the proof of AVX2.
        [unsafe { _mm256_setzero_si256() }; REGISTERS]
    }

    #[inline(always)]
    fn load(self, line: &Line) -> Register {
        let quads: &[[u64; 4]] = line.as_chunks().0;
        let mut register = self.zero();
        for (part, quad) in register.iter_mut().zip(quads) {
            // SAFETY: self is the proof of AVX2, and four words are 32 bytes to be read.
            *part = unsafe { _mm256_loadu_si256(quad.as_ptr().cast()) };
        }
        register
    }

    #[inline(always)]
    fn is(self, register: Register, line: &Line) -> bool {
        let [a, b, c, d, e, f] = self.xor(register, self.load(line));
        // SAFETY: self is the proof of AVX2.
        unsafe {
            let ab = _mm256_or_si256(a, b);
            let cd = _mm256_or_si256(c, d);
            let ef = _mm256_or_si256(e, f);
            let differences = _mm256_or_si256(_mm256_or_si256(ab, cd), ef);
            _mm256_testz_si256(differences, differences) == 1
        }
    }

    #[inline(always)]
    fn share(self, line: &Line, keys: &Keys) -> u64 {
        self.share_of(self.load(line), self.load(&keys.low), self.load(&keys.high))
    }

    #[inline(always)]
    fn add<const N: usize>(
        self,
        sums: &mut Sums<Self>,
        lines: [&Line; N],
        keys: &KeysIn<Self>,
    ) -> [u64; N] {
        wide::add(self, sums, lines, keys)
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
        let [levels, phases] = [0, 4].map(|start| numbers[start..].as_ptr().cast());
        let mut differences = [[0; 4]; 2];
        let [of_levels, of_phases] = &mut differences;
        // SAFETY: self is the proof of AVX2, and four words or numbers are 32 bytes.
        unsafe {
            let old = _mm256_loadu_pd(levels);
            let sum = _mm256_add_pd(old, _mm256_loadu_pd(gains.as_ptr()));
            let new = _mm256_min_pd(sum, _mm256_set1_pd(most));
            _mm256_storeu_pd(of_levels.as_mut_ptr().cast(), _mm256_xor_pd(old, new));
            let old = _mm256_loadu_pd(phases);
            let sum = _mm256_add_pd(old, _mm256_loadu_pd(shifts.as_ptr()));
            let turn = _mm256_set1_pd(turn);
            let is_over = _mm256_cmp_pd::<_CMP_GE_OQ>(sum, turn);
            let new = _mm256_sub_pd(sum, _mm256_and_pd(is_over, turn));
            _mm256_storeu_pd(of_phases.as_mut_ptr().cast(), _mm256_xor_pd(old, new));
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
        // SAFETY: self is the proof of AVX2, and a quad is 32 bytes.
        unsafe {
            let (mut old, mut new) = (_mm256_setzero_si256(), _mm256_setzero_si256());
            for (start, difference) in (start..).step_by(4).zip(differences) {
                let (low, high) = (self.quad(&keys.low, start), self.quad(&keys.high, start));
                let was = self.quad(line, start);
                let is = _mm256_xor_si256(was, _mm256_loadu_si256(difference.as_ptr().cast()));
                let place = &mut line[start..start + 4];
                _mm256_storeu_si256(place.as_mut_ptr().cast(), is);
                old = _mm256_add_epi64(old, self.products(was, low, high));
                new = _mm256_add_epi64(new, self.products(is, low, high));
            }
            // Compilers would rather multiply differences, which have more bits than a half: the
            // box keeps the subtraction where it is.
            self.total(_mm256_sub_epi64(new, black_box(old)))
        }
    }
}

//! Sixty-four bytes at a time: AVX-512.
//!
//! A line is three registers of four pairs each, and moving it up by one pair takes one
//! instruction for each: the two sums and the keys of the checksum stay in registers.

use crate::avx2::Avx2;
use crate::wide::{self, Wide};
use crate::{Keys, KeysIn, Line, Quad, Sums, TAP, Unit, Work};
use core::arch::x86_64::{
    __m512i, _CMP_GE_OQ, _mm256_loadu_pd, _mm512_add_epi64, _mm512_add_pd, _mm512_alignr_epi64,
    _mm512_castpd256_pd512, _mm512_insertf64x4, _mm512_loadu_pd, _mm512_loadu_si512,
    _mm512_mask_cmp_pd_mask, _mm512_mask_min_pd, _mm512_mask_sub_pd, _mm512_mask_xor_epi64,
    _mm512_mul_epu32, _mm512_or_si512, _mm512_reduce_add_epi64, _mm512_set1_pd,
    _mm512_setzero_si512, _mm512_srli_epi64, _mm512_storeu_pd, _mm512_storeu_si512,
    _mm512_sub_epi64, _mm512_test_epi64_mask, _mm512_xor_pd, _mm512_xor_si512,
};

/// Registers of 64 bytes: the proof that there are some, and that they are switched on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512 {
    narrower: Avx2,
}

/// Registers of a line.
const REGISTERS: usize = 3;
/// The words of the tap in the first register; the last pair has these places in the last.
const TAPPED: u8 = 0b11 << (2 * TAP);
const _: () = assert!(TAP == 3);
/// The first four of eight numbers.
const FIRST_FOUR: u8 = 0b1111;

type Register = [__m512i; REGISTERS];

impl Avx512 {
    /// The proof.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL, and what runs it has switched the registers on.
    pub(crate) const unsafe fn new(narrower: Avx2) -> Self {
        Avx512 { narrower }
    }

    /// Eight words of a line in a register.
    #[inline(always)]
    fn octet(self, line: &Line, start: usize) -> __m512i {
        let words = &line[start..start + 8];
        // SAFETY: self is the proof of AVX-512, and eight words are 64 bytes to be read.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    /// The products of both halves of eight words with their keys, summed up for each word.
    #[inline(always)]
    fn products(self, words: __m512i, low: __m512i, high: __m512i) -> __m512i {
        // SAFETY: self is the proof of AVX-512.
        unsafe {
            let of_low = _mm512_mul_epu32(words, low);
            let of_high = _mm512_mul_epu32(_mm512_srli_epi64::<32>(words), high);
            _mm512_add_epi64(of_low, of_high)
        }
    }

    /// What [`Unit::change`] does with two quads side by side.
    #[inline(always)]
    fn change_octet(
        self,
        line: &mut Line,
        start: usize,
        difference: &[Quad; 2],
        keys: &Keys,
    ) -> u64 {
        let (low, high) = (self.octet(&keys.low, start), self.octet(&keys.high, start));
        let old = self.octet(line, start);
        // SAFETY: self is the proof of AVX-512, and two quads are 64 bytes.
        unsafe {
            let new = _mm512_xor_si512(old, _mm512_loadu_si512(difference.as_ptr().cast()));
            let place = &mut line[start..start + 8];
            _mm512_storeu_si512(place.as_mut_ptr().cast(), new);
            let (old, new) = (self.products(old, low, high), self.products(new, low, high));
            _mm512_reduce_add_epi64(_mm512_sub_epi64(new, old)).cast_unsigned()
        }
    }

    /// Does work that is compiled for this unit.
    #[inline(always)]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
        fn compiled<W: Work>(work: W, unit: Avx512) -> W::Output {
            work.run(unit)
        }
        // SAFETY: self is the proof that the processor has what the function is compiled for.
        unsafe { compiled(work, self) }
    }
}

impl Wide for Avx512 {
    #[inline(always)]
    fn xor(self, mut one: Register, other: Register) -> Register {
        for (one, other) in one.iter_mut().zip(other) {
            // SAFETY: self is the proof of AVX-512.
            *one = unsafe { _mm512_xor_si512(*one, other) };
        }
        one
    }

    #[inline(always)]
    fn raised(self, line: Register) -> Register {
        let [a, b, c] = line;
        // SAFETY: self is the proof of AVX-512.
        unsafe {
            let first = _mm512_alignr_epi64::<6>(a, c);
            [
                _mm512_mask_xor_epi64(first, TAPPED, first, c),
                _mm512_alignr_epi64::<6>(b, a),
                _mm512_alignr_epi64::<6>(c, b),
            ]
        }
    }

    #[inline(always)]
    fn share_of(self, line: Register, low: Register, high: Register) -> u64 {
        // SAFETY: self is the proof of AVX-512.
        unsafe {
            let mut sum = _mm512_setzero_si512();
            for at in 0..REGISTERS {
                sum = _mm512_add_epi64(sum, self.products(line[at], low[at], high[at]));
            }
            _mm512_reduce_add_epi64(sum).cast_unsigned()
        }
    }
}

impl Unit for Avx512 {
    type Register = Register;

    #[inline(always)]
    fn zero(self) -> Register {
        // SAFETY: self is the proof of AVX-512.
        [unsafe { _mm512_setzero_si512() }; REGISTERS]
    }

    #[inline(always)]
    fn load(self, line: &Line) -> Register {
        let octets: &[[u64; 8]] = line.as_chunks().0;
        let mut register = self.zero();
        for (part, octet) in register.iter_mut().zip(octets) {
            // SAFETY: self is the proof of AVX-512, and eight words are 64 bytes to be read.
            *part = unsafe { _mm512_loadu_si512(octet.as_ptr().cast()) };
        }
        register
    }

    #[inline(always)]
    fn is(self, register: Register, line: &Line) -> bool {
        let [a, b, c] = self.xor(register, self.load(line));
        // SAFETY: self is the proof of AVX-512.
        unsafe {
            let differences = _mm512_or_si512(_mm512_or_si512(a, b), c);
            _mm512_test_epi64_mask(differences, differences) == 0
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
        let mut differences = [[0; 4]; 2];
        // SAFETY: self is the proof of AVX-512, and eight words or numbers are 64 bytes.
        unsafe {
            let [gains, shifts] = [gains, shifts].map(|four| _mm256_loadu_pd(four.as_ptr()));
            let gained = _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(gains), shifts);
            let old = _mm512_loadu_pd(numbers.as_ptr().cast());
            let sum = _mm512_add_pd(old, gained);
            let limited = _mm512_mask_min_pd(sum, FIRST_FOUR, sum, _mm512_set1_pd(most));
            let turn = _mm512_set1_pd(turn);
            let is_over = _mm512_mask_cmp_pd_mask::<_CMP_GE_OQ>(!FIRST_FOUR, sum, turn);
            let new = _mm512_mask_sub_pd(limited, is_over, sum, turn);
            let difference = _mm512_xor_pd(old, new);
            _mm512_storeu_pd(differences.as_mut_ptr().cast(), difference);
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
        let (octets, rest) = differences.as_chunks::<2>();
        let mut gained = 0_u64;
        for (start, octet) in (start..).step_by(8).zip(octets) {
            gained = gained.wrapping_add(self.change_octet(line, start, octet, keys));
        }
        if let [quad] = rest {
            let of_quad = self
                .narrower
                .change(line, start + 8 * octets.len(), &[*quad], keys);
            gained = gained.wrapping_add(of_quad);
        }
        gained
    }
}

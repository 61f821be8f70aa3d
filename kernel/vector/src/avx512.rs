//! Sixty-four bytes at a time: AVX-512.
//!
//! A line is three registers of four pairs each, and moving it up by one pair takes one
//! instruction for each: the two sums and the keys of the checksum stay in registers.

use crate::avx2::Avx2;
use crate::wide::{self, Wide};
use crate::{Keys, KeysIn, Line, Quad, Sums, TAP, Unit, Work};
use core::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_loadu_si512, _mm512_mask_xor_epi64,
    _mm512_mul_epu32, _mm512_or_si512, _mm512_reduce_add_epi64, _mm512_setzero_si512,
    _mm512_srli_epi64, _mm512_test_epi64_mask, _mm512_xor_si512,
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

type Register = [__m512i; REGISTERS];

impl Avx512 {
    /// The proof.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, DQ and VL, and what runs it has switched the registers on.
    pub(crate) const unsafe fn new(narrower: Avx2) -> Self {
        Avx512 { narrower }
    }

    /// The registers of half the size, which are there too.
    pub(crate) const fn narrower(self) -> Avx2 {
        self.narrower
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
                let of_low = _mm512_mul_epu32(line[at], low[at]);
                let of_high = _mm512_mul_epu32(_mm512_srli_epi64::<32>(line[at]), high[at]);
                sum = _mm512_add_epi64(sum, _mm512_add_epi64(of_low, of_high));
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
    fn change<const N: usize>(
        self,
        line: &mut Line,
        starts: [usize; N],
        differences: &[Quad; N],
        keys: &Keys,
    ) -> u64 {
        // Quads lie apart: registers of their size take no more instructions.
        self.narrower.change(line, starts, differences, keys)
    }
}

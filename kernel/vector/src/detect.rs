//! What the processor has, and what is switched on: by CPUID and XGETBV.
//!
//! A register wider than 16 bytes may be used only where whoever runs the processor says, in
//! XCR0, that it is kept: Intel SDM volume 1, sections 14.3 and 15.2 to 15.4.

use crate::avx2::Avx2;
use crate::avx512::Avx512;
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// In XCR0: the registers of 16 and of 32 bytes.
const KEPT_AVX: u64 = 0b110;
/// In XCR0: those, and the masks, the upper halves and the upper sixteen registers of AVX-512.
const KEPT_AVX512: u64 = 0b1110_0110;
/// Leaf 1, ECX: XGETBV may be used.
const OSXSAVE: u32 = 1 << 27;
/// Leaf 7, EBX: BMI1, AVX2 and BMI2.
const AVX2: u32 = 1 << 3 | 1 << 5 | 1 << 8;
/// Leaf 7, EBX: AVX-512 F, DQ, BW and VL.
const AVX512: u32 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;

/// Whether the registers of `kept` are kept and leaf 7 has all of `features`.
fn has(kept: u64, features: u32) -> bool {
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 {
        return false;
    }
    // SAFETY: OSXSAVE says that the instruction may be used, and register 0 is always there.
    let enabled = unsafe { _xgetbv(0) };
    enabled & kept == kept && __cpuid_count(7, 0).ebx & features == features
}

/// Registers of 32 bytes, if there are.
pub(crate) fn avx2() -> Option<Avx2> {
    // SAFETY: the processor has the features, and the registers are kept.
    has(KEPT_AVX, AVX2).then(|| unsafe { Avx2::new() })
}

/// Registers of 64 bytes, if there are.
pub(crate) fn avx512() -> Option<Avx512> {
    let narrower = avx2().filter(|_| has(KEPT_AVX512, AVX512))?;
    // SAFETY: the processor has the features, and the registers are kept.
    Some(unsafe { Avx512::new(narrower) })
}

//! What the processor says about itself, by CPUID.
//!
//! Owns the decoding of the leaves that the kernel uses. CPUID needs no privilege, so that this runs
//! on a host too.

use core::arch::x86_64::{__cpuid, __cpuid_count, CpuidResult};

/// What the processor can do, as far as the kernel asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Hardware random numbers by RDRAND.
    pub has_rdrand: bool,
    /// Hardware random numbers by RDSEED.
    pub has_rdseed: bool,
    /// Carry-less multiplication, for CRC-32.
    pub has_pclmulqdq: bool,
    /// SSE4.1.
    pub has_sse41: bool,
    /// SSE4.2, with the CRC-32C instruction.
    pub has_sse42: bool,
    /// SHA-256 instructions.
    pub has_sha: bool,
    /// AES instructions.
    pub has_aes: bool,
    /// Supervisor mode execution prevention.
    pub has_smep: bool,
    /// Supervisor mode access prevention.
    pub has_smap: bool,
    /// User mode instruction prevention.
    pub has_umip: bool,
    /// Pages of 1 GiB.
    pub has_1gib_pages: bool,
    /// Page attribute table.
    pub has_page_attributes: bool,
    /// Machine check exception.
    pub has_machine_check: bool,
    /// Local interrupt controller.
    pub has_apic: bool,
    /// The time-stamp counter runs at one rate in all states.
    pub has_invariant_tsc: bool,
    /// A hypervisor or an emulator runs the machine.
    pub is_virtual: bool,
    /// The registers to switch on for vectors of more than 16 bytes, as bits of XCR0; 0 for none.
    pub wide_vectors: u64,
}

/// Names of the features that the machine has and that a person may ask for.
impl Features {
    /// Each feature's common name with its presence.
    pub fn names(&self) -> [(&'static str, bool); 13] {
        [
            ("rdrand", self.has_rdrand),
            ("rdseed", self.has_rdseed),
            ("pclmulqdq", self.has_pclmulqdq),
            ("sse4_1", self.has_sse41),
            ("sse4_2", self.has_sse42),
            ("sha_ni", self.has_sha),
            ("aes", self.has_aes),
            ("smep", self.has_smep),
            ("smap", self.has_smap),
            ("umip", self.has_umip),
            ("pdpe1gb", self.has_1gib_pages),
            ("constant_tsc", self.has_invariant_tsc),
            ("hypervisor", self.is_virtual),
        ]
    }
}

fn leaf(number: u32) -> CpuidResult {
    let base = number & 0xf000_0000;
    let maximum = __cpuid(base).eax;
    if number <= maximum {
        return __cpuid_count(number, 0);
    }
    CpuidResult {
        eax: 0,
        ebx: 0,
        ecx: 0,
        edx: 0,
    }
}

const fn bit(register: u32, index: u32) -> bool {
    register & (1 << index) != 0
}

static KNOWN: spin::Once<Features> = spin::Once::new();

/// What the processor can do. It is asked once: under a hypervisor each question is slow.
pub fn get() -> Features {
    *KNOWN.call_once(ask)
}

fn ask() -> Features {
    let basic = leaf(1);
    let extended = leaf(7);
    let amd = leaf(0x8000_0001);
    let power = leaf(0x8000_0007);
    Features {
        has_rdrand: bit(basic.ecx, 30),
        has_rdseed: bit(extended.ebx, 18),
        has_pclmulqdq: bit(basic.ecx, 1),
        has_sse41: bit(basic.ecx, 19),
        has_sse42: bit(basic.ecx, 20),
        has_sha: bit(extended.ebx, 29),
        has_aes: bit(basic.ecx, 25),
        has_smep: bit(extended.ebx, 7),
        has_smap: bit(extended.ebx, 20),
        has_umip: bit(extended.ecx, 2),
        has_1gib_pages: bit(amd.edx, 26),
        has_page_attributes: bit(basic.edx, 16),
        has_machine_check: bit(basic.edx, 7),
        has_apic: bit(basic.edx, 9),
        has_invariant_tsc: bit(power.edx, 8),
        is_virtual: bit(basic.ecx, 31),
        wide_vectors: wide_vectors(basic.ecx, leaf(0xd).eax),
    }
}

/// The registers of XCR0 that hold vectors of more than 16 bytes, of those that the processor has
/// by leaf 13: those of AVX, and those of AVX-512 if it has all of them.
const fn wide_vectors(basic_ecx: u32, kept: u32) -> u64 {
    /// x87, SSE and AVX.
    const AVX: u32 = 0b111;
    /// The masks, the upper halves and the upper sixteen registers.
    const AVX512: u32 = 0b1110_0000;
    let (has_xsave, has_avx) = (bit(basic_ecx, 26), bit(basic_ecx, 28));
    if !has_xsave || !has_avx || kept & AVX != AVX {
        0
    } else if kept & AVX512 == AVX512 {
        (AVX | AVX512) as u64
    } else {
        AVX as u64
    }
}

/// Frequency of the time-stamp counter in Hz, where the processor states it.
pub fn tsc_frequency_hz() -> Option<u64> {
    let crystal = leaf(0x15);
    if crystal.eax == 0 || crystal.ebx == 0 || crystal.ecx == 0 {
        return None;
    }
    u64::from(crystal.ecx)
        .checked_mul(u64::from(crystal.ebx))?
        .checked_div(u64::from(crystal.eax))
}

/// The processor's name, up to 48 bytes.
pub struct Name {
    bytes: [u8; 48],
}

impl Name {
    /// The text, without padding; what is no printable ASCII ends it.
    pub fn as_str(&self) -> &str {
        let is_text = |byte: &&u8| **byte == b' ' || byte.is_ascii_graphic();
        let length = self.bytes.iter().take_while(is_text).count();
        let text = self.bytes.get(..length).unwrap_or(&[]);
        core::str::from_utf8(text).unwrap_or("").trim()
    }
}

/// The processor's name.
pub fn name() -> Name {
    let mut bytes = [0; 48];
    for (number, chunk) in (0x8000_0002..).zip(bytes.chunks_exact_mut(16)) {
        let CpuidResult { eax, ebx, ecx, edx } = leaf(number);
        for (register, word) in [eax, ebx, ecx, edx]
            .into_iter()
            .zip(chunk.chunks_exact_mut(4))
        {
            word.copy_from_slice(&register.to_le_bytes());
        }
    }
    Name { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_printable_and_bounded() {
        let name = name();
        assert!(name.as_str().len() <= 48);
        assert!(
            name.as_str()
                .bytes()
                .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        );
    }

    #[test]
    fn registers_are_switched_on_together_or_not_at_all() {
        let (xsave, avx) = (1 << 26, 1 << 28);
        for (ecx, kept, expected) in [
            (xsave | avx, 0xe7, 0xe7),
            (xsave | avx, 0x207, 0x7),
            // Some of AVX-512's alone are of no use, and not allowed.
            (xsave | avx, 0x67, 0x7),
            (xsave | avx, 0x3, 0),
            (xsave, 0xe7, 0),
            (avx, 0xe7, 0),
            (0, 0, 0),
        ] {
            assert_eq!(wide_vectors(ecx, kept), expected, "{ecx:#x} {kept:#x}");
        }
    }

    #[test]
    fn a_leaf_past_the_maximum_reads_as_nothing() {
        assert_eq!(leaf(0x8fff_ffff).eax, 0);
    }
}

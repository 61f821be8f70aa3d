//! What the firmware's ACPI tables say about power: how to turn the machine off and how to reset it.
//!
//! Owns the way from the root pointer to [`PowerFacts`]. The tables are untrusted: each is checked
//! against its checksum and its bounds, and a table that fails is treated as absent. The tables are
//! read once, at boot; of the firmware's byte code only the one package that names the "soft off"
//! state is looked for, and none of it is run.

pub mod fixed;
pub mod sleep;
pub mod tables;

use core::fmt;

use crate::memory::physical::PhysicalMemory;
pub use fixed::{FixedFacts, Register};

/// What the kernel knows about power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PowerFacts {
    /// The fixed description table's registers.
    pub fixed: FixedFacts,
    /// Sleep types of the "soft off" state for the two control registers.
    pub soft_off: Option<(u8, u8)>,
}

/// Why there are no power facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcpiError {
    /// There is no root pointer.
    NoRootPointer,
    /// A table cannot be read or fails its check.
    BadTable {
        /// Its signature, or what it would be.
        signature: &'static str,
    },
    /// The root table lists no fixed description table.
    NoFixedTable,
}

impl fmt::Display for AcpiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRootPointer => write!(f, "the firmware has no ACPI tables"),
            Self::BadTable { signature } => {
                write!(f, "the firmware's ACPI table {signature} is damaged")
            }
            Self::NoFixedTable => write!(f, "the firmware has no ACPI table FACP"),
        }
    }
}

/// Reads the tables, from the root pointer that the loader named or from where firmware puts it.
///
/// # Errors
/// An [`AcpiError`] that says what is missing; power-off then has only its fallbacks.
pub fn discover(
    memory: &impl PhysicalMemory,
    root_pointer: Option<u64>,
) -> Result<PowerFacts, AcpiError> {
    let root = match root_pointer {
        Some(address) => tables::read_root_pointer(memory, address),
        None => tables::find_root_pointer(memory),
    };
    let root = root.ok_or(AcpiError::NoRootPointer)?;
    let fixed = tables::find_fixed_table(memory, root)?;
    let fixed = FixedFacts::read(fixed);
    let description = fixed
        .description_address
        .and_then(|address| tables::table(memory, address, *b"DSDT"));
    Ok(PowerFacts {
        fixed,
        soft_off: description.and_then(sleep::soft_off_types),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::physical::fake::FakeMemory;
    use proptest::prelude::*;

    const BASE: u64 = 0xe_0000;

    fn checked(memory: &mut FakeMemory, address: u64, length: usize, sum_offset: u64) {
        memory.write(address + sum_offset, &[0]);
        let offset = usize::try_from(address - memory.base).unwrap();
        let sum = memory.bytes[offset..offset + length]
            .iter()
            .fold(0_u8, |s, b| s.wrapping_add(*b));
        memory.write(address + sum_offset, &[sum.wrapping_neg()]);
    }

    fn table(memory: &mut FakeMemory, address: u64, signature: &[u8; 4], body: &[u8]) {
        let length = 36 + body.len();
        memory.write(address, signature);
        memory.write(address + 4, &u32::try_from(length).unwrap().to_le_bytes());
        memory.write(address + 36, body);
        checked(memory, address, length, 9);
    }

    fn firmware() -> FakeMemory {
        let mut memory = FakeMemory::new(BASE, 0x2_0000);
        memory.write(BASE + 0x5a0, b"RSD PTR ");
        memory.write(BASE + 0x5a0 + 16, &0xe_1000_u32.to_le_bytes());
        checked(&mut memory, BASE + 0x5a0, 20, 8);
        let mut roots = [0; 8];
        roots[..4].copy_from_slice(&0xe_2000_u32.to_le_bytes());
        roots[4..].copy_from_slice(&0xe_3000_u32.to_le_bytes());
        table(&mut memory, 0xe_1000, b"RSDT", &roots);
        table(&mut memory, 0xe_2000, b"APIC", &[0; 8]);
        let mut fixed = [0; 80];
        fixed[40 - 36..44 - 36].copy_from_slice(&0xe_4000_u32.to_le_bytes());
        fixed[64 - 36..68 - 36].copy_from_slice(&0x604_u32.to_le_bytes());
        table(&mut memory, 0xe_3000, b"FACP", &fixed);
        table(
            &mut memory,
            0xe_4000,
            b"DSDT",
            b"\x08_S5_\x12\x06\x04\x0a\x07\x0a\x05\0\0",
        );
        memory
    }

    #[test]
    fn a_sound_firmware_tells_how_to_turn_off() {
        let facts = discover(&firmware(), None).unwrap();
        assert_eq!(facts.fixed.control_a, Some(Register::Port(0x604)));
        assert_eq!(facts.soft_off, Some((7, 5)));
        assert_eq!(discover(&firmware(), Some(BASE + 0x5a0)), Ok(facts));
    }

    #[test]
    fn each_missing_or_damaged_table_is_named() {
        let mut memory = firmware();
        memory.write(BASE + 0x5a0, b"X");
        assert_eq!(discover(&memory, None), Err(AcpiError::NoRootPointer));
        let mut memory = firmware();
        memory.write(0xe_1028, &[1]);
        assert_eq!(
            discover(&memory, None),
            Err(AcpiError::BadTable { signature: "RSDT" })
        );
        let mut memory = firmware();
        memory.write(0xe_3000, b"FACE");
        assert_eq!(discover(&memory, None), Err(AcpiError::NoFixedTable));
        let mut memory = firmware();
        memory.write(0xe_3040, &[1]);
        assert_eq!(
            discover(&memory, None),
            Err(AcpiError::BadTable { signature: "FACP" })
        );
        let mut memory = firmware();
        memory.write(0xe_4030, &[1]);
        assert_eq!(discover(&memory, None).unwrap().soft_off, None);
    }

    proptest! {
        #[test]
        fn damaged_tables_never_do_worse_than_be_refused(
            damage in proptest::collection::vec((0_usize..0x5000, any::<u8>()), 1..32),
            mends in any::<bool>(),
        ) {
            let mut memory = firmware();
            for (offset, byte) in damage {
                memory.bytes[offset] = byte;
            }
            if mends {
                // Checksums that fit let the damage through to the decoders.
                for address in [0xe_1000, 0xe_2000, 0xe_3000, 0xe_4000] {
                    let offset = usize::try_from(address - BASE).unwrap();
                    let length = u32::from_le_bytes(memory.bytes[offset + 4..offset + 8].try_into().unwrap());
                    let length = (length as usize).clamp(36, 0x800);
                    checked(&mut memory, address, length, 9);
                }
            }
            let _ = discover(&memory, None);
            let _ = discover(&memory, Some(BASE + 0x5a0));
        }
    }
}

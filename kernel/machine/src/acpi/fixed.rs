//! Decodes the fixed description table (FADT, ACPI 6.5, section 5.2.9).

use crate::memory::physical::{array_at, u16_at, u32_at, u64_at};

const FLAG_RESET_SUPPORTED: u32 = 1 << 10;
const FLAG_HARDWARE_REDUCED: u32 = 1 << 20;
const BOOT_FLAG_NO_RTC: u16 = 1 << 5;
const SPACE_MEMORY: u8 = 0;
const SPACE_PORT: u8 = 1;
/// The "no RTC" flag means something from this revision of the table on.
const REVISION_WITH_BOOT_FLAGS: u8 = 2;

/// Where a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// At a port.
    Port(u16),
    /// At a physical address.
    Memory(u64),
}

/// The registers of the fixed hardware that the kernel uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedFacts {
    /// True if the machine has the reduced set of registers only.
    pub is_hardware_reduced: bool,
    /// First power control register.
    pub control_a: Option<Register>,
    /// Second power control register.
    pub control_b: Option<Register>,
    /// Port that switches ACPI mode on, and the value to write.
    pub enable: Option<(u16, u8)>,
    /// Port of the power management timer.
    pub pm_timer_port: Option<u16>,
    /// Sleep control register of hardware-reduced machines.
    pub sleep_control: Option<Register>,
    /// Reset register and its value.
    pub reset: Option<(Register, u8)>,
    /// Physical address of the table of byte code.
    pub description_address: Option<u64>,
    /// True if the firmware says that there is no real-time clock.
    pub has_no_rtc: bool,
}

impl FixedFacts {
    /// Decodes a table whose checksum is right; what lies past its end is absent.
    pub fn read(table: &[u8]) -> Self {
        let flags = u32_at(table, 112).unwrap_or(0);
        let revision = table.get(8).copied().unwrap_or(0);
        let boot_flags = u16_at(table, 109).unwrap_or(0);
        let enable_port = u32_at(table, 48).and_then(port);
        let enable_value = table.get(52).copied().filter(|value| *value != 0);
        let has_reset = flags & FLAG_RESET_SUPPORTED != 0;
        let long_description = u64_at(table, 140).filter(|address| *address != 0);
        let short_description = u32_at(table, 40).filter(|address| *address != 0);
        Self {
            is_hardware_reduced: flags & FLAG_HARDWARE_REDUCED != 0,
            control_a: generic(table, 172)
                .or_else(|| u32_at(table, 64).and_then(port).map(Register::Port)),
            control_b: generic(table, 184)
                .or_else(|| u32_at(table, 68).and_then(port).map(Register::Port)),
            enable: enable_port.zip(enable_value),
            pm_timer_port: u32_at(table, 76).and_then(port),
            sleep_control: generic(table, 244),
            reset: generic(table, 116)
                .filter(|_| has_reset)
                .zip(table.get(128).copied()),
            description_address: long_description.or(short_description.map(u64::from)),
            has_no_rtc: revision >= REVISION_WITH_BOOT_FLAGS && boot_flags & BOOT_FLAG_NO_RTC != 0,
        }
    }
}

fn port(number: u32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

/// A generic address structure: space, width, offset, access size, address.
fn generic(table: &[u8], offset: usize) -> Option<Register> {
    let [space, _, _, _] = array_at(table, offset)?;
    let address = u64_at(table, offset.checked_add(4)?).filter(|address| *address != 0)?;
    match space {
        SPACE_MEMORY => Some(Register::Memory(address)),
        SPACE_PORT => u16::try_from(address).ok().map(Register::Port),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_table_has_no_late_registers() {
        let mut table = [0; 116];
        table[64..68].copy_from_slice(&0x604_u32.to_le_bytes());
        table[112..116].copy_from_slice(&u32::MAX.to_le_bytes());
        let facts = FixedFacts::read(&table);
        assert_eq!(facts.control_a, Some(Register::Port(0x604)));
        assert_eq!(facts.reset, None);
        assert_eq!(facts.sleep_control, None);
        assert_eq!(FixedFacts::read(&[]), FixedFacts::default());
    }

    #[test]
    fn the_extended_registers_win_over_the_short_ones() {
        let mut table = [0; 268];
        table[8] = 6;
        table[64..68].copy_from_slice(&0x604_u32.to_le_bytes());
        table[172] = SPACE_PORT;
        table[176..184].copy_from_slice(&0xb004_u64.to_le_bytes());
        table[244] = SPACE_MEMORY;
        table[248..256].copy_from_slice(&0xfe90_0200_u64.to_le_bytes());
        table[109] = 0x20;
        table[112..116].copy_from_slice(&(FLAG_RESET_SUPPORTED).to_le_bytes());
        table[116] = SPACE_PORT;
        table[120..128].copy_from_slice(&0xcf9_u64.to_le_bytes());
        table[128] = 0x0f;
        let facts = FixedFacts::read(&table);
        assert_eq!(facts.control_a, Some(Register::Port(0xb004)));
        assert_eq!(facts.sleep_control, Some(Register::Memory(0xfe90_0200)));
        assert_eq!(facts.reset, Some((Register::Port(0xcf9), 0x0f)));
        assert!(facts.has_no_rtc);
    }
}

//! Configuration space of PCI devices, by ports 0xcf8 and 0xcfc.
//!
//! Owns the two ports. They reach the first 256 bytes of every function's space on every PC; on a
//! machine without PCI every read gives all ones, which means "no such function".

use x86_64::instructions::port::Port;

use crate::sync::InterruptLock;

const ENABLE: u32 = 1 << 31;
/// Bytes of a function's space that the ports reach.
pub const SPACE_BYTES: u8 = 255;

/// Which function of which device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Bus, 0 to 255.
    pub bus: u8,
    /// Device, 0 to 31.
    pub device: u8,
    /// Function, 0 to 7.
    pub function: u8,
}

struct Ports {
    address: Port<u32>,
    data: Port<u32>,
}

static PORTS: InterruptLock<Ports> = InterruptLock::new(Ports {
    address: Port::new(0xcf8),
    data: Port::new(0xcfc),
});

/// The address word of a register; the offset's two low bits are dropped.
const fn address(function: Function, offset: u8) -> u32 {
    ENABLE
        | (function.bus as u32) << 16
        | (function.device as u32 & 31) << 11
        | (function.function as u32 & 7) << 8
        | (offset as u32 & 0xfc)
}

/// Reads 32 bits at an offset, a multiple of 4.
pub fn read32(function: Function, offset: u8) -> u32 {
    PORTS.with(|ports| {
        // SAFETY: the ports are PCI's or nobody's, and reading a configuration register affects
        // nothing that the kernel's memory depends on.
        unsafe {
            ports.address.write(address(function, offset));
            ports.data.read()
        }
    })
}

/// Writes 32 bits at an offset, a multiple of 4.
///
/// # Safety
/// Configuration space decides where a device answers and which memory it may write. The caller
/// sees to it that the device then uses no memory but what the caller gave to it.
pub unsafe fn write32(function: Function, offset: u8, value: u32) {
    PORTS.with(|ports| {
        // SAFETY: the caller answers for what the device does then.
        unsafe {
            ports.address.write(address(function, offset));
            ports.data.write(value);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_word_holds_each_part_in_its_place() {
        let function = Function {
            bus: 0x12,
            device: 31,
            function: 7,
        };
        assert_eq!(address(function, 0x3f), 0x8012_ff3c);
        let out_of_range = Function {
            bus: 0,
            device: 33,
            function: 9,
        };
        assert_eq!(address(out_of_range, 0), 0x8000_0900);
    }
}

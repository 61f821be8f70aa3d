//! Reads what a virtual machine monitor hands over by the PVH boot protocol.
//!
//! Owns the layout of `hvm_start_info` (Xen's public/arch-x86/hvm/start_info.h, version 1).
//! Invariants:
//! - every structure is read through [`PhysicalMemory`], within bounds;
//! - the number of memory map entries and the length of the command line are bounded.

use super::{
    BootError, BootFacts, COMMAND_LINE_BYTES_MAX, CommandLine, ImageLayout, Loader,
    MemoryMapBuilder, RAMDISK_BYTES_MAX,
};
use crate::memory::KERNEL_BASE;
use crate::memory::physical::{PhysicalMemory, u32_at, u64_at};
use crate::memory::ranges::PhysicalRange;

const MAGIC: u32 = 0x336e_c578;
const START_INFO_BYTES: u64 = 56;
const MODULE_BYTES: u64 = 32;
const MAP_ENTRY_BYTES: u64 = 24;
/// More entries than any real memory map has.
const MAP_ENTRY_COUNT_MAX: u32 = 512;
const TYPE_RAM: u32 = 1;

/// Where the kernel lies in physical memory after a PVH start: at its link address less the base.
fn kernel_range(image: ImageLayout) -> PhysicalRange {
    PhysicalRange::new(
        image.start.wrapping_sub(KERNEL_BASE),
        image.end.wrapping_sub(KERNEL_BASE),
    )
}

/// Reads the start information at `address`, for a kernel that is linked as `image`.
///
/// # Errors
/// A [`BootError`] for any structure that is not what the protocol says.
pub fn facts(
    memory: &impl PhysicalMemory,
    address: u64,
    image: ImageLayout,
) -> Result<BootFacts, BootError> {
    let info = StartInfo::read(memory, address)?;
    let ramdisk = ramdisk(memory, &info)?;
    let mut builder = MemoryMapBuilder::default();
    for_each_region(memory, &info, |range, kind| match kind {
        TYPE_RAM => builder.add_usable(range),
        _ => Ok(()),
    })?;
    for_each_region(memory, &info, |range, kind| match kind {
        TYPE_RAM => Ok(()),
        _ => builder.reserve(range),
    })?;
    builder.note_total();
    builder.reserve(kernel_range(image))?;
    if let Some(ramdisk) = ramdisk {
        builder.reserve(ramdisk)?;
    }
    let (usable, total_bytes) = builder.finish()?;
    Ok(BootFacts {
        loader: Loader::Pvh,
        image,
        usable,
        total_bytes,
        rsdp_address: (info.rsdp_address != 0).then_some(info.rsdp_address),
        ramdisk,
        framebuffer: None,
        command_line: command_line(memory, info.command_line_address),
    })
}

struct StartInfo {
    module_count: u32,
    modules_address: u64,
    command_line_address: u64,
    rsdp_address: u64,
    map_address: u64,
    map_entry_count: u32,
}

impl StartInfo {
    fn read(memory: &impl PhysicalMemory, address: u64) -> Result<Self, BootError> {
        let unreadable = BootError::Unreadable {
            what: "the PVH start information",
            address,
        };
        let bytes = memory.bytes(address, START_INFO_BYTES).ok_or(unreadable)?;
        let word = |offset| u32_at(bytes, offset).ok_or(unreadable);
        let long = |offset| u64_at(bytes, offset).ok_or(unreadable);
        if word(0)? != MAGIC {
            return Err(BootError::WrongMagic { found: word(0)? });
        }
        if word(4)? == 0 {
            return Err(BootError::NoMemoryMap { version: 0 });
        }
        let map_entry_count = word(48)?;
        if map_entry_count > MAP_ENTRY_COUNT_MAX {
            return Err(BootError::TooManyRegions {
                count: u64::from(map_entry_count),
            });
        }
        Ok(Self {
            module_count: word(12)?,
            modules_address: long(16)?,
            command_line_address: long(24)?,
            rsdp_address: long(32)?,
            map_address: long(40)?,
            map_entry_count,
        })
    }
}

fn for_each_region(
    memory: &impl PhysicalMemory,
    info: &StartInfo,
    mut visit: impl FnMut(PhysicalRange, u32) -> Result<(), BootError>,
) -> Result<(), BootError> {
    let address = info.map_address;
    let unreadable = BootError::Unreadable {
        what: "the PVH memory map",
        address,
    };
    let length = u64::from(info.map_entry_count).saturating_mul(MAP_ENTRY_BYTES);
    let bytes = memory.bytes(address, length).ok_or(unreadable)?;
    for entry in bytes.chunks_exact(24) {
        let start = u64_at(entry, 0).ok_or(unreadable)?;
        let length = u64_at(entry, 8).ok_or(unreadable)?;
        let kind = u32_at(entry, 16).ok_or(unreadable)?;
        // A region that passes the end of the address space is cut off there.
        visit(
            PhysicalRange::new(start, start.saturating_add(length)),
            kind,
        )?;
    }
    Ok(())
}

fn ramdisk(
    memory: &impl PhysicalMemory,
    info: &StartInfo,
) -> Result<Option<PhysicalRange>, BootError> {
    if info.module_count == 0 {
        return Ok(None);
    }
    let address = info.modules_address;
    let unreadable = BootError::Unreadable {
        what: "the PVH module list",
        address,
    };
    let bytes = memory.bytes(address, MODULE_BYTES).ok_or(unreadable)?;
    let start = u64_at(bytes, 0).ok_or(unreadable)?;
    let length = u64_at(bytes, 8).ok_or(unreadable)?;
    if length > RAMDISK_BYTES_MAX {
        return Err(BootError::RamdiskSize { bytes: length });
    }
    let unreadable = BootError::Unreadable {
        what: "the ramdisk",
        address: start,
    };
    memory.bytes(start, length).ok_or(unreadable)?;
    let range = PhysicalRange::from_length(start, length).ok_or(unreadable)?;
    Ok((!range.is_empty()).then_some(range))
}

fn command_line(memory: &impl PhysicalMemory, address: u64) -> CommandLine {
    let mut line = CommandLine::empty();
    if address == 0 {
        return line;
    }
    for offset in 0..COMMAND_LINE_BYTES_MAX as u64 {
        let byte = address
            .checked_add(offset)
            .and_then(|address| memory.bytes(address, 1));
        match byte {
            Some([byte]) if *byte != 0 => line.push(*byte),
            _ => break,
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::physical::fake::FakeMemory;
    use proptest::prelude::*;

    const INFO: u64 = 0x1000;
    const KERNEL: PhysicalRange = PhysicalRange::new(0x20_0000, 0x40_0000);
    const IMAGE: ImageLayout = ImageLayout {
        start: KERNEL_BASE + 0x20_0000,
        text_end: KERNEL_BASE + 0x30_0000,
        rodata_end: KERNEL_BASE + 0x38_0000,
        end: KERNEL_BASE + 0x40_0000,
    };

    fn memory_of_a_good_start() -> FakeMemory {
        let mut memory = FakeMemory::new(INFO, 0x3000);
        memory.write(INFO, &MAGIC.to_le_bytes());
        memory.write(INFO + 4, &1_u32.to_le_bytes());
        memory.write(INFO + 12, &1_u32.to_le_bytes());
        memory.write(INFO + 16, &0x1100_u64.to_le_bytes());
        memory.write(INFO + 24, &0x1200_u64.to_le_bytes());
        memory.write(INFO + 32, &0xf5a0_u64.to_le_bytes());
        memory.write(INFO + 40, &0x1300_u64.to_le_bytes());
        memory.write(INFO + 48, &3_u32.to_le_bytes());
        memory.write(0x1100, &0x2000_u64.to_le_bytes());
        memory.write(0x1108, &0x800_u64.to_le_bytes());
        memory.write(0x1200, b"quiet\tdrill=on\0junk");
        for (index, (start, length, kind)) in [
            (0, 0x9_fc00, 1),
            (0x10_0000, 0x7ee_0000, 1),
            (0x7fe_0000, 0x2_0000, 2_u32),
        ]
        .into_iter()
        .enumerate()
        {
            let address = 0x1300 + 24 * index as u64;
            memory.write(address, &u64::to_le_bytes(start));
            memory.write(address + 8, &u64::to_le_bytes(length));
            memory.write(address + 16, &kind.to_le_bytes());
        }
        memory
    }

    #[test]
    fn a_good_start_gives_memory_without_kernel_and_low_memory() {
        let facts = facts(&memory_of_a_good_start(), INFO, IMAGE).unwrap();
        assert_eq!(
            facts.usable.as_slice(),
            [
                PhysicalRange::new(0x10_0000, 0x20_0000),
                PhysicalRange::new(0x40_0000, 0x7fe_0000)
            ]
        );
        assert_eq!(facts.total_bytes, 0x9_f000 + 0x7ee_0000);
        assert_eq!(facts.ramdisk, Some(PhysicalRange::new(0x2000, 0x2800)));
        assert_eq!(facts.command_line.as_str(), "quiet?drill=on");
        assert_eq!(facts.rsdp_address, Some(0xf5a0));
    }

    #[test]
    fn a_reserved_region_over_usable_memory_wins() {
        let mut memory = memory_of_a_good_start();
        memory.write(0x1300 + 48, &0x500_0000_u64.to_le_bytes());
        let facts = facts(&memory, INFO, IMAGE).unwrap();
        assert!(
            !facts
                .usable
                .overlaps(PhysicalRange::new(0x500_0000, 0x502_0000))
        );
        assert!(
            facts
                .usable
                .overlaps(PhysicalRange::new(0x502_0000, 0x502_1000))
        );
    }

    #[test]
    fn each_wrong_structure_is_named() {
        let start_with = |address: u64, bytes: &[u8]| {
            let mut memory = memory_of_a_good_start();
            memory.write(address, bytes);
            facts(&memory, INFO, IMAGE).unwrap_err()
        };
        assert_eq!(
            start_with(INFO, &[0; 4]),
            BootError::WrongMagic { found: 0 }
        );
        assert_eq!(
            start_with(INFO + 4, &[0; 4]),
            BootError::NoMemoryMap { version: 0 }
        );
        assert_eq!(
            start_with(INFO + 48, &[0xff; 4]),
            BootError::TooManyRegions { count: 0xffff_ffff }
        );
        assert_eq!(start_with(INFO + 48, &[0; 4]), BootError::NoMemory);
        assert!(matches!(
            start_with(INFO + 40, &[0xff; 8]),
            BootError::Unreadable { .. }
        ));
        assert!(matches!(
            start_with(0x1100, &[0xff; 8]),
            BootError::Unreadable { .. }
        ));
        assert!(matches!(
            start_with(0x1108, &[0xff; 8]),
            BootError::RamdiskSize { .. }
        ));
        assert!(matches!(
            facts(&memory_of_a_good_start(), u64::MAX - 3, IMAGE),
            Err(BootError::Unreadable { .. })
        ));
    }

    proptest! {
        #[test]
        fn damaged_start_information_gives_facts_or_an_error_and_never_unsound_memory(
            damage in proptest::collection::vec((0_usize..0x400, any::<u8>()), 0..24)
        ) {
            let mut memory = memory_of_a_good_start();
            for (offset, byte) in damage {
                memory.bytes[offset] = byte;
            }
            if let Ok(facts) = facts(&memory, INFO, IMAGE) {
                prop_assert!(!facts.usable.overlaps(KERNEL));
                prop_assert!(!facts.usable.overlaps(PhysicalRange::new(0, 0x10_0000)));
                for range in facts.usable.as_slice() {
                    prop_assert_eq!(range.start % 4096, 0);
                    prop_assert_eq!(range.end % 4096, 0);
                }
                if let Some(ramdisk) = facts.ramdisk {
                    prop_assert!(!facts.usable.overlaps(ramdisk));
                }
            }
        }
    }
}

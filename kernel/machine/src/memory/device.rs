//! Maps device registers, and reads and writes them within bounds.
//!
//! Owns the part of the address space from [`DEVICE_BASE`]. A mapping is made
//! once and stays; asking again for the same pages gives the same mapping.
//!
//! Invariants:
//! - memory that the kernel uses is never mapped as a device, so that no register access can reach it;
//! - device pages are uncached (or write-combining, for a screen) and never executable.

use core::ptr::NonNull;

use x86_64::registers::model_specific::Msr;
use x86_64::structures::paging::PageTableFlags as Flags;

use super::ranges::{PhysicalRange, RangeSet};
use super::{DEVICE_BASE, FRAMES, MemoryError, PAGE_SIZE, paging};
use crate::boot::BootFacts;
use crate::cpu::features;
use crate::sync::InterruptLock;

/// How many separate device ranges can be mapped.
pub const DEVICE_COUNT_MAX: usize = 64;
/// Largest device range, in bytes: a screen of 8K by 4K pixels.
pub const DEVICE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How many separate ranges of memory are told from devices.
const MEMORY_RANGE_COUNT_MAX: usize = 1024;

const UNCACHED: Flags = Flags::NO_CACHE.union(Flags::WRITE_THROUGH);
/// Page attribute entry 1, which [`init`] sets to write-combining.
const WRITE_COMBINING: Flags = Flags::WRITE_THROUGH;

#[derive(Clone, Copy)]
struct Mapping {
    physical: PhysicalRange,
    address: u64,
}

struct Devices {
    mappings: [Option<Mapping>; DEVICE_COUNT_MAX],
    mapped_bytes: u64,
    memory: RangeSet<MEMORY_RANGE_COUNT_MAX>,
}

static DEVICES: InterruptLock<Devices> = InterruptLock::new(Devices {
    mappings: [None; DEVICE_COUNT_MAX],
    mapped_bytes: 0,
    memory: RangeSet::new(),
});

/// Remembers which addresses are memory, and prepares write-combining for the screen.
pub(super) fn init(facts: &BootFacts) -> Result<(), MemoryError> {
    const PAT: u32 = 0x277;
    const POWER_UP_WITH_ENTRY_1_WRITE_COMBINING: u64 = 0x0007_0406_0007_0106;
    if features::get().has_page_attributes {
        // SAFETY: the processor has the register, no live mapping uses entry 1, and each byte is a
        // memory type that the architecture defines.
        unsafe { Msr::new(PAT).write(POWER_UP_WITH_ENTRY_1_WRITE_COMBINING) };
    }
    DEVICES.with(|devices| {
        let mut add = |range| {
            devices
                .memory
                .insert(range)
                .map_err(|_| MemoryError::TooManyDevices)
        };
        for range in facts.usable.as_slice().iter().copied().chain(facts.ramdisk) {
            add(range)?;
        }
        let mut address = facts.image.start;
        while address < facts.image.end {
            if let Some(page) = paging::translate_live(address) {
                add(PhysicalRange::new(page, page.saturating_add(PAGE_SIZE)))?;
            }
            address = address.saturating_add(PAGE_SIZE);
        }
        Ok(())
    })
}

/// Device memory that is mapped for good.
#[derive(Clone, Copy, Debug)]
pub struct Mmio {
    pointer: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the mapping stays for good and every access through this type is one volatile access.
unsafe impl Send for Mmio {}
// SAFETY: as above; the device orders concurrent accesses.
unsafe impl Sync for Mmio {}

impl Mmio {
    /// Where the kernel sees the device.
    pub fn pointer(&self) -> NonNull<u8> {
        self.pointer
    }

    /// Length in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads the register of type `T` at `offset`; nothing if it lies outside or is not aligned.
    fn read<T: Copy>(&self, offset: usize) -> Option<T> {
        let pointer = self.register::<T>(offset)?;
        // SAFETY: the register lies inside the mapping, aligned, and any bytes are a valid integer.
        Some(unsafe { pointer.read_volatile() })
    }

    fn write<T: Copy>(&self, offset: usize, value: T) -> Option<()> {
        let pointer = self.register::<T>(offset)?;
        // SAFETY: the register lies inside the mapping, aligned; device memory overlaps no memory.
        unsafe { pointer.write_volatile(value) };
        Some(())
    }

    fn register<T>(&self, offset: usize) -> Option<NonNull<T>> {
        let end = offset.checked_add(size_of::<T>())?;
        // SAFETY: the offset is inside the mapping.
        let pointer = (end <= self.bytes)
            .then(|| unsafe { self.pointer.add(offset) })?
            .cast::<T>();
        pointer.is_aligned().then_some(pointer)
    }

    /// Reads 32 bits.
    pub fn read32(&self, offset: usize) -> Option<u32> {
        self.read(offset)
    }

    /// Writes 32 bits; nothing happens outside the mapping.
    pub fn write32(&self, offset: usize, value: u32) -> Option<()> {
        self.write(offset, value)
    }

    /// Writes 8 bits; nothing happens outside the mapping.
    pub fn write8(&self, offset: usize, value: u8) -> Option<()> {
        self.write(offset, value)
    }
}

/// Maps `bytes` bytes of device registers at a physical address, uncached.
///
/// # Errors
/// A [`MemoryError`] if the range is no device's, or there is no room for it.
pub fn map_mmio(physical: u64, bytes: u64) -> Result<Mmio, MemoryError> {
    map(physical, bytes, UNCACHED)
}

/// Maps a screen's memory: writes are combined where the processor can, uncached otherwise.
///
/// # Errors
/// As [`map_mmio`].
pub fn map_framebuffer(physical: u64, bytes: u64) -> Result<Mmio, MemoryError> {
    let cache = if features::get().has_page_attributes {
        WRITE_COMBINING
    } else {
        UNCACHED
    };
    map(physical, bytes, cache)
}

fn map(physical: u64, bytes: u64, cache: Flags) -> Result<Mmio, MemoryError> {
    let bad_range = MemoryError::DeviceRange {
        address: physical,
        bytes,
    };
    let range = PhysicalRange::from_length(physical, bytes).ok_or(bad_range)?;
    let pages = range.grow_to(PAGE_SIZE);
    // 52 bits are the most that the architecture can address.
    if range.is_empty() || bytes > DEVICE_BYTES_MAX || pages.end > 1 << 52 {
        return Err(bad_range);
    }
    let length = usize::try_from(bytes).map_err(|_| bad_range)?;
    let address = DEVICES.with(|devices| devices.map(pages, cache))?;
    let offset = physical.saturating_sub(pages.start);
    let address = usize::try_from(address.saturating_add(offset)).map_err(|_| bad_range)?;
    let pointer = NonNull::new(core::ptr::with_exposed_provenance_mut(address)).ok_or(bad_range)?;
    Ok(Mmio {
        pointer,
        bytes: length,
    })
}

impl Devices {
    /// Maps whole pages, or finds them mapped, and gives their virtual address.
    fn map(&mut self, pages: PhysicalRange, cache: Flags) -> Result<u64, MemoryError> {
        if self.memory.overlaps(pages) {
            return Err(MemoryError::DeviceOverlapsMemory {
                address: pages.start,
            });
        }
        let is_inside =
            |own: &Mapping| own.physical.start <= pages.start && pages.end <= own.physical.end;
        if let Some(known) = self.mappings.iter().flatten().find(|own| is_inside(own)) {
            let offset = pages.start.saturating_sub(known.physical.start);
            return Ok(known.address.saturating_add(offset));
        }
        let slot = self.mappings.iter_mut().find(|slot| slot.is_none());
        let slot = slot.ok_or(MemoryError::TooManyDevices)?;
        let address = DEVICE_BASE.saturating_add(self.mapped_bytes);
        // One page stays unmapped between two devices, so that running off one hits nothing.
        self.mapped_bytes = self
            .mapped_bytes
            .saturating_add(pages.bytes())
            .saturating_add(PAGE_SIZE);
        let mut offset = 0;
        while offset < pages.bytes() {
            let page = address.saturating_add(offset);
            let frame = pages.start.saturating_add(offset);
            FRAMES.with(|frames| paging::map_device_page(frames, page, frame, cache))?;
            offset = offset.saturating_add(PAGE_SIZE);
        }
        *slot = Some(Mapping {
            physical: pages,
            address,
        });
        Ok(address)
    }
}

//! The kernel's memory: physical frames, page tables, heap, device mappings.
//!
//! Owns the one address-space layout and the free memory behind it:
//!
//! | from | what |
//! |---|---|
//! | `0xffff_8000_0000_0000` | direct map of usable memory and the ramdisk: never executable |
//! | `0xffff_c000_0000_0000` | devices, mapped on request: never executable |
//! | `0xffff_ffff_8020_0000` | the kernel, by segment: text, read-only data, data |
//!
//! All else is unmapped, page zero and the guard pages under the stacks among it.

pub mod device;
pub mod frames;
pub mod heap;
pub mod paging;
pub mod physical;
pub mod ranges;

use core::fmt;
use core::ptr::NonNull;

use crate::boot::BootFacts;
use crate::sync::InterruptLock;
use frames::{FrameAllocator, OutOfMemory};
use physical::PhysicalMemory;
use ranges::PhysicalRange;

/// Bytes of a page and of a frame.
pub const PAGE_SIZE: u64 = 4096;
/// Virtual address of physical address 0.
pub const DIRECT_MAP_BASE: u64 = 0xffff_8000_0000_0000;
/// Virtual address of the first device mapping.
pub const DEVICE_BASE: u64 = 0xffff_c000_0000_0000;
/// The kernel's link address is this plus its physical address, when PVH starts it.
pub const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;

static FRAMES: InterruptLock<FrameAllocator> = InterruptLock::new(FrameAllocator::empty());
static TOTAL_BYTES: spin::Once<u64> = spin::Once::new();

/// What failed when the kernel's memory was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// There is too little memory.
    OutOfMemory(OutOfMemory),
    /// A page of the kernel was not mapped by whoever started it.
    KernelNotMapped {
        /// Its link address.
        address: u64,
    },
    /// A page was already mapped to something else.
    AlreadyMapped {
        /// Its virtual address.
        address: u64,
    },
    /// A device's address range overlaps memory that the kernel uses.
    DeviceOverlapsMemory {
        /// Its physical address.
        address: u64,
    },
    /// A device's address range is empty or passes the end of the address space.
    DeviceRange {
        /// Its physical address.
        address: u64,
        /// Its length.
        bytes: u64,
    },
    /// There are more device mappings than are kept.
    TooManyDevices,
}

impl From<OutOfMemory> for MemoryError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory(error) => error.fmt(f),
            Self::KernelNotMapped { address } => {
                write!(f, "the loader left the kernel's page {address:#x} unmapped")
            }
            Self::AlreadyMapped { address } => write!(f, "the page {address:#x} is mapped twice"),
            Self::DeviceOverlapsMemory { address } => {
                write!(
                    f,
                    "the device at {address:#x} overlaps memory: the firmware's tables are wrong"
                )
            }
            Self::DeviceRange { address, bytes } => {
                write!(f, "a device cannot have {bytes} bytes at {address:#x}")
            }
            Self::TooManyDevices => {
                write!(f, "more devices are mapped than the kernel has room for")
            }
        }
    }
}

/// Builds the kernel's own page tables and heap, and switches to them.
///
/// # Errors
/// A [`MemoryError`] if there is too little memory or the loader's map is not sound.
pub(crate) fn init(facts: &BootFacts) -> Result<(), MemoryError> {
    TOTAL_BYTES.call_once(|| facts.total_bytes);
    FRAMES.with(|frames| {
        *frames = FrameAllocator::new(facts.usable.as_slice());
        paging::build_and_switch(facts, frames)
    })?;
    device::init(facts)?;
    heap::init(facts.usable.total_bytes())
}

/// All memory of the machine, in bytes.
pub fn total_bytes() -> u64 {
    TOTAL_BYTES.get().copied().unwrap_or(0)
}

/// Memory that nobody uses, heap excluded, in bytes.
pub fn free_bytes() -> u64 {
    FRAMES.with(|frames| frames.free_bytes())
}

/// The longest piece of memory that nobody uses, in bytes: the largest block that can be had.
pub fn longest_free_bytes() -> u64 {
    FRAMES.with(|frames| frames.longest_bytes())
}

/// Takes `bytes` bytes, rounded up to whole pages, of contiguous memory for good.
///
/// The memory is zeroed and exclusively the caller's.
///
/// # Errors
/// [`OutOfMemory`] if no free area is long enough.
pub fn allocate_contiguous(bytes: u64) -> Result<&'static mut [u8], OutOfMemory> {
    let area = FRAMES.with(|frames| frames.allocate(bytes, PAGE_SIZE))?;
    let length = usize::try_from(area.bytes()).map_err(|_| OutOfMemory {
        requested_bytes: bytes,
    })?;
    // SAFETY: the area was free, is mapped read-write by the direct map, and is never given back, so
    // this is the only reference to it; zero bytes are valid for `u8`.
    unsafe {
        let start = direct_pointer(area.start);
        start.write_bytes(0, length);
        Ok(core::slice::from_raw_parts_mut(start.as_ptr(), length))
    }
}

/// Memory for a device to read and write directly.
#[derive(Clone, Copy, Debug)]
pub struct DmaArea {
    /// Where the device sees it.
    pub physical: u64,
    /// Where the kernel sees it.
    pub pointer: NonNull<u8>,
    /// Its length in pages.
    pub pages: usize,
}

/// Takes `pages` zeroed, contiguous pages for a device.
///
/// # Errors
/// [`OutOfMemory`] if no free area is long enough.
pub fn dma_allocate(pages: usize) -> Result<DmaArea, OutOfMemory> {
    let bytes = (pages as u64).saturating_mul(PAGE_SIZE);
    let area = FRAMES.with(|frames| frames.allocate(bytes, PAGE_SIZE))?;
    let pointer = direct_pointer(area.start);
    let length = usize::try_from(area.bytes()).map_err(|_| OutOfMemory {
        requested_bytes: bytes,
    })?;
    // SAFETY: the area was free and is mapped read-write by the direct map.
    unsafe { pointer.write_bytes(0, length) };
    Ok(DmaArea {
        physical: area.start,
        pointer,
        pages,
    })
}

/// Gives the memory of a [`DmaArea`] back.
///
/// # Safety
/// `physical` and `pages` are those of one [`dma_allocate`], given back once, and neither the kernel
/// nor a device uses the memory any more.
pub unsafe fn dma_free(physical: u64, pages: usize) {
    let bytes = (pages as u64).saturating_mul(PAGE_SIZE);
    if let Some(area) = PhysicalRange::from_length(physical, bytes) {
        FRAMES.with(|frames| frames.give(area));
    }
}

/// The physical address behind a mapped virtual one: direct map, kernel, heap and stack alike.
pub fn translate(address: u64) -> Option<u64> {
    paging::translate_live(address)
}

/// Where the direct map has a physical address. The page is mapped only if it is usable memory or
/// the ramdisk.
pub(crate) fn direct_pointer(physical: u64) -> NonNull<u8> {
    let address = address_of(DIRECT_MAP_BASE.wrapping_add(physical));
    NonNull::new(core::ptr::with_exposed_provenance_mut(address)).unwrap_or(NonNull::dangling())
}

/// An address as the width that pointers have: 64 bits on the one architecture there is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "x86_64 has 64-bit pointers"
)]
pub(crate) const fn address_of(address: u64) -> usize {
    const _: () = assert!(size_of::<usize>() == size_of::<u64>());
    address as usize
}

/// The ramdisk's bytes.
///
/// The range must be the one of the boot facts whose memory was set up by [`init`].
pub(crate) fn ramdisk_bytes(ramdisk: PhysicalRange) -> &'static [u8] {
    let length = usize::try_from(ramdisk.bytes()).unwrap_or(0);
    // SAFETY: the range was taken out of the usable memory, so that nobody writes it, and the page
    // tables map all of it, read-only, for as long as the kernel runs.
    unsafe { core::slice::from_raw_parts(direct_pointer(ramdisk.start).as_ptr(), length) }
}

/// Physical memory as the loader or the entry code mapped it: all of it, in pages of 2 MiB or more.
///
/// It may be read until the kernel's own page tables are live, and only there is it of use: for the
/// boot information and the firmware's tables.
#[derive(Clone, Copy)]
pub(crate) struct LoaderMap;

impl PhysicalMemory for LoaderMap {
    fn bytes(&self, address: u64, length: u64) -> Option<&[u8]> {
        const STEP: u64 = 2 * 1024 * 1024;
        let range = PhysicalRange::from_length(address, length)?;
        if range.end > DEVICE_BASE - DIRECT_MAP_BASE {
            return None;
        }
        let mut page = address & !(STEP - 1);
        while page < range.end {
            let expected = page.max(address);
            if paging::translate_live(DIRECT_MAP_BASE.checked_add(expected)?)? != expected {
                return None;
            }
            page = page.checked_add(STEP)?;
        }
        let length = usize::try_from(length).ok()?;
        // SAFETY: every page of the range was just found mapped, and the kernel writes to no memory
        // that this type is used on: boot information and firmware tables are not usable memory.
        Some(unsafe { core::slice::from_raw_parts(direct_pointer(address).as_ptr(), length) })
    }
}

//! Reads what the boot loader hands over, from BIOS and from UEFI.
//!
//! Owns the way from the loader's `BootInfo`, with its virtual addresses, to physical facts. Addresses
//! are translated by the page tables that the loader left live.

use bootloader_api::BootInfo;
use bootloader_api::info::{MemoryRegionKind, PixelFormat as LoaderPixelFormat};

use super::{
    BootError, BootFacts, CommandLine, FramebufferFacts, ImageLayout, Loader, MemoryMapBuilder,
    PixelFormat, RAMDISK_BYTES_MAX,
};
use crate::memory::ranges::PhysicalRange;
use crate::memory::{DIRECT_MAP_BASE, PAGE_SIZE, paging};

/// More regions than any real memory map has.
const REGION_COUNT_MAX: usize = 1024;

/// Reads the boot information.
///
/// # Errors
/// A [`BootError`] for anything that is out of bounds.
pub fn facts(info: &BootInfo, image: ImageLayout) -> Result<BootFacts, BootError> {
    if info.physical_memory_offset.as_ref() != Some(&DIRECT_MAP_BASE) {
        return Err(BootError::NoDirectMap);
    }
    let regions = &*info.memory_regions;
    if regions.len() > REGION_COUNT_MAX {
        return Err(BootError::TooManyRegions {
            count: regions.len() as u64,
        });
    }
    let ramdisk = ramdisk(info)?;
    let mut builder = MemoryMapBuilder::default();
    for region in regions
        .iter()
        .filter(|region| region.kind == MemoryRegionKind::Usable)
    {
        builder.add_usable(PhysicalRange::new(region.start, region.end))?;
    }
    for region in regions
        .iter()
        .filter(|region| region.kind != MemoryRegionKind::Usable)
    {
        builder.reserve(PhysicalRange::new(region.start, region.end))?;
    }
    builder.note_total();
    for region in regions
        .iter()
        .filter(|region| region.kind == MemoryRegionKind::Bootloader)
    {
        builder.add_total(PhysicalRange::new(region.start, region.end));
    }
    if let Some(ramdisk) = ramdisk {
        builder.reserve(ramdisk)?;
    }
    let (usable, total_bytes) = builder.finish()?;
    Ok(BootFacts {
        loader: Loader::Bootloader,
        image,
        usable,
        total_bytes,
        rsdp_address: info.rsdp_addr.as_ref().copied(),
        ramdisk,
        framebuffer: framebuffer(info),
        command_line: CommandLine::empty(),
    })
}

fn ramdisk(info: &BootInfo) -> Result<Option<PhysicalRange>, BootError> {
    let Some(&address) = info.ramdisk_addr.as_ref() else {
        return Ok(None);
    };
    if info.ramdisk_len == 0 {
        return Ok(None);
    }
    if info.ramdisk_len > RAMDISK_BYTES_MAX {
        return Err(BootError::RamdiskSize {
            bytes: info.ramdisk_len,
        });
    }
    contiguous(address, info.ramdisk_len)
        .map(Some)
        .ok_or(BootError::RamdiskScattered)
}

/// The physical range behind `length` bytes at a virtual address, if it is one piece.
fn contiguous(address: u64, length: u64) -> Option<PhysicalRange> {
    let start = paging::translate_live(address)?;
    let end_page = address
        .checked_add(length)?
        .checked_next_multiple_of(PAGE_SIZE)?;
    let first_page = address & !PAGE_SIZE.wrapping_sub(1);
    let first_frame = start & !PAGE_SIZE.wrapping_sub(1);
    let mut page = first_page;
    while page < end_page {
        let frame = first_frame.checked_add(page.checked_sub(first_page)?)?;
        if paging::translate_live(page)? != frame {
            return None;
        }
        page = page.checked_add(PAGE_SIZE)?;
    }
    PhysicalRange::from_length(start, length)
}

/// The screen; one whose geometry contradicts itself counts as none.
fn framebuffer(info: &BootInfo) -> Option<FramebufferFacts> {
    let framebuffer = info.framebuffer.as_ref()?;
    let layout = framebuffer.info();
    let address = framebuffer.buffer().as_ptr() as u64;
    let range = contiguous(address, layout.byte_len as u64)?;
    let format = match layout.pixel_format {
        LoaderPixelFormat::Rgb => PixelFormat::Rgb,
        LoaderPixelFormat::Bgr => PixelFormat::Bgr,
        LoaderPixelFormat::U8 => PixelFormat::Gray,
        _ => return None,
    };
    let needed_bytes = layout
        .stride
        .checked_mul(layout.height)?
        .checked_mul(layout.bytes_per_pixel)?;
    let is_sound = (1..=4).contains(&layout.bytes_per_pixel)
        && layout.width <= layout.stride
        && needed_bytes <= layout.byte_len
        && needed_bytes > 0;
    is_sound.then_some(FramebufferFacts {
        range,
        width_pixels: u32::try_from(layout.width).ok()?,
        height_pixels: u32::try_from(layout.height).ok()?,
        stride_pixels: u32::try_from(layout.stride).ok()?,
        pixel_bytes: u32::try_from(layout.bytes_per_pixel).ok()?,
        format,
    })
}

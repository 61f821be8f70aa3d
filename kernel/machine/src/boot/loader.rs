//! Reads what the boot loader hands over, from BIOS and from UEFI.
//!
//! Owns the way from the loader's `BootInfo`, with its virtual addresses, to physical facts. Addresses
//! are translated by the page tables that the loader left live, which is an argument here.

use bootloader_api::BootInfo;
use bootloader_api::info::{MemoryRegionKind, PixelFormat as LoaderPixelFormat};

use super::{
    BootError, BootFacts, CommandLine, FramebufferFacts, ImageLayout, Loader, MemoryMapBuilder,
    PixelFormat, RAMDISK_BYTES_MAX,
};
use crate::memory::ranges::PhysicalRange;
use crate::memory::{DIRECT_MAP_BASE, PAGE_SIZE};

/// More regions than any real memory map has.
const REGION_COUNT_MAX: usize = 1024;

/// Reads the boot information; `translate` gives the physical address behind a mapped virtual one.
///
/// # Errors
/// A [`BootError`] for anything that is out of bounds.
pub fn facts(
    info: &BootInfo,
    image: ImageLayout,
    translate: impl Fn(u64) -> Option<u64>,
) -> Result<BootFacts, BootError> {
    if info.physical_memory_offset.as_ref() != Some(&DIRECT_MAP_BASE) {
        return Err(BootError::NoDirectMap);
    }
    let regions = &*info.memory_regions;
    if regions.len() > REGION_COUNT_MAX {
        return Err(BootError::TooManyRegions {
            count: regions.len() as u64,
        });
    }
    let ramdisk = ramdisk(info, &translate)?;
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
        framebuffer: framebuffer(info, &translate),
        command_line: CommandLine::empty(),
    })
}

fn ramdisk(
    info: &BootInfo,
    translate: &impl Fn(u64) -> Option<u64>,
) -> Result<Option<PhysicalRange>, BootError> {
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
    contiguous(address, info.ramdisk_len, translate)
        .map(Some)
        .ok_or(BootError::RamdiskScattered)
}

/// The physical range behind `length` bytes at a virtual address, if it is one piece.
fn contiguous(
    address: u64,
    length: u64,
    translate: &impl Fn(u64) -> Option<u64>,
) -> Option<PhysicalRange> {
    let start = translate(address)?;
    let end_page = address
        .checked_add(length)?
        .checked_next_multiple_of(PAGE_SIZE)?;
    let first_page = address & !PAGE_SIZE.wrapping_sub(1);
    let first_frame = start & !PAGE_SIZE.wrapping_sub(1);
    let mut page = first_page;
    while page < end_page {
        let frame = first_frame.checked_add(page.checked_sub(first_page)?)?;
        if translate(page)? != frame {
            return None;
        }
        page = page.checked_add(PAGE_SIZE)?;
    }
    PhysicalRange::from_length(start, length)
}

/// The screen; one whose geometry contradicts itself counts as none.
fn framebuffer(
    info: &BootInfo,
    translate: &impl Fn(u64) -> Option<u64>,
) -> Option<FramebufferFacts> {
    let framebuffer = info.framebuffer.as_ref()?;
    let layout = framebuffer.info();
    let address = framebuffer.buffer().as_ptr() as u64;
    let range = contiguous(address, layout.byte_len as u64, translate)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use bootloader_api::info::{FrameBuffer, FrameBufferInfo, MemoryRegion, Optional};
    use std::boxed::Box;
    use std::vec::Vec;

    const IMAGE: ImageLayout = ImageLayout {
        start: 0,
        text_end: 0,
        rodata_end: 0,
        end: 0,
    };
    const RAMDISK: u64 = 0x1_0000_0000;
    const SCREEN: u64 = 0x2_0000_0000;

    /// Virtual addresses are physical ones plus 4 GiB.
    fn translate(address: u64) -> Option<u64> {
        address.checked_sub(RAMDISK)
    }

    fn region(start: u64, end: u64, kind: MemoryRegionKind) -> MemoryRegion {
        MemoryRegion { start, end, kind }
    }

    fn info(regions: Vec<MemoryRegion>) -> BootInfo {
        let regions: &'static mut [MemoryRegion] = Box::leak(regions.into_boxed_slice());
        let mut info = BootInfo::new(regions.into());
        info.physical_memory_offset = Optional::Some(DIRECT_MAP_BASE);
        info
    }

    fn usual_regions() -> Vec<MemoryRegion> {
        std::vec![
            region(0, 0x9_f000, MemoryRegionKind::Usable),
            region(0x10_0000, 0x20_0000, MemoryRegionKind::Bootloader),
            region(0x20_0000, 0x800_0000, MemoryRegionKind::Usable),
            region(0x7f0_0000, 0x800_0000, MemoryRegionKind::UnknownUefi(10)),
        ]
    }

    fn screen() -> FrameBufferInfo {
        FrameBufferInfo {
            byte_len: 1280 * 800 * 4,
            width: 1280,
            height: 800,
            pixel_format: LoaderPixelFormat::Bgr,
            bytes_per_pixel: 4,
            stride: 1280,
        }
    }

    #[test]
    fn usable_memory_is_what_nobody_else_claims() {
        let facts = facts(&info(usual_regions()), IMAGE, translate).unwrap();
        assert_eq!(
            facts.usable.as_slice(),
            [PhysicalRange::new(0x20_0000, 0x7f0_0000)]
        );
        assert_eq!(facts.total_bytes, 0x9_f000 + 0x10_0000 + 0x7d0_0000);
        assert_eq!((facts.ramdisk, facts.framebuffer), (None, None));
    }

    #[test]
    fn the_ramdisk_is_reserved_and_must_be_one_piece() {
        let mut start = info(usual_regions());
        start.ramdisk_addr = Optional::Some(RAMDISK + 0x30_0800);
        start.ramdisk_len = 0x2000;
        let good = facts(&start, IMAGE, translate).unwrap();
        assert_eq!(good.ramdisk, Some(PhysicalRange::new(0x30_0800, 0x30_2800)));
        assert!(
            !good
                .usable
                .overlaps(PhysicalRange::new(0x30_0000, 0x30_3000))
        );
        let scattered = |address: u64| {
            let physical = translate(address)?;
            Some(if physical >= 0x30_2000 {
                physical + 0x5000
            } else {
                physical
            })
        };
        assert_eq!(
            facts(&start, IMAGE, scattered).unwrap_err(),
            BootError::RamdiskScattered
        );
        start.ramdisk_len = u64::MAX;
        let error = facts(&start, IMAGE, translate).unwrap_err();
        assert_eq!(error, BootError::RamdiskSize { bytes: u64::MAX });
        start.ramdisk_addr = Optional::Some(u64::MAX - 0xfff);
        start.ramdisk_len = 0x2000;
        assert_eq!(
            facts(&start, IMAGE, translate).unwrap_err(),
            BootError::RamdiskScattered
        );
    }

    #[test]
    fn a_screen_that_contradicts_itself_is_none() {
        let seen = |layout: FrameBufferInfo| {
            let mut start = info(usual_regions());
            // SAFETY: nothing reads the screen's memory.
            start.framebuffer = Optional::Some(unsafe { FrameBuffer::new(SCREEN, layout) });
            facts(&start, IMAGE, translate).unwrap().framebuffer
        };
        let good = seen(screen()).unwrap();
        assert_eq!(
            good.range,
            PhysicalRange::new(0x1_0000_0000, 0x1_0000_0000 + 1280 * 800 * 4)
        );
        assert_eq!(good.format, PixelFormat::Bgr);
        for wrong in [
            FrameBufferInfo {
                byte_len: 1280 * 800 * 4 - 1,
                ..screen()
            },
            FrameBufferInfo {
                height: usize::MAX,
                ..screen()
            },
            FrameBufferInfo {
                width: 1281,
                ..screen()
            },
            FrameBufferInfo {
                bytes_per_pixel: 0,
                ..screen()
            },
            FrameBufferInfo {
                bytes_per_pixel: 5,
                ..screen()
            },
            FrameBufferInfo {
                height: 0,
                ..screen()
            },
        ] {
            assert_eq!(seen(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_start_without_a_direct_map_or_with_too_many_regions_is_refused() {
        let mut start = info(usual_regions());
        start.physical_memory_offset = Optional::None;
        assert_eq!(
            facts(&start, IMAGE, translate).unwrap_err(),
            BootError::NoDirectMap
        );
        let many = std::vec![region(0, 1, MemoryRegionKind::Usable); REGION_COUNT_MAX + 1];
        let count = many.len() as u64;
        let error = facts(&info(many), IMAGE, translate).unwrap_err();
        assert_eq!(error, BootError::TooManyRegions { count });
        let fragmented = (0..600)
            .map(|index| 0x10_0000 + index * 0x2000)
            .map(|start| region(start, start + 0x1000, MemoryRegionKind::Usable))
            .collect();
        let error = facts(&info(fragmented), IMAGE, translate).unwrap_err();
        assert_eq!(error, BootError::TooFragmented);
        assert_eq!(
            facts(&info(Vec::new()), IMAGE, translate).unwrap_err(),
            BootError::NoMemory
        );
    }
}

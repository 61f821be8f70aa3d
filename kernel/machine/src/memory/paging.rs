//! The kernel's page tables: built once from the boot facts, audited on demand.
//!
//! Owns the mapping of the kernel's segments and of physical memory.
//!
//! Invariants:
//! - no page is writable and executable; only the kernel's text is executable;
//! - guard pages and page zero are not mapped;
//! - the ramdisk is mapped read-only.

use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::mapper::{MapToError, TranslateResult};
use x86_64::structures::paging::{
    FrameAllocator as TableAllocator, Mapper, OffsetPageTable, Page, PageSize, PageTable,
    PageTableFlags as Flags, PhysFrame, Size1GiB, Size2MiB, Size4KiB, Translate,
};
use x86_64::{PhysAddr, VirtAddr};

use super::frames::FrameAllocator;
use super::ranges::PhysicalRange;
use super::{DIRECT_MAP_BASE, MemoryError, PAGE_SIZE, direct_pointer};
use crate::boot::{BootFacts, ImageLayout};
use crate::cpu::{features, stack};

const TEXT: Flags = Flags::PRESENT.union(Flags::GLOBAL);
const READ_ONLY: Flags = TEXT.union(Flags::NO_EXECUTE);
const READ_WRITE: Flags = READ_ONLY.union(Flags::WRITABLE);

/// Gives frames to the mapper for its tables.
struct TableFrames<'a>(&'a mut FrameAllocator);

// SAFETY: the frame allocator never hands out a frame twice.
unsafe impl TableAllocator<Size4KiB> for TableFrames<'_> {
    fn allocate_frame(&mut self) -> Option<PhysFrame<Size4KiB>> {
        let area = self.0.allocate(PAGE_SIZE, PAGE_SIZE).ok()?;
        Some(PhysFrame::containing_address(PhysAddr::new_truncate(
            area.start,
        )))
    }
}

/// Builds the tables and loads them.
pub(super) fn build_and_switch(
    facts: &BootFacts,
    frames: &mut FrameAllocator,
) -> Result<(), MemoryError> {
    let root = frames.allocate(PAGE_SIZE, PAGE_SIZE)?.start;
    // SAFETY: the frame was free, and the loader's direct map covers it; zero bytes are a valid table.
    let table = unsafe {
        let table = direct_pointer(root).cast::<PageTable>().as_ptr();
        table.write_bytes(0, 1);
        &mut *table
    };
    // SAFETY: the loader's direct map has every physical frame at this offset.
    let mut mapper = unsafe { OffsetPageTable::new(table, VirtAddr::new(DIRECT_MAP_BASE)) };
    let mut frames = TableFrames(frames);
    map_kernel(&mut mapper, &mut frames, facts.image)?;
    for range in facts.usable.as_slice() {
        map_direct(&mut mapper, &mut frames, *range, READ_WRITE)?;
    }
    if let Some(ramdisk) = facts.ramdisk {
        map_direct(
            &mut mapper,
            &mut frames,
            ramdisk.grow_to(PAGE_SIZE),
            READ_ONLY,
        )?;
    }
    let frame = PhysFrame::containing_address(PhysAddr::new_truncate(root));
    // SAFETY: the new tables map the running code, the stack and all data at their present
    // addresses. The loader's memory goes away; descriptor tables are the kernel's own by now.
    unsafe { Cr3::write(frame, Cr3Flags::empty()) };
    Ok(())
}

/// Maps each page of the kernel by the permissions of its segment, except guard pages.
fn map_kernel(
    mapper: &mut OffsetPageTable<'_>,
    frames: &mut TableFrames<'_>,
    image: ImageLayout,
) -> Result<(), MemoryError> {
    let guards = stack::guards();
    let mut address = image.start;
    while address < image.end {
        if !guards.contains(&address) {
            let physical =
                translate_live(address).ok_or(MemoryError::KernelNotMapped { address })?;
            let flags = match address {
                _ if address < image.text_end => TEXT,
                _ if address < image.rodata_end => READ_ONLY,
                _ => READ_WRITE,
            };
            map::<Size4KiB>(mapper, frames, address, physical, flags)?;
        }
        address = address.saturating_add(PAGE_SIZE);
    }
    Ok(())
}

/// Maps a physical range at its place in the direct map, in the largest pages that fit.
fn map_direct(
    mapper: &mut OffsetPageTable<'_>,
    frames: &mut TableFrames<'_>,
    range: PhysicalRange,
    flags: Flags,
) -> Result<(), MemoryError> {
    let has_huge_pages = features::get().has_1gib_pages;
    let mut physical = range.start;
    while physical < range.end {
        let address = DIRECT_MAP_BASE.saturating_add(physical);
        let left = range.end.saturating_sub(physical);
        let fits = |size: u64| physical.is_multiple_of(size) && left >= size;
        let size = if has_huge_pages && fits(Size1GiB::SIZE) {
            map::<Size1GiB>(mapper, frames, address, physical, flags)?;
            Size1GiB::SIZE
        } else if fits(Size2MiB::SIZE) {
            map::<Size2MiB>(mapper, frames, address, physical, flags)?;
            Size2MiB::SIZE
        } else {
            map::<Size4KiB>(mapper, frames, address, physical, flags)?;
            PAGE_SIZE
        };
        physical = physical.saturating_add(size);
    }
    Ok(())
}

fn map<'a, S: PageSize>(
    mapper: &mut OffsetPageTable<'a>,
    frames: &mut TableFrames<'_>,
    address: u64,
    physical: u64,
    flags: Flags,
) -> Result<(), MemoryError>
where
    OffsetPageTable<'a>: Mapper<S>,
{
    let page = Page::<S>::containing_address(VirtAddr::new_truncate(address));
    let frame = PhysFrame::<S>::containing_address(PhysAddr::new_truncate(physical));
    // SAFETY: each caller maps either tables that are not live yet, or device memory at a virtual
    // address that nothing used before; no page becomes reachable in two writable ways by Rust code.
    let result = unsafe { mapper.map_to(page, frame, flags, frames) };
    match result {
        Ok(flush) => {
            flush.flush();
            Ok(())
        }
        Err(MapToError::FrameAllocationFailed) => Err(super::OutOfMemory {
            requested_bytes: PAGE_SIZE,
        }
        .into()),
        Err(_) => Err(MemoryError::AlreadyMapped { address }),
    }
}

/// The live tables, reached through the direct map.
///
/// # Safety
/// The reference that comes out of this must be the only one for as long as it is used to write.
unsafe fn live() -> OffsetPageTable<'static> {
    let root = Cr3::read().0.start_address().as_u64();
    let table = direct_pointer(root).cast::<PageTable>().as_ptr();
    // SAFETY: the root table is a frame that the direct map has, since both the loaders' tables and
    // the kernel's map the memory that they lie in; the caller sees to exclusiveness.
    unsafe { OffsetPageTable::new(&mut *table, VirtAddr::new(DIRECT_MAP_BASE)) }
}

/// The physical address that the live tables have behind a virtual one.
pub fn translate_live(address: u64) -> Option<u64> {
    let address = VirtAddr::try_new(address).ok()?;
    // SAFETY: the tables are only read, and nothing changes them at the same time: mapping happens
    // with interrupts off on the only processor.
    let tables = unsafe { live() };
    tables.translate_addr(address).map(PhysAddr::as_u64)
}

/// Maps device memory into the live tables.
pub(super) fn map_device_page(
    frames: &mut FrameAllocator,
    address: u64,
    physical: u64,
    cache: Flags,
) -> Result<(), MemoryError> {
    // SAFETY: the caller holds the lock of the frame allocator, with interrupts off.
    let mut mapper = unsafe { live() };
    map::<Size4KiB>(
        &mut mapper,
        &mut TableFrames(frames),
        address,
        physical,
        READ_WRITE | cache,
    )
}

/// What an audit of the live page tables found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Mapped pages of any size.
    pub pages: u64,
    /// Pages that can be executed.
    pub executable_pages: u64,
    /// Pages that can be written and executed: 0 in a sound kernel.
    pub writable_executable_pages: u64,
    /// Pages that code outside the kernel may reach: 0 as long as there is none.
    pub user_pages: u64,
    /// Guard pages that are mapped: 0 in a sound kernel.
    pub mapped_guard_pages: u64,
    /// True if page zero is mapped: false in a sound kernel.
    pub is_page_zero_mapped: bool,
}

impl Audit {
    /// True if nothing was found that should not be.
    pub fn is_sound(&self) -> bool {
        self.pages > 0
            && self.executable_pages > 0
            && self.writable_executable_pages == 0
            && self.user_pages == 0
            && self.mapped_guard_pages == 0
            && !self.is_page_zero_mapped
    }
}

/// Walks the live page tables and counts what it finds.
pub fn audit() -> Audit {
    let mut audit = Audit::default();
    let root = Cr3::read().0.start_address().as_u64();
    audit_table(
        root,
        4,
        Flags::WRITABLE | Flags::USER_ACCESSIBLE,
        &mut audit,
    );
    // SAFETY: the tables are only read.
    let tables = unsafe { live() };
    let is_mapped = |address| {
        matches!(
            tables.translate(VirtAddr::new_truncate(address)),
            TranslateResult::Mapped { .. }
        )
    };
    audit.is_page_zero_mapped = is_mapped(0);
    audit.mapped_guard_pages = stack::guards()
        .into_iter()
        .filter(|guard| is_mapped(*guard))
        .count() as u64;
    audit
}

/// Counts the pages under one table. `inherited` has what the levels above allow: write and user
/// access need every level's consent, and any level can forbid execution.
fn audit_table(physical: u64, level: u8, inherited: Flags, audit: &mut Audit) {
    // SAFETY: the address comes from a present entry of a live table, and tables lie in memory that
    // the direct map has; they are only read.
    let table = unsafe { direct_pointer(physical).cast::<PageTable>().as_ref() };
    for entry in table
        .iter()
        .filter(|entry| entry.flags().contains(Flags::PRESENT))
    {
        let flags = entry.flags();
        let mut effective = inherited & flags;
        effective |= (inherited | flags) & Flags::NO_EXECUTE;
        if level > 1 && !flags.contains(Flags::HUGE_PAGE) {
            audit_table(
                entry.addr().as_u64(),
                level.saturating_sub(1),
                effective,
                audit,
            );
            continue;
        }
        let is_executable = !effective.contains(Flags::NO_EXECUTE);
        let is_writable = effective.contains(Flags::WRITABLE);
        audit.pages = audit.pages.saturating_add(1);
        let count = |counter: &mut u64, condition: bool| {
            *counter = counter.saturating_add(u64::from(condition));
        };
        count(&mut audit.executable_pages, is_executable);
        count(
            &mut audit.writable_executable_pages,
            is_executable && is_writable,
        );
        count(
            &mut audit.user_pages,
            effective.contains(Flags::USER_ACCESSIBLE),
        );
    }
}

//! The kernel's heap: bounded and metered, with large blocks beside it.
//!
//! Owns one contiguous area of memory, an eighth of what is usable within [`HEAP_BYTES_MIN`] and
//! [`HEAP_BYTES_MAX`], taken once at boot. It never grows: an allocation that does not fit fails.
//! A block of [`LARGE_BYTES_MIN`] or more is lent by the frame allocator instead, as whole
//! contiguous pages, and goes back there when it is freed; so a `Vec` may be as long as the longest
//! free piece of memory. Where no piece is long enough the heap is tried.
//!
//! Invariants:
//! - a block lies either wholly inside the heap's area or wholly outside it, which is how a freed
//!   one is told;
//! - the locks of heap and frames are never held together.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

use linked_list_allocator::Heap;

use super::frames::FrameAllocator;
use super::ranges::PhysicalRange;
use super::{DIRECT_MAP_BASE, FRAMES, MemoryError, PAGE_SIZE, direct_pointer};
use crate::sync::InterruptLock;

/// Smallest heap, in bytes.
pub const HEAP_BYTES_MIN: u64 = 8 * 1024 * 1024;
/// Largest heap, in bytes.
pub const HEAP_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The heap is this part of the usable memory.
pub const HEAP_MEMORY_DIVISOR: u64 = 8;
/// Blocks of this many bytes or more are lent by the frame allocator.
pub const LARGE_BYTES_MIN: usize = 1024 * 1024;

struct MeteredHeap {
    heap: Heap,
    peak_bytes: usize,
    large_bytes: u64,
    failure_count: u64,
}

static HEAP: InterruptLock<MeteredHeap> = InterruptLock::new(MeteredHeap {
    heap: Heap::empty(),
    peak_bytes: 0,
    large_bytes: 0,
    failure_count: 0,
});

/// How full the heap is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapStats {
    /// Bytes in use now.
    pub used_bytes: u64,
    /// Most bytes that were in use at once.
    pub peak_bytes: u64,
    /// Bytes of the whole heap.
    pub size_bytes: u64,
    /// Bytes in large blocks, which lie outside the heap.
    pub large_bytes: u64,
    /// Allocations that did not fit.
    pub failure_count: u64,
}

/// Bytes of the heap on a machine with `usable_bytes` of memory.
pub const fn size_for(usable_bytes: u64) -> u64 {
    let share = usable_bytes / HEAP_MEMORY_DIVISOR;
    let size = if share < HEAP_BYTES_MIN {
        HEAP_BYTES_MIN
    } else if share > HEAP_BYTES_MAX {
        HEAP_BYTES_MAX
    } else {
        share
    };
    size & !(PAGE_SIZE - 1)
}

/// Takes the heap's memory.
pub(super) fn init(usable_bytes: u64) -> Result<(), MemoryError> {
    let area = FRAMES.with(|frames| frames.allocate(size_for(usable_bytes), PAGE_SIZE))?;
    let length = usize::try_from(area.bytes()).unwrap_or(0);
    // SAFETY: the area was free, is mapped read-write by the direct map, and is never given back.
    HEAP.with(|heap| unsafe { heap.heap.init(direct_pointer(area.start).as_ptr(), length) });
    Ok(())
}

/// How full the heap is.
pub fn heap_stats() -> HeapStats {
    HEAP.with(|heap| HeapStats {
        used_bytes: heap.heap.used() as u64,
        peak_bytes: heap.peak_bytes as u64,
        size_bytes: heap.heap.size() as u64,
        large_bytes: heap.large_bytes,
        failure_count: heap.failure_count,
    })
}

/// The global allocator of the kernel's image.
pub struct KernelHeap;

// SAFETY: the heap hands out disjoint, aligned blocks of memory that it alone owns, under a lock, and
// so does the frame allocator; the heap's area was taken from the frames for good.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE_BYTES_MIN
            && let Some(area) = FRAMES.with(|frames| lend(frames, layout))
        {
            HEAP.with(|heap| heap.large_bytes = heap.large_bytes.saturating_add(area.bytes()));
            return direct_pointer(area.start).as_ptr();
        }
        HEAP.with(|heap| match heap.heap.allocate_first_fit(layout) {
            Ok(block) => {
                heap.peak_bytes = heap.peak_bytes.max(heap.heap.used());
                block.as_ptr()
            }
            Err(()) => {
                heap.failure_count = heap.failure_count.saturating_add(1);
                core::ptr::null_mut()
            }
        })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(pointer) else {
            return;
        };
        let area = HEAP.with(|heap| {
            if (heap.heap.bottom()..heap.heap.top()).contains(&pointer) {
                // SAFETY: the caller of `dealloc` promises that the block came from `alloc` with this
                // layout, and it lies in the heap's area, so the heap made it.
                unsafe { heap.heap.deallocate(block, layout) };
                return None;
            }
            let area = lent(block, layout)?;
            heap.large_bytes = heap.large_bytes.saturating_sub(area.bytes());
            Some(area)
        });
        if let Some(area) = area {
            FRAMES.with(|frames| frames.give(area));
        }
    }
}

/// Takes the pages for a large block.
fn lend(frames: &mut FrameAllocator, layout: Layout) -> Option<PhysicalRange> {
    frames
        .allocate(layout.size() as u64, layout.align() as u64)
        .ok()
}

/// The pages of a large block that [`lend`] took for this layout.
fn lent(block: NonNull<u8>, layout: Layout) -> Option<PhysicalRange> {
    let start = (block.as_ptr().expose_provenance() as u64).checked_sub(DIRECT_MAP_BASE)?;
    let bytes = (layout.size() as u64).checked_next_multiple_of(PAGE_SIZE)?;
    PhysicalRange::from_length(start, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_is_an_eighth_of_memory_within_its_bounds() {
        const MIB: u64 = 1024 * 1024;
        assert_eq!(size_for(16 * MIB), HEAP_BYTES_MIN);
        assert_eq!(size_for(128 * MIB), 16 * MIB);
        assert_eq!(size_for(1024 * 1024 * MIB), HEAP_BYTES_MAX);
        assert_eq!(size_for(100 * MIB + 12345) % PAGE_SIZE, 0);
    }

    #[test]
    fn large_blocks_are_apart_and_all_their_pages_come_back() {
        let usable = PhysicalRange::new(0x10_0000, 0x4000_0000);
        let mut frames = FrameAllocator::new(&[usable]);
        let free = frames.free_bytes();
        let mut live: std::vec::Vec<(NonNull<u8>, Layout)> = std::vec::Vec::new();
        for (bytes, align) in [
            (1 << 20, 8),
            ((1 << 20) + 1, 64),
            (300 << 20, 1 << 21),
            (1 << 20, 1),
        ] {
            let layout = Layout::from_size_align(bytes, align).unwrap();
            let area = lend(&mut frames, layout).unwrap();
            assert_eq!(area.start % align as u64, 0);
            assert!(area.bytes() >= bytes as u64);
            let block = direct_pointer(area.start);
            assert_eq!(lent(block, layout), Some(area));
            for (other, layout) in &live {
                assert!(!lent(*other, *layout).unwrap().overlaps(area));
            }
            live.push((block, layout));
        }
        assert!(lend(&mut frames, Layout::from_size_align(800 << 20, 8).unwrap()).is_none());
        for (block, layout) in live {
            frames.give(lent(block, layout).unwrap());
        }
        assert_eq!((frames.free_bytes(), frames.longest_bytes()), (free, free));
    }
}

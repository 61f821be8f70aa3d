//! The kernel's heap: bounded and metered.
//!
//! Owns one contiguous area of memory, an eighth of what is usable within [`HEAP_BYTES_MIN`] and
//! [`HEAP_BYTES_MAX`], taken once at boot. It never grows: an allocation that does not fit fails.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

use linked_list_allocator::Heap;

use super::{FRAMES, MemoryError, PAGE_SIZE, direct_pointer};
use crate::sync::InterruptLock;

/// Smallest heap, in bytes.
pub const HEAP_BYTES_MIN: u64 = 8 * 1024 * 1024;
/// Largest heap, in bytes.
pub const HEAP_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The heap is this part of the usable memory.
pub const HEAP_MEMORY_DIVISOR: u64 = 8;

struct MeteredHeap {
    heap: Heap,
    peak_bytes: usize,
    failure_count: u64,
}

static HEAP: InterruptLock<MeteredHeap> = InterruptLock::new(MeteredHeap {
    heap: Heap::empty(),
    peak_bytes: 0,
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
        failure_count: heap.failure_count,
    })
}

/// The global allocator of the kernel's image.
pub struct KernelHeap;

// SAFETY: the heap hands out disjoint, aligned blocks of memory that it alone owns, under a lock.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
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
        if let Some(block) = NonNull::new(pointer) {
            // SAFETY: the caller of `dealloc` promises that the block came from `alloc` with this layout.
            HEAP.with(|heap| unsafe { heap.heap.deallocate(block, layout) });
        }
    }
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
}

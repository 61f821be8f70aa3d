//! What the virtio library needs of the machine: memory for devices and address translation.
//!
//! Owns nothing; everything is `machine`'s. A device reads and writes memory by itself, so all
//! of this trait is unsafe by nature; the reasons stand at each block.

use core::ptr::NonNull;
use machine::memory::{self, device::map_mmio};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// The machine under the virtio library.
pub struct MachineHal;

// SAFETY: `dma_alloc` gives zeroed, page-aligned memory that nobody else holds (`dma_allocate`'s
// contract) or the failure that the library checks for; `mmio_phys_to_virt` gives device mappings
// that `machine` never aliases with memory; `share` gives the address of the buffer itself.
unsafe impl Hal for MachineHal {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        // The library takes physical address 0 as "out of memory".
        memory::dma_allocate(pages).map_or((0, NonNull::dangling()), |area| {
            (area.physical, area.pointer)
        })
    }

    unsafe fn dma_dealloc(physical: PhysAddr, _: NonNull<u8>, pages: usize) -> i32 {
        // SAFETY: the caller passes what `dma_alloc` gave, once, and uses it no more.
        unsafe { memory::dma_free(physical, pages) };
        0
    }

    unsafe fn mmio_phys_to_virt(physical: PhysAddr, bytes: usize) -> NonNull<u8> {
        // The bus was checked by `pci::registers_are_sound` before the library came here, so a
        // refusal is a broken invariant of our own.
        match map_mmio(physical, bytes as u64) {
            Ok(registers) => registers.pointer(),
            Err(error) => machine_refused(&error),
        }
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        // Every buffer here lies in one `Dma` area or one page of the heap's direct map, which
        // is contiguous, so that the address of its first byte serves for all of it.
        memory::translate(buffer.cast::<u8>().as_ptr().expose_provenance() as u64).unwrap_or(0)
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}

#[expect(
    clippy::panic,
    reason = "a broken invariant of our own stops the machine"
)]
fn machine_refused(error: &memory::MemoryError) -> ! {
    panic!("a checked device range could not be mapped: {error}")
}

/// Bytes of a page, which both sides must agree on.
const _: () = assert!(PAGE_SIZE as u64 == memory::PAGE_SIZE);

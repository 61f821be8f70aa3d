//! Hands out physical memory: single frames for page tables, contiguous areas for all else.
//!
//! Owns which physical memory is free. Knows addresses only and touches no memory, so that it runs on
//! a host over an invented memory map.
//!
//! Invariants:
//! - two allocations that are both live never overlap;
//! - what is handed out was part of the free memory given at the start;
//! - every address and length is a multiple of [`PAGE_SIZE`].

use super::PAGE_SIZE;
use super::ranges::{PhysicalRange, RangeSet};

/// How many separate free areas are tracked: twice what a boot memory map may have.
pub const FREE_RANGE_COUNT_MAX: usize = 1024;
const _: () = assert!(FREE_RANGE_COUNT_MAX >= 2 * crate::boot::USABLE_RANGE_COUNT_MAX);

/// There is no free area of the length that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// How many bytes were asked for.
    pub requested_bytes: u64,
}

impl core::fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "no {} bytes of contiguous memory are free: give the machine more memory",
            self.requested_bytes
        )
    }
}

/// The free physical memory.
pub struct FrameAllocator {
    free: RangeSet<FREE_RANGE_COUNT_MAX>,
    lost_bytes: u64,
}

impl FrameAllocator {
    /// An allocator with nothing to give.
    pub const fn empty() -> Self {
        Self {
            free: RangeSet::new(),
            lost_bytes: 0,
        }
    }

    /// An allocator over all whole pages of `usable`. What does not fit the bookkeeping is counted
    /// as lost, never handed out.
    pub fn new(usable: &[PhysicalRange]) -> Self {
        let mut allocator = Self::empty();
        for range in usable {
            allocator.give(range.shrink_to(PAGE_SIZE));
        }
        allocator
    }

    /// Takes `bytes` bytes, rounded up to whole pages, from the lowest area that is long enough and
    /// starts at a multiple of `alignment` (a power of two, at least a page).
    ///
    /// # Errors
    /// [`OutOfMemory`] if no free area is long enough.
    pub fn allocate(&mut self, bytes: u64, alignment: u64) -> Result<PhysicalRange, OutOfMemory> {
        let failure = OutOfMemory {
            requested_bytes: bytes,
        };
        let alignment = alignment.max(PAGE_SIZE);
        if bytes == 0 || !alignment.is_power_of_two() {
            return Err(failure);
        }
        let bytes = bytes.checked_next_multiple_of(PAGE_SIZE).ok_or(failure)?;
        let found = self.free.as_slice().iter().find_map(|range| {
            let start = range.start.checked_next_multiple_of(alignment)?;
            let area = PhysicalRange::from_length(start, bytes)?;
            (area.end <= range.end).then_some(area)
        });
        let area = found.ok_or(failure)?;
        self.free.remove(area).map_err(|_| failure)?;
        Ok(area)
    }

    /// Takes an area back. Freed memory that does not fit the bookkeeping is counted as lost.
    pub fn give(&mut self, area: PhysicalRange) {
        if self.free.insert(area).is_err() {
            self.lost_bytes = self.lost_bytes.saturating_add(area.bytes());
        }
    }

    /// Bytes that are free.
    pub fn free_bytes(&self) -> u64 {
        self.free.total_bytes()
    }

    /// Bytes of the longest free area.
    pub fn longest_bytes(&self) -> u64 {
        let lengths = self.free.as_slice().iter().map(|range| range.bytes());
        lengths.max().unwrap_or(0)
    }

    /// Bytes that were given back or offered and could not be tracked.
    pub fn lost_bytes(&self) -> u64 {
        self.lost_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_area_is_aligned_and_inside_what_was_usable() {
        let mut frames = FrameAllocator::new(&[PhysicalRange::new(0x1234, 0x40_0000)]);
        let area = frames.allocate(0x5001, 0x1_0000).unwrap();
        assert_eq!(area, PhysicalRange::new(0x1_0000, 0x1_6000));
    }

    #[test]
    fn what_is_too_long_for_every_area_is_refused_with_its_length() {
        let mut frames = FrameAllocator::new(&[
            PhysicalRange::new(0x1000, 0x3000),
            PhysicalRange::new(0x8000, 0xa000),
        ]);
        assert_eq!(
            frames.allocate(0x3000, 1),
            Err(OutOfMemory {
                requested_bytes: 0x3000
            })
        );
        assert_eq!(
            frames.allocate(0, 1),
            Err(OutOfMemory { requested_bytes: 0 })
        );
        assert!(frames.allocate(u64::MAX, 1).is_err());
        assert_eq!(frames.free_bytes(), 0x4000);
    }

    proptest! {
        #[test]
        fn live_areas_never_overlap_and_freeing_all_restores_all(
            steps in proptest::collection::vec((1_u64..9, 0_u32..3, any::<bool>()), 1..80)
        ) {
            let usable = [PhysicalRange::new(0x10_0000, 0x18_0000), PhysicalRange::new(0x20_0000, 0x28_0000)];
            let mut frames = FrameAllocator::new(&usable);
            let all = frames.free_bytes();
            let mut live: std::vec::Vec<PhysicalRange> = std::vec::Vec::new();
            for (pages, shift, frees) in steps {
                if frees && !live.is_empty() {
                    let index = usize::try_from(pages).unwrap() % live.len();
                    frames.give(live.swap_remove(index));
                } else if let Ok(area) = frames.allocate(pages * PAGE_SIZE, PAGE_SIZE << shift) {
                    prop_assert!(live.iter().all(|other| !other.overlaps(area)));
                    prop_assert!(usable.iter().any(|u| u.start <= area.start && area.end <= u.end));
                    prop_assert_eq!(area.start % (PAGE_SIZE << shift), 0);
                    live.push(area);
                }
            }
            for area in live { frames.give(area); }
            prop_assert_eq!(frames.free_bytes(), all);
            prop_assert_eq!(frames.lost_bytes(), 0);
        }
    }
}

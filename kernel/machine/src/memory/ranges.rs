//! A bounded set of physical address ranges: sorted, disjoint, never touching.
//!
//! Owns the arithmetic of memory maps and of free memory. Knows no machine.
//!
//! Invariants:
//! - ranges are in ascending order, non-empty, and two neighbours never touch or overlap;
//! - an operation that would need more than `N` ranges fails and leaves the set as it was.

/// Bytes `start..end` of physical memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhysicalRange {
    /// Address of the first byte.
    pub start: u64,
    /// Address one past the last byte.
    pub end: u64,
}

impl PhysicalRange {
    /// The range `start..end`; an end before its start gives an empty range.
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// The range of `bytes` bytes from `start`, or nothing if it would pass the end of the address space.
    pub const fn from_length(start: u64, bytes: u64) -> Option<Self> {
        match start.checked_add(bytes) {
            Some(end) => Some(Self { start, end }),
            None => None,
        }
    }

    /// Length in bytes.
    pub const fn bytes(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// True if there is no byte in it.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// True if the two share a byte.
    pub const fn overlaps(self, other: Self) -> bool {
        !self.is_empty() && !other.is_empty() && self.start < other.end && other.start < self.end
    }

    /// The largest range inside this one whose ends are multiples of `alignment`, a power of two.
    pub const fn shrink_to(self, alignment: u64) -> Self {
        let mask = alignment.wrapping_sub(1);
        match self.start.checked_add(mask) {
            Some(start) => Self {
                start: start & !mask,
                end: self.end & !mask,
            },
            None => Self { start: 0, end: 0 },
        }
    }

    /// The smallest range around this one whose ends are multiples of `alignment`, a power of two.
    pub const fn grow_to(self, alignment: u64) -> Self {
        let mask = alignment.wrapping_sub(1);
        Self {
            start: self.start & !mask,
            end: self.end.saturating_add(mask) & !mask,
        }
    }
}

/// The set has no room for one more range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRanges;

/// At most `N` ranges, sorted and disjoint.
#[derive(Clone, Debug)]
pub struct RangeSet<const N: usize> {
    ranges: [PhysicalRange; N],
    count: usize,
}

impl<const N: usize> RangeSet<N> {
    /// The empty set.
    pub const fn new() -> Self {
        Self {
            ranges: [PhysicalRange::new(0, 0); N],
            count: 0,
        }
    }

    /// The ranges, ascending.
    pub fn as_slice(&self) -> &[PhysicalRange] {
        self.ranges.get(..self.count).unwrap_or(&[])
    }

    /// Sum of all lengths in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.as_slice()
            .iter()
            .fold(0, |sum: u64, range| sum.saturating_add(range.bytes()))
    }

    /// True if every byte of `range` is in the set.
    pub fn contains(&self, range: PhysicalRange) -> bool {
        self.as_slice()
            .iter()
            .any(|own| own.start <= range.start && range.end <= own.end)
    }

    /// True if any byte of `range` is in the set.
    pub fn overlaps(&self, range: PhysicalRange) -> bool {
        self.as_slice().iter().any(|own| own.overlaps(range))
    }

    /// Adds all bytes of `range`.
    ///
    /// # Errors
    /// [`TooManyRanges`] if it touches no range of a full set; the set is unchanged.
    pub fn insert(&mut self, range: PhysicalRange) -> Result<(), TooManyRanges> {
        if range.is_empty() {
            return Ok(());
        }
        let touches = |own: &PhysicalRange| own.start <= range.end && range.start <= own.end;
        let first = self.as_slice().partition_point(|own| own.end < range.start);
        let touched = self
            .as_slice()
            .iter()
            .skip(first)
            .take_while(|own| touches(own))
            .count();
        if touched == 0 {
            return self.insert_at(first, range);
        }
        let last = first.saturating_add(touched).saturating_sub(1);
        let end = self
            .ranges
            .get(last)
            .map_or(range.end, |own| own.end.max(range.end));
        if let Some(merged) = self.ranges.get_mut(first) {
            merged.start = merged.start.min(range.start);
            merged.end = end;
        }
        self.remove_between(first.saturating_add(1), last.saturating_add(1));
        Ok(())
    }

    /// Takes all bytes of `range` out.
    ///
    /// # Errors
    /// [`TooManyRanges`] if a range of a full set would have to be split; the set is unchanged.
    pub fn remove(&mut self, range: PhysicalRange) -> Result<(), TooManyRanges> {
        if range.is_empty() {
            return Ok(());
        }
        let first = self
            .as_slice()
            .partition_point(|own| own.end <= range.start);
        let mut last = first;
        let mut left = None;
        let mut right = None;
        while let Some(own) = self
            .as_slice()
            .get(last)
            .filter(|own| own.start < range.end)
        {
            if own.start < range.start {
                left = Some(PhysicalRange::new(own.start, range.start));
            }
            if own.end > range.end {
                right = Some(PhysicalRange::new(range.end, own.end));
            }
            last = last.saturating_add(1);
        }
        let removed = last.saturating_sub(first);
        let added = usize::from(left.is_some()).saturating_add(usize::from(right.is_some()));
        if self.count.saturating_sub(removed).saturating_add(added) > N {
            return Err(TooManyRanges);
        }
        self.remove_between(first, last);
        for remainder in [right, left].into_iter().flatten() {
            self.insert_at(first, remainder)?;
        }
        Ok(())
    }

    fn insert_at(&mut self, index: usize, range: PhysicalRange) -> Result<(), TooManyRanges> {
        let end = self.count.saturating_add(1);
        let tail = self.ranges.get_mut(index..end).ok_or(TooManyRanges)?;
        tail.rotate_right(1);
        if let Some(slot) = tail.first_mut() {
            *slot = range;
        }
        self.count = end;
        Ok(())
    }

    fn remove_between(&mut self, from: usize, to: usize) {
        let removed = to.saturating_sub(from);
        if removed == 0 {
            return;
        }
        if let Some(tail) = self.ranges.get_mut(from..self.count) {
            tail.rotate_left(removed);
        }
        self.count = self.count.saturating_sub(removed);
    }
}

impl<const N: usize> Default for RangeSet<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPACE: u64 = 64;

    fn members<const N: usize>(set: &RangeSet<N>) -> u64 {
        set.as_slice()
            .iter()
            .flat_map(|range| range.start..range.end)
            .fold(0, |bits, byte| bits | 1 << byte)
    }

    fn assert_sound<const N: usize>(set: &RangeSet<N>) {
        for range in set.as_slice() {
            assert!(!range.is_empty());
        }
        for pair in set.as_slice().windows(2) {
            assert!(pair[0].end < pair[1].start, "{pair:?} touch");
        }
    }

    proptest! {
        #[test]
        fn a_set_holds_what_a_bitmap_holds(
            operations in proptest::collection::vec((any::<bool>(), 0..SPACE, 0..SPACE), 0..64)
        ) {
            let mut set = RangeSet::<8>::new();
            let mut bitmap = 0_u64;
            for (adds, start, end) in operations {
                let range = PhysicalRange::new(start, end);
                let bits = (start..end).fold(0, |bits, byte| bits | 1 << byte);
                let before = members(&set);
                let result = if adds { set.insert(range) } else { set.remove(range) };
                match result {
                    Ok(()) if adds => bitmap |= bits,
                    Ok(()) => bitmap &= !bits,
                    Err(TooManyRanges) => prop_assert_eq!(members(&set), before),
                }
                assert_sound(&set);
                prop_assert_eq!(members(&set), bitmap);
                prop_assert_eq!(set.total_bytes(), u64::from(bitmap.count_ones()));
            }
        }
    }

    #[test]
    fn a_full_set_refuses_one_range_more_and_keeps_what_it_has() {
        let mut set = RangeSet::<2>::new();
        set.insert(PhysicalRange::new(0, 1)).unwrap();
        set.insert(PhysicalRange::new(4, 8)).unwrap();
        assert_eq!(set.insert(PhysicalRange::new(2, 3)), Err(TooManyRanges));
        assert_eq!(set.remove(PhysicalRange::new(5, 6)), Err(TooManyRanges));
        assert_eq!(
            set.as_slice(),
            [PhysicalRange::new(0, 1), PhysicalRange::new(4, 8)]
        );
    }

    #[test]
    fn rounding_at_the_end_of_the_address_space_does_not_wrap() {
        let range = PhysicalRange::new(u64::MAX - 3, u64::MAX);
        assert!(range.shrink_to(4096).is_empty());
        assert!(range.grow_to(4096).start <= range.start);
        assert_eq!(PhysicalRange::from_length(u64::MAX, 2), None);
    }
}

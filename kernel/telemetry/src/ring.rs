//! A bounded queue that drops its oldest entry when it is full, and counts that.

use alloc::collections::VecDeque;

/// Keeps the newest `capacity` entries; memory is taken once, at the start.
pub(crate) struct Ring<T> {
    entries: VecDeque<T>,
    capacity: usize,
    pushed: u64,
}

impl<T> Ring<T> {
    /// `capacity`: at least 1 entry.
    pub(crate) fn new(capacity: usize) -> Self {
        Ring {
            entries: VecDeque::with_capacity(capacity),
            capacity: capacity.max(1),
            pushed: 0,
        }
    }

    /// Appends, dropping the oldest entry if there is no room; returns the number of the new
    /// entry, counted from 0.
    pub(crate) fn push(&mut self, entry: T) -> u64 {
        if self.entries.len() >= self.capacity {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        let number = self.pushed;
        self.pushed = self.pushed.saturating_add(1);
        number
    }

    /// Entries ever appended.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Number of the oldest entry that is still here; equals [`Ring::pushed`] if none is.
    pub(crate) fn oldest(&self) -> u64 {
        self.pushed
            .saturating_sub(u64::try_from(self.entries.len()).unwrap_or(u64::MAX))
    }

    /// The entry with that number, if it is still here.
    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let offset = number.checked_sub(self.oldest())?;
        self.entries.get(usize::try_from(offset).ok()?)
    }

    /// Entries that are still here, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_full_ring_drops_its_oldest_entry_and_never_grows() {
        let mut ring = Ring::new(3);
        for number in 0..10 {
            assert_eq!(ring.push(number * 2), number);
        }
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [14, 16, 18]);
        assert_eq!((ring.oldest(), ring.pushed()), (7, 10));
        assert_eq!(ring.get(6), None);
        assert_eq!(ring.get(7), Some(&14));
        assert_eq!(ring.get(10), None);
    }
}

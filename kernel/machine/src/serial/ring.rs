//! A ring of bytes of fixed capacity.
//!
//! Owns the order of bytes between an interrupt handler and the loop. Pure: the caller locks.
//!
//! Invariants:
//! - bytes come out in the order in which they went in;
//! - a full ring refuses the newest bytes, and never drops an older one.

/// A ring of `N` bytes.
pub struct Ring<const N: usize> {
    bytes: [u8; N],
    start: usize,
    length: usize,
}

impl<const N: usize> Ring<N> {
    /// The empty ring.
    ///
    /// # Panics
    /// If it has no capacity, when the kernel is compiled.
    pub const fn new() -> Self {
        assert!(N > 0);
        Self {
            bytes: [0; N],
            start: 0,
            length: 0,
        }
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.length
    }

    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Puts as many of `bytes` in as fit, and says how many.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(N.saturating_sub(self.length));
        let (fitting, _) = bytes.split_at(count);
        let end = self.index_after(self.length);
        let until_wrap = count.min(N.saturating_sub(end));
        let (first, second) = fitting.split_at(until_wrap);
        copy_to(&mut self.bytes, end, first);
        copy_to(&mut self.bytes, 0, second);
        self.length = self.length.saturating_add(count);
        count
    }

    /// Takes bytes out into `buffer`, and says how many.
    pub fn pop(&mut self, buffer: &mut [u8]) -> usize {
        let mut taken = 0;
        while taken < buffer.len() {
            let run = self.front();
            let rest = buffer.get_mut(taken..).unwrap_or(&mut []);
            let count = run.len().min(rest.len());
            if count == 0 {
                break;
            }
            for (to, from) in rest.iter_mut().zip(run) {
                *to = *from;
            }
            self.discard(count);
            taken = taken.saturating_add(count);
        }
        taken
    }

    /// The oldest bytes, as far as they lie in one piece.
    pub fn front(&self) -> &[u8] {
        let end = self.start.saturating_add(self.length).min(N);
        self.bytes.get(self.start..end).unwrap_or(&[])
    }

    /// Takes the `count` oldest bytes out.
    pub fn discard(&mut self, count: usize) {
        let count = count.min(self.length);
        self.start = self.index_after(count);
        self.length = self.length.saturating_sub(count);
    }

    fn index_after(&self, count: usize) -> usize {
        self.start.saturating_add(count).checked_rem(N).unwrap_or(0)
    }
}

fn copy_to(ring: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(slots) = ring.get_mut(at..) {
        for (slot, byte) in slots.iter_mut().zip(bytes) {
            *slot = *byte;
        }
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn a_ring_behaves_as_a_bounded_queue(
            steps in proptest::collection::vec((any::<bool>(), 0_usize..12), 1..200)
        ) {
            let mut ring = Ring::<7>::new();
            let mut model = VecDeque::new();
            let mut next = 0_u8;
            for (pushes, count) in steps {
                if pushes {
                    let bytes: std::vec::Vec<u8> = (0..count).map(|_| { next = next.wrapping_add(1); next }).collect();
                    let accepted = ring.push(&bytes);
                    prop_assert_eq!(accepted, count.min(7 - model.len()));
                    model.extend(&bytes[..accepted]);
                } else {
                    let mut buffer = [0; 12];
                    let taken = ring.pop(&mut buffer[..count]);
                    let expected: std::vec::Vec<u8> = model.drain(..count.min(model.len())).collect();
                    prop_assert_eq!(&buffer[..taken], &expected[..]);
                }
                prop_assert_eq!(ring.len(), model.len());
                prop_assert_eq!(ring.is_empty(), model.is_empty());
            }
        }
    }

    #[test]
    fn a_full_ring_keeps_the_oldest_bytes() {
        let mut ring = Ring::<4>::new();
        assert_eq!(ring.push(b"abcdef"), 4);
        assert_eq!(ring.push(b"g"), 0);
        let mut buffer = [0; 8];
        assert_eq!(ring.pop(&mut buffer), 4);
        assert_eq!(&buffer[..4], b"abcd");
    }
}

//! A line in memory: it begins where a cache line does.
//!
//! Invariant: a line lies in three cache lines of 64 bytes, and never in four.

use crate::checksum::{Line, WORDS};
use core::ops::{Deref, DerefMut};

/// A line, aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Aligned(pub(super) Line);

impl Aligned {
    /// Has the line fetched into the caches while other work goes on.
    #[inline(always)]
    pub(super) fn prefetch(&self) {
        for cache_line in self.0.as_chunks::<8>().0 {
            prefetch(Some(cache_line));
        }
    }
}

/// Has the cache line where `place` begins fetched into the caches while other work goes on.
#[inline(always)]
pub(super) fn prefetch<T>(place: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(place) = place {
        safe_arch::prefetch_t0(place);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

const _: () = assert!(size_of::<Aligned>() == WORDS * size_of::<u64>());

impl Deref for Aligned {
    type Target = Line;

    #[inline(always)]
    fn deref(&self) -> &Line {
        &self.0
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Line {
        &mut self.0
    }
}

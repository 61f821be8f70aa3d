//! Times the phases of the boot by the time-stamp counter.
//!
//! Owns a bounded list of marks, each the end of a phase. The counter's frequency is known only
//! later; marks are kept in cycles and turned into time when they are read.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many phases are kept; later marks are dropped.
pub const PHASE_COUNT_MAX: usize = 24;

/// A phase that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Its name.
    pub name: &'static str,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
}

static BEGIN: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);
static ENDS: [AtomicU64; PHASE_COUNT_MAX] = [const { AtomicU64::new(0) }; PHASE_COUNT_MAX];
static NAMES: [spin::Once<&'static str>; PHASE_COUNT_MAX] =
    [const { spin::Once::new() }; PHASE_COUNT_MAX];

/// Starts the clock, at the kernel's entry.
pub fn begin() {
    BEGIN.store(crate::clock::cycles(), Ordering::Relaxed);
}

/// Marks the end of the phase `name`, which began at the mark before.
pub fn mark(name: &'static str) {
    let index = COUNT.load(Ordering::Relaxed);
    if let (Some(end), Some(slot)) = (ENDS.get(index), NAMES.get(index)) {
        end.store(crate::clock::cycles(), Ordering::Relaxed);
        slot.call_once(|| name);
        COUNT.store(index.saturating_add(1), Ordering::Release);
    }
}

/// The phases so far, in order. Durations are 0 until the clock is calibrated.
pub fn phases() -> impl Iterator<Item = Phase> {
    let count = COUNT.load(Ordering::Acquire).min(PHASE_COUNT_MAX);
    let mut start = BEGIN.load(Ordering::Relaxed);
    ENDS.iter().zip(&NAMES).take(count).map(move |(end, name)| {
        let end = end.load(Ordering::Relaxed);
        let duration_ns = crate::clock::cycles_to_ns(end.saturating_sub(start));
        start = end;
        Phase {
            name: name.get().copied().unwrap_or(""),
            duration_ns,
        }
    })
}

/// Nanoseconds since the kernel's entry.
pub fn since_entry_ns() -> u64 {
    let begin = BEGIN.load(Ordering::Relaxed);
    crate::clock::cycles_to_ns(crate::clock::cycles().saturating_sub(begin))
}

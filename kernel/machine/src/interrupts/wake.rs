//! The way from an interrupt to a loop that may be asleep.
//!
//! Owns the flag between the two.
//!
//! Invariants:
//! - the loop never sleeps through an event that came after its last look: the flag is looked at with
//!   interrupts off, and the halt takes effect before the next interrupt does.

use core::sync::atomic::Ordering;

use crate::sync::defect::{Defect, planted};
use crate::sync::{Flag, processor};

/// Whether something has happened since the loop waited last.
pub(crate) struct Wake {
    has_event: Flag,
}

impl Wake {
    pub(crate) const fn new() -> Self {
        Self {
            has_event: Flag::new(false),
        }
    }

    /// Tells the loop that there may be work: for a handler, when it is done.
    pub(crate) fn note(&self) {
        if !planted(Defect::NoteNothing) {
            self.has_event.store(true, Ordering::Relaxed);
        }
    }

    /// Sleeps until there has been a [`note`](Self::note) since the last wait. Interrupts are on when
    /// it returns.
    pub(crate) fn wait(&self) {
        if !planted(Defect::LookWithInterruptsOn) {
            processor::disable();
        }
        if !self.has_event.load(Ordering::Relaxed) {
            if planted(Defect::EnableBeforeHalt) {
                processor::enable();
            }
            // The instruction after `sti` runs before any interrupt is taken, so none is missed.
            processor::enable_and_hlt();
            processor::disable();
        }
        self.has_event.store(false, Ordering::Relaxed);
        processor::enable();
    }
}

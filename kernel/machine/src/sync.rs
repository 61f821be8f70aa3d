//! A lock that interrupt handlers may share with the rest of the kernel.
//!
//! Owns nothing. The kernel runs on one processor, so a lock that is held with interrupts off can
//! only be contended by an exception in the holder, and those never take locks. In tests the
//! processor's interrupt flag and the flags that handlers share are those of `model`, so that the
//! code itself runs under every interleaving of the interrupts.
//!
//! Invariants:
//! - interrupts are off for as long as the lock is held, and restored as they were after;
//! - a lock that is entered by its own holder stops the machine, because it would never be free.

pub(crate) mod defect;
#[cfg(test)]
pub(crate) mod model;

#[cfg(not(test))]
pub(crate) use core::sync::atomic::AtomicBool as Flag;
#[cfg(test)]
pub(crate) use model::{self as processor, Flag};
#[cfg(not(test))]
pub(crate) use x86_64::instructions::interrupts as processor;

use defect::{Defect, planted};
use processor::without_interrupts;

/// A mutual exclusion lock held with interrupts off.
pub struct InterruptLock<T>(spin::Mutex<T>);

impl<T> InterruptLock<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        Self(spin::Mutex::new(value))
    }

    /// Runs `action` on the value with interrupts off.
    ///
    /// # Panics
    /// If `action` of the same lock is under way.
    pub fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        if planted(Defect::LockWithInterruptsOn) {
            return self.enter(action);
        }
        without_interrupts(|| self.enter(action))
    }

    #[expect(
        clippy::panic,
        reason = "a broken invariant of our own stops the machine; waiting would never end"
    )]
    fn enter<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        let Some(mut value) = self.0.try_lock() else {
            panic!("a lock was entered again by its holder");
        };
        action(&mut value)
    }

    /// Shows the value to a test, which is no code of the kernel and no interrupt.
    ///
    /// # Panics
    /// If the lock is held.
    #[cfg(test)]
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.try_lock().expect("nobody holds the lock"))
    }

    /// Runs `action` unless the lock is held: for reports on the way to a halt.
    pub fn try_with<R>(&self, action: impl FnOnce(&mut T) -> R) -> Option<R> {
        without_interrupts(|| self.0.try_lock().map(|mut value| action(&mut value)))
    }
}

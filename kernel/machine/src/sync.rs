//! A lock that interrupt handlers may share with the rest of the kernel.
//!
//! Owns nothing. The kernel runs on one processor, so a lock that is held with interrupts off can
//! only be contended by an exception in the holder, and those never take locks.
//!
//! Invariants:
//! - interrupts are off for as long as the lock is held, and restored as they were after.

use x86_64::instructions::interrupts::without_interrupts;

/// A mutual exclusion lock held with interrupts off.
pub struct InterruptLock<T>(spin::Mutex<T>);

impl<T> InterruptLock<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        Self(spin::Mutex::new(value))
    }

    /// Runs `action` on the value with interrupts off.
    pub fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        without_interrupts(|| action(&mut self.0.lock()))
    }

    /// Runs `action` unless the lock is held: for reports on the way to a halt.
    pub fn try_with<R>(&self, action: impl FnOnce(&mut T) -> R) -> Option<R> {
        without_interrupts(|| self.0.try_lock().map(|mut value| action(&mut value)))
    }
}

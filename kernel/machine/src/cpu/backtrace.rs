//! Walks the chain of frame pointers for a report.
//!
//! Owns nothing. The kernel is built with frame pointers, so that a frame holds the caller's frame
//! pointer and, above it, the return address. A damaged chain ends the walk: each frame must lie in
//! a stack of the kernel and above the one before.

use super::stack;

/// Most return addresses that are reported.
pub const FRAME_COUNT_MAX: usize = 32;

/// The return addresses of a call chain, innermost first.
pub struct Backtrace {
    frame_pointer: u64,
    left: usize,
}

impl Backtrace {
    /// The chain that starts at a frame pointer.
    pub fn from_frame_pointer(frame_pointer: u64) -> Self {
        Self {
            frame_pointer,
            left: FRAME_COUNT_MAX,
        }
    }

    /// The chain of the caller.
    #[inline(always)]
    pub fn here() -> Self {
        let frame_pointer: u64;
        // SAFETY: the frame pointer is only copied.
        unsafe {
            core::arch::asm!("mov {}, rbp", out(reg) frame_pointer, options(nomem, nostack, preserves_flags));
        }
        Self::from_frame_pointer(frame_pointer)
    }
}

impl Iterator for Backtrace {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let frame = self.frame_pointer;
        let return_slot = frame.checked_add(8)?;
        if !frame.is_multiple_of(8) || !stack::contains(frame) || !stack::contains(return_slot) {
            return None;
        }
        // SAFETY: both words lie in a mapped stack of the kernel, aligned.
        let (caller, return_address) = unsafe {
            let pointer =
                core::ptr::with_exposed_provenance::<u64>(crate::memory::address_of(frame));
            (pointer.read_volatile(), pointer.add(1).read_volatile())
        };
        if return_address == 0 {
            return None;
        }
        // A caller's frame is above its callee's; anything else is the end or damage.
        self.frame_pointer = if caller > frame { caller } else { 0 };
        Some(return_address)
    }
}

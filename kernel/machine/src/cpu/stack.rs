//! The kernel's stacks: the main one and one for each fault that must not trust it.
//!
//! Owns the memory of the stacks. Below each stack lies one page that the kernel's page tables leave
//! unmapped, so that an overflow faults at once and never runs into other data.
//!
//! Invariants:
//! - a stack begins and ends on a page boundary and its lowest page is its guard;
//! - the only code that uses a stack is the processor that it was given to.

use core::cell::UnsafeCell;

use crate::memory::{PAGE_SIZE, address_of};

/// Bytes of the main stack, guard excluded: room for the node's largest values by a wide margin.
pub const MAIN_STACK_BYTES: usize = 1024 * 1024;
/// Bytes of each fault stack, guard excluded: a report and its formatting.
pub const FAULT_STACK_BYTES: usize = 32 * 1024;
const GUARD_BYTES: usize = 4096;
const _: () = assert!(GUARD_BYTES as u64 == PAGE_SIZE);

/// A stack with its guard page below it. `BYTES` counts both.
#[repr(C, align(4096))]
pub struct Stack<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: the memory is only ever reached through the stack pointer of the one processor.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}

impl<const BYTES: usize> Stack<BYTES> {
    const fn new() -> Self {
        assert!(BYTES > GUARD_BYTES && BYTES.is_multiple_of(GUARD_BYTES));
        Self(UnsafeCell::new([0; BYTES]))
    }

    /// Address of the guard page.
    pub fn guard(&self) -> u64 {
        self.0.get() as u64
    }

    /// Address one past the highest byte, where an empty stack's pointer stands.
    pub fn top(&self) -> u64 {
        self.guard().saturating_add(BYTES as u64)
    }

    /// True if `address` lies in the usable part of this stack.
    pub fn contains(&self, address: u64) -> bool {
        address >= self.guard().saturating_add(PAGE_SIZE) && address < self.top()
    }
}

/// The main stack with its guard.
pub type MainStack = Stack<{ MAIN_STACK_BYTES + GUARD_BYTES }>;
/// A fault stack with its guard.
pub type FaultStack = Stack<{ FAULT_STACK_BYTES + GUARD_BYTES }>;

/// The stack that the kernel runs on, interrupts included.
pub static MAIN: MainStack = MainStack::new();
/// The stack of the double fault, where a main stack that overflowed ends up.
pub static DOUBLE_FAULT: FaultStack = FaultStack::new();
/// The stack of the non-maskable interrupt.
pub static NON_MASKABLE: FaultStack = FaultStack::new();
/// The stack of the machine check.
pub static MACHINE_CHECK: FaultStack = FaultStack::new();

/// Most bytes of the main stack that were ever in use: what lies below was never written.
///
/// It looks at every word until it finds one in use, so that it is for a person's question, not for
/// a loop.
pub fn main_used_bytes_max() -> u64 {
    let lowest = MAIN.guard().saturating_add(PAGE_SIZE);
    let is_unused = |address: &u64| {
        let word = core::ptr::with_exposed_provenance::<u64>(address_of(*address));
        // SAFETY: the word lies in the usable part of the main stack, aligned, and is only read.
        unsafe { word.read_volatile() == 0 }
    };
    let unused_words = (lowest..MAIN.top())
        .step_by(size_of::<u64>())
        .take_while(is_unused)
        .count();
    let unused_bytes = (unused_words as u64).saturating_mul(size_of::<u64>() as u64);
    MAIN.top()
        .saturating_sub(lowest)
        .saturating_sub(unused_bytes)
}

/// Addresses of all guard pages.
pub fn guards() -> [u64; 4] {
    [
        MAIN.guard(),
        DOUBLE_FAULT.guard(),
        NON_MASKABLE.guard(),
        MACHINE_CHECK.guard(),
    ]
}

/// True if `address` lies in the usable part of any stack.
pub fn contains(address: u64) -> bool {
    MAIN.contains(address)
        || DOUBLE_FAULT.contains(address)
        || NON_MASKABLE.contains(address)
        || MACHINE_CHECK.contains(address)
}

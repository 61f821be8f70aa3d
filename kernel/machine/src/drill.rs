//! Breaks the kernel on purpose, to see its protection act.
//!
//! Owns one function per protection. Each ends in the report of a fault and a stop; one that comes
//! back has found the protection missing, which is why they return [`Unprotected`].

use core::hint::black_box;

/// The fault that should have come did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unprotected;

/// A word of data that is the machine code of a return.
static DATA: [u8; 16] = [0xc3; 16];

/// Calls itself until the stack is used up: ends in a double fault at the guard page.
#[expect(unconditional_recursion, reason = "running out of stack is the point")]
pub fn overflow_stack(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    let deeper = overflow_stack(depth.wrapping_add(1));
    deeper.wrapping_add(
        frame
            .iter()
            .fold(0, |sum: u64, word| sum.wrapping_add(*word)),
    )
}

/// Calls into read-only data: ends in a page fault, because data cannot be executed.
pub fn execute_data() -> Unprotected {
    let data = &raw const DATA;
    // SAFETY: the bytes are a return instruction, so that the call comes back if it is not stopped.
    unsafe {
        let function: extern "C" fn() = core::mem::transmute(black_box(data));
        function();
    }
    Unprotected
}

/// Writes to the kernel's own code: ends in a page fault, because code cannot be written.
pub fn write_text() -> Unprotected {
    let code = black_box(write_text as *const () as *mut u8);
    // SAFETY: the byte that stands there is written again, so that nothing changes if this is not
    // stopped.
    unsafe { code.write_volatile(code.read_volatile()) };
    Unprotected
}

/// Reads page zero: ends in a page fault, because nothing is mapped there.
pub fn read_page_zero() -> Unprotected {
    let address = black_box(8_usize);
    // SAFETY: reading has no effect, and the address is aligned.
    unsafe { core::ptr::with_exposed_provenance::<u64>(address).read_volatile() };
    Unprotected
}

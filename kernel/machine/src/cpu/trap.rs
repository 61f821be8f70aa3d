//! The way from an interrupt or a fault into Rust and back.
//!
//! Owns the entry code of all vectors and the layout of what it saves. The kernel is built for
//! hardware floats, so the entry code saves the vector unit's state before any Rust code runs.
//!
//! Invariants:
//! - every register of the interrupted code is as it was when its execution goes on;
//! - the direction flag is clear and the stack is aligned when Rust code runs.

use core::arch::global_asm;

/// How many vectors have entry code.
pub const VECTOR_COUNT: usize = 64;
/// Bytes of entry code per vector.
pub const STUB_BYTES: u64 = 16;

/// Registers of the interrupted code, as the entry code leaves them on the stack.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each field is the register of its name")]
pub struct TrapFrame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rbx: u64,
    pub rax: u64,
    pub vector: u64,
    pub error_code: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

const _: () = assert!(size_of::<TrapFrame>() == 22 * 8);

global_asm!(
    ".pushsection .text.trap, \"ax\", @progbits",
    ".balign 16",
    "{stubs}:",
    // Vectors 8, 10 to 14, 17, 21, 29 and 30 come with an error code; all others get a zero.
    ".irp vector, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,\
     30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,\
     61,62,63",
    ".balign 16",
    ".if (\\vector == 8) || ((\\vector >= 10) && (\\vector <= 14)) || (\\vector == 17) || \
     (\\vector == 21) || (\\vector == 29) || (\\vector == 30)",
    ".else",
    "push 0",
    ".endif",
    "push \\vector",
    "jmp 2f",
    ".endr",
    ".balign 16",
    "2:",
    "push rax",
    "push rbx",
    "push rcx",
    "push rdx",
    "push rsi",
    "push rdi",
    "push rbp",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "cld",
    "mov rdi, rsp",
    // The parts of vector registers beyond 16 bytes stay where they are: handlers are compiled for
    // SSE2, whose instructions do not touch them, and neither does FXRSTOR.
    // RBX is preserved by the call and holds the frame; the area for FXSAVE is 16-byte aligned.
    "mov rbx, rsp",
    "sub rsp, 512",
    "and rsp, -16",
    "fxsave64 [rsp]",
    "call {dispatch}",
    "fxrstor64 [rsp]",
    "mov rsp, rbx",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rbp",
    "pop rdi",
    "pop rsi",
    "pop rdx",
    "pop rcx",
    "pop rbx",
    "pop rax",
    "add rsp, 16",
    "iretq",
    ".popsection",
    stubs = sym trap_stubs,
    dispatch = sym dispatch,
);

unsafe extern "C" {
    /// The entry code of vector 0; that of vector `n` starts `n * STUB_BYTES` further.
    fn trap_stubs();
}

/// Address of the entry code of a vector.
pub fn stub_address(vector: u8) -> u64 {
    (trap_stubs as *const () as u64).saturating_add(u64::from(vector).saturating_mul(STUB_BYTES))
}

/// Where all vectors arrive.
extern "C" fn dispatch(frame: &mut TrapFrame) {
    match u8::try_from(frame.vector) {
        Ok(vector) if vector >= crate::interrupts::FIRST_VECTOR => {
            crate::interrupts::handle(vector);
        }
        _ => super::exceptions::handle(frame),
    }
}

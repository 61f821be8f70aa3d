//! The two ways into the kernel: the PVH entry point and the boot loader's.
//!
//! Owns the first instructions. Both ways end in one call of the image's main function with a
//! [`Start`](super::Start), on the main stack, in 64-bit mode, with the vector unit on and
//! physical memory mapped at [`DIRECT_MAP_BASE`].
//!
//! Invariants:
//! - no Rust code runs before the vector unit is on, because the kernel is built for hardware floats;
//! - the code before paging refers to physical addresses only: link address minus 0xffffffff80000000.

use core::cell::UnsafeCell;

use bootloader_api::BootloaderConfig;
use bootloader_api::config::Mapping;

use crate::memory::DIRECT_MAP_BASE;

/// Bytes of the stack that the boot loader provides until the kernel stands on its own.
const LOADER_STACK_BYTES: u64 = 64 * 1024;

/// What the kernel asks of the boot loader: all of physical memory mapped where the kernel's own page
/// tables will have it too.
pub const LOADER_CONFIG: BootloaderConfig = {
    let mut config = BootloaderConfig::new_default();
    config.kernel_stack_size = LOADER_STACK_BYTES;
    config.mappings.physical_memory = Some(Mapping::FixedAddress(DIRECT_MAP_BASE));
    config
};

/// Bytes of the serialized [`LOADER_CONFIG`].
pub const LOADER_CONFIG_BYTES: usize = BootloaderConfig::SERIALIZED_LEN;

/// Memory for the first page tables of the PVH way: PML4, two PDPTs, four page directories.
#[repr(C, align(4096))]
pub struct FirstTables(UnsafeCell<[u64; 512 * 7]>);

// SAFETY: only the entry code below writes the tables, before any other code runs; after that only
// the processor's page walk reads them.
unsafe impl Sync for FirstTables {}

/// The first page tables, filled by the PVH entry code.
pub static FIRST_TABLES: FirstTables = FirstTables(UnsafeCell::new([0; 512 * 7]));

/// Defines the kernel's entry points around `$main`, a `fn(machine::boot::Start) -> !`.
///
/// Only the bare-metal image may use it: it defines `_start`, the PVH note and the layout symbols'
/// readers, which need the image's linker script.
#[macro_export]
macro_rules! kernel_entry {
    ($main:path) => {
        #[used]
        #[unsafe(link_section = ".bootloader-config")]
        static __LOADER_CONFIG: [u8; $crate::boot::entry::LOADER_CONFIG_BYTES] =
            $crate::boot::entry::LOADER_CONFIG.serialize();

        extern "C" fn __loader_main(info: &'static $crate::bootloader_api::BootInfo) -> ! {
            $main($crate::boot::Start::loader(info, __image_layout()))
        }

        extern "C" fn __pvh_main(start_info_address: u64) -> ! {
            $main($crate::boot::Start::pvh(start_info_address, __image_layout()))
        }

        fn __image_layout() -> $crate::boot::ImageLayout {
            unsafe extern "C" {
                safe static __kernel_start: u8;
                safe static __kernel_text_end: u8;
                safe static __kernel_rodata_end: u8;
                safe static __kernel_end: u8;
            }
            $crate::boot::ImageLayout {
                start: &raw const __kernel_start as u64,
                text_end: &raw const __kernel_text_end as u64,
                rodata_end: &raw const __kernel_rodata_end as u64,
                end: &raw const __kernel_end as u64,
            }
        }

        core::arch::global_asm!(
            // The note by which a virtual machine monitor finds the 32-bit entry point
            // (XEN_ELFNOTE_PHYS32_ENTRY, type 18).
            ".pushsection .note.Xen, \"a\", @note",
            ".balign 4",
            ".long 4, 8, 18",
            ".asciz \"Xen\"",
            ".quad pvh_start + 0x80000000",
            ".popsection",
            ".pushsection .text.pvh, \"ax\", @progbits",
            ".code32",
            // The PVH contract: 32-bit protected mode, paging off, EBX = hvm_start_info.
            "pvh_start:",
            "cli",
            "cld",
            // 4 GiB in 2 MiB pages, four page directories from table 3 on.
            "movl $({tables} + 0x80000000 + 3 * 4096), %edi",
            "movl $0x83, %eax",
            "xorl %ecx, %ecx",
            "2:",
            "movl %eax, (%edi, %ecx, 8)",
            "movl $0, 4(%edi, %ecx, 8)",
            "addl $0x200000, %eax",
            "incl %ecx",
            "cmpl $2048, %ecx",
            "jne 2b",
            // Table 1 points at the four directories: identity and direct map share it.
            "movl $({tables} + 0x80000000), %esi",
            "leal 0x3003(%esi), %eax",
            "movl %eax, 0x1000(%esi)",
            "addl $0x1000, %eax",
            "movl %eax, 0x1008(%esi)",
            "addl $0x1000, %eax",
            "movl %eax, 0x1010(%esi)",
            "addl $0x1000, %eax",
            "movl %eax, 0x1018(%esi)",
            // Table 2 puts the first GiB at the kernel's link address.
            "leal 0x3003(%esi), %eax",
            "movl %eax, 0x2ff0(%esi)",
            // PML4: slot 0 identity, slot 256 direct map, slot 511 kernel.
            "leal 0x1003(%esi), %eax",
            "movl %eax, 0x000(%esi)",
            "movl %eax, 0x800(%esi)",
            "leal 0x2003(%esi), %eax",
            "movl %eax, 0xff8(%esi)",
            // CR4: PAE, OSFXSR, OSXMMEXCPT.
            "movl %cr4, %eax",
            "orl $0x620, %eax",
            "movl %eax, %cr4",
            "movl %esi, %cr3",
            // EFER: long mode and no-execute.
            "movl $0xc0000080, %ecx",
            "rdmsr",
            "orl $0x900, %eax",
            "wrmsr",
            // CR0: paging, write protection, native FPU errors, monitor coprocessor, no emulation.
            "movl %cr0, %eax",
            "andl $~0x0c, %eax",
            "orl $0x80010023, %eax",
            "movl %eax, %cr0",
            "lgdtl (pvh_gdt_pointer + 0x80000000)",
            "ljmpl $8, $(pvh_long_mode + 0x80000000)",
            ".code64",
            "pvh_long_mode:",
            "movabsq $pvh_high, %rax",
            "jmpq *%rax",
            "pvh_high:",
            "movl $16, %eax",
            "movl %eax, %ds",
            "movl %eax, %es",
            "movl %eax, %ss",
            "xorl %eax, %eax",
            "movl %eax, %fs",
            "movl %eax, %gs",
            "movabsq $({stack} + {stack_bytes}), %rsp",
            "xorl %ebp, %ebp",
            "fninit",
            "movl %ebx, %edi",
            "callq {main}",
            "ud2",
            ".balign 8",
            "pvh_gdt:",
            ".quad 0",
            ".quad 0x00af9b000000ffff",
            ".quad 0x00cf93000000ffff",
            "pvh_gdt_pointer:",
            ".word 23",
            ".long pvh_gdt + 0x80000000",
            // The boot loader's way in: 64-bit mode, RDI = BootInfo, the vector unit in any state.
            ".global _start",
            "_start:",
            "cli",
            "cld",
            "movq %cr0, %rax",
            "andq $~0x0c, %rax",
            "orq $0x10022, %rax",
            "movq %rax, %cr0",
            "movq %cr4, %rax",
            "orq $0x600, %rax",
            "movq %rax, %cr4",
            "fninit",
            "movabsq $({stack} + {stack_bytes}), %rsp",
            "xorl %ebp, %ebp",
            "callq {loader_main}",
            "ud2",
            ".popsection",
            tables = sym $crate::boot::entry::FIRST_TABLES,
            stack = sym $crate::cpu::stack::MAIN,
            stack_bytes = const ::core::mem::size_of::<$crate::cpu::stack::MainStack>(),
            main = sym __pvh_main,
            loader_main = sym __loader_main,
            options(att_syntax),
        );
    };
}

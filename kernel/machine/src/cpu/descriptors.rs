//! Segments, the task state segment with the fault stacks, and the interrupt descriptor table.
//!
//! Owns the processor's tables. They are built once and never change after.

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
use x86_64::structures::tss::TaskStateSegment;

use super::stack;
use super::trap::{VECTOR_COUNT, stub_address};

/// Index of the double fault's stack in the task state segment.
const DOUBLE_FAULT_STACK: usize = 0;
/// Index of the non-maskable interrupt's stack.
const NON_MASKABLE_STACK: usize = 1;
/// Index of the machine check's stack.
const MACHINE_CHECK_STACK: usize = 2;

const NON_MASKABLE_VECTOR: usize = 2;
const DOUBLE_FAULT_VECTOR: usize = 8;
const MACHINE_CHECK_VECTOR: usize = 18;

/// Present, privilege level 0, 64-bit interrupt gate: interrupts are off in the handler.
const INTERRUPT_GATE: u64 = 0x8e00;

/// One gate: 16 bytes, as the processor reads them.
#[derive(Clone, Copy)]
#[repr(C)]
struct Gate {
    low: u64,
    high: u64,
}

impl Gate {
    fn new(handler: u64, selector: SegmentSelector, stack: u64) -> Self {
        let low = (handler & 0xffff)
            | u64::from(selector.0) << 16
            | stack << 32
            | INTERRUPT_GATE << 32
            | (handler & 0xffff_0000) << 32;
        Self {
            low,
            high: handler >> 32,
        }
    }
}

#[repr(C, align(16))]
struct InterruptTable([Gate; VECTOR_COUNT]);

/// Offset of the table's last byte.
const INTERRUPT_TABLE_LIMIT: u16 = 1023;
const _: () = assert!(size_of::<InterruptTable>() == INTERRUPT_TABLE_LIMIT as usize + 1);

static TASK: spin::Once<TaskStateSegment> = spin::Once::new();
static SEGMENTS: spin::Once<(GlobalDescriptorTable, [SegmentSelector; 3])> = spin::Once::new();
static INTERRUPTS: spin::Once<InterruptTable> = spin::Once::new();

/// Builds and loads all tables.
pub(super) fn init() {
    let task = TASK.call_once(|| {
        let mut task = TaskStateSegment::new();
        // The structure is packed, so that its array is written as a whole.
        let mut stacks = [VirtAddr::zero(); 7];
        for (index, address) in stacks.iter_mut().enumerate() {
            *address = VirtAddr::new_truncate(match index {
                DOUBLE_FAULT_STACK => stack::DOUBLE_FAULT.top(),
                NON_MASKABLE_STACK => stack::NON_MASKABLE.top(),
                MACHINE_CHECK_STACK => stack::MACHINE_CHECK.top(),
                _ => 0,
            });
        }
        task.interrupt_stack_table = stacks;
        task
    });
    let (segments, [code, data, task_selector]) = SEGMENTS.call_once(|| {
        let mut segments = GlobalDescriptorTable::new();
        let code = segments.append(Descriptor::kernel_code_segment());
        let data = segments.append(Descriptor::kernel_data_segment());
        let task = segments.append(Descriptor::tss_segment(task));
        (segments, [code, data, task])
    });
    segments.load();
    let null = SegmentSelector::NULL;
    // SAFETY: the table that was just loaded has a 64-bit code segment and a data segment at these
    // selectors, and the task segment refers to a task state that lives for good.
    unsafe {
        CS::set_reg(*code);
        SS::set_reg(*data);
        DS::set_reg(*data);
        ES::set_reg(*data);
        FS::set_reg(null);
        GS::set_reg(null);
        load_tss(*task_selector);
    }
    load_interrupt_table(*code);
}

fn load_interrupt_table(code: SegmentSelector) {
    let table = INTERRUPTS.call_once(|| {
        // The processor counts the stacks of the task state segment from 1; 0 keeps the stack.
        let numbered = |stack: usize| (stack as u64).saturating_add(1);
        let mut table = InterruptTable([Gate { low: 0, high: 0 }; VECTOR_COUNT]);
        for (vector, gate) in (0_u8..).zip(table.0.iter_mut()) {
            let stack = match usize::from(vector) {
                DOUBLE_FAULT_VECTOR => numbered(DOUBLE_FAULT_STACK),
                NON_MASKABLE_VECTOR => numbered(NON_MASKABLE_STACK),
                MACHINE_CHECK_VECTOR => numbered(MACHINE_CHECK_STACK),
                _ => 0,
            };
            *gate = Gate::new(stub_address(vector), code, stack);
        }
        table
    });
    let pointer = DescriptorTablePointer {
        limit: INTERRUPT_TABLE_LIMIT,
        base: VirtAddr::from_ptr(table),
    };
    // SAFETY: every gate of the table refers to entry code in the kernel's text, and the table lives
    // for good.
    unsafe { x86_64::instructions::tables::lidt(&pointer) };
}

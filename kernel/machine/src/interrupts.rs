//! Device interrupts: the timer's tick, the serial lines, those of PCI devices, and the waits for them.
//!
//! Owns the interrupt controllers. The pair of 8259s serves all; where no tick comes through them
//! within [`FIRST_TICK_NS_MAX`], the local controller's own timer takes over and the serial ports
//! are polled by its tick.
//!
//! Invariants:
//! - a handler moves bytes and counts, never more, and never waits;
//! - a handler calls this crate alone, which knows no service: the cells and the ledger are out of its
//!   reach;
//! - what a handler shares with the loop is a port's rings and registers, under their locks, the
//!   flags of `Wake`, and counters that the loop only reads.

pub mod line;
pub mod local;
pub mod pic;
mod wake;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) use wake::Wake;
use x86_64::instructions::interrupts as processor;

use crate::clock::{self, pit};
use crate::serial;

/// Ticks per second.
pub const TICK_HZ: u64 = 100;
/// Vector of the first line of the first 8259.
pub const FIRST_VECTOR: u8 = 32;
/// Vector of the local controller's timer.
pub const LOCAL_TIMER_VECTOR: u8 = 48;
/// Vector of the local controller's spurious interrupt.
pub const LOCAL_SPURIOUS_VECTOR: u8 = 63;
/// How long the first tick may take before the local timer takes over: fifty ticks, because a busy
/// host can keep an emulator waiting.
pub const FIRST_TICK_NS_MAX: u64 = 500_000_000;

const TIMER_LINE: u8 = 0;
const COM2_LINE: u8 = 3;
const COM1_LINE: u8 = 4;

static TICKS: AtomicU64 = AtomicU64::new(0);
static SPURIOUS_COUNT: AtomicU64 = AtomicU64::new(0);
static WAKE: Wake = Wake::new();
static USES_LOCAL_TIMER: AtomicBool = AtomicBool::new(false);
static STARTED_NS: AtomicU64 = AtomicU64::new(0);

/// Programs the controllers and lets interrupts come.
pub(crate) fn init() {
    local::pass_legacy_interrupts();
    pic::init(FIRST_VECTOR);
    pit::start_tick(TICK_HZ);
    for line in [TIMER_LINE, COM1_LINE, COM2_LINE] {
        pic::unmask(line);
    }
    serial::enable_interrupts();
    STARTED_NS.store(clock::monotonic_ns(), Ordering::Relaxed);
    processor::enable();
}

/// Timer ticks since boot.
pub fn ticks() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

/// Interrupts that no device raised.
pub fn spurious_count() -> u64 {
    SPURIOUS_COUNT.load(Ordering::Relaxed)
}

/// What makes the tick.
pub fn tick_source() -> &'static str {
    if USES_LOCAL_TIMER.load(Ordering::Relaxed) {
        "apic"
    } else {
        "pit"
    }
}

/// Sleeps until an interrupt has happened since the last wait: a byte, or the next tick.
pub fn wait() {
    if ticks() == 0 {
        wait_for_first_tick();
        return;
    }
    WAKE.wait();
}

/// Until a tick has been seen a halt might last for ever, so this only looks.
fn wait_for_first_tick() {
    let waited_ns = clock::monotonic_ns().saturating_sub(STARTED_NS.load(Ordering::Relaxed));
    if waited_ns > FIRST_TICK_NS_MAX && !USES_LOCAL_TIMER.swap(true, Ordering::Relaxed) {
        pic::mask(TIMER_LINE);
        local::start_timer(LOCAL_TIMER_VECTOR, TICK_HZ);
    }
    serial::service();
    core::hint::spin_loop();
}

/// Handles the interrupt of a vector from [`FIRST_VECTOR`] on.
pub(crate) fn handle(vector: u8) {
    match vector {
        LOCAL_TIMER_VECTOR => {
            tick();
            local::end_of_interrupt();
        }
        FIRST_VECTOR..LOCAL_TIMER_VECTOR => handle_line(vector.saturating_sub(FIRST_VECTOR)),
        _ => {
            SPURIOUS_COUNT.fetch_add(1, Ordering::Relaxed);
        }
    }
    WAKE.note();
    line::note();
}

fn handle_line(line: u8) {
    if pic::is_spurious(line) {
        SPURIOUS_COUNT.fetch_add(1, Ordering::Relaxed);
        return;
    }
    match line {
        TIMER_LINE => tick(),
        COM1_LINE | COM2_LINE => {
            serial::service();
        }
        _ => line::handle(line),
    }
    pic::end_of_interrupt(line);
}

fn tick() {
    TICKS.fetch_add(1, Ordering::Relaxed);
    serial::service();
}

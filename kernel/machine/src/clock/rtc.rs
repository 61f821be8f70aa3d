//! Reads the real-time clock of the CMOS.
//!
//! Owns ports 0x70 and 0x71 after boot. A reading counts only if the clock is not being updated and
//! two readings in a row agree.

use x86_64::instructions::interrupts::without_interrupts;
use x86_64::instructions::port::Port;

use super::calendar::{self, Registers};

const SECOND: u8 = 0x00;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
const STATUS_D: u8 = 0x0d;
/// Where the century usually is; a wrong value there is ignored.
const CENTURY: u8 = 0x32;
const UPDATE_IN_PROGRESS: u8 = 1 << 7;
const VALID_RAM_AND_TIME: u8 = 1 << 7;
/// Keeps non-maskable interrupts as they are: bit 7 of the index port stays clear.
const INDEX_MASK: u8 = 0x7f;
/// An update takes 2 ms at most; one look is about a microsecond.
const UPDATE_LOOK_COUNT_MAX: u32 = 20_000;
/// Looks at the seconds before the clock counts as standing still; one look is at least half a
/// microsecond.
const SECOND_LOOK_COUNT_MAX: u32 = 5_000_000;
/// How many pairs of readings may disagree before the clock counts as broken.
const READ_COUNT_MAX: u32 = 8;

fn read(register: u8) -> u8 {
    without_interrupts(|| {
        let mut index = Port::<u8>::new(0x70);
        let mut data = Port::<u8>::new(0x71);
        // SAFETY: these ports are the CMOS on every PC or nobody's; reading has no effect that
        // anything depends on, and interrupts are off between the two accesses.
        unsafe {
            index.write(register & INDEX_MASK);
            data.read()
        }
    })
}

/// Waits, bounded, until no update is going on.
fn is_steady() -> bool {
    (0..UPDATE_LOOK_COUNT_MAX).any(|_| read(STATUS_A) & UPDATE_IN_PROGRESS == 0)
}

fn read_all() -> Registers {
    Registers {
        second: read(SECOND),
        minute: read(0x02),
        hour: read(0x04),
        day: read(0x07),
        month: read(0x08),
        year: read(0x09),
        century: read(CENTURY),
        status_b: read(STATUS_B),
    }
}

/// Waits, bounded, until the seconds change, and says when that was by the time-stamp counter.
fn next_second() -> Option<u64> {
    let second = read(SECOND);
    let has_changed = (0..SECOND_LOOK_COUNT_MAX).any(|_| read(SECOND) != second);
    has_changed.then(super::cycles)
}

/// Measures the time-stamp counter's frequency in Hz over one second; nothing if the clock stands
/// still. It takes up to two seconds, so that it is the last way to be tried.
pub(crate) fn measure_tsc_hz() -> Option<u64> {
    let start = next_second()?;
    next_second()?.checked_sub(start)
}

/// Seconds since 1970 by the real-time clock; nothing if it is absent, has lost its battery, or holds
/// no date.
pub fn unix_seconds() -> Option<u64> {
    if read(STATUS_D) & VALID_RAM_AND_TIME == 0 {
        return None;
    }
    for _ in 0..READ_COUNT_MAX {
        if !is_steady() {
            return None;
        }
        let first = read_all();
        if is_steady() && read_all() == first {
            return calendar::unix_seconds(first);
        }
    }
    None
}

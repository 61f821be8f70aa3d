//! The power management timer of ACPI, to measure the processor's clock where there is no 8254.
//!
//! Owns nothing; the timer's port is named by the firmware's fixed description table.

use x86_64::instructions::port::Port;

/// Frequency of the timer, in Hz.
pub const INPUT_HZ: u64 = 3_579_545;
/// The timer has 24 bits on every machine; some have more, which are not used.
const COUNTER_MASK: u32 = 0x00ff_ffff;
/// Length of the measurement in timer counts: 2.5 milliseconds.
const MEASURE_COUNTS: u32 = 8949;
/// Looks at the timer before it counts as absent; one look is one port access.
const LOOK_COUNT_MAX: u32 = 100_000;

/// Counts from one reading to a later one.
const fn elapsed(from: u32, to: u32) -> u32 {
    to.wrapping_sub(from) & COUNTER_MASK
}

/// Measures the time-stamp counter's frequency in Hz; nothing if the timer stands still.
pub(crate) fn measure_tsc_hz(port: u16) -> Option<u64> {
    let read = || {
        // SAFETY: reading the timer has no effect; a wrong port gives a wrong or constant value,
        // which the caller's bounds catch.
        let count = unsafe { Port::<u32>::new(port).read() };
        (super::cycles(), count)
    };
    let (start_cycles, start_count) = read();
    for _ in 0..LOOK_COUNT_MAX {
        let (cycles, count) = read();
        let counts = elapsed(start_count, count);
        if counts >= MEASURE_COUNTS {
            let cycles = u128::from(cycles.saturating_sub(start_cycles));
            let hz = cycles
                .checked_mul(u128::from(INPUT_HZ))?
                .checked_div(u128::from(counts))?;
            return u64::try_from(hz).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_wraps_at_24_bits() {
        assert_eq!(elapsed(0xff_fff0, 0x10), 0x20);
        assert_eq!(elapsed(5, 5), 0);
    }
}

//! Time: nanoseconds since boot by the time-stamp counter, and the date by the real-time clock.
//!
//! Owns the counter's calibration. Sources of its frequency, in this order: the processor's own word
//! (CPUID leaf 0x15), then a measurement against channel 2 of the interval timer, then one against
//! the power management timer, then one against the seconds of the real-time clock.
//!
//! Invariants:
//! - monotonic time never goes back, and the date neither;
//! - without a real-time clock there is no date, and nobody is told an invented one.

pub mod calendar;
pub mod date;
pub mod pit;
pub mod pm_timer;
pub mod rtc;

use core::sync::atomic::{AtomicU64, Ordering};

use crate::cpu::features;
use crate::sync::InterruptLock;
use date::Date;

/// Frequency that is assumed where nothing can be measured, in Hz: time then runs at a wrong rate,
/// which [`Source::Assumed`] tells.
const ASSUMED_HZ: u64 = 1_000_000_000;
/// Frequencies outside these bounds, in Hz, are a failed measurement.
const PLAUSIBLE_HZ: core::ops::RangeInclusive<u64> = 50_000_000..=20_000_000_000;
/// Fraction bits of the factor from cycles to nanoseconds.
const FACTOR_SHIFT: u32 = 32;

static START_CYCLES: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per cycle with [`FACTOR_SHIFT`] fraction bits; 0 until calibrated.
static FACTOR: AtomicU64 = AtomicU64::new(0);
static FREQUENCY: spin::Once<(u64, Source)> = spin::Once::new();
static DATE: InterruptLock<Date> = InterruptLock::new(Date::unknown());

/// How the counter's frequency was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The processor states it.
    Processor,
    /// It was measured against the interval timer.
    IntervalTimer,
    /// It was measured against the power management timer.
    PowerManagementTimer,
    /// It was measured against the seconds of the real-time clock.
    RealTimeClock,
    /// Nothing could be measured; time runs at an assumed rate.
    Assumed,
}

impl Source {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processor => "cpuid",
            Self::IntervalTimer => "pit",
            Self::PowerManagementTimer => "acpi_pm",
            Self::RealTimeClock => "rtc",
            Self::Assumed => "assumed",
        }
    }
}

/// The time-stamp counter.
pub fn cycles() -> u64 {
    // SAFETY: the instruction reads a counter and has no other effect; every x86_64 processor has it,
    // and CR4 does not forbid it to the kernel.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Nanoseconds of a number of cycles; 0 until the counter is calibrated.
pub fn cycles_to_ns(cycles: u64) -> u64 {
    scale(cycles, FACTOR.load(Ordering::Relaxed))
}

fn scale(cycles: u64, factor: u64) -> u64 {
    let product = u128::from(cycles).wrapping_mul(u128::from(factor)) >> FACTOR_SHIFT;
    u64::try_from(product).unwrap_or(u64::MAX)
}

/// The factor for [`scale`] at a frequency.
fn factor_for(frequency_hz: u64) -> u64 {
    let factor = (1_000_000_000_u128 << FACTOR_SHIFT).checked_div(u128::from(frequency_hz));
    factor
        .and_then(|factor| u64::try_from(factor).ok())
        .unwrap_or(1 << FACTOR_SHIFT)
}

/// Calibrates the counter and reads the date.
pub(crate) fn init(has_rtc: bool, pm_timer_port: Option<u16>) {
    let is_plausible = |(hz, _): &(u64, Source)| PLAUSIBLE_HZ.contains(hz);
    let stated = features::tsc_frequency_hz().map(|hz| (hz, Source::Processor));
    let found = stated
        .filter(is_plausible)
        .or_else(|| pit::measure_tsc_hz().map(|hz| (hz, Source::IntervalTimer)))
        .filter(is_plausible)
        .or_else(|| {
            let hz = pm_timer::measure_tsc_hz(pm_timer_port?)?;
            Some((hz, Source::PowerManagementTimer))
        })
        .filter(is_plausible)
        .or_else(|| {
            let hz = if has_rtc { rtc::measure_tsc_hz() } else { None };
            Some((hz?, Source::RealTimeClock))
        })
        .filter(is_plausible)
        .unwrap_or((ASSUMED_HZ, Source::Assumed));
    FREQUENCY.call_once(|| found);
    START_CYCLES.store(cycles(), Ordering::Relaxed);
    FACTOR.store(factor_for(found.0), Ordering::Relaxed);
    if has_rtc {
        DATE.with(|date| *date = Date::starting_at(rtc::unix_seconds(), monotonic_ns()));
    }
}

/// Nanoseconds since the clock was set up.
pub fn monotonic_ns() -> u64 {
    cycles_to_ns(cycles().saturating_sub(START_CYCLES.load(Ordering::Relaxed)))
}

/// The counter's frequency in Hz, and how it was found.
pub fn frequency() -> (u64, Source) {
    FREQUENCY
        .get()
        .copied()
        .unwrap_or((ASSUMED_HZ, Source::Assumed))
}

/// Seconds since 1970-01-01 00:00 UTC, or nothing if the machine has no working real-time clock.
pub fn unix_seconds() -> Option<u64> {
    let now_ns = monotonic_ns();
    if DATE.with(|date| date.wants_reading(now_ns)) {
        // The clock can take milliseconds to read, which is too long to hold a lock.
        let reading = rtc::unix_seconds();
        DATE.with(|date| date.correct(reading, now_ns));
    }
    DATE.with(|date| date.unix_seconds(now_ns))
}

/// How often the real-time clock contradicted the processor's by more than either can be off.
pub fn date_contradiction_count() -> u64 {
    DATE.with(|date| date.contradiction_count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_become_nanoseconds_without_drift_over_a_century() {
        for frequency_hz in [1_000_000_000, 2_399_987_654, 4_700_000_001] {
            let factor = factor_for(frequency_hz);
            let century_s = 100 * 365 * 86_400;
            let elapsed_ns = scale(frequency_hz * century_s, factor);
            let drift_ns = elapsed_ns.abs_diff(century_s * 1_000_000_000);
            // One part in a thousand million: far less than any crystal's error.
            assert!(drift_ns <= century_s, "{drift_ns} ns at {frequency_hz} Hz");
        }
    }
}

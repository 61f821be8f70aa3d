//! The date between two readings of the real-time clock.
//!
//! Owns the rule by which the date follows both clocks: the processor's for seconds, the battery's for
//! days. Pure: readings and time are arguments.
//!
//! Invariants:
//! - the date never goes back;
//! - a reading that is further off than both clocks' errors explain is not believed, and counted.

/// How often the real-time clock is read again, in nanoseconds.
pub const READING_INTERVAL_NS: u64 = 600 * 1_000_000_000;
/// The processor's clock is off by less than one part in this, even when measured on a busy host.
const DRIFT_DIVISOR: u64 = 100;
/// Both clocks together are off by this many seconds through rounding.
const ROUNDING_SECONDS: u64 = 2;

/// What is known of the date.
#[derive(Clone, Copy, Debug, Default)]
pub struct Date {
    /// Seconds since 1970 at `base_ns`, once there was a reading.
    base_seconds: Option<u64>,
    base_ns: u64,
    read_ns: u64,
    latest_seconds: u64,
    contradiction_count: u64,
}

impl Date {
    /// No date.
    pub const fn unknown() -> Self {
        Self {
            base_seconds: None,
            base_ns: 0,
            read_ns: 0,
            latest_seconds: 0,
            contradiction_count: 0,
        }
    }

    /// The date by a first reading at a monotonic time.
    pub const fn starting_at(reading: Option<u64>, now_ns: u64) -> Self {
        Self {
            base_seconds: reading,
            base_ns: now_ns,
            read_ns: now_ns,
            ..Self::unknown()
        }
    }

    /// True if it is time to read the real-time clock again.
    pub fn wants_reading(&self, now_ns: u64) -> bool {
        self.base_seconds.is_some() && now_ns.saturating_sub(self.read_ns) >= READING_INTERVAL_NS
    }

    /// Takes in a reading. One that cannot be true changes nothing but the count of those.
    pub fn correct(&mut self, reading: Option<u64>, now_ns: u64) {
        let (Some(expected), Some(reading)) = (self.raw_seconds(now_ns), reading) else {
            self.read_ns = now_ns;
            return;
        };
        let elapsed_seconds = now_ns.saturating_sub(self.base_ns) / 1_000_000_000;
        let tolerance = (elapsed_seconds / DRIFT_DIVISOR).saturating_add(ROUNDING_SECONDS);
        self.read_ns = now_ns;
        if reading.abs_diff(expected) <= tolerance {
            self.base_seconds = Some(reading);
            self.base_ns = now_ns;
        } else {
            self.contradiction_count = self.contradiction_count.saturating_add(1);
        }
    }

    /// Seconds since 1970 at a monotonic time, if there ever was a reading.
    pub fn unix_seconds(&mut self, now_ns: u64) -> Option<u64> {
        // After a correction backwards the date stands still until it is true again.
        self.latest_seconds = self.raw_seconds(now_ns)?.max(self.latest_seconds);
        Some(self.latest_seconds)
    }

    /// How many readings were not believed.
    pub const fn contradiction_count(&self) -> u64 {
        self.contradiction_count
    }

    fn raw_seconds(&self, now_ns: u64) -> Option<u64> {
        let elapsed_seconds = now_ns.saturating_sub(self.base_ns) / 1_000_000_000;
        Some(self.base_seconds?.saturating_add(elapsed_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const START: u64 = 1_795_359_845;

    #[test]
    fn without_a_first_reading_there_is_never_a_date() {
        let mut date = Date::starting_at(None, 0);
        assert!(!date.wants_reading(u64::MAX));
        date.correct(Some(START), 5 * SECOND);
        assert_eq!(date.unix_seconds(6 * SECOND), None);
    }

    #[test]
    fn a_drifting_processor_is_corrected_and_the_date_never_goes_back() {
        let mut date = Date::starting_at(Some(START), 0);
        assert_eq!(date.unix_seconds(600 * SECOND), Some(START + 600));
        assert!(date.wants_reading(600 * SECOND));
        date.correct(Some(START + 597), 600 * SECOND);
        assert_eq!(date.contradiction_count(), 0);
        assert!(!date.wants_reading(601 * SECOND));
        assert_eq!(date.unix_seconds(601 * SECOND), Some(START + 600));
        assert_eq!(date.unix_seconds(605 * SECOND), Some(START + 602));
    }

    #[test]
    fn a_clock_that_jumped_is_not_believed() {
        let mut date = Date::starting_at(Some(START), 0);
        for reading in [Some(START - 86_400), Some(START + 90_000), Some(0), None] {
            date.correct(reading, 600 * SECOND);
            assert_eq!(
                date.unix_seconds(600 * SECOND),
                Some(START + 600),
                "{reading:?}"
            );
        }
        assert_eq!(date.contradiction_count(), 3);
    }
}

//! From what the real-time clock's registers say to seconds since 1970.
//!
//! Owns the decoding of the MC146818's date, which is untrusted: it can be in BCD or binary, in 12 or
//! 24 hours, with or without a century, and wrong. Pure.

/// The date registers as they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// Register 0x00.
    pub second: u8,
    /// Register 0x02.
    pub minute: u8,
    /// Register 0x04; bit 7 is "afternoon" in 12-hour mode.
    pub hour: u8,
    /// Register 0x07.
    pub day: u8,
    /// Register 0x08.
    pub month: u8,
    /// Register 0x09: year of the century.
    pub year: u8,
    /// The century register; 0 where there is none.
    pub century: u8,
    /// Register 0x0b: bit 1 says 24-hour mode, bit 2 says binary.
    pub status_b: u8,
}

const HOURS_24: u8 = 1 << 1;
const BINARY: u8 = 1 << 2;
const AFTERNOON: u8 = 1 << 7;
/// Years before the first release of this system are not a date that its clock can truly show.
const YEAR_MIN: u64 = 2020;
/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;

/// Seconds since 1970-01-01 00:00 UTC; nothing if the registers hold no date from 2020 to 2199.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "every part was checked to be in its range"
)]
pub fn unix_seconds(registers: Registers) -> Option<u64> {
    let number = |value: u8| match registers.status_b & BINARY {
        0 => from_bcd(value),
        _ => Some(value),
    };
    let second = number(registers.second).filter(|second| *second <= 59)?;
    let minute = number(registers.minute).filter(|minute| *minute <= 59)?;
    let hour = hour(registers, number)?;
    let day = number(registers.day)?;
    let month = number(registers.month).filter(|month| (1..=12).contains(month))?;
    let year_of_century = number(registers.year).filter(|year| *year <= 99)?;
    // A century that is none means the register is not there: this system is of the 21st.
    let century = number(registers.century).filter(|century| (20..=21).contains(century));
    let year = u64::from(century.unwrap_or(20)) * 100 + u64::from(year_of_century);
    if year < YEAR_MIN || day == 0 || u64::from(day) > days_of_month(year, month) {
        return None;
    }
    let days = days_before_year(year) + days_before_month(year, month) + u64::from(day) - 1;
    let time = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
    Some(days * DAY_SECONDS + time)
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "every part was checked to be in its range"
)]
fn from_bcd(value: u8) -> Option<u8> {
    let (tens, ones) = (value >> 4, value & 0x0f);
    (tens <= 9 && ones <= 9).then(|| tens * 10 + ones)
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "every part was checked to be in its range"
)]
fn hour(registers: Registers, number: impl Fn(u8) -> Option<u8>) -> Option<u8> {
    if registers.status_b & HOURS_24 != 0 {
        return number(registers.hour).filter(|hour| *hour <= 23);
    }
    let hour = number(registers.hour & !AFTERNOON).filter(|hour| (1..=12).contains(hour))?;
    let afternoon = if registers.hour & AFTERNOON != 0 {
        12
    } else {
        0
    };
    Some(hour % 12 + afternoon)
}

const fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn days_of_month(year: u64, month: u8) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_month(year: u64, month: u8) -> u64 {
    (1..month).map(|month| days_of_month(year, month)).sum()
}

/// Days from 1970-01-01 to the first of January of `year`, which is 1970 or later.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "every part was checked to be in its range"
)]
fn days_before_year(year: u64) -> u64 {
    let leap_years_until = |year: u64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leap_years_until(year - 1) - leap_years_until(1969)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // 2026-11-22 15:04:05 UTC.
    const SECONDS: u64 = 1_795_359_845;

    fn bcd_24h() -> Registers {
        Registers {
            second: 0x05,
            minute: 0x04,
            hour: 0x15,
            day: 0x22,
            month: 0x11,
            year: 0x26,
            century: 0x20,
            status_b: HOURS_24,
        }
    }

    #[test]
    fn one_moment_reads_the_same_in_every_mode() {
        let binary = Registers {
            second: 5,
            minute: 4,
            hour: 15,
            day: 22,
            month: 11,
            year: 26,
            century: 20,
            status_b: HOURS_24 | BINARY,
        };
        assert_eq!(unix_seconds(bcd_24h()), Some(SECONDS));
        assert_eq!(unix_seconds(binary), Some(SECONDS));
        let afternoon = AFTERNOON | 0x03;
        assert_eq!(
            unix_seconds(Registers {
                hour: afternoon,
                status_b: 0,
                ..bcd_24h()
            }),
            Some(SECONDS)
        );
        let afternoon = AFTERNOON | 3;
        assert_eq!(
            unix_seconds(Registers {
                hour: afternoon,
                status_b: BINARY,
                ..binary
            }),
            Some(SECONDS)
        );
        assert_eq!(
            unix_seconds(Registers {
                century: 0,
                ..bcd_24h()
            }),
            Some(SECONDS)
        );
        assert_eq!(
            unix_seconds(Registers {
                century: 0xff,
                ..bcd_24h()
            }),
            Some(SECONDS)
        );
    }

    #[test]
    fn twelve_o_clock_is_noon_and_midnight() {
        let at = |hour| {
            unix_seconds(Registers {
                hour,
                status_b: 0,
                ..bcd_24h()
            })
            .unwrap()
        };
        assert_eq!(at(0x12), SECONDS - 15 * 3600);
        assert_eq!(at(AFTERNOON | 0x12), SECONDS - 3 * 3600);
    }

    #[test]
    fn leap_days_exist_in_leap_years_only() {
        let on = |year, month, day| {
            unix_seconds(Registers {
                year,
                month,
                day,
                ..bcd_24h()
            })
        };
        assert!(on(0x28, 0x02, 0x29).is_some());
        assert_eq!(on(0x27, 0x02, 0x29), None);
        assert_eq!(
            on(0x28, 0x03, 0x01).unwrap() - on(0x28, 0x02, 0x28).unwrap(),
            2 * DAY_SECONDS
        );
        let in_2100 = |month, day| {
            unix_seconds(Registers {
                century: 0x21,
                year: 0,
                month,
                day,
                ..bcd_24h()
            })
        };
        assert_eq!(in_2100(0x02, 0x29), None);
    }

    #[test]
    fn registers_that_hold_no_date_give_none() {
        assert_eq!(unix_seconds(Registers::default()), None);
        let all_ones = Registers {
            second: 0xff,
            minute: 0xff,
            hour: 0xff,
            day: 0xff,
            month: 0xff,
            year: 0xff,
            century: 0xff,
            status_b: 0xff,
        };
        assert_eq!(unix_seconds(all_ones), None);
        for wrong in [
            Registers {
                second: 0x60,
                ..bcd_24h()
            },
            Registers {
                minute: 0x0a,
                ..bcd_24h()
            },
            Registers {
                hour: 0x24,
                ..bcd_24h()
            },
            Registers {
                day: 0x31,
                ..bcd_24h()
            },
            Registers {
                day: 0,
                ..bcd_24h()
            },
            Registers {
                month: 0x13,
                ..bcd_24h()
            },
            Registers {
                year: 0x19,
                ..bcd_24h()
            },
        ] {
            assert_eq!(unix_seconds(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_registers_give_a_date_of_two_centuries_or_none(
            bytes in any::<[u8; 8]>()
        ) {
            let [second, minute, hour, day, month, year, century, status_b] = bytes;
            let registers =
                Registers { second, minute, hour, day, month, year, century, status_b };
            if let Some(seconds) = unix_seconds(registers) {
                prop_assert!((1_577_836_800..7_258_118_400).contains(&seconds));
            }
        }
    }
}

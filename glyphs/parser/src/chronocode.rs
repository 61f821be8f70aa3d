//! `YYYYMMDD_HHMMSS`: a moment of the calendar, as a glyph carries it.
//!
//! Invariant: a [`Chronocode`] that exists names a real date of the Gregorian calendar (years
//! 1 to 9999) and a real time of day, without leap seconds.

use core::fmt;

/// A checked calendar date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chronocode {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Chronocode {
    /// Reads `YYYYMMDD_HHMMSS`; the error is a sentence part on what was expected.
    ///
    /// # Errors
    /// What was expected, if the form is another or the date is not in the calendar.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "a date and time as `YYYYMMDD_HHMMSS`";
        let (date, time) = text.split_once('_').ok_or(FORM)?;
        if date.len() != 8 || time.len() != 6 {
            return Err(FORM);
        }
        let (year, date) = digits(date, 4).ok_or(FORM)?;
        let (month, date) = digits(date, 2).ok_or(FORM)?;
        let (day, _) = digits(date, 2).ok_or(FORM)?;
        let (hour, time) = digits(time, 2).ok_or(FORM)?;
        let (minute, time) = digits(time, 2).ok_or(FORM)?;
        let (second, _) = digits(time, 2).ok_or(FORM)?;
        if year == 0 {
            return Err("a year from 0001 to 9999");
        }
        let days = days_of_month(year, month).ok_or("a month from 01 to 12")?;
        if day == 0 || day > days {
            return Err("a day that the month has");
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err("a time of day from 000000 to 235959");
        }
        let byte = |value: u16| u8::try_from(value).map_err(|_| FORM);
        Ok(Chronocode {
            year,
            month: byte(month)?,
            day: byte(day)?,
            hour: byte(hour)?,
            minute: byte(minute)?,
            second: byte(second)?,
        })
    }
}

impl fmt::Display for Chronocode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:04}{:02}{:02}_{:02}{:02}{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

/// Splits `count` decimal digits off the front of `text`.
fn digits(text: &str, count: usize) -> Option<(u16, &str)> {
    let (head, rest) = text.split_at_checked(count)?;
    if !head.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((head.parse().ok()?, rest))
}

fn days_of_month(year: u16, month: u16) -> Option<u16> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn real_moments_survive_their_text() {
        for text in [
            "20240229_235959",
            "20000229_000000",
            "00010101_000000",
            "99991231_120000",
            "20240430_010203",
            "20240630_010203",
            "20240930_010203",
            "20241130_010203",
            "20240131_010203",
        ] {
            assert_eq!(Chronocode::new(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn moments_outside_the_calendar_are_refused() {
        for text in [
            "20230229_000000",
            "19000229_000000",
            "20241301_000000",
            "20240001_000000",
            "20240431_000000",
            "20240100_000000",
            "20240631_000000",
            "20240931_000000",
            "20241131_000000",
            "20240132_000000",
            "20240101_240000",
            "20240101_006000",
            "20240101_000060",
            "00000101_000000",
            "20240101-000000",
            "20240101_00000",
            "2024010_0000000",
            "2024+101_000000",
            "",
            "\u{660}\u{661}240101_000000",
        ] {
            assert!(Chronocode::new(text).is_err(), "{text}");
        }
    }
}

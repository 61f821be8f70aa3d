//! Numbers of a GDF file: read strictly, written so that they read back the same.
//!
//! Invariants:
//! - what is read is finite and has no other text beside it;
//! - every spelling written here reads back as the same `f64`;
//! - [`Compact`] is never longer than any other spelling of the same value that the reader
//!   takes, so a printed file never outgrows the limits that its source kept.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// Why a text is not a number of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// No number, or one with other text beside it.
    Malformed,
    /// A NaN, an infinity, or too large for an `f64`.
    NotFinite,
}

/// Reads a finite `f64` and nothing else.
pub(crate) fn read(text: &str) -> Result<f64, NumberError> {
    let value: f64 = text.parse().map_err(|_| NumberError::Malformed)?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(NumberError::NotFinite)
    }
}

/// Longest plain spelling that a person still reads at a glance, in bytes.
const PLAIN_BYTES_MAX: usize = 16;

/// A number as a person reads it: plain, or with an exponent where plain would be long.
pub(crate) struct Number(pub(crate) f64);

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = format!("{}", self.0);
        if plain.len() <= PLAIN_BYTES_MAX {
            return out.write_str(&plain);
        }
        let scientific = format!("{:e}", self.0);
        out.write_str(if plain.len() <= scientific.len() {
            &plain
        } else {
            &scientific
        })
    }
}

/// A number in the fewest bytes.
pub(crate) struct Compact(pub(crate) f64);

impl fmt::Display for Compact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = format!("{}", self.0);
        let plain = match plain.strip_prefix("0.") {
            Some(rest) => format!(".{rest}"),
            None => match plain.strip_prefix("-0.") {
                Some(rest) => format!("-.{rest}"),
                None => plain,
            },
        };
        let scientific = whole_mantissa(&format!("{:e}", self.0)).unwrap_or_else(|| plain.clone());
        out.write_str(if plain.len() <= scientific.len() {
            &plain
        } else {
            &scientific
        })
    }
}

/// `1.25e-7` as `125e-9`: the point costs a byte that the exponent does not.
fn whole_mantissa(scientific: &str) -> Option<String> {
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i64 = exponent.parse().ok()?;
    let (head, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shift = i64::try_from(fraction.len()).ok()?;
    Some(format!(
        "{head}{fraction}e{}",
        exponent.saturating_sub(shift)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn only_a_finite_number_alone_is_read() {
        assert_eq!(read("440"), Ok(440.0));
        assert_eq!(read("-1.5e3"), Ok(-1500.0));
        assert_eq!(read(".5"), Ok(0.5));
        for text in ["", "440 Hz", "1,5", "0x10", "1_000", "--1", "e5", "4 4"] {
            assert_eq!(read(text), Err(NumberError::Malformed), "{text}");
        }
        for text in ["nan", "NaN", "inf", "-Infinity", "1e999"] {
            assert_eq!(read(text), Err(NumberError::NotFinite), "{text}");
        }
    }

    #[test]
    fn every_spelling_reads_back_as_the_same_bits() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = f64::from_bits(bits ^ (bits >> 29));
            if !value.is_finite() {
                continue;
            }
            for text in [Number(value).to_string(), Compact(value).to_string()] {
                assert_eq!(read(&text).map(f64::to_bits), Ok(value.to_bits()), "{text}");
            }
        }
        assert_eq!(Number(1e300).to_string(), "1e300");
        assert_eq!(Number(100_000.0).to_string(), "100000");
    }

    #[test]
    fn compact_spellings_are_no_longer_than_those_people_write() {
        for text in [
            "12e4", ".5", "0", "1e5", "-.25", "1e-7", "125e-9", "3", "100", "-1e30", "1e22",
            "5e-324",
        ] {
            let compact = Compact(read(text).unwrap()).to_string();
            assert!(compact.len() <= text.len(), "{compact} for {text}");
        }
    }
}

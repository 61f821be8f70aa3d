//! Checked ids: holding one proves that its text or number has the form of its kind.
//!
//! Existence is not proven: that is the business of the part that owns the thing.

use crate::limits::{GLYPH_ID_BYTES_MAX, GUARDIAN_ID_BYTES_MAX};
use alloc::format;
use alloc::string::String;
use core::fmt;

/// Position of a cell in the substrate, row by row from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellIndex(pub u64);

impl fmt::Display for CellIndex {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// No character at all.
    Empty,
    /// More bytes than the kind allows.
    TooLong,
    /// A character outside `[A-Za-z0-9_-]` (or outside hexadecimal digits for record ids).
    BadCharacter,
    /// A record id needs 32 hexadecimal digits; a prefix 4 to 32.
    WrongLength,
}

impl fmt::Display for IdError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            IdError::Empty => "an id needs at least one character",
            IdError::TooLong => "an id has at most 64 characters",
            IdError::BadCharacter => "an id is made of letters, digits, '_' and '-'",
            IdError::WrongLength => "a record id has 32 hexadecimal digits, a short one at least 4",
        })
    }
}

impl core::error::Error for IdError {}

fn check_word(text: &str, bytes_max: usize) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > bytes_max {
        return Err(IdError::TooLong);
    }
    if text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    {
        Ok(())
    } else {
        Err(IdError::BadCharacter)
    }
}

macro_rules! word_id {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the form and takes the text.
            ///
            /// # Errors
            /// [`IdError`] if the text is empty, too long or has a character outside
            /// `[A-Za-z0-9_-]`.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check_word(text, $max)?;
                Ok($name(String::from(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }
    };
}

word_id!(
    /// Id of a glyph: 1 to 64 of `[A-Za-z0-9_-]`.
    GlyphId,
    GLYPH_ID_BYTES_MAX
);
word_id!(
    /// Id of a guardian: 1 to 64 of `[A-Za-z0-9_-]`.
    GuardianId,
    GUARDIAN_ID_BYTES_MAX
);

/// 128-bit id of a governance record, shown as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RecordId(pub [u8; 16]);

impl RecordId {
    /// Reads 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`IdError::WrongLength`] or [`IdError::BadCharacter`].
    pub fn from_hex(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; 16];
        hex_decode(text, &mut bytes)?;
        Ok(RecordId(bytes))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(out)
    }
}

/// The first 4 to 32 hexadecimal digits of a [`RecordId`], as a person types it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPrefix(String);

impl RecordPrefix {
    /// Checks the form and takes the digits, in lower case.
    ///
    /// # Errors
    /// [`IdError::WrongLength`] or [`IdError::BadCharacter`].
    pub fn new(text: &str) -> Result<Self, IdError> {
        if !(4..=32).contains(&text.len()) {
            return Err(IdError::WrongLength);
        }
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(IdError::BadCharacter);
        }
        Ok(RecordPrefix(text.to_ascii_lowercase()))
    }

    /// Whether `id` begins with these digits.
    #[must_use]
    pub fn matches(&self, id: &RecordId) -> bool {
        let mut nibbles = id.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        self.0
            .chars()
            .all(|digit| nibbles.next().map(u32::from) == digit.to_digit(16))
    }

    /// The least id that begins with these digits; all others follow it in order.
    #[must_use]
    pub fn first(&self) -> RecordId {
        let mut id = [0; 16];
        // Places beyond the digits are zeros, and the digits were checked.
        let _ = hex_decode(&format!("{:0<32}", self.0), &mut id);
        RecordId(id)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordPrefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// Shows bytes as lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        for bytes in self.0.chunks(32) {
            let mut places = digits.iter_mut();
            for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
                if let Some(place) = places.next() {
                    *place = if nibble < 10 { b'0' } else { b'a' - 10 } + nibble;
                }
            }
            let (written, _) = digits.split_at(bytes.len().saturating_mul(2));
            out.write_str(core::str::from_utf8(written).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}

/// Reads exactly `2 * bytes.len()` hexadecimal digits.
///
/// # Errors
/// [`IdError::WrongLength`] or [`IdError::BadCharacter`]; `bytes` is then unspecified.
pub fn hex_decode(text: &str, bytes: &mut [u8]) -> Result<(), IdError> {
    if text.len() != bytes.len().saturating_mul(2) {
        return Err(IdError::WrongLength);
    }
    let mut digits = text.bytes().map(|digit| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    });
    for byte in bytes {
        let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
            return Err(IdError::BadCharacter);
        };
        *byte = (high << 4) | low;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn glyph_ids_take_only_the_characters_of_the_spec() {
        assert!(GlyphId::new("a-Z_09").is_ok());
        assert_eq!(GlyphId::new(""), Err(IdError::Empty));
        assert_eq!(GlyphId::new("../etc"), Err(IdError::BadCharacter));
        assert_eq!(GlyphId::new(&"x".repeat(65)), Err(IdError::TooLong));
        assert!(GlyphId::new(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn bytes_of_any_length_survive_their_digits() {
        for length in [0, 1, 31, 32, 33, 64, 300] {
            let bytes: std::vec::Vec<u8> = (0..=255).cycle().take(length).collect();
            let text = Hex(&bytes).to_string();
            let expected: std::string::String = bytes
                .iter()
                .map(|byte| std::format!("{byte:02x}"))
                .collect();
            assert_eq!(text, expected);
            let mut back = std::vec![0; length];
            assert_eq!(hex_decode(&text, &mut back), Ok(()));
            assert_eq!(hex_decode(&text.to_uppercase(), &mut back), Ok(()));
            assert_eq!(back, bytes);
        }
        for wrong in ["0g", "g0", "+1", "\u{e9}"] {
            assert_eq!(hex_decode(wrong, &mut [0]), Err(IdError::BadCharacter));
        }
    }

    #[test]
    fn record_ids_survive_their_text() {
        let id = RecordId(core::array::from_fn(|i| u8::try_from(i * 17).unwrap_or(0)));
        assert_eq!(RecordId::from_hex(&id.to_string()), Ok(id));
        assert_eq!(RecordId::from_hex("00"), Err(IdError::WrongLength));
        assert_eq!(
            RecordId::from_hex(&"g".repeat(32)),
            Err(IdError::BadCharacter)
        );
    }

    #[test]
    fn a_prefix_matches_only_ids_that_begin_with_it() {
        let id = RecordId::from_hex("0123456789abcdef0123456789abcdef").unwrap();
        assert!(RecordPrefix::new("01234").unwrap().matches(&id));
        assert!(
            RecordPrefix::new("0123456789ABCDEF0123456789abcdef")
                .unwrap()
                .matches(&id)
        );
        assert!(!RecordPrefix::new("0124").unwrap().matches(&id));
        assert!(RecordPrefix::new("012").is_err());
        let first = RecordPrefix::new("01234").unwrap().first();
        assert_eq!(first.to_string(), format!("01234{:027}", 0));
        assert!(first <= id);
    }
}

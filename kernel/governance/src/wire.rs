//! Canonical bytes: every item typed, length-prefixed, in a fixed order.
//!
//! An item is one type byte, its length as 16 bits little-endian, and that many bytes. A
//! structure is its fields in the order of declaration, each present. An optional value is an
//! item `none`, or an item `some` and the value; a list is an item `list` that holds the count
//! (16 bits) and then the values.
//!
//! Invariants:
//! - one value has one encoding: decoding accepts nothing else, no trailing byte included;
//! - two different values never share an encoding, since no field's content can be taken for
//!   another field's boundary;
//! - any bytes are legal input: decoding ends in a value or a [`DecodeError`], never a panic.

use abi::governance::{
    Action, Algorithm, GuardianChange, GuardianState, Impact, OverrideStatus, RequestStatus, Role,
};
use abi::id::Hex;
use abi::limits::TEXT_BYTES_MAX;
use abi::request::OverrideKind;
use abi::time::UnixSeconds;
use abi::{GuardianId, RecordId};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Most values in one list: no list of governance is longer.
pub(crate) const LIST_ITEMS_MAX: usize = 64;

/// Why bytes are not a value of governance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside an item.
    Truncated,
    /// Written by a version of the format that this software does not know.
    Version(u8),
    /// No record has this kind.
    Kind(u8),
    /// An item has another type than the field at its place.
    Type {
        /// The type byte that the field has.
        expected: u8,
        /// The type byte that was found.
        found: u8,
    },
    /// An item's length does not fit its type.
    Length,
    /// An item's content is outside what its field allows.
    Value(&'static str),
    /// Bytes follow the last field.
    Trailing,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Truncated => out.write_str("the record ends inside a field"),
            DecodeError::Version(found) => write!(
                out,
                "the record has format version {found}, this software reads version 1: use a newer one"
            ),
            DecodeError::Kind(found) => write!(out, "no governance record has kind {found}"),
            DecodeError::Type { expected, found } => {
                write!(
                    out,
                    "a field has type {found} where type {expected} belongs"
                )
            }
            DecodeError::Length => out.write_str("a field has a length that its type cannot have"),
            DecodeError::Value(what) => write!(out, "a field holds what is not {what}"),
            DecodeError::Trailing => out.write_str("bytes follow the last field"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Type bytes of items; a number never changes its meaning.
mod item {
    pub(super) const WORD: u8 = 1;
    pub(super) const U32: u8 = 2;
    pub(super) const U64: u8 = 3;
    pub(super) const TIME: u8 = 4;
    pub(super) const ID: u8 = 5;
    pub(super) const DIGEST: u8 = 6;
    pub(super) const TEXT: u8 = 7;
    pub(super) const BYTES: u8 = 8;
    pub(super) const NONE: u8 = 9;
    pub(super) const SOME: u8 = 10;
    pub(super) const LIST: u8 = 11;
    pub(super) const NAME: u8 = 12;
}

/// Collects items.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    /// Appends one item; `content` is shorter than 64 KiB by the limits of every field.
    fn item(&mut self, kind: u8, content: &[u8]) {
        let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
        assert!(
            usize::from(length) == content.len(),
            "a field of governance is shorter than 64 KiB"
        );
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(content);
    }

    /// Appends bytes that are no text, as keys and signatures.
    pub(crate) fn raw(&mut self, content: &[u8]) {
        self.item(item::BYTES, content);
    }
}

/// Takes items off the front of untrusted bytes.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated)
    }

    fn item(&mut self, expected: u8) -> Result<&'a [u8], DecodeError> {
        let [found] = self.array()?;
        if found != expected {
            return Err(DecodeError::Type { expected, found });
        }
        let length = u16::from_le_bytes(self.array()?);
        self.take(usize::from(length))
    }

    fn fixed<const N: usize>(&mut self, expected: u8) -> Result<[u8; N], DecodeError> {
        self.item(expected)?
            .try_into()
            .map_err(|_| DecodeError::Length)
    }

    /// Takes one byte outside any item: the version and the kind of a record.
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// Takes bytes that are no text.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], DecodeError> {
        self.item(item::BYTES)
    }

    /// Ends the reading: nothing may be left.
    pub(crate) const fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing)
        }
    }
}

/// A value with one canonical encoding and a JSON form for people.
pub(crate) trait Wire: Sized {
    /// Appends the encoding.
    fn put(&self, out: &mut Writer);
    /// Takes the encoding off the front.
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// Writes the value as JSON; secrets are withheld.
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

/// Whether `text` can be kept: within the limit, and nothing that moves a terminal's cursor.
pub(crate) fn is_plain(text: &str) -> bool {
    text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control)
}

/// Writes a JSON string.
pub(crate) fn json_text(text: &str, out: &mut dyn fmt::Write) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            control if control.is_control() => write!(out, "\\u{:04x}", u32::from(control))?,
            plain => out.write_char(plain)?,
        }
    }
    out.write_char('"')
}

impl Wire for u32 {
    fn put(&self, out: &mut Writer) {
        out.item(item::U32, &self.to_le_bytes());
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(u32::from_le_bytes(input.fixed(item::U32)?))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl Wire for u64 {
    fn put(&self, out: &mut Writer) {
        out.item(item::U64, &self.to_le_bytes());
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(u64::from_le_bytes(input.fixed(item::U64)?))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl Wire for bool {
    fn put(&self, out: &mut Writer) {
        out.item(item::WORD, &[u8::from(*self)]);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.fixed(item::WORD)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(DecodeError::Value("yes or no")),
        }
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl Wire for UnixSeconds {
    fn put(&self, out: &mut Writer) {
        out.item(item::TIME, &self.0.to_le_bytes());
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(UnixSeconds(u64::from_le_bytes(input.fixed(item::TIME)?)))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "\"{self}\"")
    }
}

impl Wire for RecordId {
    fn put(&self, out: &mut Writer) {
        out.item(item::ID, &self.0);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(RecordId(input.fixed(item::ID)?))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "\"{self}\"")
    }
}

impl Wire for [u8; 16] {
    fn put(&self, out: &mut Writer) {
        out.item(item::ID, self);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed(item::ID)
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "\"{}\"", Hex(self))
    }
}

impl Wire for [u8; 32] {
    fn put(&self, out: &mut Writer) {
        out.item(item::DIGEST, self);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed(item::DIGEST)
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "\"{}\"", Hex(self))
    }
}

impl Wire for String {
    fn put(&self, out: &mut Writer) {
        out.item(item::TEXT, self.as_bytes());
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let text = core::str::from_utf8(input.item(item::TEXT)?)
            .map_err(|_| DecodeError::Value("UTF-8 text"))?;
        if is_plain(text) {
            Ok(String::from(text))
        } else {
            Err(DecodeError::Value("text within the limits"))
        }
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        json_text(self, out)
    }
}

impl Wire for GuardianId {
    fn put(&self, out: &mut Writer) {
        out.item(item::NAME, self.as_str().as_bytes());
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        core::str::from_utf8(input.item(item::NAME)?)
            .ok()
            .and_then(|text| GuardianId::new(text).ok())
            .ok_or(DecodeError::Value("a guardian's id"))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        json_text(self.as_str(), out)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Writer) {
        match self {
            None => out.item(item::NONE, &[]),
            Some(value) => {
                out.item(item::SOME, &[]);
                value.put(out);
            }
        }
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.rest.first() == Some(&item::NONE) {
            let [] = input.fixed(item::NONE)?;
            return Ok(None);
        }
        let [] = input.fixed(item::SOME)?;
        Ok(Some(T::take(input)?))
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self {
            None => out.write_str("null"),
            Some(value) => value.json(out),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Writer) {
        let count = u16::try_from(self.len()).unwrap_or(u16::MAX);
        assert!(
            self.len() <= LIST_ITEMS_MAX,
            "a list of governance has at most 64 values"
        );
        out.item(item::LIST, &count.to_le_bytes());
        self.iter().for_each(|value| value.put(out));
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = usize::from(u16::from_le_bytes(input.fixed(item::LIST)?));
        if count > LIST_ITEMS_MAX {
            return Err(DecodeError::Value("a list of at most 64 values"));
        }
        (0..count).map(|_| T::take(input)).collect()
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_char('[')?;
        for (place, value) in self.iter().enumerate() {
            if place > 0 {
                out.write_char(',')?;
            }
            value.json(out)?;
        }
        out.write_char(']')
    }
}

macro_rules! wire_word {
    ($($name:ident: $what:literal),+ $(,)?) => {$(
        impl Wire for $name {
            fn put(&self, out: &mut Writer) {
                out.item(item::WORD, &[self.number()]);
            }
            fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let [number] = input.fixed(item::WORD)?;
                $name::from_number(number).ok_or(DecodeError::Value($what))
            }
            fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
                json_text(self.name(), out)
            }
        }
    )+};
}

wire_word! {
    Role: "a role",
    GuardianState: "a guardian's state",
    Algorithm: "an algorithm",
    Impact: "an impact",
    RequestStatus: "a request's status",
    OverrideStatus: "an override's status",
    Action: "an action",
    GuardianChange: "a change of guardians",
}

impl Wire for OverrideKind {
    fn put(&self, out: &mut Writer) {
        out.item(
            item::WORD,
            &[match self {
                OverrideKind::Real => 1,
                OverrideKind::Drill => 2,
            }],
        );
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.fixed(item::WORD)? {
            [1] => Ok(OverrideKind::Real),
            [2] => Ok(OverrideKind::Drill),
            _ => Err(DecodeError::Value("a kind of override")),
        }
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        json_text(
            match self {
                OverrideKind::Real => "real",
                OverrideKind::Drill => "drill",
            },
            out,
        )
    }
}

/// Declares a structure together with its encoding and its JSON form.
macro_rules! wire_struct {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),+ }

        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut $crate::wire::Writer) {
                $(self.$field.put(out);)+
            }
            fn take(
                input: &mut $crate::wire::Reader<'_>,
            ) -> Result<Self, $crate::wire::DecodeError> {
                Ok($name { $($field: $crate::wire::Wire::take(input)?),+ })
            }
            fn json(&self, out: &mut dyn core::fmt::Write) -> core::fmt::Result {
                out.write_char('{')?;
                let mut separator = "";
                $(
                    write!(out, "{separator}\"{}\":", stringify!($field))?;
                    self.$field.json(out)?;
                    separator = ",";
                )+
                let _ = separator;
                out.write_char('}')
            }
        }
    };
}
pub(crate) use wire_struct;

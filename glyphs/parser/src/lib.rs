//! GDF text to definitions, with errors that say where and why.
//!
//! Owns the Glyph Definition Format: its fields, its grammar, its limits, its canonical
//! spelling. [`parse`] turns untrusted bytes into a [`Definition`] or into every error of the
//! file; [`print()`] writes a definition back, [`reformat()`] a file with its comments. What a glyph means together with other glyphs
//! belongs to `glyph-compiler`.
//!
//! Invariants:
//! - any bytes whatsoever give a definition or a [`Refusal`], never a panic, in time linear in
//!   their length and with bounded output;
//! - a [`Definition`] that [`parse`] made is within every range of the format, and
//!   `parse(print(d)) == d`;
//! - nothing is guessed: an unknown key, a malformed number, a second value are errors.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod chronocode;
mod definition;
mod diagnostic;
mod field;
mod number;
mod parse;
mod print;
mod reformat;

pub use chronocode::Chronocode;
pub use definition::{Command, Comparison, Constraint, Definition, ParentsWord, StateField};
pub use diagnostic::{Diagnostic, Excerpt, quote, shown_name};
pub use field::Field;
pub use parse::{Parsed, Place, Places, Refusal, parse};
pub use print::print;
pub use reformat::reformat;

/// Bounds of the format that only this crate enforces.
pub mod limits {
    /// Largest file, in bytes.
    pub const FILE_BYTES_MAX: usize = 1 << 20;
    /// Longest program, in bytes of its trimmed text.
    pub const PROGRAM_BYTES_MAX: usize = 1024;
    /// Most errors reported of one file; the rest is counted.
    pub const DIAGNOSTICS_MAX: usize = 100;
}

//! The operator's console: line editing, command grammar, rendering.
//!
//! Owns what stands between bytes of a serial line and the typed [`abi::Request`] and
//! [`abi::Response`]. It holds no clock, no device and no state of the node: the caller feeds
//! bytes, serves the requests, and hands the answers back. Line ends are LF; whoever drives a
//! terminal turns them into CR LF.
//!
//! Called by the node on the machine, by a console outside the kernel, and by host tools.
//!
//! Invariants:
//! - a line is served whole or not at all: one that is too long, or lost bytes, or holds bytes
//!   that are no text, does nothing;
//! - control characters that came in never go out;
//! - memory is bounded whatever comes in.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod grammar;
mod help;
mod render;
mod words;

pub use grammar::{Command, Local, Mode, parse};
pub use render::{render, render_fault};

/// Kinds of names that the node knows and the console completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// Glyphs of the vault.
    Glyph,
    /// Guardians, proposed ones included.
    Guardian,
    /// Changes of guardians that wait for signatures, as 32 hexadecimal digits.
    GuardianChange,
    /// Requests for approval, as 32 hexadecimal digits.
    Request,
    /// Emergency overrides, as 32 hexadecimal digits.
    Override,
}

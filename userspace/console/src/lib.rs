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

mod complete;
mod console;
mod grammar;
mod help;
mod history;
mod keys;
mod line;
mod render;
mod view;
mod words;

pub use console::Console;
pub use grammar::{Command, Local, Mode, parse};
pub use render::{render, render_fault};

use abi::Request;

/// What a line came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A request: serve it and hand the outcome to [`Console::reply`].
    Line(Request),
    /// Done already, an error included: nothing is left to do.
    Local,
}

/// The names that the node knows, for completion.
pub trait Names {
    /// Visits every name of that kind, in the order in which to list them.
    fn for_each(&self, kind: NameKind, visit: &mut dyn FnMut(&str));
}

/// Knows no names.
#[derive(Clone, Copy, Debug)]
pub struct NoNames;

impl Names for NoNames {
    fn for_each(&self, _kind: NameKind, _visit: &mut dyn FnMut(&str)) {}
}

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

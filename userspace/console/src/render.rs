//! From a response or fault to text, for a person or for a program.
//!
//! For a person: aligned, at most 80 columns where no single word is longer. For a program:
//! one `key=value` line per thing, each beginning with the key that tells what it is; words and
//! numbers stand bare, texts always in `"..."` with the escapes `\" \\ \n \r \t \u{..}`, absent
//! values as `none`, truth as `yes` or `no`, lists joined by commas. Numbers are written so
//! that reading them back gives the same bits.
//!
//! Invariant: no control character of a value goes out as it is.

mod governance;
mod human;
mod layout;
mod machine;

pub(crate) use layout::{COLUMNS, Printable, paragraph};

use crate::Mode;
use abi::{Fault, Response};
use core::fmt;

/// Writes an answer, each line ended by LF; nothing where there is nothing to say.
///
/// In machine mode the final `OK` is not included: [`crate::Console::reply`] adds it.
///
/// # Errors
/// Whatever `out` answers.
pub fn render(response: &Response, mode: Mode, out: &mut dyn fmt::Write) -> fmt::Result {
    match mode {
        Mode::Human => human::render(response, out),
        Mode::Machine => machine::render(response, out),
    }
}

/// Writes a refusal: `ERR <code> <text>` on one line for a program, a paragraph for a person.
///
/// # Errors
/// Whatever `out` answers.
pub fn render_fault(fault: &Fault, mode: Mode, out: &mut dyn fmt::Write) -> fmt::Result {
    match mode {
        Mode::Human => paragraph(out, 0, 2, &alloc::format!("error: {}", fault.text)),
        Mode::Machine => writeln!(out, "ERR {} {}", fault.code.name(), Printable(&fault.text)),
    }
}

#[cfg(test)]
mod tests;

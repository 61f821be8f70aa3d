//! Why a command came to nothing, as the person is told.
//!
//! Owns the way to standard error. Invariant: a failure is one sentence that says what to do,
//! or nothing at all when the reader of the output has gone.

use std::fmt;
use std::io::{self, Write as _};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused or found wanting, with the sentence for the person.
    Refused(String),
    /// The answer could not be written.
    Output(io::Error),
}

impl Failure {
    /// A refusal with this sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Failure::Refused(sentence.into())
    }

    /// What to tell the person, if anything is left to tell.
    pub(crate) fn sentence(&self) -> Option<String> {
        match self {
            Failure::Refused(sentence) => Some(sentence.clone()),
            // Whoever read the output has seen enough, as `head` does.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Failure::Output(error) => Some(format!("the answer could not be written: {error}")),
        }
    }
}

impl From<io::Error> for Failure {
    /// For errors of the output; whoever reads or writes something else names it.
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// Writes a line to standard error; where there is none, nobody is there to be told.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

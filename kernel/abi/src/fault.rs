//! A refusal or failure that a person reads and a script matches on.
//!
//! `code` is stable and goes on the wire as `ERR <code> <text>`; `text` says in one sentence
//! what is wrong and, where something can be done, what to type next.

use alloc::string::String;
use core::fmt;

/// Stable kind of a [`Fault`]; the name on the wire is [`FaultCode::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FaultCode {
    /// The line is not a command of the console, or its words are off.
    Usage,
    /// The line was longer than the console takes, or bytes of it were lost.
    LineVoid,
    /// The named glyph, record, guardian or command does not exist.
    NotFound,
    /// A short id fits more than one record.
    Ambiguous,
    /// A cell index, count or number is outside its range.
    OutOfRange,
    /// A value is a NaN or an infinity.
    NonFinite,
    /// The cell holds no superposition.
    NoSuperposition,
    /// The cell is poisoned: its content was lost and it awaits a write.
    Poisoned,
    /// A glyph's constraint does not hold.
    Constraint,
    /// The glyph was refused when the vault was loaded.
    GlyphRefused,
    /// A rule of governance forbids the step.
    Refused,
    /// A signature, challenge or key does not check.
    BadSignature,
    /// A key is missing: `signing secret not configured`.
    NoKey,
    /// Too many failures: wait before the next try.
    TooSoon,
    /// The ledger cannot take records (absent, unformatted, full, damaged).
    LedgerUnavailable,
    /// The device failed or lied.
    Device,
    /// A part that this command needs is missing on this machine.
    Unavailable,
    /// The command needs `drill on` first.
    DrillOff,
    /// A capacity is used up.
    Full,
    /// A check of the system's own state failed.
    CheckFailed,
    /// The operator stopped the command before it was through.
    Stopped,
}

impl FaultCode {
    /// Every code, in the order of declaration.
    pub const ALL: [FaultCode; 21] = [
        FaultCode::Usage,
        FaultCode::LineVoid,
        FaultCode::NotFound,
        FaultCode::Ambiguous,
        FaultCode::OutOfRange,
        FaultCode::NonFinite,
        FaultCode::NoSuperposition,
        FaultCode::Poisoned,
        FaultCode::Constraint,
        FaultCode::GlyphRefused,
        FaultCode::Refused,
        FaultCode::BadSignature,
        FaultCode::NoKey,
        FaultCode::TooSoon,
        FaultCode::LedgerUnavailable,
        FaultCode::Device,
        FaultCode::Unavailable,
        FaultCode::DrillOff,
        FaultCode::Full,
        FaultCode::CheckFailed,
        FaultCode::Stopped,
    ];

    /// The word on the wire, as in `ERR not_found no such glyph`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FaultCode::Usage => "usage",
            FaultCode::LineVoid => "line_void",
            FaultCode::NotFound => "not_found",
            FaultCode::Ambiguous => "ambiguous",
            FaultCode::OutOfRange => "out_of_range",
            FaultCode::NonFinite => "non_finite",
            FaultCode::NoSuperposition => "no_superposition",
            FaultCode::Poisoned => "poisoned",
            FaultCode::Constraint => "constraint",
            FaultCode::GlyphRefused => "glyph_refused",
            FaultCode::Refused => "refused",
            FaultCode::BadSignature => "bad_signature",
            FaultCode::NoKey => "no_key",
            FaultCode::TooSoon => "too_soon",
            FaultCode::LedgerUnavailable => "ledger_unavailable",
            FaultCode::Device => "device",
            FaultCode::Unavailable => "unavailable",
            FaultCode::DrillOff => "drill_off",
            FaultCode::Full => "full",
            FaultCode::CheckFailed => "check_failed",
            FaultCode::Stopped => "stopped",
        }
    }
}

/// A refusal or failure: nothing was changed unless the text says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable kind.
    pub code: FaultCode,
    /// One sentence for a person: what is wrong and what to do.
    pub text: String,
}

impl Fault {
    /// Builds a fault from its kind and sentence.
    #[must_use]
    pub fn new(code: FaultCode, text: impl Into<String>) -> Self {
        Fault {
            code,
            text: text.into(),
        }
    }

    /// Whether a part of the text begins with a word that tells somebody to do something: the half
    /// of the promise that a machine can hold. Tests ask it of every refusal.
    #[must_use]
    pub fn says_what_to_do(&self) -> bool {
        let parts = self.text.split([':', ';', ',']);
        parts.skip(1).any(|part| {
            let part = part.trim_start().trim_start_matches("so ");
            let word = part.split([' ', '`']).find(|word| !word.is_empty());
            word.is_some_and(|word| TELLING.contains(&word))
        })
    }
}

/// Words that begin a part of a [`Fault`]'s text which says what to do: imperatives, and the
/// commands of the console.
const TELLING: [&str; 49] = [
    "activate",
    "add",
    "ask",
    "attach",
    "build",
    "check",
    "choose",
    "clear",
    "create",
    "decide",
    "enrol",
    "expect",
    "format",
    "give",
    "glyph",
    "glyphctl",
    "guardian",
    "help",
    "inject",
    "keep",
    "leave",
    "ledger",
    "let",
    "make",
    "name",
    "override",
    "paste",
    "power",
    "propose",
    "put",
    "read",
    "reject",
    "request",
    "see",
    "send",
    "shorten",
    "sign",
    "start",
    "status",
    "store",
    "substrate",
    "take",
    "try",
    "type",
    "use",
    "vault",
    "wait",
    "write",
    "writing",
];

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code.name(), self.text)
    }
}

impl core::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_text_says_what_to_do_if_a_part_begins_with_a_telling_word() {
        let says = |text: &str| Fault::new(FaultCode::Refused, text).says_what_to_do();
        assert!(
            says("it is gone: type `ledger status`") && says("it is gone: `ledger log` shows it")
        );
        assert!(says("lost; nothing was done, so send it again"));
        assert!(!says("it is gone") && !says("type is gone") && !says("gone: that is all: really"));
        assert!(TELLING.is_sorted());
    }

    #[test]
    fn every_fault_code_has_a_name_of_its_own() {
        let names: BTreeSet<_> = FaultCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), FaultCode::ALL.len());
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}

//! Words that records have for a choice: a number on disk, a word for people and scripts.
//!
//! Invariant: a number or word never changes its meaning.

use crate::wire::{DecodeError, Reader, Wire, Writer, json_text};
use abi::FaultCode;
use core::fmt;

macro_rules! recorded_words {
    ($(#[$meta:meta])* $name:ident, $what:literal {
        $($(#[$variant_meta:meta])* $variant:ident = $number:literal $text:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word that people and scripts use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl Wire for $name {
            fn put(&self, out: &mut Writer) {
                let number: u32 = match self { $($name::$variant => $number),+ };
                number.put(out);
            }
            fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match u32::take(input)? {
                    $($number => Ok($name::$variant),)+
                    _ => Err(DecodeError::Value($what)),
                }
            }
            fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
                json_text(self.name(), out)
            }
        }
    };
}

recorded_words! {
    /// Why a grant ended.
    GrantEnd, "an end of a grant" {
        /// Its time was over.
        Lapsed = 1 "lapsed",
        /// The machine started anew.
        Rebooted = 2 "rebooted",
        /// A guardian of security revoked it.
        Revoked = 3 "revoked",
        /// The post-mortem was written.
        Concluded = 4 "concluded",
    }
}

recorded_words! {
    /// Why an attempt was refused.
    RefusalReason, "a reason of refusal" {
        /// A rule of governance forbids the step.
        Rule = 1 "rule",
        /// The signature is not the guardian's over this challenge.
        Mismatch = 2 "mismatch",
        /// The signature has a length that the guardian's algorithm cannot give.
        Malformed = 3 "malformed",
        /// No challenge waits for this signature: none was issued, it was used, or the node restarted.
        NoChallenge = 4 "no_challenge",
        /// The guardian has no key.
        NoKey = 5 "no_key",
        /// The guardian's last failures demand a wait.
        TooSoon = 6 "too_soon",
        /// What the attempt named does not exist, or a short id fits several.
        NotFound = 7 "not_found",
        /// A text or number is outside its limits.
        Input = 8 "input",
        /// A capacity is used up.
        Full = 9 "full",
        /// The node itself is not in a state to decide.
        System = 10 "system",
    }
}

impl RefusalReason {
    /// Whether it counts as a failed signature of the named guardian.
    #[must_use]
    pub const fn is_failed_signature(self) -> bool {
        matches!(self, RefusalReason::Mismatch | RefusalReason::Malformed)
    }

    /// The reason behind a fault of this kind that is no signature's.
    pub(crate) const fn of(code: FaultCode) -> Self {
        match code {
            FaultCode::NotFound | FaultCode::Ambiguous => RefusalReason::NotFound,
            FaultCode::NoKey => RefusalReason::NoKey,
            FaultCode::TooSoon => RefusalReason::TooSoon,
            FaultCode::Usage | FaultCode::OutOfRange => RefusalReason::Input,
            FaultCode::Full => RefusalReason::Full,
            FaultCode::CheckFailed | FaultCode::Unavailable => RefusalReason::System,
            _ => RefusalReason::Rule,
        }
    }
}

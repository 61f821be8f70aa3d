//! A refused step: the sentence for the person and the reason for the record.

use crate::event::RefusalReason;
use abi::{Fault, FaultCode};
use alloc::format;
use alloc::string::String;

/// Why a step cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: RefusalReason,
    pub(crate) fault: Fault,
}

impl Refused {
    /// A rule of governance forbids it.
    pub(crate) fn rule(text: impl Into<String>) -> Self {
        Refused::of(FaultCode::Refused, text)
    }

    /// A refusal whose reason follows from its code.
    pub(crate) fn of(code: FaultCode, text: impl Into<String>) -> Self {
        Refused::new(RefusalReason::of(code), code, text)
    }

    /// A signature does not check, for this reason.
    pub(crate) fn signature(reason: RefusalReason, text: impl Into<String>) -> Self {
        Refused::new(reason, FaultCode::BadSignature, text)
    }

    fn new(reason: RefusalReason, code: FaultCode, text: impl Into<String>) -> Self {
        let fault = Fault::new(code, text);
        // Every refusal that any test of this crate brings about is held to it.
        #[cfg(test)]
        assert!(fault.says_what_to_do(), "nothing to do next: {fault}");
        Refused { reason, fault }
    }

    /// A record contradicts the state or itself: not written by this software.
    pub(crate) fn tampered(text: impl Into<String>) -> Self {
        let text = format!("{}: type ledger verify", text.into());
        Refused::of(FaultCode::CheckFailed, text)
    }
}

//! Defects that the tests plant on purpose, to show that the explorer finds them.
//!
//! Outside of tests every answer is `false` at compile time: no defect can be planted.

/// A way in which a rule could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The initiator's signature counts.
    CountInitiator,
    /// One signature less than needed is enough.
    OneLess,
    /// Three guardians of whatever roles are enough.
    SkipCoverage,
    /// The vote of a suspended guardian counts.
    CountSuspended,
    /// A vote counts after its guardian's key was replaced.
    CountOldKey,
    /// A grant never lapses.
    KeepLapsed,
    /// A grant goes on after a restart.
    KeepRebooted,
    /// A revocation is recorded and ends nothing.
    KeepRevoked,
    /// A drill grants.
    GrantDrill,
    /// The review of a rejected override becomes overdue.
    ReviewRejected,
    /// A review is taken before the post-mortem.
    SkipPostMortem,
    /// The initiator's role writes the post-mortem.
    OwnPostMortem,
    /// An overdue post-mortem stops nothing.
    IgnoreOverdue,
    /// Any signature is good.
    TrustSignature,
    /// A challenge is good for ever.
    KeepChallenge,
    /// A challenge is not used up.
    ReuseChallenge,
    /// A refused attempt leaves no record.
    ForgetRefusal,
    /// A failed signature is not counted.
    ForgetFailure,
    /// A step is applied while it is decided.
    ApplyEarly,
    /// A replay takes every vote for one of the first key.
    ReplayFirstKey,
    /// A rejection leaves the request as it was.
    IgnoreRejection,
    /// One approval is enough for a request.
    ApproveByOne,
    /// A guardian can sign twice.
    SignTwice,
}

/// Whether the running test planted this defect.
#[cfg(test)]
pub(crate) fn planted(defect: Defect) -> bool {
    PLANTED.with(|planted| planted.get() == Some(defect))
}

/// Whether the running test planted this defect: never, outside of tests.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn planted(_defect: Defect) -> bool {
    false
}

#[cfg(test)]
std::thread_local! {
    static PLANTED: core::cell::Cell<Option<Defect>> = const { core::cell::Cell::new(None) };
}

/// What `check` panics with while the defect is planted in this thread; `None` if it passes.
#[cfg(test)]
pub(crate) fn found(defect: Defect, check: impl FnOnce()) -> Option<std::string::String> {
    PLANTED.with(|planted| planted.set(Some(defect)));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
    PLANTED.with(|planted| planted.set(None));
    let panic = outcome.err()?;
    let text = panic
        .downcast_ref::<std::string::String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into()));
    Some(text.unwrap_or_default())
}

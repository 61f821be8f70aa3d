//! Defects that the test campaign plants on purpose, to show that it finds them.
//!
//! Outside of tests every answer is `false` at compile time: no defect can be planted.

/// A way in which the protocol could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The append does not flush.
    SkipFlush,
    /// The append is acknowledged before the flush and the read-back.
    AcknowledgeEarly,
    /// The append does not read back.
    SkipReadBack,
    /// A failed flush is tried again and then trusted.
    RetryFlush,
    /// Zone B is not written.
    SkipMirror,
    /// The ring is not written.
    SkipRing,
    /// The first gap is taken for the end.
    TruncateAtGap,
    /// Leftovers of an earlier incarnation count.
    IgnoreFence,
    /// A frame of an earlier format of the device counts.
    IgnoreEpoch,
    /// A whole header stands for a whole record.
    TrustHeader,
    /// A record counts whatever it claims to follow.
    IgnoreLink,
    /// A part of a group counts.
    AcceptPartialGroup,
    /// Recovery returns before its writes are durable.
    SkipRecoveryFlush,
    /// All superblocks are in flight at once.
    SuperblocksAtOnce,
    /// Recovery does not write damaged copies anew.
    SkipRepair,
    /// A record that does not fit its frame is cut to what is there.
    ClipRecords,
    /// A frame's word for the number of its first record is taken.
    TrustRecordNumber,
    /// A replay shows the first record of each frame only.
    DropSharedRecords,
    /// The records of a torn append go on being counted.
    CountTornRecords,
}

/// Whether the running test planted this defect.
#[cfg(test)]
pub(crate) fn planted(defect: Defect) -> bool {
    PLANTED.with(|planted| planted.get() == Some(defect))
}

/// Whether the running test planted this defect: never, outside of tests.
#[cfg(not(test))]
pub(crate) const fn planted(_defect: Defect) -> bool {
    false
}

#[cfg(test)]
std::thread_local! {
    static PLANTED: core::cell::Cell<Option<Defect>> = const { core::cell::Cell::new(None) };
}

/// Runs `body` with a defect planted in this thread.
#[cfg(test)]
pub(crate) fn with<T>(defect: Defect, body: impl FnOnce() -> T) -> T {
    PLANTED.with(|planted| planted.set(Some(defect)));
    let result = body();
    PLANTED.with(|planted| planted.set(None));
    result
}

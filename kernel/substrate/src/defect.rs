//! Defects that the tests plant on purpose, to show that they find them.
//!
//! Outside of tests every answer is `false` at compile time: no defect can be planted.

/// A way in which the guard could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// A line is handed out without being verified.
    TrustLine,
    /// Poison reads as data.
    ServePoison,
    /// A line's checksum does not depend on its address.
    IgnoreAddress,
    /// A line's checksum does not depend on its generation.
    IgnoreGeneration,
    /// A change leaves the generation of the parity lines as it was.
    ParityKeepsGeneration,
    /// A stale line is taken for a line whose generation was damaged.
    TakeStaleForNew,
    /// A damaged line that no single bit explains gets a new checksum.
    BlessDamage,
    /// A change computes the parity's checksum anew from what the memory holds.
    BlessParity,
    /// A change leaves the first parity as it was.
    SkipFirstParity,
    /// A change leaves the second parity as it was.
    SkipSecondParity,
    /// Every line has the same weight in the second parity's changes.
    SameWeight,
    /// Two lost lines are solved without weighing the first parity.
    SolveUnweighted,
    /// Of three damaged blocks one is trusted without proof.
    TrustThird,
    /// The parities stay as they were when lines are poisoned.
    PoisonKeepsParity,
    /// The scrubber looks at checksums alone.
    SkipStripeSums,
    /// The scrubber leaves the last stripe of a run out.
    ScrubShort,
    /// Parities that miss one line are computed anew from it.
    BlessStale,
    /// A page that is moved leaves a line behind.
    RetireLosesLine,
    /// A spare page is used without being verified.
    TrustSpare,
    /// A repaired line is handed out without being read back.
    TrustRepair,
    /// A repair is not counted.
    ForgetRepair,
    /// The census is not told of a superposition that was lost.
    ForgetLostSuperposition,
    /// A number is taken as it is.
    TrustNumber,
    /// A damaged number is not set right.
    KeepDamagedNumber,
    /// A number that was set right is not counted.
    ForgetNumber,
    /// Marks of the census are taken as they are.
    TrustMarks,
    /// The totals stay as they are when marks were damaged.
    KeepTotals,
    /// Figures of an old walk are called current.
    CallOldFiguresCurrent,
    /// A stripe with one line of cells more gets the parities of the others.
    SameFirstParities,
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

/// Tells whether `check` fails with a defect planted in this thread.
#[cfg(test)]
pub(crate) fn is_found(defect: Defect, check: fn()) -> bool {
    PLANTED.with(|planted| planted.set(Some(defect)));
    let outcome = std::panic::catch_unwind(check);
    PLANTED.with(|planted| planted.set(None));
    outcome.is_err()
}

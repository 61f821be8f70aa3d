//! Defects that the interleaving tests plant on purpose, to show that they find them.
//!
//! Outside of tests every answer is `false` at compile time: no defect can be planted.

/// A way in which the code between interrupts and the loop could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// A lock is held with interrupts on.
    LockWithInterruptsOn,
    /// The flag is looked at with interrupts on, and the halt comes after.
    LookWithInterruptsOn,
    /// Interrupts are let in between the look and the halt.
    EnableBeforeHalt,
    /// A handler does not tell the loop.
    NoteNothing,
    /// The loss is taken in one step and the bytes in another.
    LossToldBeforeRead,
    /// A ring that overflows does not say so.
    SilentOverflow,
    /// The port's word of a loss is read and not kept.
    ForgetOverrun,
    /// A port is not looked at again while it still wants something.
    ServeOnce,
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

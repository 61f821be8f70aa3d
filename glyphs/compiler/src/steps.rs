//! Counts what a load does again and again, so that tests can hold it to glyphs and links.
//!
//! Invariant: outside of this crate's own tests, counting is nothing at all.

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// An id was compared with another, or a slot looked at.
    Search,
    /// A walk over the links came to a glyph.
    Visit,
    /// A parent's inheritance was composed with others.
    Compose,
}

#[cfg(test)]
std::thread_local! {
    static COUNTS: core::cell::Cell<[u64; 3]> = const { core::cell::Cell::new([0; 3]) };
}

/// Counts one step of this thread.
pub(crate) fn count(step: Step) {
    #[cfg(test)]
    COUNTS.with(|counts| {
        let mut all = counts.get();
        all[step as usize] += 1;
        counts.set(all);
    });
    #[cfg(not(test))]
    let _ = step;
}

/// Steps of this thread since the last call: searches, visits, compositions.
#[cfg(test)]
pub(crate) fn take() -> [u64; 3] {
    COUNTS.with(|counts| counts.replace([0; 3]))
}

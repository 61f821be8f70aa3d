//! The id that a missing one was probably meant to be.
//!
//! Comparing every missing id with every glyph would let a file of nothing but wrong parents cost
//! their product. A vault has [`COMPARISONS_MAX`] comparisons in all; when they are spent, only the
//! ids beside the place where the missing one would be are looked at.
//!
//! Invariant: at most [`COMPARISONS_MAX`] and, for each missing id, twice [`EACH_SIDE`] comparisons.

use super::files::Candidate;
use abi::suggest::nearest;

/// Comparisons of a whole vault: sixty-four missing ids among 4096 glyphs, some 20 ms.
const COMPARISONS_MAX: usize = 1 << 18;
/// Ids looked at on each side once the comparisons are spent.
const EACH_SIDE: usize = 4;

/// What is left to spend on suggestions for one vault.
pub(super) struct Suggestions {
    comparisons_left: usize,
}

impl Suggestions {
    pub(super) fn new() -> Self {
        Suggestions {
            comparisons_left: COMPARISONS_MAX,
        }
    }

    /// A near miss among the ids of `candidates`, which are sorted by id.
    pub(super) fn near<'a>(
        &mut self,
        candidates: &'a [Candidate<'_>],
        id: &str,
    ) -> Option<&'a str> {
        let among = match self.comparisons_left.checked_sub(candidates.len()) {
            Some(left) => {
                self.comparisons_left = left;
                candidates
            }
            None => beside(candidates, id),
        };
        let ids = among.iter().map(|candidate| candidate.id.as_str());
        nearest(id, ids)
    }
}

/// The candidates on both sides of where `id` would be.
fn beside<'a, 'f>(candidates: &'a [Candidate<'f>], id: &str) -> &'a [Candidate<'f>] {
    let place = candidates.partition_point(|candidate| candidate.id.as_str() < id);
    let from = place.saturating_sub(EACH_SIDE);
    let to = place.saturating_add(EACH_SIDE).min(candidates.len());
    &candidates[from..to]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Log;
    use crate::load::files::read;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn every_id_is_compared_until_the_comparisons_are_spent_and_then_the_neighbours() {
        let files: Vec<(String, String)> = (0..1000)
            .map(|n| (format!("glyph{n:03}.gdf"), format!("glyph_id: glyph{n:03}")))
            .collect();
        let named = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes()))
            .collect();
        let (candidates, _) = read(named, &mut Log::new(1));
        let (far, beside) = ("wlyph500", "glyph500x");
        let mut suggestions = Suggestions::new();
        for _ in 0..COMPARISONS_MAX / 1000 {
            assert_eq!(suggestions.near(&candidates, far), Some("glyph500"));
        }
        assert_eq!(suggestions.near(&candidates, far), None);
        assert_eq!(suggestions.near(&candidates, beside), Some("glyph500"));
        assert_eq!(suggestions.near(&[], beside), None);
    }
}

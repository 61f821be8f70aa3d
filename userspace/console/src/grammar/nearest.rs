//! Finds the name that a misspelt word most likely meant.

/// Longest word that is compared, in bytes; longer ones are no misspelling of a name.
const WORD_BYTES_MAX: usize = 16;
/// Most single changes between a word and the name that is proposed for it.
const DISTANCE_MAX: usize = 2;

/// The name with the fewest changes from `word`, if those are few.
pub(super) fn nearest(
    word: &str,
    names: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    names
        .map(|name| (distance(word.as_bytes(), name.as_bytes()), name))
        .filter(|(distance, name)| *distance <= DISTANCE_MAX && *distance < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words (optimal
/// string alignment; https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance).
fn distance(a: &[u8], b: &[u8]) -> usize {
    const SIDE: usize = WORD_BYTES_MAX + 1;
    let mut rows = [[0_usize; SIDE]; SIDE];
    let at = |rows: &[[usize; SIDE]; SIDE], i: usize, j: usize| {
        rows.get(i)
            .and_then(|row| row.get(j))
            .copied()
            .unwrap_or(usize::MAX)
    };
    for i in 0..=a.len().min(WORD_BYTES_MAX) {
        for j in 0..=b.len().min(WORD_BYTES_MAX) {
            let value = if i == 0 || j == 0 {
                i.max(j)
            } else {
                let is_same = a.get(i - 1) == b.get(j - 1);
                let mut best = at(&rows, i - 1, j - 1).saturating_add(usize::from(!is_same));
                best = best.min(at(&rows, i - 1, j).saturating_add(1));
                best = best.min(at(&rows, i, j - 1).saturating_add(1));
                let is_swap =
                    i > 1 && j > 1 && a.get(i - 1) == b.get(j - 2) && a.get(i - 2) == b.get(j - 1);
                if is_swap {
                    best = best.min(at(&rows, i - 2, j - 2).saturating_add(1));
                }
                best
            };
            if let Some(cell) = rows.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = value;
            }
        }
    }
    at(
        &rows,
        a.len().min(WORD_BYTES_MAX),
        b.len().min(WORD_BYTES_MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found_and_far_words_are_not() {
        let names = || ["activate", "status", "substrate"].into_iter();
        assert_eq!(nearest("actviate", names()), Some("activate"));
        assert_eq!(nearest("stauts", names()), Some("status"));
        assert_eq!(nearest("substate", names()), Some("substrate"));
        assert_eq!(nearest("xyz", names()), None);
        assert_eq!(nearest("", ["on"].into_iter()), None);
        assert_eq!(nearest(&"a".repeat(5000), names()), None);
    }

    #[test]
    fn distance_counts_single_changes() {
        assert_eq!(distance(b"abc", b"abc"), 0);
        assert_eq!(distance(b"abc", b"acb"), 1);
        assert_eq!(distance(b"abc", b"abd"), 1);
        assert_eq!(distance(b"abc", b"ab"), 1);
        assert_eq!(distance(b"", b"ab"), 2);
    }
}

//! Near misses: the known word that a person probably meant, for refusals that propose it.
//!
//! Invariant: work per call is bounded by the number of candidates times the square of
//! `WORD_BYTES_MAX`; longer words get no suggestion.

/// Longest word that is compared, in bytes; the longest key has 28.
const WORD_BYTES_MAX: usize = 64;

/// The candidate nearest to `word`, if it is near enough to be what was meant.
///
/// Near enough is a third of the word's letters, at least one and at most three, inserted,
/// removed, replaced or swapped with a neighbour, and never more than half of the longer word. The
/// first of equally near ones is taken.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = word.len().checked_div(3)?.clamp(1, 3);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        if candidate.len().abs_diff(word.len()) > allowed {
            continue;
        }
        let Some(edits) = distance(word, candidate) else {
            continue;
        };
        let half = word.len().max(candidate.len()) / 2;
        if edits <= allowed.min(half) && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Edits between two words, letter case ignored; `None` if one is too long to compare.
///
/// Optimal string alignment over bytes, three rows at a time.
fn distance(left: &str, right: &str) -> Option<usize> {
    if left.len() > WORD_BYTES_MAX || right.len() > WORD_BYTES_MAX {
        return None;
    }
    let mut before: [usize; WORD_BYTES_MAX + 1] = [0; WORD_BYTES_MAX + 1];
    let mut above = before;
    for (column, cell) in above.iter_mut().enumerate() {
        *cell = column;
    }
    let mut left_before = None;
    for (row, from) in left.bytes().map(|b| b.to_ascii_lowercase()).enumerate() {
        let mut current = above;
        let mut last = row.saturating_add(1);
        if let Some(first) = current.first_mut() {
            *first = last;
        }
        let mut right_before = None;
        for (column, to) in right.bytes().map(|b| b.to_ascii_lowercase()).enumerate() {
            let replaced = above.get(column)?.saturating_add(usize::from(from != to));
            let removed = above.get(column.saturating_add(1))?.saturating_add(1);
            let mut edits = replaced.min(removed).min(last.saturating_add(1));
            if let (Some(left_before), Some(right_before)) = (left_before, right_before)
                && left_before == to
                && right_before == from
                && let Some(corner) = column.checked_sub(1)
            {
                edits = edits.min(before.get(corner)?.saturating_add(1));
            }
            *current.get_mut(column.saturating_add(1))? = edits;
            last = edits;
            right_before = Some(to);
        }
        before = above;
        above = current;
        left_before = Some(from);
    }
    above.get(right.len()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_with_swaps_as_one() {
        assert_eq!(distance("abc", "abc"), Some(0));
        assert_eq!(distance("abc", "acb"), Some(1));
        assert_eq!(distance("", "abc"), Some(3));
        assert_eq!(distance("abc", ""), Some(3));
        assert_eq!(distance("kitten", "sitting"), Some(3));
        assert_eq!(distance("Parent", "parent"), Some(0));
        let long = "x".repeat(WORD_BYTES_MAX);
        assert_eq!(distance(&long, &long), Some(0));
        assert_eq!(distance(&(long.clone() + "x"), &long), None);
        assert_eq!(distance(&long, &(long.clone() + "x")), None);
    }

    #[test]
    fn a_near_miss_is_found_and_a_far_one_is_not() {
        let words = ["resonate", "entangle", "amplify", "decay"];
        assert_eq!(nearest("resonte", words), Some("resonate"));
        assert_eq!(nearest("dceay", words), Some("decay"));
        assert_eq!(nearest("explode", words), None);
        assert_eq!(nearest("", words), None);
        let long = "x".repeat(WORD_BYTES_MAX + 1);
        assert_eq!(nearest(&long, [long.as_str()]), None);
        assert_eq!(nearest("x", ["a", "b"]), None);
        assert_eq!(nearest("x", ["a", "x1"]), Some("x1"));
        assert_eq!(nearest("ab", ["xy", "ac"]), Some("ac"));
        assert_eq!(nearest("ab", ["ac", "ad"]), Some("ac"));
        assert_eq!(nearest("decayed", ["decays", "decayes"]), Some("decayes"));
    }
}

//! The labelled series: words of a few families, and the glyphs of the vault.
//!
//! Invariant: with the families that have no label, at most [`LABEL_SETS_MAX`] label sets
//! exist. A label set beyond a bound is merged into one named `other` (or `~other` for
//! glyphs, which no glyph can be called), so that sums stay true.

use crate::family::{Counter, Gauge, Histogram, WordCounter, WordGauge};
use abi::governance::{OverrideStatus, RequestStatus};
use abi::limits::GLYPH_ID_BYTES_MAX;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Most label sets in one exposition. A histogram counts as one.
pub const LABEL_SETS_MAX: usize = 128;
/// Label sets without a label, and the build information.
const PLAIN_MAX: usize = Counter::COUNT + Gauge::COUNT + Histogram::COUNT + 1;
/// Most label sets of families of words.
const WORDS_MAX: usize = counter_rows_max() + gauge_rows_max();
/// Families per glyph: activations and their duration.
const FAMILIES_PER_GLYPH: usize = 2;
/// Glyphs with series of their own; in a larger vault the last of them is for all the others.
pub(crate) const GLYPHS_MAX: usize = (LABEL_SETS_MAX - PLAIN_MAX - WORDS_MAX) / FAMILIES_PER_GLYPH;

const _: () = assert!(
    PLAIN_MAX + WORDS_MAX + GLYPHS_MAX * FAMILIES_PER_GLYPH <= LABEL_SETS_MAX,
    "the parts of the bound on label sets exceed it"
);
// The glyphs that ship have to fit, each with series of its own.
const _: () = assert!(GLYPHS_MAX >= 25);

/// Longest word of a label, in bytes.
const WORD_BYTES_MAX: usize = 32;
/// The word for all that has no series of its own.
const OTHER_WORD: &str = "other";
/// The same for glyphs; `~` cannot be part of a glyph's id.
const OTHER_GLYPH: &str = "~other";

/// Whether a label's word may appear in the exposition as it is.
fn is_label_word(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= WORD_BYTES_MAX
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// One value of a family of words.
pub(crate) struct WordSeries<F, V> {
    pub(crate) family: F,
    pub(crate) word: heapless::String<WORD_BYTES_MAX>,
    pub(crate) value: V,
    pub(crate) moved: bool,
}

/// How many words a family takes.
#[derive(Clone, Copy)]
pub(crate) struct Quota {
    /// Words with series of their own.
    own: usize,
    /// Whether further words share a series called `other`; the words of a closed set need none.
    has_other: bool,
}

impl Quota {
    const fn open(own: usize) -> Self {
        Quota {
            own,
            has_other: true,
        }
    }

    const fn closed(own: usize) -> Self {
        Quota {
            own,
            has_other: false,
        }
    }

    const fn rows(self) -> usize {
        self.own.saturating_add(self.has_other as usize)
    }
}

/// A family of words: each keeps its quota, so that one cannot crowd out another.
pub(crate) trait WordFamily: Copy + PartialEq {
    /// How many words it takes.
    fn quota(self) -> Quota;
    /// Label sets of all families of its type.
    const ROWS_MAX: usize;
}

const fn counter_quota(family: WordCounter) -> Quota {
    match family {
        WordCounter::SubstrateRepairs => Quota::closed(8),
        WordCounter::ActivationFailures | WordCounter::SignatureFailures => Quota::open(5),
        WordCounter::LedgerFaultsRepaired => Quota::closed(1),
        WordCounter::ParseErrors => Quota::open(7),
    }
}

const fn gauge_quota(family: WordGauge) -> Quota {
    match family {
        WordGauge::Requests => Quota::closed(RequestStatus::ALL.len()),
        WordGauge::Overrides => Quota::closed(OverrideStatus::ALL.len()),
        WordGauge::BootDuration => Quota::open(6),
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "a sum of a few small constants"
)]
const fn counter_rows_max() -> usize {
    counter_quota(WordCounter::SubstrateRepairs).rows()
        + counter_quota(WordCounter::ActivationFailures).rows()
        + counter_quota(WordCounter::ParseErrors).rows()
        + counter_quota(WordCounter::SignatureFailures).rows()
        + counter_quota(WordCounter::LedgerFaultsRepaired).rows()
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "a sum of a few small constants"
)]
const fn gauge_rows_max() -> usize {
    gauge_quota(WordGauge::Requests).rows()
        + gauge_quota(WordGauge::Overrides).rows()
        + gauge_quota(WordGauge::BootDuration).rows()
}

// A new family has to enter the sums above.
const _: () = assert!(WordCounter::COUNT == 5 && WordGauge::COUNT == 3);

impl WordFamily for WordCounter {
    fn quota(self) -> Quota {
        counter_quota(self)
    }
    const ROWS_MAX: usize = counter_rows_max();
}

impl WordFamily for WordGauge {
    fn quota(self) -> Quota {
        gauge_quota(self)
    }
    const ROWS_MAX: usize = gauge_rows_max();
}

/// Values of families of words, each family within its quota.
pub(crate) struct WordTable<F, V> {
    rows: Vec<WordSeries<F, V>>,
}

/// What looking up a word came to.
pub(crate) enum Found<'a, F, V> {
    /// Its own series.
    Own(&'a mut WordSeries<F, V>),
    /// The family's series for all other words.
    Other(&'a mut WordSeries<F, V>),
    /// The family has no series for it.
    Nowhere,
}

impl<F: WordFamily, V: Default> WordTable<F, V> {
    pub(crate) fn new() -> Self {
        WordTable {
            rows: Vec::with_capacity(F::ROWS_MAX),
        }
    }

    /// Finds or makes the series of that word.
    pub(crate) fn row(&mut self, family: F, word: &str) -> Found<'_, F, V> {
        let quota = family.quota();
        if is_label_word(word) && word != OTHER_WORD {
            let own = self.of(family).filter(|row| row.word != OTHER_WORD).count();
            if let Some(position) = self.position_or_insert(family, word, own < quota.own) {
                return self
                    .rows
                    .get_mut(position)
                    .map_or(Found::Nowhere, Found::Own);
            }
        }
        match self.position_or_insert(family, OTHER_WORD, quota.has_other) {
            Some(position) => self
                .rows
                .get_mut(position)
                .map_or(Found::Nowhere, Found::Other),
            None => Found::Nowhere,
        }
    }

    fn position_or_insert(&mut self, family: F, word: &str, has_room: bool) -> Option<usize> {
        let found = self
            .rows
            .iter()
            .position(|row| row.family == family && row.word == word);
        if found.is_some() || !has_room {
            return found;
        }
        self.rows.push(WordSeries {
            family,
            word: heapless::String::try_from(word).ok()?,
            value: V::default(),
            moved: false,
        });
        self.rows.len().checked_sub(1)
    }

    /// The series of one family, in the order of their making.
    pub(crate) fn of(&self, family: F) -> impl Iterator<Item = &WordSeries<F, V>> {
        self.rows.iter().filter(move |row| row.family == family)
    }
}

/// Most bounds of a histogram, without the last one, infinity.
const BOUNDS_MAX: usize = 14;

/// Durations by size. Bounds and the sum are in nanoseconds.
#[derive(Clone)]
pub(crate) struct Durations {
    bounds: &'static [u64],
    counts: [u64; BOUNDS_MAX],
    pub(crate) count: u64,
    pub(crate) sum_nanoseconds: u64,
}

/// Bounds of the histograms without labels: those of the spec, and finer ones below them.
pub(crate) const FINE_BOUNDS: &[u64] = &[
    100,
    1_000,
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
];
/// Bounds of the histograms per glyph: fewer, since each glyph has them on the line.
pub(crate) const GLYPH_BOUNDS: &[u64] = &[
    1_000,
    10_000,
    100_000,
    1_000_000,
    5_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
];
const _: () = assert!(FINE_BOUNDS.len() <= BOUNDS_MAX && GLYPH_BOUNDS.len() <= BOUNDS_MAX);

impl Durations {
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        Durations {
            bounds,
            counts: [0; BOUNDS_MAX],
            count: 0,
            sum_nanoseconds: 0,
        }
    }

    pub(crate) fn observe(&mut self, nanoseconds: u64) {
        let bucket = self
            .bounds
            .iter()
            .zip(self.counts.iter_mut())
            .find(|(bound, _)| nanoseconds <= **bound);
        if let Some((_, count)) = bucket {
            *count = count.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum_nanoseconds = self.sum_nanoseconds.saturating_add(nanoseconds);
    }

    /// Each bound in nanoseconds with the count of observations up to it.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut total: u64 = 0;
        self.bounds
            .iter()
            .zip(self.counts.iter())
            .map(move |(bound, count)| {
                total = total.saturating_add(*count);
                (*bound, total)
            })
    }
}

/// Series of one glyph, or of all glyphs that have none of their own.
pub(crate) struct GlyphSeries {
    pub(crate) id: heapless::String<GLYPH_ID_BYTES_MAX>,
    pub(crate) activations: u64,
    pub(crate) durations: Durations,
}

impl GlyphSeries {
    fn new(id: &str) -> Self {
        GlyphSeries {
            id: heapless::String::try_from(id).unwrap_or_default(),
            activations: 0,
            durations: Durations::new(GLYPH_BOUNDS),
        }
    }
}

/// The glyphs of the vault by their index, and one entry for the rest.
pub(crate) struct GlyphTable {
    own: Vec<GlyphSeries>,
    /// There only if the vault holds more glyphs than series.
    other: Option<Box<GlyphSeries>>,
}

impl GlyphTable {
    /// One series for each glyph, or for each of the first ones and one for the rest; returns
    /// how many glyphs have none of their own.
    pub(crate) fn load<'a>(ids: impl Iterator<Item = &'a str>) -> (Self, u64) {
        let mut own = Vec::with_capacity(GLYPHS_MAX);
        let mut without: u64 = 0;
        for id in ids {
            if own.len() < GLYPHS_MAX {
                own.push(GlyphSeries::new(id));
            } else {
                without = without.saturating_add(1);
            }
        }
        let mut other = None;
        if without > 0 {
            // The last place is needed for the rest.
            own.pop();
            without = without.saturating_add(1);
            other = Some(Box::new(GlyphSeries::new(OTHER_GLYPH)));
        }
        (GlyphTable { own, other }, without)
    }

    /// The series that counts the glyph with that index.
    pub(crate) fn series(&mut self, index: usize) -> Option<&mut GlyphSeries> {
        self.own.get_mut(index).or(self.other.as_deref_mut())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &GlyphSeries> {
        self.own.iter().chain(self.other.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn words_beyond_a_quota_are_merged_and_crowd_out_no_other_family() {
        let mut table: WordTable<WordCounter, u64> = WordTable::new();
        let mut merged = 0;
        for number in 0..100 {
            match table.row(WordCounter::ParseErrors, &format!("word_{number}")) {
                Found::Own(row) => row.value += 1,
                Found::Other(row) => {
                    row.value += 1;
                    merged += 1;
                }
                Found::Nowhere => panic!("the family has no `other`"),
            }
        }
        assert_eq!(merged, 93);
        let total: u64 = table
            .of(WordCounter::ParseErrors)
            .map(|row| row.value)
            .sum();
        assert_eq!(total, 100);
        let reason = table.row(WordCounter::ActivationFailures, "constraint");
        assert!(matches!(reason, Found::Own(_)));
    }

    #[test]
    fn a_closed_family_takes_its_own_words_only() {
        let mut table: WordTable<WordGauge, f64> = WordTable::new();
        for status in RequestStatus::ALL {
            let found = table.row(WordGauge::Requests, status.name());
            assert!(matches!(found, Found::Own(_)));
        }
        let found = table.row(WordGauge::Requests, "unheard_of");
        assert!(matches!(found, Found::Nowhere));
    }

    #[test]
    fn a_word_that_could_break_a_line_becomes_other() {
        let mut table: WordTable<WordCounter, u64> = WordTable::new();
        let family = WordCounter::ActivationFailures;
        for word in ["", "a\"b", "a\nb", "A", "#GLYPHOS-", &"x".repeat(33)] {
            assert!(
                matches!(table.row(family, word), Found::Other(_)),
                "{word:?}"
            );
        }
        assert_eq!(table.of(family).count(), 1);
    }

    #[test]
    fn durations_fall_into_the_bucket_whose_bound_they_do_not_exceed() {
        let mut durations = Durations::new(GLYPH_BOUNDS);
        for nanoseconds in [1_000, 1_001, 2_000_000_000] {
            durations.observe(nanoseconds);
        }
        let cumulative: std::vec::Vec<_> = durations.cumulative().map(|(_, n)| n).collect();
        assert_eq!(cumulative, [1, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(
            (durations.count, durations.sum_nanoseconds),
            (3, 2_000_002_001)
        );
    }

    #[test]
    fn glyphs_beyond_the_bound_share_one_series() {
        let ids: std::vec::Vec<_> = (0..1000).map(|n| format!("g{n}")).collect();
        let (mut table, without) = GlyphTable::load(ids.iter().map(|id| id.as_str()));
        assert_eq!(without, u64::try_from(1001 - GLYPHS_MAX).unwrap());
        table.series(999).unwrap().activations += 1;
        table.series(500).unwrap().activations += 1;
        let last = table.iter().last().unwrap();
        assert_eq!((last.id.as_str(), last.activations), ("~other", 2));
        assert_eq!(table.iter().count(), GLYPHS_MAX);
        let (table, without) = GlyphTable::load(ids.iter().take(GLYPHS_MAX).map(|id| id.as_str()));
        assert_eq!((table.iter().count(), without), (GLYPHS_MAX, 0));
        assert!(table.iter().all(|glyph| glyph.id != OTHER_GLYPH));
    }
}

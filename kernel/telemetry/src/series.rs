//! The labelled series: words of a few families, and the glyphs of the vault.
//!
//! Invariant: with the families that have no label, at most [`LABEL_SETS_MAX`] label sets
//! exist. A label set beyond a bound is merged into one named `other` (or `~other` for
//! glyphs, which no glyph can be called), so that sums stay true.

use crate::family::{Counter, Gauge, Histogram};
use abi::limits::GLYPH_ID_BYTES_MAX;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Most label sets in one exposition. A histogram counts as one.
pub const LABEL_SETS_MAX: usize = 128;
/// Label sets without a label, and the build information.
const PLAIN_MAX: usize = Counter::COUNT + Gauge::COUNT + Histogram::COUNT + 1;
/// Most words, over all families of words.
const WORDS_MAX: usize = 52;
/// Families per glyph: activations and their duration.
const FAMILIES_PER_GLYPH: usize = 2;
/// Glyphs with series of their own; one more is for all the others.
pub(crate) const GLYPHS_MAX: usize =
    (LABEL_SETS_MAX - PLAIN_MAX - WORDS_MAX) / FAMILIES_PER_GLYPH - 1;

const _: () = assert!(
    PLAIN_MAX + WORDS_MAX + (GLYPHS_MAX + 1) * FAMILIES_PER_GLYPH <= LABEL_SETS_MAX,
    "the parts of the bound on label sets exceed it"
);
// The shipped vault has to fit with room to spare.
const _: () = assert!(GLYPHS_MAX >= 20);

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

/// Values of families of words, at most a given number of them.
pub(crate) struct WordTable<F, V> {
    rows: Vec<WordSeries<F, V>>,
    rows_max: usize,
}

/// Words for counters.
const COUNTER_WORDS_MAX: usize = 32;
/// Words for gauges.
const GAUGE_WORDS_MAX: usize = 20;

const _: () = assert!(COUNTER_WORDS_MAX + GAUGE_WORDS_MAX <= WORDS_MAX);

/// What looking up a word came to.
pub(crate) enum Found<'a, F, V> {
    /// Its own series.
    Own(&'a mut WordSeries<F, V>),
    /// The family's series for all other words: the bound was reached.
    Other(&'a mut WordSeries<F, V>),
    /// Not even that one fits.
    Nowhere,
}

impl<F: Copy + PartialEq, V: Default> WordTable<F, V> {
    pub(crate) fn for_counters() -> Self {
        Self::new(COUNTER_WORDS_MAX)
    }

    pub(crate) fn for_gauges() -> Self {
        Self::new(GAUGE_WORDS_MAX)
    }

    fn new(rows_max: usize) -> Self {
        WordTable {
            rows: Vec::with_capacity(rows_max),
            rows_max,
        }
    }

    /// Finds or makes the series of that word. `families` of them keep one row each in reserve
    /// for their `other`.
    pub(crate) fn row(&mut self, family: F, word: &str, families: usize) -> Found<'_, F, V> {
        if is_label_word(word) {
            let reserved = if word == OTHER_WORD { 0 } else { families };
            if let Some(position) = self.position_or_insert(family, word, reserved) {
                return match self.rows.get_mut(position) {
                    Some(row) => Found::Own(row),
                    None => Found::Nowhere,
                };
            }
        }
        match self.position_or_insert(family, OTHER_WORD, 0) {
            Some(position) => match self.rows.get_mut(position) {
                Some(row) => Found::Other(row),
                None => Found::Nowhere,
            },
            None => Found::Nowhere,
        }
    }

    fn position_or_insert(&mut self, family: F, word: &str, reserved: usize) -> Option<usize> {
        let found = self
            .rows
            .iter()
            .position(|row| row.family == family && row.word == word);
        if found.is_some() {
            return found;
        }
        if self.rows.len() >= self.rows_max.saturating_sub(reserved) {
            return None;
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
    /// One series for each of the first glyphs; returns how many glyphs have none.
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
        let other = (without > 0).then(|| Box::new(GlyphSeries::new(OTHER_GLYPH)));
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
    fn words_beyond_the_bound_are_merged_and_each_family_keeps_its_other() {
        let mut table: WordTable<u8, u64> = WordTable::for_counters();
        let mut merged = 0;
        for number in 0..100 {
            match table.row(number % 2, &format!("word_{number}"), 5) {
                Found::Own(row) => row.value += 1,
                Found::Other(row) => {
                    row.value += 1;
                    merged += 1;
                }
                Found::Nowhere => panic!("a reserved row was missing"),
            }
        }
        assert_eq!(merged, 100 - (COUNTER_WORDS_MAX - 5));
        let total: u64 = (0..2).flat_map(|f| table.of(f)).map(|row| row.value).sum();
        assert_eq!(total, 100);
    }

    #[test]
    fn a_word_that_could_break_a_line_becomes_other() {
        let mut table: WordTable<u8, u64> = WordTable::for_counters();
        for word in ["", "a\"b", "a\nb", "A", "#GLYPHOS-", &"x".repeat(33)] {
            assert!(matches!(table.row(0, word, 1), Found::Other(_)), "{word:?}");
        }
        assert_eq!(table.of(0).count(), 1);
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
        assert_eq!(without, u64::try_from(1000 - GLYPHS_MAX).unwrap());
        table.series(999).unwrap().activations += 1;
        table.series(500).unwrap().activations += 1;
        let last = table.iter().last().unwrap();
        assert_eq!((last.id.as_str(), last.activations), ("~other", 2));
        assert_eq!(table.iter().count(), GLYPHS_MAX + 1);
    }
}

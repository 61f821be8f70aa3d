//! The registry: the value of every metric, moved by typed calls.
//!
//! Families without labels are array slots; glyphs are slots by their index in the vault; only
//! the rare families of words are searched. The caller passes durations in nanoseconds.

use crate::event::cut;
use crate::family::{
    BUILD_INFO, Counter, Family, GLYPH_ACTIVATIONS, GLYPH_DURATION, Gauge, Histogram, WordCounter,
    WordGauge,
};
use crate::series::{Durations, FINE_BOUNDS, Found, GlyphTable, WordTable};
use abi::governance::{OverrideStatus, RequestStatus};

/// Longest text of the build information, in bytes; more is cut.
const BUILD_TEXT_BYTES_MAX: usize = 64;

/// What is running, for `glyphos_build_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo<'a> {
    /// Semantic version.
    pub version: &'a str,
    /// Commit it was built from.
    pub commit: &'a str,
    /// Compiler that built it.
    pub rustc: &'a str,
}

pub(crate) struct Build {
    pub(crate) version: heapless::String<BUILD_TEXT_BYTES_MAX>,
    pub(crate) commit: heapless::String<BUILD_TEXT_BYTES_MAX>,
    pub(crate) rustc: heapless::String<BUILD_TEXT_BYTES_MAX>,
}

/// A value and whether it ever differed from its first one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Slot<V> {
    pub(crate) value: V,
    moved: bool,
}

/// The value of every metric.
pub struct Registry {
    pub(crate) build: Build,
    counters: [Slot<u64>; Counter::COUNT],
    gauges: [Slot<f64>; Gauge::COUNT],
    histograms: [Durations; Histogram::COUNT],
    pub(crate) word_counters: WordTable<WordCounter, u64>,
    pub(crate) word_gauges: WordTable<WordGauge, f64>,
    pub(crate) glyphs: GlyphTable,
}

impl Registry {
    /// Takes memory for every series except those of glyphs, and declares the statuses.
    #[must_use]
    pub fn new(build: &BuildInfo<'_>) -> Self {
        let mut registry = Registry {
            build: Build {
                version: cut(build.version),
                commit: cut(build.commit),
                rustc: cut(build.rustc),
            },
            counters: [Slot::default(); Counter::COUNT],
            gauges: [Slot::default(); Gauge::COUNT],
            histograms: core::array::from_fn(|_| Durations::new(FINE_BOUNDS)),
            word_counters: WordTable::new(),
            word_gauges: WordTable::new(),
            glyphs: GlyphTable::load(core::iter::empty()).0,
        };
        for status in RequestStatus::ALL {
            registry.set_word(WordGauge::Requests, status.name(), 0.0);
        }
        for status in OverrideStatus::ALL {
            registry.set_word(WordGauge::Overrides, status.name(), 0.0);
        }
        registry
    }

    /// Adds to a counter.
    pub fn add(&mut self, counter: Counter, count: u64) {
        let total = self.counter(counter).saturating_add(count);
        self.raise_to(counter, total);
    }

    /// Raises a counter to a total that its owner keeps; a lower total changes nothing.
    pub fn raise_to(&mut self, counter: Counter, total: u64) {
        if let Some(slot) = self.counters.get_mut(counter as usize)
            && total > slot.value
        {
            slot.value = total;
            slot.moved = true;
        }
    }

    /// A counter's value.
    #[must_use]
    pub fn counter(&self, counter: Counter) -> u64 {
        self.counters
            .get(counter as usize)
            .map_or(0, |slot| slot.value)
    }

    /// Sets a gauge.
    pub fn set(&mut self, gauge: Gauge, value: f64) {
        if let Some(slot) = self.gauges.get_mut(gauge as usize) {
            slot.moved |= value.to_bits() != slot.value.to_bits();
            slot.value = value;
        }
    }

    /// A gauge's value.
    #[must_use]
    pub fn gauge(&self, gauge: Gauge) -> f64 {
        self.gauges
            .get(gauge as usize)
            .map_or(0.0, |slot| slot.value)
    }

    /// Counts a duration in nanoseconds.
    pub fn observe(&mut self, histogram: Histogram, nanoseconds: u64) {
        if let Some(durations) = self.histograms.get_mut(histogram as usize) {
            durations.observe(nanoseconds);
        }
    }

    pub(crate) fn durations(&self, histogram: Histogram) -> Option<&Durations> {
        self.histograms.get(histogram as usize)
    }

    /// Makes series of these words at 0, so that their first step is seen as a change.
    ///
    /// A word is at most 32 of `[a-z0-9_-]`; any other, and those beyond the family's quota of
    /// 5 words (7 for fields of glyph files), are counted as `other`.
    pub fn declare_words(&mut self, family: WordCounter, words: &[&str]) {
        for word in words {
            self.add_word(family, word, 0);
        }
    }

    /// Adds to the counter with that word.
    pub fn add_word(&mut self, family: WordCounter, word: &str, count: u64) {
        self.change_word(family, word, |value| value.saturating_add(count));
    }

    /// Raises the counter with that word to a total that its owner keeps.
    pub fn raise_word_to(&mut self, family: WordCounter, word: &str, total: u64) {
        self.change_word(family, word, |value| value.max(total));
    }

    fn change_word(&mut self, family: WordCounter, word: &str, change: impl FnOnce(u64) -> u64) {
        let (row, is_own) = match self.word_counters.row(family, word) {
            Found::Own(row) => (Some(row), true),
            Found::Other(row) => (Some(row), false),
            Found::Nowhere => (None, false),
        };
        if let Some(row) = row {
            let value = change(row.value);
            row.moved |= value != row.value;
            row.value = value;
        }
        if !is_own {
            self.add(Counter::SeriesDropped, 1);
        }
    }

    /// Sets the gauge with that word.
    pub fn set_word(&mut self, family: WordGauge, word: &str, value: f64) {
        let is_own = match self.word_gauges.row(family, word) {
            Found::Own(row) => {
                row.moved |= value.to_bits() != row.value.to_bits();
                row.value = value;
                true
            }
            Found::Other(row) => {
                row.value = value;
                false
            }
            Found::Nowhere => false,
        };
        if !is_own {
            self.add(Counter::SeriesDropped, 1);
        }
    }

    /// Gives the glyphs of the vault their series, in the order of their index there; counts
    /// of an earlier vault are dropped.
    ///
    /// The first 25 have series of their own; the rest share one, and each of them is
    /// counted in `glyphos_telemetry_series_dropped_total`.
    pub fn load_glyphs<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        let (glyphs, without) = GlyphTable::load(ids);
        self.glyphs = glyphs;
        self.add(Counter::SeriesDropped, without);
    }

    /// Counts an activation of the glyph with that index, which took so long.
    pub fn activated(&mut self, glyph_index: usize, nanoseconds: u64) {
        if let Some(series) = self.glyphs.series(glyph_index) {
            series.activations = series.activations.saturating_add(1);
            series.durations.observe(nanoseconds);
        }
    }

    /// Families of which no series ever left its first value: whoever declares a family has
    /// to move it, and a test of the node checks that this list can become empty.
    pub fn unmoved(&self) -> impl Iterator<Item = &'static Family> {
        Family::all().filter(|family| !self.is_moved(family))
    }

    fn is_moved(&self, family: &Family) -> bool {
        let is = |other: &Family| other.name == family.name;
        is(&BUILD_INFO)
            || (is(&GLYPH_ACTIVATIONS) || is(&GLYPH_DURATION))
                && self.glyphs.iter().any(|glyph| glyph.activations > 0)
            || Counter::ALL
                .iter()
                .zip(&self.counters)
                .any(|(counter, slot)| is(counter.family()) && slot.moved)
            || Gauge::ALL
                .iter()
                .zip(&self.gauges)
                .any(|(gauge, slot)| is(gauge.family()) && slot.moved)
            || Histogram::ALL
                .iter()
                .zip(&self.histograms)
                .any(|(histogram, durations)| is(histogram.family()) && durations.count > 0)
            || WordCounter::ALL.iter().any(|counter| {
                is(counter.family()) && self.word_counters.of(*counter).any(|row| row.moved)
            })
            || WordGauge::ALL
                .iter()
                .any(|gauge| is(gauge.family()) && self.word_gauges.of(*gauge).any(|row| row.moved))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::format;
    use std::vec::Vec;

    pub(crate) const BUILD: BuildInfo<'static> = BuildInfo {
        version: "0.1.0",
        commit: "0123abcd",
        rustc: "rustc 1.96.0 (\"web\")",
    };

    /// Moves every family, with as many series as the bounds let in.
    pub(crate) fn fullest() -> Registry {
        let mut registry = Registry::new(&BUILD);
        let ids: Vec<_> = (0..100).map(|n| format!("{n:064}")).collect();
        registry.load_glyphs(ids.iter().map(|id| id.as_str()));
        for counter in Counter::ALL {
            registry.add(*counter, u64::MAX);
        }
        for gauge in Gauge::ALL {
            registry.set(*gauge, 1.0 / 3.0);
        }
        for histogram in Histogram::ALL {
            registry.observe(*histogram, u64::MAX);
        }
        for number in 0..50 {
            for family in WordCounter::ALL {
                registry.add_word(*family, &format!("{number:032}"), u64::MAX);
            }
            for family in WordGauge::ALL {
                registry.set_word(*family, &format!("{number:032}"), 0.1);
            }
        }
        for status in RequestStatus::ALL {
            registry.set_word(WordGauge::Requests, status.name(), 1.0);
        }
        for status in OverrideStatus::ALL {
            registry.set_word(WordGauge::Overrides, status.name(), 1.0);
        }
        for index in 0..100 {
            registry.activated(index, 1_234_567);
        }
        registry
    }

    #[test]
    fn a_new_registry_has_moved_nothing_but_the_build_information() {
        let registry = Registry::new(&BUILD);
        assert_eq!(registry.unmoved().count(), Family::all().count() - 1);
    }

    #[test]
    fn every_family_can_be_moved() {
        let left: Vec<_> = fullest().unmoved().map(|family| family.name).collect();
        assert_eq!(left, Vec::<&str>::new());
    }

    #[test]
    fn setting_a_gauge_to_its_first_value_does_not_move_it() {
        let mut registry = Registry::new(&BUILD);
        registry.set(Gauge::PoisonedCells, 0.0);
        registry.add(Counter::CellsRead, 0);
        registry.set_word(WordGauge::Requests, "pending", 0.0);
        registry.declare_words(WordCounter::ActivationFailures, &["non_finite"]);
        assert_eq!(registry.unmoved().count(), Family::all().count() - 1);
        registry.set(Gauge::PoisonedCells, 1.0);
        registry.set(Gauge::PoisonedCells, 0.0);
        assert_eq!(registry.unmoved().count(), Family::all().count() - 2);
    }

    #[test]
    fn a_counter_never_falls() {
        let mut registry = Registry::new(&BUILD);
        registry.raise_to(Counter::CellsRead, 10);
        registry.raise_to(Counter::CellsRead, 4);
        registry.add(Counter::CellsRead, 1);
        assert_eq!(registry.counter(Counter::CellsRead), 11);
    }
}

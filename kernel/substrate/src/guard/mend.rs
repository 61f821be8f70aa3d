//! Heals what is kept outside of the lines: numbers, owners, and where pages are.
//!
//! One or two flipped bits are turned back. What more have hit is found from the lines again:
//! the time is the latest tick of a whole line, since each tick settles one at least; totals
//! are counted by the marks of the census; a page is where its lines match their checksums; an
//! owner is the cell that names the slot. A count since the start, which no line has, begins
//! anew at 0, and that is told.
//!
//! Invariants:
//! - whatever is kept is set only after it was mended, so that no damage is forgotten untold;
//! - whatever is mended is counted and logged.

use super::Guard;
use super::scrub::RUN_STRIPES;
use crate::defect::{Defect, planted};
use crate::event::{Action, Finding, Place};
use crate::geometry::Geometry;
use crate::kept::{Kept, KeptWords, NUMBER_MAX};
use crate::line::{self, SETTLED};
use crate::numbers::Number;
use crate::survey::{Figures, Mended};
use abi::response::FiguresAge;
use core::ops::Range;

/// Passes of the scrubber that come to every owner: they are as large as a twelfth of the superpositions,
/// and are mended besides whenever one is needed.
const OWNERS_PASSES: u64 = 8;

impl Guard {
    /// Time in ticks, whatever became of it in memory.
    #[inline(always)]
    pub(crate) fn now(&self) -> u64 {
        match self.numbers.kept(Number::Tick).get() {
            Some(tick) => tick,
            None => self.latest_tick(),
        }
    }

    /// Lets ticks pass, up to the greatest that can be kept.
    pub(crate) fn pass(&mut self, ticks: u32) {
        let now = self.mend(Number::Tick).saturating_add(u64::from(ticks));
        self.numbers.set(Number::Tick, now.min(NUMBER_MAX));
    }

    /// A number, after its damage, if there is any, was healed.
    #[inline]
    pub(crate) fn mend(&mut self, number: Number) -> u64 {
        let kept = self.numbers.kept(number);
        match kept.get() {
            Some(value) if kept.is_whole() => value,
            found => self.mend_damaged(number, found),
        }
    }

    #[cold]
    #[inline(never)]
    fn mend_damaged(&mut self, number: Number, corrected: Option<u64>) -> u64 {
        let (value, action) = match corrected {
            Some(value) => (value, Action::BitsTurnedBack),
            None => match self.counted_anew(number) {
                Some(value) => (value, Action::Recounted),
                None => (0, Action::BegunAnew),
            },
        };
        if !planted(Defect::KeepDamagedNumber) {
            self.numbers.set(number, value);
        }
        self.note_mended(Place::Number(number), action);
        value
    }

    /// What a lost number has to be, if anything else tells.
    fn counted_anew(&mut self, number: Number) -> Option<u64> {
        match number {
            Number::Tick => Some(self.latest_tick()),
            Number::PoisonedNow => Some(self.totals_by_marks().poisoned),
            Number::SuperposedNow => Some(self.totals_by_marks().superposed),
            Number::LostNow => Some(self.totals_by_marks().lost),
            Number::MovedPages => Some(self.count_moved_pages()),
            _ => None,
        }
    }

    /// The latest tick that a whole line of cells was brought up to.
    #[cold]
    #[inline(never)]
    fn latest_tick(&self) -> u64 {
        (0..self.geometry.cell_lines)
            .filter(|&line| self.is_whole(line))
            .map(|line| line::word(self.block(line), SETTLED))
            .max()
            .unwrap_or(0)
    }

    /// Heals the sizes of the field, whose width and height are kept once more; if those are lost,
    /// the geometry is.
    fn mend_geometry(&mut self) {
        let is_whole = self.size.is_whole();
        let kept = self.size.get().and_then(|[width, height]| {
            Geometry::new(width.try_into().ok()?, height.try_into().ok()?).ok()
        });
        let geometry = kept.unwrap_or(self.geometry);
        if is_whole && geometry == self.geometry {
            return;
        }
        self.size = KeptWords::new([geometry.width.into(), geometry.height.into()]);
        self.geometry = geometry;
        self.note_mended(Place::Size, Action::BitsTurnedBack);
    }

    /// Heals the sizes, every number, and what the scrubber's walks have given.
    pub(crate) fn mend_numbers(&mut self) {
        self.mend_geometry();
        for number in Number::ALL {
            self.mend(number);
        }
        self.settle_totals();
        for (place, mended) in [Place::Figures, Place::Sums]
            .into_iter()
            .zip(self.survey.mend())
        {
            match mended {
                Mended::Whole => {}
                Mended::Corrected => self.note_mended(place, Action::BitsTurnedBack),
                Mended::Lost => self.note_mended(place, Action::AwaitsWalk),
            }
        }
    }

    /// Means and extremes of the last whole walk and how old they are; of a walk done at once, if
    /// they were lost.
    pub(crate) fn figures(&mut self) -> (Figures, FiguresAge) {
        let found = self.survey.figures(self.moment());
        found.unwrap_or_else(|| {
            self.scrub_all();
            let found = self.survey.figures(self.moment());
            found.unwrap_or((Figures::default(), FiguresAge::Since(0)))
        })
    }

    /// Heals where pages are, of those that belong to a share of the stripes, so that a pass over
    /// all stripes comes to each once; and the owners of the share's slots, once in
    /// [`OWNERS_PASSES`].
    pub(super) fn mend_tables(&mut self, stripes: &Range<usize>) {
        let pages = self.share_of(self.geometry.pages(), stripes);
        if !self.pages.are_whole(pages.clone()) {
            pages.for_each(|page| self.mend_page(page));
        }
        let run = (stripes.start / RUN_STRIPES) as u64;
        let turn = run.wrapping_add(self.numbers.get(Number::ScrubPasses));
        if turn.is_multiple_of(OWNERS_PASSES) {
            let slots = self.share_of(self.geometry.slots, stripes);
            let owners = self.census.owners.get(slots.clone()).unwrap_or_default();
            if !owners.iter().all(Kept::is_whole) {
                for slot in slots {
                    self.mend_owner(slot);
                }
            }
        }
    }

    /// Those of `count` things that belong to a share of the stripes.
    pub(super) fn share_of(&self, count: usize, stripes: &Range<usize>) -> Range<usize> {
        let before = |stripe: usize| {
            let before =
                (stripe as u64).saturating_mul(count as u64) / self.geometry.stripes as u64;
            usize::try_from(before).unwrap_or(usize::MAX)
        };
        before(stripes.start)..before(stripes.end)
    }

    /// The cell that a slot was given to last, plus 1, after damage of it was healed; 0 for none.
    pub(super) fn mend_owner(&mut self, slot: usize) -> u64 {
        let Some(kept) = self.census.owners.get(slot) else {
            return 0;
        };
        if kept.is_whole() {
            return kept.get().unwrap_or(0);
        }
        let (owner, action) = match kept.get() {
            Some(owner) => (owner, Action::BitsTurnedBack),
            None => (self.owner_by_lines(slot), Action::Recounted),
        };
        if let Some(kept) = self.census.owners.get_mut(slot) {
            *kept = Kept::new(owner);
        }
        self.note_mended(Place::Owner { slot: slot as u64 }, action);
        owner
    }

    /// Counts and logs what was healed outside of the lines.
    pub(super) fn note_mended(&mut self, place: Place, action: Action) {
        self.numbers.add(Number::ChecksumFailures, 1);
        if !planted(Defect::ForgetNumber) {
            self.numbers.add(Number::NumberRepairs, 1);
        }
        self.note(place, Finding::NotItsProduct, action);
    }
}

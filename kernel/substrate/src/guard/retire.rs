//! Moves a page that is repaired again and again to a spare one.
//!
//! A page counts a repeat whenever one of its lines is repaired for another time since its last
//! repeat, so that one great damage to many of its lines counts as nothing, and a weak bit
//! counts each time. [`REPEATS_MAX`] repeats retire it, unless more than [`WINDOW_PASSES`]
//! passes of the scrubber lie between two repairs: then it begins anew.
//!
//! A retired page is a page of blocks as before, at another place: addresses, checksums,
//! generations and parity stay. Spare pages lie behind all blocks. As long as nothing was
//! moved, finding a block costs one comparison more.
//!
//! Invariants:
//! - a spare takes the lines of one page, so that no page holds two blocks of a stripe;
//! - a spare that waits holds zeros; one found otherwise was damaged, and is never used;
//! - moving copies every line as it is, damaged or not: damage is found at the new place;
//! - a page moves only to a spare that keeps what it had.

use super::Guard;
use crate::checksum::WORDS;
use crate::defect::{Defect, planted};
use crate::event::{Action, Finding, Place};
use crate::geometry::{Geometry, PAGE_LINES};
use crate::kept::Kept;
use crate::numbers::Number;
use alloc::vec::Vec;
use core::hint::black_box;
use core::ops::Range;

/// Repeats that retire a page.
const REPEATS_MAX: u8 = 8;
/// Passes of the scrubber after which a page's repeats are forgotten.
const WINDOW_PASSES: u64 = 1000;

/// What is known of one page, or of one spare.
#[derive(Clone, Copy, Debug)]
struct PageHistory {
    /// Pass of the scrubber at the last repair.
    pass: u64,
    /// The spare that took the page's lines, plus 1; 0 for none.
    spare: Kept,
    /// Lines repaired since the last repeat, as bits.
    lines: u16,
    /// Repeats so far.
    repeats: u8,
}

impl PageHistory {
    /// Of a page that nothing befell.
    const NONE: PageHistory = PageHistory {
        pass: 0,
        spare: Kept::new(0),
        lines: 0,
        repeats: 0,
    };
}

/// State of a spare: it waits, or it is not to be used, since it is in use or was found damaged.
const WAITS: u64 = 0;
const SPENT: u64 = 1;

/// Where pages are and how they did.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    histories: Vec<PageHistory>,
    /// State of each spare.
    spares: Vec<Kept>,
    /// Whether it was said that no spare is left.
    told_none_left: bool,
}

impl Pages {
    /// Pages without a history, and all spares waiting.
    pub(super) fn new(geometry: &Geometry) -> Option<Self> {
        let mut histories = Vec::new();
        histories.try_reserve_exact(geometry.pages()).ok()?;
        histories.resize(geometry.pages(), PageHistory::NONE);
        let mut spares = Vec::new();
        spares.try_reserve_exact(geometry.spare_pages()).ok()?;
        spares.resize(geometry.spare_pages(), Kept::new(WAITS));
        Some(Pages {
            histories,
            spares,
            told_none_left: false,
        })
    }

    /// Bytes of memory that the histories of this geometry take.
    pub(super) const fn bytes_for(geometry: &Geometry) -> u64 {
        let histories = (geometry.pages() as u64).saturating_mul(size_of::<PageHistory>() as u64);
        let spares = (geometry.spare_pages() as u64).saturating_mul(size_of::<Kept>() as u64);
        histories.saturating_add(spares)
    }

    /// Bytes of memory that the histories take.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(self.histories.as_slice()) + size_of_val(self.spares.as_slice())
    }

    /// Leaves no spare.
    #[cfg(test)]
    pub(super) fn spend_all(&mut self) {
        self.spares.fill(Kept::new(SPENT));
    }

    /// Whether nothing is damaged of what is kept of the places of pages.
    pub(super) fn are_whole(&self, pages: Range<usize>) -> bool {
        let pages = self.histories.get(pages).unwrap_or_default();
        pages.iter().all(|page| page.spare.is_whole())
    }

    /// What is kept of the place of a page, for a test or a drill to damage.
    pub(super) fn kept_mut(&mut self, page: usize) -> Option<&mut Kept> {
        self.histories.get_mut(page).map(|page| &mut page.spare)
    }

    /// What is kept of the state of a spare, for a test to damage.
    #[cfg(test)]
    pub(super) fn spare_mut(&mut self, spare: usize) -> &mut Kept {
        &mut self.spares[spare]
    }

    /// Whether a spare waits; one of which that is lost does not.
    fn waits(&self, spare: usize) -> bool {
        let state = self.spares.get(spare);
        state.and_then(Kept::get) == Some(WAITS)
    }

    /// Never takes a spare again.
    fn spend(&mut self, spare: usize) {
        if let Some(state) = self.spares.get_mut(spare) {
            *state = Kept::new(SPENT);
        }
    }

    /// Notes a repair of a line, and tells whether its page has had too many.
    fn note_repair(&mut self, block: usize, pass: u64) -> bool {
        let Some(page) = self.histories.get_mut(block / PAGE_LINES) else {
            return false;
        };
        if pass.saturating_sub(page.pass) > WINDOW_PASSES {
            (page.lines, page.repeats) = (0, 0);
        }
        page.pass = pass;
        let line = 1 << (block % PAGE_LINES);
        if page.lines & line == 0 {
            page.lines |= line;
            return false;
        }
        page.lines = line;
        page.repeats = page.repeats.saturating_add(1);
        page.repeats >= REPEATS_MAX
    }
}

impl Guard {
    /// Where a block is kept.
    #[inline(always)]
    pub(super) fn place_in_memory(&self, block: usize) -> usize {
        if self.is_unmoved() {
            block
        } else {
            self.place_of_moved(block)
        }
    }

    /// Whether every block is where its number says. If that is damaged, the table tells.
    #[inline(always)]
    pub(super) fn is_unmoved(&self) -> bool {
        self.numbers.kept(Number::MovedPages).is(0)
    }

    fn place_of_moved(&self, block: usize) -> usize {
        let spare = match self.pages.histories.get(block / PAGE_LINES) {
            Some(page) if page.spare.is(0) => return block,
            Some(page) => self.spare_of(block / PAGE_LINES, page.spare),
            None => return block,
        };
        self.first_place(block / PAGE_LINES, spare) + block % PAGE_LINES
    }

    /// The spare that took a page's lines, plus 1, as the table or else the lines have it.
    fn spare_of(&self, page: usize, kept: Kept) -> u64 {
        kept.get()
            .filter(|&spare| spare <= self.geometry.spare_pages() as u64)
            .unwrap_or_else(|| self.spare_by_lines(page))
    }

    /// Where the lines of a page are most often whole: at its own place for 0, else at a spare,
    /// plus 1. A line that was not changed since its page moved is whole at both: of equals, the
    /// spare.
    #[cold]
    #[inline(never)]
    fn spare_by_lines(&self, page: usize) -> u64 {
        let first = page * PAGE_LINES;
        let end = (first + PAGE_LINES).min(self.geometry.blocks());
        let whole_lines = |spare: &u64| {
            let places = self.first_place(page, *spare)..;
            let lines = (first..end).zip(places);
            lines
                .filter(|&(block, place)| {
                    self.blocks.get(place).is_some_and(|line| {
                        self.checksum_of(line, block) == self.stored_checksum(block)
                    })
                })
                .count()
        };
        (0..=self.geometry.spare_pages() as u64)
            .max_by_key(whole_lines)
            .filter(|spare| whole_lines(spare) > 0)
            .unwrap_or(0)
    }

    /// The first line of a page at its own place for 0, else at a spare, plus 1.
    fn first_place(&self, page: usize, spare: u64) -> usize {
        match usize::try_from(spare).unwrap_or(0).checked_sub(1) {
            Some(spare) => self.spare_place(spare),
            None => page * PAGE_LINES,
        }
    }

    /// Heals what is kept of the place of a page.
    pub(super) fn mend_page(&mut self, page: usize) {
        let Some(kept) = self.pages.histories.get(page).map(|page| page.spare) else {
            return;
        };
        if kept.is_whole() {
            return;
        }
        let action = if kept.get().is_some() {
            Action::BitsTurnedBack
        } else {
            Action::Recounted
        };
        let spare = self.spare_of(page, kept);
        if let Some(kept) = self.pages.kept_mut(page) {
            *kept = Kept::new(spare);
        }
        self.note_mended(Place::Location { page: page as u64 }, action);
    }

    /// Counts the pages that were moved, after their places were healed.
    pub(super) fn count_moved_pages(&mut self) -> u64 {
        for page in 0..self.geometry.pages() {
            self.mend_page(page);
        }
        let pages = self.pages.histories.iter();
        pages.filter(|page| !page.spare.is(0)).count() as u64
    }

    /// The first line of a spare.
    fn spare_place(&self, spare: usize) -> usize {
        self.geometry.blocks() + spare * PAGE_LINES
    }

    /// Counts a repair against its page, and moves the page if it has had too many.
    pub(super) fn count_against_page(&mut self, block: usize) {
        if self
            .pages
            .note_repair(block, self.numbers.get(Number::ScrubPasses))
        {
            self.retire(block / PAGE_LINES, Finding::RepairedAgain);
        }
    }

    /// Moves a page to the next spare for what was found of it, or says once that there is
    /// none; tells whether it moved.
    #[cold]
    pub(super) fn retire(&mut self, page: usize, finding: Finding) -> bool {
        let place = Place::Page { page: page as u64 };
        let spare = loop {
            let Some(spare) = self.next_spare() else {
                if !self.pages.told_none_left {
                    self.pages.told_none_left = true;
                    self.note(place, finding, Action::NoSpareLeft);
                }
                return false;
            };
            if self.copy_page(page, spare) {
                break spare;
            }
            self.strike_off(spare, Finding::NotKept);
        };
        self.mend_spare(spare);
        self.pages.spend(spare);
        self.mend_page(page);
        let moved = self.mend(Number::MovedPages);
        if let Some(history) = self.pages.histories.get_mut(page) {
            let first_move = history.spare.is(0);
            *history = PageHistory {
                pass: history.pass,
                spare: Kept::new(spare as u64 + 1),
                ..PageHistory::NONE
            };
            let moved = moved + u64::from(first_move);
            self.numbers.set(Number::MovedPages, moved);
        }
        self.numbers.add(Number::Retirements, 1);
        self.note(place, finding, Action::PageRetired);
        true
    }

    /// Copies the lines of a page to a spare, and tells whether the spare keeps them.
    fn copy_page(&mut self, page: usize, spare: usize) -> bool {
        let blocks = page * PAGE_LINES..((page + 1) * PAGE_LINES).min(self.geometry.blocks());
        let left_out = usize::from(planted(Defect::RetireLosesLine));
        let blocks = blocks.start..blocks.end - left_out;
        let first = self.spare_place(spare);
        for block in blocks.clone() {
            let content = *self.block(block);
            if let Some(line) = self.blocks.get_mut(first + block % PAGE_LINES) {
                **line = content;
            }
        }
        self.stick();
        // Without the black box the compiler need not read what it has just written.
        let guard = black_box(&*self);
        blocks.zip(first..).all(|(block, place)| {
            guard.blocks.get(place).map(|line| &**line) == Some(guard.block(block))
        })
    }

    /// Never uses a spare.
    fn strike_off(&mut self, spare: usize, finding: Finding) {
        self.mend_spare(spare);
        self.pages.spend(spare);
        let place = Place::Spare {
            spare: spare as u64,
        };
        self.numbers.add(Number::ChecksumFailures, 1);
        self.numbers.add(Number::SparesStruckOff, 1);
        self.note(place, finding, Action::SpareStruckOff);
    }

    /// The next spare that waits and is whole.
    fn next_spare(&mut self) -> Option<usize> {
        (0..self.geometry.spare_pages())
            .find(|&spare| self.pages.waits(spare) && self.spare_is_whole(spare))
    }

    /// Pages that can still be moved.
    pub(crate) fn spares_left(&self) -> u64 {
        let spares = 0..self.geometry.spare_pages();
        spares.filter(|&spare| self.pages.waits(spare)).count() as u64
    }

    /// Verifies a spare that waits; one found damaged is spent.
    fn spare_is_whole(&mut self, spare: usize) -> bool {
        let first = self.spare_place(spare);
        let lines = self.blocks.get(first..first + PAGE_LINES);
        let is_whole = lines.is_some_and(|lines| lines.iter().all(|line| **line == [0; WORDS]))
            || planted(Defect::TrustSpare);
        if !is_whole {
            self.strike_off(spare, Finding::SpareDamaged);
        }
        is_whole
    }

    /// Verifies the waiting spares that belong to a share of the stripes, and heals the states of
    /// spares, so that a pass over all stripes looks at each spare once.
    pub(super) fn scrub_spares(&mut self, stripes: &Range<usize>) {
        for spare in self.share_of(self.geometry.spare_pages(), stripes) {
            self.mend_spare(spare);
            if self.pages.waits(spare) {
                let _ = self.spare_is_whole(spare);
            }
        }
    }

    /// Heals the state of a spare. One of which it is lost is spent: it may hold a page.
    fn mend_spare(&mut self, spare: usize) {
        let Some(kept) = self.pages.spares.get_mut(spare) else {
            return;
        };
        if kept.is_whole() {
            return;
        }
        let (state, action) = match kept.get() {
            Some(state) => (state, Action::BitsTurnedBack),
            None => (SPENT, Action::SpareStruckOff),
        };
        *kept = Kept::new(state);
        let place = Place::Spare {
            spare: spare as u64,
        };
        self.note_mended(place, action);
    }
}

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
use alloc::vec::Vec;
use core::hint::black_box;
use core::ops::Range;

/// Repeats that retire a page.
const REPEATS_MAX: u8 = 8;
/// Passes of the scrubber after which a page's repeats are forgotten.
const WINDOW_PASSES: u64 = 1000;

/// What is known of one page, or of one spare.
#[derive(Clone, Copy, Debug, Default)]
struct PageHistory {
    /// Pass of the scrubber at the last repair.
    pass: u64,
    /// The spare that took the page's lines, plus 1; 0 for none.
    spare: u32,
    /// Lines repaired since the last repeat, as bits.
    lines: u16,
    /// Repeats so far.
    repeats: u8,
}

/// Where pages are and how they did.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    histories: Vec<PageHistory>,
    /// Spares that are not to be used: in use, or found damaged.
    is_spent: Vec<bool>,
    /// Pages that were moved: with none, every block is where its number says.
    moved: usize,
    /// Whether it was said that no spare is left.
    told_none_left: bool,
}

impl Pages {
    /// Pages without a history, and all spares waiting.
    pub(super) fn new(geometry: &Geometry) -> Option<Self> {
        let mut histories = Vec::new();
        histories.try_reserve_exact(geometry.pages()).ok()?;
        histories.resize(geometry.pages(), PageHistory::default());
        let mut is_spent = Vec::new();
        is_spent.try_reserve_exact(geometry.spare_pages()).ok()?;
        is_spent.resize(geometry.spare_pages(), false);
        Some(Pages {
            histories,
            is_spent,
            moved: 0,
            told_none_left: false,
        })
    }

    /// Bytes of memory that the histories of this geometry take.
    pub(super) const fn bytes_for(geometry: &Geometry) -> u64 {
        let histories = (geometry.pages() as u64).saturating_mul(size_of::<PageHistory>() as u64);
        histories.saturating_add(geometry.spare_pages() as u64)
    }

    /// Bytes of memory that the histories take.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(self.histories.as_slice()) + size_of_val(self.is_spent.as_slice())
    }

    /// Leaves no spare.
    #[cfg(test)]
    pub(super) fn spend_all(&mut self) {
        self.is_spent.fill(true);
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
        if self.pages.moved == 0 {
            block
        } else {
            self.place_of_moved(block)
        }
    }

    /// Whether every block is where its number says.
    #[inline(always)]
    pub(super) fn is_unmoved(&self) -> bool {
        self.pages.moved == 0
    }

    fn place_of_moved(&self, block: usize) -> usize {
        let page = self.pages.histories.get(block / PAGE_LINES);
        match page.and_then(|page| page.spare.checked_sub(1)) {
            Some(spare) => self.spare_place(spare as usize) + block % PAGE_LINES,
            None => block,
        }
    }

    /// The first line of a spare.
    fn spare_place(&self, spare: usize) -> usize {
        self.geometry.blocks() + spare * PAGE_LINES
    }

    /// Counts a repair against its page, and moves the page if it has had too many.
    pub(super) fn count_against_page(&mut self, block: usize) {
        if self.pages.note_repair(block, self.counters.scrub_passes) {
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
        if let Some(is_spent) = self.pages.is_spent.get_mut(spare) {
            *is_spent = true;
        }
        if let (Some(history), Ok(spare)) =
            (self.pages.histories.get_mut(page), u32::try_from(spare))
        {
            let first_move = history.spare == 0;
            *history = PageHistory {
                pass: history.pass,
                spare: spare.saturating_add(1),
                ..PageHistory::default()
            };
            self.pages.moved += usize::from(first_move);
        }
        let repairs = &mut self.counters.repairs;
        repairs.retirement = repairs.retirement.wrapping_add(1);
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
        if let Some(is_spent) = self.pages.is_spent.get_mut(spare) {
            *is_spent = true;
        }
        let place = Place::Spare {
            spare: spare as u64,
        };
        self.counters.checksum_failures = self.counters.checksum_failures.wrapping_add(1);
        self.counters.repairs.spare = self.counters.repairs.spare.wrapping_add(1);
        self.note(place, finding, Action::SpareStruckOff);
    }

    /// The next spare that waits and is whole.
    fn next_spare(&mut self) -> Option<usize> {
        (0..self.pages.is_spent.len()).find(|&spare| {
            self.pages.is_spent.get(spare) == Some(&false) && self.spare_is_whole(spare)
        })
    }

    /// Pages that can still be moved.
    pub(crate) fn spares_left(&self) -> u64 {
        self.pages
            .is_spent
            .iter()
            .filter(|&&is_spent| !is_spent)
            .count() as u64
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

    /// Verifies the waiting spares that belong to a share of the stripes, so that a pass over
    /// all stripes looks at each spare once.
    pub(super) fn scrub_spares(&mut self, stripes: Range<usize>) {
        let spares = self.geometry.spare_pages() as u64;
        let share = |stripe: usize| {
            let before = (stripe as u64).saturating_mul(spares) / self.geometry.stripes as u64;
            usize::try_from(before).unwrap_or(usize::MAX)
        };
        for spare in share(stripes.start)..share(stripes.end) {
            if self.pages.is_spent.get(spare) == Some(&false) {
                let _ = self.spare_is_whole(spare);
            }
        }
    }
}

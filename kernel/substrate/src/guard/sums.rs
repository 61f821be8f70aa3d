//! Stripes verified and added up at once: what the scrubber does most of its time.
//!
//! A run of neighbouring stripes is taken member by member, a [`Row`] of lines each, and several
//! rows side by side, in whatever form the processor does that soonest.
//!
//! Invariants, whatever the form:
//! - the sums are those of [`Guard::sums`], and the shares those of the checksum;
//! - lines are added to the survey in the order of [`crate::geometry::Geometry::run`].

use super::scrub::RUN_STRIPES;
use super::{Guard, aligned};
use crate::checksum::{KEYS, Line, seed};
use crate::defect::{Defect, planted};
use crate::line::{self, FLAGS, LANES};
use crate::survey;
use core::array;
use vector::{KeysIn, Sums, Unit, Work};

/// Lines are fetched as many stripes ahead: two runs are more than a miss of memory takes.
const AHEAD_STRIPES: usize = 2 * RUN_STRIPES;
/// Members of a stripe verified together.
const MEMBERS_AT_ONCE: usize = 4;

/// A run of neighbouring stripes, to be looked at without a change.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) guard: &'a Guard,
    /// Its first stripe.
    pub(super) first: usize,
    /// Its stripes, at most [`RUN_STRIPES`].
    pub(super) count: usize,
}

/// What a look at a run of stripes found.
#[derive(Debug)]
pub(super) struct Found {
    /// The survey's sums, with the lines of the run added.
    pub(super) survey: survey::Sums,
    /// Whether all blocks match their checksums and all stripes add up.
    pub(super) is_whole: bool,
    /// Whether the census has the marks of every line.
    pub(super) is_counted: bool,
}

/// What the members of a stripe that were added so far come to.
#[derive(Clone, Copy, Debug)]
struct StripeSums<U: Unit> {
    lines: Sums<U>,
    generations: u32,
}

/// The lines of one member of the stripes of a run, and what they have to match.
#[derive(Debug)]
struct Row<'a> {
    /// Block of the first.
    block: usize,
    lines: [&'a Line; RUN_STRIPES],
    generations: [u32; RUN_STRIPES],
    /// What the words of each have to add to its checksum.
    shares: [u64; RUN_STRIPES],
}

impl Work for Run<'_> {
    type Output = Found;

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) -> Found {
        let guard = self.guard;
        let none = StripeSums {
            lines: Sums::none(unit),
            generations: 0,
        };
        let mut sums = [none; RUN_STRIPES];
        let mut found = Found {
            survey: guard.survey.running,
            is_whole: true,
            is_counted: true,
        };
        if guard.is_beyond_caches() {
            for stripe in self.first..self.first + self.count {
                guard.prefetch(guard.geometry.parity_of(stripe));
                guard.prefetch(guard.geometry.second_parity_of(stripe));
            }
        }
        let keys = KeysIn::new(unit, &KEYS);
        let mut end = guard.geometry.members;
        while let Some(start) = end.checked_sub(MEMBERS_AT_ONCE) {
            let rows: [Row; MEMBERS_AT_ONCE] = array::from_fn(|at| self.row(start + at));
            self.add(unit, &keys, &rows, &mut sums, &mut found);
            end = start;
        }
        for member in (0..end).rev() {
            self.add(unit, &keys, &[self.row(member)], &mut sums, &mut found);
        }
        for (stripe, sums) in (self.first..self.first + self.count).zip(&sums) {
            found.is_whole &= guard.parities_are_whole(unit, stripe);
            found.is_whole &= guard.adds_up(unit, stripe, sums) || planted(Defect::SkipStripeSums);
        }
        found
    }
}

impl<'a> Run<'a> {
    /// The lines of number `member` of the stripes.
    #[inline(always)]
    fn row(&self, member: usize) -> Row<'a> {
        let (guard, count) = (self.guard, self.count);
        let block = member * guard.geometry.stripes + self.first;
        let mut lines = [guard.block(block); RUN_STRIPES];
        if guard.is_unmoved() {
            let run = guard.blocks.get(block..block + count).unwrap_or_default();
            for (line, found) in lines.iter_mut().zip(run) {
                *line = found;
            }
        } else {
            for (line, block) in lines.iter_mut().zip(block..block + count) {
                *line = guard.block(block);
            }
        }
        if guard.is_beyond_caches() {
            let ahead = block + AHEAD_STRIPES;
            aligned::prefetch(guard.checksums.get(ahead));
            aligned::prefetch(guard.checksums.get(ahead + RUN_STRIPES / 2));
            aligned::prefetch(guard.generations.get(ahead));
        }
        let generations = first_of(guard.generations.get(block..).unwrap_or_default());
        let mut shares = first_of(guard.checksums.get(block..).unwrap_or_default());
        for (at, (share, generation)) in shares.iter_mut().zip(generations).enumerate() {
            let seed = seed(block.wrapping_add(at), generation);
            *share = if at < count {
                share.wrapping_sub(seed)
            } else {
                0
            };
        }
        Row {
            block,
            lines,
            generations,
            shares,
        }
    }

    /// Adds the members of `rows`, the last one first, to the sums of their stripes and to what
    /// was found.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "both go over the stripes of a run, which rows and sums have room for"
    )]
    fn add<const N: usize, U: Unit>(
        &self,
        unit: U,
        keys: &KeysIn<U>,
        rows: &[Row<'_>; N],
        sums: &mut [StripeSums<U>; RUN_STRIPES],
        found: &mut Found,
    ) {
        let is_beyond_caches = self.guard.is_beyond_caches();
        let mut differences = 0;
        for (at, sums) in sums.iter_mut().enumerate().take(self.count) {
            if is_beyond_caches {
                for row in rows {
                    self.guard.prefetch(row.block + at + AHEAD_STRIPES);
                }
            }
            let lines: [&Line; N] = array::from_fn(|row| rows[row].lines[at]);
            for (row, share) in rows.iter().zip(unit.add(&mut sums.lines, lines, keys)) {
                sums.generations = sums.generations.wrapping_add(row.generations[at]);
                differences |= row.shares[at] ^ share;
            }
        }
        found.is_whole &= differences == 0;
        for row in rows.iter().rev() {
            self.survey(row, found);
        }
    }

    /// Adds the lines of cells of a row to the survey, and compares them with the census.
    #[inline(always)]
    fn survey(&self, row: &Row<'_>, found: &mut Found) {
        let guard = self.guard;
        let end = (row.block + self.count).min(guard.geometry.cell_lines);
        let lines = end.checked_sub(row.block);
        let lines = lines
            .and_then(|count| row.lines.get(..count))
            .unwrap_or_default();
        let blocks = row.block..end;
        let flags = lines
            .iter()
            .fold(0, |all, content| all | line::word(content, FLAGS));
        if flags == 0 && end * LANES <= guard.geometry.cells {
            found.survey.add_whole(lines);
            found.is_counted &= blocks.into_iter().all(|block| guard.census.has(block, 0));
        } else {
            for (block, content) in blocks.zip(lines) {
                found.survey.add(content, guard.geometry.cells_in(block));
                found.is_counted &= guard.is_counted(block, content);
            }
        }
    }
}

/// The first of `from`, as many as there are and a row has.
#[inline(always)]
fn first_of<T: Copy + Default>(from: &[T]) -> [T; RUN_STRIPES] {
    from.first_chunk().copied().unwrap_or_else(|| {
        let mut all = [T::default(); RUN_STRIPES];
        for (to, from) in all.iter_mut().zip(from) {
            *to = *from;
        }
        all
    })
}

impl Guard {
    /// Whether both parity lines of a stripe match their checksums.
    #[inline(always)]
    fn parities_are_whole<U: Unit>(&self, unit: U, stripe: usize) -> bool {
        let parity = self.geometry.parity_of(stripe);
        let second = self.geometry.second_parity_of(stripe);
        [parity, second].into_iter().all(|block| {
            let share = unit.share(self.block(block), &KEYS);
            let checksum = seed(block, self.generation(block)).wrapping_add(share);
            checksum == self.stored_checksum(block)
        })
    }

    /// Whether all members of a stripe, added to `sums`, come to its parity lines and to their
    /// generation.
    #[inline(always)]
    fn adds_up<U: Unit>(&self, unit: U, stripe: usize, sums: &StripeSums<U>) -> bool {
        let parity = self.geometry.parity_of(stripe);
        let second = self.geometry.second_parity_of(stripe);
        unit.is(sums.lines.first, self.block(parity))
            && unit.is(sums.lines.second, self.block(second))
            && sums.generations == self.generation(parity)
    }
}

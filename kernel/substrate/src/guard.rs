//! Memory in lines that are verified when read, and repaired when damaged.
//!
//! Owns lines, checksums, parity, numbers and the log of findings. Knows where lines lie,
//! and of their content only the flags that mark what was lost.
//!
//! Invariants, as long as memory keeps what it was given:
//! - every block (data line or parity line) matches its checksum, which depends on its
//!   content, its address and its generation;
//! - the members of a stripe and its first parity add up to zero by exclusive or, and so do
//!   its second parity and the members, each times x to the power of its place in the stripe
//!   (in GF(2^12), as [`crate::galois`] says);
//! - nobody sees or changes a line without a [`Verified`] for it, which only
//!   [`Guard::verify`] makes;
//! - what is kept beside the blocks is mended before it is set: see `mend.rs`;
//! - parity is changed by differences without being verified first: a difference between a
//!   block and its checksum stays exactly as it is then, so damage in it is never blessed.

mod aligned;
mod damage;
mod generation;
mod initial;
mod mend;
mod recount;
mod repair;
mod retire;
mod scrub;
mod stuck;
mod sums;
#[cfg(test)]
mod tests;

use crate::census::Census;
use crate::checksum::{Line, Share, WORDS, advance, change, change_of_pairs, checksum, seed};
use crate::defect::{Defect, planted};
use crate::event::{Action, EventLog, Finding, IntegrityEvent, Place};
use crate::galois::{self, places_of, raise};
use crate::geometry::Geometry;
use crate::line::{self, SETTLED};
use crate::numbers::{Number, Numbers};
use crate::pair::Pair;
use crate::survey::{Moment, Survey};
use aligned::Aligned;
use alloc::vec::Vec;
use retire::Pages;
use vector::Form;

/// A memory of so many lines is in the caches anyhow: 1.5 MiB.
const CACHED_LINES: usize = 1 << 13;

/// The guarded memory of a substrate.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) geometry: Geometry,
    /// In which form lines are summed up.
    pub(crate) form: Form,
    /// Data lines, then first parity lines, then second ones, then spare pages.
    blocks: Vec<Aligned>,
    /// For each block its checksum, kept apart from it so that a block that went back to an
    /// older content does not bring an older checksum along.
    pub(super) checksums: Vec<u64>,
    /// For each data line, and for both parity lines of each stripe together, how often they
    /// were changed: kept apart again, so that a line and its checksum that both went back to
    /// an older state do not match.
    pub(super) generations: Vec<u32>,
    pub(crate) numbers: Numbers,
    census: Census,
    /// Whether damaged marks of the census have made its totals doubtful.
    totals_are_due: bool,
    pub(crate) survey: Survey,
    log: EventLog,
    /// Page of the line that was rebuilt last, and which of its lines were, as bits.
    rebuilt: (usize, u32),
    pages: Pages,
    /// Bits that a test has stuck.
    #[cfg(test)]
    stuck: Vec<stuck::StuckBit>,
}

/// Proof that a data line matched its checksum, or was brought to.
#[derive(Debug)]
#[must_use]
pub(crate) struct Verified(usize);

impl Verified {
    /// Number of the line.
    #[inline(always)]
    pub(crate) const fn line(&self) -> usize {
        self.0
    }
}

/// A verified line, both its parities and their checksums, to be changed together.
pub(crate) struct Editor<'a> {
    line: &'a mut Line,
    line_checksum: &'a mut u64,
    parity: &'a mut Line,
    parity_checksum: &'a mut u64,
    /// Number and generation of the first parity's block, for a defect that tests plant.
    parity_block: usize,
    parity_generation: u32,
    second: &'a mut Line,
    second_checksum: &'a mut u64,
    /// The line counts times x to the power of this in the second parity.
    weight: usize,
}

impl Guard {
    /// Bytes of memory that a substrate of this geometry takes.
    pub(crate) const fn bytes_for(geometry: &Geometry) -> u64 {
        let lines = (geometry.memory_lines() as u64).saturating_mul(size_of::<Line>() as u64);
        let checksums = (geometry.blocks() as u64).saturating_mul(size_of::<u64>() as u64);
        let generations = geometry.data_lines.saturating_add(geometry.stripes) as u64;
        lines
            .saturating_add(checksums)
            .saturating_add(generations.saturating_mul(size_of::<u32>() as u64))
            .saturating_add(Census::bytes_for(geometry))
            .saturating_add(Pages::bytes_for(geometry))
    }

    /// Bytes of memory that the substrate takes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let guarded = size_of_val(self.blocks.as_slice())
            + size_of_val(self.checksums.as_slice())
            + size_of_val(self.generations.as_slice())
            + self.pages.memory_bytes();
        (guarded as u64).saturating_add(self.census.memory_bytes())
    }

    /// Verifies a data line, and repairs or poisons it if it is damaged.
    #[inline]
    pub(crate) fn verify(&mut self, line: usize) -> Verified {
        self.stick();
        if self.whole_line(line).is_none() && !planted(Defect::TrustLine) {
            self.repair(line);
        }
        Verified(line)
    }

    /// Verifies a data line that is whole and up to date, as most are, and gives its content;
    /// `None` of others.
    #[inline(always)]
    pub(crate) fn verify_current(&mut self, line: usize) -> Option<(Verified, &Line)> {
        self.stick();
        let content = self.whole_line(line)?;
        let is_current = self
            .numbers
            .kept(Number::Tick)
            .is(line::word(content, SETTLED));
        is_current.then_some((Verified(line), content))
    }

    /// The content of a verified line.
    #[inline(always)]
    pub(crate) fn line(&self, verified: &Verified) -> &Line {
        self.block(verified.0)
    }

    /// A verified line, to be changed.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "a Verified holds a data line, and stripes are as many as parity lines of either kind"
    )]
    pub(crate) fn edit(&mut self, verified: &Verified) -> Editor<'_> {
        let data_lines = self.geometry.data_lines;
        let stripes = self.geometry.stripes;
        let (stripe, member) = self.geometry.stripe_and_member_of(verified.0);
        let weight = if planted(Defect::SameWeight) {
            0
        } else {
            member
        };
        let parity_block = data_lines + stripe;
        let blocks = [verified.0, parity_block, parity_block + stripes];
        let places = if self.is_unmoved() {
            blocks
        } else {
            blocks.map(|block| self.place_in_memory(block))
        };
        let [line, parity, second] = disjoint(&mut self.blocks, places);
        let (data_checksums, parity_checksums) = self.checksums.split_at_mut(data_lines);
        let (parity_checksums, second_checksums) = parity_checksums.split_at_mut(stripes);
        let (data_generations, parity_generations) = self.generations.split_at_mut(data_lines);
        let mut editor = Editor {
            line,
            line_checksum: &mut data_checksums[verified.0],
            parity,
            parity_checksum: &mut parity_checksums[stripe],
            parity_block,
            parity_generation: parity_generations[stripe],
            second,
            second_checksum: &mut second_checksums[stripe],
            weight,
        };
        editor.advance(
            &mut data_generations[verified.0],
            &mut parity_generations[stripe],
        );
        editor
    }

    /// What tells whether the field has changed since.
    pub(crate) fn moment(&self) -> Moment {
        Moment {
            tick: self.now(),
            cells_written: self.numbers.get(Number::CellsWritten),
            cells_poisoned: self.numbers.get(Number::CellsPoisoned),
        }
    }

    /// Takes the oldest event that nobody took yet.
    pub(crate) fn take_event(&mut self) -> Option<IntegrityEvent> {
        self.log.pop()
    }

    fn note(&mut self, place: Place, finding: Finding, action: Action) {
        let event = IntegrityEvent {
            tick: self.now(),
            place,
            finding,
            action,
        };
        if self.log.push(event).is_some() {
            self.numbers.add(Number::EventsDropped, 1);
        }
    }

    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "block numbers come from the geometry that the memory was made for"
    )]
    fn block(&self, block: usize) -> &Line {
        &self.blocks[self.place_in_memory(block)]
    }

    /// Has the content of a block fetched into the caches, if there is such a block. Of a block
    /// that was moved it fetches what is not needed.
    #[inline(always)]
    fn prefetch(&self, block: usize) {
        if let Some(line) = self.blocks.get(block) {
            line.prefetch();
        }
    }

    /// Whether the memory is too large to be in the caches anyhow.
    #[inline(always)]
    pub(crate) fn is_beyond_caches(&self) -> bool {
        self.blocks.len() > CACHED_LINES
    }

    /// Has all that a change of a data line takes fetched into the caches at once.
    #[inline(always)]
    pub(crate) fn prefetch_line(&self, line: usize) {
        self.prefetch(line);
        aligned::prefetch(self.checksums.get(line));
        aligned::prefetch(self.generations.get(line));
        self.prefetch_parities(line);
    }

    /// Has what a change of a data line takes beside the line fetched into the caches at once:
    /// each part lies far from the others, and the change would wait for one after the other.
    #[inline(always)]
    pub(crate) fn prefetch_parities(&self, line: usize) {
        let (stripe, _) = self.geometry.stripe_and_member_of(line);
        let parity = self.geometry.parity_of(stripe);
        for block in [parity, parity + self.geometry.stripes] {
            self.prefetch(block);
            aligned::prefetch(self.checksums.get(block));
        }
        aligned::prefetch(self.generations.get(parity));
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "block numbers come from the geometry that the memory was made for"
    )]
    fn block_mut(&mut self, block: usize) -> &mut Line {
        let place = self.place_in_memory(block);
        &mut self.blocks[place]
    }

    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "block numbers come from the geometry that the memory was made for"
    )]
    fn stored_checksum(&self, block: usize) -> u64 {
        self.checksums[block]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "block numbers come from the geometry that the memory was made for"
    )]
    fn store_checksum(&mut self, block: usize, value: u64) {
        self.checksums[block] = value;
    }

    /// The content of a data line, if it matches its checksum: [`Guard::is_whole`] without the
    /// question which kind of block it is.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "line numbers come from the geometry that the memory was made for"
    )]
    fn whole_line(&self, line: usize) -> Option<&Line> {
        let content = self.block(line);
        let share = self.form.run(Share(content));
        let checksum = seed(line, self.generations[line]).wrapping_add(share);
        let is_whole = checksum == self.stored_checksum(line);
        is_whole.then_some(content)
    }

    #[inline(always)]
    fn is_whole(&self, block: usize) -> bool {
        self.checksum_of(self.block(block), block) == self.stored_checksum(block)
    }

    /// First and second parity of the members of a stripe that are not among `left_out`.
    fn sums(&self, stripe: usize, left_out: &[usize]) -> (Line, Line) {
        let (mut first, mut second) = ([0; WORDS], [0; WORDS]);
        // From the last member down: each step takes all that came before one place up.
        for member in self.geometry.members_of(stripe).rev() {
            second = raise(&second);
            if left_out.contains(&member) {
                continue;
            }
            add(&mut first, self.block(member));
            add(&mut second, self.block(member));
        }
        (first, second)
    }
}

/// Three different lines of the memory, to be changed together.
#[inline(always)]
#[expect(
    clippy::expect_used,
    reason = "the blocks of a stripe are different, and so are their places"
)]
fn disjoint(blocks: &mut [Aligned], places: [usize; 3]) -> [&mut Line; 3] {
    blocks
        .get_disjoint_mut(places)
        .expect("three blocks of a stripe lie in three places")
        .map(|block| &mut block.0)
}

/// Adds a line to a sum, by exclusive or.
#[inline(always)]
fn add(sum: &mut Line, line: &Line) {
    for (total, word) in sum.iter_mut().zip(line) {
        *total ^= word;
    }
}

impl Editor<'_> {
    /// Goes on to the next generation of the line and of its parities.
    #[inline(always)]
    fn advance(&mut self, line: &mut u32, parities: &mut u32) {
        *self.line_checksum = self.line_checksum.wrapping_add(advance(line));
        let gained = if planted(Defect::ParityKeepsGeneration) {
            0
        } else {
            advance(parities)
        };
        self.parity_generation = *parities;
        *self.parity_checksum = self.parity_checksum.wrapping_add(gained);
        *self.second_checksum = self.second_checksum.wrapping_add(gained);
    }

    /// The line as it is now.
    #[inline(always)]
    pub(crate) fn line(&self) -> &Line {
        self.line
    }

    /// Changes a word, and with it both parities and the checksums.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "words come from the constants of the line's format, below WORDS"
    )]
    pub(crate) fn set(&mut self, word: usize, new: u64) {
        let old = self.line[word];
        self.line[word] = new;
        *self.line_checksum = self.line_checksum.wrapping_add(change(word, old, new));
        if !planted(Defect::SkipFirstParity) {
            let was = self.parity[word];
            let is = was ^ old ^ new;
            self.parity[word] = is;
            *self.parity_checksum = self.parity_checksum.wrapping_add(change(word, was, is));
        }
        if planted(Defect::BlessParity) {
            *self.parity_checksum =
                checksum(self.parity, self.parity_block, self.parity_generation);
        }
        if !planted(Defect::SkipSecondParity) {
            for place in places_of(word / 2, self.weight) {
                let word = 2 * place + word % 2;
                let was = self.second[word];
                let is = was ^ old ^ new;
                self.second[word] = is;
                *self.second_checksum = self.second_checksum.wrapping_add(change(word, was, is));
            }
        }
    }

    /// Changes the pairs of words that begin at the words `starts` together: what
    /// [`Editor::set`] does for each word.
    #[inline(always)]
    pub(crate) fn set_pairs<const PAIRS: usize>(
        &mut self,
        starts: [usize; PAIRS],
        new: &[[u64; 2]; PAIRS],
    ) {
        let old = starts.map(|start| line::pair(self.line, start));
        let new = new.map(Pair::new);
        let difference = xor(&old, &new);
        store_pairs(self.line, starts, &new);
        let gained = change_of_pairs(starts, &old, &new);
        *self.line_checksum = self.line_checksum.wrapping_add(gained);
        if !planted(Defect::SkipFirstParity) {
            add_pairs(self.parity, self.parity_checksum, starts, &difference);
        }
        if planted(Defect::BlessParity) {
            *self.parity_checksum =
                checksum(self.parity, self.parity_block, self.parity_generation);
        }
        if !planted(Defect::SkipSecondParity) {
            self.add_to_second(starts, &difference);
        }
    }

    /// Adds `difference` to pairs of the second parity, at the places that the line's weight
    /// moves them to.
    #[inline(always)]
    fn add_to_second<const PAIRS: usize>(
        &mut self,
        starts: [usize; PAIRS],
        difference: &[Pair; PAIRS],
    ) {
        // Members whose pairs all stay below the last, and so come to one place each.
        if starts
            .iter()
            .all(|start| start / 2 + self.weight < galois::PAIRS)
        {
            let places = starts.map(|start| start + 2 * self.weight);
            add_pairs(self.second, self.second_checksum, places, difference);
            return;
        }
        for (start, pair) in starts.into_iter().zip(difference) {
            for place in places_of(start / 2, self.weight) {
                add_pairs(self.second, self.second_checksum, [2 * place], &[*pair]);
            }
        }
    }

    /// Replaces the whole line.
    pub(crate) fn replace(&mut self, line: &Line) {
        for (word, &value) in line.iter().enumerate() {
            self.set(word, value);
        }
    }
}

#[inline(always)]
fn xor<const PAIRS: usize>(one: &[Pair; PAIRS], other: &[Pair; PAIRS]) -> [Pair; PAIRS] {
    let mut sum = *one;
    for (sum, &pair) in sum.iter_mut().zip(other) {
        *sum = sum.xor(pair);
    }
    sum
}

/// Adds `difference` to pairs of a parity, and to its checksum what that changes.
#[inline(always)]
fn add_pairs<const PAIRS: usize>(
    parity: &mut Line,
    stored: &mut u64,
    starts: [usize; PAIRS],
    difference: &[Pair; PAIRS],
) {
    let old = starts.map(|start| line::pair(parity, start));
    let new = xor(&old, difference);
    store_pairs(parity, starts, &new);
    *stored = stored.wrapping_add(change_of_pairs(starts, &old, &new));
}

#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "pairs come from the constants of the line's format, and end before WORDS"
)]
fn store_pairs<const PAIRS: usize>(line: &mut Line, starts: [usize; PAIRS], pairs: &[Pair; PAIRS]) {
    for (start, pair) in starts.into_iter().zip(pairs) {
        line[start..start + 2].copy_from_slice(&pair.words());
    }
}

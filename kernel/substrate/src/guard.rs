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
mod editor;
mod generation;
mod initial;
mod mend;
mod neighbours;
mod recount;
mod repair;
mod retire;
mod scrub;
mod stuck;
mod sums;
#[cfg(test)]
mod tests;

use crate::census::Census;
use crate::checksum::{KEYS, Line, Share, WORDS, seed};
use crate::defect::{Defect, planted};
use crate::event::{Action, EventLog, Finding, IntegrityEvent, Place};
use crate::galois::raise;
use crate::geometry::Geometry;
use crate::kept::KeptWords;
use crate::line::{self, SETTLED};
use crate::numbers::{Number, Numbers};
use crate::survey::{Moment, Survey};
use aligned::Aligned;
use alloc::vec::Vec;
pub(crate) use editor::Editor;
use editor::Gained;
pub(crate) use neighbours::{Neighbours, VerifiedLines};
use retire::Pages;
use vector::{Form, Unit};

/// A memory of so many lines is in the caches anyhow: 1.5 MiB.
const CACHED_LINES: usize = 1 << 13;

/// The guarded memory of a substrate.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) geometry: Geometry,
    /// Width and height, from which the geometry can be had again.
    size: KeptWords<2>,
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
        let share = self.form.run(Share(self.block(line)));
        self.verify_with(line, share)
    }

    /// As [`Guard::verify`], for work in a form that runs.
    #[inline(always)]
    pub(crate) fn verify_in<U: Unit>(&mut self, unit: U, line: usize) -> Verified {
        self.stick();
        let share = unit.share(self.block(line), &KEYS);
        self.verify_with(line, share)
    }

    /// As [`Guard::verify`], with what the line's words add to its checksum.
    #[inline(always)]
    fn verify_with(&mut self, line: usize, share: u64) -> Verified {
        if !self.matches(line, share) && !planted(Defect::TrustLine) {
            self.repair(line);
        }
        Verified(line)
    }

    /// Verifies a data line that is whole and up to date, as most are, and gives its content;
    /// `None` of others.
    #[inline(always)]
    pub(crate) fn verify_current(&mut self, line: usize) -> Option<(Verified, &Line)> {
        self.stick();
        let content = self.block(line);
        let is_whole = self.matches(line, self.form.run(Share(content)));
        let tick = self.numbers.kept(Number::Tick);
        let is_current = is_whole && tick.is(line::word(content, SETTLED));
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
            gained: Gained::default(),
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

    /// Whether a data line matches its checksum, given what its words add to it:
    /// [`Guard::is_whole`] without the question which kind of block it is.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "line numbers come from the geometry that the memory was made for"
    )]
    fn matches(&self, line: usize, share: u64) -> bool {
        seed(line, self.generations[line]).wrapping_add(share) == self.stored_checksum(line)
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

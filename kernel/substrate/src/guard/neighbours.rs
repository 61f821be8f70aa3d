//! Lines of cells side by side: verified and changed one after the other, with what finds them
//! done once for all.
//!
//! Invariant: nothing is done here that is not done for a single line: see [`Guard::verify`] and
//! [`Guard::edit`], which are for lines apart, and for all once a page was moved.

use super::aligned::Aligned;
use super::editor::{Editor, Gained};
use super::{Guard, Verified};
use crate::checksum::{KEYS, Line, seed};
use crate::defect::{Defect, planted};
use crate::geometry::Geometry;
use crate::line::{self, FLAGS, POISONED_ALL, SETTLED};
use core::ops::Range;
use vector::Unit;

/// Proof that neighbouring data lines matched their checksums, or were brought to.
#[derive(Debug)]
#[must_use]
pub(crate) struct VerifiedLines(Range<usize>);

impl VerifiedLines {
    /// None yet; the first to be taken in is line `first`.
    pub(crate) const fn before(first: usize) -> Self {
        VerifiedLines(first..first)
    }

    /// Takes in the next line; any other is left out.
    pub(crate) fn push(&mut self, Verified(line): Verified) {
        if line == self.0.end {
            self.0.end += 1;
        }
    }

    /// Numbers of the lines.
    #[inline(always)]
    pub(crate) fn numbers(&self) -> Range<usize> {
        self.0.clone()
    }

    /// The lines one by one.
    pub(crate) fn each(&self) -> impl Iterator<Item = Verified> + use<> {
        self.numbers().map(Verified)
    }
}

/// All lines and their parities where no page was moved, to be changed.
pub(crate) struct Parts<'a> {
    geometry: Geometry,
    lines: Part<'a>,
    line_generations: &'a mut [u32],
    parities: Part<'a>,
    seconds: Part<'a>,
    parity_generations: &'a mut [u32],
}

/// Blocks of a kind, and their checksums.
struct Part<'a> {
    blocks: &'a mut [Aligned],
    checksums: &'a mut [u64],
}

impl Part<'_> {
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "ranges come from the geometry that the memory was made for"
    )]
    fn range(&mut self, range: Range<usize>) -> Part<'_> {
        Part {
            blocks: &mut self.blocks[range.clone()],
            checksums: &mut self.checksums[range],
        }
    }
}

/// Lines of one member of neighbouring stripes, to be changed one after the other.
pub(crate) struct Neighbours<'a> {
    first: usize,
    lines: Part<'a>,
    line_generations: &'a mut [u32],
    parities: Part<'a>,
    seconds: Part<'a>,
    parity_generations: &'a mut [u32],
    weight: usize,
    parity_block: usize,
}

impl Guard {
    /// Verifies neighbouring lines that are whole and up to date at the tick `now` and have lost no
    /// cell, as most are, and folds them: `seen` makes a next state from one and a line. `None` if
    /// there is another line among them, or if a page was moved.
    #[inline(always)]
    pub(crate) fn verify_neighbours<U: Unit, S>(
        &mut self,
        unit: U,
        now: u64,
        lines: Range<usize>,
        mut state: S,
        seen: impl Fn(S, &Line) -> S,
    ) -> Option<(VerifiedLines, S)> {
        self.stick();
        if !self.is_unmoved() {
            return None;
        }
        let blocks = self.blocks.get(lines.clone())?;
        let checksums = self.checksums.get(lines.clone())?;
        let generations = self.generations.get(lines.clone())?;
        let stored = checksums.iter().zip(generations);
        for ((line, content), (&checksum, &generation)) in lines.clone().zip(blocks).zip(stored) {
            let share = unit.share(content, &KEYS);
            let difference = seed(line, generation).wrapping_add(share) ^ checksum;
            let age = line::word(content, SETTLED) ^ now;
            let poison = line::word(content, FLAGS) & POISONED_ALL;
            if difference | age | poison != 0 {
                return None;
            }
            state = seen(state, content);
        }
        Some((VerifiedLines(lines), state))
    }

    /// All lines, to be changed; `None` once a page was moved.
    #[inline(always)]
    pub(crate) fn parts(&mut self) -> Option<Parts<'_>> {
        if !self.is_unmoved() {
            return None;
        }
        let Geometry {
            data_lines,
            stripes,
            ..
        } = self.geometry;
        let (lines, rest) = self.blocks.split_at_mut_checked(data_lines)?;
        let (parities, rest) = rest.split_at_mut_checked(stripes)?;
        let (seconds, _) = rest.split_at_mut_checked(stripes)?;
        let (line_checksums, rest) = self.checksums.split_at_mut_checked(data_lines)?;
        let (parity_checksums, second_checksums) = rest.split_at_mut_checked(stripes)?;
        let (line_generations, parity_generations) =
            self.generations.split_at_mut_checked(data_lines)?;
        Some(Parts {
            geometry: self.geometry,
            lines: Part {
                blocks: lines,
                checksums: line_checksums,
            },
            line_generations,
            parities: Part {
                blocks: parities,
                checksums: parity_checksums,
            },
            seconds: Part {
                blocks: seconds,
                checksums: second_checksums,
            },
            parity_generations,
        })
    }
}

impl Parts<'_> {
    /// The first of some lines that belong to one member of their stripes; takes them away.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "verified lines are data lines, and stripes are as many as parity lines"
    )]
    pub(crate) fn next(&mut self, lines: &mut Range<usize>) -> Option<Neighbours<'_>> {
        if lines.start >= lines.end {
            return None;
        }
        let first = lines.start;
        let (stripe, member) = self.geometry.stripe_and_member_of(first);
        let stripes_left = self.geometry.stripes.wrapping_sub(stripe);
        let count = lines.len().min(stripes_left);
        lines.start = first.wrapping_add(count);
        let range = first..lines.start;
        let stripes = stripe..stripe.wrapping_add(count);
        Some(Neighbours {
            first,
            lines: self.lines.range(range.clone()),
            line_generations: &mut self.line_generations[range],
            parities: self.parities.range(stripes.clone()),
            seconds: self.seconds.range(stripes.clone()),
            parity_generations: &mut self.parity_generations[stripes],
            weight: if planted(Defect::SameWeight) {
                0
            } else {
                member
            },
            parity_block: self.geometry.parity_of(stripe),
        })
    }
}

impl Neighbours<'_> {
    /// Numbers of the lines.
    #[inline(always)]
    pub(crate) fn numbers(&self) -> Range<usize> {
        self.first..self.first.wrapping_add(self.lines.blocks.len())
    }

    /// Line `at` of them, to be changed.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "all parts have as many places as there are lines"
    )]
    pub(crate) fn edit(&mut self, at: usize) -> Editor<'_> {
        let mut editor = Editor {
            line: &mut self.lines.blocks[at].0,
            line_checksum: &mut self.lines.checksums[at],
            parity: &mut self.parities.blocks[at].0,
            parity_checksum: &mut self.parities.checksums[at],
            parity_block: self.parity_block.wrapping_add(at),
            parity_generation: 0,
            second: &mut self.seconds.blocks[at].0,
            second_checksum: &mut self.seconds.checksums[at],
            weight: self.weight,
            gained: Gained::default(),
        };
        editor.advance(
            &mut self.line_generations[at],
            &mut self.parity_generations[at],
        );
        editor
    }
}

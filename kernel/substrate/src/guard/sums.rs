//! Lines of a stripe verified and added up at once: what the scrubber does most of its time.
//!
//! Several members are taken side by side, so that the keys of the checksums and the sums are
//! fetched once for all of them; the second sum is kept unreduced, so that moving a line up to
//! its place costs nothing.
//!
//! Invariant: the sums are those of [`Guard::sums`], and the shares those of the checksum.

use super::Guard;
use super::scrub::RUN_STRIPES;
use crate::checksum::{Line, WORDS, seed, share_of_pair};
use crate::galois::{PAIRS, RAISED_PAIRS, reduced};
use crate::line;
use crate::pair::Pair;

/// Lines are fetched as many stripes ahead: two runs are more than a miss of memory takes.
const AHEAD_STRIPES: usize = 2 * RUN_STRIPES;

/// What the members of a stripe that were added so far come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct StripeSums {
    first: Line,
    /// The second sum, before it is reduced.
    second: [u64; 2 * RAISED_PAIRS],
    generations: u32,
}

impl StripeSums {
    /// The sums of no line.
    pub(super) const NONE: StripeSums = StripeSums {
        first: [0; WORDS],
        second: [0; 2 * RAISED_PAIRS],
        generations: 0,
    };

    /// Adds the lines of `N` members, of which the first is number `member`, and tells what
    /// their words add to their checksums.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "members are below the most of a stripe, which RAISED_PAIRS has room for"
    )]
    fn add<const N: usize>(&mut self, member: usize, lines: [&Line; N]) -> [u64; N] {
        let mut shares = [Pair::zero(); N];
        // What the lines after the first add to the pairs to come.
        let mut ahead = [Pair::zero(); N];
        let second = &mut self.second[2 * member..2 * (member + PAIRS + N - 1)];
        for pair in 0..PAIRS {
            let contents = lines.map(|line| line::pair(line, 2 * pair));
            for (share, content) in shares.iter_mut().zip(contents) {
                *share = share.plus(share_of_pair(2 * pair, content));
            }
            let sum = contents.into_iter().fold(Pair::zero(), Pair::xor);
            add_to(&mut self.first, pair, sum);
            add_to(second, pair, ahead[0].xor(contents[0]));
            for line in 1..N {
                let next = ahead.get(line).copied().unwrap_or(Pair::zero());
                ahead[line - 1] = next.xor(contents[line]);
            }
            ahead[N - 1] = Pair::zero();
        }
        for (line, sum) in ahead.into_iter().enumerate().take(N - 1) {
            add_to(second, PAIRS + line, sum);
        }
        shares.map(Pair::sum)
    }
}

/// Adds `content` to pair `pair` of `words`, by exclusive or.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "pairs are below half the length of either sum"
)]
fn add_to(words: &mut [u64], pair: usize, content: Pair) {
    let place = &mut words[2 * pair..2 * pair + 2];
    let sum = Pair::new([place[0], place[1]]).xor(content);
    place.copy_from_slice(&sum.words());
}

impl Guard {
    /// Adds `N` members, from number `member` on, of neighbouring stripes from `first` on to
    /// `sums`; tells whether all of them match their checksums.
    #[inline(always)]
    pub(super) fn add_members<'a, const N: usize>(
        &self,
        first: usize,
        member: usize,
        sums: impl Iterator<Item = &'a mut StripeSums>,
    ) -> bool {
        let stripes = self.geometry.stripes;
        let is_beyond_caches = self.is_beyond_caches();
        let mut are_whole = true;
        for (stripe, sums) in (first..).zip(sums) {
            let blocks: [usize; N] = core::array::from_fn(|at| (member + at) * stripes + stripe);
            if is_beyond_caches {
                for block in blocks {
                    self.prefetch(block + AHEAD_STRIPES);
                }
            }
            let shares = sums.add(member, blocks.map(|block| self.block(block)));
            for (block, share) in blocks.into_iter().zip(shares) {
                let generation = self.generation(block);
                sums.generations = sums.generations.wrapping_add(generation);
                let checksum = seed(block, generation).wrapping_add(share);
                are_whole &= checksum == self.stored_checksum(block);
            }
        }
        are_whole
    }

    /// Whether both parity lines of a stripe match their checksums.
    pub(super) fn parities_are_whole(&self, stripe: usize) -> bool {
        self.is_whole(self.geometry.parity_of(stripe))
            && self.is_whole(self.geometry.second_parity_of(stripe))
    }

    /// Whether all members of a stripe, added to `sums`, come to its parity lines and to their
    /// generation.
    pub(super) fn adds_up(&self, stripe: usize, sums: &StripeSums) -> bool {
        let parity = self.geometry.parity_of(stripe);
        let second = self.geometry.second_parity_of(stripe);
        sums.first == *self.block(parity)
            && reduced(sums.second) == *self.block(second)
            && sums.generations == self.generation(parity)
    }
}

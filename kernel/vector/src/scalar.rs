//! Word by word: what every other form has to equal, and what processors without a known vector
//! unit do.

use crate::{Keys, KeysIn, Line, PAIRS, Quad, Sums, TAP, Unit, WORDS, quad};

/// No vector unit.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

/// The low half of a word.
const HALF: u64 = 0xffff_ffff;

/// The products of all halves with their keys, summed up.
#[inline(always)]
fn share_of(line: &Line, low: &Line, high: &Line) -> u64 {
    let keys = low.iter().zip(high);
    line.iter()
        .zip(keys)
        .fold(0, |sum: u64, (word, (low, high))| {
            sum.wrapping_add(share_of_word(*word, *low, *high))
        })
}

/// The products of both halves of a word with their keys.
#[inline(always)]
const fn share_of_word(word: u64, low: u64, high: u64) -> u64 {
    let low = (word & HALF).wrapping_mul(low & HALF);
    low.wrapping_add((word >> 32).wrapping_mul(high & HALF))
}

impl Unit for Scalar {
    type Register = Line;

    #[inline(always)]
    fn zero(self) -> Line {
        [0; WORDS]
    }

    #[inline(always)]
    fn load(self, line: &Line) -> Line {
        *line
    }

    #[inline(always)]
    fn is(self, register: Line, line: &Line) -> bool {
        register == *line
    }

    #[inline(always)]
    fn share(self, line: &Line, keys: &Keys) -> u64 {
        share_of(line, &keys.low, &keys.high)
    }

    #[inline(always)]
    fn add<const N: usize>(
        self,
        sums: &mut Sums<Self>,
        lines: [&Line; N],
        keys: &KeysIn<Self>,
    ) -> [u64; N] {
        for line in lines.iter().rev() {
            // Up by a pair, and the one that left comes back at the first place and at the tap.
            sums.second.rotate_right(2);
            let [low, high, ..] = sums.second;
            if let Some(tap) = sums.second.get_mut(2 * TAP..2 * TAP + 2) {
                for (word, left) in tap.iter_mut().zip([low, high]) {
                    *word ^= left;
                }
            }
            for ((first, second), word) in sums.first.iter_mut().zip(&mut sums.second).zip(*line) {
                *first ^= word;
                *second ^= word;
            }
        }
        lines.map(|line| share_of(line, &keys.low, &keys.high))
    }

    #[inline(always)]
    fn change<const N: usize>(
        self,
        line: &mut Line,
        starts: [usize; N],
        differences: &[Quad; N],
        keys: &Keys,
    ) -> u64 {
        let mut gained = 0_u64;
        for (start, difference) in starts.into_iter().zip(differences) {
            let keys = quad(&keys.low, start).iter().zip(quad(&keys.high, start));
            let words = line.iter_mut().skip(start);
            for ((word, difference), (low, high)) in words.zip(difference).zip(keys) {
                let old = *word;
                *word ^= difference;
                let share = |word| share_of_word(word, *low, *high);
                gained = gained.wrapping_add(share(*word)).wrapping_sub(share(old));
            }
        }
        gained
    }
}

const _: () = assert!(TAP < PAIRS);

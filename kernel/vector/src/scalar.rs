//! Word by word: what every other form has to equal, and what processors without a known vector
//! unit do.

use crate::{Keys, KeysIn, Line, PAIRS, Quad, Sums, TAP, Unit, WORDS};

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
    fn advance(
        self,
        numbers: &[u64; 8],
        gains: &[f64; 4],
        shifts: &[f64; 4],
        most: f64,
        turn: f64,
    ) -> [Quad; 2] {
        let [mut levels, mut phases] = [[0; 4]; 2];
        for (at, &bits) in numbers.iter().enumerate() {
            let number = f64::from_bits(bits);
            if at < 4 {
                let sum = number + gains[at];
                levels[at] = bits ^ if sum < most { sum } else { most }.to_bits();
            } else {
                let sum = number + shifts[at - 4];
                phases[at - 4] = bits ^ if sum < turn { sum } else { sum - turn }.to_bits();
            }
        }
        [levels, phases]
    }

    #[inline(always)]
    fn change<const N: usize>(
        self,
        line: &mut Line,
        start: usize,
        differences: &[Quad; N],
        keys: &Keys,
    ) -> u64 {
        let keys = keys.low.iter().zip(&keys.high).skip(start);
        let words = line.iter_mut().skip(start).zip(keys);
        let mut gained = 0_u64;
        for ((word, (low, high)), difference) in words.zip(differences.as_flattened()) {
            let old = *word;
            *word ^= difference;
            let share = |word| share_of_word(word, *low, *high);
            gained = gained.wrapping_add(share(*word)).wrapping_sub(share(old));
        }
        gained
    }
}

const _: () = assert!(TAP < PAIRS);

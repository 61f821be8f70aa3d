//! Seeded mutations of a corpus, for the share of fuzzing that needs no instrumented build.
//!
//! Invariant: the same seed and corpus give the same inputs.

/// Most bytes of a mutated input.
const INPUT_BYTES_MAX: usize = 4096;
/// Most mutations of one input.
const STEPS_MAX: usize = 6;

/// A source of inputs.
#[derive(Debug)]
pub struct Mutation<'a> {
    corpus: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutation<'a> {
    /// Mutates `corpus`; a seed of 0 counts as 1.
    #[must_use]
    pub fn new(corpus: &'a [Vec<u8>], seed: u64) -> Self {
        Mutation {
            corpus,
            state: seed.max(1),
        }
    }

    /// xorshift64* (Vigna, 2016).
    fn random(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 up to and without `bound`; 0 if there is none.
    fn below(&mut self, bound: usize) -> usize {
        let high = usize::try_from(self.random() >> 32).unwrap_or(0);
        high.checked_rem(bound).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        let [.., high] = self.random().to_le_bytes();
        high
    }

    fn seed(&mut self) -> &'a [u8] {
        let place = self.below(self.corpus.len());
        self.corpus.get(place).map_or(&[], Vec::as_slice)
    }

    /// A stretch of `bytes`, often short.
    fn stretch(&mut self, bytes: &[u8]) -> core::ops::Range<usize> {
        let start = self.below(bytes.len().saturating_add(1));
        let rest = bytes.len().saturating_sub(start);
        let most = if self.below(4) == 0 {
            rest
        } else {
            rest.min(16)
        };
        start..start.saturating_add(self.below(most.saturating_add(1)))
    }

    fn step(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len());
        let range = self.stretch(bytes);
        match self.below(8) {
            0 => {
                let bit = self.below(8);
                bytes
                    .iter_mut()
                    .skip(place)
                    .take(1)
                    .for_each(|b| *b ^= 1 << bit);
            }
            1 => {
                let byte = self.byte();
                bytes.iter_mut().skip(place).take(1).for_each(|b| *b = byte);
            }
            2 => {
                let byte = self.byte();
                bytes.insert(place, byte);
            }
            3 => drop(bytes.drain(range)),
            4 => {
                let copy = bytes.get(range).unwrap_or_default().to_vec();
                bytes.splice(place..place, copy);
            }
            // Pieces of another input are the dictionary.
            5 | 6 => {
                let other = self.seed();
                let piece = self.stretch(other);
                let piece = other.get(piece).unwrap_or_default().to_vec();
                bytes.splice(range, piece);
            }
            _ => {
                let other = self.seed();
                let from = self.below(other.len().saturating_add(1));
                bytes.truncate(place);
                bytes.extend_from_slice(other.get(from..).unwrap_or_default());
            }
        }
    }
}

impl Iterator for Mutation<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.seed().to_vec();
        for _ in 0..=self.below(STEPS_MAX) {
            self.step(&mut bytes);
        }
        bytes.truncate(INPUT_BYTES_MAX);
        Some(bytes)
    }
}

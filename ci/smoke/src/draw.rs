//! Numbers that look random and come out the same again from the same seed.

use std::time::Duration;

/// A small generator: xorshift64 (Marsaglia, 2003).
pub(crate) struct Draw(u64);

impl Draw {
    /// A generator; the same seed draws the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        // A state of zero would stay zero.
        Self(seed.max(1))
    }

    /// A number from 0 up to and without `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.checked_rem(end).unwrap_or(0)
    }

    /// A part of `whole`, up to all of it.
    pub(crate) fn part_of(&mut self, whole: Duration) -> Duration {
        let thousandths = u16::try_from(self.below(1000)).unwrap_or(0);
        whole.mul_f64(f64::from(thousandths) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let (mut first, mut second) = (Draw::new(7), Draw::new(7));
        let drawn: Vec<u64> = (0..100).map(|_| first.below(7)).collect();
        assert!((0..7).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|&number| number == second.below(7)));
    }
}

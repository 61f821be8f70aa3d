//! Two words side by side, in a vector register where the processor has one.
//!
//! Sums of products over a few words are where compilers give up making vectors by themselves,
//! and take twice the instructions; this says which ones are wanted. Every x86-64 processor has
//! SSE2; elsewhere arrays do the same, word by word.
//!
//! Invariant: both forms give the same bits, which are those of the scalar functions that
//! [`crate::checksum`] defines.

#[cfg(target_arch = "x86_64")]
use safe_arch::{
    add_i64_m128i, bitxor_m128i, m128i, mul_widen_u32_odd_m128i, shr_imm_u64_m128i,
    unpack_high_i64_m128i,
};

/// Two words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair(
    #[cfg(target_arch = "x86_64")] m128i,
    #[cfg(not(target_arch = "x86_64"))] [u64; 2],
);

impl Pair {
    /// Two zeros.
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Pair::new([0; 2])
    }
}

#[cfg(target_arch = "x86_64")]
impl Pair {
    #[inline(always)]
    pub(crate) fn new(words: [u64; 2]) -> Self {
        Pair(words.into())
    }

    #[inline(always)]
    pub(crate) fn words(self) -> [u64; 2] {
        self.0.into()
    }

    /// Both sums, modulo 2^64.
    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        Pair(add_i64_m128i(self.0, other.0))
    }

    /// The sum of both words, modulo 2^64.
    #[inline(always)]
    pub(crate) fn sum(self) -> u64 {
        let [sum, _] = self
            .plus(Pair(unpack_high_i64_m128i(self.0, self.0)))
            .words();
        sum
    }

    /// Both exclusive ors.
    #[inline(always)]
    pub(crate) fn xor(self, other: Self) -> Self {
        Pair(bitxor_m128i(self.0, other.0))
    }

    /// Both products of the low halves.
    #[inline(always)]
    pub(crate) fn times_low(self, keys: Self) -> Self {
        Pair(mul_widen_u32_odd_m128i(self.0, keys.0))
    }

    /// Both products of the high halves with the low halves of `keys`.
    #[inline(always)]
    pub(crate) fn high_times_low(self, keys: Self) -> Self {
        Pair(mul_widen_u32_odd_m128i(
            shr_imm_u64_m128i::<32>(self.0),
            keys.0,
        ))
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Pair {
    #[inline(always)]
    pub(crate) fn new(words: [u64; 2]) -> Self {
        Pair(words)
    }

    #[inline(always)]
    pub(crate) fn words(self) -> [u64; 2] {
        self.0
    }

    /// Both sums, modulo 2^64.
    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Pair([a.wrapping_add(c), b.wrapping_add(d)])
    }

    /// The sum of both words, modulo 2^64.
    #[inline(always)]
    pub(crate) fn sum(self) -> u64 {
        let [one, other] = self.0;
        one.wrapping_add(other)
    }

    /// Both exclusive ors.
    #[inline(always)]
    pub(crate) fn xor(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Pair([a ^ c, b ^ d])
    }

    /// Both products of the low halves.
    #[inline(always)]
    pub(crate) fn times_low(self, keys: Self) -> Self {
        let low = |word: u64| word & u64::from(u32::MAX);
        let ([a, b], [c, d]) = (self.0, keys.0);
        Pair([low(a) * low(c), low(b) * low(d)])
    }

    /// Both products of the high halves with the low halves of `keys`.
    #[inline(always)]
    pub(crate) fn high_times_low(self, keys: Self) -> Self {
        Pair(self.0.map(|word| word >> u32::BITS)).times_low(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};
    use proptest::test_runner::Config;

    proptest! {
        #![proptest_config(Config { failure_persistence: None, ..Config::default() })]
        #[test]
        fn two_words_side_by_side_are_as_one_by_one(
            a in any::<u64>(),
            b in any::<u64>(),
            c in any::<u64>(),
            d in any::<u64>(),
        ) {
            let (one, other) = (Pair::new([a, b]), Pair::new([c, d]));
            let low = |word: u64| word & u64::from(u32::MAX);
            assert_eq!(one.words(), [a, b]);
            assert_eq!(one.sum(), a.wrapping_add(b));
            assert_eq!(one.plus(other).words(), [a.wrapping_add(c), b.wrapping_add(d)]);
            assert_eq!(one.xor(other).words(), [a ^ c, b ^ d]);
            assert_eq!(one.times_low(other).words(), [low(a) * low(c), low(b) * low(d)]);
            assert_eq!(
                one.high_times_low(other).words(),
                [(a >> 32) * low(c), (b >> 32) * low(d)]
            );
        }
    }
}

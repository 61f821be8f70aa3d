//! Registers of which a few hold a whole line: what AVX2 and AVX-512 have in common.
//!
//! Owns the order in which lines are added up, one whole line after the other, so that both sums
//! and the keys stay in registers.

use crate::{KeysIn, Line, Sums, Unit};

/// A unit that works on whole lines in registers.
pub(crate) trait Wide: Unit {
    /// The exclusive or of two lines.
    fn xor(self, one: Self::Register, other: Self::Register) -> Self::Register;

    /// A line times x, as [`Unit::add`] multiplies.
    fn raised(self, line: Self::Register) -> Self::Register;

    /// A line's share, by keys in registers.
    fn share_of(self, line: Self::Register, low: Self::Register, high: Self::Register) -> u64;
}

/// What [`Unit::add`] does.
#[inline(always)]
pub(crate) fn add<U: Wide, const N: usize>(
    unit: U,
    sums: &mut Sums<U>,
    lines: [&Line; N],
    keys: &KeysIn<U>,
) -> [u64; N] {
    let Sums {
        mut first,
        mut second,
    } = *sums;
    let mut shares = [0; N];
    for at in (0..N).rev() {
        let line = unit.load(lines[at]);
        first = unit.xor(first, line);
        second = unit.xor(unit.raised(second), line);
        shares[at] = unit.share_of(line, keys.low, keys.high);
    }
    *sums = Sums { first, second };
    shares
}

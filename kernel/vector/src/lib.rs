//! Whole lines of words in the widest registers that the processor has.
//!
//! Owns the ways ([`Form`]) in which lines of the substrate are summed up, with 16, 32 or 64 bytes
//! at a time, and the choice among them: what the processor has, and of that what took the least
//! time. All ways give the same bits: there is nothing in them but sums, products and exclusive ors
//! of whole numbers, and [`Scalar`] says word by word which ones.
//!
//! Rust takes a call of a function that is compiled for more than the build's processor for
//! unsafe, and so are the intrinsics outside of such functions. That is all the unsafe code here:
//! it is what lets the substrate forbid its own.
//!
//! Invariants:
//! - a unit for a wider register exists only where its detection found it, switched on by whoever
//!   runs the processor: holding one is the proof that makes its calls sound;
//! - memory is read and written through references only.
#![no_std]
#![expect(
    unsafe_code,
    reason = "functions compiled for a wider register may be called only where there is one"
)]

#[cfg(test)]
extern crate std;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod detect;
mod form;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod wide;

use core::fmt::Debug;
use core::hint::black_box;

pub use form::Form;
pub use scalar::Scalar;

/// Words in a line.
pub const WORDS: usize = 24;
/// Pairs of words in a line: the degree of the field of its second parity.
const PAIRS: usize = WORDS / 2;
/// The pair to which the one that leaves a line is added, beside the first.
const TAP: usize = 3;

/// A line in memory.
pub type Line = [u64; WORDS];

/// Four neighbouring words of a line.
pub type Quad = [u64; 4];

/// What the halves of a line's words are multiplied by in its checksum: keys below 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Keys {
    /// For the low half of each word.
    pub low: Line,
    /// For the high half of each word.
    pub high: Line,
}

/// Registers, and what is done with lines in them.
pub trait Unit: Copy + Debug {
    /// A line in registers.
    type Register: Copy + Debug;

    /// A line of zeros.
    fn zero(self) -> Self::Register;

    /// A line from memory.
    fn load(self, line: &Line) -> Self::Register;

    /// Whether a line in registers is the one in memory.
    fn is(self, register: Self::Register, line: &Line) -> bool;

    /// The sum of the products of all halves with their keys, modulo 2^64.
    fn share(self, line: &Line, keys: &Keys) -> u64;

    /// Adds `lines`, the last one first, to `sums`, and gives the share of each: to the first sum
    /// by exclusive or; the second is multiplied by x before each line is added to it, in
    /// GF(2)\[x\] modulo x^12 + x^3 + 1, whose coefficients are the pairs of words of a line.
    fn add<const N: usize>(
        self,
        sums: &mut Sums<Self>,
        lines: [&Line; N],
        keys: &KeysIn<Self>,
    ) -> [u64; N];

    /// How eight numbers, given by their bits, differ from what they become: the first four gain
    /// `gains` and stay at `most` or below, the other four gain `shifts` and lose `turn` if they
    /// come to it or beyond. No number is below 0, and none that is gained.
    fn advance(
        self,
        numbers: &[u64; 8],
        gains: &[f64; 4],
        shifts: &[f64; 4],
        most: f64,
        turn: f64,
    ) -> [Quad; 2];

    /// Adds `differences`, by exclusive or, to the quads of `line` from the word `start` on, which
    /// is even, and gives what the line's share gains.
    fn change<const N: usize>(
        self,
        line: &mut Line,
        start: usize,
        differences: &[Quad; N],
        keys: &Keys,
    ) -> u64;
}

/// Keys in registers, for many lines.
#[derive(Clone, Copy, Debug)]
pub struct KeysIn<U: Unit> {
    low: U::Register,
    high: U::Register,
}

impl<U: Unit> KeysIn<U> {
    /// Puts keys into registers.
    #[inline(always)]
    pub fn new(unit: U, keys: &Keys) -> Self {
        // The box hides from the compiler what the keys are: it would fetch them for each line.
        let keys = black_box(keys);
        KeysIn {
            low: unit.load(&keys.low),
            high: unit.load(&keys.high),
        }
    }
}

/// What lines were added up to.
#[derive(Clone, Copy, Debug)]
pub struct Sums<U: Unit> {
    /// The sum of all lines.
    pub first: U::Register,
    /// The sum of all lines, each times x to the power of how many were added after it.
    pub second: U::Register,
}

impl<U: Unit> Sums<U> {
    /// The sums of no line.
    #[inline(always)]
    pub fn none(unit: U) -> Self {
        Sums {
            first: unit.zero(),
            second: unit.zero(),
        }
    }
}

/// Work that is done with any unit: what [`Form::run`] runs.
pub trait Work {
    /// What it gives.
    type Output;

    /// Does the work. Mark it, and all that it calls with `unit`, `#[inline(always)]`: only so is
    /// it compiled for the unit.
    fn run<U: Unit>(self, unit: U) -> Self::Output;
}

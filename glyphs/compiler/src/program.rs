//! Programs as rows of numbers, one number of each row for each field of the state.
//!
//! Every command changes fields by constants that are known when the vault is loaded, and reads no
//! other field. The commands that change one field, its *lane*, can therefore run apart from all others,
//! in their own order: the same operations on the same numbers, bit for bit. A row is one step of every
//! lane: a program is one plain loop over rows without dispatch, and the processor runs the lanes side
//! by side. (17 commands took 25.8 ns one after the other by a `match`.) The lane of the coherence, of
//! integers, comes to two numbers, since integers may be added up in any order.
//!
//! Invariants:
//! - a program carries all that it needs; running it searches nothing;
//! - a lane that is shorter than the longest is filled with numbers that change no bit of its field.

mod coherence;

use abi::response::FieldState;
use alloc::vec::Vec;
pub use coherence::Coherence;
use core::ops::Range;
use glyph_parser::Command;

/// Share of a target's resonance that `entangle` adds.
const ENTANGLE_RESONANCE_SHARE: f64 = 0.2;
/// Coherence that `stabilize` leads to and no further, percent.
const COHERENCE_FULL: i64 = 100;
/// Coherence that `stabilize` adds on the way, percent.
const COHERENCE_STEP: i64 = 10;

/// One operation, in the place of one [`Command`], for who runs a program step by step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// `R *= k`
    Resonate(f64),
    /// `E += entanglement; R += resonance`
    Entangle {
        /// The target's entanglement coefficient.
        entanglement: f64,
        /// A fifth of the target's resonance, hertz.
        resonance: f64,
    },
    /// `M *= k`
    Amplify(f64),
    /// `P += d`, degrees
    PhaseShift(f64),
    /// `C = 100 if C > 90 else C + 10`
    Stabilize,
    /// `M *= keep; C -= drop`
    Decay {
        /// `1 - k`
        keep: f64,
        /// `trunc(k * 10)`, percent.
        drop: i64,
    },
    /// A `decay` whose `trunc(k * 10)` no coherence can hold: running it fails.
    DecayBeyondRange,
}

impl Op {
    /// Compiles one command, by itself: an `entangle` adds nothing until its target is known.
    pub(crate) fn alone(command: &Command) -> Op {
        match command {
            Command::Resonate(factor) => Op::Resonate(*factor),
            Command::Amplify(factor) => Op::Amplify(*factor),
            Command::PhaseShift(degrees) => Op::PhaseShift(*degrees),
            Command::Stabilize => Op::Stabilize,
            Command::Entangle(_) => Op::Entangle {
                entanglement: 0.0,
                resonance: 0.0,
            },
            Command::Decay(share) => match truncate(*share * 10.0) {
                Some(drop) => Op::Decay {
                    keep: 1.0 - *share,
                    drop,
                },
                None => Op::DecayBeyondRange,
            },
        }
    }

    /// What a coherence becomes by it, percent; `None` if that leaves its range.
    #[must_use]
    pub fn coherence(&self, before: i64) -> Option<i64> {
        match self {
            Op::Stabilize => Some(before.min(COHERENCE_FULL - COHERENCE_STEP) + COHERENCE_STEP),
            Op::Decay { drop, .. } => before.checked_sub(*drop),
            Op::DecayBeyondRange => None,
            _ => Some(before),
        }
    }
}

/// What an `entangle` with one target adds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entanglement {
    entanglement: f64,
    resonance: f64,
}

impl Entanglement {
    /// With the target whose own values these are.
    pub(crate) fn with(target: &FieldState) -> Self {
        Entanglement {
            entanglement: target.entanglement,
            resonance: target.resonance * ENTANGLE_RESONANCE_SHARE,
        }
    }
}

/// One step of each lane, or the numbers that they start from.
// Aligned, so that the processor adds two of the numbers at once as they are in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(16))]
pub struct Row {
    /// Degrees that `P` grows by, and what `E` grows by.
    pub sums: [f64; 2],
    /// What `M` is multiplied by.
    pub magnitude: f64,
    /// What `R` is multiplied by or grows by, hertz.
    pub resonance: f64,
}

impl Row {
    /// Changes no bit of any number: adding 0 would make 0 of -0.
    const NEUTRAL: Row = Row {
        sums: [-0.0; 2],
        magnitude: 1.0,
        resonance: -0.0,
    };

    fn start(state: &FieldState) -> Self {
        Row {
            sums: [state.phase, state.entanglement],
            magnitude: state.magnitude,
            resonance: state.resonance,
        }
    }

    /// The bits of its numbers.
    pub(crate) fn words(&self) -> [u64; 4] {
        let [phase, entanglement] = self.sums;
        [phase, entanglement, self.magnitude, self.resonance].map(f64::to_bits)
    }

    /// Flips bit `bit` of its [`words`](Row::words).
    pub(crate) fn flip(&mut self, bit: usize) {
        let [phase, entanglement] = &mut self.sums;
        let numbers = [
            phase,
            entanglement,
            &mut self.magnitude,
            &mut self.resonance,
        ];
        if let Some(number) = numbers.into_iter().nth(bit / 64) {
            *number = f64::from_bits(number.to_bits() ^ 1 << (bit % 64));
        }
    }

    /// The state with these numbers and this coherence, percent.
    #[must_use]
    pub fn state(&self, coherence: i64) -> FieldState {
        let [phase, entanglement] = self.sums;
        FieldState {
            resonance: self.resonance,
            magnitude: self.magnitude,
            phase,
            coherence,
            entanglement,
        }
    }
}

/// A program, its commands sorted into lanes; the order within a lane is that of the commands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Program<'a> {
    /// What the lanes start from, the state after inheritance, and then one step of each after the other.
    pub rows: &'a [Row],
    /// Bit `n` is set if step `n` multiplies `R`.
    pub multiplies: u64,
    /// The coherence to start from, percent.
    pub start: i64,
    /// What becomes of it.
    pub coherence: Coherence,
}

impl<'a> Program<'a> {
    /// The operations of `commands`, which this is the program of, for who runs them step by step.
    pub fn ops(&self, commands: &'a [Command]) -> impl Iterator<Item = Op> + use<'a> {
        let multiplies = self.multiplies;
        let steps = self.rows.iter().skip(1).enumerate();
        let mut targets = steps.filter(move |(step, _)| !is_set(multiplies, *step));
        commands
            .iter()
            .map(move |command| match Op::alone(command) {
                Op::Entangle { .. } => {
                    let Some((_, row)) = targets.next() else {
                        unreachable!("a program has a row for each `entangle`");
                    };
                    Op::Entangle {
                        entanglement: row.sums[1],
                        resonance: row.resonance,
                    }
                }
                op => op,
            })
    }
}

/// The lanes of all programs of a vault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lanes {
    pub(crate) rows: Vec<Row>,
}

/// Where the lanes of one program are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    coherence: Coherence,
    multiplies: u64,
    /// The row that the lanes start from.
    start: u32,
    // At most 64 of each.
    steps: u8,
    commands: u8,
    entangles: u8,
}

impl Place {
    /// Commands of the program.
    pub(crate) fn commands(&self) -> u32 {
        u32::from(self.commands)
    }

    /// Its numbers, each bit of them once.
    pub(crate) fn words(&self) -> [u64; 4] {
        let counts = [self.steps, self.commands, self.entangles].map(u64::from);
        let counts = counts[0] | counts[1] << 8 | counts[2] << 16;
        [
            self.coherence.sum.cast_unsigned(),
            self.multiplies,
            u64::from(self.start) | counts << u32::BITS,
            u64::from(self.coherence.cap),
        ]
    }

    /// Where its rows are among those of all programs.
    pub(crate) fn rows(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.steps) + 1
    }

    /// How many of them entangle.
    pub(crate) fn entangles(&self) -> usize {
        usize::from(self.entangles)
    }
}

impl Lanes {
    /// Appends a program of at most 64 operations, to start from `state`.
    pub(crate) fn push(&mut self, state: &FieldState, ops: &[Op]) -> Place {
        let start = self.rows.len();
        self.rows.push(Row::start(state));
        // Steps of each lane so far; an `entangle` is a step of two.
        let (mut resonance, mut magnitude, mut phase) = (0, 0, 0);
        let mut multiplies = 0;
        let mut entangles = 0;
        for op in ops {
            match *op {
                Op::Resonate(factor) => {
                    multiplies |= 1 << resonance;
                    self.next(start, &mut resonance).resonance = factor;
                }
                Op::Entangle {
                    entanglement,
                    resonance: added,
                } => {
                    entangles += 1;
                    let row = self.next(start, &mut resonance);
                    row.sums[1] = entanglement;
                    row.resonance = added;
                }
                Op::Amplify(factor) | Op::Decay { keep: factor, .. } => {
                    self.next(start, &mut magnitude).magnitude = factor;
                }
                Op::PhaseShift(degrees) => self.next(start, &mut phase).sums[0] = degrees,
                Op::Stabilize | Op::DecayBeyondRange => {}
            }
        }
        Place {
            coherence: Coherence::of(ops),
            multiplies,
            start: position(start),
            steps: length(self.rows.len() - start - 1),
            commands: length(ops.len()),
            entangles,
        }
    }

    /// The row of a lane's next step, which is there or comes after the last one.
    fn next(&mut self, start: usize, steps: &mut usize) -> &mut Row {
        *steps += 1;
        let position = start + *steps;
        if position == self.rows.len() {
            self.rows.push(Row::NEUTRAL);
        }
        &mut self.rows[position]
    }

    /// Fills in what each `entangle` of a program adds, in their order.
    pub(crate) fn entangle(&mut self, place: &Place, targets: impl Iterator<Item = Entanglement>) {
        let steps = &mut self.rows[place.start as usize + 1..][..usize::from(place.steps)];
        let steps = steps.iter_mut().enumerate();
        let steps = steps.filter(|(step, _)| !is_set(place.multiplies, *step));
        for ((_, row), target) in steps.zip(targets) {
            row.sums[1] = target.entanglement;
            row.resonance = target.resonance;
        }
    }

    /// Lets a program start from `state`, but for the coherence.
    pub(crate) fn start_from(&mut self, place: &Place, state: &FieldState) {
        self.rows[place.start as usize] = Row::start(state);
    }

    /// The state that a program starts from, with this coherence.
    pub(crate) fn start(&self, place: &Place, coherence: i64) -> FieldState {
        self.rows[place.start as usize].state(coherence)
    }

    /// The program at `place`, to start from this coherence.
    // A call would hand the lanes over in memory, which costs an activation a tenth of its time.
    #[inline(always)]
    pub(crate) fn program(&self, place: &Place, start: i64) -> Program<'_> {
        Program {
            rows: &self.rows[place.start as usize..][..=usize::from(place.steps)],
            multiplies: place.multiplies,
            start,
            coherence: place.coherence,
        }
    }
}

fn is_set(bits: u64, place: usize) -> bool {
    bits >> place & 1 == 1
}

/// The length of a lane of one program, which has at most 64 commands.
fn length(count: usize) -> u8 {
    u8::try_from(count).unwrap_or_else(|_| unreachable!("a program has at most 64 commands"))
}

/// A position in one of the vault's tables, which the bytes of a vault keep far below 2^32.
pub(crate) fn position(count: usize) -> u32 {
    u32::try_from(count).unwrap_or_else(|_| unreachable!("a vault's tables hold fewer than 2^32"))
}

/// Toward zero, if the result is an `i64`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is to be dropped and the range is checked"
)]
fn truncate(value: f64) -> Option<i64> {
    // 2^63 is the least f64 above every i64, and -2^63 an i64 itself.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (-BOUND..BOUND).contains(&value).then_some(value as i64)
}

#[cfg(test)]
impl Place {
    /// Bits that [`Place::flip`] takes.
    pub(crate) const BITS: usize = 64 + 16 + 64 + 32 + 3 * 8;

    /// Flips a bit of its numbers, to see that damage is found.
    pub(crate) fn flip(&mut self, bit: usize) {
        match bit {
            0..64 => self.coherence.sum ^= 1 << bit,
            64..80 => self.coherence.cap ^= 1 << (bit - 64),
            80..144 => self.multiplies ^= 1 << (bit - 80),
            144..176 => self.start ^= 1 << (bit - 144),
            176..184 => self.steps ^= 1 << (bit - 176),
            184..192 => self.commands ^= 1 << (bit - 184),
            _ => self.entangles ^= 1 << (bit - 192),
        }
    }
}

#[cfg(test)]
mod tests;

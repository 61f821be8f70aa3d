//! Programs as lanes of numbers, one lane for each field of the state.
//!
//! Every command changes fields by constants that are known when the vault is loaded, and reads no
//! other field. The commands that change one field can therefore run apart from all others, in their
//! own order: the same operations on the same numbers, bit for bit. A lane is a plain loop over
//! numbers without dispatch, and the processor runs the lanes side by side. (17 commands took 25.8 ns
//! one after the other by a `match`.)
//!
//! Invariant: a program carries all that it needs; running it searches nothing.

use abi::response::FieldState;
use alloc::vec::Vec;
use glyph_parser::Command;

/// Share of a target's resonance that `entangle` adds.
const ENTANGLE_RESONANCE_SHARE: f64 = 0.2;

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

/// A program, its commands sorted into lanes; the order within a lane is that of the commands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Program<'a> {
    /// What `R` is multiplied by or grows by, hertz, step after step.
    pub resonance: &'a [f64],
    /// Bit `n` is set if step `n` of `resonance` multiplies.
    pub multiplies: u64,
    /// Factors of `M`.
    pub magnitude: &'a [f64],
    /// Degrees that `P` grows by.
    pub phase: &'a [f64],
    /// What `E` grows by.
    pub entanglement: &'a [f64],
    /// Percent that `C` loses, or whatever where it is stabilized.
    pub coherence: &'a [i64],
    /// Bit `n` is set if step `n` of `coherence` stabilizes.
    pub stabilizes: u64,
    /// Whether a command drops more than any coherence can hold: then the program fails.
    pub drops_beyond_range: bool,
}

impl<'a> Program<'a> {
    /// The operations of `commands`, which this is the program of, for who runs them step by step.
    pub fn ops(&self, commands: &'a [Command]) -> impl Iterator<Item = Op> + use<'a> {
        let multiplies = self.multiplies;
        let resonance = self.resonance.iter().enumerate();
        let added = resonance.filter(move |(step, _)| !is_set(multiplies, *step));
        let mut targets = self.entanglement.iter().zip(added);
        commands
            .iter()
            .map(move |command| match Op::alone(command) {
                Op::Entangle { .. } => {
                    let Some((entanglement, (_, resonance))) = targets.next() else {
                        unreachable!("a program has a target for each `entangle`");
                    };
                    Op::Entangle {
                        entanglement: *entanglement,
                        resonance: *resonance,
                    }
                }
                op => op,
            })
    }
}

/// The lanes of all programs of a vault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lanes {
    /// Of each program: `R`, `M`, `P`, `E`.
    numbers: Vec<f64>,
    /// Of each program: `C`.
    drops: Vec<i64>,
}

/// Where the lanes of one program are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    numbers: u32,
    drops: u32,
    // At most 64 commands each.
    resonance: u8,
    magnitude: u8,
    phase: u8,
    entanglement: u8,
    coherence: u8,
    commands: u8,
    drops_beyond_range: bool,
    multiplies: u64,
    stabilizes: u64,
}

impl Place {
    /// Commands of the program.
    pub(crate) fn commands(&self) -> u32 {
        u32::from(self.commands)
    }

    /// How many of them entangle.
    pub(crate) fn entangles(&self) -> usize {
        usize::from(self.entanglement)
    }
}

impl Lanes {
    /// Appends a program of at most 64 operations.
    pub(crate) fn push(&mut self, ops: &[Op]) -> Place {
        let (numbers, drops) = (position(self.numbers.len()), position(self.drops.len()));
        let resonance = self.extend(ops, |op| match *op {
            Op::Resonate(factor) => Some(factor),
            Op::Entangle { resonance, .. } => Some(resonance),
            _ => None,
        });
        let magnitude = self.extend(ops, |op| match *op {
            Op::Amplify(factor) | Op::Decay { keep: factor, .. } => Some(factor),
            _ => None,
        });
        let phase = self.extend(ops, |op| match *op {
            Op::PhaseShift(degrees) => Some(degrees),
            _ => None,
        });
        let entanglement = self.extend(ops, |op| match *op {
            Op::Entangle { entanglement, .. } => Some(entanglement),
            _ => None,
        });
        let changes_resonance = |op: &&Op| matches!(op, Op::Resonate(_) | Op::Entangle { .. });
        let changes_coherence = |op: &&Op| matches!(op, Op::Stabilize | Op::Decay { .. });
        self.drops
            .extend(ops.iter().filter(changes_coherence).map(|op| match *op {
                Op::Decay { drop, .. } => drop,
                _ => 0,
            }));
        Place {
            numbers,
            drops,
            resonance,
            magnitude,
            phase,
            entanglement,
            coherence: length(self.drops.len() - drops as usize),
            commands: length(ops.len()),
            drops_beyond_range: ops.contains(&Op::DecayBeyondRange),
            multiplies: bits(ops.iter().filter(changes_resonance), |op| {
                matches!(op, Op::Resonate(_))
            }),
            stabilizes: bits(ops.iter().filter(changes_coherence), |op| {
                *op == Op::Stabilize
            }),
        }
    }

    /// Appends one lane and gives its length.
    fn extend(&mut self, ops: &[Op], number: impl Fn(&Op) -> Option<f64>) -> u8 {
        let before = self.numbers.len();
        self.numbers.extend(ops.iter().filter_map(number));
        length(self.numbers.len() - before)
    }

    /// Fills in what each `entangle` of a program adds, in their order.
    pub(crate) fn entangle(&mut self, place: &Place, targets: impl Iterator<Item = Entanglement>) {
        let numbers = &mut self.numbers[place.numbers as usize..];
        let (resonance, numbers) = numbers.split_at_mut(usize::from(place.resonance));
        let before = usize::from(place.magnitude) + usize::from(place.phase);
        let resonance = resonance.iter_mut().enumerate();
        let added = resonance.filter(|(step, _)| !is_set(place.multiplies, *step));
        for ((entanglement, (_, resonance)), target) in
            numbers[before..].iter_mut().zip(added).zip(targets)
        {
            *entanglement = target.entanglement;
            *resonance = target.resonance;
        }
    }

    /// The program at `place`.
    // A call would hand the lanes over in memory, which costs an activation a tenth of its time.
    #[inline(always)]
    pub(crate) fn program(&self, place: &Place) -> Program<'_> {
        let numbers = &self.numbers[place.numbers as usize..];
        let (resonance, numbers) = numbers.split_at(usize::from(place.resonance));
        let (magnitude, numbers) = numbers.split_at(usize::from(place.magnitude));
        let (phase, numbers) = numbers.split_at(usize::from(place.phase));
        let entanglement = &numbers[..usize::from(place.entanglement)];
        let drops = &self.drops[place.drops as usize..];
        Program {
            resonance,
            multiplies: place.multiplies,
            magnitude,
            phase,
            entanglement,
            coherence: &drops[..usize::from(place.coherence)],
            stabilizes: place.stabilizes,
            drops_beyond_range: place.drops_beyond_range,
        }
    }
}

/// Bit `n` tells whether item `n` is one of those meant.
fn bits<'a>(items: impl Iterator<Item = &'a Op>, is_meant: impl Fn(&Op) -> bool) -> u64 {
    items
        .enumerate()
        .filter(|(_, op)| is_meant(op))
        .fold(0, |bits, (n, _)| bits | 1 << n)
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
mod tests {
    use super::*;

    fn decay(share: f64) -> Op {
        Op::alone(&Command::Decay(share))
    }

    #[test]
    fn decay_drops_toward_zero_and_knows_its_range() {
        assert_eq!(
            decay(0.25),
            Op::Decay {
                keep: 0.75,
                drop: 2
            }
        );
        assert_eq!(
            decay(-0.25),
            Op::Decay {
                keep: 1.25,
                drop: -2
            }
        );
        assert_eq!(
            decay(0.09),
            Op::Decay {
                keep: 0.91,
                drop: 0
            }
        );
        assert_eq!(decay(1e300), Op::DecayBeyondRange);
        assert_eq!(decay(f64::MAX), Op::DecayBeyondRange);
        assert_eq!(decay(922_337_203_685_477_580.8), Op::DecayBeyondRange);
        assert!(matches!(
            decay(-922_337_203_685_477_580.8),
            Op::Decay { drop: i64::MIN, .. }
        ));
    }

    #[test]
    fn commands_stand_in_the_lanes_of_the_fields_that_they_change_in_their_order() {
        let entangle = |entanglement, resonance| Op::Entangle {
            entanglement,
            resonance,
        };
        let decay = |keep, drop| Op::Decay { keep, drop };
        let mut lanes = Lanes::default();
        let first = lanes.push(&[
            Op::Stabilize,
            Op::Resonate(2.0),
            decay(0.5, 3),
            entangle(7.0, 8.0),
            Op::Amplify(0.25),
            Op::Resonate(4.0),
            Op::PhaseShift(-30.0),
            Op::Stabilize,
            Op::PhaseShift(60.0),
        ]);
        let second = lanes.push(&[Op::DecayBeyondRange, entangle(1.0, 5.0)]);
        let none = lanes.push(&[]);
        assert_eq!(
            lanes.program(&first),
            Program {
                resonance: &[2.0, 8.0, 4.0],
                multiplies: 0b101,
                magnitude: &[0.5, 0.25],
                phase: &[-30.0, 60.0],
                entanglement: &[7.0],
                coherence: &[0, 3, 0],
                stabilizes: 0b101,
                drops_beyond_range: false,
            }
        );
        let second = lanes.program(&second);
        assert_eq!((second.resonance, second.multiplies), (&[5.0][..], 0));
        assert_eq!(second.entanglement, [1.0]);
        assert!(second.drops_beyond_range && second.coherence.is_empty());
        assert!(lanes.program(&none).resonance.is_empty());
    }

    #[test]
    fn a_program_of_sixty_four_commands_fills_a_lane_to_its_last_bit() {
        let mut lanes = Lanes::default();
        let place = lanes.push(&[Op::Resonate(1.0); 64]);
        assert_eq!(lanes.program(&place).multiplies, u64::MAX);
        let place = lanes.push(&[Op::Stabilize; 64]);
        assert_eq!(lanes.program(&place).stabilizes, u64::MAX);
        assert_eq!(lanes.program(&place).coherence.len(), 64);
    }
}

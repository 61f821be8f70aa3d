//! Every form that this processor has, against the definition word by word.

use crate::{Form, Keys, KeysIn, Line, PAIRS, Quad, Sums, Unit, WORDS, Work};
use core::f64::consts::TAU;
use std::vec::Vec;

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn any_line(state: &mut u64) -> Line {
    // Words of zeros and of ones among them, where carries begin and end.
    core::array::from_fn(|_| match next(state) % 8 {
        0 => 0,
        1 => u64::MAX,
        _ => next(state),
    })
}

fn any_keys(state: &mut u64) -> Keys {
    let mut keys = || any_line(state).map(|word| word >> 32);
    Keys {
        low: keys(),
        high: keys(),
    }
}

/// The share of a line, as the words of the documentation say.
fn share_by_hand(line: &Line, keys: &Keys) -> u64 {
    (0..WORDS).fold(0_u64, |sum, at| {
        let low = (line[at] & 0xffff_ffff) * keys.low[at];
        let high = (line[at] >> 32) * keys.high[at];
        sum.wrapping_add(low).wrapping_add(high)
    })
}

/// A line times x, bit by bit: 128 polynomials of degree 11 side by side.
fn raised_by_hand(line: &Line) -> Line {
    let mut raised = [0; WORDS];
    for bit in 0..128 {
        let (half, shift) = (bit / 64, bit % 64);
        let mut polynomial = 0_u32;
        for pair in 0..PAIRS {
            polynomial |= u32::from(line[2 * pair + half] >> shift & 1 == 1) << pair;
        }
        polynomial <<= 1;
        if polynomial >> 12 == 1 {
            polynomial ^= 0b1_0000_0000_1001;
        }
        for pair in 0..PAIRS {
            raised[2 * pair + half] |= u64::from(polynomial >> pair & 1) << shift;
        }
    }
    raised
}

fn plus(one: &Line, other: &Line) -> Line {
    core::array::from_fn(|at| one[at] ^ other[at])
}

/// Shares of lines taken one by one and four at once, and whether they come to the sums.
struct Whole<'a> {
    lines: &'a [Line],
    keys: &'a Keys,
    first: Line,
    second: Line,
}

impl Work for Whole<'_> {
    type Output = (Vec<u64>, Vec<u64>, [bool; 2]);

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) -> Self::Output {
        let alone = self.lines.iter().map(|line| unit.share(line, self.keys));
        let alone = alone.collect();
        let keys = KeysIn::new(unit, self.keys);
        let mut sums = Sums::none(unit);
        let mut together = Vec::new();
        let mut end = self.lines.len();
        while end > 0 {
            let start = end.saturating_sub(4);
            if let [a, b, c, d] = &self.lines[start..end] {
                together.extend(unit.add(&mut sums, [a, b, c, d], &keys).iter().rev());
                end = start;
            } else {
                together.extend(unit.add(&mut sums, [&self.lines[end - 1]], &keys));
                end -= 1;
            }
        }
        together.reverse();
        let are_sums = [
            unit.is(sums.first, &self.first),
            unit.is(sums.second, &self.second),
        ];
        (alone, together, are_sums)
    }
}

#[test]
fn every_form_gives_the_shares_and_sums_of_the_definition() {
    let mut state = 7;
    for count in (0..=16).cycle().take(1700) {
        let lines: Vec<Line> = (0..count).map(|_| any_line(&mut state)).collect();
        let keys = any_keys(&mut state);
        let shares: Vec<u64> = lines
            .iter()
            .map(|line| share_by_hand(line, &keys))
            .collect();
        let mut first = [0; WORDS];
        let mut second = [0; WORDS];
        for line in lines.iter().rev() {
            first = plus(&first, line);
            second = plus(&raised_by_hand(&second), line);
        }
        // A word of either sum that is wrong is seen, whichever it is.
        let at = usize::try_from(next(&mut state) % 24).unwrap();
        let bit = 1 << (next(&mut state) % 64);
        for form in Form::all() {
            let mut whole = Whole {
                lines: &lines,
                keys: &keys,
                first,
                second,
            };
            let found = form.run(Whole { ..whole });
            assert_eq!(
                found,
                (shares.clone(), shares.clone(), [true; 2]),
                "{form:?}"
            );
            whole.first[at] ^= bit;
            assert_eq!(form.run(Whole { ..whole }).2, [false, true], "{form:?}");
            whole.second[at] ^= bit;
            assert_eq!(form.run(whole).2, [false; 2], "{form:?}");
        }
    }
}

/// A line with some of its quads changed, and what its share gains.
struct Changed<'a, const N: usize> {
    line: Line,
    start: usize,
    differences: &'a [Quad; N],
    keys: &'a Keys,
}

impl<const N: usize> Work for Changed<'_, N> {
    type Output = (Line, u64);

    #[inline(always)]
    fn run<U: Unit>(mut self, unit: U) -> Self::Output {
        let gained = unit.change(&mut self.line, self.start, self.differences, self.keys);
        (self.line, gained)
    }
}

/// Changes `N` quads of any line in every form.
fn change_quads<const N: usize>(state: &mut u64) {
    let keys = any_keys(state);
    let line = any_line(state);
    let places = PAIRS + 1 - 2 * N;
    let start = 2 * (usize::try_from(next(state)).unwrap() % places);
    let differences: [Quad; N] = [(); N].map(|()| any_line(state)[0..4].try_into().unwrap());
    let mut changed = line;
    for (word, difference) in changed[start..].iter_mut().zip(differences.as_flattened()) {
        *word ^= difference;
    }
    let gained = share_by_hand(&changed, &keys).wrapping_sub(share_by_hand(&line, &keys));
    for form in Form::all() {
        let found = form.run(Changed {
            line,
            start,
            differences: &differences,
            keys: &keys,
        });
        assert_eq!(found, (changed, gained), "{form:?}");
    }
}

#[test]
fn every_form_changes_quads_and_tells_what_the_share_gains() {
    let mut state = 3;
    for _ in 0..10_000 {
        change_quads::<1>(&mut state);
        change_quads::<2>(&mut state);
        change_quads::<3>(&mut state);
        change_quads::<6>(&mut state);
    }
}

/// Eight numbers that advance.
struct Advanced {
    numbers: [f64; 8],
    gains: [f64; 4],
    shifts: [f64; 4],
}

impl Work for Advanced {
    type Output = [u64; 8];

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) -> [u64; 8] {
        let old = self.numbers.map(f64::to_bits);
        let differences = unit.advance(&old, &self.gains, &self.shifts, 1000.0, TAU);
        let mut words = differences.as_flattened().iter().zip(old);
        core::array::from_fn(|_| words.next().map_or(0, |(difference, old)| difference ^ old))
    }
}

#[test]
fn every_form_advances_numbers_to_what_the_definition_says() {
    let mut state = 11;
    for _ in 0..100_000 {
        // Zeros, the limits themselves, and any number below them.
        let mut below = |limit: f64| match next(&mut state) % 8 {
            0 => 0.0,
            1 => limit,
            2 => limit / 2.0,
            _ => limit * (next(&mut state) >> 11) as f64 / (1_u64 << 53) as f64,
        };
        let levels: [f64; 4] = core::array::from_fn(|_| below(1000.0));
        let phases: [f64; 4] = core::array::from_fn(|_| below(TAU));
        let gains: [f64; 4] = core::array::from_fn(|_| below(2000.0));
        let shifts: [f64; 4] = core::array::from_fn(|_| below(TAU));
        let expected: [u64; 8] = core::array::from_fn(|at| {
            let number = if at < 4 {
                (levels[at] + gains[at]).min(1000.0)
            } else {
                let sum = phases[at - 4] + shifts[at - 4];
                if sum < TAU { sum } else { sum - TAU }
            };
            number.to_bits()
        });
        for form in Form::all() {
            let found = form.run(Advanced {
                numbers: core::array::from_fn(
                    |at| if at < 4 { levels[at] } else { phases[at - 4] },
                ),
                gains,
                shifts,
            });
            assert_eq!(
                found, expected,
                "{form:?}: {levels:?} {phases:?} {gains:?} {shifts:?}"
            );
        }
    }
}

#[test]
fn the_form_that_is_chosen_is_one_that_there_is_and_stays() {
    let chosen = Form::quickest().name();
    let names: Vec<_> = Form::all().map(Form::name).collect();
    assert!(names.contains(&chosen), "{chosen} of {names:?}");
    assert_eq!(Form::quickest().name(), chosen);
    assert_eq!(Form::named(chosen).map(Form::name), Some(chosen));
    assert_eq!(Form::named("of another processor").map(Form::name), None);
    #[cfg(target_arch = "x86_64")]
    for (name, is_there) in [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("avx512", std::is_x86_feature_detected!("avx512f")),
    ] {
        // A processor may be told to keep wider registers off; never the other way round.
        assert!(is_there || !names.contains(&name), "{name}");
    }
}

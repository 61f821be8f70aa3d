//! Random vaults, printed to files, loaded, activated and compared.
//!
//! The generator is seeded; a failure names the seed of its vault and prints the glyph's file.

use crate::naive::{Glyphs, OutOfRange, agree, evaluate, inherited};
use crate::random::Random;
use abi::GlyphId;
use abi::limits::GENERATIONS_MAX;
use campaign::{Campaign, Size};
use glyph_compiler::{Limits, Vault};
use glyph_interpreter::{ActivationError, Interpreter};
use glyph_parser::{Command, Comparison, Constraint, Definition, ParentsWord, StateField, print};

impl Random {
    /// In [0, high], often round, seldom tiny or at an end.
    fn real(&mut self, high: f64) -> f64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        match self.below(20) {
            0 => 0.0,
            1 => high,
            2 => 1e-300,
            3..=8 => (share * 10.0).round().min(high),
            _ => share * share * high,
        }
    }

    /// An argument of a command.
    fn argument(&mut self) -> f64 {
        let value = self.real(2.0) * self.pick(&[1.0, 1.0, 1.0, -1.0]);
        match self.below(400) {
            0 => value * 1e200,
            1 => value * 1e18,
            _ => value,
        }
    }
}

/// Most ways that lead from one glyph to its ancestors, which bounds the oracle's work.
const WAYS_MAX: u64 = 400;

fn random_glyphs(count: usize, random: &mut Random) -> Glyphs {
    let mut made: Vec<(Definition, u64, usize)> = Vec::new();
    let name = |number: usize| GlyphId::new(&format!("g{number:04}")).unwrap();
    for number in 0..count {
        let mut glyph = Definition::with_defaults(name(number));
        let (mut ways, mut generations) = (1, 0);
        for _ in 0..random.pick(&[0, 1, 1, 1, 2, 2, 3, 5]) {
            let near = if random.below(4) == 0 {
                number
            } else {
                number.min(6)
            };
            let Some(back) = near.checked_sub(1).map(|most| 1 + random.below(most + 1)) else {
                break;
            };
            let (parent, parent_ways, parent_generations) = &made[number - back];
            if ways + parent_ways <= WAYS_MAX && *parent_generations < GENERATIONS_MAX {
                glyph.parents.push(parent.id.clone());
                ways += parent_ways;
                generations = generations.max(parent_generations + 1);
            }
        }
        glyph.resonance = random.real(100_000.0);
        glyph.magnitude = random.real(1000.0);
        glyph.phase = random.real(72_000.0) - 36_000.0;
        glyph.coherence = i64::try_from(random.below(1001)).unwrap();
        let entanglement_max = random.pick(&[2.0, 2.0, 2.0, 1000.0]);
        glyph.entanglement = random.real(entanglement_max);
        for _ in 0..random.below(12) {
            glyph.program.push(match random.below(6) {
                0 => Command::Resonate(random.argument()),
                1 => Command::Entangle(name(random.below(count))),
                2 => Command::Amplify(random.argument()),
                3 => Command::PhaseShift(random.argument() * 180.0),
                4 => Command::Stabilize,
                _ => Command::Decay(random.argument()),
            });
        }
        if random.below(4) == 0 {
            glyph.constraints.push(Constraint::Compare {
                field: random.pick(&StateField::ALL),
                comparison: random.pick(&Comparison::ALL),
                number: random.real(500.0),
            });
        }
        if random.below(6) == 0 {
            glyph
                .constraints
                .push(Constraint::ParentsActive(random.pick(&ParentsWord::ALL)));
        }
        for label in ["field_state", "resonance", "note"] {
            if random.below(3) == 0 {
                glyph.outputs.push(label.into());
            }
        }
        made.push((glyph, ways, generations));
    }
    made.into_iter()
        .map(|(glyph, ..)| (glyph.id.clone(), glyph))
        .collect()
}

fn load(glyphs: &Glyphs) -> Vault {
    let files: Vec<(String, String)> = glyphs
        .values()
        .map(|glyph| (format!("{}.gdf", glyph.id), print(glyph)))
        .collect();
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (vault, errors) = Vault::load(files, &Limits::default());
    assert!(errors.is_empty(), "{}", errors[0]);
    vault
}

/// What the oracle says of the constraints, given who is active.
fn constraints_hold(
    glyphs: &Glyphs,
    glyph: &Definition,
    active: &dyn Fn(&GlyphId) -> bool,
) -> bool {
    let Ok(state) = inherited(glyphs, &glyph.id) else {
        // Comparisons say nothing of such a state; the activation fails in either way.
        return glyph.constraints.is_empty();
    };
    glyph.constraints.iter().all(|constraint| match constraint {
        Constraint::ParentsActive(_) => glyph.parents.iter().all(active),
        Constraint::Compare {
            field,
            comparison,
            number,
        } => {
            let value = match field {
                StateField::Coherence => state.coherence as f64,
                StateField::Magnitude => state.magnitude,
                StateField::Resonance => state.resonance,
                StateField::Phase => state.phase,
                StateField::Entanglement => state.entanglement,
            };
            match comparison {
                Comparison::AtLeast => value >= *number,
                Comparison::AtMost => value <= *number,
                Comparison::Above => value > *number,
                Comparison::Below => value < *number,
                Comparison::Equal => value == *number,
            }
        }
    })
}

#[derive(Debug, Default)]
struct Tally {
    agreed: u32,
    constrained: u32,
    overflowed: u32,
    deepest: u32,
}

/// Activates every glyph of one random vault, parents first or last, and compares.
fn compare_vault(seed: u64, tally: &mut Tally) {
    let mut random = Random(seed);
    let glyphs = random_glyphs(300, &mut random);
    let vault = load(&glyphs);
    let mut interpreter = Interpreter::new(&vault);
    for index in vault.glyphs() {
        let glyph = &glyphs[&vault.id(index)];
        assert_eq!(vault.definition(index), *glyph, "seed {seed}");
        tally.deepest = tally.deepest.max(vault.generations(index));
        let file = print(glyph);
        let expected = evaluate(&glyphs, &glyph.id);
        let actual = interpreter.activate(&vault, index, None);
        let mut steps = 0;
        let traced = interpreter.activate(&vault, index, Some(&mut |_, _| steps += 1));
        // As text, which tells -0 from 0.
        let texts = [&actual, &traced].map(|result| format!("{result:?}"));
        assert_eq!(texts[0], texts[1], "seed {seed}\n{file}");
        let active = |id: &GlyphId| interpreter.is_active(vault.find(id).unwrap());
        match (&expected, actual.as_ref().map_err(|refusal| &**refusal)) {
            (_, Err(ActivationError::Constraint { .. })) => {
                assert!(
                    !constraints_hold(&glyphs, glyph, &active),
                    "seed {seed}\n{file}"
                );
                tally.constrained += 1;
            }
            (Ok(expected), Ok(outcome)) => {
                assert!(
                    constraints_hold(&glyphs, glyph, &active),
                    "seed {seed}\n{file}"
                );
                assert!(
                    agree(expected, &outcome.state),
                    "seed {seed}: {expected:?}, not {:?}\n{file}",
                    outcome.state
                );
                assert_eq!(
                    steps,
                    1 + glyph.program.len() + usize::from(!glyph.parents.is_empty())
                );
                tally.agreed += 1;
                interpreter.commit(index);
            }
            (Err(OutOfRange), Err(ActivationError::NonFinite { .. })) => tally.overflowed += 1,
            // A state may be finite and its write to the home cell not.
            (Ok(state), Err(ActivationError::NonFinite { .. })) => {
                assert!(
                    !(100.0 * state.magnitude).is_finite(),
                    "seed {seed}\n{file}"
                );
                tally.overflowed += 1;
            }
            _ => panic!("seed {seed}: {expected:?}, not {actual:?}\n{file}"),
        }
    }
}

/// The vault that belongs to a number.
fn compare_numbered(number: u64, tally: &mut Tally) {
    compare_vault(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), tally);
}

#[test]
fn compiled_and_step_by_step_evaluation_agree_on_random_vaults() {
    let mut tally = Tally::default();
    (1..=120).for_each(|number| compare_numbered(number, &mut tally));
    println!("{tally:?}");
    assert!(tally.agreed >= 20_000, "{tally:?}");
    assert!(tally.constrained >= 1_000, "{tally:?}");
    assert!(tally.overflowed >= 10, "{tally:?}");
    assert!(tally.deepest >= 20, "{tally:?}");
}

#[test]
fn compiled_and_step_by_step_evaluation_agree_on_vaults_for_as_long_as_asked() {
    let size = Size {
        gate: 1,
        campaign: 1_000_000,
    };
    let mut campaign = Campaign::begin("glyphs: random glyphs", size);
    while let Some(number) = campaign.next_round() {
        let mut tally = Tally::default();
        compare_numbered(number, &mut tally);
        campaign.add(u64::from(tally.agreed + tally.overflowed));
    }
    campaign.end();
}

#[test]
fn disagreement_is_noticed() {
    let glyphs = random_glyphs(300, &mut Random(1));
    let vault = load(&glyphs);
    let seen = vault.glyphs().any(|index| {
        let state = inherited(&glyphs, &vault.id(index)).unwrap();
        let off = abi::response::FieldState {
            resonance: state.resonance * (1.0 + 3e-12),
            ..state
        };
        state.resonance > 0.0 && !agree(&state, &off)
    });
    assert!(seen);
}

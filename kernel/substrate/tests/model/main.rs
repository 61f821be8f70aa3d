//! The substrate against a naive model: plain numbers, eager ticks, the words of the spec.
//!
//! The model and the substrate do the same random operations; afterwards every cell has to
//! have the same bits, and every refusal has to be the same.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own functions fail the test by it"
)]

mod naive;

use abi::CellIndex;
use abi::request::Pair;
use core::f64::consts::TAU;
use naive::{Model, ModelCell};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;
use substrate::{Effect, Substrate, SubstrateError};

#[derive(Clone, Debug)]
enum Operation {
    Read(u64),
    Write(u64, f64, f64, f64),
    Tick(u32),
    Force(u64, [f64; 3]),
    Wave(u64, f64, f64),
    Superpose(u64, Vec<(f64, f64)>),
    Observe(u64),
    Apply(u64, f64, f64),
    Scrub(u64),
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -2000.0..2000.0_f64,
        2 => any::<u64>().prop_map(f64::from_bits),
        1 => prop_oneof![
            Just(0.0), Just(-0.0), Just(1e300), Just(-1e-320), Just(f64::MAX), Just(f64::MIN),
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(TAU), Just(-TAU),
        ],
    ]
}

fn operations() -> impl Strategy<Value = Operation> {
    let cell = 0..170_u64;
    prop_oneof![
        cell.clone().prop_map(Operation::Read),
        (cell.clone(), numbers(), numbers(), numbers())
            .prop_map(|(cell, m, p, c)| Operation::Write(cell, m, p, c)),
        prop_oneof![4 => 0..3_u32, 1 => 0..200_u32, 1 => Just(3000)].prop_map(Operation::Tick),
        (cell.clone(), numbers(), numbers(), numbers())
            .prop_map(|(cell, x, y, z)| Operation::Force(cell, [x, y, z])),
        (cell.clone(), numbers(), numbers()).prop_map(|(cell, a, w)| Operation::Wave(cell, a, w)),
        (cell.clone(), 0.0..100.0_f64, 0.0..3.0_f64)
            .prop_map(|(cell, a, w)| Operation::Wave(cell, a, w)),
        (
            cell.clone(),
            proptest::collection::vec((numbers(), numbers()), 0..10)
        )
            .prop_map(|(cell, pairs)| Operation::Superpose(cell, pairs)),
        (
            cell.clone(),
            proptest::collection::vec((0.0..9.0_f64, numbers()), 1..9)
        )
            .prop_map(|(cell, pairs)| Operation::Superpose(cell, pairs)),
        cell.clone().prop_map(Operation::Observe),
        (cell, numbers(), numbers()).prop_map(|(cell, a, w)| Operation::Apply(cell, a, w)),
        (1..400_u64).prop_map(Operation::Scrub),
    ]
}

fn to_pairs(pairs: &[(f64, f64)]) -> Vec<Pair> {
    pairs
        .iter()
        .map(|&(amplitude, phase)| Pair { amplitude, phase })
        .collect()
}

fn check_cell(field: &mut Substrate, model: &mut Model, index: u64) {
    let seen = field.read(CellIndex(index));
    match model.cell(index) {
        Err(error) => assert_eq!(seen, Err(error)),
        Ok(cell) => {
            let seen = seen.unwrap();
            assert_eq!(seen.cell, CellIndex(index));
            let bits = |m: f64, p: f64, c: f64, d: f64| [m, p, c, d].map(f64::to_bits);
            assert_eq!(
                bits(seen.magnitude, seen.phase, seen.coherence, seen.decay_rate),
                bits(cell.magnitude, cell.phase, cell.coherence, cell.decay_rate),
                "cell {index}: {seen:?} {cell:?}"
            );
            assert!((0.0..TAU).contains(&seen.phase));
            assert_eq!(seen.last_update, cell.last_update);
            assert_eq!(seen.flags, u8::from(cell.pairs.is_some()));
        }
    }
}

fn check_observe(field: &mut Substrate, model: &mut Model, index: u64) {
    let mut seen = [Pair {
        amplitude: -1.0,
        phase: -1.0,
    }; 8];
    let count = field.observe(CellIndex(index), &mut seen);
    match model.cell(index).map(|cell| cell.pairs.clone()) {
        Err(error) => assert_eq!(count, Err(error)),
        Ok(None) => {
            let error = SubstrateError::NoSuperposition(CellIndex(index));
            assert_eq!(count, Err(error));
        }
        Ok(Some(pairs)) => {
            let bits = |pair: &Pair| (pair.amplitude.to_bits(), pair.phase.to_bits());
            assert!(
                seen[..count.unwrap()]
                    .iter()
                    .map(bits)
                    .eq(pairs.iter().map(bits))
            );
        }
    }
}

/// Does one operation on both, and compares the outcome.
fn step(field: &mut Substrate, model: &mut Model, operation: &Operation) {
    match *operation {
        Operation::Read(cell) => check_cell(field, model, cell),
        Operation::Observe(cell) => check_observe(field, model, cell),
        Operation::Write(cell, m, p, c) => assert_eq!(
            field.write(CellIndex(cell), m, p, c),
            model.write(cell, m, p, c)
        ),
        Operation::Tick(count) => {
            field.tick(count);
            model.tick(count);
            assert_eq!(field.tick_now(), model.tick);
        }
        Operation::Force(cell, vector) => assert_eq!(
            field.force(CellIndex(cell), vector),
            model.force(cell, vector)
        ),
        Operation::Wave(cell, a, w) => {
            assert_eq!(field.wave(CellIndex(cell), a, w), model.wave(cell, a, w));
        }
        Operation::Superpose(cell, ref pairs) => {
            let pairs = to_pairs(pairs);
            assert_eq!(
                field.superpose(CellIndex(cell), &pairs),
                model.superpose(cell, &pairs)
            );
        }
        Operation::Apply(cell, a, w) => {
            let effects = [
                Effect::Write {
                    cell: CellIndex(cell),
                    magnitude: 5.0,
                    phase: 6.0,
                    coherence: 7.0,
                },
                Effect::Wave {
                    origin: CellIndex(cell),
                    amplitude: a,
                    frequency: w,
                },
            ];
            // The model has no way back, so it first tries the wave where it cannot be seen.
            let mut trial = Model::new(model.width, model.cells.len() / model.width);
            trial.tick = model.tick;
            let expected = trial.wave(cell, a, w);
            if expected.is_ok() {
                model.write(cell, 5.0, 6.0, 7.0).unwrap();
                model.wave(cell, a, w).unwrap();
            }
            assert_eq!(field.apply(&effects), expected);
        }
        Operation::Scrub(lines) => {
            let report = field.scrub_step(lines);
            assert_eq!(
                (report.damaged, report.repaired, report.poisoned),
                (0, 0, 0)
            );
        }
    }
}

fn check_status(field: &mut Substrate, model: &Model) {
    let status = field.status();
    let count = model.cells.len() as f64;
    let total = |value: fn(&ModelCell) -> f64| model.cells.iter().fold(0.0, |s, c| s + value(c));
    let extreme = |pick: fn(f64, f64) -> f64| {
        model
            .cells
            .iter()
            .map(|c| c.magnitude)
            .reduce(pick)
            .unwrap()
    };
    assert_eq!(
        status.magnitude_mean.to_bits(),
        (total(|c| c.magnitude) / count).to_bits()
    );
    assert_eq!(
        status.coherence_mean.to_bits(),
        (total(|c| c.coherence) / count).to_bits()
    );
    assert_eq!(status.magnitude_min.to_bits(), extreme(f64::min).to_bits());
    assert_eq!(status.magnitude_max.to_bits(), extreme(f64::max).to_bits());
    assert_eq!(status.tick, model.tick);
    let superposed = model.cells.iter().filter(|c| c.pairs.is_some()).count();
    assert_eq!(status.superpositions, superposed as u64);
    assert_eq!(
        (
            status.poisoned,
            status.checksum_failures,
            status.parity_failures
        ),
        (0, 0, 0)
    );
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(2000) })]
    #[test]
    fn any_sequence_of_operations_gives_the_bits_of_the_naive_model(
        (width, height) in prop_oneof![
            Just((1_u32, 1_u32)), Just((13, 13)), Just((1, 37)), Just((41, 3)), Just((64, 4)),
            Just((8, 8)),
        ],
        script in proptest::collection::vec(operations(), 1..60),
    ) {
        let mut field = Substrate::new(width, height).unwrap();
        let mut twin = Substrate::new(width, height).unwrap();
        let mut model = Model::new(width as usize, height as usize);
        for operation in &script {
            step(&mut field, &mut model, operation);
        }
        for index in 0..=model.cells.len() as u64 {
            check_cell(&mut field, &mut model, index);
            check_observe(&mut field, &mut model, index);
        }
        check_status(&mut field, &model);
        // Scrubs, refusals and reads between the steps leave no trace in the digest.
        let mut model = Model::new(width as usize, height as usize);
        for operation in script.iter().filter(|o| !matches!(o, Operation::Read(_) | Operation::Scrub(_))) {
            step(&mut twin, &mut model, operation);
        }
        assert_eq!(field.digest(), twin.digest());
    }
}

#[test]
fn a_long_session_on_the_default_grid_gives_the_bits_of_the_naive_model() {
    let mut field = Substrate::new(64, 64).unwrap();
    let mut model = Model::new(64, 64);
    for round in 0..60_u64 {
        let cell = round * 997 % 4096;
        let value = round as f64;
        step(
            &mut field,
            &mut model,
            &Operation::Wave(cell, value * 3.0, 0.1 * value),
        );
        step(
            &mut field,
            &mut model,
            &Operation::Tick(1 + u32::try_from(round % 90).unwrap()),
        );
        step(
            &mut field,
            &mut model,
            &Operation::Force(4095 - cell, [value, -2.0, 0.5]),
        );
        step(
            &mut field,
            &mut model,
            &Operation::Write(cell / 2, value, -value, 7.0 * value),
        );
        step(
            &mut field,
            &mut model,
            &Operation::Superpose(cell / 3, vec![(value, 1.0), (0.5, 9.0)]),
        );
        for near in 0..64 {
            check_cell(&mut field, &mut model, (cell + near) % 4096);
        }
    }
    for index in 0..4096 {
        check_cell(&mut field, &mut model, index);
        check_observe(&mut field, &mut model, index);
    }
    check_status(&mut field, &model);
}

#[test]
fn a_wave_reaches_the_whole_of_ring_ten_and_nothing_of_ring_eleven() {
    let mut field = Substrate::new(64, 64).unwrap();
    let (x, y) = (31_u64, 30_u64);
    field.wave(CellIndex(y * 64 + x), 50.0, 0.0).unwrap();
    let mut reached = 0;
    for index in 0..4096_u64 {
        let distance = (index % 64).abs_diff(x) + (index / 64).abs_diff(y);
        let magnitude = field.read(CellIndex(index)).unwrap().magnitude;
        assert_eq!(
            magnitude > 100.0,
            distance <= 10,
            "cell {index} at distance {distance}"
        );
        reached += u64::from(magnitude > 100.0);
    }
    assert_eq!(reached, 221);
}

#[test]
fn the_digest_tells_fields_apart_and_does_not_depend_on_how_they_came_to_be() {
    let mut one = Substrate::new(8, 8).unwrap();
    let mut other = Substrate::new(8, 8).unwrap();
    assert_eq!(one.digest(), other.digest());
    one.write(CellIndex(3), 1.0, 2.0, 3.0).unwrap();
    assert_ne!(one.digest(), other.digest());
    other.write(CellIndex(3), 9.0, 9.0, 9.0).unwrap();
    other.write(CellIndex(3), 1.0, 2.0, 3.0).unwrap();
    assert_eq!(one.digest(), other.digest());
    // Superpositions stored in another order lie elsewhere in memory.
    let pairs = to_pairs(&[(1.0, 2.0)]);
    for cell in [5, 6] {
        one.superpose(CellIndex(cell), &pairs).unwrap();
        other.superpose(CellIndex(11 - cell), &pairs).unwrap();
    }
    assert_eq!(one.digest(), other.digest());
    one.tick(1);
    assert_ne!(one.digest(), other.digest());
    assert_ne!(
        Substrate::new(4, 16).unwrap().digest(),
        Substrate::new(16, 4).unwrap().digest()
    );
}

#[test]
fn the_map_shows_magnitudes_superpositions_and_stays_within_64_by_64() {
    let mut field = Substrate::new(8, 2).unwrap();
    field.write(CellIndex(0), 0.0, 0.0, 0.0).unwrap();
    field.write(CellIndex(1), 1000.0, 0.0, 0.0).unwrap();
    field
        .superpose(CellIndex(9), &to_pairs(&[(1.0, 0.0)]))
        .unwrap();
    let mut text = String::new();
    field.map(&mut text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], [" @......", ".~......"]);
    for (width, height) in [(64, 64), (65, 3), (1000, 7), (5, 999)] {
        let mut text = String::new();
        Substrate::new(width, height)
            .unwrap()
            .map(&mut text)
            .unwrap();
        let rows: Vec<_> = text.lines().collect();
        assert!(rows.len() <= 65, "{}", rows.len());
        assert!(
            rows[..rows.len() - 1]
                .iter()
                .all(|row| row.chars().count() <= 64)
        );
    }
}

#[test]
fn the_memory_that_a_grid_is_said_to_take_is_what_it_takes() {
    for (width, height) in [(1, 1), (64, 64), (300, 301), (7, 10_000)] {
        let field = Substrate::new(width, height).expect("there is memory");
        assert_eq!(
            Substrate::bytes_for(width, height),
            Ok(field.memory_bytes())
        );
    }
    assert!(Substrate::bytes_for(0, 1).is_err());
}

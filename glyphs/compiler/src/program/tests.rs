//! What stands in which lane of a program.

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

fn row(phase: f64, entanglement: f64, magnitude: f64, resonance: f64) -> Row {
    Row {
        sums: [phase, entanglement],
        magnitude,
        resonance,
    }
}

fn state() -> FieldState {
    row(30.0, 0.5, 2.0, 440.0).state(90)
}

#[test]
fn commands_stand_in_the_lanes_of_the_fields_that_they_change_in_their_order() {
    let entangle = |entanglement, resonance| Op::Entangle {
        entanglement,
        resonance,
    };
    let decay = |keep, drop| Op::Decay { keep, drop };
    let mut lanes = Lanes::default();
    let first = lanes.push(
        &state(),
        &[
            Op::Stabilize,
            Op::Resonate(2.0),
            decay(0.5, 3),
            entangle(7.0, 8.0),
            Op::Amplify(0.25),
            Op::Resonate(4.0),
            Op::PhaseShift(-30.0),
            Op::Stabilize,
        ],
    );
    let second = lanes.push(&state(), &[Op::DecayBeyondRange, entangle(1.0, 5.0)]);
    let none = lanes.push(&state(), &[]);
    let start = row(30.0, 0.5, 2.0, 440.0);
    let program = lanes.program(&first, 90);
    assert_eq!(
        program.rows,
        [
            start,
            row(-30.0, -0.0, 0.5, 2.0),
            row(-0.0, 7.0, 0.25, 8.0),
            row(-0.0, -0.0, 1.0, 4.0),
        ]
    );
    assert_eq!((program.multiplies, program.start), (0b101, 90));
    assert_eq!(program.coherence.after(90), Some(100));
    assert_eq!((first.commands(), first.entangles()), (8, 1));
    let second = lanes.program(&second, 90);
    assert_eq!(second.rows, [start, row(-0.0, 1.0, 1.0, 5.0)]);
    assert_eq!((second.multiplies, second.coherence.after(90)), (0, None));
    assert_eq!(lanes.program(&none, 90).rows, [start]);
    assert_eq!(lanes.start(&none, 90), state());
}

#[test]
fn the_operations_of_a_program_come_back_with_what_each_entangle_adds() {
    let target = abi::GlyphId::new("water").unwrap();
    let commands = [
        Command::Resonate(2.0),
        Command::Entangle(target.clone()),
        Command::Decay(0.25),
        Command::Amplify(3.0),
        Command::Resonate(4.0),
        Command::Entangle(target),
        Command::PhaseShift(-30.0),
    ];
    let alone: Vec<Op> = commands.iter().map(Op::alone).collect();
    let mut lanes = Lanes::default();
    lanes.push(&state(), &alone);
    let place = lanes.push(&state(), &alone);
    let shares = [(0.5, 88.0), (0.75, 99.0)].map(|(entanglement, resonance)| Entanglement {
        entanglement,
        resonance,
    });
    lanes.entangle(&place, shares.into_iter());
    let program = lanes.program(&place, 90);
    let resonances = program.rows.iter().map(|row| row.resonance);
    // The start, and no factor in the place of what an `entangle` adds.
    assert!(resonances.eq([440.0, 2.0, 88.0, 4.0, 99.0]));
    let ops: Vec<Op> = program.ops(&commands).collect();
    let mut expected = alone;
    for (position, share) in [1, 5].into_iter().zip(shares) {
        expected[position] = Op::Entangle {
            entanglement: share.entanglement,
            resonance: share.resonance,
        };
    }
    assert_eq!(ops, expected);
}

#[test]
fn a_program_of_sixty_four_commands_fills_a_lane_to_its_last_bit() {
    let mut lanes = Lanes::default();
    let place = lanes.push(&state(), &[Op::Resonate(1.0); 64]);
    let program = lanes.program(&place, 0);
    assert_eq!((program.multiplies, program.rows.len()), (u64::MAX, 65));
    let target = Op::Entangle {
        entanglement: 0.0,
        resonance: 0.0,
    };
    let place = lanes.push(&state(), &[target; 64]);
    let shares = (1..=64).map(|share| Entanglement {
        entanglement: f64::from(share),
        resonance: f64::from(share) * 2.0,
    });
    lanes.entangle(&place, shares);
    let program = lanes.program(&place, 0);
    assert_eq!((program.multiplies, program.rows.len()), (0, 65));
    assert_eq!(program.rows[64], row(-0.0, 64.0, 1.0, 128.0));
}

#[test]
fn a_neutral_number_changes_no_bit() {
    for number in [0.0, -0.0, 1.5, -1.5, 5e-324, f64::MAX, f64::INFINITY] {
        let Row {
            sums,
            magnitude,
            resonance,
        } = Row::NEUTRAL;
        let after = [
            number + sums[0],
            number + sums[1],
            number * magnitude,
            number + resonance,
        ];
        assert_eq!(after.map(f64::to_bits), [number.to_bits(); 4], "{number}");
    }
}

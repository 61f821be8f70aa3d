//! The same activation written by hand as a Rust function: what no interpreter can be asked to beat.

use std::hint::black_box;
use std::time::Instant;

use abi::CellIndex;
use abi::response::FieldState;
use glyph_interpreter::{CellWrite, Effects, Wave};

use crate::{Lap, Next as _, Order};

/// What the function gives: as much as an activation does.
struct Outcome {
    state: FieldState,
    effects: Effects,
}

/// One lap of `count` calls.
pub(crate) fn lap(start: &FieldState, order: Order, count: u32) -> Lap {
    let activations = [1_u64; 5];
    let starts = [*start; 2];
    let mut next = 0;
    let begin = Instant::now();
    for _ in 0..count {
        let result = quintessence(black_box(&activations), &black_box(&starts)[next]);
        let Some(outcome) = black_box(&result) else {
            return Err("the function refuses".into());
        };
        black_box(&outcome.effects);
        next = outcome.state.next(order);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let outcome = quintessence(&activations, start).ok_or("the function refuses")?;
    Ok((seconds * 1e9 / f64::from(count), outcome.state))
}

/// Activates `quintessence` on its inherited state, given how often its parents were activated.
#[inline(never)]
fn quintessence(parents: &[u64; 5], start: &FieldState) -> Option<Outcome> {
    let mut s = *start;
    if parents.contains(&0) || s.coherence < 80 || s.entanglement <= 0.0 {
        return None;
    }
    s.resonance *= 0.5;
    for (entanglement, resonance) in [
        (1.0, 136.1),
        (1.0, 210.42),
        (1.25, 528.0),
        (1.0, 741.0),
        (1.5, 963.0),
    ] {
        s.entanglement += entanglement;
        s.resonance += resonance * 0.2;
    }
    s.magnitude *= 1.5;
    s.phase += 15.0;
    s.magnitude *= 0.9;
    s.coherence = s.coherence.checked_sub(1)?;
    stabilize(&mut s);
    s.resonance *= 1.25;
    s.magnitude *= 0.75;
    s.phase -= 30.0;
    s.magnitude *= 0.8;
    s.coherence = s.coherence.checked_sub(2)?;
    stabilize(&mut s);
    s.magnitude *= 2.0;
    s.magnitude *= 0.95;
    let is_finite = s.resonance.is_finite()
        && s.magnitude.is_finite()
        && s.phase.is_finite()
        && s.entanglement.is_finite()
        && (100.0 * s.magnitude).is_finite();
    is_finite.then(|| Outcome {
        state: s,
        effects: Effects {
            write: Some(CellWrite {
                cell: CellIndex(14),
                magnitude: 100.0 * s.magnitude,
                phase: s.phase.to_radians(),
                coherence: 10.0 * s.coherence as f64,
            }),
            wave: Some(Wave {
                origin: CellIndex(14),
                amplitude: s.magnitude,
                frequency: s.resonance,
            }),
        },
    })
}

fn stabilize(state: &mut FieldState) {
    state.coherence = if state.coherence > 90 {
        100
    } else {
        state.coherence + 10
    };
}

//! An ancestry as three constants.
//!
//! `inherit(g, s)` of the GDF specification changes a running state in a way that depends on
//! the state linearly: `R` becomes `gain * R + offset` and `E` becomes `factor * E`. For one
//! parent `p`, a copy `t` of `s` inherits first, so `t.R = gain_p * R + offset_p`, and then
//! `s.R += 0.5 * t.R` makes `(1 + 0.5 * gain_p) * R + 0.5 * offset_p`; `s.E += 0.3 * t.E` makes
//! `(1 + 0.3 * factor_p) * E`. Parents compose in file order; at the end the glyph's own
//! resonance is added and its own entanglement multiplied. All terms are at least 0, so nothing
//! cancels and the rounding stays relative.
//!
//! Invariant: each parent link of a vault is one step here, whatever the number of ways to an ancestor.
//!
//! A state leaves the range of `f64` here where it does step by step. `R` only grows, so its final
//! value tells, with one difference: a copy's `R` comes back halved in each generation, so that a
//! copy may overflow whose share does not. Only an inherited `R` above the largest `f64` over 2^32
//! can be such a one. `E` may grow in a copy and then be multiplied by a small coefficient, so the
//! greatest multiple of it that any copy holds is kept too, as `peak`.

use crate::steps::{self, Step};
use crate::wide::Wide;
use abi::response::FieldState;

/// Share of a parent's resonance that its child adds.
const RESONANCE_SHARE: f64 = 0.5;
/// Share of a parent's entanglement that its child adds.
const ENTANGLEMENT_SHARE: f64 = 0.3;

/// What `inherit(g, state)` does to `R` and `E` of any state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inheritance {
    gain: Wide,
    offset: Wide,
    factor: Wide,
    peak: Wide,
}

impl Inheritance {
    /// Before any ancestor: changes nothing.
    pub(crate) const NONE: Inheritance = Inheritance {
        gain: Wide::ONE,
        offset: Wide::ZERO,
        factor: Wide::ONE,
        peak: Wide::ONE,
    };

    /// After `self`, a copy goes through `parent` and is added in shares.
    fn then_parent(self, parent: &Inheritance) -> Self {
        steps::count(Step::Compose);
        let share = Wide::new(RESONANCE_SHARE);
        let gain = Wide::ONE.plus(share.times(parent.gain));
        let factor = Wide::ONE
            .plus(Wide::new(ENTANGLEMENT_SHARE).times(parent.factor))
            .times(self.factor);
        Inheritance {
            gain: gain.times(self.gain),
            offset: gain.times(self.offset).plus(share.times(parent.offset)),
            factor,
            peak: self.peak.max(self.factor.times(parent.peak)).max(factor),
        }
    }
}

/// Collapses one glyph from its own five values and its parents, which are collapsed: how it acts on the
/// states of its children, and its own state after inheritance.
///
/// The state is not finite if it or a copy on the way leaves the range of `f64`.
pub(crate) fn collapse<'a>(
    own: &FieldState,
    parents: impl ExactSizeIterator<Item = &'a Inheritance>,
) -> (Inheritance, FieldState) {
    let is_root = parents.len() == 0;
    let from_parents = parents.fold(Inheritance::NONE, Inheritance::then_parent);
    let resonance = Wide::new(own.resonance);
    let entanglement = Wide::new(own.entanglement);
    let factor = from_parents.factor.times(entanglement);
    let inheritance = Inheritance {
        offset: from_parents.offset.plus(resonance),
        factor,
        peak: from_parents.peak.max(factor),
        ..from_parents
    };
    if is_root {
        return (inheritance, *own);
    }
    let state = FieldState {
        resonance: inheritance
            .gain
            .times(resonance)
            .plus(inheritance.offset)
            .to_f64(),
        magnitude: own.magnitude * own.magnitude,
        phase: own.phase + own.phase,
        coherence: (own.coherence + own.coherence) / 2,
        entanglement: if inheritance.peak.times(entanglement).to_f64().is_finite() {
            factor.times(entanglement).to_f64()
        } else {
            f64::INFINITY
        },
    };
    (inheritance, state)
}

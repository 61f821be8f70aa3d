//! The compiled form against a second evaluator that follows the specification word by word.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken expectation fails the test"
)]

mod hostile_vaults;
mod naive;
mod random;
mod random_vaults;
mod shipped_vault;

use abi::response::FieldState;

/// Largest relative difference that the specification allows.
const RELATIVE_MAX: f64 = 1e-12;

/// Whether two states agree: integers exactly, the others within [`RELATIVE_MAX`].
fn agree(left: &FieldState, right: &FieldState) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= RELATIVE_MAX * a.abs().max(b.abs());
    left.coherence == right.coherence
        && near(left.resonance, right.resonance)
        && near(left.magnitude, right.magnitude)
        && near(left.phase, right.phase)
        && near(left.entanglement, right.entanglement)
}

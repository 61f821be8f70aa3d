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

use abi::GlyphId;
use naive::{Glyphs, evaluate};

#[test]
fn the_naive_evaluator_gives_the_worked_example_of_the_specification() {
    let glyph = |text: &str| {
        let definition = glyph_parser::parse("example.gdf", text.as_bytes())
            .unwrap()
            .definition;
        (definition.id.clone(), definition)
    };
    let glyphs = Glyphs::from([
        glyph(
            "glyph_id: a\nresonance: 100\nmagnitude: 2\ncoherence: 90\nentanglement: 1.5\n\
             phase: 10\nactivation: resonate(2) | stabilize()",
        ),
        glyph(
            "glyph_id: b\nparent: a\nresonance: 50\nmagnitude: 0.5\ncoherence: 80\n\
             entanglement: 2\nphase: 5\nactivation: entangle(a) | decay(0.25)",
        ),
    ]);
    let state = |id| {
        let s = evaluate(&glyphs, &GlyphId::new(id).unwrap()).unwrap();
        (
            s.resonance,
            s.magnitude,
            s.phase,
            s.coherence,
            s.entanglement,
        )
    };
    assert_eq!(state("a"), (200.0, 2.0, 10.0, 100, 1.5));
    assert_eq!(state("b"), (195.0, 0.1875, 10.0, 78, 7.3));
}

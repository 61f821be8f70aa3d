//! What a glyph's constraints come to when its vault is loaded, in whatever order they stand.

use glyph_compiler::{Gate, Limits, Vault};

#[test]
fn a_comparison_that_fails_closes_a_glyph_before_and_after_the_others() {
    for (constraints, gate) in [
        ("none", Gate::Open),
        ("phase < 1", Gate::Open),
        ("phase > 1", Gate::Closed),
        ("requires_parent_active", Gate::Parents),
        ("requires_parent_active, phase < 1", Gate::Parents),
        ("phase < 1, requires_parent_active", Gate::Parents),
        ("requires_parent_active, phase > 1", Gate::Closed),
        ("phase > 1, requires_parent_active", Gate::Closed),
        ("phase > 1, phase < 1", Gate::Closed),
    ] {
        let text = format!("glyph_id: a\nconstraints: {constraints}");
        let (vault, errors) = Vault::load([("a.gdf", text.as_bytes())], &Limits::default());
        assert_eq!(errors, []);
        let gates: Vec<Gate> = vault.glyphs().map(|glyph| vault.gate(glyph)).collect();
        assert_eq!(gates, [gate], "{constraints}");
    }
}

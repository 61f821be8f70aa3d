//! What parsing, loading, activating and comparing with the sums cost: `cargo bench -p glyph-interpreter`.
//!
//! Each figure is the best of many rounds, most of them shorter than a scheduler's time slice,
//! so that a busy machine disturbs it less.

#![expect(
    clippy::unwrap_used,
    reason = "a broken expectation stops the benchmark"
)]

#[path = "growth/many.rs"]
mod many;

use glyph_compiler::Vault;
use glyph_interpreter::Interpreter;
use std::hint::black_box;
use std::time::Instant;

/// Seconds that the fastest of some rounds took.
fn best(rounds: u32, mut work: impl FnMut()) -> f64 {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

/// Five roots and a glyph that inherits from all of them, with 17 commands and constraints.
fn busy_vault() -> Vault {
    let mut files: Vec<(String, String)> = ["earth", "water", "fire", "air", "aether"]
        .iter()
        .map(|id| {
            (
                format!("{id}.gdf"),
                format!("glyph_id: {id}\nresonance: 136.1\n"),
            )
        })
        .collect();
    files.push(("busy.gdf".into(), BUSY.into()));
    let (vault, errors) = many::load(&files, 4096);
    assert!(errors == 0);
    vault
}

const BUSY: &str = "\
# A glyph as long as people write them, with every field.
glyph_id: busy
chronocode: 20240229_235959
parent_glyphs: earth, water, fire, air, aether
resonance_freq: 432
field_magnitude: 1.25
coherence: 88
contributor_inheritance: GlyphOS
material_spec: all of the above
frequency_signature: 136.1, 210.42, 528, 741, 963
activation_simulation: resonate(0.5) | entangle(earth) | entangle(water) | entangle(fire) | entangle(air) | entangle(aether) | amplify(1.5) | phase_shift(15) | decay(0.1) | stabilize() | resonate(1.25) | amplify(0.75) | phase_shift(-30) | decay(0.2) | stabilize() | amplify(2) | decay(0.05)
entanglement_coeff: 0.125
phase_offset: 7.5
metadata: the busiest glyph of the vault
dependencies: earth, water, fire, air, aether
outputs: field_state, resonance
constraints: requires_all_parents_active, coherence >= 80, entanglement > 0
";

fn activation() {
    const COUNT: u32 = 10_000;
    let vault = busy_vault();
    let mut interpreter = Interpreter::new(&vault);
    let busy = vault.find(&abi::GlyphId::new("busy").unwrap()).unwrap();
    vault.glyphs().for_each(|glyph| interpreter.commit(glyph));
    let seconds = best(500, || {
        for _ in 0..COUNT {
            let outcome =
                black_box(&interpreter).activate(black_box(&vault), black_box(busy), None);
            black_box(&outcome.unwrap());
        }
    });
    let nanoseconds = seconds / f64::from(COUNT) * 1e9;
    println!("activation, 17 commands, 5 parents, 3 constraints: {nanoseconds:.1} ns");
}

fn parsing() {
    const COUNT: u32 = 100;
    let seconds = best(500, || {
        for _ in 0..COUNT {
            black_box(glyph_parser::parse("busy.gdf", black_box(BUSY.as_bytes())).unwrap());
        }
    });
    let bytes = BUSY.len() as f64 * f64::from(COUNT);
    println!("parsing, {:.0} MB/s", bytes / seconds / 1e6);
    println!(
        "a file of {} bytes: {:.1} ns",
        BUSY.len(),
        seconds / f64::from(COUNT) * 1e9
    );
}

fn loading() {
    const COUNT: usize = 10_000;
    let files = many::files(COUNT);
    let seconds = best(40, || {
        let (vault, errors) = many::load(black_box(&files), u64::MAX);
        assert!(vault.len() == COUNT && errors == 0);
    });
    println!("loading, {:.0} ns a glyph", seconds / COUNT as f64 * 1e9);
    println!("{COUNT} glyphs: {:.1} ns", seconds * 1e9);
}

fn comparing() {
    const COUNT: usize = 10_000;
    let vault = busy_vault();
    let busy = vault.find(&abi::GlyphId::new("busy").unwrap()).unwrap();
    let seconds = best(500, || {
        for _ in 0..100 {
            assert!(black_box(&vault).is_whole(black_box(busy)));
        }
    });
    println!("comparing, with 5 parents: {:.0} ns", seconds / 100.0 * 1e9);
    let (vault, _) = many::load(&many::files(COUNT), u64::MAX);
    let seconds = best(40, || {
        assert_eq!(vault.damaged(0..black_box(vault.parts())), None);
    });
    println!(
        "comparing a vault of {COUNT}, {:.0} ns a glyph",
        seconds / COUNT as f64 * 1e9
    );
}

fn main() {
    activation();
    comparing();
    parsing();
    loading();
}

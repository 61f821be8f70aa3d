//! Vaults of any number of glyphs, for the benchmarks.

use glyph_compiler::{Limits, Vault};

/// Glyphs with two parents, those before them, in stacks of at most 32 generations.
pub(crate) fn files(count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|n| {
            let parents = match n % 32 {
                0 => String::new(),
                1 => format!("parent_glyphs: g{:07}\n", n - 1),
                _ => format!("parent_glyphs: g{:07}, g{:07}\n", n - 1, n - 2),
            };
            let text = format!(
                "glyph_id: g{n:07}\n{parents}resonance_freq: 0\nfield_magnitude: 0.5\ncoherence: 80\n\
                 entanglement_coeff: 0.25\nactivation_simulation: resonate(1.5) | \
                 entangle(g{:07}) | stabilize() | decay(0.25)\noutputs: field_state\n",
                (n * 7919) % count
            );
            (format!("g{n:07}.gdf"), text)
        })
        .collect()
}

/// Loads them without limits but the number of `cells`; gives the vault and the number of errors.
pub(crate) fn load(files: &[(String, String)], cells: u64) -> (Vault, usize) {
    let limits = Limits {
        cells,
        files_max: u32::MAX,
        bytes_max: u64::MAX,
        errors_max: 1,
    };
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (vault, errors) = Vault::load(files, &limits);
    (vault, errors.len())
}

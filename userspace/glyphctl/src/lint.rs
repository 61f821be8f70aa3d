//! What is legal in a vault and most likely not meant.
//!
//! Owns the advice of `glyphctl vault check`; errors are the compiler's business. Each piece of
//! advice is one sentence.

use glyph_compiler::Vault;
use glyph_interpreter::Interpreter;

use crate::vault::Loaded;

/// Everything worth a word about the sound glyphs of a vault.
pub(crate) fn lint(loaded: &Loaded) -> Vec<String> {
    let mut advice = file_names(loaded);
    advice.extend(dependencies(&loaded.vault));
    advice.extend(dead_glyphs(&loaded.vault));
    advice
}

/// Files that are not named after the glyph that they define.
fn file_names(loaded: &Loaded) -> Vec<String> {
    loaded
        .files
        .iter()
        .filter_map(|(name, bytes)| {
            let id = glyph_parser::parse(name, bytes).ok()?.definition.id;
            let is_told = loaded.vault.find(&id).is_none() || *name == format!("{id}.gdf");
            (!is_told).then(|| format!("{name}: defines {id}; {id}.gdf would be easier to find"))
        })
        .collect()
}

/// Dependencies that no glyph of the vault has as its id.
fn dependencies(vault: &Vault) -> Vec<String> {
    let mut advice = Vec::new();
    for glyph in vault.glyphs() {
        for dependency in &vault.definition(glyph).dependencies {
            if vault.find(dependency).is_none() {
                let id = vault.id_text(glyph);
                advice.push(format!(
                    "{id}: depends on {dependency}, which this vault does not have"
                ));
            }
        }
    }
    advice
}

/// Glyphs that no operator can ever activate: with all glyphs active, they are still refused.
fn dead_glyphs(vault: &Vault) -> Vec<String> {
    let mut interpreter = Interpreter::new(vault);
    for glyph in vault.glyphs() {
        interpreter.commit(glyph);
    }
    vault
        .glyphs()
        .filter_map(|glyph| interpreter.activate(vault, glyph, None).err())
        .map(|refusal| format!("{refusal}: nobody can activate it"))
        .collect()
}

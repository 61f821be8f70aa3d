//! GlyphOS: the compiled vault and the interpreter of the kernel, as they are.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use abi::GlyphId;
use abi::response::FieldState;
use glyph_compiler::{GlyphIndex, Limits, Vault};
use glyph_interpreter::Interpreter;

use crate::{Failure, Lap, Next as _, Order};

/// A vault of which every glyph is active.
pub(crate) struct Loaded {
    vault: Vault,
    interpreter: Interpreter,
}

impl Loaded {
    /// Loads the `*.gdf` files of a folder.
    pub(crate) fn folder(folder: &Path) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?
                .file_name()
                .into_string()
                .map_err(|_| "a name is no UTF-8")?;
            if name.ends_with(".gdf") {
                let bytes = fs::read(folder.join(&name))?;
                files.push((name, bytes));
            }
        }
        let named = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let (vault, errors) = Vault::load(named, &Limits::default());
        if let Some(error) = errors.into_iter().next() {
            return Err(error.into());
        }
        let mut interpreter = Interpreter::new(&vault);
        vault.glyphs().for_each(|glyph| interpreter.commit(glyph));
        Ok(Loaded { vault, interpreter })
    }

    fn find(&self, id: &str) -> Result<GlyphIndex, Failure> {
        let id = GlyphId::new(id)?;
        Ok(self
            .vault
            .find(&id)
            .ok_or_else(|| format!("no glyph {id}"))?)
    }

    /// The state of a glyph after inheritance.
    pub(crate) fn inherited(&self, id: &str) -> Result<FieldState, Failure> {
        Ok(self.vault.inherited(self.find(id)?))
    }

    /// One lap of `count` activations.
    pub(crate) fn lap(&self, id: &str, order: Order, count: u32) -> Lap {
        let glyph = self.find(id)?;
        // Twice the same, which the compiler must not know: the next one is known when an outcome is.
        let glyphs = [glyph; 2];
        let mut next = 0;
        let begin = Instant::now();
        for _ in 0..count {
            let glyph = black_box(&glyphs)[next];
            let result =
                black_box(&self.interpreter).activate(black_box(&self.vault), glyph, None);
            let outcome = match black_box(&result) {
                Ok(outcome) => outcome,
                Err(refusal) => return Err(refusal.to_string().into()),
            };
            black_box(&outcome.effects());
            next = outcome.state.next(order);
        }
        let seconds = begin.elapsed().as_secs_f64();
        let outcome = self.interpreter.activate(&self.vault, glyph, None)?;
        Ok((seconds * 1e9 / f64::from(count), outcome.state))
    }
}

/// Writes a stack of diamonds, two glyphs a level with both of the level above as parents, and gives
/// the id of the last one.
pub(crate) fn write_diamonds(folder: &Path, levels: usize) -> Result<String, Failure> {
    fs::create_dir(folder)?;
    let mut last = String::new();
    for level in 0..=levels {
        let parents = match level.checked_sub(1) {
            None => String::new(),
            Some(above) => format!("parent_glyphs: left{above}, right{above}\n"),
        };
        for side in ["left", "right"] {
            last = format!("{side}{level}");
            let text =
                format!("glyph_id: {last}\n{parents}resonance_freq: 0\nentanglement_coeff: 0.5\n");
            fs::write(folder.join(format!("{last}.gdf")), text)?;
        }
    }
    Ok(last)
}

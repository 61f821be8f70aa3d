//! `glyphctl tree`: a glyph's ancestry as a picture, in text or for Graphviz.

use std::io::Write;
use std::path::PathBuf;

use abi::GlyphId;
use clap::Args;

use super::activate::glyph_id;
use crate::failure::Failure;
use crate::vault;

/// `glyphctl tree --vault DIR [--dot] ID`
#[derive(Args)]
pub(crate) struct Tree {
    /// Folder of the vault
    #[arg(long, value_name = "DIR")]
    vault: PathBuf,
    /// Print a graph in the language of Graphviz, for `dot -Tsvg`
    #[arg(long)]
    dot: bool,
    /// The glyph whose ancestors to draw
    #[arg(value_name = "ID", value_parser = glyph_id)]
    glyph: GlyphId,
}

impl Tree {
    /// Does it.
    ///
    /// # Errors
    /// If the vault cannot be read, or the glyph is not there or not sound.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let loaded = vault::load(&self.vault)?;
        loaded.note_errors(&self.vault);
        let glyph = loaded.find(&self.vault, &self.glyph)?;
        let picture = match self.dot {
            true => loaded.vault.tree_dot(glyph),
            false => loaded.vault.tree(glyph),
        };
        out.write_all(picture.as_bytes())?;
        Ok(())
    }
}

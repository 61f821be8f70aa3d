//! Definitions to a checked, collapsed, indexed vault.
//!
//! Owns what glyphs mean together: who may inherit from whom, what is refused and why, and the
//! compact form that the interpreter runs. [`Vault::load`] reads all files of a vault; what it
//! holds afterwards needs no further check, search or walk over ancestors.
//!
//! Invariants:
//! - loading takes steps and memory linear in bytes, glyphs and links (but for sorting names and ids),
//!   without recursion;
//! - a glyph in a [`Vault`] is sound: its ancestors and the glyphs that it entangles with are
//!   in the vault too, it has at most 32 generations of ancestors and is not its own ancestor;
//! - the inherited state of a glyph agrees with step-by-step evaluation to a relative 1e-12.
//!
//! Dependencies are data: their form is checked, their existence is not.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod collapse;
mod error;
mod graph;
mod load;
mod program;
mod steps;
mod texts;
mod vault;
mod wide;

pub use error::{ErrorCounts, VaultError, VaultErrorKind};
pub use load::Limits;
pub use program::{Coherence, Op, Program, Row};
pub use vault::{Gate, GlyphIndex, Vault};

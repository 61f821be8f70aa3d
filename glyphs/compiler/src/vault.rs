//! The loaded vault: sound glyphs, sorted by id, in the form that the interpreter runs.
//!
//! Owns the compiled form and the questions asked of it. `load` fills it.
//!
//! Invariants:
//! - glyphs are sorted by id; a glyph's [`GlyphIndex`] is its place and the number of its home
//!   cell;
//! - all indexes inside are within bounds; every parent of a glyph is in the vault;
//! - it holds plain numbers alone, of which every pattern of bits is one, so that a flipped bit is another
//!   number and [`sums`] show it.

mod ancestry;
mod sums;

use crate::error::ErrorCounts;
use crate::program::{Lanes, Place, Program};
use crate::texts::Texts;
use abi::response::FieldState;
use abi::{CellIndex, GlyphId};
use alloc::vec::Vec;
use core::ops::Range;
use glyph_parser::{Constraint, Definition, parse};

/// A glyph of one vault. Only that vault makes it and only there it has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlyphIndex(pub(crate) u32);

impl GlyphIndex {
    /// Position among the glyphs sorted by id, from 0.
    #[must_use]
    pub fn position(self) -> usize {
        // A usize has at least 32 bits on every target of the project.
        self.0 as usize
    }
}

/// What the constraints of a glyph come to. Comparisons are on the state after inheritance, which no
/// activation changes: whether they hold is known when the vault is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing is in the way.
    Open,
    /// Every parent has to be active.
    Parents,
    /// A comparison does not hold: every activation is refused.
    Closed,
}

impl Gate {
    const fn of_number(number: u8) -> Gate {
        match number {
            0 => Gate::Open,
            1 => Gate::Parents,
            _ => Gate::Closed,
        }
    }

    /// The gate of `constraints` on the state after inheritance.
    ///
    /// A compared value that is not finite refuses nothing here: the activation fails as non-finite.
    pub(crate) fn of(constraints: &[Constraint], inherited: &FieldState) -> Gate {
        constraints
            .iter()
            .fold(Gate::Open, |gate, constraint| match *constraint {
                Constraint::Compare {
                    field,
                    comparison,
                    number,
                } => {
                    let value = field.value(inherited);
                    if comparison.holds(value, number) || !value.is_finite() {
                        gate
                    } else {
                        Gate::Closed
                    }
                }
                Constraint::ParentsActive(_) if gate == Gate::Open => Gate::Parents,
                Constraint::ParentsActive(_) => gate,
            })
    }
}

/// What an activation reads of one glyph.
// One line of the processor's cache, whose place a shift gives: of 56 bytes, an activation without commands took
// half a nanosecond more.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Compiled {
    /// The coherence after inheritance, percent; the rest of that state is where its program starts.
    pub(crate) coherence: i64,
    pub(crate) program: Place,
    pub(crate) parents: Range<u32>,
    pub(crate) generations: u32,
    /// A [`Gate`] as a number.
    pub(crate) gate: u8,
    /// 0 for no, as the next one.
    pub(crate) writes_field_state: u8,
    pub(crate) starts_wave: u8,
}

/// A checked, collapsed, indexed vault.
///
/// # Panics
/// Methods that take a [`GlyphIndex`] panic if it comes from another, larger vault: that is a
/// broken invariant of the caller.
#[derive(Clone, Debug, Default)]
pub struct Vault {
    /// The id of each glyph, sorted.
    pub(crate) ids: Texts,
    /// The file of each glyph, word for word.
    pub(crate) files: Texts,
    pub(crate) compiled: Vec<Compiled>,
    pub(crate) lanes: Lanes,
    pub(crate) parents: Vec<GlyphIndex>,
    /// Ids of the glyphs that were refused, sorted.
    pub(crate) refused: Texts,
    pub(crate) error_counts: ErrorCounts,
    /// What tells damage of all this: see [`sums`].
    pub(crate) sums: Vec<u64>,
}

impl Vault {
    /// Number of glyphs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.compiled.len()
    }

    /// Whether there is no glyph.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compiled.is_empty()
    }

    /// Every glyph, sorted by id.
    pub fn glyphs(&self) -> impl DoubleEndedIterator<Item = GlyphIndex> + Clone + use<> {
        (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).map(GlyphIndex)
    }

    /// The glyph with this id.
    #[must_use]
    pub fn find(&self, id: &GlyphId) -> Option<GlyphIndex> {
        let position = self.ids.find(id.as_str().as_bytes())?;
        u32::try_from(position).ok().map(GlyphIndex)
    }

    /// Whether a file of the vault defines this id, but the glyph was refused.
    #[must_use]
    pub fn is_refused(&self, id: &GlyphId) -> bool {
        self.refused.find(id.as_str().as_bytes()).is_some()
    }

    /// Ids of the glyphs that were refused, sorted.
    pub fn refused(&self) -> impl Iterator<Item = &str> {
        (0..self.refused.len()).map(|number| text(&self.refused, number))
    }

    /// Errors found while loading, by field.
    #[must_use]
    pub fn error_counts(&self) -> &ErrorCounts {
        &self.error_counts
    }

    /// The glyph's id, for who keeps it. The glyph has to be [whole](Vault::is_whole).
    #[must_use]
    pub fn id(&self, glyph: GlyphIndex) -> GlyphId {
        match GlyphId::new(self.id_text(glyph)) {
            Ok(id) => id,
            Err(error) => unreachable!("the id of a whole glyph: {error}"),
        }
    }

    /// The glyph's id as it stands in the vault; empty if memory was damaged so that it is no text.
    #[must_use]
    pub fn id_text(&self, glyph: GlyphIndex) -> &str {
        text(&self.ids, glyph.position())
    }

    /// What its file says, read from it again: for who shows a glyph, not for who activates it.
    #[must_use]
    pub fn definition(&self, glyph: GlyphIndex) -> Definition {
        match parse("", self.files.get(glyph.position())) {
            Ok(parsed) => parsed.definition,
            Err(refusal) => unreachable!("the file of a sound glyph was read before: {refusal}"),
        }
    }

    /// Number of commands of its program.
    #[must_use]
    pub fn command_count(&self, glyph: GlyphIndex) -> u32 {
        self.compiled(glyph).program.commands()
    }

    /// Its home cell.
    #[must_use]
    pub fn home(&self, glyph: GlyphIndex) -> CellIndex {
        CellIndex(u64::from(glyph.0))
    }

    /// Generations of ancestors above it; 0 without parents.
    #[must_use]
    pub fn generations(&self, glyph: GlyphIndex) -> u32 {
        self.compiled(glyph).generations
    }

    /// Its parents in file order.
    #[must_use]
    pub fn parents(&self, glyph: GlyphIndex) -> &[GlyphIndex] {
        let range = &self.compiled(glyph).parents;
        &self.parents[range.start as usize..range.end as usize]
    }

    /// Its state after inheritance, before its program; not finite if that overflows.
    #[must_use]
    pub fn inherited(&self, glyph: GlyphIndex) -> FieldState {
        let compiled = self.compiled(glyph);
        self.lanes.start(&compiled.program, compiled.coherence)
    }

    /// Its program.
    #[must_use]
    #[inline]
    pub fn program(&self, glyph: GlyphIndex) -> Program<'_> {
        let compiled = self.compiled(glyph);
        self.lanes.program(&compiled.program, compiled.coherence)
    }

    /// What its constraints come to.
    #[must_use]
    #[inline]
    pub fn gate(&self, glyph: GlyphIndex) -> Gate {
        Gate::of_number(self.compiled(glyph).gate)
    }

    /// Whether its final state is written to its home cell.
    #[must_use]
    pub fn writes_field_state(&self, glyph: GlyphIndex) -> bool {
        self.compiled(glyph).writes_field_state != 0
    }

    /// Whether it starts a wave at its home cell.
    #[must_use]
    pub fn starts_wave(&self, glyph: GlyphIndex) -> bool {
        self.compiled(glyph).starts_wave != 0
    }

    fn compiled(&self, glyph: GlyphIndex) -> &Compiled {
        &self.compiled[glyph.position()]
    }
}

fn text(texts: &Texts, number: usize) -> &str {
    core::str::from_utf8(texts.get(number)).unwrap_or_default()
}

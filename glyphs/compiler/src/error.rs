//! Why a vault, a file or a glyph was refused.
//!
//! Every error has a place, a kind and the sentence of a [`Diagnostic`]; counts by field feed
//! the metric `glyphos_gdf_parse_errors_total{field}`.

use abi::GlyphId;
use core::fmt;
use glyph_parser::{Diagnostic, Field};

/// What kind of rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VaultErrorKind {
    /// The whole vault: too many files, too many bytes, more glyphs than cells.
    Vault,
    /// A file's name does not end in `.gdf`, has a path in it, or occurs twice.
    FileName,
    /// The text of a file breaks a rule of the format.
    Syntax,
    /// Two or more files define one id; all of them are refused.
    DuplicateId,
    /// A parent or the target of an `entangle` is defined by no file.
    Missing,
    /// The glyph is an ancestor of itself.
    Cycle,
    /// More than 32 generations of ancestors.
    TooDeep,
    /// The glyph itself is sound; one that it needs is refused.
    Inherited,
}

impl VaultErrorKind {
    /// The kind as one word, promised to scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            VaultErrorKind::Vault => "vault",
            VaultErrorKind::FileName => "file_name",
            VaultErrorKind::Syntax => "syntax",
            VaultErrorKind::DuplicateId => "duplicate_id",
            VaultErrorKind::Missing => "missing",
            VaultErrorKind::Cycle => "cycle",
            VaultErrorKind::TooDeep => "too_deep",
            VaultErrorKind::Inherited => "inherited",
        }
    }
}

/// One error of a vault. `Display` gives place, sentence and, where there is one, the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultError {
    /// What kind of rule was broken.
    pub kind: VaultErrorKind,
    /// The glyph that is refused for it, where its id is known.
    pub glyph: Option<GlyphId>,
    /// Place and sentence.
    pub diagnostic: Diagnostic,
}

impl fmt::Display for VaultError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(out)
    }
}

impl core::error::Error for VaultError {}

/// Errors found while loading, counted by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounts {
    fields: [u64; Field::COUNT],
    files: u64,
}

impl ErrorCounts {
    /// Counts `count` errors of a field; `None` stands for a file as a whole.
    pub(crate) fn add(&mut self, field: Option<Field>, count: u64) {
        let slot = match field {
            Some(field) => self.fields.get_mut(field.index()),
            None => Some(&mut self.files),
        };
        if let Some(slot) = slot {
            *slot = slot.saturating_add(count);
        }
    }

    /// Every label with its count, zero or not: the fields, then `file`.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Field::ALL
            .iter()
            .map(|field| field.name())
            .zip(self.fields.iter().copied())
            .chain(core::iter::once(("file", self.files)))
    }

    /// All errors together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
impl ErrorCounts {
    /// Bits that [`ErrorCounts::flip`] takes.
    pub(crate) const BITS: usize = (Field::COUNT + 1) * 64;

    /// Flips a bit of a count, to see that damage is found.
    pub(crate) fn flip(&mut self, bit: usize) {
        let counts = self.fields.iter_mut().chain([&mut self.files]);
        if let Some(count) = counts.into_iter().nth(bit / 64) {
            *count ^= 1 << (bit % 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_word_that_is_promised_to_scripts() {
        let kinds = [
            VaultErrorKind::Vault,
            VaultErrorKind::FileName,
            VaultErrorKind::Syntax,
            VaultErrorKind::DuplicateId,
            VaultErrorKind::Missing,
            VaultErrorKind::Cycle,
            VaultErrorKind::TooDeep,
            VaultErrorKind::Inherited,
        ];
        assert_eq!(
            kinds.map(VaultErrorKind::name),
            [
                "vault",
                "file_name",
                "syntax",
                "duplicate_id",
                "missing",
                "cycle",
                "too_deep",
                "inherited"
            ]
        );
    }
}

//! The files of a vault: their names, their sizes, their ids.
//!
//! Invariant: candidates are sorted by id and no id occurs twice among them.

use super::draft::Drafts;
use super::index::head;
use super::{Limits, Log};
use crate::error::{VaultError, VaultErrorKind};
use abi::GlyphId;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use glyph_parser::{Diagnostic, Excerpt, Field, Parsed, Place, Refusal, parse, quote, shown_name};

/// A file's name and bytes.
pub(super) type File<'a> = (&'a str, &'a [u8]);

/// A glyph that a file claims to define.
pub(crate) struct Candidate<'a> {
    file: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) id: GlyphId,
    /// The number of its draft; `None` if the file breaks rules of the format.
    pub(crate) draft: Option<u32>,
    /// Whether the glyph is refused, for whatever reason.
    pub(crate) refused: bool,
}

impl Candidate<'_> {
    /// Its file, read again for an error's place: errors are rare, and keeping all places is dear.
    pub(crate) fn read_again(&self) -> Result<Parsed, Refusal> {
        parse(self.file, self.bytes)
    }

    /// Where its id stands in the file.
    pub(crate) fn place(&self) -> Place {
        match self.read_again() {
            Ok(parsed) => parsed.places.id,
            Err(refusal) => refusal.place,
        }
    }

    /// An error of this glyph at a place of its file.
    pub(crate) fn error(
        &self,
        kind: VaultErrorKind,
        field: Field,
        place: Place,
        expected: impl Into<Cow<'static, str>>,
        found: String,
    ) -> VaultError {
        VaultError {
            kind,
            glyph: Some(self.id.clone()),
            diagnostic: Diagnostic {
                file: shown_name(self.file),
                line: place.line,
                column: place.column,
                field: Some(field),
                expected: expected.into(),
                found,
                suggestion: None,
                excerpt: line(self.bytes, place).map(|text| Excerpt::new(text, place.column)),
            },
        }
    }

    /// The name of its file, as errors show it.
    pub(crate) fn file(&self) -> String {
        shown_name(self.file)
    }

    /// The error that `id`, named at `place`, is no glyph of the vault.
    pub(super) fn missing(
        &self,
        field: Field,
        place: Place,
        id: &str,
        suggestion: Option<&str>,
    ) -> VaultError {
        let mut found = format!("{}, which no file defines", quote(id));
        if field == Field::ParentGlyphs && id == "none" {
            found.push_str(" (a glyph without parents leaves the field out)");
        }
        let mut error = self.error(
            VaultErrorKind::Missing,
            field,
            place,
            "the id of a glyph in this vault",
            found,
        );
        error.diagnostic.suggestion = suggestion.map(String::from);
        error
    }
}

/// Bytes up to which a vault's tables surely have fewer than 2^32 entries each.
const TABLE_BYTES_MAX: u64 = 0xffff_ffff;

/// A vault that is over one of its limits: what was expected, what was found.
pub(super) struct Excess {
    pub(super) expected: String,
    pub(super) found: String,
}

/// Collects the files, sorted by name, if they are within the limits of a vault.
pub(super) fn gather<'a>(
    files: impl IntoIterator<Item = File<'a>>,
    limits: &Limits,
) -> Result<Vec<File<'a>>, Excess> {
    let mut gathered = Vec::new();
    let mut bytes = 0_u64;
    for file in files {
        if gathered.len() >= limits.files_max as usize {
            return Err(Excess {
                expected: format!("at most {} files", limits.files_max),
                found: String::from("more"),
            });
        }
        bytes = bytes.saturating_add(u64::try_from(file.1.len()).unwrap_or(u64::MAX));
        gathered.push(file);
    }
    let bytes_max = limits.bytes_max.min(TABLE_BYTES_MAX);
    if bytes > bytes_max {
        return Err(Excess {
            expected: format!("at most {bytes_max} bytes in all files together"),
            found: format!("{bytes} bytes"),
        });
    }
    gathered.sort_by_cached_key(|(name, _)| (head(name.as_bytes()), *name));
    Ok(gathered)
}

/// Reads every file; gives the glyphs that they define, refused ones included, and their drafts.
pub(super) fn read<'a>(files: Vec<File<'a>>, log: &mut Log) -> (Vec<Candidate<'a>>, Drafts) {
    let mut candidates: Vec<Candidate<'a>> = Vec::with_capacity(files.len());
    let mut drafts = Drafts::with_capacity(files.len());
    let mut previous = None;
    let mut files = files.into_iter().peekable();
    while let Some((name, bytes)) = files.next() {
        let fault = name_fault(name).or_else(|| {
            let again = previous == Some(name) || files.peek().is_some_and(|next| next.0 == name);
            again.then_some(("each file name once", "the name twice"))
        });
        previous = Some(name);
        if let Some((expected, found)) = fault {
            log.push(name_error(name, expected, found));
        }
        let (id, draft) = match parse(name, bytes) {
            Ok(Parsed { definition, .. }) => {
                let draft = drafts.push(&definition);
                (Some(definition.id), Some(draft))
            }
            Err(refusal) => {
                log.omit(refusal.omitted);
                for diagnostic in refusal.diagnostics {
                    log.push(VaultError {
                        kind: VaultErrorKind::Syntax,
                        glyph: refusal.id.clone(),
                        diagnostic,
                    });
                }
                (refusal.id, None)
            }
        };
        candidates.extend(id.map(|id| Candidate {
            file: name,
            bytes,
            id,
            draft,
            refused: fault.is_some() || draft.is_none(),
        }));
    }
    sort(&mut candidates);
    merge_duplicates(&mut candidates, log);
    (candidates, drafts)
}

/// Sorts by id: by their heads, which are sorted apart from all else, and then what has one head.
fn sort(candidates: &mut [Candidate<'_>]) {
    let head = |glyph: &Candidate<'_>| head(glyph.id.as_str().as_bytes());
    candidates.sort_by_cached_key(head);
    for same in candidates.chunk_by_mut(|a, b| head(a) == head(b)) {
        same.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// Refuses every file whose id another file has; one refused candidate stands for them all.
fn merge_duplicates(candidates: &mut Vec<Candidate<'_>>, log: &mut Log) {
    for group in candidates.chunk_by_mut(|a, b| a.id == b.id) {
        let [first, second, ..] = &*group else {
            continue;
        };
        let (first_file, second_file) = (first.file(), second.file());
        for (position, candidate) in group.iter_mut().enumerate() {
            candidate.refused = true;
            let other = if position == 0 {
                &second_file
            } else {
                &first_file
            };
            log.push(candidate.error(
                VaultErrorKind::DuplicateId,
                Field::GlyphId,
                candidate.place(),
                "an id that no other file has",
                format!("{}, as in {other}", quote(candidate.id.as_str())),
            ));
        }
    }
    candidates.dedup_by(|a, b| a.id == b.id);
}

/// What is wrong with a file's name: what was expected, what was found.
fn name_fault(name: &str) -> Option<(&'static str, &'static str)> {
    let stem = name.strip_suffix(".gdf");
    if name.contains(['/', '\\']) || name.as_bytes().get(1) == Some(&b':') {
        Some(("a file name without a path", "a path"))
    } else if name.chars().any(char::is_control) {
        Some((
            "a file name without control characters",
            "one that has some",
        ))
    } else if stem.is_none_or(str::is_empty) {
        Some(("a file name that ends in `.gdf`", "another"))
    } else {
        None
    }
}

fn name_error(name: &str, expected: &'static str, found: &str) -> VaultError {
    VaultError {
        kind: VaultErrorKind::FileName,
        glyph: None,
        diagnostic: Diagnostic {
            file: shown_name(name),
            line: Place::START.line,
            column: Place::START.column,
            field: None,
            expected: expected.into(),
            found: String::from(found),
            suggestion: None,
            excerpt: None,
        },
    }
}

/// The text of a line of a file that was read before.
fn line(bytes: &[u8], place: Place) -> Option<&str> {
    let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
    let line = bytes.split(|byte| *byte == b'\n').nth(index)?;
    core::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()
}

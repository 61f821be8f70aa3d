//! A stretch of one line that remembers where in the line it stands.
//!
//! Invariant: `offset` is the byte offset of `text` from the start of its line.

/// Part of a line.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    /// The text itself.
    pub(super) text: &'a str,
    /// Bytes of the line before it.
    pub(super) offset: usize,
}

/// White space of the format within a line.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl<'a> Piece<'a> {
    /// A whole line.
    pub(super) fn whole(line: &'a str) -> Self {
        Piece {
            text: line,
            offset: 0,
        }
    }

    /// The line from `offset` on; its end if there is no character there.
    pub(super) fn at(line: &'a str, offset: usize) -> Self {
        match line.get(offset..) {
            Some(text) => Piece { text, offset },
            None => Piece::end_of(line),
        }
    }

    /// The empty piece after the last character of `line`.
    pub(super) fn end_of(line: &str) -> Piece<'a> {
        Piece {
            text: "",
            offset: line.len(),
        }
    }

    /// Without white space at either end.
    pub(super) fn trim(self) -> Self {
        let solid = |byte: &u8| !is_space(*byte);
        let bytes = self.text.as_bytes();
        let start = bytes.iter().position(solid).unwrap_or(bytes.len());
        let end = bytes
            .iter()
            .rposition(solid)
            .map_or(start, |last| last.saturating_add(1));
        Piece {
            text: self.text.get(start..end).unwrap_or_default(),
            offset: self.offset.saturating_add(start),
        }
    }

    /// What stands before and after the first `separator`, an ASCII character.
    pub(super) fn split_once(self, separator: u8) -> Option<(Self, Self)> {
        let position = self.text.bytes().position(|byte| byte == separator)?;
        let (head, tail) = self.split_at(position)?;
        Some((head, tail.skip(1)))
    }

    /// What stands before and from byte `position` on.
    pub(super) fn split_at(self, position: usize) -> Option<(Self, Self)> {
        let (head, tail) = self.text.split_at_checked(position)?;
        Some((
            Piece {
                text: head,
                offset: self.offset,
            },
            Piece {
                text: tail,
                offset: self.offset.saturating_add(position),
            },
        ))
    }

    /// Without its first `count` bytes.
    pub(super) fn skip(self, count: usize) -> Self {
        self.split_at(count).map_or(self, |(_, tail)| tail)
    }

    /// The empty piece at its end.
    pub(super) fn end(self) -> Self {
        self.skip(self.text.len())
    }

    /// The trimmed pieces between separators, at least one.
    pub(super) fn list(self, separator: u8) -> impl Iterator<Item = Piece<'a>> {
        let mut rest = Some(self);
        core::iter::from_fn(move || {
            let current = rest?;
            match current.split_once(separator) {
                Some((head, tail)) => {
                    rest = Some(tail);
                    Some(head.trim())
                }
                None => {
                    rest = None;
                    Some(current.trim())
                }
            }
        })
    }
}

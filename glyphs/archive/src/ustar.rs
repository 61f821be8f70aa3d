//! POSIX ustar (IEEE Std 1003.1, pax), reduced to the one form that GlyphOS writes.
//!
//! Regular files alone, owner, group and time 0, mode 0644, names in ascending order, and two blocks
//! of zeros at the end. Whatever else a tar can hold (links, folders, devices, longer names) is an
//! error here and never skipped.
//!
//! Invariants:
//! - [`entries`] accepts a tar only if [`append`] and [`finish`] would write the same bytes;
//! - a name that comes out is a relative path of plain parts, none of them `.` or `..`;
//! - reading takes time and memory in proportion to the bytes that are there, not to what they claim.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The unit of everything in a tar, in bytes.
pub const BLOCK_BYTES: usize = 512;
/// The longest name that a header holds, in bytes.
pub const NAME_BYTES_MAX: usize = 100;
/// The largest file that a header can name, in bytes: eleven octal digits.
const FILE_BYTES_MAX: usize = 0o77_777_777_777;

/// Where the fields of a header lie: from, to.
const NAME: (usize, usize) = (0, NAME_BYTES_MAX);
const MODE: (usize, usize) = (100, 108);
const OWNER: (usize, usize) = (108, 116);
const GROUP: (usize, usize) = (116, 124);
const SIZE: (usize, usize) = (124, 136);
const TIME: (usize, usize) = (136, 148);
const CHECKSUM: (usize, usize) = (148, 156);
const KIND: usize = 156;
const MAGIC: (usize, usize) = (257, 265);

type Block = [u8; BLOCK_BYTES];

/// A file in a tar, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// A relative path of plain parts.
    pub name: &'a str,
    /// The content.
    pub bytes: &'a [u8],
}

/// Why bytes are not a tar of the form that GlyphOS writes; offsets count from the tar's begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TarError {
    /// It ends where a header or a file's content should be.
    Cut {
        /// Where what is missing begins.
        offset: usize,
    },
    /// A header's fields or checksum are not those that its file would have.
    Header {
        /// Where the header begins.
        offset: usize,
    },
    /// A name that is absolute, leads out of its folder, or is not plain.
    Name {
        /// Where the header begins.
        offset: usize,
    },
    /// A link, a folder, a device or an extension instead of a file.
    NotAFile {
        /// Where the header begins.
        offset: usize,
    },
    /// A name that does not follow the one before it in ascending order, or is there twice.
    Order {
        /// The name.
        name: String,
    },
    /// Bytes that are not zero after a file's content or at the end.
    Tail {
        /// Where the padding begins.
        offset: usize,
    },
}

impl fmt::Display for TarError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TarError::Cut { offset } => write!(out, "it is cut short at byte {offset}"),
            TarError::Header { offset } => write!(out, "the header at byte {offset} is damaged"),
            TarError::Name { offset } => write!(
                out,
                "the name at byte {offset} is not a plain relative path of ASCII letters, digits, \
                 '-', '_' and '.'"
            ),
            TarError::NotAFile { offset } => {
                write!(
                    out,
                    "the entry at byte {offset} is a link, a folder or a device"
                )
            }
            TarError::Order { name } => {
                write!(out, "the name {name} is there twice or out of order")
            }
            TarError::Tail { offset } => {
                write!(
                    out,
                    "there are bytes from {offset} on that belong to no file"
                )
            }
        }
    }
}

impl core::error::Error for TarError {}

/// Appends a file; `false` if its name or its size does not fit a header, and nothing is appended.
#[must_use]
pub fn append(tar: &mut Vec<u8>, name: &str, bytes: &[u8]) -> bool {
    let Some(header) = header(name, bytes.len()) else {
        return false;
    };
    tar.extend_from_slice(&header);
    tar.extend_from_slice(bytes);
    let padded = tar.len().next_multiple_of(BLOCK_BYTES);
    tar.resize(padded, 0);
    true
}

/// Ends a tar.
pub fn finish(tar: &mut Vec<u8>) {
    let end = tar.len().saturating_add(BLOCK_BYTES.saturating_mul(2));
    tar.resize(end, 0);
}

/// Whether a name can stand in a tar: a relative path of plain parts that fits a header.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= NAME_BYTES_MAX
        && name
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(is_plain))
}

/// Reads the whole tar; any bytes are legal input.
///
/// # Errors
/// [`TarError`] with the first place that [`append`] would not have written.
pub fn entries(tar: &[u8]) -> Result<Vec<Entry<'_>>, TarError> {
    let mut files: Vec<Entry<'_>> = Vec::new();
    let mut rest = tar;
    loop {
        let offset = tar.len().saturating_sub(rest.len());
        let (block, after) = rest
            .split_first_chunk::<BLOCK_BYTES>()
            .ok_or(TarError::Cut { offset })?;
        if is_zero(block) {
            let is_end = after.len() == BLOCK_BYTES && is_zero(after);
            return if is_end {
                Ok(files)
            } else {
                Err(TarError::Tail { offset })
            };
        }
        let (name, size) = read_header(block, offset)?;
        if files.last().is_some_and(|last| last.name >= name) {
            return Err(TarError::Order { name: name.into() });
        }
        let begin = offset.saturating_add(BLOCK_BYTES);
        let cut = TarError::Cut { offset: begin };
        let (bytes, after) = after.split_at_checked(size).ok_or(cut.clone())?;
        let padding = size.next_multiple_of(BLOCK_BYTES).saturating_sub(size);
        let (padding, after) = after.split_at_checked(padding).ok_or(cut)?;
        if !is_zero(padding) {
            let offset = begin.saturating_add(size);
            return Err(TarError::Tail { offset });
        }
        files.push(Entry { name, bytes });
        rest = after;
    }
}

/// Name and size of a header's file.
fn read_header(block: &Block, offset: usize) -> Result<(&str, usize), TarError> {
    let damaged = TarError::Header { offset };
    if block.get(KIND) != Some(&b'0') {
        return Err(TarError::NotAFile { offset });
    }
    let name = field(block, NAME);
    let length = name.iter().position(|byte| *byte == 0);
    let name = name.get(..length.unwrap_or(NAME_BYTES_MAX));
    let name = name
        .and_then(|name| core::str::from_utf8(name).ok())
        .filter(|name| is_plain_name(name))
        .ok_or(TarError::Name { offset })?;
    let size = octal(field(block, SIZE)).ok_or(damaged.clone())?;
    if header(name, size).as_ref() == Some(block) {
        Ok((name, size))
    } else {
        Err(damaged)
    }
}

/// The only header that this file can have.
fn header(name: &str, size: usize) -> Option<Block> {
    if !is_plain_name(name) || size > FILE_BYTES_MAX {
        return None;
    }
    let mut block = [0; BLOCK_BYTES];
    put(&mut block, NAME.0, name.as_bytes());
    put_octal(&mut block, MODE, 0o644);
    put_octal(&mut block, OWNER, 0);
    put_octal(&mut block, GROUP, 0);
    put_octal(&mut block, SIZE, size);
    put_octal(&mut block, TIME, 0);
    put(&mut block, KIND, b"0");
    put(&mut block, MAGIC.0, b"ustar\x0000");
    // The checksum is taken with blanks in its own place.
    put(&mut block, CHECKSUM.0, b"        ");
    let sum = block
        .iter()
        .fold(0_usize, |sum, byte| sum.saturating_add(usize::from(*byte)));
    put_octal(&mut block, CHECKSUM, sum);
    Some(block)
}

fn field(block: &Block, (from, to): (usize, usize)) -> &[u8] {
    block.get(from..to).unwrap_or_default()
}

fn put(block: &mut Block, from: usize, bytes: &[u8]) {
    for (place, byte) in block.iter_mut().skip(from).zip(bytes) {
        *place = *byte;
    }
}

/// Fills a field with octal digits, zeros in front, and a NUL at its end.
fn put_octal(block: &mut Block, (from, to): (usize, usize), number: usize) {
    let digits = to.saturating_sub(from).saturating_sub(1);
    let mut rest = number;
    for place in block.iter_mut().skip(from).take(digits).rev() {
        let digit = u8::try_from(rest & 7).unwrap_or(0);
        *place = b'0'.saturating_add(digit);
        rest >>= 3;
    }
    for place in block.iter_mut().skip(from.saturating_add(digits)).take(1) {
        *place = 0;
    }
}

/// The number in a field of octal digits that ends in a NUL.
fn octal(field: &[u8]) -> Option<usize> {
    let (end, digits) = field.split_last()?;
    if *end != 0 {
        return None;
    }
    digits.iter().try_fold(0_usize, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        number.checked_mul(8)?.checked_add(usize::from(digit))
    })
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, bytes) in files {
            assert!(append(&mut tar, name, bytes), "{name}");
        }
        finish(&mut tar);
        tar
    }

    #[test]
    fn what_was_appended_comes_back_in_order() {
        let long = vec![7; 1025];
        let exact = vec![8; 512];
        let files: [(&str, &[u8]); 4] = [
            ("a.gdf", b"glyph_id: a\n"),
            ("b/c.gdf", b""),
            ("d.gdf", &long),
            ("e.gdf", &exact),
        ];
        let bytes = tar(&files);
        assert_eq!(bytes.len() % BLOCK_BYTES, 0);
        let read: Vec<_> = entries(&bytes)
            .unwrap()
            .iter()
            .map(|entry| (entry.name, entry.bytes))
            .collect();
        assert_eq!(read, files);
        assert_eq!(entries(&tar(&[])), Ok(vec![]));
    }

    #[test]
    fn names_that_lead_elsewhere_are_neither_written_nor_read() {
        for name in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            "./a",
            "a/.",
            "a b",
            "a\\b",
            "caf\u{e9}",
            &"n".repeat(101),
        ] {
            assert!(!append(&mut Vec::new(), name, b""), "{name}");
            let mut bytes = tar(&[("n", b"")]);
            let mut field = [0; NAME_BYTES_MAX];
            for (place, byte) in field.iter_mut().zip(name.bytes()) {
                *place = byte;
            }
            bytes[..NAME_BYTES_MAX].copy_from_slice(&field);
            let refused = entries(&bytes);
            assert!(refused.is_err(), "{name}: {refused:?}");
        }
        assert!(append(&mut Vec::new(), &"n".repeat(100), b""));
    }

    #[test]
    fn only_the_one_spelling_of_a_tar_is_read() {
        let bytes = tar(&[("a.gdf", b"text")]);
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[place] ^= 1 << bit;
                let is_content = (512..516).contains(&place);
                assert_eq!(
                    entries(&other).is_ok(),
                    is_content,
                    "byte {place} bit {bit}"
                );
            }
        }
        for length in 0..bytes.len() {
            assert!(entries(&bytes[..length]).is_err(), "{length}");
        }
        let longer = [bytes.as_slice(), &[0; 512]].concat();
        assert_eq!(entries(&longer), Err(TarError::Tail { offset: 1024 }));
    }

    #[test]
    fn a_name_twice_or_out_of_order_is_refused() {
        for pair in [["a", "a"], ["b", "a"]] {
            let bytes = tar(&pair.map(|name| (name, b"x".as_slice())));
            let name = pair[1].into();
            assert_eq!(entries(&bytes), Err(TarError::Order { name }));
        }
    }

    #[test]
    fn a_link_a_folder_and_a_claim_beyond_the_end_are_named_as_such() {
        for kind in *b"123456xgL" {
            let mut bytes = tar(&[("a", b"")]);
            bytes[KIND] = kind;
            assert_eq!(entries(&bytes), Err(TarError::NotAFile { offset: 0 }));
        }
        let claims = |size: usize| {
            let mut bytes = header("a", size).unwrap().to_vec();
            finish(&mut bytes);
            entries(&bytes).err()
        };
        let cut = Some(TarError::Cut { offset: 512 });
        assert_eq!(claims(1025), cut);
        assert_eq!(claims(FILE_BYTES_MAX), cut);
        assert_eq!(header("a", FILE_BYTES_MAX + 1), None);
    }
}

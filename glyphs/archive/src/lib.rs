//! The vault as one signed file: sealed on a host, opened only if its signature holds.
//!
//! A vault archive is a plain tar of `NAME.gdf` files, and of a `policy.txt` of governance if it
//! brings one, followed by one block, its [seal]: any tar program lists it, and nothing of GlyphOS reads a byte of the tar before the signature over all
//! of it holds. The build tool, `glyphctl` and the node share this one reader and writer.
//!
//! Invariants:
//! - an [`Archive`] that exists was signed with the key that the caller trusts, and is whole;
//! - equal files and key give equal bytes: no time, owner or randomness enters an archive;
//! - the reader takes only what the writer writes, so no two readers can see two contents.
//!
//! [seal]: crate::seal
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod archive;
pub mod key;
pub mod seal;
pub mod ustar;

pub use archive::{ARCHIVE_BYTES_MAX, Archive, ArchiveError, POLICY_FILE, PackError, pack};
pub use key::{KeyOrigin, TrustedKey, public_key};

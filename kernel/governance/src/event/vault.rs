//! The bytes of an archive's piece in a record.

use crate::vault::VAULT_PIECE_BYTES;
use crate::wire::{DecodeError, Reader, Wire, Writer};
use abi::id::Hex;
use alloc::vec::Vec;
use core::fmt;

/// One piece of a vault's archive: 1 to [`VAULT_PIECE_BYTES`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultPieceBytes(pub Vec<u8>);

impl Wire for VaultPieceBytes {
    fn put(&self, out: &mut Writer) {
        out.raw(&self.0);
    }
    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.raw()?;
        if (1..=VAULT_PIECE_BYTES).contains(&bytes.len()) {
            Ok(VaultPieceBytes(bytes.to_vec()))
        } else {
            Err(DecodeError::Value("a piece of a vault's archive"))
        }
    }
    fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "\"{}\"", Hex(&self.0))
    }
}

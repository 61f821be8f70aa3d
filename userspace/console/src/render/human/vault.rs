//! The vault as a whole, for a person.

use super::super::layout::Labelled;
use abi::id::Hex;
use abi::vault::VaultStatus;
use alloc::format;
use core::fmt;

pub(super) fn write_status(status: &VaultStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let key = match &status.key {
        Some(key) => format!("{} ({})", Hex(&key.fingerprint), key.origin),
        None => "none: this kernel takes no vault".into(),
    };
    Labelled::new()
        .row("state", status.state.name())
        .maybe(
            "reason",
            (!status.reason.is_empty()).then_some(&status.reason),
        )
        .row("source", status.source.name())
        .maybe("archive", status.digest.as_ref().map(|digest| Hex(digest)))
        .row("glyphs", status.glyphs)
        .row("errors", status.errors)
        .row("trusted key", key)
        .write(out)
}

//! The vault as a whole, for a program.

use super::super::layout::joined;
use super::Fields;
use abi::id::Hex;
use abi::vault::{VaultChangeView, VaultStatus};
use core::fmt;

pub(super) fn status(status: &VaultStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let policy = status.policy.as_ref();
    Fields::new(out)
        .word("state", status.state.name())
        .text("reason", &status.reason)
        .word("source", status.source.name())
        .maybe("digest", status.digest.as_ref().map(|digest| Hex(digest)))
        .word("glyphs", status.glyphs)
        .word("errors", status.errors)
        .maybe("key", status.key.as_ref().map(|key| Hex(&key.fingerprint)))
        .maybe("key_origin", status.key.map(|key| key.origin))
        .text("policy", policy.map_or("", |policy| policy.name.as_str()))
        .maybe("policy_version", policy.map(|policy| policy.version))
        .maybe("policy_digest", policy.map(|policy| Hex(&policy.digest)))
        .maybe(
            "policy_key",
            policy.and_then(|policy| policy.signed_by.as_ref().map(|key| Hex(key))),
        )
        .text("policy_refused", &status.policy_refused)
        .word("staged_bytes", status.staged_bytes)
        .end()?;
    for archive in &status.archives {
        Fields::new(out)
            .word("archive", Hex(&archive.digest))
            .word("bytes", archive.bytes)
            .truth("whole", archive.is_whole)
            .end()?;
    }
    status.changes.iter().try_for_each(|view| change(view, out))
}

pub(super) fn change(view: &VaultChangeView, out: &mut dyn fmt::Write) -> fmt::Result {
    Fields::new(out)
        .word("change", view.id)
        .maybe("archive", view.archive.as_ref().map(|digest| Hex(digest)))
        .word("signed", joined(&view.signed, ","))
        .word("signatures_missing", view.signatures_missing)
        .word("expires_at", view.expires_at)
        .end()
}

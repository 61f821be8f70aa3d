//! The vault as a whole, for a person.

use super::super::layout::{Labelled, Table, joined, paragraph, yes_no};
use super::records::{SHORT_ID_DIGITS, short};
use abi::id::Hex;
use abi::vault::{VaultChangeView, VaultStatus};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::fmt;

/// First digits of an archive's SHA-256, enough to propose it by.
fn named(digest: &[u8; 32]) -> String {
    Hex(digest.get(..8).unwrap_or_default()).to_string()
}

pub(super) fn write_status(status: &VaultStatus, out: &mut dyn fmt::Write) -> fmt::Result {
    let key = match &status.key {
        Some(key) => format!("{} ({})", Hex(&key.fingerprint), key.origin),
        None => "none: this kernel takes no vault".into(),
    };
    let policy = status.policy.as_ref().map(|policy| {
        let source = match &policy.signed_by {
            Some(key) => format!("signed by {}", Hex(key)),
            None => "built in".into(),
        };
        format!("{} version {}, {source}", policy.name, policy.version)
    });
    let digest = status.policy.as_ref().map(|policy| Hex(&policy.digest));
    let is_staged = status.staged_bytes > 0;
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
        .maybe("policy", policy)
        .maybe("its sha256", digest)
        .maybe(
            "policy refused",
            (!status.policy_refused.is_empty()).then_some(&status.policy_refused),
        )
        .maybe(
            "staged",
            is_staged.then(|| format!("{} bytes", status.staged_bytes)),
        )
        .write(out)?;
    if !status.archives.is_empty() {
        let mut table = Table::new(&["in the ledger", "bytes", "whole"]);
        for archive in &status.archives {
            table.push(vec![
                named(&archive.digest),
                archive.bytes.to_string(),
                yes_no(archive.is_whole).to_string(),
            ]);
        }
        table.write("", out)?;
    }
    status
        .changes
        .iter()
        .try_for_each(|change| write_change(change, out))
}

pub(super) fn write_change(change: &VaultChangeView, out: &mut dyn fmt::Write) -> fmt::Result {
    let vault = match &change.archive {
        Some(digest) => format!("archive {}", named(digest)),
        None => String::from("that of the boot medium"),
    };
    if change.signatures_missing == 0 {
        return paragraph(out, 0, 2, &format!("the vault is {vault} now"));
    }
    writeln!(out, "change {}", change.id)?;
    Labelled::new()
        .row("vault", vault)
        .row("signed by", joined(&change.signed, ", "))
        .row(
            "still missing",
            format!("{} signatures", change.signatures_missing),
        )
        .row("ends", change.expires_at)
        .row(
            "to sign",
            format!(
                "vault challenge {} GUARDIAN \"why\"",
                short(&change.id, SHORT_ID_DIGITS)
            ),
        )
        .write(out)
}

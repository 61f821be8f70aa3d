//! Guardians, requests and overrides for a person.

use crate::render::governance::kind_name;
use crate::render::layout::{Labelled, Table, joined, paragraph, yes_no};
use abi::id::Hex;
use abi::response::{ApprovalView, GuardianChangeView, GuardianView, OverrideView, SignatureView};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::fmt;

/// Hexadecimal digits of a record's id that lists show; enough to type and to tell apart.
pub(super) const SHORT_ID_DIGITS: usize = 8;
/// Hexadecimal digits of a signature that are shown.
const SHORT_SIGNATURE_DIGITS: usize = 16;

/// The first digits of an id or signature.
pub(super) fn short(text: &impl ToString, digits: usize) -> String {
    let text = text.to_string();
    match text.get(..digits) {
        Some(start) if text.len() > digits => String::from(start),
        _ => text,
    }
}

pub(super) fn write_guardians(
    guardians: &[GuardianView],
    changes: &[GuardianChangeView],
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    let mut table = Table::new(&["guardian", "role", "state", "key", "failures"]);
    for guardian in guardians {
        let key = match (guardian.algorithm, &guardian.fingerprint) {
            (None, _) => String::from("none enrolled"),
            (Some(algorithm), None) => algorithm.to_string(),
            (Some(algorithm), Some(fingerprint)) => format!("{algorithm} {}", Hex(fingerprint)),
        };
        table.push(vec![
            guardian.id.to_string(),
            guardian.role.to_string(),
            guardian.state.to_string(),
            key,
            guardian.failures.to_string(),
        ]);
    }
    table.write("no guardians", out)?;
    changes
        .iter()
        .try_for_each(|change| write_change(change, out))
}

pub(super) fn write_change(change: &GuardianChangeView, out: &mut dyn fmt::Write) -> fmt::Result {
    let name = format!("{} {}", change.change, change.guardian);
    if change.signatures_missing == 0 {
        return paragraph(out, 0, 2, &format!("{name}: in effect"));
    }
    writeln!(out, "change {}", change.id)?;
    Labelled::new()
        .row("does", name)
        .row("signed by", joined(&change.signed, ", "))
        .row(
            "still missing",
            format!("{} signatures", change.signatures_missing),
        )
        .row(
            "to sign",
            format!(
                "guardian challenge {} GUARDIAN \"why\"",
                short(&change.id, SHORT_ID_DIGITS)
            ),
        )
        .write(out)
}

pub(super) fn write_approvals(views: &[ApprovalView], out: &mut dyn fmt::Write) -> fmt::Result {
    let mut table = Table::new(&["request", "status", "impact", "missing", "title"]);
    for view in views {
        table.push(vec![
            short(&view.request_id, SHORT_ID_DIGITS),
            view.status.to_string(),
            view.impact.to_string(),
            joined(&view.missing_roles, ","),
            view.title.clone(),
        ]);
    }
    table.write("no requests", out)
}

pub(super) fn write_approval(view: &ApprovalView, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "request {}", view.request_id)?;
    let size = format!("{} files, {} lines", view.files_changed, view.lines_changed);
    Labelled::new()
        .row("title", &view.title)
        .row("description", &view.description)
        .row("status", view.status)
        .row("impact", view.impact)
        .row("type", &view.change_type)
        .row("requester", &view.requester)
        .row("size", size)
        .row("created", view.created_at)
        .row("expires", view.expires_at)
        .row("needs", joined(&view.required_roles, ", "))
        .row("still missing", joined(&view.missing_roles, ", "))
        .row("risk score", format!("{:.2}", view.risk_score))
        .write(out)?;
    write_metadata(&view.metadata, out)?;
    write_signatures("approved", &view.approvals, out)?;
    write_signatures("rejected", &view.rejections, out)?;
    for check in &view.compliance {
        let verdict = if check.passed { "passed" } else { "FAILED" };
        let line = format!("check {}: {verdict}, score {:.2}", check.name, check.score);
        paragraph(out, 2, 4, &line)?;
        for violation in &check.violations {
            paragraph(out, 4, 6, &format!("violation: {violation}"))?;
        }
        for warning in &check.warnings {
            paragraph(out, 4, 6, &format!("warning: {warning}"))?;
        }
    }
    Ok(())
}

fn write_metadata(pairs: &[(String, String)], out: &mut dyn fmt::Write) -> fmt::Result {
    pairs
        .iter()
        .try_for_each(|(key, value)| paragraph(out, 2, 4, &format!("meta {key} = {value}")))
}

fn write_signatures(
    what: &str,
    signatures: &[SignatureView],
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    signatures.iter().try_for_each(|signature| {
        let line = format!(
            "{what} by {} ({}) at {}, signature {}: {}",
            signature.guardian_id,
            signature.role,
            signature.timestamp,
            short(&signature.signature, SHORT_SIGNATURE_DIGITS),
            signature.justification
        );
        paragraph(out, 2, 4, &line)
    })
}

pub(super) fn write_overrides(views: &[OverrideView], out: &mut dyn fmt::Write) -> fmt::Result {
    let mut table = Table::new(&["override", "status", "kind", "grants", "signed", "request"]);
    for view in views {
        table.push(vec![
            short(&view.override_id, SHORT_ID_DIGITS),
            view.status.to_string(),
            kind_name(view.kind).to_string(),
            yes_no(view.grant_in_force).to_string(),
            format!("{}/{}", view.signatures.len(), view.min_signatures_required),
            short(&view.request_id, SHORT_ID_DIGITS),
        ]);
    }
    table.write("no overrides", out)
}

pub(super) fn write_override(view: &OverrideView, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "override {}", view.override_id)?;
    let signed = format!(
        "{} of {}",
        view.signatures.len(),
        view.min_signatures_required
    );
    let grant = match (view.grant_in_force, view.lapses_at) {
        (true, Some(lapses)) => format!("in force until {lapses}"),
        (true, None) => String::from("in force"),
        (false, _) => String::from("none"),
    };
    let post_mortem = if view.post_mortem_completed {
        "written"
    } else {
        "still to be written"
    };
    Labelled::new()
        .row("request", view.request_id)
        .row("status", view.status)
        .row("kind", kind_name(view.kind))
        .row("initiated by", &view.initiated_by)
        .row("justification", &view.justification)
        .row("created", view.created_at)
        .row("signatures", signed)
        .row("missing roles", joined(&view.missing_roles, ", "))
        .row("grant", grant)
        .row("post-mortem", post_mortem)
        .row("review due", view.auto_review_date)
        .write(out)?;
    write_metadata(&view.metadata, out)?;
    write_signatures("signed", &view.signatures, out)?;
    write_signatures("post-mortem", view.post_mortem_report.as_slice(), out)?;
    write_signatures("reviewed", view.review.as_slice(), out)?;
    view.consequences
        .iter()
        .try_for_each(|consequence| paragraph(out, 2, 4, &format!("consequence: {consequence}")))
}

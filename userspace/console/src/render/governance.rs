//! Requests and overrides for a program, one line for the record and one for each part of it.

use super::layout::joined;
use super::machine::Fields;
use abi::RecordId;
use abi::request::OverrideKind;
use abi::response::{ApprovalView, OverrideView, SignatureView};
use alloc::string::String;
use core::fmt;

/// A request with its parts.
pub(super) fn approval(view: &ApprovalView, out: &mut dyn fmt::Write) -> fmt::Result {
    approval_line(view, out)?;
    metadata(view.request_id, &view.metadata, out)?;
    for signature in &view.approvals {
        signed("approval", view.request_id, signature, out)?;
    }
    for signature in &view.rejections {
        signed("rejection", view.request_id, signature, out)?;
    }
    for check in &view.compliance {
        Fields::new(out)
            .word("compliance", view.request_id)
            .text("name", &check.name)
            .truth("passed", check.passed)
            .number("score", check.score)
            .text("violations", &texts(&check.violations))
            .text("warnings", &texts(&check.warnings))
            .end()?;
    }
    Ok(())
}

/// A request on one line.
pub(super) fn approval_line(view: &ApprovalView, out: &mut dyn fmt::Write) -> fmt::Result {
    Fields::new(out)
        .word("request", view.request_id)
        .word("status", view.status)
        .word("impact", view.impact)
        .text("change_type", &view.change_type)
        .text("title", &view.title)
        .text("description", &view.description)
        .text("requester", &view.requester)
        .word("files_changed", view.files_changed)
        .word("lines_changed", view.lines_changed)
        .word("created_at", view.created_at)
        .word("expires_at", view.expires_at)
        .word("required_roles", joined(&view.required_roles, ","))
        .word("missing_roles", joined(&view.missing_roles, ","))
        .number("risk_score", view.risk_score)
        .end()
}

/// An override with its parts.
pub(super) fn override_record(view: &OverrideView, out: &mut dyn fmt::Write) -> fmt::Result {
    override_line(view, out)?;
    metadata(view.override_id, &view.metadata, out)?;
    for signature in &view.signatures {
        signed("override_signature", view.override_id, signature, out)?;
    }
    if let Some(report) = &view.post_mortem_report {
        signed("post_mortem", view.override_id, report, out)?;
    }
    if let Some(review) = &view.review {
        signed("review", view.override_id, review, out)?;
    }
    view.consequences.iter().try_for_each(|consequence| {
        Fields::new(out)
            .word("consequence", view.override_id)
            .text("text", consequence)
            .end()
    })
}

/// An override on one line.
pub(super) fn override_line(view: &OverrideView, out: &mut dyn fmt::Write) -> fmt::Result {
    Fields::new(out)
        .word("override", view.override_id)
        .word("request", view.request_id)
        .word("status", view.status)
        .word("kind", kind_name(view.kind))
        .text("initiated_by", &view.initiated_by)
        .text("justification", &view.justification)
        .word("created_at", view.created_at)
        .word("signatures", view.signatures.len())
        .word("min_signatures_required", view.min_signatures_required)
        .word("missing_roles", joined(&view.missing_roles, ","))
        .truth("grant_in_force", view.grant_in_force)
        .maybe("lapses_at", view.lapses_at)
        .truth("post_mortem_required", view.post_mortem_required)
        .truth("post_mortem_completed", view.post_mortem_completed)
        .truth("auto_review_scheduled", view.auto_review_scheduled)
        .word("auto_review_date", view.auto_review_date)
        .end()
}

/// The word for an override's kind.
pub(super) const fn kind_name(kind: OverrideKind) -> &'static str {
    match kind {
        OverrideKind::Real => "real",
        OverrideKind::Drill => "drill",
    }
}

fn signed(
    what: &str,
    id: RecordId,
    signature: &SignatureView,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    Fields::new(out)
        .word(what, id)
        .word("guardian_id", &signature.guardian_id)
        .word("role", signature.role)
        .word("timestamp", signature.timestamp)
        .word("signature", &signature.signature)
        .text("justification", &signature.justification)
        .end()
}

fn metadata(id: RecordId, pairs: &[(String, String)], out: &mut dyn fmt::Write) -> fmt::Result {
    pairs.iter().try_for_each(|(key, value)| {
        Fields::new(out)
            .word("metadata", id)
            .text("key", key)
            .text("value", value)
            .end()
    })
}

fn texts(texts: &[String]) -> String {
    texts.join("; ")
}

//! Answers: the state as the console and the host tools show it.

pub(crate) mod note;

use crate::decide::{Command, Reply, resolve};
use crate::event::Vote;
use crate::policy::required_roles;
use crate::refused::Refused;
use crate::state::{Accepted, Approval, Change, Governance, Override};
use crate::wire::json_text;
use abi::governance::OverrideStatus;
use abi::id::Hex;
use abi::request::{ApprovalRequest, GuardianRequest, OverrideKind, OverrideRequest};
use abi::response::{
    ApprovalView, ComplianceView, GuardianChangeView, GuardianView, OverrideView, SignatureView,
};
use abi::time::UnixSeconds;
use abi::{FaultCode, Response};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

impl Governance {
    /// Renders an answer after its record was applied; `now` as for the decision.
    #[must_use]
    pub fn reply(&self, reply: Reply, now: UnixSeconds) -> Response {
        let now = self.time_at(now);
        let rendered = match reply {
            Reply::Answer(response) => Ok(*response),
            Reply::GuardianChange(id) => self.change(id).map(|change| Response::GuardianChange {
                change: self.change_view(id, change),
            }),
            Reply::VaultChange(id) => self
                .vault_change(id)
                .map(|change| Response::VaultChange(self.vault_change_view(id, change))),
            Reply::Request(id) => self
                .request(id)
                .map(|request| Response::Approval(self.approval_view(request))),
            Reply::Override { id, step } => self.find_override(id).map(|item| Response::Override {
                view: self.override_view(item, now),
                note: self.note(item, step, now),
            }),
        };
        // Only a caller that skipped applying the record comes to the other arm.
        rendered.unwrap_or_else(|refused| Response::Text(refused.fault.text))
    }

    /// Answers a question.
    pub(crate) fn answer(
        &self,
        command: Command<'_>,
        now: UnixSeconds,
    ) -> Result<Response, Refused> {
        match command {
            Command::Guardian(GuardianRequest::List) => Ok(Response::Guardians {
                guardians: self.guardian_views(),
                changes: self.open_change_views(),
            }),
            Command::Approval(ApprovalRequest::List) => {
                Ok(Response::Approvals(self.approval_views()))
            }
            Command::Approval(ApprovalRequest::Show(prefix)) => {
                let id = resolve(&self.requests, prefix, ("request", "request list"))?;
                Ok(Response::Approval(self.approval_view(self.request(id)?)))
            }
            Command::Override(OverrideRequest::List) => {
                Ok(Response::Overrides(self.override_views(now)))
            }
            Command::Override(OverrideRequest::Show(prefix)) => {
                let id = resolve(&self.overrides, prefix, ("override", "override list"))?;
                let item = self.find_override(id)?;
                Ok(Response::Override {
                    view: self.override_view(item, now),
                    note: self.note(item, None, now),
                })
            }
            _ => Err(Refused::of(
                FaultCode::Usage,
                "this command is no question: type help",
            )),
        }
    }

    /// Guardians in the order of enrolment, then the proposed ones without a key.
    #[must_use]
    pub fn guardian_views(&self) -> Vec<GuardianView> {
        let (enrolled, proposed): (Vec<_>, Vec<_>) = self
            .guardians
            .iter()
            .partition(|guardian| guardian.generation > 0);
        enrolled
            .into_iter()
            .chain(proposed)
            .map(|guardian| GuardianView {
                id: guardian.id.clone(),
                role: guardian.role,
                algorithm: guardian.key.as_ref().map(|key| key.algorithm()),
                state: guardian.state,
                failures: guardian.failures,
                fingerprint: guardian.key.as_ref().and_then(|key| key.fingerprint()),
            })
            .collect()
    }

    /// Changes of guardians that wait for signatures, oldest first.
    #[must_use]
    pub fn open_change_views(&self) -> Vec<GuardianChangeView> {
        let mut open: Vec<_> = self
            .changes
            .iter()
            .filter(|(_, item)| item.ballot.is_open())
            .collect();
        open.sort_by_key(|(_, change)| change.number);
        open.into_iter()
            .map(|(id, change)| self.change_view(*id, change))
            .collect()
    }

    fn change_view(&self, id: abi::RecordId, change: &Change) -> GuardianChangeView {
        GuardianChangeView {
            id,
            change: change.change,
            guardian: change.guardian.clone(),
            signed: change.ballot.signers(),
            signatures_missing: self.signatures_missing(&change.ballot),
        }
    }

    /// Every request, oldest first.
    #[must_use]
    pub fn approval_views(&self) -> Vec<ApprovalView> {
        let mut requests: Vec<_> = self.requests.values().collect();
        requests.sort_by_key(|request| request.number);
        requests
            .into_iter()
            .map(|request| self.approval_view(request))
            .collect()
    }

    fn approval_view(&self, request: &Approval) -> ApprovalView {
        let created = &request.created;
        let is_open = request.is_open();
        ApprovalView {
            request_id: created.request_id,
            title: created.title.clone(),
            description: created.description.clone(),
            change_type: created.change_type.clone(),
            impact: created.impact,
            requester: created.requester.clone(),
            files_changed: created.files_changed,
            lines_changed: created.lines_changed,
            metadata: created
                .metadata
                .iter()
                .map(|pair| (pair.key.clone(), pair.value.clone()))
                .collect(),
            status: request.status,
            created_at: request.created_at,
            expires_at: created.expires_at,
            required_roles: required_roles(created.impact).to_vec(),
            missing_roles: if is_open {
                self.unapproved(request)
            } else {
                Vec::new()
            },
            approvals: signature_views(&request.approvals),
            rejections: signature_views(&request.rejections),
            risk_score: created.risk_score.share(),
            compliance: created
                .compliance
                .iter()
                .map(|check| ComplianceView {
                    name: check.name.clone(),
                    passed: check.passed,
                    score: check.score.share(),
                    violations: check.violations.clone(),
                    warnings: check.warnings.clone(),
                })
                .collect(),
        }
    }

    /// Every override, oldest first, as it is at `now`.
    #[must_use]
    pub fn override_views(&self, now: UnixSeconds) -> Vec<OverrideView> {
        let now = self.time_at(now);
        let mut overrides: Vec<_> = self.overrides.values().collect();
        overrides.sort_by_key(|item| item.number);
        overrides
            .into_iter()
            .map(|item| self.override_view(item, now))
            .collect()
    }

    pub(crate) fn override_view(&self, item: &Override, now: UnixSeconds) -> OverrideView {
        let created = &item.created;
        let is_pending = item.status == OverrideStatus::Pending;
        OverrideView {
            override_id: created.override_id,
            request_id: created.request_id,
            justification: created.justification.clone(),
            initiated_by: created.initiated_by.clone(),
            created_at: created.created_at,
            kind: created.kind,
            signatures: signature_views(&item.signatures),
            min_signatures_required: created.min_signatures_required,
            missing_roles: if is_pending {
                self.uncovered(item)
            } else {
                Vec::new()
            },
            status: item.status,
            grant_in_force: self.is_live && item.grant_in_force(now),
            lapses_at: item.grant.as_ref().map(|grant| grant.lapses_at),
            post_mortem_required: created.post_mortem_required,
            post_mortem_completed: item.post_mortem.is_some(),
            post_mortem_report: item.post_mortem.as_ref().map(signature_view),
            auto_review_scheduled: created.auto_review_scheduled,
            auto_review_date: created.auto_review_date,
            review: item.review.as_ref().map(signature_view),
            consequences: item.consequences.clone(),
            metadata: created
                .metadata
                .iter()
                .map(|pair| (pair.key.clone(), pair.value.clone()))
                .collect(),
        }
    }
}

fn signature_views(votes: &[Accepted]) -> Vec<SignatureView> {
    votes
        .iter()
        .map(|accepted| signature_view(&accepted.vote))
        .collect()
}

fn signature_view(vote: &Vote) -> SignatureView {
    SignatureView {
        guardian_id: vote.guardian_id.clone(),
        role: vote.role,
        signature: Hex(&vote.signature.0).to_string(),
        timestamp: vote.timestamp,
        justification: vote.justification.clone(),
    }
}

/// Writes an override as one line of JSON with the field names of the spec.
///
/// # Errors
/// Only those of `out`.
pub fn override_to_json(view: &OverrideView, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(
        out,
        "{{\"override_id\":\"{}\",\"request_id\":\"{}\",\"justification\":",
        view.override_id, view.request_id
    )?;
    json_text(&view.justification, out)?;
    out.write_str(",\"initiated_by\":")?;
    json_text(&view.initiated_by, out)?;
    write!(
        out,
        ",\"created_at\":\"{}\",\"drill\":{},\"signatures\":",
        view.created_at,
        view.kind == OverrideKind::Drill
    )?;
    json_list(&view.signatures, out, signature_to_json)?;
    write!(
        out,
        ",\"min_signatures_required\":{},\"status\":\"{}\",\"grant_in_force\":{}",
        view.min_signatures_required, view.status, view.grant_in_force
    )?;
    write!(
        out,
        ",\"post_mortem_required\":{},\"post_mortem_completed\":{},\"post_mortem_report\":",
        view.post_mortem_required, view.post_mortem_completed
    )?;
    json_option(view.post_mortem_report.as_ref(), out)?;
    write!(
        out,
        ",\"auto_review_scheduled\":{},\"auto_review_date\":\"{}\",\"review\":",
        view.auto_review_scheduled, view.auto_review_date
    )?;
    json_option(view.review.as_ref(), out)?;
    out.write_str(",\"consequences\":")?;
    json_list(&view.consequences, out, |text: &String, out| {
        json_text(text, out)
    })?;
    out.write_str(",\"metadata\":{")?;
    for (place, (key, value)) in view.metadata.iter().enumerate() {
        if place > 0 {
            out.write_char(',')?;
        }
        json_text(key, out)?;
        out.write_char(':')?;
        json_text(value, out)?;
    }
    out.write_str("}}")
}

fn json_list<T>(
    items: &[T],
    out: &mut dyn fmt::Write,
    write_one: impl Fn(&T, &mut dyn fmt::Write) -> fmt::Result,
) -> fmt::Result {
    out.write_char('[')?;
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.write_char(',')?;
        }
        write_one(item, out)?;
    }
    out.write_char(']')
}

fn json_option(signature: Option<&SignatureView>, out: &mut dyn fmt::Write) -> fmt::Result {
    match signature {
        Some(signature) => signature_to_json(signature, out),
        None => out.write_str("null"),
    }
}

fn signature_to_json(signature: &SignatureView, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(
        out,
        "{{\"guardian_id\":\"{}\",\"role\":\"{}\",\"signature\":\"{}\",\"timestamp\":\"{}\",\
         \"justification\":",
        signature.guardian_id, signature.role, signature.signature, signature.timestamp
    )?;
    json_text(&signature.justification, out)?;
    out.write_char('}')
}

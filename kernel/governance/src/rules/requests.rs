//! Rules on requests for approval.
//!
//! A request is escalated while a role that it needs is held by no active guardian. It takes
//! decisions then as well, but is not approved before the role is held again and has approved;
//! it returns to pending when a guardian of that role is active again.

use crate::challenge::Subject;
use crate::defect::{Defect, planted};
use crate::event::summary::{cut, short};
use crate::event::{RequestCreated, RequestDecided, WORD_BYTES_MAX};
use crate::policy::compliance;
use crate::policy::{expiry_seconds, required_roles};
use crate::refused::Refused;
use crate::rules::{require_metadata, require_plain, require_text, same};
use crate::state::{Approval, Governance, Guardian, REQUESTS_OPEN_MAX};
use abi::governance::{Action, Impact, RequestStatus, Role};
use abi::limits::TEXT_BYTES_MAX;
use abi::time::UnixSeconds;
use abi::{FaultCode, RecordId};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a title that a signer is shown.
const SUBJECT_TITLE_BYTES: usize = 200;

impl Governance {
    pub(super) fn judge_request_created(
        &self,
        time: UnixSeconds,
        event: &RequestCreated,
    ) -> Result<(), Refused> {
        let policy = self.require_policy()?;
        self.require_new(&event.request_id)?;
        require_text("the title", &event.title)?;
        require_plain("the description", &event.description, TEXT_BYTES_MAX)?;
        require_text("the change type", &event.change_type)?;
        require_plain("the change type", &event.change_type, WORD_BYTES_MAX)?;
        require_text("the requester", &event.requester)?;
        require_plain("the requester", &event.requester, WORD_BYTES_MAX)?;
        require_metadata(&event.metadata)?;
        let open = self.open_requests.len();
        if open >= REQUESTS_OPEN_MAX {
            return Err(Refused::of(
                FaultCode::Full,
                format!("{open} requests wait already: decide them or let them expire"),
            ));
        }
        same(
            event.expires_at == time.plus(expiry_seconds(event.impact)),
            "the expiry",
        )?;
        same(
            event.status == self.open_status(event.impact),
            "the request's status",
        )?;
        let (compliance, risk) = compliance::assess(policy, event);
        same(compliance == event.compliance, "compliance")?;
        same(risk == event.risk_score, "the risk score")
    }

    /// Status of an undecided request of this impact.
    pub(crate) fn open_status(&self, impact: Impact) -> RequestStatus {
        if required_roles(impact)
            .iter()
            .all(|role| self.has_active(*role))
        {
            RequestStatus::Pending
        } else {
            RequestStatus::Escalated
        }
    }

    pub(super) fn may_decide(
        &self,
        time: UnixSeconds,
        id: RecordId,
        guardian: &Guardian,
    ) -> Result<(), Refused> {
        let request = self.request(id)?;
        if !request.is_open() {
            return Err(Refused::rule(format!(
                "the request is {} already: create another one with request create",
                request.status
            )));
        }
        if time >= request.created.expires_at {
            return Err(Refused::rule(format!(
                "the request expired at {}: create it anew",
                request.created.expires_at
            )));
        }
        if self.has_voted(&request.approvals, guardian)
            || self.has_voted(&request.rejections, guardian)
        {
            return Err(Refused::rule(format!(
                "{} decided on this request already, and each guardian decides once: request show {} \
                 says which roles are missing",
                guardian.id,
                short(&id)
            )));
        }
        Ok(())
    }

    /// Roles of the request that no counting approval covers.
    pub(crate) fn unapproved(&self, request: &Approval) -> Vec<Role> {
        required_roles(request.created.impact)
            .iter()
            .copied()
            .filter(|needed| {
                !self
                    .counting(&request.approvals)
                    .any(|(_, role)| role == *needed)
            })
            .collect()
    }

    /// Whether this decision is sound; then, the request's status after it.
    pub(crate) fn judge_decision(
        &self,
        time: UnixSeconds,
        event: &RequestDecided,
    ) -> Result<RequestStatus, Refused> {
        let action = if event.approves {
            Action::ApproveRequest
        } else {
            Action::RejectRequest
        };
        self.judge_vote(
            time,
            Subject::Request(event.request_id),
            action,
            &event.signed,
        )?;
        let request = self.request(event.request_id)?;
        if !event.approves && !planted(Defect::IgnoreRejection) {
            return Ok(RequestStatus::Rejected);
        }
        let is_covered = self
            .unapproved(request)
            .iter()
            .all(|role| *role == event.signed.role);
        Ok(if is_covered || planted(Defect::ApproveByOne) {
            RequestStatus::Approved
        } else {
            request.status
        })
    }

    pub(super) fn judge_request_expired(
        &self,
        time: UnixSeconds,
        id: RecordId,
    ) -> Result<(), Refused> {
        let request = self.request(id)?;
        same(
            request.is_open() && time >= request.created.expires_at,
            "the expiry of a request",
        )
    }

    pub(crate) fn request(&self, id: RecordId) -> Result<&Approval, Refused> {
        self.requests.get(&id).map(AsRef::as_ref).ok_or_else(|| {
            Refused::of(
                FaultCode::NotFound,
                format!("there is no request {id}: request list shows them"),
            )
        })
    }

    /// What a signer decides on, in one line.
    pub(super) fn request_subject(&self, id: RecordId) -> Result<String, Refused> {
        let created = &self.request(id)?.created;
        Ok(format!(
            "request of {}: {} {} \"{}\"",
            created.requester,
            created.impact,
            created.change_type,
            cut(&created.title, SUBJECT_TITLE_BYTES)
        ))
    }
}

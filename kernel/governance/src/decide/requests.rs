//! Deciding on requests for approval.

use super::{Context, Reply, Step, resolve};
use crate::challenge::Subject;
use crate::event::{Body, Pair, RequestCreated, RequestDecided};
use crate::policy::compliance::{self, Permille};
use crate::policy::expiry_seconds;
use crate::refused::Refused;
use crate::state::Governance;
use abi::FaultCode;
use abi::governance::{Action, RequestStatus};
use abi::request::{ApprovalRequest, NewApproval};
use abi::time::UnixSeconds;
use alloc::vec::Vec;

impl Governance {
    pub(super) fn serve_approval(
        &mut self,
        request: &ApprovalRequest,
        time: UnixSeconds,
        context: &Context,
    ) -> Result<Step, Refused> {
        match request {
            ApprovalRequest::List | ApprovalRequest::Show(_) => self
                .answer(super::Command::Approval(request), time)
                .map(Step::answer),
            ApprovalRequest::Create(new) => self.create_request(new, time, context),
            ApprovalRequest::Challenge {
                request,
                guardian,
                action,
                justification,
            } => {
                let id = resolve(&self.requests, request, ("request", "request list"))?;
                let step = (*action, guardian, justification.as_str());
                self.issue(time, context, Subject::Request(id), step)
            }
            ApprovalRequest::Decide {
                request,
                guardian,
                action,
                signature,
            } => {
                let request_id = resolve(&self.requests, request, ("request", "request list"))?;
                let step = (*action, guardian, signature);
                let signed = self.vote(time, Subject::Request(request_id), step)?;
                let mut event = RequestDecided {
                    request_id,
                    approves: *action == Action::ApproveRequest,
                    signed,
                    status: RequestStatus::Pending,
                };
                event.status = self.judge_decision(time, &event)?;
                Ok(Step::record(
                    Body::RequestDecided(event),
                    Reply::Request(request_id),
                ))
            }
        }
    }

    fn create_request(
        &self,
        new: &NewApproval,
        time: UnixSeconds,
        context: &Context,
    ) -> Result<Step, Refused> {
        if new.metadata.len() > crate::event::METADATA_PAIRS_MAX {
            return Err(Refused::of(
                FaultCode::OutOfRange,
                "a request has at most 16 pairs of metadata: leave some out",
            ));
        }
        let request_id = self.new_id(context)?;
        let mut event = RequestCreated {
            request_id,
            title: new.title.clone(),
            description: new.description.clone(),
            change_type: new.change_type.clone(),
            impact: new.impact,
            requester: new.requester.clone(),
            files_changed: new.files_changed,
            lines_changed: new.lines_changed,
            metadata: pairs(&new.metadata),
            expires_at: time.plus(expiry_seconds(new.impact)),
            risk_score: Permille::default(),
            compliance: Vec::new(),
            status: self.open_status(new.impact),
        };
        (event.compliance, event.risk_score) = compliance::assess(self.require_policy()?, &event);
        self.propose_record(
            time,
            Body::RequestCreated(event),
            Reply::Request(request_id),
        )
    }
}

fn pairs(metadata: &[(alloc::string::String, alloc::string::String)]) -> Vec<Pair> {
    metadata
        .iter()
        .map(|(key, value)| Pair {
            key: key.clone(),
            value: value.clone(),
        })
        .collect()
}

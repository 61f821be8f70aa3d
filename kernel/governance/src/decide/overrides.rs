//! Deciding on emergency overrides.

use super::{Context, Reply, Step, resolve};
use crate::challenge::Subject;
use crate::event::{
    Body, OverrideCreated, OverrideRejectSigned, OverrideRevoked, OverrideSigned, Pair,
    PostMortemFiled, ReviewFiled, Vote,
};
use crate::policy::{REVIEW_SECONDS, hours};
use crate::refused::Refused;
use crate::state::Governance;
use crate::view::note::post_mortem_done;
use abi::governance::Action;
use abi::request::{OverrideKind, OverrideRequest};
use abi::time::UnixSeconds;
use abi::{FaultCode, RecordId, RecordPrefix, Response};
use alloc::string::ToString as _;
use alloc::{format, vec};

impl Governance {
    pub(super) fn serve_override(
        &mut self,
        request: &OverrideRequest,
        time: UnixSeconds,
        context: &Context,
    ) -> Result<Step, Refused> {
        match request {
            OverrideRequest::List | OverrideRequest::Show(_) => self
                .answer(super::Command::Override(request), time)
                .map(Step::answer),
            OverrideRequest::Create {
                request,
                initiator,
                justification,
                kind,
            } => self.create_override(
                request,
                (initiator.trim(), justification),
                *kind,
                time,
                context,
            ),
            OverrideRequest::Challenge {
                id,
                guardian,
                action,
                text,
            } => {
                let id = resolve(&self.overrides, id, ("override", "override list"))?;
                if let Some(answer) = self.post_mortem_answer(id, *action, time)? {
                    return Ok(answer);
                }
                let step = (*action, guardian, text.as_str());
                self.issue(time, context, Subject::Override(id), step)
            }
            OverrideRequest::Conclude {
                id,
                guardian,
                action,
                signature,
            } => {
                let override_id = resolve(&self.overrides, id, ("override", "override list"))?;
                if let Some(answer) = self.post_mortem_answer(override_id, *action, time)? {
                    return Ok(answer);
                }
                let step = (*action, guardian, signature);
                let signed = self.vote(time, Subject::Override(override_id), step)?;
                let reply = Reply::Override {
                    id: override_id,
                    step: Some(*action),
                };
                let body = match action {
                    Action::SignOverride => {
                        let activation = self.judge_signing(time, override_id, &signed)?;
                        Body::OverrideSigned(OverrideSigned {
                            override_id,
                            signed,
                            activation,
                        })
                    }
                    Action::RejectOverride => {
                        let rejected = self.judge_reject_vote(time, override_id, &signed)?;
                        Body::OverrideRejectSigned(OverrideRejectSigned {
                            override_id,
                            signed,
                            rejected,
                        })
                    }
                    _ => self.conclude(time, override_id, *action, signed)?,
                };
                Ok(Step::record(body, reply))
            }
        }
    }

    /// The record of a step that one guardian's signature is enough for.
    fn conclude(
        &self,
        time: UnixSeconds,
        override_id: RecordId,
        action: Action,
        signed: Vote,
    ) -> Result<Body, Refused> {
        self.judge_vote(time, Subject::Override(override_id), action, &signed)?;
        match action {
            Action::RevokeOverride => Ok(Body::OverrideRevoked(OverrideRevoked {
                override_id,
                signed,
            })),
            Action::PostMortem => Ok(Body::PostMortemFiled(PostMortemFiled {
                override_id,
                signed,
            })),
            Action::Review => Ok(Body::ReviewFiled(ReviewFiled {
                override_id,
                signed,
            })),
            action => Err(Refused::of(
                FaultCode::Usage,
                format!(
                    "`{action}` is no step of an override: use sign, reject, revoke, post-mortem or \
                     review"
                ),
            )),
        }
    }

    /// The answer to a second post-mortem: it was done, by whom and when.
    fn post_mortem_answer(
        &self,
        id: RecordId,
        action: Action,
        time: UnixSeconds,
    ) -> Result<Option<Step>, Refused> {
        let item = self.find_override(id)?;
        let done = item
            .post_mortem
            .as_ref()
            .filter(|_| action == Action::PostMortem);
        Ok(done.map(|report| {
            Step::answer(Response::Override {
                view: self.override_view(item, time),
                note: post_mortem_done(report),
            })
        }))
    }

    fn create_override(
        &self,
        request: &RecordPrefix,
        (initiator, justification): (&str, &str),
        kind: OverrideKind,
        time: UnixSeconds,
        context: &Context,
    ) -> Result<Step, Refused> {
        let request_id = resolve(&self.requests, request, ("request", "request list"))?;
        let impact = self.request(request_id)?.created.impact;
        let override_id = self.new_id(context)?;
        let policy = self.require_policy()?;
        let pair = |key: &str, value: &str| Pair {
            key: key.to_string(),
            value: value.to_string(),
        };
        let body = Body::OverrideCreated(OverrideCreated {
            override_id,
            request_id,
            justification: justification.to_string(),
            initiated_by: initiator.to_string(),
            initiator_role: self.initiator_role(initiator),
            created_at: time,
            kind,
            min_signatures_required: policy.min_signatures,
            expires_at: policy.override_expiry(time),
            grant_seconds: hours(policy.grant_hours),
            post_mortem_seconds: hours(policy.post_mortem_hours),
            post_mortem_required: true,
            auto_review_scheduled: true,
            auto_review_date: time.plus(REVIEW_SECONDS),
            metadata: vec![
                pair("impact", impact.name()),
                pair("policy_version", &policy.version.to_string()),
            ],
        });
        self.propose_record(
            time,
            body,
            Reply::Override {
                id: override_id,
                step: None,
            },
        )
    }
}

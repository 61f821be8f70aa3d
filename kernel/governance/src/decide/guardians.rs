//! Deciding on changes of guardians.

use super::{Context, Reply, Step, resolve};
use crate::challenge::Subject;
use crate::event::{Body, GuardianChangeProposed, GuardianChangeSigned};
use crate::policy::hours;
use crate::refused::Refused;
use crate::signature::Key;
use crate::state::Governance;
use abi::FaultCode;
use abi::governance::Action;
use abi::request::GuardianRequest;
use abi::time::UnixSeconds;

impl Governance {
    pub(super) fn serve_guardian(
        &mut self,
        request: &GuardianRequest,
        time: UnixSeconds,
        context: &Context,
    ) -> Result<Step, Refused> {
        match request {
            GuardianRequest::List => self
                .answer(super::Command::Guardian(request), time)
                .map(Step::answer),
            GuardianRequest::Change {
                change,
                guardian,
                role,
                key,
            } => {
                let key = key
                    .as_ref()
                    .map(Key::from_material)
                    .transpose()
                    .map_err(|error| Refused::of(FaultCode::Usage, alloc::format!("{error}")))?;
                let change_id = self.new_id(context)?;
                let body = Body::GuardianChangeProposed(GuardianChangeProposed {
                    change_id,
                    change: *change,
                    guardian_id: guardian.clone(),
                    role: *role,
                    key,
                    expires_at: time.plus(hours(self.require_policy()?.guardian_change_hours)),
                    in_effect: self.is_unclaimed(),
                });
                self.propose_record(time, body, Reply::GuardianChange(change_id))
            }
            GuardianRequest::Challenge {
                change,
                signer,
                justification,
            } => {
                let id = resolve(&self.changes, change, ("guardian change", "guardian list"))?;
                let step = (Action::ChangeGuardians, signer, justification.as_str());
                self.issue(time, context, Subject::Change(id), step)
            }
            GuardianRequest::Sign {
                change,
                signer,
                signature,
            } => {
                let change_id =
                    resolve(&self.changes, change, ("guardian change", "guardian list"))?;
                let step = (Action::ChangeGuardians, signer, signature);
                let signed = self.vote(time, Subject::Change(change_id), step)?;
                let in_effect = self.judge_change_signed(time, change_id, &signed)?;
                let body = Body::GuardianChangeSigned(GuardianChangeSigned {
                    change_id,
                    signed,
                    in_effect,
                });
                Ok(Step::record(body, Reply::GuardianChange(change_id)))
            }
        }
    }
}

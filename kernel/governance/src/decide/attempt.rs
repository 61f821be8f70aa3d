//! What a command attempts, in words: for the record of its refusal.

use super::{Command, VaultCommand};
use crate::event::summary::cut;
use crate::event::{Body, REFUSAL_TEXT_BYTES_MAX, Refusal};
use crate::refused::Refused;
use crate::rules::action_word;
use abi::GuardianId;
use abi::id::Hex;
use abi::request::{ApprovalRequest, GuardianRequest, OverrideRequest};
use alloc::format;
use alloc::string::{String, ToString as _};

/// A command's first words, the id as typed, and the guardian that it names.
pub(super) struct Attempt {
    operation: Option<String>,
    subject: String,
    guardian: Option<GuardianId>,
}

impl Attempt {
    pub(super) fn of(command: Command<'_>) -> Self {
        match command {
            Command::Guardian(request) => Attempt::of_guardian(request),
            Command::Approval(request) => Attempt::of_approval(request),
            Command::Override(request) => Attempt::of_override(request),
            Command::Vault(command) => Attempt::of_vault(command),
        }
    }

    /// Whether the command only asks: its refusal is not recorded.
    pub(super) const fn is_question(&self) -> bool {
        self.operation.is_none()
    }

    /// The record of a refusal.
    pub(super) fn refusal(self, refused: &Refused) -> Body {
        let text: String = refused
            .fault
            .text
            .chars()
            .filter(|character| !character.is_control())
            .collect();
        Body::Refusal(Refusal {
            operation: self.operation.unwrap_or_default(),
            subject: self.subject,
            guardian_id: self.guardian,
            reason: refused.reason,
            text: cut(&text, REFUSAL_TEXT_BYTES_MAX),
        })
    }

    fn question() -> Self {
        Attempt {
            operation: None,
            subject: String::new(),
            guardian: None,
        }
    }

    fn step(operation: String, subject: &str, guardian: Option<&GuardianId>) -> Self {
        Attempt {
            operation: Some(operation),
            subject: subject.to_string(),
            guardian: guardian.cloned(),
        }
    }

    fn of_guardian(request: &GuardianRequest) -> Self {
        match request {
            GuardianRequest::List => Attempt::question(),
            GuardianRequest::Change {
                change, guardian, ..
            } => Attempt::step(format!("guardian {change}"), "", Some(guardian)),
            GuardianRequest::Challenge { change, signer, .. } => Attempt::step(
                "guardian challenge".to_string(),
                change.as_str(),
                Some(signer),
            ),
            GuardianRequest::Sign { change, signer, .. } => {
                Attempt::step("guardian sign".to_string(), change.as_str(), Some(signer))
            }
        }
    }

    fn of_approval(request: &ApprovalRequest) -> Self {
        match request {
            ApprovalRequest::List | ApprovalRequest::Show(_) => Attempt::question(),
            ApprovalRequest::Create(_) => Attempt::step("request create".to_string(), "", None),
            ApprovalRequest::Challenge {
                request, guardian, ..
            } => Attempt::step(
                "request challenge".to_string(),
                request.as_str(),
                Some(guardian),
            ),
            ApprovalRequest::Decide {
                request,
                guardian,
                action,
                ..
            } => Attempt::step(
                format!("request {action}"),
                request.as_str(),
                Some(guardian),
            ),
        }
    }

    fn of_vault(command: VaultCommand<'_>) -> Self {
        match command {
            VaultCommand::Propose { archive } => {
                let subject = archive.map_or_else(String::new, |digest| Hex(&digest).to_string());
                Attempt::step("vault propose".to_string(), &subject, None)
            }
            VaultCommand::Challenge { change, signer, .. } => {
                Attempt::step("vault challenge".to_string(), change.as_str(), Some(signer))
            }
            VaultCommand::Sign { change, signer, .. } => {
                Attempt::step("vault sign".to_string(), change.as_str(), Some(signer))
            }
        }
    }

    fn of_override(request: &OverrideRequest) -> Self {
        match request {
            OverrideRequest::List | OverrideRequest::Show(_) => Attempt::question(),
            OverrideRequest::Create { request, .. } => {
                Attempt::step("override create".to_string(), request.as_str(), None)
            }
            OverrideRequest::Challenge {
                id,
                guardian,
                action,
                ..
            } => Attempt::step(
                format!("override challenge {}", action_word(*action)),
                id.as_str(),
                Some(guardian),
            ),
            OverrideRequest::Conclude {
                id,
                guardian,
                action,
                ..
            } => Attempt::step(
                format!("override {}", action_word(*action)),
                id.as_str(),
                Some(guardian),
            ),
        }
    }
}

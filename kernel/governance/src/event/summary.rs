//! One line for people on what a record says.

use super::{Body, Event};
use abi::id::Hex;
use abi::request::OverrideKind;
use abi::{GuardianId, RecordId};
use alloc::format;
use alloc::string::{String, ToString as _};

/// The first 8 digits of an id: enough to type.
pub(crate) fn short(id: &RecordId) -> String {
    let mut text = id.to_string();
    text.truncate(8);
    text
}

/// `text` cut to at most `bytes` at a character's boundary, with dots where something went.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_string();
    }
    let end = text
        .char_indices()
        .map(|(place, _)| place)
        .take_while(|place| *place <= bytes.saturating_sub(3))
        .last()
        .unwrap_or(0);
    let (head, _) = text.split_at_checked(end).unwrap_or((text, ""));
    format!("{head}...")
}

/// Bytes of free text in a summary.
const TEXT_BYTES: usize = 60;

impl Event {
    /// One line on what the record says, for `ledger log`; it shows no secret.
    #[must_use]
    pub fn summary(&self) -> String {
        match &self.body {
            Body::PolicyAdopted(event) => {
                let policy = &event.policy;
                let (name, version) = (&policy.name, policy.version);
                format!(
                    "policy {name} version {version} adopted, {}",
                    event.source()
                )
            }
            Body::GuardianChangeProposed(event) => format!(
                "guardian change {}: {} {}{} {}",
                short(&event.change_id),
                event.change,
                event.guardian_id,
                event
                    .role
                    .map_or_else(String::new, |role| format!(" ({role})")),
                if event.in_effect {
                    "in effect (first enrolment)"
                } else {
                    "proposed"
                },
            ),
            Body::GuardianChangeSigned(event) => format!(
                "guardian change {} signed by {}{}",
                short(&event.change_id),
                event.signed.guardian_id,
                if event.in_effect { ": in effect" } else { "" },
            ),
            Body::GuardianChangeExpired(event) => {
                format!("guardian change {} expired", short(&event.change_id))
            }
            Body::RequestCreated(event) => format!(
                "request {} created by {}: {} \"{}\" ({})",
                short(&event.request_id),
                event.requester,
                event.impact,
                cut(&event.title, TEXT_BYTES),
                event.status,
            ),
            Body::RequestDecided(event) => format!(
                "request {} {} by {} ({}): {}",
                short(&event.request_id),
                if event.approves {
                    "approved"
                } else {
                    "rejected"
                },
                event.signed.guardian_id,
                event.signed.role,
                event.status,
            ),
            Body::RequestExpired(event) => format!("request {} expired", short(&event.request_id)),
            Body::VaultPiece(_)
            | Body::VaultChangeProposed(_)
            | Body::VaultChangeSigned(_)
            | Body::VaultChangeExpired(_) => self.vault_summary(),
            Body::Refusal(event) => format!(
                "refused: {}{}{} ({}): {}",
                event.operation,
                if event.subject.is_empty() { "" } else { " " },
                cut(&event.subject, 8),
                event.reason.name(),
                cut(&event.text, TEXT_BYTES),
            ),
            _ => self.override_summary(),
        }
    }

    fn vault_summary(&self) -> String {
        let named = |archive: &[u8; 32]| format!("{}", Hex(archive.get(..4).unwrap_or_default()));
        match &self.body {
            Body::VaultPiece(event) => format!(
                "vault archive {}: bytes {} to {} of {}",
                named(&event.archive),
                event.offset,
                usize::try_from(event.offset)
                    .unwrap_or(usize::MAX)
                    .saturating_add(event.bytes.0.len()),
                event.whole_bytes,
            ),
            Body::VaultChangeProposed(event) => format!(
                "vault change {}: {} proposed",
                short(&event.change_id),
                event.archive.as_ref().map_or_else(
                    || String::from("the boot medium's"),
                    |archive| format!("archive {}", named(archive))
                ),
            ),
            Body::VaultChangeSigned(event) => format!(
                "vault change {} signed by {}{}",
                short(&event.change_id),
                event.signed.guardian_id,
                if event.in_effect { ": in force" } else { "" },
            ),
            Body::VaultChangeExpired(event) => {
                format!("vault change {} expired", short(&event.change_id))
            }
            other => other.name().to_string(),
        }
    }

    fn override_summary(&self) -> String {
        let line = |id: &RecordId, what: &str| format!("override {} {what}", short(id));
        let by = |id: &RecordId, what: &str, who: &GuardianId| {
            format!("override {} {what} by {who}", short(id))
        };
        match &self.body {
            Body::OverrideCreated(event) => format!(
                "{} {} created by {} for request {}: \"{}\"",
                match event.kind {
                    OverrideKind::Real => "override",
                    OverrideKind::Drill => "override drill",
                },
                short(&event.override_id),
                event.initiated_by,
                short(&event.request_id),
                cut(&event.justification, TEXT_BYTES),
            ),
            Body::OverrideSigned(event) => {
                let signer = format!("{} ({})", event.signed.guardian_id, event.signed.role);
                let after = match &event.activation {
                    None => "",
                    Some(activation) if activation.approved_request_id.is_some() => {
                        ": active, request approved"
                    }
                    Some(_) => ": drill active, nothing granted",
                };
                line(&event.override_id, &format!("signed by {signer}{after}"))
            }
            Body::OverrideRejectSigned(event) => line(
                &event.override_id,
                &format!(
                    "voted down by {}{}",
                    event.signed.guardian_id,
                    if event.rejected { ": rejected" } else { "" }
                ),
            ),
            Body::OverrideExpired(event) => line(&event.override_id, "expired: rejected"),
            Body::OverrideRevoked(event) => {
                by(&event.override_id, "revoked", &event.signed.guardian_id)
            }
            Body::GrantEnded(event) => line(
                &event.override_id,
                &format!("grant ended: {}", event.reason.name()),
            ),
            Body::PostMortemFiled(event) => by(
                &event.override_id,
                "post-mortem filed",
                &event.signed.guardian_id,
            ),
            Body::ReviewFiled(event) => {
                by(&event.override_id, "reviewed", &event.signed.guardian_id)
            }
            Body::ReviewOverdue(event) => line(&event.override_id, "review overdue"),
            other => other.name().to_string(),
        }
    }
}

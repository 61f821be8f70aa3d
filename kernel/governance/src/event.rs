//! The records of governance: each says one whole step, and its bytes are canonical.
//!
//! A record's payload is the version byte 1, the kind byte, the time of decision, and the
//! fields of its kind in the order declared here, as [`wire`](crate::wire) encodes them. A
//! step and all that follows from it are one record: what makes an override active says so
//! itself, and that the request is approved, so that no crash can fall between the two.
//!
//! Invariants:
//! - `decode(encode(x)) == x`, and `encode(decode(b)) == b` or the bytes are refused;
//! - every record fits [`PAYLOAD_BYTES_MAX`];
//! - a number or name of a kind never changes its meaning.

use crate::policy::Policy;
use crate::policy::compliance::{CheckResult, Permille};
use crate::signature::{Key, SignatureBytes};
use crate::wire::{DecodeError, Reader, Wire, Writer, wire_struct};
use abi::governance::{GuardianChange, Impact, RequestStatus, Role};
use abi::request::OverrideKind;
use abi::time::UnixSeconds;
use abi::{GuardianId, RecordId};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

#[cfg(test)]
mod golden;
mod policy;
pub(crate) mod summary;
#[cfg(test)]
mod tests;
mod vault;
mod words;

pub use vault::VaultPieceBytes;
pub use words::{GrantEnd, RefusalReason};

/// Largest encoded record, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 3800;
/// Longest change type, requester and initiator, in bytes.
pub const WORD_BYTES_MAX: usize = 64;
/// Most pairs of metadata.
pub const METADATA_PAIRS_MAX: usize = 16;
/// Keys and values of all metadata together, in bytes.
pub const METADATA_BYTES_MAX: usize = 384;
/// Longest sentence kept with a refusal, in bytes.
pub const REFUSAL_TEXT_BYTES_MAX: usize = 320;
/// First byte of every record.
const VERSION: u8 = 1;

wire_struct! {
    /// A free key and value.
    Pair {
        /// Unique within its list.
        key: String,
        /// Any plain text.
        value: String,
    }
}

wire_struct! {
    /// An accepted signature.
    Vote {
        /// Who.
        guardian_id: GuardianId,
        /// In which role.
        role: Role,
        /// Over the message that the state and these fields determine.
        signature: SignatureBytes,
        /// When it was accepted: the record's time.
        timestamp: UnixSeconds,
        /// Why; for a post-mortem or review, the text itself.
        justification: String,
        /// The challenge that it used up.
        challenge: [u8; 16],
        /// When that challenge was issued.
        challenged_at: UnixSeconds,
    }
}

wire_struct! {
    /// What a quorum's last signature sets in force.
    Activation {
        /// When the grant lapses; absent for a drill, which grants nothing.
        grant_lapses_at: Option<UnixSeconds>,
        /// The request that becomes approved; absent for a drill.
        approved_request_id: Option<RecordId>,
        /// When the post-mortem is due.
        post_mortem_due_at: UnixSeconds,
    }
}

macro_rules! records {
    ($($(#[$meta:meta])* $number:literal $text:literal $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ty),+ $(,)?
    })+) => {
        $(wire_struct! { $(#[$meta])* $name { $($(#[$field_meta])* $field: $type),+ } })+

        /// What a record says.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each variant is documented at its structure")]
        pub enum Body { $($name($name)),+ }

        impl Body {
            /// The kind byte.
            #[must_use]
            pub const fn kind(&self) -> u8 {
                match self { $(Body::$name(_) => $number),+ }
            }

            /// The word for the kind, as in exports.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Body::$name(_) => $text),+ }
            }

            fn put(&self, out: &mut Writer) {
                match self { $(Body::$name(fields) => fields.put(out)),+ }
            }

            fn take(kind: u8, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match kind {
                    $($number => Ok(Body::$name($name::take(input)?)),)+
                    _ => Err(DecodeError::Kind(kind)),
                }
            }

            fn json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
                match self { $(Body::$name(fields) => fields.json(out)),+ }
            }
        }
    };
}

records! {
    /// A policy came into force.
    18 "policy_adopted" PolicyAdopted {
        /// The whole policy; its version is greater than any before.
        policy: Policy,
        /// Public key that signed the vault it came with; absent for the built-in policy.
        signed_by: Option<[u8; 32]>,
    }

    /// A change of guardians was proposed; the very first enrolment takes effect at once.
    2 "guardian_change_proposed" GuardianChangeProposed {
        /// The change's own id.
        change_id: RecordId,
        /// What to do.
        change: GuardianChange,
        /// To whom.
        guardian_id: GuardianId,
        /// For an enrolment.
        role: Option<Role>,
        /// For an enrolment or rotation.
        key: Option<Key>,
        /// When the proposal ends.
        expires_at: UnixSeconds,
        /// Whether it took effect with this record.
        in_effect: bool,
    }

    /// A guardian agreed to a change of guardians.
    3 "guardian_change_signed" GuardianChangeSigned {
        /// The change.
        change_id: RecordId,
        /// The agreement.
        signed: Vote,
        /// Whether the quorum is complete and the change took effect with this record.
        in_effect: bool,
    }

    /// A proposed change of guardians found no quorum in time.
    4 "guardian_change_expired" GuardianChangeExpired {
        /// The change.
        change_id: RecordId,
    }

    /// A request for approval was made.
    5 "request_created" RequestCreated {
        /// Its id.
        request_id: RecordId,
        /// One line.
        title: String,
        /// May be empty.
        description: String,
        /// Kind of change.
        change_type: String,
        /// How much it can touch.
        impact: Impact,
        /// Who asked.
        requester: String,
        /// Files changed.
        files_changed: u32,
        /// Lines changed.
        lines_changed: u32,
        /// Free pairs.
        metadata: Vec<Pair>,
        /// When it expires.
        expires_at: UnixSeconds,
        /// From its impact, size, change type and failed checks.
        risk_score: Permille,
        /// One result per check.
        compliance: Vec<CheckResult>,
        /// Pending, or escalated if a role is held by no active guardian.
        status: RequestStatus,
    }

    /// A guardian approved or rejected a request.
    6 "request_decided" RequestDecided {
        /// The request.
        request_id: RecordId,
        /// Whether the guardian approves.
        approves: bool,
        /// The decision.
        signed: Vote,
        /// Where the request stands after it.
        status: RequestStatus,
    }

    /// A request found no decision in time.
    7 "request_expired" RequestExpired {
        /// The request.
        request_id: RecordId,
    }

    /// An emergency override was opened.
    8 "override_created" OverrideCreated {
        /// Its id.
        override_id: RecordId,
        /// The request that it overrides.
        request_id: RecordId,
        /// Why.
        justification: String,
        /// Who: a guardian's id or another name.
        initiated_by: String,
        /// The initiator's role, if it is a guardian.
        initiator_role: Option<Role>,
        /// The record's time.
        created_at: UnixSeconds,
        /// Real or drill.
        kind: OverrideKind,
        /// At least 3.
        min_signatures_required: u32,
        /// When it is rejected without a quorum.
        expires_at: UnixSeconds,
        /// How long its grant lasts, in seconds.
        grant_seconds: u64,
        /// How long after activation the post-mortem is due, in seconds.
        post_mortem_seconds: u64,
        /// Always true.
        post_mortem_required: bool,
        /// Always true.
        auto_review_scheduled: bool,
        /// 30 days after creation.
        auto_review_date: UnixSeconds,
        /// Free pairs.
        metadata: Vec<Pair>,
    }

    /// A guardian signed an override.
    9 "override_signed" OverrideSigned {
        /// The override.
        override_id: RecordId,
        /// The signature.
        signed: Vote,
        /// Present when this signature completed the quorum.
        activation: Option<Activation>,
    }

    /// A guardian voted to reject a pending override.
    10 "override_reject_signed" OverrideRejectSigned {
        /// The override.
        override_id: RecordId,
        /// The vote.
        signed: Vote,
        /// Whether the quorum is complete and the override rejected with this record.
        rejected: bool,
    }

    /// A pending override found no quorum in time and is rejected.
    11 "override_expired" OverrideExpired {
        /// The override.
        override_id: RecordId,
    }

    /// A guardian of security ended an override's grant early.
    12 "override_revoked" OverrideRevoked {
        /// The override.
        override_id: RecordId,
        /// The revocation.
        signed: Vote,
    }

    /// An override's grant ended by itself.
    13 "grant_ended" GrantEnded {
        /// The override.
        override_id: RecordId,
        /// Lapsed or rebooted.
        reason: GrantEnd,
    }

    /// An override's post-mortem was written; it ends a grant that is still in force.
    14 "post_mortem_filed" PostMortemFiled {
        /// The override.
        override_id: RecordId,
        /// The report is its justification.
        signed: Vote,
    }

    /// An override's review was written.
    15 "review_filed" ReviewFiled {
        /// The override.
        override_id: RecordId,
        /// The review is its justification.
        signed: Vote,
    }

    /// The review date passed without a review.
    16 "review_overdue" ReviewOverdue {
        /// The override.
        override_id: RecordId,
    }

    /// An attempt was refused; nothing else changed.
    17 "refusal" Refusal {
        /// The command's first words, as `override sign`.
        operation: String,
        /// The id as typed; empty if none was.
        subject: String,
        /// The guardian that was named.
        guardian_id: Option<GuardianId>,
        /// Why.
        reason: RefusalReason,
        /// The sentence that the person saw, cut to 320 bytes.
        text: String,
    }

    /// A piece of an archive that guardians may put in force.
    32 "vault_piece" VaultPiece {
        /// SHA-256 of the whole archive.
        archive: [u8; 32],
        /// Bytes of the whole archive.
        whole_bytes: u32,
        /// Where the piece begins in it: where the one before it ended.
        offset: u32,
        /// The piece.
        bytes: VaultPieceBytes,
    }

    /// Another vault was proposed.
    33 "vault_change_proposed" VaultChangeProposed {
        /// The change's own id.
        change_id: RecordId,
        /// SHA-256 of an archive that the ledger holds whole; absent for the boot medium's vault.
        archive: Option<[u8; 32]>,
        /// When the proposal ends.
        expires_at: UnixSeconds,
    }

    /// A guardian agreed to another vault.
    34 "vault_change_signed" VaultChangeSigned {
        /// The change.
        change_id: RecordId,
        /// The agreement.
        signed: Vote,
        /// Whether the quorum is complete and the vault in force with this record.
        in_effect: bool,
    }

    /// A proposed vault found no quorum in time.
    35 "vault_change_expired" VaultChangeExpired {
        /// The change.
        change_id: RecordId,
    }
}

/// A record: what was decided, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Time of the decision; never smaller than the record's before.
    pub time: UnixSeconds,
    /// What it says.
    pub body: Body,
}

impl Event {
    /// The canonical bytes. They hold an HMAC secret when a key is enrolled: wipe copies.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes.push(VERSION);
        out.bytes.push(self.body.kind());
        self.time.put(&mut out);
        self.body.put(&mut out);
        out.bytes
    }

    /// Reads a record's payload; any bytes are legal input.
    ///
    /// # Errors
    /// [`DecodeError`] says what is wrong; such a record was not written by this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(DecodeError::Length);
        }
        let mut input = Reader::new(bytes);
        let version = input.byte()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let kind = input.byte()?;
        let time = UnixSeconds::take(&mut input)?;
        let body = Body::take(kind, &mut input)?;
        input.end()?;
        Ok(Event { time, body })
    }

    /// The kind byte.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.body.kind()
    }

    /// Whether it belongs to an emergency: the ledger keeps a reserve for these.
    #[must_use]
    pub const fn is_emergency(&self) -> bool {
        matches!(
            self.body,
            Body::OverrideCreated(_)
                | Body::OverrideSigned(_)
                | Body::OverrideRejectSigned(_)
                | Body::OverrideExpired(_)
                | Body::OverrideRevoked(_)
                | Body::GrantEnded(_)
                | Body::PostMortemFiled(_)
                | Body::ReviewFiled(_)
                | Body::ReviewOverdue(_)
        )
    }

    /// Writes `{"time":"...","kind":"...","fields":{...}}` with the spec's field names on one
    /// line; secrets are withheld.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn to_json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(
            out,
            "{{\"time\":\"{}\",\"kind\":\"{}\",\"fields\":",
            self.time,
            self.body.name()
        )?;
        self.body.json(out)?;
        out.write_char('}')
    }
}

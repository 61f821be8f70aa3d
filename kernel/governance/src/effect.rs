//! What telemetry is told after a step: none of it can stop or delay the step.

use crate::event::{GrantEnd, RefusalReason};
use abi::governance::{GuardianChange, Impact, RequestStatus};
use abi::{GuardianId, RecordId};
use alloc::string::String;

/// Something that happened with an applied record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Event `GUARDIAN_EMERGENCY_OVERRIDE_ACTIVATED`, and its counter.
    OverrideActivated {
        /// The override.
        override_id: RecordId,
        /// The request that it approved.
        request_id: RecordId,
        /// Impact of that request.
        impact: Impact,
    },
    /// An incident of type `governance_exception`, for impact high and critical.
    IncidentOpened {
        /// The override.
        override_id: RecordId,
        /// Its severity.
        severity: Impact,
    },
    /// A drill found its quorum; nothing is granted.
    DrillActivated {
        /// The drill.
        override_id: RecordId,
        /// The request that it practised on.
        request_id: RecordId,
    },
    /// A grant is over.
    GrantEnded {
        /// The override.
        override_id: RecordId,
        /// Why.
        reason: GrantEnd,
    },
    /// A post-mortem was written.
    PostMortemFiled {
        /// The override.
        override_id: RecordId,
    },
    /// A review date passed without a review.
    ReviewOverdue {
        /// The override.
        override_id: RecordId,
    },
    /// A request was approved, rejected or expired.
    RequestClosed {
        /// The request.
        request_id: RecordId,
        /// How.
        status: RequestStatus,
    },
    /// The list of guardians changed.
    GuardiansChanged {
        /// How.
        change: GuardianChange,
        /// Whose entry.
        guardian: GuardianId,
    },
    /// Another policy is in force: what it is and whose, in words.
    PolicyAdopted(String),
    /// Another vault is in force.
    VaultReplaced {
        /// SHA-256 of its archive; absent for the boot medium's vault.
        archive: Option<[u8; 32]>,
    },
    /// An attempt was refused.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// The guardian that the attempt named; none for a step that names none.
        guardian: Option<GuardianId>,
    },
}

//! Answers about governance: guardians, requests for approval, overrides.

use crate::governance::{
    Algorithm, GuardianChange, GuardianState, Impact, OverrideStatus, RequestStatus, Role,
};
use crate::request::OverrideKind;
use crate::time::UnixSeconds;
use crate::{GuardianId, RecordId};
use alloc::string::String;
use alloc::vec::Vec;

/// A guardian as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardianView {
    /// Its id.
    pub id: GuardianId,
    /// Its role.
    pub role: Role,
    /// `None` while no key is enrolled.
    pub algorithm: Option<Algorithm>,
    /// Whether it counts.
    pub state: GuardianState,
    /// Failed signatures since the last good one.
    pub failures: u32,
    /// First 8 bytes of the SHA-256 of its public key, to compare by eye; `None` for a secret.
    pub fingerprint: Option<[u8; 8]>,
}

/// A proposed change of guardians.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardianChangeView {
    /// Its id.
    pub id: RecordId,
    /// What it does.
    pub change: GuardianChange,
    /// To whom.
    pub guardian: GuardianId,
    /// Who signed so far.
    pub signed: Vec<GuardianId>,
    /// Signatures still missing; 0 once in effect.
    pub signatures_missing: u32,
}

/// A signature kept with a request or override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureView {
    /// Who.
    pub guardian_id: GuardianId,
    /// In which role.
    pub role: Role,
    /// The signature itself, hexadecimal.
    pub signature: String,
    /// When it was accepted.
    pub timestamp: UnixSeconds,
    /// Why.
    pub justification: String,
}

/// Result of one compliance check.
#[derive(Clone, Debug, PartialEq)]
pub struct ComplianceView {
    /// Name of the rule set.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// 0 to 1.
    pub score: f64,
    /// What was violated.
    pub violations: Vec<String>,
    /// What to look at.
    pub warnings: Vec<String>,
}

/// A request for approval.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalView {
    /// Its id.
    pub request_id: RecordId,
    /// One line.
    pub title: String,
    /// May be empty.
    pub description: String,
    /// Kind of change.
    pub change_type: String,
    /// How much it can touch.
    pub impact: Impact,
    /// Who asked.
    pub requester: String,
    /// Files changed.
    pub files_changed: u32,
    /// Lines changed.
    pub lines_changed: u32,
    /// Free pairs.
    pub metadata: Vec<(String, String)>,
    /// Where it stands.
    pub status: RequestStatus,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it expires.
    pub expires_at: UnixSeconds,
    /// Roles that have to approve.
    pub required_roles: Vec<Role>,
    /// Roles that have not approved yet.
    pub missing_roles: Vec<Role>,
    /// Decisions to approve.
    pub approvals: Vec<SignatureView>,
    /// Decisions to reject.
    pub rejections: Vec<SignatureView>,
    /// 0 to 1.
    pub risk_score: f64,
    /// One per rule set that the impact asks for.
    pub compliance: Vec<ComplianceView>,
}

/// An emergency override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideView {
    /// Its id.
    pub override_id: RecordId,
    /// The request that it overrides.
    pub request_id: RecordId,
    /// Why.
    pub justification: String,
    /// Who initiated it.
    pub initiated_by: String,
    /// When.
    pub created_at: UnixSeconds,
    /// Real or drill.
    pub kind: OverrideKind,
    /// Accepted signatures.
    pub signatures: Vec<SignatureView>,
    /// At least 3.
    pub min_signatures_required: u32,
    /// Roles of ethics, security and charter not yet covered.
    pub missing_roles: Vec<Role>,
    /// Where it stands.
    pub status: OverrideStatus,
    /// Whether it grants anything right now.
    pub grant_in_force: bool,
    /// When the grant lapses; `None` if it never began.
    pub lapses_at: Option<UnixSeconds>,
    /// Always true.
    pub post_mortem_required: bool,
    /// Whether it is written.
    pub post_mortem_completed: bool,
    /// The report, with who wrote it and when.
    pub post_mortem_report: Option<SignatureView>,
    /// Whether the review was scheduled.
    pub auto_review_scheduled: bool,
    /// 30 days after creation.
    pub auto_review_date: UnixSeconds,
    /// The review, with who wrote it and when.
    pub review: Option<SignatureView>,
    /// Growing list.
    pub consequences: Vec<String>,
    /// Free pairs.
    pub metadata: Vec<(String, String)>,
}

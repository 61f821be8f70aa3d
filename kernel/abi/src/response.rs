//! What a node answers: typed values that the console renders and scripts rely on.
//!
//! Numbers carry their units in the field's name or doc; texts are for people.

use crate::governance::{
    Algorithm, GuardianChange, GuardianState, Impact, OverrideStatus, RequestStatus, Role,
};
use crate::request::{OverrideKind, Pair};
use crate::time::UnixSeconds;
use crate::vault::{VaultChangeView, VaultStatus};
use crate::{CellIndex, Checkpoint, GlyphId, GuardianId, RecordId};
use alloc::string::String;
use alloc::vec::Vec;

/// The answer to one [`Request`](crate::Request) that was served.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// To `version`.
    Version(Version),
    /// To `uptime`: nanoseconds since the kernel's entry.
    Uptime {
        /// Nanoseconds since the kernel's entry.
        nanoseconds: u64,
    },
    /// To `mem`.
    Memory(MemoryReport),
    /// To `log` and `events`: oldest first, with the count of lines lost before them.
    Log {
        /// Oldest first.
        lines: Vec<String>,
        /// Lines that were overwritten before anyone asked.
        lost: u64,
    },
    /// To `date`; `None` where the machine has no clock.
    Date(Option<UnixSeconds>),
    /// To `status`.
    Status(Status),
    /// To `vault list`.
    VaultList(Vec<GlyphSummary>),
    /// To `vault errors`: each as file, line, column and sentence.
    VaultErrors(Vec<String>),
    /// To `vault status`.
    Vault(VaultStatus),
    /// To `vault stage`.
    VaultStaged {
        /// Bytes that are staged now.
        bytes: u64,
    },
    /// To `vault propose` and `vault sign`; in force when `signatures_missing` is 0.
    VaultChange(VaultChangeView),
    /// To `glyph show`.
    Glyph(GlyphDetail),
    /// To `glyph tree`, `substrate map`, `metrics`, `bench`: text as it is, lines ended by LF.
    Text(String),
    /// To `activate`: ancestors first, the asked glyph last.
    Activated(Vec<Activation>),
    /// To `substrate status`.
    Substrate(SubstrateStatus),
    /// To `substrate read`.
    Cell(CellView),
    /// To operations of the substrate that change it: the time in ticks after it.
    Changed {
        /// Ticks since boot.
        tick: u64,
    },
    /// To `substrate observe`.
    Superposition(Vec<Pair>),
    /// To `substrate digest`: SHA-256 of the whole field.
    Digest([u8; 32]),
    /// To `substrate scrub`.
    Scrubbed(ScrubReport),
    /// To `inject`: what was damaged.
    Injected(String),
    /// To `guardian list`.
    Guardians {
        /// Guardians in the order of enrolment, with proposed ones that have no key yet.
        guardians: Vec<GuardianView>,
        /// Changes that wait for a quorum.
        changes: Vec<GuardianChangeView>,
    },
    /// To a change of guardians: done at once (`None`) or waiting under an id.
    GuardianChange {
        /// The change; already in effect when `signatures_missing` is 0.
        change: GuardianChangeView,
    },
    /// To `... challenge`: one line to give to `glyphctl sign`.
    Challenge {
        /// `glyphos-challenge:` and hexadecimal digits of the message to sign.
        line: String,
    },
    /// To `request create` and decisions.
    Approval(ApprovalView),
    /// To `request list`.
    Approvals(Vec<ApprovalView>),
    /// To `override create`, signatures, post-mortem and so on; `note` says what changed.
    Override {
        /// The override after the step.
        view: OverrideView,
        /// One sentence on what the step did and what is still missing.
        note: String,
    },
    /// To `override list`.
    Overrides(Vec<OverrideView>),
    /// To `ledger status`.
    Ledger(LedgerStatus),
    /// To `ledger log`: newest last.
    Records(Vec<RecordView>),
    /// To `ledger verify`.
    Verified(VerifyReport),
    /// To `ledger checkpoint`.
    Checkpoint(Checkpoint),
    /// To `ledger format` without the confirmation: what would be lost, and the word to type.
    ConfirmFormat {
        /// What the device holds now.
        holds: String,
        /// The word that confirms.
        confirmation: String,
    },
    /// To `selftest`: name, and what was found wrong if anything.
    Selftest(Vec<(String, Result<(), String>)>),
    /// To `drill`, and to anything that is just done.
    Done,
    /// To `reboot` and `poweroff`: the answer is printed, then the machine goes.
    Goodbye,
}

/// What is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Semantic version.
    pub version: String,
    /// Commit it was built from.
    pub commit: String,
    /// Compiler that built it.
    pub rustc: String,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryReport {
    /// Memory that the firmware reported as usable.
    pub total_bytes: u64,
    /// Size of the heap.
    pub heap_bytes: u64,
    /// In use now.
    pub heap_used_bytes: u64,
    /// Most ever in use.
    pub heap_peak_bytes: u64,
    /// In blocks too large for the heap, as those of a large substrate.
    pub large_bytes: u64,
    /// In use by nobody.
    pub free_bytes: u64,
    /// The longest piece of that: the largest block that can be had.
    pub free_longest_bytes: u64,
}

/// One line of the status screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// The part, as `substrate`.
    pub part: String,
    /// How it is.
    pub health: Health,
    /// One line of detail.
    pub detail: String,
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All it should be.
    Good,
    /// Works with limits.
    Limited,
    /// Missing; what needs it is refused.
    Absent,
    /// Damaged or failed: a person has to act.
    Failed,
}

impl Health {
    /// The word on the status screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Health::Good => "good",
            Health::Limited => "limited",
            Health::Absent => "absent",
            Health::Failed => "FAILED",
        }
    }
}

/// One screen: the node's parts and how they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Parts in a fixed order.
    pub lines: Vec<StatusLine>,
}

/// A glyph in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct GlyphSummary {
    /// Its id.
    pub id: GlyphId,
    /// Its home cell.
    pub home: CellIndex,
    /// Generations of ancestors above it.
    pub generations: u32,
    /// Commands in its program.
    pub commands: u32,
    /// Times activated since boot.
    pub activations: u64,
}

/// A glyph in full.
#[derive(Clone, Debug, PartialEq)]
pub struct GlyphDetail {
    /// The short form.
    pub summary: GlyphSummary,
    /// The definition in canonical GDF text.
    pub definition: String,
}

/// State of a field: the five numbers that a glyph computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldState {
    /// `R`, in hertz.
    pub resonance: f64,
    /// `M`.
    pub magnitude: f64,
    /// `P`, in degrees.
    pub phase: f64,
    /// `C`, in percent.
    pub coherence: i64,
    /// `E`.
    pub entanglement: f64,
}

/// The result of one activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// The glyph.
    pub glyph: GlyphId,
    /// Its final state.
    pub state: FieldState,
    /// The cell that was written, if `field_state` is among its outputs.
    pub cell: Option<CellIndex>,
    /// Whether a wave started at its home cell.
    pub wave: bool,
    /// Step by step, if asked for: what was done and the state after it.
    pub trace: Vec<(String, FieldState)>,
}

/// One cell as read and verified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellView {
    /// Which cell.
    pub cell: CellIndex,
    /// 0 to 1000.
    pub magnitude: f64,
    /// Radians, in [0, 2 pi).
    pub phase: f64,
    /// 0 to 1000.
    pub coherence: f64,
    /// 0 to 1.
    pub decay_rate: f64,
    /// Tick of the last write.
    pub last_update: u64,
    /// Bit 0: holds a superposition.
    pub flags: u8,
}

/// As of when means and extremes of the field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiguresAge {
    /// Of the field as it is.
    Current,
    /// From the last whole walk of the scrubber: each cell as it was at this tick or later.
    Since(u64),
}

/// Counts, averages and extremes of the field, and how whole it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubstrateStatus {
    /// Cells across.
    pub width: u32,
    /// Cells down.
    pub height: u32,
    /// Time in ticks.
    pub tick: u64,
    /// As of when the means and extremes are; counts are of this moment.
    pub figures: FiguresAge,
    /// Mean magnitude of the readable cells.
    pub magnitude_mean: f64,
    /// Least magnitude.
    pub magnitude_min: f64,
    /// Greatest magnitude.
    pub magnitude_max: f64,
    /// Mean coherence.
    pub coherence_mean: f64,
    /// Cells holding a superposition.
    pub superpositions: u64,
    /// Reads served.
    pub cells_read: u64,
    /// Writes done.
    pub cells_written: u64,
    /// Lines whose checksum did not match, ever.
    pub checksum_failures: u64,
    /// Parity that did not match its lines, ever.
    pub parity_failures: u64,
    /// Lines repaired, ever.
    pub repairs: u64,
    /// Cells now poisoned.
    pub poisoned: u64,
    /// Complete scrub passes.
    pub scrub_passes: u64,
}

/// What one scrub found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ScrubReport {
    /// Lines looked at.
    pub lines: u64,
    /// Lines found damaged.
    pub damaged: u64,
    /// Lines (data, checksum or parity) repaired.
    pub repaired: u64,
    /// Cells newly poisoned.
    pub poisoned: u64,
}

impl ScrubReport {
    /// Takes the figures of a further part of the same scrub in.
    pub fn add(&mut self, more: &ScrubReport) {
        self.lines = self.lines.saturating_add(more.lines);
        self.damaged = self.damaged.saturating_add(more.damaged);
        self.repaired = self.repaired.saturating_add(more.repaired);
        self.poisoned = self.poisoned.saturating_add(more.poisoned);
    }
}

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

/// What can be done with the ledger now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerState {
    /// No device.
    Absent,
    /// A device without anything on it: `ledger format` makes a ledger.
    Blank,
    /// A device with someone else's data: never written unless told so.
    Foreign,
    /// Takes records.
    Ready,
    /// Takes records; one copy is damaged and was or will be repaired.
    Degraded,
    /// Can be read, takes no records: damage that could not be repaired, or full.
    ReadOnly,
    /// Cannot be read.
    Failed,
}

impl LedgerState {
    /// The word on the wire, as in `ledger_state=ready`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            LedgerState::Absent => "absent",
            LedgerState::Blank => "blank",
            LedgerState::Foreign => "foreign",
            LedgerState::Ready => "ready",
            LedgerState::Degraded => "degraded",
            LedgerState::ReadOnly => "read_only",
            LedgerState::Failed => "failed",
        }
    }
}

/// The ledger in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerStatus {
    /// What can be done with it.
    pub state: LedgerState,
    /// Why, where it is not ready; else empty.
    pub reason: String,
    /// Records in it.
    pub records: u64,
    /// Records that fit.
    pub capacity: u64,
    /// Sequence number of the newest record; `None` if there is none.
    pub newest: Option<u64>,
    /// Chain value after the newest record.
    pub chain: [u8; 32],
    /// Random at format; part of every signed message.
    pub epoch: [u8; 16],
    /// Faults repaired since boot.
    pub repaired: u64,
    /// Capacity of the device in bytes.
    pub device_bytes: u64,
}

/// A record in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordView {
    /// Position in the chain, from 0.
    pub seq: u64,
    /// When it was decided.
    pub time: UnixSeconds,
    /// One line on what it says.
    pub summary: String,
}

/// What a complete check of the ledger found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whether each record is there, linked and whole in both copies.
    pub sound: bool,
    /// Records checked.
    pub records: u64,
    /// Chain value after the newest record.
    pub chain: [u8; 32],
    /// Each thing found wrong, with its place.
    pub findings: Vec<String>,
}

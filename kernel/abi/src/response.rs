//! What a node answers: typed values that the console renders and scripts rely on.
//!
//! Numbers carry their units in the field's name or doc; texts are for people.

mod field;
mod glyph;
mod governance;
mod ledger;

pub use field::{CellView, FiguresAge, ScrubReport, SubstrateStatus};
pub use glyph::{Activation, FieldState, GlyphDetail, GlyphSummary};
pub use governance::{
    ApprovalView, ComplianceView, GuardianChangeView, GuardianView, OverrideView, SignatureView,
};
pub use ledger::{LedgerState, LedgerStatus, RecordView, VerifyReport};

use crate::Checkpoint;
use crate::request::Pair;
use crate::time::UnixSeconds;
use crate::vault::{VaultChangeView, VaultStatus};
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

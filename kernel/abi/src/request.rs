//! What an operator asks of a node: one typed value per console command.
//!
//! The grammar that turns a line into a [`Request`] belongs to the console; the meaning
//! belongs to the node. Commands of the console alone (`help`, `mode`, history) are not here.

use crate::governance::{Action, Algorithm, GuardianChange, Impact, Role};
use crate::vault::VaultRequest;
use crate::{CellIndex, GlyphId, GuardianId, RecordPrefix};
use alloc::string::String;
use alloc::vec::Vec;

/// One command to the node.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `version`
    Version,
    /// `uptime`
    Uptime,
    /// `mem`
    Memory,
    /// `log`
    Log,
    /// `date`
    Date,
    /// `status`
    Status,
    /// `vault list`
    VaultList,
    /// `vault errors`
    VaultErrors,
    /// `vault ...`
    Vault(VaultRequest),
    /// `glyph show ID`
    GlyphShow(GlyphId),
    /// `glyph tree ID`
    GlyphTree(GlyphId),
    /// `activate ID [--with-parents] [--trace]`
    Activate(Activate),
    /// `substrate ...`
    Substrate(SubstrateRequest),
    /// `inject ...`
    Inject(Injection),
    /// `inject vault ID BIT`: flips a bit of what is in memory of a glyph.
    InjectVault {
        /// The glyph.
        glyph: GlyphId,
        /// Which bit of its program's rows of numbers, from 0, or behind those of its count.
        bit: u32,
    },
    /// `inject kernel FAULT`
    Crash(KernelFault),
    /// `guardian ...`
    Guardian(GuardianRequest),
    /// `request ...`
    Approval(ApprovalRequest),
    /// `override ...`
    Override(OverrideRequest),
    /// `ledger ...`
    Ledger(LedgerRequest),
    /// `metrics`
    Metrics,
    /// `events`
    Events,
    /// `selftest`
    Selftest,
    /// `bench`
    Bench,
    /// `drill on|off`
    Drill(Switch),
    /// `reboot`
    Reboot,
    /// `poweroff`
    PowerOff,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Whether something optional is included in an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Included.
    Yes,
    /// Left out.
    No,
}

/// `activate ID [--with-parents] [--trace]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activate {
    /// The glyph to activate.
    pub glyph: GlyphId,
    /// Whether its ancestors are activated first, parents before children.
    pub parents: Include,
    /// Whether each step's state is reported.
    pub trace: Include,
}

/// A pair of a superposition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Amplitude, finite and at least 0.
    pub amplitude: f64,
    /// Phase in radians, finite.
    pub phase: f64,
}

/// `substrate ...`
#[derive(Clone, Debug, PartialEq)]
pub enum SubstrateRequest {
    /// `status`
    Status,
    /// `read N`
    Read(CellIndex),
    /// `write N M P C`: magnitude, phase in radians, coherence
    Write {
        /// The cell.
        cell: CellIndex,
        /// Magnitude, clamped to 0..=1000.
        magnitude: f64,
        /// Phase in radians, wrapped to one turn.
        phase: f64,
        /// Coherence, clamped to 0..=1000.
        coherence: f64,
    },
    /// `tick [K]`
    Tick(u32),
    /// `force N X Y Z`
    Force {
        /// The cell.
        cell: CellIndex,
        /// The force's components.
        vector: [f64; 3],
    },
    /// `wave N A W`
    Wave {
        /// Where it starts.
        origin: CellIndex,
        /// Amplitude.
        amplitude: f64,
        /// Frequency.
        frequency: f64,
    },
    /// `superpose N A:P...`
    Superpose {
        /// The cell.
        cell: CellIndex,
        /// One to eight pairs.
        pairs: Vec<Pair>,
    },
    /// `observe N`
    Observe(CellIndex),
    /// `scrub`
    Scrub,
    /// `digest`
    Digest,
    /// `map`
    Map,
}

/// `inject ...`: damage done to the substrate's memory on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injection {
    /// `inject cell N BIT`: flips one bit of a cell's bytes.
    Cell {
        /// The cell.
        cell: CellIndex,
        /// Which bit of the cell's magnitude word, 0..64.
        bit: u32,
    },
    /// `inject line N`: overwrites the line that holds cell N with garbage.
    Line(CellIndex),
    /// `inject page N`: overwrites page number N with garbage.
    Page(u64),
    /// `inject checksum N`: flips a bit in the checksum of the line that holds cell N.
    Checksum(CellIndex),
    /// `inject parity N`: overwrites the first parity of the line that holds cell N.
    Parity(CellIndex),
    /// `inject second-parity N`: overwrites the second parity of the line that holds cell N.
    SecondParity(CellIndex),
    /// `inject generation N`: flips a bit in the generation of the line that holds cell N.
    Generation(CellIndex),
    /// `inject stale N`: puts the line that holds cell N and its checksum into a state that match
    /// each other, as before the line's last change.
    Stale(CellIndex),
    /// `inject tick BIT`: flips a bit of the time, 0..128: from 64 on of its product.
    Tick(u32),
    /// `inject counts`: flips a bit of every total and count that is kept outside of the lines.
    Counts,
    /// `inject marks N`: flips a bit of what is known of the line that holds cell N without looking
    /// at it.
    Marks(CellIndex),
    /// `inject location N`: flips a bit of what is kept of where page number N is.
    Location(u64),
}

/// `inject kernel FAULT`: a fault that stops the kernel, to see that it does, and how it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelFault {
    /// `panic`: an invariant that does not hold.
    Panic,
    /// `overflow`: runs out of stack.
    StackOverflow,
    /// `execute`: jumps into data.
    ExecuteData,
    /// `write`: writes to the kernel's code.
    WriteCode,
    /// `null`: reads page zero.
    ReadPageZero,
}

impl KernelFault {
    /// Every fault.
    pub const ALL: [KernelFault; 5] = [
        KernelFault::Panic,
        KernelFault::StackOverflow,
        KernelFault::ExecuteData,
        KernelFault::WriteCode,
        KernelFault::ReadPageZero,
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KernelFault::Panic => "panic",
            KernelFault::StackOverflow => "overflow",
            KernelFault::ExecuteData => "execute",
            KernelFault::WriteCode => "write",
            KernelFault::ReadPageZero => "null",
        }
    }
}

/// A guardian's key as it is enrolled.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial {
    /// How it signs.
    pub algorithm: Algorithm,
    /// HMAC secret (at least 32 bytes) or Ed25519 public key (32 bytes).
    pub bytes: Vec<u8>,
}

impl core::fmt::Debug for KeyMaterial {
    /// Leaves the bytes out, so that no log holds a secret.
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            out,
            "KeyMaterial({}, {} bytes)",
            self.algorithm,
            self.bytes.len()
        )
    }
}

/// A signature as pasted: 32 bytes for HMAC-SHA256, 64 for Ed25519.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(pub Vec<u8>);

/// `guardian ...`
///
/// The first enrolment takes effect at once; each later change becomes a proposal with an id
/// of its own that a quorum of the active guardians signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardianRequest {
    /// `guardian list`: guardians and open changes.
    List,
    /// `guardian enrol ID ROLE ALGORITHM KEYHEX` (key given) and `rotate ID ALGORITHM KEYHEX`,
    /// `suspend ID`, `retire ID`
    Change {
        /// What to do.
        change: GuardianChange,
        /// To whom.
        guardian: GuardianId,
        /// The role; given for an enrolment only.
        role: Option<Role>,
        /// The key; given for an enrolment or rotation only.
        key: Option<KeyMaterial>,
    },
    /// `guardian challenge CHANGE GUARDIAN "why"`
    Challenge {
        /// The proposed change.
        change: RecordPrefix,
        /// Who will sign.
        signer: GuardianId,
        /// The signer's justification.
        justification: String,
    },
    /// `guardian sign CHANGE GUARDIAN SIGNATURE`
    Sign {
        /// The proposed change.
        change: RecordPrefix,
        /// Who signed.
        signer: GuardianId,
        /// Over the challenge issued last for this change and signer.
        signature: Signature,
    },
}

/// `request ...`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalRequest {
    /// `request create IMPACT TYPE REQUESTER "title" ["description"] [--files N] [--lines N] [--meta K=V]...`
    Create(NewApproval),
    /// `request list`
    List,
    /// `request show ID`
    Show(RecordPrefix),
    /// `request challenge ID GUARDIAN approve|reject "why"`
    Challenge {
        /// The request.
        request: RecordPrefix,
        /// Who will sign.
        guardian: GuardianId,
        /// [`Action::ApproveRequest`] or [`Action::RejectRequest`].
        action: Action,
        /// The guardian's reason.
        justification: String,
    },
    /// `request approve|reject ID GUARDIAN SIGNATURE`
    Decide {
        /// The request.
        request: RecordPrefix,
        /// Who decides.
        guardian: GuardianId,
        /// [`Action::ApproveRequest`] or [`Action::RejectRequest`].
        action: Action,
        /// Over the challenge issued last.
        signature: Signature,
    },
}

/// What `request create` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// How much the change can touch.
    pub impact: Impact,
    /// Kind of change, a word such as `config` or `kernel`.
    pub change_type: String,
    /// Who asks: a guardian's id or another name.
    pub requester: String,
    /// One line.
    pub title: String,
    /// May be empty.
    pub description: String,
    /// Files changed.
    pub files_changed: u32,
    /// Lines changed.
    pub lines_changed: u32,
    /// Free key and value pairs.
    pub metadata: Vec<(String, String)>,
}

/// Whether an override is meant or practised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverrideKind {
    /// Grants when its quorum signs.
    Real,
    /// A marked drill: the same steps, and it grants nothing.
    Drill,
}

/// `override ...`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverrideRequest {
    /// `override create REQUEST INITIATOR "justification" [--drill]`
    Create {
        /// The request that it overrides.
        request: RecordPrefix,
        /// Who initiates: a guardian's id or another name.
        initiator: String,
        /// Why.
        justification: String,
        /// Real or drill.
        kind: OverrideKind,
    },
    /// `override list`
    List,
    /// `override show ID`
    Show(RecordPrefix),
    /// `override challenge ID GUARDIAN ACTION "text"`: ACTION one of sign, revoke, reject,
    /// post-mortem, review; the text is the justification, report or review that is signed.
    Challenge {
        /// The override.
        id: RecordPrefix,
        /// Who will sign.
        guardian: GuardianId,
        /// What the signature will say.
        action: Action,
        /// Justification, report or review.
        text: String,
    },
    /// `override sign|revoke|reject|post-mortem|review ID GUARDIAN SIGNATURE`
    Conclude {
        /// The override.
        id: RecordPrefix,
        /// Who signed.
        guardian: GuardianId,
        /// What the signature says.
        action: Action,
        /// Over the challenge issued last for this override, guardian and action.
        signature: Signature,
    },
}

/// `ledger ...`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerRequest {
    /// `ledger status`
    Status,
    /// `ledger log [COUNT]`: the newest records.
    Log(u32),
    /// `ledger verify`
    Verify,
    /// `ledger checkpoint`
    Checkpoint,
    /// `ledger format [CONFIRMATION]`: without the confirmation word, says what would be lost
    /// and which word to type.
    Format(Option<String>),
}

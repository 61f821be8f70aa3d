//! A line for each command of the table, with the request that it becomes.

use abi::governance::{Action, Algorithm, GuardianChange, Impact, Role};
use abi::request::*;
use abi::vault::{VaultRequest, VaultTarget};
use abi::{CellIndex, GlyphId, GuardianId, RecordPrefix};
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

fn glyph(id: &str) -> GlyphId {
    GlyphId::new(id).unwrap()
}

fn guardian(id: &str) -> GuardianId {
    GuardianId::new(id).unwrap()
}

fn record(id: &str) -> RecordPrefix {
    RecordPrefix::new(id).unwrap()
}

/// One line for each command of the table, with the request that it becomes.
#[expect(clippy::too_many_lines, reason = "a table, one line for each command")]
pub(super) fn lines() -> Vec<(String, Request)> {
    use Request as R;
    use SubstrateRequest as S;
    let cell = CellIndex(7);
    let hmac = "a5".repeat(32);
    let key = || KeyMaterial {
        algorithm: Algorithm::HmacSha256,
        bytes: vec![0xa5; 32],
    };
    let signature = || Signature(vec![0xa5; 32]);
    let change = |change, role, key| {
        R::Guardian(GuardianRequest::Change {
            change,
            guardian: guardian("galahad"),
            role,
            key,
        })
    };
    let mut lines: Vec<(String, Request)> = vec![
        ("version".into(), R::Version),
        ("uptime".into(), R::Uptime),
        ("mem".into(), R::Memory),
        ("log".into(), R::Log),
        ("date".into(), R::Date),
        ("status".into(), R::Status),
        ("vault list".into(), R::VaultList),
        ("vault errors".into(), R::VaultErrors),
        ("vault status".into(), R::Vault(VaultRequest::Status)),
        (
            "vault stage 2048 00ff".into(),
            R::Vault(VaultRequest::Stage {
                offset: 2048,
                bytes: vec![0, 0xff],
            }),
        ),
        (
            "vault propose".into(),
            R::Vault(VaultRequest::Propose(VaultTarget::Staged)),
        ),
        (
            "vault propose boot-medium".into(),
            R::Vault(VaultRequest::Propose(VaultTarget::BootMedium)),
        ),
        (
            "vault propose 0123abcd".into(),
            R::Vault(VaultRequest::Propose(VaultTarget::Kept(record("0123abcd")))),
        ),
        (
            "vault challenge 0123 galahad \"I read it\"".into(),
            R::Vault(VaultRequest::Challenge {
                change: record("0123"),
                signer: guardian("galahad"),
                justification: "I read it".into(),
            }),
        ),
        (
            format!("vault sign 0123 galahad {}", "ab".repeat(64)),
            R::Vault(VaultRequest::Sign {
                change: record("0123"),
                signer: guardian("galahad"),
                signature: Signature(vec![0xab; 64]),
            }),
        ),
        ("glyph show b".into(), R::GlyphShow(glyph("b"))),
        ("glyph tree b".into(), R::GlyphTree(glyph("b"))),
        (
            "activate --trace b --with-parents".into(),
            R::Activate(Activate {
                glyph: glyph("b"),
                parents: Include::Yes,
                trace: Include::Yes,
            }),
        ),
        ("substrate status".into(), R::Substrate(S::Status)),
        ("substrate read 7".into(), R::Substrate(S::Read(cell))),
        (
            "substrate write 7 1.5 -2 1e3".into(),
            R::Substrate(S::Write {
                cell,
                magnitude: 1.5,
                phase: -2.0,
                coherence: 1000.0,
            }),
        ),
        ("substrate tick".into(), R::Substrate(S::Tick(1))),
        ("substrate tick 12".into(), R::Substrate(S::Tick(12))),
        (
            "substrate force 7 1 2 3".into(),
            R::Substrate(S::Force {
                cell,
                vector: [1.0, 2.0, 3.0],
            }),
        ),
        (
            "substrate wave 7 2 0.5".into(),
            R::Substrate(S::Wave {
                origin: cell,
                amplitude: 2.0,
                frequency: 0.5,
            }),
        ),
        (
            "substrate superpose 7 0.6:0 0.8:1.5".into(),
            R::Substrate(S::Superpose {
                cell,
                pairs: vec![
                    Pair {
                        amplitude: 0.6,
                        phase: 0.0,
                    },
                    Pair {
                        amplitude: 0.8,
                        phase: 1.5,
                    },
                ],
            }),
        ),
        ("substrate observe 7".into(), R::Substrate(S::Observe(cell))),
        ("substrate scrub".into(), R::Substrate(S::Scrub)),
        ("substrate digest".into(), R::Substrate(S::Digest)),
        ("substrate map".into(), R::Substrate(S::Map)),
        (
            "inject cell 7 63".into(),
            R::Inject(Injection::Cell { cell, bit: 63 }),
        ),
        ("inject line 7".into(), R::Inject(Injection::Line(cell))),
        ("inject page 7".into(), R::Inject(Injection::Page(7))),
        (
            "inject checksum 7".into(),
            R::Inject(Injection::Checksum(cell)),
        ),
        ("inject parity 7".into(), R::Inject(Injection::Parity(cell))),
        (
            "inject second-parity 7".into(),
            R::Inject(Injection::SecondParity(cell)),
        ),
        (
            "inject generation 7".into(),
            R::Inject(Injection::Generation(cell)),
        ),
        ("inject stale 7".into(), R::Inject(Injection::Stale(cell))),
        ("inject tick 100".into(), R::Inject(Injection::Tick(100))),
        ("inject counts".into(), R::Inject(Injection::Counts)),
        ("inject marks 7".into(), R::Inject(Injection::Marks(cell))),
        (
            "inject location 7".into(),
            R::Inject(Injection::Location(7)),
        ),
        (
            "inject vault quintessence 17".into(),
            R::InjectVault {
                glyph: GlyphId::new("quintessence").expect("an id"),
                bit: 17,
            },
        ),
        ("inject kernel panic".into(), R::Crash(KernelFault::Panic)),
        ("ledger status".into(), R::Ledger(LedgerRequest::Status)),
        ("ledger log".into(), R::Ledger(LedgerRequest::Log(20))),
        ("ledger log 5".into(), R::Ledger(LedgerRequest::Log(5))),
        ("ledger verify".into(), R::Ledger(LedgerRequest::Verify)),
        (
            "ledger checkpoint".into(),
            R::Ledger(LedgerRequest::Checkpoint),
        ),
        (
            "ledger format".into(),
            R::Ledger(LedgerRequest::Format(None)),
        ),
        (
            "ledger format erase-1".into(),
            R::Ledger(LedgerRequest::Format(Some("erase-1".into()))),
        ),
        ("metrics".into(), R::Metrics),
        ("events".into(), R::Events),
        ("selftest".into(), R::Selftest),
        ("bench".into(), R::Bench),
        ("drill on".into(), R::Drill(Switch::On)),
        ("drill off".into(), R::Drill(Switch::Off)),
        ("reboot".into(), R::Reboot),
        ("poweroff".into(), R::PowerOff),
        ("guardian list".into(), R::Guardian(GuardianRequest::List)),
        (
            format!("guardian enrol galahad ethics hmac {hmac}"),
            change(GuardianChange::Enrol, Some(Role::Ethics), Some(key())),
        ),
        (
            format!("guardian rotate galahad hmac {hmac}"),
            change(GuardianChange::Rotate, None, Some(key())),
        ),
        (
            "guardian suspend galahad".into(),
            change(GuardianChange::Suspend, None, None),
        ),
        (
            "guardian retire galahad".into(),
            change(GuardianChange::Retire, None, None),
        ),
        (
            "guardian challenge 0123 galahad \"I agree\"".into(),
            R::Guardian(GuardianRequest::Challenge {
                change: record("0123"),
                signer: guardian("galahad"),
                justification: "I agree".into(),
            }),
        ),
        (
            format!("guardian sign 0123 galahad {hmac}"),
            R::Guardian(GuardianRequest::Sign {
                change: record("0123"),
                signer: guardian("galahad"),
                signature: signature(),
            }),
        ),
    ];
    lines.extend(approval_lines(&hmac));
    lines.extend(override_lines(&hmac));
    lines
}

fn approval_lines(hmac: &str) -> Vec<(String, Request)> {
    let approval = Request::Approval;
    let decide = |action| {
        approval(ApprovalRequest::Decide {
            request: record("0123"),
            guardian: guardian("galahad"),
            action,
            signature: Signature(vec![0xa5; 32]),
        })
    };
    vec![
        (
            "request create high kernel alice \"New scheduler\" \"Why \\\"now\\\"\" --files 3 \
             --meta a=b --lines 120 --meta \"c=d e\""
                .into(),
            approval(ApprovalRequest::Create(NewApproval {
                impact: Impact::High,
                change_type: "kernel".into(),
                requester: "alice".into(),
                title: "New scheduler".into(),
                description: "Why \"now\"".into(),
                files_changed: 3,
                lines_changed: 120,
                metadata: vec![("a".into(), "b".into()), ("c".into(), "d e".into())],
            })),
        ),
        ("request list".into(), approval(ApprovalRequest::List)),
        (
            "request show 0123".into(),
            approval(ApprovalRequest::Show(record("0123"))),
        ),
        (
            "request challenge 0123 galahad reject \"too big\"".into(),
            approval(ApprovalRequest::Challenge {
                request: record("0123"),
                guardian: guardian("galahad"),
                action: Action::RejectRequest,
                justification: "too big".into(),
            }),
        ),
        (
            format!("request approve 0123 galahad {hmac}"),
            decide(Action::ApproveRequest),
        ),
        (
            format!("request reject 0123 galahad {hmac}"),
            decide(Action::RejectRequest),
        ),
    ]
}

fn override_lines(hmac: &str) -> Vec<(String, Request)> {
    let overriding = Request::Override;
    let create = |kind| {
        overriding(OverrideRequest::Create {
            request: record("0123"),
            initiator: "safety_monitor".into(),
            justification: "fire".into(),
            kind,
        })
    };
    let mut lines = vec![
        (
            "override create 0123 safety_monitor fire".into(),
            create(OverrideKind::Real),
        ),
        (
            "override create 0123 --drill safety_monitor fire".into(),
            create(OverrideKind::Drill),
        ),
        ("override list".into(), overriding(OverrideRequest::List)),
        (
            "override show 0123".into(),
            overriding(OverrideRequest::Show(record("0123"))),
        ),
    ];
    for (word, action) in [
        ("sign", Action::SignOverride),
        ("revoke", Action::RevokeOverride),
        ("reject", Action::RejectOverride),
        ("post-mortem", Action::PostMortem),
        ("review", Action::Review),
    ] {
        lines.push((
            format!("override challenge 0123 galahad {word} \"as it was\""),
            overriding(OverrideRequest::Challenge {
                id: record("0123"),
                guardian: guardian("galahad"),
                action,
                text: "as it was".into(),
            }),
        ));
        lines.push((
            format!("override {word} 0123 galahad {hmac}"),
            overriding(OverrideRequest::Conclude {
                id: record("0123"),
                guardian: guardian("galahad"),
                action,
                signature: Signature(vec![0xa5; 32]),
            }),
        ));
    }
    lines
}

/// The form of a request as a word; the compiler asks for a new one where a variant is new.
pub(super) fn variant(request: &Request) -> &'static str {
    match request {
        Request::Version => "version",
        Request::Uptime => "uptime",
        Request::Memory => "memory",
        Request::Log => "log",
        Request::Date => "date",
        Request::Status => "status",
        Request::VaultList => "vault list",
        Request::VaultErrors => "vault errors",
        Request::Vault(request) => vault_variant(request),
        Request::GlyphShow(_) => "glyph show",
        Request::GlyphTree(_) => "glyph tree",
        Request::Activate(_) => "activate",
        Request::Substrate(request) => match request {
            SubstrateRequest::Status => "substrate status",
            SubstrateRequest::Read(_) => "substrate read",
            SubstrateRequest::Write { .. } => "substrate write",
            SubstrateRequest::Tick(_) => "substrate tick",
            SubstrateRequest::Force { .. } => "substrate force",
            SubstrateRequest::Wave { .. } => "substrate wave",
            SubstrateRequest::Superpose { .. } => "substrate superpose",
            SubstrateRequest::Observe(_) => "substrate observe",
            SubstrateRequest::Scrub => "substrate scrub",
            SubstrateRequest::Digest => "substrate digest",
            SubstrateRequest::Map => "substrate map",
        },
        Request::Inject(injection) => match injection {
            Injection::Cell { .. } => "inject cell",
            Injection::Line(_) => "inject line",
            Injection::Page(_) => "inject page",
            Injection::Checksum(_) => "inject checksum",
            Injection::Parity(_) => "inject parity",
            Injection::SecondParity(_) => "inject second-parity",
            Injection::Generation(_) => "inject generation",
            Injection::Stale(_) => "inject stale",
            Injection::Tick(_) => "inject tick",
            Injection::Counts => "inject counts",
            Injection::Marks(_) => "inject marks",
            Injection::Location(_) => "inject location",
        },
        Request::InjectVault { .. } => "inject vault",
        Request::Crash(_) => "inject kernel",
        Request::Guardian(request) => match request {
            GuardianRequest::List => "guardian list",
            GuardianRequest::Change { change, .. } => change.name(),
            GuardianRequest::Challenge { .. } => "guardian challenge",
            GuardianRequest::Sign { .. } => "guardian sign",
        },
        Request::Approval(request) => match request {
            ApprovalRequest::Create(_) => "request create",
            ApprovalRequest::List => "request list",
            ApprovalRequest::Show(_) => "request show",
            ApprovalRequest::Challenge { .. } => "request challenge",
            ApprovalRequest::Decide { action, .. } => action.name(),
        },
        Request::Override(request) => match request {
            OverrideRequest::Create { .. } => "override create",
            OverrideRequest::List => "override list",
            OverrideRequest::Show(_) => "override show",
            OverrideRequest::Challenge { .. } => "override challenge",
            OverrideRequest::Conclude { action, .. } => action.name(),
        },
        Request::Ledger(request) => match request {
            LedgerRequest::Status => "ledger status",
            LedgerRequest::Log(_) => "ledger log",
            LedgerRequest::Verify => "ledger verify",
            LedgerRequest::Checkpoint => "ledger checkpoint",
            LedgerRequest::Format(None) => "ledger format",
            LedgerRequest::Format(Some(_)) => "ledger format confirmed",
        },
        Request::Metrics => "metrics",
        Request::Events => "events",
        Request::Selftest => "selftest",
        Request::Bench => "bench",
        Request::Drill(Switch::On) => "drill on",
        Request::Drill(Switch::Off) => "drill off",
        Request::Reboot => "reboot",
        Request::PowerOff => "poweroff",
    }
}

fn vault_variant(request: &VaultRequest) -> &'static str {
    match request {
        VaultRequest::Status => "vault status",
        VaultRequest::Stage { .. } => "vault stage",
        VaultRequest::Propose(VaultTarget::Staged) => "vault propose",
        VaultRequest::Propose(VaultTarget::BootMedium) => "vault propose boot-medium",
        VaultRequest::Propose(VaultTarget::Kept(_)) => "vault propose kept",
        VaultRequest::Challenge { .. } => "vault challenge",
        VaultRequest::Sign { .. } => "vault sign",
    }
}

/// How many words [`variant`] has: 5 decisions on overrides, 2 on requests, 4 changes.
pub(super) const VARIANTS: usize = 79;

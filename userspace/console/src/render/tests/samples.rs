//! Answers of every variant, with texts that are long or nasty.

use abi::governance::*;
use abi::request::{OverrideKind, Pair};
use abi::response::*;
use abi::time::UnixSeconds;
use abi::vault::{
    PolicyView, VaultArchiveView, VaultChangeView, VaultKeyView, VaultSource, VaultState,
    VaultStatus,
};
use abi::{CellIndex, Checkpoint, GlyphId, GuardianId, RecordId};
use std::string::String;
use std::vec;
use std::vec::Vec;

pub(super) const NASTY: &str = "a \"b\"\\ \n\r\tOK\u{1b}[31m\u{7} end";

pub(super) fn long() -> String {
    "many words make a long text ".repeat(12)
}

fn glyph(id: &str) -> GlyphId {
    GlyphId::new(id).unwrap()
}

fn guardian(id: &str) -> GuardianId {
    GuardianId::new(id).unwrap()
}

fn signature() -> SignatureView {
    SignatureView {
        guardian_id: guardian("codex_deus"),
        role: Role::Charter,
        signature: "5a".repeat(64),
        timestamp: UnixSeconds(1_795_319_034),
        justification: NASTY.into(),
    }
}

pub(super) fn state() -> FieldState {
    FieldState {
        resonance: 195.0,
        magnitude: 0.1875,
        phase: 10.0,
        coherence: 78,
        entanglement: 7.3,
    }
}

fn summary() -> GlyphSummary {
    GlyphSummary {
        id: glyph("b"),
        home: CellIndex(1),
        generations: 1,
        commands: 2,
        activations: 3,
    }
}

pub(super) fn activation() -> Activation {
    Activation {
        glyph: glyph("b"),
        state: state(),
        cell: Some(CellIndex(1)),
        wave: false,
        trace: vec![("decay(0.25)".into(), state())],
    }
}

fn approval() -> ApprovalView {
    ApprovalView {
        request_id: RecordId([0xab; 16]),
        title: long(),
        description: NASTY.into(),
        change_type: "kernel".into(),
        impact: Impact::High,
        requester: "alice".into(),
        files_changed: 3,
        lines_changed: 120,
        metadata: vec![("ticket".into(), NASTY.into())],
        status: RequestStatus::Pending,
        created_at: UnixSeconds(1),
        expires_at: UnixSeconds(2),
        required_roles: vec![Role::Ethics, Role::Security, Role::Charter],
        missing_roles: vec![Role::Ethics],
        approvals: vec![signature()],
        rejections: vec![signature()],
        risk_score: 0.625,
        compliance: vec![ComplianceView {
            name: "four_laws".into(),
            passed: false,
            score: 0.5,
            violations: vec![long()],
            warnings: vec![NASTY.into()],
        }],
    }
}

fn overriding() -> OverrideView {
    OverrideView {
        override_id: RecordId([0xcd; 16]),
        request_id: RecordId([0xab; 16]),
        justification: long(),
        initiated_by: "safety_monitor".into(),
        created_at: UnixSeconds(1),
        kind: OverrideKind::Drill,
        signatures: vec![signature()],
        min_signatures_required: 3,
        missing_roles: vec![Role::Ethics, Role::Security],
        status: OverrideStatus::ReviewOverdue,
        grant_in_force: true,
        lapses_at: Some(UnixSeconds(86_400)),
        post_mortem_required: true,
        post_mortem_completed: true,
        post_mortem_report: Some(signature()),
        auto_review_scheduled: true,
        auto_review_date: UnixSeconds(2_592_000),
        review: Some(signature()),
        consequences: vec![long()],
        metadata: vec![("k".into(), "v".into())],
    }
}

fn change(missing: u32) -> GuardianChangeView {
    GuardianChangeView {
        id: RecordId([0x11; 16]),
        change: GuardianChange::Rotate,
        guardian: guardian("galahad"),
        signed: vec![guardian("cerberus")],
        signatures_missing: missing,
    }
}

fn vault_change(missing: u32) -> VaultChangeView {
    VaultChangeView {
        id: RecordId([0x22; 16]),
        archive: (missing > 0).then_some([0x5b; 32]),
        signed: vec![guardian("cerberus"), guardian("galahad")],
        signatures_missing: missing,
        expires_at: UnixSeconds(1_795_319_034),
    }
}

/// At least one answer of each variant.
pub(super) fn samples() -> Vec<Response> {
    let mut samples = vec![
        Response::Version(Version {
            version: "0.1.0".into(),
            commit: "0123abcd".into(),
            rustc: "rustc 1.96.0 (web)".into(),
        }),
        Response::Uptime {
            nanoseconds: 61_500_000_000,
        },
        Response::Memory(MemoryReport {
            total_bytes: 128 << 20,
            heap_bytes: 16 << 20,
            heap_used_bytes: 1_500_000,
            heap_peak_bytes: 2_000_000,
            large_bytes: 1 << 20,
            free_bytes: 100 << 20,
            free_longest_bytes: 99 << 20,
        }),
        Response::Log {
            lines: vec!["[    0.000001] info  up".into(), NASTY.into()],
            lost: 3,
        },
        Response::Date(Some(UnixSeconds(1_795_319_034))),
        Response::Date(None),
        Response::Status(Status {
            lines: vec![StatusLine {
                part: "substrate".into(),
                health: Health::Limited,
                detail: long(),
            }],
        }),
        Response::Text("alpha\n+- beta\n".into()),
        Response::Done,
        Response::Goodbye,
        Response::Injected(NASTY.into()),
        Response::Challenge {
            line: std::format!("glyphos-challenge:{}", "00ff".repeat(400)),
        },
        Response::ConfirmFormat {
            holds: long(),
            confirmation: "erase-12".into(),
        },
        Response::Selftest(vec![
            ("sha256".into(), Ok(())),
            ("substrate".into(), Err(long())),
        ]),
    ];
    samples.extend(vault_samples());
    samples.extend(substrate_samples());
    samples.extend(governance_samples());
    samples
}

fn vault_samples() -> Vec<Response> {
    vec![
        Response::Vault(VaultStatus {
            state: VaultState::InForce,
            reason: String::new(),
            source: VaultSource::BootMedium,
            digest: Some([0x5a; 32]),
            glyphs: 25,
            errors: 0,
            key: Some(VaultKeyView {
                fingerprint: [0xa5; 8],
                origin: "development",
            }),
            policy: Some(PolicyView {
                name: "glyphos-default".into(),
                version: 2,
                digest: [0x5c; 32],
                signed_by: Some([0xa5; 8]),
            }),
            policy_refused: String::new(),
            staged_bytes: 2048,
            archives: vec![
                VaultArchiveView {
                    digest: [0x5a; 32],
                    bytes: 27_648,
                    is_whole: true,
                },
                VaultArchiveView {
                    digest: [0x5b; 32],
                    bytes: 262_144,
                    is_whole: false,
                },
            ],
            changes: vec![vault_change(2)],
        }),
        Response::VaultStaged { bytes: 2048 },
        Response::VaultChange(vault_change(0)),
        Response::Vault(VaultStatus {
            state: VaultState::Refused,
            reason: long(),
            source: VaultSource::BootMedium,
            digest: None,
            glyphs: 0,
            errors: 0,
            key: None,
            policy: Some(PolicyView {
                name: NASTY.into(),
                version: 1,
                digest: [0x5d; 32],
                signed_by: None,
            }),
            policy_refused: long(),
            staged_bytes: 0,
            archives: Vec::new(),
            changes: Vec::new(),
        }),
    ]
}

fn substrate_samples() -> Vec<Response> {
    let mut far = summary();
    far.id = glyph(&"long-id_".repeat(8));
    vec![
        Response::VaultList(vec![summary(), far]),
        Response::VaultErrors(vec![long(), NASTY.into()]),
        Response::Glyph(GlyphDetail {
            summary: summary(),
            definition: "glyph_id: b\nmetadata: \u{1b}x\n".into(),
        }),
        Response::Activated(vec![activation()]),
        Response::Substrate(SubstrateStatus {
            width: 64,
            height: 64,
            tick: 12,
            figures: FiguresAge::Since(11),
            magnitude_mean: 99.123_456_789,
            magnitude_min: 0.01,
            magnitude_max: 1000.0,
            coherence_mean: 500.0,
            superpositions: 1,
            cells_read: 2,
            cells_written: 3,
            checksum_failures: 4,
            parity_failures: 5,
            repairs: 6,
            poisoned: 7,
            scrub_passes: 8,
        }),
        Response::Cell(CellView {
            cell: CellIndex(7),
            magnitude: 1.0 / 3.0,
            phase: 1e-300,
            coherence: 1000.0,
            decay_rate: 0.01,
            last_update: 9,
            flags: 1,
        }),
        Response::Changed { tick: 13 },
        Response::Superposition(vec![Pair {
            amplitude: 0.6,
            phase: -0.5,
        }]),
        Response::Digest([0x5a; 32]),
        Response::Scrubbed(ScrubReport {
            lines: 1,
            damaged: 2,
            repaired: 3,
            poisoned: 4,
        }),
    ]
}

fn governance_samples() -> Vec<Response> {
    let guardians = [
        (None, None),
        (Some(Algorithm::HmacSha256), None),
        (Some(Algorithm::Ed25519), Some([0x5a; 8])),
    ]
    .map(|(algorithm, fingerprint)| GuardianView {
        id: guardian("galahad"),
        role: Role::Ethics,
        algorithm,
        state: GuardianState::Active,
        failures: 2,
        fingerprint,
    });
    vec![
        Response::Guardians {
            guardians: guardians.to_vec(),
            changes: vec![change(1), change(0)],
        },
        Response::GuardianChange { change: change(2) },
        Response::Approval(approval()),
        Response::Approvals(vec![approval()]),
        Response::Override {
            view: overriding(),
            note: long(),
        },
        Response::Overrides(vec![overriding()]),
        Response::Ledger(LedgerStatus {
            state: LedgerState::ReadOnly,
            reason: long(),
            records: 10,
            frames: 8,
            capacity: 1000,
            newest: Some(9),
            chain: [0x5a; 32],
            epoch: [0xa5; 16],
            repaired: 1,
            device_bytes: 64 << 20,
        }),
        Response::Records(vec![RecordView {
            seq: 9,
            time: UnixSeconds(1_795_319_034),
            summary: long(),
        }]),
        Response::Checkpoint(Checkpoint {
            epoch: [0xa5; 16],
            records: u64::MAX,
            chain: [0x5a; 32],
        }),
        Response::Verified(VerifyReport {
            sound: false,
            records: 10,
            chain: [0x5a; 32],
            findings: vec![long(), NASTY.into()],
        }),
    ]
}

/// A number for each variant; the compiler asks for a new one where a variant is new.
pub(super) fn variant(response: &Response) -> usize {
    match response {
        Response::Version(_) => 0,
        Response::Uptime { .. } => 1,
        Response::Memory(_) => 2,
        Response::Log { .. } => 3,
        Response::Date(_) => 4,
        Response::Status(_) => 5,
        Response::VaultList(_) => 6,
        Response::VaultErrors(_) => 7,
        Response::Glyph(_) => 8,
        Response::Text(_) => 9,
        Response::Activated(_) => 10,
        Response::Substrate(_) => 11,
        Response::Cell(_) => 12,
        Response::Changed { .. } => 13,
        Response::Superposition(_) => 14,
        Response::Digest(_) => 15,
        Response::Scrubbed(_) => 16,
        Response::Injected(_) => 17,
        Response::Guardians { .. } => 18,
        Response::GuardianChange { .. } => 19,
        Response::Challenge { .. } => 20,
        Response::Approval(_) => 21,
        Response::Approvals(_) => 22,
        Response::Override { .. } => 23,
        Response::Overrides(_) => 24,
        Response::Ledger(_) => 25,
        Response::Records(_) => 26,
        Response::Verified(_) => 27,
        Response::ConfirmFormat { .. } => 28,
        Response::Selftest(_) => 29,
        Response::Done => 30,
        Response::Goodbye => 31,
        Response::Vault(_) => 32,
        Response::Checkpoint(_) => 33,
        Response::VaultStaged { .. } => 34,
        Response::VaultChange(_) => 35,
    }
}

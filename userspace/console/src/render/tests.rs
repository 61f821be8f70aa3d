//! Every answer in both ways of talking.

use super::*;
use abi::governance::*;
use abi::request::{OverrideKind, Pair};
use abi::response::*;
use abi::time::UnixSeconds;
use abi::vault::{
    VaultArchiveView, VaultChangeView, VaultKeyView, VaultSource, VaultState, VaultStatus,
};
use abi::{CellIndex, Checkpoint, FaultCode, GlyphId, GuardianId, RecordId};
use std::string::String;
use std::vec;
use std::vec::Vec;

const NASTY: &str = "a \"b\"\\ \n\r\tOK\u{1b}[31m\u{7} end";

fn long() -> String {
    "many words make a long text ".repeat(12)
}

fn text(response: &Response, mode: Mode) -> String {
    let mut out = String::new();
    render(response, mode, &mut out).unwrap();
    out
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

fn state() -> FieldState {
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

fn activation() -> Activation {
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
fn samples() -> Vec<Response> {
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
fn variant(response: &Response) -> usize {
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

/// Splits a line of the machine's form; panics where it does not have that form.
fn fields(line: &str) -> Vec<(&str, &str)> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').expect(line);
        let is_key = key
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(!key.is_empty() && is_key, "{line}");
        let length = if let Some(quoted) = after.strip_prefix('"') {
            let mut is_escaped = false;
            let end = quoted.find(|c| {
                let is_end = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_end
            });
            end.expect(line) + 2
        } else {
            after.find(' ').unwrap_or(after.len())
        };
        fields.push((key, &after[..length]));
        rest = &after[length..];
        if !rest.is_empty() {
            rest = rest.strip_prefix(' ').expect(line);
        }
    }
    fields
}

#[test]
fn every_answer_says_something_in_both_modes() {
    let mut seen = [false; 36];
    for response in samples() {
        seen[variant(&response)] = true;
        assert!(!text(&response, Mode::Human).is_empty(), "{response:?}");
        let is_silent = matches!(response, Response::Done | Response::Goodbye);
        assert_eq!(
            text(&response, Mode::Machine).is_empty(),
            is_silent,
            "{response:?}"
        );
    }
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
}

#[test]
fn no_control_character_of_a_value_goes_out() {
    for response in samples() {
        for mode in [Mode::Human, Mode::Machine] {
            let text = text(&response, mode);
            assert!(text.is_empty() || text.ends_with('\n'), "{text}");
            assert!(
                !text.chars().any(|c| c.is_control() && c != '\n'),
                "{text:?}"
            );
        }
    }
}

#[test]
fn text_for_a_person_keeps_to_80_columns() {
    for response in samples() {
        for line in text(&response, Mode::Human).lines() {
            let longest = line.split_whitespace().map(str::len).max().unwrap_or(0);
            let is_one_long_word = longest > 60;
            assert!(
                line.chars().count() <= COLUMNS || is_one_long_word,
                "{line}"
            );
            assert_eq!(line, line.trim_end(), "blanks at the end");
        }
    }
}

#[test]
fn text_for_a_program_is_made_of_keys_and_values() {
    for response in samples() {
        if matches!(response, Response::Text(_)) {
            continue;
        }
        for line in text(&response, Mode::Machine).lines() {
            let fields = fields(line);
            let mut keys: Vec<_> = fields.iter().map(|(key, _)| *key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), fields.len(), "a key comes twice: {line}");
        }
    }
}

#[test]
fn the_documentation_lists_the_keys_of_every_line() {
    let documented = include_str!("../../README.md");
    for response in samples() {
        if matches!(response, Response::Text(_)) {
            continue;
        }
        for line in text(&response, Mode::Machine).lines() {
            let keys: Vec<_> = fields(line).into_iter().map(|(key, _)| key).collect();
            let keys = std::format!("`{}`", keys.join(" "));
            assert!(documented.contains(&keys), "README.md does not list {keys}");
        }
    }
}

#[test]
fn an_activation_has_its_documented_line() {
    assert_eq!(
        text(&Response::Activated(vec![activation()]), Mode::Machine),
        "trace=b step=\"decay(0.25)\" resonance=195 magnitude=0.1875 phase=10 coherence=78 \
         entanglement=7.3\n\
         glyph=b resonance=195 magnitude=0.1875 phase=10 coherence=78 entanglement=7.3 cell=1 \
         wave=no\n"
    );
}

#[test]
fn an_activation_reads_well() {
    assert_eq!(
        text(&Response::Activated(vec![activation()]), Mode::Human),
        "glyph b\n  decay(0.25): R 195 M 0.1875 P 10 C 78 E 7.3\n  \
         resonance     195 Hz\n  magnitude     0.1875\n  phase         10 degrees\n  \
         coherence     78 %\n  entanglement  7.3\n  cell          1 (written)\n  \
         wave          none\n"
    );
}

#[test]
fn a_trace_shows_the_state_before_and_after_each_step() {
    let mut activation = activation();
    let mut before = state();
    (before.magnitude, before.coherence) = (0.25, 80);
    activation.trace.insert(0, ("entangle(a)".into(), before));
    let shown = text(&Response::Activated(vec![activation]), Mode::Human);
    let expected = "  entangle(a): R 195 M 0.25 P 10 C 80 E 7.3\n  \
                    decay(0.25): R 195 M 0.25 -> 0.1875 P 10 C 80 -> 78 E 7.3\n";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn texts_for_a_program_are_quoted_and_escaped() {
    assert_eq!(
        text(&Response::Injected(NASTY.into()), Mode::Machine),
        "injected=\"a \\\"b\\\"\\\\ \\n\\r\\tOK\\u{1b}[31m\\u{7} end\"\n"
    );
}

#[test]
fn no_line_of_a_text_can_be_taken_for_the_end_of_the_reply() {
    let shown = text(
        &Response::Text("OK\nERR usage no\nERRATA\nfine\n".into()),
        Mode::Machine,
    );
    assert_eq!(shown, " OK\n ERR usage no\nERRATA\nfine\n");
}

#[test]
fn a_fault_is_one_line_for_a_program_and_a_paragraph_for_a_person() {
    let fault = Fault::new(FaultCode::NotFound, std::format!("no\nsuch {}", long()));
    let mut machine = String::new();
    render_fault(&fault, Mode::Machine, &mut machine).unwrap();
    assert!(machine.starts_with("ERR not_found no such many words"));
    assert_eq!(machine.lines().count(), 1);
    let mut human = String::new();
    render_fault(&fault, Mode::Human, &mut human).unwrap();
    assert!(human.starts_with("error: no such many"));
    assert!(human.lines().count() > 2 && human.lines().all(|line| line.len() <= COLUMNS));
}

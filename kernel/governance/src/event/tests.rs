//! Records and their bytes: one value, one encoding, and any bytes are legal input.

use super::*;
use crate::policy::BUILT_IN;
use crate::simulated::{HOUR, Node, id};
use crate::{DecodeError, Event, Policy};
use abi::governance::{Action, Algorithm, GuardianChange, Role};
use abi::limits::TEXT_BYTES_MAX;
use abi::request::{ApprovalRequest, NewApproval, OverrideRequest, Signature};
use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString as _};
use std::vec::Vec;

/// Records of every kind, from the life of a node.
pub(super) fn every_kind() -> Vec<Event> {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    node.act(item, "cerberus", Action::RevokeOverride).unwrap();
    let other = node.active_override(Impact::Medium);
    node.restart();
    let request = node.request(Impact::Medium);
    node.decide_request(request, "galahad", Action::ApproveRequest)
        .unwrap();
    let waiting = node
        .create_override(request, "operator", OverrideKind::Drill)
        .unwrap();
    node.act(waiting.override_id, "galahad", Action::RejectOverride)
        .unwrap();
    node.propose(GuardianChange::Suspend, "galahad", None, None)
        .unwrap();
    node.act(item, "galahad", Action::PostMortem).unwrap();
    node.act(item, "galahad", Action::Review).unwrap();
    node.conclude(other, "galahad", Action::PostMortem, Signature(Vec::new()))
        .unwrap_err();
    node.propose_vault(b"an archive").unwrap();
    node.agree_on_vault();
    node.propose_vault(b"another").unwrap();
    node.wait(31 * 24 * HOUR);
    node.records
        .iter()
        .map(|bytes| Event::decode(bytes).unwrap())
        .collect()
}

#[test]
fn every_kind_of_record_is_the_same_after_its_bytes() {
    let events = every_kind();
    let kinds: BTreeSet<u8> = events.iter().map(Event::kind).collect();
    assert_eq!(kinds, (2..=18).chain(32..=35).collect());
    for event in &events {
        assert_eq!(Event::decode(&event.encode()).as_ref(), Ok(event));
        let summary = event.summary();
        assert!(
            !summary.is_empty() && summary.len() < 200 && !summary.contains('\n'),
            "{summary}"
        );
    }
}

#[test]
fn damaged_bytes_decode_to_what_encodes_to_them_or_not_at_all() {
    let mut decoded = 0_u32;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap()
    };
    let mut check = |bytes: &[u8]| {
        if let Ok(event) = Event::decode(bytes) {
            assert_eq!(event.encode(), bytes);
            decoded = decoded.saturating_add(1);
        }
    };
    for event in every_kind() {
        let bytes = event.encode();
        for place in 0..bytes.len() {
            check(bytes.get(..place).unwrap());
            for value in [0, 1, 0xff, bytes[place] ^ 1, bytes[place] ^ 0x80] {
                let mut damaged = bytes.clone();
                damaged[place] = value;
                check(&damaged);
            }
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Event::decode(&longer), Err(DecodeError::Trailing));
        for _ in 0..200 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + next() % 4 {
                let place = next() % damaged.len();
                damaged[place] = u8::try_from(next() % 256).unwrap();
            }
            damaged.truncate(1 + next() % damaged.len());
            check(&damaged);
        }
    }
    for length in 0..2000 {
        let noise: Vec<u8> = (0..length % 300)
            .map(|_| u8::try_from(next() % 256).unwrap())
            .collect();
        check(&noise);
    }
    assert!(
        decoded > 1000,
        "content of texts and ids may be anything: {decoded}"
    );
}

#[test]
fn unknown_versions_and_kinds_are_named() {
    let bytes = every_kind()[0].encode();
    let with = |place: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[place] = value;
        Event::decode(&changed)
    };
    assert_eq!(with(0, 2), Err(DecodeError::Version(2)));
    assert_eq!(with(1, 0), Err(DecodeError::Kind(0)));
    assert_eq!(with(1, 200), Err(DecodeError::Kind(200)));
}

#[test]
fn the_largest_record_of_each_kind_fits_the_ledger() {
    let rules = "rule: four_laws violation change_type not xxxxxxxxxxxxxxxxxxxxxx\n".repeat(5);
    let text = BUILT_IN.replace(
        "policy: glyphos-default",
        &format!("policy: {}", "p".repeat(64)),
    ) + &rules;
    let mut node = Node::with_policy(Policy::parse(text.as_bytes()).unwrap());
    let name = "g".repeat(64);
    node.enrol(&name, Role::Charter, Algorithm::Ed25519);
    let new = NewApproval {
        impact: Impact::Critical,
        change_type: "x".repeat(WORD_BYTES_MAX),
        requester: "r".repeat(WORD_BYTES_MAX),
        title: "t".repeat(TEXT_BYTES_MAX),
        description: "d".repeat(TEXT_BYTES_MAX),
        files_changed: u32::MAX,
        lines_changed: u32::MAX,
        metadata: (0..16)
            .map(|n| (format!("{n:02}"), "v".repeat(22)))
            .collect(),
    };
    // All conditions of all rules fail at once.
    let failing = NewApproval {
        change_type: "x".repeat(22),
        ..new.clone()
    };
    for request in [new, failing] {
        node.run(crate::Command::Approval(&ApprovalRequest::Create(request)))
            .unwrap();
        let size = node.records.last().unwrap().len();
        assert!(size > 2700 && size <= PAYLOAD_BYTES_MAX, "{size} bytes");
    }
    let Body::RequestCreated(created) = node.last().body else {
        panic!()
    };
    let create = OverrideRequest::Create {
        request: crate::simulated::prefix(created.request_id),
        initiator: "i".repeat(WORD_BYTES_MAX),
        justification: "j".repeat(TEXT_BYTES_MAX),
        kind: OverrideKind::Real,
    };
    node.run(crate::Command::Override(&create)).unwrap();
    assert!(node.records.last().unwrap().len() < PAYLOAD_BYTES_MAX);
    assert_eq!(node.governance.guardian_views()[0].id, id(&name));
}

/// Whether `text` is one JSON object, strings and nesting checked.
fn is_json_object(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_i32, false, false);
    for (place, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' | '[' if !in_string => depth = depth.saturating_add(1),
            '}' | ']' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return place.saturating_add(1) == text.len();
                }
            }
            control if control.is_control() => return false,
            _ => {}
        }
    }
    false
}

#[test]
fn every_export_is_one_json_object_whatever_its_texts_hold() {
    for event in every_kind() {
        let mut json = String::new();
        event.to_json(&mut json).unwrap();
        assert!(is_json_object(&json), "{json}");
    }
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    node.act(item, "galahad", Action::PostMortem).unwrap();
    let mut view = node.show(item);
    view.justification = "quote \" and \\ backslash".to_string();
    let mut json = String::new();
    crate::override_to_json(&view, &mut json).unwrap();
    assert!(is_json_object(&json), "{json}");
    assert_eq!(json.matches("\"guardian_id\"").count(), 4);
}

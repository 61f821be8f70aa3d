//! The policy: which one is in force, and that each record is judged by the one of its time.

use super::*;
use crate::Policy;
use crate::event::PolicyAdopted;
use crate::policy::{BUILT_IN, POLICY_BYTES_MAX};
use std::string::String;

const KEY: [u8; 32] = [7; 32];

fn text(version: u32, signatures: u32) -> String {
    BUILT_IN
        .replace("\nversion: 1", &std::format!("\nversion: {version}"))
        .replace(
            "min_signatures: 3",
            &std::format!("min_signatures: {signatures}"),
        )
}

fn policy(text: &str, signed_by: Option<[u8; 32]>) -> PolicyAdopted {
    PolicyAdopted {
        policy: Policy::parse(text.as_bytes()).unwrap(),
        signed_by,
    }
}

/// Version and signatures of the policy that the records put in force.
fn in_force(node: &Node) -> (u32, u32) {
    let policy = node.governance.require_policy().unwrap();
    (policy.version, policy.min_signatures)
}

#[test]
fn a_policy_that_asks_for_four_signatures_gets_four() {
    let policy = Policy::parse(text(1, 4).as_bytes()).unwrap();
    let mut node = Node::with_policy(policy);
    for (name, role) in crate::PROPOSED_GUARDIANS {
        node.enrol(name, role, Algorithm::HmacSha256);
    }
    let request = node.request(Impact::High);
    let item = node
        .create_override(request, "operator", OverrideKind::Real)
        .unwrap()
        .override_id;
    for name in ["galahad", "cerberus", "codex_deus"] {
        node.act(item, name, Action::SignOverride).unwrap();
    }
    assert_eq!(node.show(item).status, OverrideStatus::Pending);
    node.act(item, "safety_monitor", Action::SignOverride)
        .unwrap();
    assert_eq!(node.show(item).status, OverrideStatus::Active);
}

#[test]
fn an_older_policy_or_one_that_asks_for_less_is_not_adopted_and_the_one_in_force_stays() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::High);
    let mut expected = (1, 3);
    for (version, signatures, is_adopted) in [
        (2, 4, true),
        (1, 3, false),
        (3, 3, false),
        (2, 5, false),
        (3, 4, true),
    ] {
        node.policy = policy(&text(version, signatures), None);
        node.restart();
        if is_adopted {
            expected = (version, signatures);
        }
        assert_eq!(in_force(&node), expected, "{version} {signatures}");
        assert_eq!(node.governance.offer_fault().is_none(), is_adopted);
        let created = node.create_override(request, "operator", OverrideKind::Drill);
        assert_eq!(created.unwrap().min_signatures_required, expected.1);
    }
}

#[test]
fn a_policy_that_no_key_signed_never_follows_one_that_was_signed() {
    let mut node = Node::with_guardians();
    node.policy = policy(&text(2, 3), Some(KEY));
    node.restart();
    node.policy = policy(&text(3, 5), None);
    node.restart();
    assert_eq!(in_force(&node), (2, 3));
    let fault = node.governance.offer_fault().unwrap();
    assert!(
        fault.text.contains("built in cannot follow policy"),
        "{fault}"
    );
    node.policy = policy(&text(4, 3), Some([8; 32]));
    node.restart();
    assert_eq!(in_force(&node), (4, 3));
}

#[test]
fn each_record_is_judged_by_the_policy_of_its_time() {
    let failed = |node: &Node| -> Vec<String> {
        let Body::RequestCreated(created) = node.last().body else {
            panic!("no request")
        };
        let failed = created.compliance.into_iter().filter(|check| !check.passed);
        failed.map(|check| check.name).collect()
    };
    let mut node = Node::with_guardians();
    node.request(Impact::High);
    assert!(failed(&node).is_empty());
    let rule = "rule: security violation metadata tested_by present";
    let stricter = text(2, 3).replace("rule: security warning metadata tested_by present", rule);
    node.policy = policy(&stricter, Some(KEY));
    node.restart();
    node.request(Impact::High);
    assert_eq!(failed(&node), ["security"]);
    assert!(node.replay().is_ok());

    // Either request with the other's assessment breaks the rules that were in force.
    let created: Vec<usize> = (0..node.records.len())
        .filter(|seq| Event::decode(&node.records[*seq]).unwrap().kind() == 5)
        .collect();
    let assessment = |node: &Node, seq: usize| match Event::decode(&node.records[seq]).unwrap().body
    {
        Body::RequestCreated(created) => (created.compliance, created.risk_score),
        _ => panic!("no request"),
    };
    for (edited, other) in [(created[0], created[1]), (created[1], created[0])] {
        let mut forged = node.clone();
        let mut event = Event::decode(&forged.records[edited]).unwrap();
        if let Body::RequestCreated(request) = &mut event.body {
            (request.compliance, request.risk_score) = assessment(&node, other);
        }
        forged.records[edited] = event.encode();
        assert!(forged.replay().is_err(), "record {edited}");
    }
}

#[test]
fn a_policy_of_the_largest_size_fits_a_record_and_one_byte_more_is_refused() {
    let filler = POLICY_BYTES_MAX - BUILT_IN.len() - 2;
    let largest = std::format!("{BUILT_IN}#{}\n", "x".repeat(filler));
    let mut node = Node::with_guardians();
    node.policy = policy(&largest.replace("version: 1", "version: 2"), Some(KEY));
    node.restart();
    assert_eq!(node.last().kind(), 18);
    assert!(node.last().encode().len() <= crate::event::PAYLOAD_BYTES_MAX);
    let error = Policy::parse(std::format!("{largest}\n").as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("shorten its comments"),
        "{error}"
    );
}

#[test]
fn an_unsound_policy_in_a_record_is_refused_as_it_is_read() {
    let node = Node::empty();
    let sound = &node.records[0];
    let at = sound
        .windows(17)
        .position(|bytes| bytes == b"min_signatures: 3");
    let mut lowered = sound.clone();
    lowered[at.unwrap() + 16] = b'2';
    assert_eq!(
        Event::decode(&lowered).unwrap_err(),
        crate::DecodeError::Value("a sound policy")
    );
}

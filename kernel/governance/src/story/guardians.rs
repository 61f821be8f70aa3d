//! Guardians: the first key, quorums, states.

use super::*;

fn view(node: &Node, name: &str) -> abi::response::GuardianView {
    node.governance
        .guardian_views()
        .into_iter()
        .find(|view| view.id == id(name))
        .unwrap()
}

#[test]
fn a_new_node_proposes_four_guardians_without_a_key() {
    let mut node = Node::empty();
    let views = node.governance.guardian_views();
    let names: Vec<_> = views
        .iter()
        .map(|view| (view.id.as_str(), view.role))
        .collect();
    assert_eq!(names, crate::PROPOSED_GUARDIANS);
    assert!(views.iter().all(|view| view.algorithm.is_none()));

    let request = node.request(Impact::High);
    let item = node
        .create_override(request, "operator", OverrideKind::Real)
        .unwrap();
    let fault = node
        .act(item.override_id, "galahad", Action::SignOverride)
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::NoKey);
    assert!(
        fault
            .text
            .starts_with("signing secret not configured: galahad"),
        "{fault}"
    );
    assert!(node.refused_for("no_key"));
}

#[test]
fn only_the_first_enrolment_takes_effect_at_once() {
    let mut node = Node::empty();
    let secret = Secret::new(Algorithm::Ed25519, 1);
    let enrol = GuardianChange::Enrol;
    let first = node
        .propose(enrol, "galahad", Some(Role::Ethics), Some(&secret))
        .unwrap();
    assert!(matches!(
        first,
        Response::GuardianChange { change } if change.signatures_missing == 0
    ));
    node.secrets.insert(id("galahad"), secret);
    let other = Secret::new(Algorithm::HmacSha256, 2);
    let second = node
        .propose(enrol, "cerberus", Some(Role::Security), Some(&other))
        .unwrap();
    assert!(view(&node, "cerberus").algorithm.is_none());
    node.agree(second);
    assert_eq!(
        view(&node, "cerberus").algorithm,
        Some(Algorithm::HmacSha256)
    );
    assert_eq!(view(&node, "cerberus").fingerprint, None);
    assert!(view(&node, "galahad").fingerprint.is_some());
}

#[test]
fn a_change_of_guardians_needs_a_strict_majority_of_distinct_guardians() {
    let mut node = Node::with_guardians();
    let proposed = node
        .propose(GuardianChange::Retire, "safety_monitor", None, None)
        .unwrap();
    let Response::GuardianChange { change } = proposed else {
        panic!()
    };
    assert_eq!(change.signatures_missing, 3, "of four active guardians");
    for (name, missing) in [("galahad", 2), ("cerberus", 1)] {
        let answer = node.sign_change(change.id, name).unwrap();
        let Response::GuardianChange { change } = answer else {
            panic!()
        };
        assert_eq!(change.signatures_missing, missing);
    }
    assert!(
        node.sign_change(change.id, "galahad").is_err(),
        "each counts once"
    );
    assert_eq!(view(&node, "safety_monitor").state, GuardianState::Active);
    node.sign_change(change.id, "codex_deus").unwrap();
    assert_eq!(view(&node, "safety_monitor").state, GuardianState::Retired);
    assert!(node.sign_change(change.id, "safety_monitor").is_err());
    node.restart();
    assert_eq!(view(&node, "safety_monitor").state, GuardianState::Retired);
    let secret = Secret::new(Algorithm::HmacSha256, 77);
    let fault = node
        .propose(
            GuardianChange::Enrol,
            "safety_monitor",
            Some(Role::Safety),
            Some(&secret),
        )
        .unwrap_err();
    assert!(
        fault.text.contains("retired"),
        "retired is for good: {fault}"
    );
}

#[test]
fn a_change_of_guardians_expires() {
    let mut node = Node::with_guardians();
    let proposed = node
        .propose(GuardianChange::Suspend, "galahad", None, None)
        .unwrap();
    let Response::GuardianChange { change } = proposed else {
        panic!()
    };
    node.sign_change(change.id, "cerberus").unwrap();
    node.wait(168 * HOUR);
    assert!(node.sign_change(change.id, "codex_deus").is_err());
    let Response::Guardians { changes, .. } =
        node.run(Command::Guardian(&GuardianRequest::List)).unwrap()
    else {
        panic!()
    };
    assert!(changes.is_empty());
}

#[test]
fn no_key_serves_twice() {
    let mut node = Node::with_guardians();
    let used = node.secrets[&id("galahad")].clone();
    let fault = node
        .propose(
            GuardianChange::Enrol,
            "percival",
            Some(Role::Security),
            Some(&used),
        )
        .unwrap_err();
    assert!(fault.text.contains("already"), "{fault}");
    let fresh = Secret::new(Algorithm::HmacSha256, 210);
    let proposed = node
        .propose(GuardianChange::Rotate, "galahad", None, Some(&fresh))
        .unwrap();
    node.agree(proposed);
    node.secrets.insert(id("galahad"), fresh);
    assert!(
        node.propose(GuardianChange::Rotate, "galahad", None, Some(&used))
            .is_err(),
        "not even the guardian's own old one"
    );
}

#[test]
fn the_last_active_guardian_stays() {
    let mut node = Node::empty();
    node.enrol("galahad", Role::Ethics, Algorithm::Ed25519);
    for change in [GuardianChange::Suspend, GuardianChange::Retire] {
        let fault = node.propose(change, "galahad", None, None).unwrap_err();
        assert!(fault.text.contains("last active"), "{fault}");
    }
}

#[test]
fn a_suspended_guardian_counts_again_only_with_a_new_key() {
    let mut node = Node::with_guardians();
    let proposed = node
        .propose(GuardianChange::Suspend, "galahad", None, None)
        .unwrap();
    node.agree(proposed);
    let request = node.request(Impact::Medium);
    let fault = node
        .decide_request(request, "galahad", Action::ApproveRequest)
        .unwrap_err();
    assert!(fault.text.contains("suspended"), "{fault}");
    let fresh = Secret::new(Algorithm::Ed25519, 220);
    let proposed = node
        .propose(GuardianChange::Rotate, "galahad", None, Some(&fresh))
        .unwrap();
    node.agree(proposed);
    node.secrets.insert(id("galahad"), fresh);
    node.decide_request(request, "galahad", Action::ApproveRequest)
        .unwrap();
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let mut node = Node::with_guardians();
    let secret = Secret::new(Algorithm::HmacSha256, 230);
    let ethics = Some(Role::Ethics);
    use GuardianChange::{Enrol, Retire, Rotate, Suspend};
    for (change, name, role, key) in [
        (Enrol, "galahad", ethics, Some(&secret)),
        (Enrol, "Galahad", ethics, Some(&secret)),
        (Enrol, "percival", None, Some(&secret)),
        (Enrol, "percival", ethics, None),
        (Rotate, "galahad", ethics, Some(&secret)),
        (Rotate, "galahad", None, None),
        (Rotate, "nobody", None, Some(&secret)),
        (Suspend, "nobody", None, None),
        (Suspend, "galahad", None, Some(&secret)),
        (Retire, "galahad", ethics, None),
    ] {
        let fault = node.propose(change, name, role, key).unwrap_err();
        assert!(!fault.text.is_empty());
        assert!(
            matches!(node.last().body, Body::Refusal(_)),
            "{change} {name}"
        );
    }
    for length in [0, 31, 129] {
        let key = abi::request::KeyMaterial {
            algorithm: Algorithm::HmacSha256,
            bytes: std::vec![1; length],
        };
        let request = GuardianRequest::Change {
            change: Enrol,
            guardian: id("percival"),
            role: ethics,
            key: Some(key),
        };
        let fault = node.run(Command::Guardian(&request)).unwrap_err();
        assert!(fault.text.contains("32 to 128"), "{fault}");
    }
}

#[test]
fn no_text_shows_an_hmac_secret() {
    let node = Node::with_guardians();
    let secret = abi::id::Hex(&node.secrets[&id("galahad")].bytes).to_string();
    let mut found = 0;
    for record in &node.records {
        let event = Event::decode(record).unwrap();
        let mut json = std::string::String::new();
        event.to_json(&mut json).unwrap();
        for text in [std::format!("{event:?}"), event.summary(), json] {
            assert!(!text.contains(&secret[..16]), "{text}");
        }
        found += usize::from(abi::id::Hex(record).to_string().contains(&secret));
    }
    assert_eq!(found, 1, "the secret is in the one record that enrolled it");
}

//! Signatures: challenges used once, failures counted and delaying.

use super::*;

fn pending(node: &mut Node) -> abi::RecordId {
    let request = node.request(Impact::High);
    node.create_override(request, "operator", OverrideKind::Real)
        .unwrap()
        .override_id
}

#[test]
fn a_signature_is_accepted_once_and_never_again() {
    let mut node = Node::with_guardians();
    let (first, second) = (pending(&mut node), pending(&mut node));
    let challenge = node
        .challenge(first, "galahad", Action::SignOverride)
        .unwrap();
    let signature = node.answer_challenge("galahad", &challenge);
    node.conclude(first, "galahad", Action::SignOverride, signature.clone())
        .unwrap();
    assert!(
        node.conclude(first, "galahad", Action::SignOverride, signature.clone())
            .is_err()
    );
    let fault = node
        .conclude(second, "galahad", Action::SignOverride, signature.clone())
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::BadSignature);
    assert!(node.refused_for("no_challenge"));
    assert!(fault.text.contains("override challenge"), "{fault}");
    node.challenge(second, "galahad", Action::SignOverride)
        .unwrap();
    let fault = node
        .conclude(second, "galahad", Action::SignOverride, signature.clone())
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::BadSignature);
    assert!(node.refused_for("mismatch"));
    node.restart();
    node.wait(HOUR);
    assert!(
        node.conclude(second, "galahad", Action::SignOverride, signature)
            .is_err()
    );
    assert_eq!(node.show(second).signatures.len(), 0);
}

#[test]
fn a_challenge_ends_with_a_restart_and_with_its_day() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node);
    let challenge = node
        .challenge(item, "galahad", Action::SignOverride)
        .unwrap();
    let signature = node.answer_challenge("galahad", &challenge);
    let mut restarted = node.clone();
    restarted.restart();
    assert!(
        restarted
            .conclude(item, "galahad", Action::SignOverride, signature)
            .is_err()
    );
    assert!(restarted.refused_for("no_challenge"));

    let active = node.active_override(Impact::High);
    let challenge = node
        .challenge(active, "safety_monitor", Action::SignOverride)
        .unwrap();
    let signature = node.answer_challenge("safety_monitor", &challenge);
    let mut in_time = node.clone();
    in_time.wait(DAY - 1);
    assert!(
        in_time
            .conclude(
                active,
                "safety_monitor",
                Action::SignOverride,
                signature.clone()
            )
            .is_ok()
    );
    node.wait(DAY);
    assert!(
        node.conclude(active, "safety_monitor", Action::SignOverride, signature)
            .is_err()
    );
    assert!(node.refused_for("no_challenge"));
}

#[test]
fn a_new_challenge_replaces_the_one_before() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node);
    let old = node
        .challenge(item, "galahad", Action::SignOverride)
        .unwrap();
    let signature = node.answer_challenge("galahad", &old);
    node.challenge(item, "galahad", Action::SignOverride)
        .unwrap();
    assert!(
        node.conclude(item, "galahad", Action::SignOverride, signature)
            .is_err()
    );
}

#[test]
fn a_signature_for_one_action_serves_no_other() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    let challenge = node
        .challenge(item, "cerberus", Action::PostMortem)
        .unwrap();
    let signature = node.answer_challenge("cerberus", &challenge);
    node.challenge(item, "cerberus", Action::RevokeOverride)
        .unwrap();
    let fault = node
        .conclude(item, "cerberus", Action::RevokeOverride, signature.clone())
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::BadSignature);
    node.wait(10);
    node.conclude(item, "cerberus", Action::PostMortem, signature)
        .unwrap();
}

#[test]
fn another_guardians_key_does_not_sign_for_this_one() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node);
    for (name, other) in [("galahad", "cerberus"), ("codex_deus", "safety_monitor")] {
        let challenge = node.challenge(item, name, Action::SignOverride).unwrap();
        let signature = node.answer_challenge(other, &challenge);
        let fault = node
            .conclude(item, name, Action::SignOverride, signature)
            .unwrap_err();
        assert_eq!(fault.code, FaultCode::BadSignature);
    }
    assert_eq!(node.show(item).signatures.len(), 0);
}

#[test]
fn failures_are_counted_on_disk_and_delay_the_next_try_ever_longer() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node);
    let bad = Signature(std::vec![0; 32]);
    for failure in 1..=9_u32 {
        node.challenge(item, "galahad", Action::SignOverride)
            .unwrap();
        let fault = node
            .conclude(item, "galahad", Action::SignOverride, bad.clone())
            .unwrap_err();
        assert_eq!(fault.code, FaultCode::BadSignature, "{fault}");
        assert_eq!(node.governance.guardian_views()[0].failures, failure);
        let delay = (1_u64 << failure).min(300);
        node.restart();
        node.challenge(item, "galahad", Action::SignOverride)
            .unwrap();
        node.wait(delay - 1);
        let fault = node
            .conclude(item, "galahad", Action::SignOverride, bad.clone())
            .unwrap_err();
        assert_eq!(fault.code, FaultCode::TooSoon, "{fault}");
        assert!(fault.text.contains("in 1 s"), "{fault}");
        assert_eq!(node.governance.guardian_views()[0].failures, failure);
        node.wait(1);
    }
    node.act(item, "galahad", Action::SignOverride).unwrap();
    assert_eq!(node.governance.guardian_views()[0].failures, 0);
    node.act(item, "cerberus", Action::SignOverride).unwrap();
    let refusals = node.governance.counts(node.now).refusals;
    assert!(
        refusals
            .iter()
            .any(|(reason, count)| reason.name() == "mismatch" && *count == 9)
    );
    assert!(
        refusals
            .iter()
            .any(|(reason, count)| reason.name() == "too_soon" && *count == 9)
    );
}

#[test]
fn a_signature_of_the_wrong_length_is_told_its_length() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node);
    for (name, digits) in [("galahad", "64"), ("codex_deus", "128")] {
        node.challenge(item, name, Action::SignOverride).unwrap();
        let short = Signature(std::vec![1; 31]);
        let fault = node
            .conclude(item, name, Action::SignOverride, short)
            .unwrap_err();
        assert!(fault.text.contains(digits), "{fault}");
        assert!(node.refused_for("malformed"));
    }
}

#[test]
fn an_accepted_signature_uses_up_its_challenge_in_memory_and_in_the_records() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node);
    node.act(item, "galahad", Action::SignOverride).unwrap();
    let Body::OverrideSigned(event) = node.last().body else {
        panic!()
    };
    let nonce = event.signed.challenge;
    assert!(!node.governance.challenges.holds(&nonce));
    assert!(node.replay().unwrap().spent.contains(&nonce));
}

#[test]
fn a_challenge_ends_with_a_change_of_its_guardians_key() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node);
    let challenge = node
        .challenge(item, "galahad", Action::SignOverride)
        .unwrap();
    let secret = Secret::new(Algorithm::HmacSha256, 240);
    let proposed = node
        .propose(GuardianChange::Rotate, "galahad", None, Some(&secret))
        .unwrap();
    node.agree(proposed);
    node.secrets.insert(id("galahad"), secret);
    let signature = node.answer_challenge("galahad", &challenge);
    assert!(
        node.conclude(item, "galahad", Action::SignOverride, signature)
            .is_err()
    );
    assert!(node.refused_for("no_challenge"));
}

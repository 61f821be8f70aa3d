//! Overrides: quorum, transitions, grants, duties.

use super::*;

fn pending(node: &mut Node, initiator: &str, kind: OverrideKind) -> abi::RecordId {
    let request = node.request(Impact::High);
    node.create_override(request, initiator, kind)
        .unwrap()
        .override_id
}

#[test]
fn the_request_of_an_override_must_exist() {
    let mut node = Node::with_guardians();
    let fault = node
        .create_override(abi::RecordId([9; 16]), "operator", OverrideKind::Real)
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::NotFound);
    assert!(node.refused_for("not_found"));
}

#[test]
fn the_signature_of_the_initiator_does_not_count() {
    let mut node = Node::with_guardians();
    for initiator in ["galahad", "GALAHAD", " galahad "] {
        let item = pending(&mut node, initiator, OverrideKind::Real);
        let fault = node.act(item, "galahad", Action::SignOverride).unwrap_err();
        assert_eq!(fault.code, FaultCode::Refused);
        assert!(fault.text.contains("does not count"), "{fault}");
        assert!(
            fault.text.contains("ethics"),
            "the missing role is named: {fault}"
        );
        for name in ["cerberus", "codex_deus", "safety_monitor"] {
            node.act(item, name, Action::SignOverride).unwrap();
        }
        assert_eq!(node.show(item).status, OverrideStatus::Pending);
    }
}

#[test]
fn a_guardian_signs_an_override_once() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node, "operator", OverrideKind::Real);
    node.act(item, "galahad", Action::SignOverride).unwrap();
    let fault = node.act(item, "galahad", Action::SignOverride).unwrap_err();
    assert_eq!(fault.code, FaultCode::Refused);
    let fault = node
        .act(item, "galahad", Action::RejectOverride)
        .unwrap_err();
    assert_eq!(fault.code, FaultCode::Refused);
    assert_eq!(node.show(item).signatures.len(), 1);
}

#[test]
fn signing_is_possible_while_pending_or_active_and_never_else() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    let (view, _) = node
        .act(item, "safety_monitor", Action::SignOverride)
        .unwrap();
    assert_eq!(
        (view.status, view.signatures.len()),
        (OverrideStatus::Active, 4)
    );
    node.enrol("bors", Role::Technical, Algorithm::Ed25519);
    node.act(item, "galahad", Action::PostMortem).unwrap();
    assert!(node.act(item, "bors", Action::SignOverride).is_err());
    node.act(item, "galahad", Action::Review).unwrap();
    assert!(node.act(item, "bors", Action::SignOverride).is_err());
}

#[test]
fn a_pending_override_expires_into_rejected() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node, "operator", OverrideKind::Real);
    node.act(item, "galahad", Action::SignOverride).unwrap();
    node.wait(DAY - 1);
    node.act(item, "cerberus", Action::SignOverride).unwrap();
    node.wait(1);
    assert_eq!(node.show(item).status, OverrideStatus::Rejected);
    assert!(node.act(item, "codex_deus", Action::SignOverride).is_err());
}

#[test]
fn a_majority_rejects_a_pending_override_and_no_active_one() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node, "operator", OverrideKind::Real);
    let nothing = Signature(std::vec![0; 32]);
    let fault = node
        .conclude(item, "galahad", Action::RejectOverride, nothing)
        .unwrap_err();
    assert!(fault.text.contains("galahad reject \"why\""), "{fault}");
    assert!(node.last().summary().contains("override reject "));
    for (name, status) in [
        ("galahad", OverrideStatus::Pending),
        ("cerberus", OverrideStatus::Pending),
        ("safety_monitor", OverrideStatus::Rejected),
    ] {
        let (view, _) = node.act(item, name, Action::RejectOverride).unwrap();
        assert_eq!(view.status, status);
    }
    assert!(node.act(item, "codex_deus", Action::SignOverride).is_err());
    let active = node.active_override(Impact::High);
    assert!(
        node.act(active, "safety_monitor", Action::RejectOverride)
            .is_err()
    );
}

#[test]
fn a_grant_lapses_and_the_duty_stays() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    let request = node.show(item).request_id;
    node.now = node.now.plus(DAY);
    assert!(
        !node.governance.is_granted(&request, node.now),
        "a lapsed grant is over before its record is written"
    );
    node.record_due();
    assert!(matches!(
        node.last().body,
        Body::GrantEnded(ended) if ended.reason == GrantEnd::Lapsed
    ));
    let view = node.show(item);
    assert_eq!(
        (view.status, view.grant_in_force),
        (OverrideStatus::Active, false)
    );
}

#[test]
fn a_grant_does_not_outlive_a_restart_even_if_that_cannot_be_recorded() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::Critical);
    let request = node.show(item).request_id;
    let mut unrecorded = node.replay().unwrap();
    unrecorded.start();
    assert!(!unrecorded.is_granted(&request, node.now));
    node.restart();
    assert!(matches!(
        node.last().body,
        Body::GrantEnded(ended) if ended.reason == GrantEnd::Rebooted
    ));
    let view = node.show(item);
    assert_eq!(
        (view.status, view.grant_in_force),
        (OverrideStatus::Active, false)
    );
    assert_eq!(node.governance.counts(node.now).grants_in_force, 0);
    let again = node
        .create_override(request, "operator", OverrideKind::Real)
        .unwrap();
    for name in ["galahad", "cerberus", "codex_deus"] {
        node.act(again.override_id, name, Action::SignOverride)
            .unwrap();
    }
    assert!(
        node.governance.is_granted(&request, node.now),
        "a new quorum grants anew"
    );
}

#[test]
fn a_grant_is_revoked_by_the_role_security_alone() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    let fault = node
        .act(item, "galahad", Action::RevokeOverride)
        .unwrap_err();
    assert!(fault.text.contains("cerberus"), "{fault}");
    let (view, note) = node.act(item, "cerberus", Action::RevokeOverride).unwrap();
    assert_eq!(
        (view.status, view.grant_in_force),
        (OverrideStatus::Active, false)
    );
    assert!(
        note.contains("revoked") && note.contains("post-mortem"),
        "{note}"
    );
    assert!(node.act(item, "cerberus", Action::RevokeOverride).is_err());
    let waiting = pending(&mut node, "operator", OverrideKind::Real);
    assert!(
        node.act(waiting, "cerberus", Action::RevokeOverride)
            .is_err()
    );
}

#[test]
fn a_post_mortem_is_written_by_another_role_than_the_initiators() {
    let mut node = Node::with_guardians();
    node.enrol("percival", Role::Ethics, Algorithm::HmacSha256);
    let item = pending(&mut node, "galahad", OverrideKind::Real);
    assert!(
        node.act(item, "cerberus", Action::PostMortem).is_err(),
        "not while pending"
    );
    for name in ["percival", "cerberus", "codex_deus"] {
        node.act(item, name, Action::SignOverride).unwrap();
    }
    assert!(node.act(item, "galahad", Action::PostMortem).is_err());
    assert!(node.act(item, "percival", Action::PostMortem).is_err());
    let (view, _) = node.act(item, "cerberus", Action::PostMortem).unwrap();
    assert_eq!(view.post_mortem_report.unwrap().guardian_id, id("cerberus"));
}

#[test]
fn a_second_post_mortem_changes_nothing_and_says_who_wrote_the_first() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    let challenge = node
        .challenge(item, "cerberus", Action::PostMortem)
        .unwrap();
    let signature = node.answer_challenge("cerberus", &challenge);
    node.act(item, "galahad", Action::PostMortem).unwrap();
    let (before, records) = (node.show(item), node.records.len());
    node.wait(HOUR);
    for (view, note) in [
        node.act(item, "cerberus", Action::PostMortem).unwrap(),
        node.conclude(item, "cerberus", Action::PostMortem, signature)
            .unwrap(),
    ] {
        assert_eq!(view, before);
        assert!(
            note.contains("done by galahad (ethics) at 2026-11-22T"),
            "{note}"
        );
    }
    assert_eq!(node.records.len(), records);
}

#[test]
fn the_review_comes_after_the_post_mortem_and_once() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    let fault = node.act(item, "galahad", Action::Review).unwrap_err();
    assert!(fault.text.contains("post-mortem"), "{fault}");
    node.act(item, "galahad", Action::PostMortem).unwrap();
    node.act(item, "cerberus", Action::Review).unwrap();
    assert!(node.act(item, "galahad", Action::Review).is_err());
}

#[test]
fn an_overdue_review_still_leads_on_to_post_mortem_and_review() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    assert_eq!(node.show(item).auto_review_date, node.now.plus(30 * DAY));
    node.wait(30 * DAY - 1);
    assert_eq!(node.show(item).status, OverrideStatus::Active);
    node.wait(1);
    assert_eq!(node.show(item).status, OverrideStatus::ReviewOverdue);
    assert!(node.act(item, "cerberus", Action::Review).is_err());
    node.act(item, "galahad", Action::PostMortem).unwrap();
    assert_eq!(node.show(item).status, OverrideStatus::Completed);
    node.wait(DAY);
    assert_eq!(
        node.show(item).status,
        OverrideStatus::Completed,
        "overdue is said once"
    );
    node.act(item, "cerberus", Action::Review).unwrap();
    assert_eq!(node.show(item).status, OverrideStatus::Reviewed);

    let written = node.active_override(Impact::High);
    node.act(written, "galahad", Action::PostMortem).unwrap();
    node.wait(31 * DAY);
    assert_eq!(node.show(written).status, OverrideStatus::ReviewOverdue);
    node.act(written, "cerberus", Action::Review).unwrap();
    assert_eq!(node.show(written).status, OverrideStatus::Reviewed);
}

#[test]
fn an_overdue_post_mortem_blocks_the_next_override_until_it_is_done() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    let request = node.show(item).request_id;
    node.wait(72 * HOUR - 1);
    let waiting = node
        .create_override(request, "operator", OverrideKind::Real)
        .unwrap()
        .override_id;
    node.wait(1);
    assert_eq!(node.governance.counts(node.now).post_mortems_overdue, 1);
    let fault = node
        .create_override(request, "operator", OverrideKind::Real)
        .unwrap_err();
    assert!(fault.text.contains("post-mortem"), "{fault}");
    let fault = node
        .act(waiting, "galahad", Action::SignOverride)
        .unwrap_err();
    assert!(fault.text.contains("blocks the next override"), "{fault}");
    node.act(item, "galahad", Action::PostMortem).unwrap();
    node.act(waiting, "galahad", Action::SignOverride).unwrap();
    node.create_override(request, "operator", OverrideKind::Real)
        .unwrap();
}

#[test]
fn a_drill_takes_every_step_and_grants_nothing() {
    let mut node = Node::with_guardians();
    let item = pending(&mut node, "operator", OverrideKind::Drill);
    node.effects.clear();
    for name in ["galahad", "cerberus", "codex_deus"] {
        node.act(item, name, Action::SignOverride).unwrap();
    }
    let view = node.show(item);
    assert_eq!(
        (view.status, view.lapses_at),
        (OverrideStatus::Active, None)
    );
    assert!(!view.grant_in_force && !node.governance.is_granted(&view.request_id, node.now));
    assert_eq!(
        node.show_request(view.request_id).status,
        RequestStatus::Pending
    );
    assert_eq!(node.governance.counts(node.now).activations, 0);
    let request_id = view.request_id;
    assert_eq!(
        node.effects,
        [Effect::DrillActivated {
            override_id: item,
            request_id
        }]
    );
    node.act(item, "galahad", Action::PostMortem).unwrap();
    node.act(item, "cerberus", Action::Review).unwrap();
}

#[test]
fn a_signature_stops_counting_when_its_guardian_is_suspended_or_gets_another_key() {
    for change in [GuardianChange::Suspend, GuardianChange::Rotate] {
        let mut node = Node::with_guardians();
        let item = pending(&mut node, "operator", OverrideKind::Real);
        node.act(item, "galahad", Action::SignOverride).unwrap();
        node.act(item, "cerberus", Action::SignOverride).unwrap();
        let secret = Secret::new(Algorithm::HmacSha256, 200);
        let key = (change == GuardianChange::Rotate).then_some(&secret);
        let proposed = node.propose(change, "galahad", None, key).unwrap();
        node.agree(proposed);
        node.act(item, "codex_deus", Action::SignOverride).unwrap();
        let view = node.show(item);
        assert_eq!(view.status, OverrideStatus::Pending, "{change}");
        assert_eq!(view.missing_roles, [Role::Ethics]);
        if change == GuardianChange::Rotate {
            node.secrets.insert(id("galahad"), secret);
            node.act(item, "galahad", Action::SignOverride).unwrap();
            assert_eq!(node.show(item).status, OverrideStatus::Active);
        }
    }
}

#[test]
fn no_impact_but_high_and_critical_opens_an_incident() {
    for (impact, incidents) in [
        (Impact::Low, 0),
        (Impact::Medium, 0),
        (Impact::High, 1),
        (Impact::Critical, 1),
    ] {
        let mut node = Node::with_guardians();
        node.active_override(impact);
        let opened = node
            .effects
            .iter()
            .filter(|e| matches!(e, Effect::IncidentOpened { .. }))
            .count();
        assert_eq!(opened, incidents, "{impact}");
    }
}

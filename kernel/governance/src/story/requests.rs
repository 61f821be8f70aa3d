//! Requests: roles, expiry, rejection, escalation.

use super::*;

#[test]
fn a_request_is_approved_by_all_its_roles_and_not_before() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::Critical);
    for (name, status) in [
        ("galahad", RequestStatus::Pending),
        ("safety_monitor", RequestStatus::Pending),
        ("codex_deus", RequestStatus::Pending),
        ("cerberus", RequestStatus::Approved),
    ] {
        let view = node
            .decide_request(request, name, Action::ApproveRequest)
            .unwrap();
        assert_eq!(view.status, status, "{name}");
    }
    assert!(node.show_request(request).missing_roles.is_empty());
}

#[test]
fn one_rejection_rejects() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::Medium);
    node.decide_request(request, "galahad", Action::ApproveRequest)
        .unwrap();
    let view = node
        .decide_request(request, "cerberus", Action::RejectRequest)
        .unwrap();
    assert_eq!(view.status, RequestStatus::Rejected);
    assert!(
        node.decide_request(request, "codex_deus", Action::ApproveRequest)
            .is_err()
    );
}

#[test]
fn a_guardian_decides_on_a_request_once() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::High);
    node.decide_request(request, "galahad", Action::ApproveRequest)
        .unwrap();
    for action in [Action::ApproveRequest, Action::RejectRequest] {
        let fault = node.decide_request(request, "galahad", action).unwrap_err();
        assert!(fault.text.contains("once"), "{fault}");
    }
}

#[test]
fn a_request_expires_after_the_hours_of_its_impact() {
    for (impact, hours) in [
        (Impact::Medium, 48),
        (Impact::High, 72),
        (Impact::Critical, 168),
    ] {
        let mut node = Node::with_guardians();
        let request = node.request(impact);
        node.wait(hours * HOUR - 1);
        assert_eq!(node.show_request(request).status, RequestStatus::Pending);
        node.wait(1);
        assert_eq!(node.show_request(request).status, RequestStatus::Expired);
        assert!(
            node.decide_request(request, "galahad", Action::ApproveRequest)
                .is_err()
        );
    }
}

#[test]
fn a_role_that_nobody_holds_escalates_and_never_makes_it_easier() {
    let mut node = Node::with_guardians();
    let low = node.request_view(Impact::Low);
    assert_eq!(
        low.status,
        RequestStatus::Escalated,
        "no guardian is technical"
    );
    for name in ["galahad", "cerberus", "codex_deus", "safety_monitor"] {
        let view = node
            .decide_request(low.request_id, name, Action::ApproveRequest)
            .unwrap();
        assert_eq!(view.status, RequestStatus::Escalated);
    }
    node.enrol("bors", Role::Technical, Algorithm::Ed25519);
    assert_eq!(
        node.show_request(low.request_id).status,
        RequestStatus::Pending
    );
    let view = node
        .decide_request(low.request_id, "bors", Action::ApproveRequest)
        .unwrap();
    assert_eq!(view.status, RequestStatus::Approved);
}

#[test]
fn a_request_escalates_when_the_last_holder_of_a_role_is_suspended() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::Medium);
    node.decide_request(request, "galahad", Action::ApproveRequest)
        .unwrap();
    let proposed = node
        .propose(GuardianChange::Suspend, "galahad", None, None)
        .unwrap();
    node.agree(proposed);
    let view = node
        .decide_request(request, "cerberus", Action::ApproveRequest)
        .unwrap();
    assert_eq!(
        view.status,
        RequestStatus::Escalated,
        "the approval went with its guardian"
    );
    assert_eq!(view.missing_roles, [Role::Ethics]);
}

#[test]
fn an_activated_override_approves_a_request_that_was_rejected() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::High);
    node.decide_request(request, "cerberus", Action::RejectRequest)
        .unwrap();
    let item = node
        .create_override(request, "operator", OverrideKind::Real)
        .unwrap();
    for name in ["galahad", "cerberus", "codex_deus"] {
        node.act(item.override_id, name, Action::SignOverride)
            .unwrap();
    }
    assert_eq!(node.show_request(request).status, RequestStatus::Approved);
    assert!(matches!(
        node.last().body,
        Body::OverrideSigned(signed)
            if signed.activation.as_ref().unwrap().approved_request_id == Some(request)
    ));
}

#[test]
fn texts_beyond_their_limits_are_refused_with_the_limit() {
    use abi::request::{ApprovalRequest, NewApproval};
    let mut node = Node::with_guardians();
    let good = NewApproval {
        impact: Impact::High,
        change_type: "config".to_string(),
        requester: "operator".to_string(),
        title: "title".to_string(),
        description: "text".to_string(),
        files_changed: 0,
        lines_changed: 0,
        metadata: Vec::new(),
    };
    let pair = |key: &str, value: &str| (key.to_string(), value.to_string());
    let bad = [
        NewApproval {
            title: "x".repeat(1025),
            ..good.clone()
        },
        NewApproval {
            title: "  ".to_string(),
            ..good.clone()
        },
        NewApproval {
            title: "bell \x07".to_string(),
            ..good.clone()
        },
        NewApproval {
            description: "x".repeat(1025),
            ..good.clone()
        },
        NewApproval {
            change_type: "x".repeat(65),
            ..good.clone()
        },
        NewApproval {
            requester: String::new(),
            ..good.clone()
        },
        NewApproval {
            metadata: std::vec![pair("a", "1"), pair("a", "2")],
            ..good.clone()
        },
        NewApproval {
            metadata: std::vec![pair("a", &"x".repeat(400))],
            ..good.clone()
        },
        NewApproval {
            metadata: (0..70).map(|n| pair(&n.to_string(), "")).collect(),
            ..good.clone()
        },
    ];
    for request in bad {
        let answer = node.run(Command::Approval(&ApprovalRequest::Create(request.clone())));
        let fault = answer.unwrap_err();
        assert!(
            matches!(fault.code, FaultCode::Usage | FaultCode::OutOfRange),
            "{request:?}: {fault}"
        );
        assert!(node.refused_for("input"));
    }
    assert!(
        node.run(Command::Approval(&ApprovalRequest::Create(good)))
            .is_ok()
    );
}

use std::string::String;

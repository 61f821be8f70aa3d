//! The rules of governance, each as it should go and as it must not, on a simulated node.

use crate::event::{Body, GrantEnd};
use crate::simulated::{HOUR, Node, Secret, id, prefix};
use crate::{Command, Effect, Event, Governance};
use abi::FaultCode;
use abi::governance::{
    Action, Algorithm, GuardianChange, GuardianState, Impact, OverrideStatus, RequestStatus, Role,
};
use abi::request::{GuardianRequest, OverrideKind, OverrideRequest, Signature};
use abi::response::Response;
use std::string::ToString;
use std::vec::Vec;

const DAY: u64 = 24 * HOUR;

mod guardians;
mod overrides;
mod policy;
mod requests;
mod signatures;
mod vault;

#[test]
fn an_emergency_from_the_first_key_to_the_review_is_found_again_after_a_restart() {
    let mut node = Node::with_guardians();
    node.enrol("percival", Role::Ethics, Algorithm::HmacSha256);
    node.enrol("bors", Role::Ethics, Algorithm::Ed25519);
    let request = node.request(Impact::High);
    let view = node
        .create_override(request, "operator", OverrideKind::Real)
        .unwrap();
    let item = view.override_id;
    assert_eq!(
        view.missing_roles,
        [Role::Ethics, Role::Security, Role::Charter]
    );

    for name in ["galahad", "percival", "bors"] {
        let (view, note) = node.act(item, name, Action::SignOverride).unwrap();
        assert_eq!(
            view.status,
            OverrideStatus::Pending,
            "three of one role never activate"
        );
        assert_eq!(view.missing_roles, [Role::Security, Role::Charter]);
        assert!(
            note.contains("security (cerberus), charter (codex_deus)"),
            "{note}"
        );
        assert!(note.contains("override challenge"), "{note}");
    }
    node.act(item, "cerberus", Action::SignOverride).unwrap();
    assert!(!node.governance.is_granted(&request, node.now));
    node.effects.clear();
    let (view, note) = node.act(item, "codex_deus", Action::SignOverride).unwrap();
    assert_eq!(view.status, OverrideStatus::Active);
    assert!(view.grant_in_force && node.governance.is_granted(&request, node.now));
    assert!(note.contains("ACTIVE"), "{note}");
    assert_eq!(
        node.effects,
        [
            Effect::OverrideActivated {
                override_id: item,
                request_id: request,
                impact: Impact::High
            },
            Effect::IncidentOpened {
                override_id: item,
                severity: Impact::High
            },
            Effect::RequestClosed {
                request_id: request,
                status: RequestStatus::Approved
            },
        ]
    );
    assert_eq!(node.show_request(request).status, RequestStatus::Approved);

    let (view, _) = node.act(item, "galahad", Action::PostMortem).unwrap();
    assert_eq!(view.status, OverrideStatus::Completed);
    assert!(view.post_mortem_completed && !view.grant_in_force);
    let before = node.show(item);
    node.restart();
    assert_eq!(node.show(item), before);
    let (view, _) = node.act(item, "cerberus", Action::Review).unwrap();
    assert_eq!(view.status, OverrideStatus::Reviewed);
    node.restart();
    assert_eq!(node.show(item), view);
    assert_eq!(node.governance.counts(node.now).activations, 1);
}

#[test]
fn a_ledger_with_a_record_left_out_or_repeated_is_refused_at_replay() {
    let mut node = Node::with_guardians();
    let item = node.active_override(Impact::High);
    node.act(item, "galahad", Action::PostMortem).unwrap();
    // The last step needs the last guardian, so that no record before it can be spared.
    node.act(item, "safety_monitor", Action::Review).unwrap();
    let events: Vec<Event> = node
        .records
        .iter()
        .map(|r| Event::decode(r).unwrap())
        .collect();
    // The ledger's chain finds this as well; here the rules do.
    let replay = |events: &[Event]| {
        let mut governance = Governance::new(crate::simulated::EPOCH);
        events
            .iter()
            .zip(0..)
            .try_for_each(|(event, seq)| governance.apply(seq, event).map(drop))
    };
    assert!(replay(&events).is_ok());
    for gone in 0..events.len() {
        let mut cut = events.clone();
        let removed = cut.remove(gone);
        let is_last_of_its_kind = gone + 1 == events.len();
        assert!(
            replay(&cut).is_err() || is_last_of_its_kind,
            "without {}",
            removed.summary()
        );
        let mut doubled = events.clone();
        doubled.insert(gone, events[gone].clone());
        assert!(replay(&doubled).is_err(), "twice {}", removed.summary());
    }
}

#[test]
fn an_edited_vote_or_consequence_is_refused_at_replay() {
    let mut node = Node::with_guardians();
    node.active_override(Impact::High);
    let signed = |event: &Event| match &event.body {
        Body::OverrideSigned(event) => Some(event.clone()),
        _ => None,
    };
    let place = (0..node.records.len())
        .find(|place| signed(&Event::decode(&node.records[*place]).unwrap()).is_some())
        .unwrap();
    let original = Event::decode(&node.records[place]).unwrap();
    let vote = signed(&original).unwrap();
    let mut edits = Vec::new();
    let mut edit = |change: &dyn Fn(&mut crate::event::OverrideSigned)| {
        let mut edited = vote.clone();
        change(&mut edited);
        edits.push(edited);
    };
    edit(&|e| e.signed.justification = "other".to_string());
    edit(&|e| e.signed.guardian_id = id("cerberus"));
    edit(&|e| e.signed.role = Role::Security);
    edit(&|e| e.signed.challenge[0] ^= 1);
    edit(&|e| e.signed.signature.0[31] ^= 1);
    edit(&|e| e.signed.timestamp = e.signed.timestamp.plus(1));
    edit(&|e| e.signed.challenged_at = e.signed.challenged_at.plus(1));
    edit(&|e| {
        e.activation = Some(crate::event::Activation {
            grant_lapses_at: None,
            approved_request_id: None,
            post_mortem_due_at: e.signed.timestamp,
        });
    });
    for edited in edits {
        let event = Event {
            time: original.time,
            body: Body::OverrideSigned(edited),
        };
        node.records[place] = event.encode();
        assert!(node.replay().is_err(), "{event:?}");
    }
    node.records[place] = original.encode();
    assert!(node.replay().is_ok());
}

#[test]
fn time_never_runs_backwards() {
    let mut node = Node::with_guardians();
    node.wait(DAY);
    node.request(Impact::Low);
    let newest = node.governance.last_time();
    node.now = abi::time::UnixSeconds(0);
    node.request(Impact::Low);
    assert_eq!(node.last().time, newest);
    let mut regressed = node.last();
    regressed.time = abi::time::UnixSeconds(newest.0 - 1);
    let seq = node.records.len() as u64;
    assert!(node.governance.apply(seq, &regressed).is_err());
}

#[test]
fn a_refused_attempt_is_a_record_and_changes_nothing_else() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::High);
    let item = node
        .create_override(request, "galahad", OverrideKind::Real)
        .unwrap();
    let before = node.show(item.override_id);
    let records = node.records.len();
    node.act(item.override_id, "galahad", Action::SignOverride)
        .unwrap_err();
    assert_eq!(node.records.len(), records + 1);
    assert!(node.refused_for("rule"));
    assert_eq!(node.show(item.override_id), before);
    assert_eq!(node.records.len(), records + 1, "questions leave no record");
}

#[test]
fn a_machine_without_entropy_answers_questions_and_issues_nothing() {
    let mut node = Node::with_guardians();
    let request = node.request(Impact::High);
    let context = crate::Context {
        now: node.now,
        entropy: None,
    };
    let create = OverrideRequest::Create {
        request: prefix(request),
        initiator: "operator".to_string(),
        justification: "why".to_string(),
        kind: OverrideKind::Real,
    };
    let decision = node.governance.decide(Command::Override(&create), &context);
    assert_eq!(decision.outcome.unwrap_err().code, FaultCode::Unavailable);
    let list = Command::Override(&OverrideRequest::List);
    assert!(node.governance.decide(list, &context).outcome.is_ok());
}

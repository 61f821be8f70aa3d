//! `glyphctl ledger export`: JSON with the names that the specification of governance gives.
//!
//! Invariant: every name here is typed out of the specification and none is taken from the code.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::folder::Folder;
use crate::ledger::story;
use crate::program::{Run, glyphctl};

/// "Emergency overrides", its table.
const OVERRIDE: [&str; 15] = [
    "override_id",
    "request_id",
    "justification",
    "initiated_by",
    "created_at",
    "signatures",
    "min_signatures_required",
    "status",
    "post_mortem_required",
    "post_mortem_completed",
    "post_mortem_report",
    "auto_review_scheduled",
    "auto_review_date",
    "consequences",
    "metadata",
];
/// What the release adds to that table: drills, lapsing grants and reviews.
const OVERRIDE_MORE: [&str; 3] = ["drill", "grant_in_force", "review"];
/// "signatures: list of {...}".
const SIGNATURE: [&str; 5] = [
    "guardian_id",
    "role",
    "signature",
    "timestamp",
    "justification",
];
/// "Requests", its first sentence, and the score that each request has.
const REQUEST: [&str; 10] = [
    "title",
    "description",
    "change_type",
    "impact",
    "requester",
    "files_changed",
    "lines_changed",
    "metadata",
    "risk_score",
    "status",
];
/// "each yields passed, score, violations and warnings".
const CHECK: [&str; 4] = ["passed", "score", "violations", "warnings"];
/// The compliance checks of impact high.
const CHECKS_HIGH: [&str; 4] = ["four_laws", "charter", "personhood", "security"];

/// Exports a sound image: the run, and its lines.
pub(crate) fn export(image: &str) -> (Run, Vec<Value>) {
    let run = glyphctl(&["ledger", "export", image]);
    assert_eq!(run.status, 0, "{}", run.err);
    let line = |line| serde_json::from_str(line).expect("each line is JSON");
    let lines = run.out.lines().map(line).collect();
    (run, lines)
}

fn keys(value: &Value) -> BTreeSet<&str> {
    let members = value.as_object().expect("an object");
    members.keys().map(String::as_str).collect()
}

fn has(value: &Value, names: &[&str]) {
    let missing: Vec<_> = names
        .iter()
        .filter(|name| value.get(name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {value}");
}

fn is_share(value: &Value) -> bool {
    value
        .as_f64()
        .is_some_and(|share| (0.0..=1.0).contains(&share))
}

#[test]
fn an_export_has_the_names_that_the_specification_gives() {
    let folder = Folder::new("names");
    let mut station = story(&folder);
    fs::write(folder.entry("disk"), station.image()).expect("a temporary file");
    let (_, lines) = export(&folder.entry("disk"));
    let record = |kind: &str| {
        let of_kind = lines.iter().rfind(|line| line["kind"] == kind);
        &of_kind.expect("the story has one")["fields"]
    };

    let item = &lines.last().expect("lines")["override"];
    let named: BTreeSet<&str> = OVERRIDE.into_iter().chain(OVERRIDE_MORE).collect();
    assert_eq!(keys(item), named);
    let signatures = item["signatures"].as_array().expect("a list");
    assert_eq!(signatures.len(), 3);
    for signature in signatures {
        assert_eq!(keys(signature), BTreeSet::from(SIGNATURE));
    }
    assert!(item["metadata"].is_object() && item["consequences"].is_array());

    let request = record("request_created");
    has(request, &REQUEST);
    assert!(is_share(&request["risk_score"]), "{request}");
    let checks = request["compliance"].as_array().expect("a list");
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str()).collect();
    assert_eq!(names, CHECKS_HIGH.map(Some));
    for check in checks {
        has(check, &CHECK);
        assert!(is_share(&check["score"]), "{check}");
    }
    // What the first sentence of "Requests" calls an expiry, and the records of the transitions.
    has(request, &["request_id", "expires_at"]);
    has(record("override_created"), &OVERRIDE[..5]);
    has(&record("override_signed")["signed"], &SIGNATURE);
    has(
        record("guardian_change_proposed"),
        &["guardian_id", "role", "key"],
    );
    let policy = &record("policy_adopted")["policy"];
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../glyphs/vault/policy.txt");
    let shipped = fs::read_to_string(shipped).expect("it ships");
    assert_eq!(policy["text"], shipped.as_str());
}

//! Records that releases wrote, kept in `golden/`: what one wrote, every later one reads, judges and
//! exports alike.
//!
//! A file is a node's life in records of every kind, two lines each: the bytes in hex, then the export.
//! The state must come out of them again, so the messages that were signed are held as well.

use super::tests::every_kind;
use super::*;
use crate::Governance;
use crate::simulated::EPOCH;
use abi::governance::OverrideStatus;
use abi::id::hex_decode;
use std::collections::BTreeSet;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// Written by version 0.1 of the software, in records of version 1.
const VERSION_0_1: &str = include_str!("golden/version-0.1.txt");

/// Bytes and export of each record.
fn records() -> Vec<(Vec<u8>, &'static str)> {
    let lines: Vec<&str> = VERSION_0_1.lines().collect();
    let (pairs, rest) = lines.as_chunks::<2>();
    assert!(rest.is_empty(), "two lines for each record");
    pairs
        .iter()
        .map(|[hex, export]| {
            let mut bytes = vec![0; hex.len() / 2];
            hex_decode(hex, &mut bytes).unwrap();
            (bytes, *export)
        })
        .collect()
}

#[test]
fn records_of_every_release_are_read_and_exported_as_they_were() {
    let mut kinds = BTreeSet::new();
    for (bytes, export) in records() {
        let event = Event::decode(&bytes).unwrap();
        kinds.insert(event.kind());
        assert_eq!(event.encode(), bytes, "{export}");
        let mut exported = String::new();
        event.to_json(&mut exported).unwrap();
        assert_eq!(exported, export);
    }
    let today: BTreeSet<u8> = every_kind().iter().map(Event::kind).collect();
    assert_eq!(
        kinds, today,
        "a new kind of record needs a file that has it"
    );
}

#[test]
fn a_ledger_of_every_release_comes_to_the_state_it_had() {
    let mut governance = Governance::new(EPOCH);
    for (seq, (bytes, export)) in (0..).zip(records()) {
        let event = Event::decode(&bytes).unwrap();
        let applied = governance.apply(seq, &event);
        assert!(applied.is_ok(), "{export}: {applied:?}");
    }
    let statuses: Vec<_> = governance
        .override_views(governance.last_time())
        .iter()
        .map(|view| view.status)
        .collect();
    let expected = [
        OverrideStatus::Reviewed,
        OverrideStatus::ReviewOverdue,
        OverrideStatus::Rejected,
    ];
    assert_eq!(statuses, expected);
}

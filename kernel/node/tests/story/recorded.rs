//! A recorded session whose answers, digests among them, have to come out bit for bit.
//!
//! The boot-smoke matrix tells the same file to a node in QEMU, so that host and emulation are
//! held to the same bits.

use crate::simulation::{Session, World, shown};
use abi::Request;
use abi::request::SubstrateRequest;
use std::collections::BTreeSet;

/// The session: commands, and answers in machine mode.
const RECORDED: &str = include_str!("../../../substrate/sessions/every-operation.txt");
/// Operations that [`number`] tells apart.
const OPERATIONS: usize = 11;

fn is_command(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '=', '!'])
}

/// The session as a node on the host answers it now, in the form of the file.
fn replayed(recorded: &str) -> String {
    let mut session = Session::start(&World::new(), None, None);
    let mut text = String::new();
    let mut lines = recorded.lines().peekable();
    while let Some(line) = lines.next() {
        text += &format!("{line}\n");
        if !is_command(line) {
            continue;
        }
        let is_answer = |line: &&str| line.starts_with(['=', '!']);
        let mut has_answer = false;
        while lines.next_if(is_answer).is_some() {
            has_answer = true;
        }
        match session.try_line(line) {
            Ok(response) if has_answer => {
                for line in shown(&response).lines() {
                    text += &format!("= {line}\n");
                }
            }
            Ok(_) => {}
            Err(fault) => text += &format!("! {}\n", fault.code.name()),
        }
    }
    text
}

#[test]
fn the_recorded_session_comes_out_bit_for_bit_on_the_host() {
    let now = replayed(RECORDED);
    for (number, (now, recorded)) in (1..).zip(now.lines().zip(RECORDED.lines())) {
        assert_eq!(now, recorded, "line {number}");
    }
    assert_eq!(now.lines().count(), RECORDED.lines().count());
}

/// A number for each operation, so that a new one cannot be left out of the session.
fn number(operation: &SubstrateRequest) -> usize {
    match operation {
        SubstrateRequest::Status => 0,
        SubstrateRequest::Read(_) => 1,
        SubstrateRequest::Write { .. } => 2,
        SubstrateRequest::Tick(_) => 3,
        SubstrateRequest::Force { .. } => 4,
        SubstrateRequest::Wave { .. } => 5,
        SubstrateRequest::Superpose { .. } => 6,
        SubstrateRequest::Observe(_) => 7,
        SubstrateRequest::Scrub => 8,
        SubstrateRequest::Digest => 9,
        SubstrateRequest::Map => 10,
    }
}

#[test]
fn the_recorded_session_does_every_operation_and_writes_digests_down() {
    let mut seen = BTreeSet::new();
    for line in RECORDED.lines().filter(|line| is_command(line)) {
        if let Ok(Some(console::Command::Node(Request::Substrate(operation)))) =
            console::parse(line)
        {
            seen.insert(number(&operation));
        }
    }
    assert_eq!(seen.len(), OPERATIONS, "{seen:?}");
    let digests: BTreeSet<&str> = RECORDED
        .lines()
        .filter(|line| line.starts_with("= digest="))
        .collect();
    assert!(digests.len() >= 6, "{digests:?}");
}

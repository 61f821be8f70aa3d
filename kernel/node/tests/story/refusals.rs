//! A refusal of every kind, and that each says what to do next.

use crate::emergency::{active_override, format as format_ledger};
use crate::simulation::{EXAMPLE, Session, SharedDisk, World, ramdisk};
use abi::{Fault, FaultCode, Response};
use std::collections::{BTreeMap, BTreeSet};

/// Every refusal that was met, by its code.
#[derive(Default)]
struct Met(BTreeMap<FaultCode, Vec<Fault>>);

impl Met {
    fn refused(&mut self, session: &mut Session, line: &str) {
        let fault = session.refused(line);
        self.0.entry(fault.code).or_default().push(fault);
    }
}

/// Refusals of the field and of glyphs.
fn meet_those_without_a_ledger(met: &mut Met) {
    let mut files = EXAMPLE.to_vec();
    files.push(("vault/bad.gdf", "glyph_id: bad\nparent: nobody\n"));
    let archive = ramdisk(&files);
    let mut session = Session::start(&World::new(), Some(&archive), None);
    for line in [
        "override sign",
        "substrate read 99999999",
        "substrate write 1 NaN 0 0",
        "substrate observe 5",
        "activate b",
        "activate bad",
        "activate nobody",
        "inject cell 1 1",
        "inject vault a 1",
        "guardian list",
    ] {
        met.refused(&mut session, line);
    }
    session.line("drill on");
    // The lines of cells 3 and 1280 share one stripe, with its parity too much to be rebuilt.
    for injection in "parity 3, line 3, line 1280, page 0, page 1".split(", ") {
        session.line(&format!("inject {injection}"));
    }
    let poisoned = (0..4096).find_map(|cell| {
        let answer = session.try_line(&format!("substrate read {cell}"));
        answer.err().map(|_| format!("substrate read {cell}"))
    });
    met.refused(&mut session, &poisoned.expect("a lost cell"));
    meet_the_stopped_one(met);
    let mut console = console::Console::new(console::Mode::Machine);
    console.overrun();
    let mut shown = String::new();
    console.feed(b'\n', &console::NoNames, &mut shown);
    if let Some((_, text)) = shown.split_once("ERR line_void ") {
        let fault = Fault::new(FaultCode::LineVoid, text.trim_end());
        met.0.entry(fault.code).or_default().push(fault);
    }
}

/// The walk of a field too large for one slice, stopped by the operator.
fn meet_the_stopped_one(met: &mut Met) {
    let options = "grid_width: 1024\ngrid_height: 1024\n";
    let archive = ramdisk(&[("glyphos.conf", options)]);
    let mut session = Session::start(&World::new(), Some(&archive), None);
    let Ok(Some(console::Command::Node(request))) = console::parse("substrate scrub") else {
        panic!("a scrub is a request")
    };
    assert!(session.node.begin(request).is_none(), "it takes slices");
    let fault = session.node.stop();
    met.0.entry(fault.code).or_default().push(fault);
}

/// Refusals of governance and of its ledger.
fn meet_those_of_governance(met: &mut Met) {
    let world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    met.refused(&mut session, "ledger format wrong");
    let id = active_override(&mut session);
    let forged = "0".repeat(64);
    session.line(&format!("override challenge {id} cerberus revoke \"why\""));
    for line in [
        format!("override challenge {id} galahad sign \"again\""),
        format!("override challenge {id} nobody sign \"why\""),
        format!("override revoke {id} galahad {forged}"),
        format!("override sign {id} safety_monitor {forged}"),
        format!("override revoke {id} cerberus {forged}"),
        format!("override revoke {id} cerberus {forged}"),
        "override show 00000000".to_string(),
        format!("request create low config {} \"title\"", "x".repeat(65)),
    ] {
        met.refused(&mut session, &line);
    }
    disk.0
        .borrow_mut()
        .plant(ledger::simulated::Fault::Dies { operation: 0 });
    met.refused(&mut session, "request create low config operator \"lost\"");
}

/// Two requests whose ids begin alike, and more that wait than a node keeps.
fn meet_those_of_many_requests(met: &mut Met) {
    let world = World::new();
    let mut session = Session::start(&world, None, Some(&SharedDisk::blank(64)));
    format_ledger(&mut session);
    let line = "request create low config operator \"one of many\"";
    let mut known = BTreeSet::new();
    let wanted = [FaultCode::Ambiguous, FaultCode::Full];
    while !wanted.iter().all(|code| met.0.contains_key(code)) {
        match session.try_line(line) {
            Ok(Response::Approval(view)) => {
                let mut id = view.request_id.to_string();
                id.truncate(4);
                if !known.insert(id.clone()) {
                    met.refused(&mut session, &format!("request show {id}"));
                }
            }
            Err(fault) => {
                met.0.entry(fault.code).or_default().push(fault);
                world.pass_hours(25);
                session.node.background();
            }
            Ok(other) => panic!("{other:?}"),
        }
    }
}

/// A machine, a disk and a ledger that are not what they have to be.
fn meet_those_of_the_machine(met: &mut Met) {
    let format = "ledger format format-4-mib";
    let mut world = World::new();
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&world, None, Some(&disk));
    disk.0
        .borrow_mut()
        .plant(ledger::simulated::Fault::Dies { operation: 0 });
    met.refused(&mut session, format);
    world.has_entropy = false;
    let mut session = Session::start(&world, None, Some(&SharedDisk::blank(4)));
    met.refused(&mut session, format);

    world.has_entropy = true;
    let mut session = Session::start(&world, None, Some(&SharedDisk::blank(4)));
    format_ledger(&mut session);
    let key = abi::id::Hex(&[1; 32]);
    session.line(&format!("guardian enrol galahad ethics hmac {key}"));
    let line = "request create high config operator \"title\"";
    let Ok(Response::Approval(view)) = session.try_line(line) else {
        panic!("no request")
    };
    let line = format!(
        "request challenge {} cerberus approve \"why\"",
        view.request_id
    );
    met.refused(&mut session, &line);

    // A ledger whose bytes are sound and whose record was never decided.
    let mut disk = SharedDisk::blank(4);
    let seed = ledger::Seed {
        device_uuid: [1; 16],
        epoch: [2; 16],
    };
    ledger::format(&mut disk, seed).expect("formats");
    let (mut opened, _) = ledger::Ledger::open(disk.clone()).expect("opens");
    let _ = opened
        .append(1, b"no record of governance", ledger::Reserve::Ordinary)
        .expect("takes any bytes");
    let mut session = Session::start(&world, None, Some(&disk));
    met.refused(&mut session, "guardian list");
}

#[test]
fn a_refusal_of_every_kind_says_what_to_do_next() {
    let mut met = Met::default();
    meet_those_without_a_ledger(&mut met);
    meet_those_of_governance(&mut met);
    meet_those_of_many_requests(&mut met);
    meet_those_of_the_machine(&mut met);
    let silent: Vec<_> = met
        .0
        .values()
        .flatten()
        .filter(|fault| !fault.says_what_to_do())
        .collect();
    assert!(silent.is_empty(), "nothing to do next: {silent:#?}");
    let unmet: Vec<_> = FaultCode::ALL
        .iter()
        .filter(|code| !met.0.contains_key(code))
        .collect();
    assert!(unmet.is_empty(), "{unmet:?} was not met");
}

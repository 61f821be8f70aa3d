//! A disk that fills: told long before, refused without harm, room kept for emergencies.

use crate::simulation::{Session, SharedDisk, World};
use abi::{FaultCode, Response};

/// The smallest disk: 18 records, 2 of them for emergencies only.
const BYTES: usize = 256 << 10;

fn request(number: usize) -> String {
    format!("request create low config operator \"number {number}\" \"x\"")
}

#[test]
fn a_ledger_that_fills_is_announced_long_before_and_refuses_without_harm() {
    let world = World::new();
    let disk = SharedDisk::of(&vec![0; BYTES]);
    let mut session = Session::start(&world, None, Some(&disk));
    session.line("ledger format format-0-mib");
    let told = |session: &mut Session| session.log().matches("larger disk").count();
    let mut accepted = 0;
    let fault = loop {
        let before = told(&mut session);
        match session.try_line(&request(accepted)) {
            Ok(_) => accepted += 1,
            Err(fault) => break fault,
        }
        // 13 of the 16 ordinary records are 80 %, 16 are 95 %; the policy is one more.
        let is_a_mark = [12, 15].contains(&accepted);
        assert_eq!(
            told(&mut session) - before,
            usize::from(is_a_mark),
            "{accepted}"
        );
    };
    assert_eq!((accepted, fault.code), (15, FaultCode::Full));
    assert!(
        fault.text.contains("not recorded, so it has not happened"),
        "{fault}"
    );
    let events = session.line("events");
    assert_eq!(events.matches("LEDGER_FILLING").count(), 2, "{events}");
    let status = session.line("ledger status");
    assert!(
        status.contains("larger disk") && status.contains("records=16"),
        "{status}"
    );
    let ratio = session.line("metrics");
    assert!(ratio.contains("glyphos_ledger_capacity_ratio 0.8888888888888888"));

    // An emergency is recorded all the same; an ordinary decision still is not.
    let Ok(Response::Approvals(requests)) = session.try_line("request list") else {
        panic!()
    };
    let id = requests[0].request_id;
    session.line(&format!("override create {id} operator \"the dam breaks\""));
    assert_eq!(session.refused(&request(99)).code, FaultCode::Full);

    let image = disk.image();
    drop(session);
    let mut session = Session::start(&world, None, Some(&disk));
    let Ok(Response::Verified(report)) = session.try_line("ledger verify") else {
        panic!()
    };
    assert!(report.sound && report.records >= 17, "{report:?}");
    assert!(
        session.log().contains("larger disk"),
        "it is told again at each boot"
    );
    // All that was there before the restart is there, byte for byte, but for the superblocks.
    let after = disk.image();
    let changed = image
        .chunks(4096)
        .zip(after.chunks(4096))
        .filter(|(a, b)| a != b);
    assert!(changed.count() <= 7, "superblocks and the newest record");
}

//! The substrate and the vault through a node, and what telemetry tells of it.

use crate::simulation::{EXAMPLE, Session, SharedDisk, World, ramdisk};
use abi::FaultCode;

#[test]
fn the_worked_example_comes_out_and_reaches_its_cell() {
    let mut session = Session::start(&World::new(), Some(&ramdisk(&EXAMPLE)), None);
    assert_eq!(session.refused("activate b").code, FaultCode::Constraint);
    let answer = session.line("activate b --with-parents");
    for word in [
        "resonance=195",
        "magnitude=0.1875",
        "phase=10",
        "coherence=78",
        "entanglement=7.3",
        "cell=1",
    ] {
        assert!(answer.contains(word), "{word} is not in {answer}");
    }
    let cell = session.line("substrate read 1");
    assert!(cell.contains("coherence=780"), "{cell}");
}

#[test]
fn a_refused_activation_leaves_the_field_as_it_was() {
    let mut session = Session::start(&World::new(), Some(&ramdisk(&EXAMPLE)), None);
    let before = session.line("substrate digest");
    session.refused("activate b");
    session.refused("activate nobody");
    assert_eq!(session.line("substrate digest"), before);
}

#[test]
fn damage_is_refused_without_a_drill_and_healed_with_one() {
    let mut session = Session::start(&World::new(), None, None);
    assert_eq!(session.refused("inject line 5").code, FaultCode::DrillOff);
    let before = session.line("substrate read 5");
    session.line("drill on");
    session.line("inject line 5");
    assert_eq!(session.line("substrate read 5"), before);
    session.node.background();
    assert!(session.log().contains("rebuilt"), "{}", session.log());
    assert!(
        session
            .line("metrics")
            .contains("glyphos_substrate_checksum_failures_total 1\n")
    );
}

#[test]
fn the_exposition_is_whole_on_the_line_and_at_the_console() {
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&World::new(), Some(&ramdisk(&EXAMPLE)), Some(&disk));
    session.line("activate a");
    let text = session.node.telemetry_text();
    assert!(text.contains("#GLYPHOS-METRICS v=1 seq=0"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    assert!(text.contains("glyphos_glyph_activations_total{glyph_id=\"a\"} 1\n"));
    assert!(text.contains("\"kind\":\"NODE_STARTED\""));
    assert!(session.line("metrics").contains("# EOF\n"));
}

#[test]
fn selftest_passes_on_a_sound_node() {
    let disk = SharedDisk::blank(4);
    let mut session = Session::start(&World::new(), Some(&ramdisk(&EXAMPLE)), Some(&disk));
    let answer = session.line("selftest");
    assert!(
        !answer.contains("fail") && !answer.contains("FAIL"),
        "{answer}"
    );
}

#[test]
fn the_scrubber_walks_the_whole_field_in_the_background() {
    let world = World::new();
    let mut session = Session::start(&world, None, None);
    session.line("drill on");
    session.line("inject line 4000");
    for _ in 0..60 {
        world.pass_seconds(1);
        session.node.background();
        session.node.background();
    }
    assert!(
        session.log().contains("cells 4000 to 4003"),
        "{}",
        session.log()
    );
    let status = session.line("substrate status");
    assert!(status.contains("repairs=1"), "{status}");
}

#[test]
fn a_grid_beyond_memory_is_refused_with_what_fits() {
    // The simulated machine has 32 MiB in one piece; a host would give far more.
    let text = "grid_width: 1048576\ngrid_height: 1048576\n";
    let archive = ramdisk(&[("glyphos.conf", text)]);
    let mut session = Session::start(&World::new(), Some(&archive), None);
    let log = session.log();
    assert!(
        log.contains(
            "1048576 x 1048576 cells do not fit in the 16 MiB there are: choose a grid_width below"
        ),
        "{log}"
    );
    assert!(
        session
            .line("substrate status")
            .contains("width=64 height=64")
    );
}

#[test]
fn a_walk_of_the_whole_field_is_served_in_slices_and_can_be_stopped() {
    // More lines than are verified in a slice, with a look at the clock for each 256.
    let text = "grid_width: 1024\ngrid_height: 1024\n";
    let archive = ramdisk(&[("glyphos.conf", text)]);
    let mut whole = Session::start(&World::new(), Some(&archive), None);
    let mut session = Session::start(&World::new(), Some(&archive), None);
    for line in ["substrate digest", "substrate scrub"] {
        let expected = whole.line(line);
        let Ok(Some(console::Command::Node(request))) = console::parse(line) else {
            panic!("{line} is a request")
        };
        assert!(
            session.node.begin(request.clone()).is_none(),
            "{line} takes slices"
        );
        assert!(session.node.walked_percent() < Some(100));
        assert_eq!(session.node.stop().code, FaultCode::Stopped);
        assert_eq!(session.node.walked_percent(), None);
        let nothing = session.node.go_on().expect("there is an answer");
        assert!(nothing.is_err_and(|fault| fault.code == FaultCode::Stopped));
        let mut answer = session.node.begin(request);
        while answer.is_none() {
            session.node.background();
            answer = session.node.go_on();
        }
        let answer = answer
            .expect("the loop waited for it")
            .expect("it is served");
        assert_eq!(crate::simulation::shown(&answer), expected);
    }
}

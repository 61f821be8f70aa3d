//! Broken machines that must be judged red, and a tiny one that behaves.
//!
//! A judge that passes everything passes these too; so each of them goes through the very function
//! that judges the node, and its case passes only if that function fails for the right reason.

use std::fs;
use std::time::Duration;

use qemu::{Firmware, Limits, Machine, Media, Profile, Session, SessionError, Verdict};

use crate::boot_sector::{self, Deed};
use crate::case::{Case, Failure, Place};
use crate::checks;

/// For controls whose failure is a wait: firmware needs less than this even on a loaded host.
const SHORT: Duration = Duration::from_secs(5);
/// For all the others: never reached unless the control itself is broken.
const LONG: Duration = Duration::from_secs(60);

const READY: &str = "GLYPHOS READY version=0 boot_ms=0\r\n";

/// The controls.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("control-miniature-node", miniature_node),
        control("silent", "", Deed::Halt, |failure| {
            matches!(failure, Failure::Session(SessionError::Silent { .. }))
        }),
        control("mute-after-ready", READY, Deed::Halt, |failure| {
            matches!(failure, Failure::Session(SessionError::Silent { .. }))
        }),
        control("babbles", "GLYPHOS BOOTING\r\n", Deed::Repeat, |failure| {
            matches!(failure, Failure::Session(SessionError::TimedOut { .. }))
        }),
        control("panics", "", Deed::Exit(0x11), ended(Verdict::Panicked)),
        control(
            "leaves-as-a-test",
            READY,
            Deed::Exit(0x10),
            ended(Verdict::TestPassed),
        ),
        control("triple-fault", "", Deed::TripleFault, ended(Verdict::Reset)),
        control(
            "triple-fault-after-ready",
            READY,
            Deed::TripleFault,
            ended(Verdict::Reset),
        ),
        control(
            "triple-fault-after-farewell",
            "GLYPHOS READY version=0\r\nGLYPHOS POWEROFF\r\n",
            Deed::TripleFault,
            ended(Verdict::Reset),
        ),
        control(
            "off-without-farewell",
            READY,
            Deed::SwitchOff,
            ended(Verdict::OffWithoutFarewell),
        ),
        control(
            "empty-answers",
            &ready_and_answers(),
            Deed::Halt,
            |failure| matches!(failure, Failure::Wrong(_)),
        ),
    ]
}

/// The conversation itself: without this, the red controls could be red for want of a machine.
fn miniature_node(place: &Place<'_>) -> Result<(), Failure> {
    let profile = machine(place, &boot_sector::miniature_node())?;
    let mut session = Session::start(&profile, Limits::default(), &place.log())?;
    session.wait_ready()?;
    session.machine_mode()?;
    for count in 0..100 {
        session.command_ok(&format!("line {count}"))?;
    }
    Ok(session.power_off()?)
}

/// A machine that answers `OK` to whatever comes, and before it comes.
fn ready_and_answers() -> String {
    format!("{READY}{}", "OK\r\n".repeat(40))
}

fn ended(expected: Verdict) -> impl Fn(&Failure) -> bool {
    move |failure| match failure {
        Failure::Session(
            SessionError::Ended { ending, .. } | SessionError::WrongEnding(ending),
        ) => ending.verdict() == expected,
        _ => false,
    }
}

fn control(
    name: &str,
    text: &str,
    deed: Deed,
    is_right_red: impl Fn(&Failure) -> bool + Send + Sync + 'static,
) -> Case {
    let text = text.to_owned();
    let waits = matches!(deed, Deed::Halt | Deed::Repeat);
    Case::new(format!("control-{name}"), move |place| {
        let profile = machine(place, &boot_sector::disk(&text, deed))?;
        let limit = if waits { SHORT } else { LONG };
        // The babbler is never silent; a limit below the silence would end the others too early.
        let limits = Limits {
            silence: limit,
            boot: limit + LONG / 10,
            reply: LONG,
        };
        match checks::boot_and_judge(&profile, limits, place) {
            Err(failure) if is_right_red(&failure) => Ok(()),
            Err(failure) => Err(Failure::Wrong(format!(
                "judged red for another reason: {failure}"
            ))),
            Ok(()) => Err(Failure::Wrong(
                "a broken machine was judged green".to_owned(),
            )),
        }
    })
}

/// A machine that boots `disk`.
fn machine(place: &Place<'_>, disk: &[u8]) -> Result<Profile, Failure> {
    let path = place.file("img");
    fs::create_dir_all(path.parent().unwrap_or(&path))
        .and_then(|()| fs::write(&path, disk))
        .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))?;
    Ok(Profile::image(
        Machine::Pc,
        Firmware::Bios,
        Media::Disk,
        &path,
    ))
}

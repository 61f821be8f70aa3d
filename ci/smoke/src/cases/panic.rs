//! How a broken machine ends: a report on every console, a status of its own, and no more.
//!
//! Faults come from outside, as they do on hardware: a non-maskable interrupt, which is what the
//! button on a server sends, a machine check, and a machine that is too small; and from inside, by
//! the operator's word in a drill: a panic, a stack that runs out, data executed, code written.

use std::fs;
use std::path::Path;

use qemu::{Machine, Profile, Session, Verdict};
use serde_json::{Value, json};

use crate::case::{Case, Failure, Place};
use crate::checks;
use crate::council::format_ledger;

/// Where the kernel's half of the address space begins.
const KERNEL_START: u64 = 0xffff_8000_0000_0000;
/// Fewest addresses of a backtrace: the loop, what it called, and the entry.
const ADDRESSES_MIN: usize = 3;

/// Faults that the operator asks for, and what the report then says: a missing guard page, W^X or
/// unmapped page zero would end in another one.
const DRILLS: [(&str, &str); 5] = [
    ("panic", "  a drill"),
    ("overflow", "exception 8: double fault"),
    ("execute", "exception 14: page fault"),
    ("write", "exception 14: page fault"),
    ("null", "exception 14: page fault"),
];

/// The stories.
pub(super) fn cases() -> Vec<Case> {
    let drills = DRILLS.map(|(fault, what)| {
        Case::new(format!("panic-by-{fault}"), move |place| {
            story(place, what, |session| {
                session.command_ok("drill on")?;
                session.send(format!("inject kernel {fault}\n").as_bytes());
                Ok(())
            })
        })
    });
    let mut cases = from_outside();
    cases.extend(drills);
    cases
}

fn from_outside() -> Vec<Case> {
    vec![
        Case::new("panic-by-interrupt", |place| {
            let what = "exception 2: non-maskable interrupt";
            story(place, what, |session| {
                session.qmp().execute("inject-nmi", Value::Null).map(drop)
            })
        }),
        Case::new("panic-by-machine-check", |place| {
            let what = "exception 18: machine check";
            story(place, what, |session| {
                // Bank 1 of processor 0: an uncorrected error, in QEMU's monitor language.
                let line = json!({ "command-line": "mce 0 1 0xb200000000000000 0x5 0 0" });
                session
                    .qmp()
                    .execute("human-monitor-command", line)
                    .map(drop)
            })
        }),
        Case::new("too-little-memory", too_little_memory),
    ]
}

/// A machine that is too small to start on says so, and what to do, instead of hanging.
fn too_little_memory(place: &Place<'_>) -> Result<(), Failure> {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Pc, &shipped.kernel, Some(&shipped.ramdisk));
    profile.memory_mib = 8;
    let mut session = Session::start(&profile, checks::limits(), &place.log())?;
    let ending = session.wait_end()?;
    let text = read(&place.log())?;
    let is_told = text.contains("cannot start: ") && text.contains("give the machine more memory");
    if ending.verdict() == Verdict::Panicked && is_told {
        return Ok(());
    }
    Err(Failure::Wrong(format!("it ended so: {ending}: {text:?}")))
}

/// A log as text, without carriage returns.
fn read(path: &Path) -> Result<String, Failure> {
    let bytes =
        fs::read(path).map_err(|error| Failure::Host(format!("{}: {error}", path.display())))?;
    Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
}

fn story(
    place: &Place<'_>,
    what: &str,
    strike: impl Fn(&mut Session) -> Result<(), qemu::SessionError>,
) -> Result<(), Failure> {
    let disk = place.empty_disk(1 << 20)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let build = session.command_ok("version")?;
    format_ledger(&mut session)?;
    // The machine may be gone before the control socket has answered, so the ending judges first.
    let struck = strike(&mut session);
    let ending = session.wait_end()?;
    if ending.verdict() != Verdict::Panicked {
        struck?;
        return Err(Failure::Wrong(format!("the machine ended so: {ending}")));
    }
    let fields = ["version", "commit"].map(|key| {
        let value = build.field(key).unwrap_or_default();
        format!("{key}={value}")
    });
    for path in [place.log(), place.file("com2")] {
        let text = read(&path)?;
        if let Some(missing) = missing_of(&text, what, &fields) {
            return Err(Failure::Wrong(format!(
                "{} tells no {missing}",
                path.display()
            )));
        }
    }
    let (mut session, ready) = checks::boot(&profile, checks::limits(), place)?;
    if ready.get("ledger_state") != Some("ready") {
        return Err(Failure::Wrong(format!("after the panic: {ready:?}")));
    }
    Ok(session.power_off()?)
}

/// What a report lacks; none if it has everything.
fn missing_of(text: &str, what: &str, build: &[String; 2]) -> Option<String> {
    let Some(start) = text.find("GLYPHOS PANIC ") else {
        return Some("headline".to_owned());
    };
    let report = text.get(start..).unwrap_or_default();
    let headline = report.lines().next().unwrap_or_default();
    for field in build {
        if !headline.split(' ').any(|word| word == field) {
            return Some(field.clone());
        }
    }
    // A panic of the code's own making knows its place instead of the interrupted registers.
    let registers: &[&str] = if report.contains("\npanic at ") {
        &["  rsp=", "  rbp="]
    } else {
        &["  rip=", "  rsp=", "  r15="]
    };
    for words in [what, "GLYPHOS HALTED"].iter().chain(registers) {
        if !report.contains(*words) {
            return Some((*words).to_owned());
        }
    }
    let addresses = report
        .lines()
        .skip_while(|line| !line.starts_with("backtrace"))
        .skip(1)
        .map_while(|line| u64::from_str_radix(line.trim().strip_prefix("0x")?, 16).ok());
    let in_kernel = addresses.filter(|address| *address >= KERNEL_START).count();
    (in_kernel < ADDRESSES_MIN).then(|| format!("backtrace but {in_kernel} addresses"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "x\n\nGLYPHOS PANIC version=1 commit=a uptime_ms=4\n\
        exception 2: non-maskable interrupt, error code 0x0\n  rip=0  rsp=0\n  r14=0  r15=0\n\
        backtrace (innermost first):\n  0xffffffff80220561\n  0xffffffff8021693b\n  \
        0xffffffff80232a9d\nGLYPHOS HALTED: reset\n";

    #[test]
    fn a_report_counts_only_when_it_is_whole() {
        let build = ["version=1", "commit=a"].map(str::to_owned);
        let what = "exception 2";
        assert_eq!(missing_of(REPORT, what, &build), None);
        for cut in [
            "GLYPHOS PANIC",
            "exception 2",
            "  r15=",
            "GLYPHOS HALTED",
            "commit=a",
            "  0xffffffff8021693b\n",
        ] {
            let text = REPORT.replace(cut, "");
            assert!(missing_of(&text, what, &build).is_some(), "{cut}");
        }
    }
}

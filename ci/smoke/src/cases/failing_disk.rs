//! A disk that goes wrong under a running node: errors of reads, writes and flushes, and silence.
//!
//! Whatever the disk does, the node acknowledges nothing that is not durable, says at the console what
//! is wrong and what to do, and goes on answering; a start on the healed disk finds everything that was
//! acknowledged. The faults are QEMU's (`blkdebug`), put in under a node that runs.

use std::time::Instant;

use qemu::{DiskFault, Lasting, Outcome, Session};

use crate::case::{Case, Failure, Place};
use crate::cases::killed::{Memory, create};
use crate::checks::{self, demand, refused};
use crate::council::{format_ledger, required};
use crate::glyphctl::Glyphctl;

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 4 << 20;

/// A fault that stays, and what the node says of it.
struct Lasts {
    name: &'static str,
    fault: DiskFault,
    words: &'static str,
}

const LASTING: [Lasts; 4] = [
    Lasts {
        name: "disk-fails-reads",
        fault: DiskFault::Reads(Lasting::ForGood),
        words: "could not read a sector",
    },
    Lasts {
        name: "disk-fails-writes",
        fault: DiskFault::Writes(Lasting::ForGood),
        words: "could not write a sector",
    },
    Lasts {
        name: "disk-fails-flushes",
        fault: DiskFault::Flushes(Lasting::ForGood),
        words: "could not make its writes durable",
    },
    Lasts {
        name: "disk-goes-silent",
        fault: DiskFault::Silence,
        words: "did not answer in time",
    },
];

/// The stories.
pub(super) fn cases() -> Vec<Case> {
    let lasting = LASTING
        .iter()
        .map(|lasts| Case::new(lasts.name, |place| stays(lasts, place)));
    let once = Case::new("disk-fails-once", |place| {
        for fault in [DiskFault::Reads, DiskFault::Writes, DiskFault::Flushes] {
            passes(fault(Lasting::Once), place)?;
        }
        Ok(())
    });
    lasting.chain([once]).collect()
}

/// A node on a new ledger with one acknowledged request.
fn begin(place: &Place<'_>) -> Result<(Session, Memory), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    format_ledger(&mut session)?;
    let mut memory = Memory::default();
    memory.commit(&mut session, "before the fault".to_owned())?;
    Ok((session, memory))
}

/// A start on the healed disk shows what was acknowledged, and takes more.
fn end(session: Session, mut memory: Memory, place: &Place<'_>) -> Result<Memory, Failure> {
    session.kill();
    let disk = place.file("disk");
    let profile = checks::with_disk(place, &disk);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    memory.judge(&mut session)?;
    memory.commit(&mut session, "after the fault".to_owned())?;
    memory.judge(&mut session)?;
    session.power_off()?;
    let verdict = Glyphctl::of(place).verify(&disk)?;
    if verdict.status != Some(0) {
        return Err(Failure::Wrong(format!("after the fault: {verdict:?}")));
    }
    Ok(memory)
}

fn stays(lasts: &Lasts, place: &Place<'_>) -> Result<(), Failure> {
    let (mut session, mut memory) = begin(place)?;
    session.strike_disk(lasts.fault)?;
    let title = "under the fault";
    let began = Instant::now();
    let answer = session.command(&create(title))?;
    let took = began.elapsed();
    memory.pending = Some(title.to_owned());
    let is_told = match &answer.outcome {
        Outcome::Err { code, text } => {
            let is_clear = ["not acknowledged", lasts.words, "start again"];
            code == "device" && is_clear.iter().all(|words| text.contains(words))
        }
        Outcome::Ok => false,
    };
    demand(is_told, "a request on a failing disk", &answer)?;
    refused(
        &mut session,
        &create("on a read-only ledger"),
        "ledger_unavailable",
        "start again",
    )?;
    answers_on(&mut session, title)?;
    let memory = end(session, memory, place)?;
    place.note(&format!(
        "refused after {} ms; the record was {} after a new start\n",
        took.as_millis(),
        if memory.found > 0 {
            "there"
        } else {
            "not there"
        }
    ))
}

/// What needs no record is served, and the failure stands where an operator looks.
fn answers_on(session: &mut Session, title: &str) -> Result<(), Failure> {
    let status = session.command_ok("status")?;
    let is_told = status.lines.iter().any(|line| {
        let is = |key, value| qemu::field(line, key).as_deref() == Some(value);
        is("part", "ledger") && is("health", "FAILED")
    });
    demand(is_told, "status", &status)?;
    let status = session.command_ok("ledger status")?;
    let reason = required(&status, "reason")?;
    let is_told = status.field("state").as_deref() == Some("read_only");
    let says_what_to_do = reason.contains("check the device and start again");
    demand(is_told && says_what_to_do, "ledger status", &status)?;
    let list = session.command_ok("request list")?;
    let is_absent = list.column("title").iter().all(|told| told != title);
    demand(is_absent, "request list", &list)?;
    let log = session.command_ok("log")?;
    let is_told = log
        .lines
        .iter()
        .any(|line| line.contains("not acknowledged"));
    demand(is_told, "log", &log)?;
    let cell = session.command_ok("substrate read 7")?;
    demand(!cell.lines.is_empty(), "substrate read 7", &cell)
}

/// One operation fails: the request is recorded or it is not, the node knows which, and goes on.
fn passes(fault: DiskFault, place: &Place<'_>) -> Result<(), Failure> {
    let (mut session, mut memory) = begin(place)?;
    session.strike_disk(fault)?;
    let title = "through the fault".to_owned();
    let answer = session.command(&create(&title))?;
    match &answer.outcome {
        Outcome::Ok => memory.take(&answer, title)?,
        Outcome::Err { code, text } => {
            let is_told = code == "device" && text.contains("not recorded");
            demand(is_told && text.contains("try again"), "a request", &answer)?;
        }
    }
    memory.commit(&mut session, "tried again".to_owned())?;
    memory.judge(&mut session)?;
    end(session, memory, place).map(drop)
}

//! What a console told of the ledger and of governance, asked again of a node that boots later.
//!
//! Owns the comparison: every record that was told is told again, and where no other record
//! survived, guardians, requests and overrides are told word for word.

use std::fs;

use ledger::simulated::SimulatedDisk;
use qemu::{Reply, Session};

use crate::case::{Failure, Place};
use crate::checks::{self, demand};
use crate::council::required;
use crate::replay::{Acknowledged, Found, judge};

/// What shows the whole state after the records.
const LISTS: [&str; 3] = ["guardian list", "request list", "override list"];
/// More records than a story makes.
const LOG: &str = "ledger log 1000";

/// A command whose answer a power-off must not change.
pub(crate) struct Witness {
    command: String,
    before: String,
}

impl Witness {
    /// Asks everything that is to be found again after a story of this request and this override.
    ///
    /// # Errors
    /// If the node refuses a question.
    pub(crate) fn hear(
        session: &mut Session,
        request: &str,
        id: &str,
    ) -> Result<Vec<Self>, Failure> {
        let shown = [
            format!("request show {request}"),
            format!("override show {id}"),
        ];
        let listed = LISTS.into_iter().chain([LOG]).map(str::to_owned);
        shown
            .into_iter()
            .chain(listed)
            .map(|command| Self::ask(session, command))
            .collect()
    }

    fn ask(session: &mut Session, command: String) -> Result<Self, Failure> {
        let before = lasting(&session.command_ok(&command)?);
        Ok(Self { command, before })
    }

    /// Asks again.
    ///
    /// # Errors
    /// [`Failure::Wrong`] if the answer is another one.
    pub(crate) fn judge(&self, session: &mut Session) -> Result<(), Failure> {
        let Self { command, before } = self;
        let now = lasting(&session.command_ok(command)?);
        if now == *before {
            return Ok(());
        }
        Err(Failure::Wrong(format!(
            "`{command}` answered {before:?} before and {now:?} after"
        )))
    }
}

/// A reply without what a reboot is meant to end: a grant does not outlive it.
pub(crate) fn lasting(reply: &Reply) -> String {
    reply
        .text()
        .replace("grant_in_force=yes", "grant_in_force=no")
}

/// What a console said at one moment.
pub(crate) struct Told {
    /// The ledger, by its own status.
    pub(crate) acknowledged: Acknowledged,
    log: Vec<String>,
    lists: Vec<Witness>,
}

impl Told {
    /// Asks a node with a ledger for everything, when the log of its writes has `entries`.
    ///
    /// # Errors
    /// If the node has no ledger that takes records, or refuses a question.
    pub(crate) fn hear(session: &mut Session, entries: usize) -> Result<Self, Failure> {
        let lists = LISTS.map(|command| Witness::ask(session, command.to_owned()));
        Ok(Self {
            acknowledged: ledger_status(session, entries)?,
            log: session.command_ok(LOG)?.lines,
            lists: lists.into_iter().collect::<Result<_, _>>()?,
        })
    }

    /// Asks a node for all of this again, on whose disk recovery had found `records`.
    fn judge(&self, session: &mut Session, records: u64) -> Result<(), Failure> {
        let now = session.command_ok(LOG)?.lines;
        if let Some(line) = self.log.iter().find(|line| !now.contains(line)) {
            return Err(Failure::Wrong(format!(
                "`{LOG}` does not tell again: {line}"
            )));
        }
        if records == self.acknowledged.records {
            for list in &self.lists {
                list.judge(session)?;
            }
        }
        Ok(())
    }
}

/// What the node says of a ledger that takes records.
fn ledger_status(session: &mut Session, entries: usize) -> Result<Acknowledged, Failure> {
    let status = session.command_ok("ledger status")?;
    let is_ready = status.field("state").as_deref() == Some("ready");
    demand(is_ready, "ledger status", &status)?;
    let records = required(&status, "records")?;
    Ok(Acknowledged {
        entries,
        records: records
            .parse()
            .map_err(|_| Failure::Wrong(format!("`{records}` is no number")))?,
        chain: required(&status, "chain")?,
    })
}

/// Boots `disk`: the node finds what recovery `found` on the host, sound, and tells all again that was
/// `told`; it may add records of its own, such as that a grant has ended with the power.
///
/// # Errors
/// The first thing that is not so.
pub(crate) fn boot(
    place: &Place<'_>,
    disk: &SimulatedDisk,
    found: &Found,
    told: Option<&Told>,
) -> Result<(), Failure> {
    let file = place.file("disk");
    let host = |error| Failure::Host(format!("{}: {error}", file.display()));
    fs::write(&file, disk.image()).map_err(host)?;
    let profile = checks::with_disk(place, &file);
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let Found::Ready { records, chain } = found else {
        let status = session.command_ok("ledger status")?;
        let is_ready = status.field("state").as_deref() == Some("ready");
        demand(!is_ready, "ledger status", &status)?;
        return Ok(session.power_off()?);
    };
    let now = ledger_status(&mut session, 0)?;
    let verified = session.command_ok("ledger verify")?;
    let is_sound = verified.field("sound").as_deref() == Some("yes");
    demand(is_sound, "ledger verify", &verified)?;
    if let Some(told) = told {
        told.judge(&mut session, *records)?;
    }
    session.power_off()?;
    let image = fs::read(&file).map_err(host)?;
    let recovered = Acknowledged {
        entries: 0,
        records: *records,
        chain: chain.clone(),
    };
    let told = told.map(|told| &told.acknowledged);
    for expected in [Some(&now), Some(&recovered), told] {
        judge(SimulatedDisk::from_image(&image), expected, u64::MAX)
            .map_err(|text| Failure::Wrong(format!("on the disk that the node left: {text}")))?;
    }
    Ok(())
}

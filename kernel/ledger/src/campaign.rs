//! Campaigns against the ledger: crashes, faults, hostile bytes, and planted defects.
//!
//! Each campaign is a function that returns how many states it tried, or the first violation of
//! a promise: the same functions show that the ledger holds and that planted defects do not.
//! The promises are those of spec `governance`; the fault model is that of FORMAT.md.

mod cases;
mod copies;
mod crash;
mod crash_states;
mod damage;
mod defects;
mod device_faults;
mod golden;
mod hostile;
mod long;
mod shared_frames;
mod tampering;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::Seed;
use crate::error::Fate;
use crate::format::format_as;
use crate::geometry::Geometry;
use crate::ledger::{Entry, Ledger, Reserve};
use crate::simulated::SimulatedDisk;
use crate::version::Version;

/// Sectors of the smallest device: the least to copy and to search in each state.
const SECTORS: usize = 512;
const SEED: Seed = Seed {
    device_uuid: *b"device-for-tests",
    epoch: *b"epoch-for-tests!",
};

/// States tried, or the first broken promise.
type Outcome = Result<u64, String>;

/// Payload bytes of each record of each append, in order.
type Workload = Vec<Vec<usize>>;

/// SplitMix64: the same seed gives the same campaign.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}

/// A record as the campaign remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Issued {
    kind: u8,
    payload: Vec<u8>,
}

/// What a session issued, and what of it was acknowledged.
#[derive(Clone, Debug, Default)]
struct History {
    acknowledged: Vec<Issued>,
    /// The group that was under way when the session ended.
    in_flight: Vec<Issued>,
}

impl History {
    /// Whether `found` is what a recovery may show: all that was acknowledged, and of the rest
    /// nothing or the whole group in flight.
    fn admits(&self, found: &[Issued]) -> bool {
        found == self.acknowledged
            || (found.starts_with(&self.acknowledged)
                && found.get(self.acknowledged.len()..) == Some(&self.in_flight))
    }
}

/// The bytes of record number `number` of `length` bytes: every record differs in every sector.
fn payload(number: usize, length: usize) -> Vec<u8> {
    let mut random = Random(number as u64);
    (0..length)
        .map(|_| (random.next() % 255) as u8 + 1)
        .collect()
}

fn geometry() -> Geometry {
    Geometry::for_sectors(SECTORS as u64).expect("the test device has a layout")
}

fn fresh_disk() -> SimulatedDisk {
    fresh_disk_of(Version::NEWEST)
}

fn fresh_disk_of(version: Version) -> SimulatedDisk {
    let mut disk = SimulatedDisk::new(SECTORS);
    format_as(&mut disk, SEED, version).expect("a perfect disk can be formatted");
    disk.heal();
    disk
}

/// Appends the groups of `workload` until one is not acknowledged.
fn run(ledger: &mut Ledger<SimulatedDisk>, workload: &Workload, history: &mut History) {
    for group in workload {
        let already = history.acknowledged.len();
        let issued: Vec<Issued> = group
            .iter()
            .enumerate()
            .map(|(index, length)| Issued {
                kind: (already + index) as u8,
                payload: payload(already + index, *length),
            })
            .collect();
        let entries: Vec<Entry<'_>> = issued
            .iter()
            .map(|record| Entry {
                kind: record.kind,
                payload: &record.payload,
            })
            .collect();
        match ledger.append_group(&entries, Reserve::Ordinary) {
            Ok(_) => history.acknowledged.extend(issued),
            Err(error) => {
                if error.fate() == Fate::Unknown {
                    history.in_flight = issued;
                }
                return;
            }
        }
    }
}

/// All records of a ledger, or what stopped the replay.
fn records(ledger: &mut Ledger<SimulatedDisk>) -> Result<Vec<Issued>, String> {
    let mut found = Vec::new();
    let replayed = ledger.replay(|record| {
        found.push(Issued {
            kind: record.kind,
            payload: record.payload.to_vec(),
        });
        Ok::<(), ()>(())
    });
    replayed.map_err(|error| format!("replay stopped: {error:?}"))?;
    Ok(found)
}

/// Opens `disk` and demands that it takes records and shows what `history` admits.
fn recovers(disk: SimulatedDisk, history: &History) -> Result<Ledger<SimulatedDisk>, String> {
    let (mut ledger, report) =
        Ledger::open(disk).map_err(|error| format!("does not open: {error}"))?;
    if let Some(reason) = report.read_only {
        return Err(format!("read-only: {reason}"));
    }
    let found = records(&mut ledger)?;
    if ledger.records() != found.len() as u64 {
        let counted = ledger.records();
        return Err(format!("{} records found, {counted} counted", found.len()));
    }
    if !history.admits(&found) {
        return Err(format!(
            "{} records found, {} acknowledged, {} in flight",
            found.len(),
            history.acknowledged.len(),
            history.in_flight.len()
        ));
    }
    Ok(ledger)
}

/// Opens `disk` and demands that it shows all of `history`, or is read-only with a reason.
fn recovers_or_stops(disk: SimulatedDisk, history: &History) -> Outcome {
    match Ledger::open(disk) {
        Err(_) => Ok(1),
        Ok((_, report)) if report.read_only.is_some() => Ok(1),
        Ok((mut ledger, _)) => {
            let found = records(&mut ledger)?;
            if history.admits(&found) {
                Ok(0)
            } else {
                Err(format!(
                    "silently wrong: {} records found, {} acknowledged",
                    found.len(),
                    history.acknowledged.len()
                ))
            }
        }
    }
}

/// A recovered ledger has to go on: one more record, and all of it sound afterwards.
fn goes_on(mut ledger: Ledger<SimulatedDisk>) -> Result<(), String> {
    let before = records(&mut ledger)?;
    let mut history = History {
        acknowledged: before,
        in_flight: Vec::new(),
    };
    run(&mut ledger, &vec![vec![700, 70]], &mut history);
    if !history.in_flight.is_empty() {
        return Err(String::from("takes no record after recovery"));
    }
    let report = ledger.verify();
    if !report.sound {
        return Err(format!("not sound after recovery: {:?}", report.findings));
    }
    let disk = ledger
        .into_device()
        .crash(|_| crate::simulated::SectorFate::Old);
    recovers(disk, &history).map(|_| ())
}

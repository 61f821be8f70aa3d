//! What an append and a recovery cost without a device's own time: `cargo bench -p ledger`.
//!
//! Prints figures and asserts none. The disk is memory, so that all of the time is the ledger's own;
//! `cargo xtask bench --only ledger` races it on a file, flushes and all, with other stores.

use std::time::{Duration, Instant};

use ledger::{BlockDevice, DeviceError, Entry, Ledger, Reserve, Seed};

const SECTOR: u64 = 512;
const PAYLOAD: [u8; 512] = [0x42; 512];
/// Records of a ledger that is recovered.
const RECOVERED: u64 = 100_000;
/// Records that are appended one by one, and in groups.
const APPENDED: u64 = 8_000;
/// Rounds of which the median counts.
const ROUNDS: usize = 5;

/// A perfect device in memory, with flushes that cost nothing.
struct Memory(Vec<u8>);

fn range(sector: u64, bytes: usize) -> std::ops::Range<usize> {
    let start = usize::try_from(sector * SECTOR).unwrap_or(usize::MAX);
    start..start.saturating_add(bytes)
}

impl BlockDevice for Memory {
    fn sector_count(&self) -> u64 {
        self.0.len() as u64 / SECTOR
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let bytes = self.0.get(range(sector, buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(DeviceError::OutOfRange)?);
        Ok(())
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        let place = self.0.get_mut(range(sector, data.len()));
        place.ok_or(DeviceError::OutOfRange)?.copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// A new ledger on a device of `mib` MiB.
fn new_ledger(mib: usize) -> Ledger<Memory> {
    let mut device = Memory(vec![0; mib << 20]);
    let seed = Seed {
        device_uuid: *b"bench-device-id!",
        epoch: *b"an epoch of ours",
    };
    assert_eq!(ledger::format(&mut device, seed), Ok(()));
    open(device)
}

fn open(device: Memory) -> Ledger<Memory> {
    let opened = Ledger::open(device);
    assert!(opened.is_ok(), "a perfect device opens");
    let Ok((ledger, _)) = opened else {
        std::process::exit(1);
    };
    ledger
}

/// Appends `count` records, `group` at a time.
fn append(ledger: &mut Ledger<Memory>, count: u64, group: usize) {
    let entry = Entry {
        kind: 1,
        payload: &PAYLOAD,
    };
    let entries = vec![entry; group];
    for _ in 0..count / group as u64 {
        let receipt = ledger.append_group(&entries, Reserve::Emergency);
        assert!(receipt.is_ok(), "a perfect device takes every record");
    }
}

/// Prints the median of the rounds' times, divided by `count`, as figures are read by xtask.
fn report(what: &str, count: u64, mut rounds: Vec<Duration>) {
    rounds.sort_unstable();
    let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
    println!(
        "{what:<56} {:12.0} ns",
        median.as_secs_f64() * 1e9 / count as f64
    );
}

/// The time that `body` takes.
fn time(body: impl FnOnce()) -> Duration {
    let began = Instant::now();
    body();
    began.elapsed()
}

fn main() {
    for group in [1, 16] {
        let round = |_| {
            let mut ledger = new_ledger(80);
            time(|| append(&mut ledger, APPENDED, group))
        };
        let what = format!("append a record of 512 B, {group} in a commit");
        report(&what, APPENDED, (0..ROUNDS).map(round).collect());
    }
    let mut ledger = new_ledger(900);
    append(&mut ledger, RECOVERED, 16);
    let mut recoveries = Vec::new();
    let mut replays = Vec::new();
    for _ in 0..ROUNDS {
        let device = ledger.into_device();
        let began = Instant::now();
        ledger = open(device);
        recoveries.push(began.elapsed());
        assert_eq!(ledger.records(), RECOVERED);
        replays.push(time(|| {
            let replayed = ledger.replay(|_| Ok::<(), ()>(()));
            assert_eq!(replayed, Ok(()));
        }));
    }
    report("recover 100,000 records of 512 B", 1, recoveries);
    report("replay 100,000 records of 512 B", 1, replays);
}

//! What an append and a recovery cost: `cargo bench -p ledger`.
//!
//! Prints figures and asserts none: in memory (the ledger's own work), on a file with
//! `fdatasync` (what an operator would see), and the bare cost of that flush beside it.

use std::fs::{File, OpenOptions};
use std::io::Error;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use ledger::{BlockDevice, DeviceError, Entry, Ledger, Reserve, Seed, format};

const SECTOR: u64 = 512;
const PAYLOAD: [u8; 512] = [0x42; 512];

/// A seed of its own for each formatting: an epoch must never be used twice.
fn seed(number: u8) -> Seed {
    Seed {
        device_uuid: *b"bench-device-id!",
        epoch: [number; 16],
    }
}

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

/// A file whose flush is `fdatasync`; counts what it is asked.
struct OnFile {
    file: File,
    sectors: u64,
    flushes: u64,
    bytes_written: u64,
}

impl OnFile {
    fn create(path: &Path, bytes: u64) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        // Allocated beforehand, as a disk is: no flush has to grow the file.
        let zeros = vec![0; 1 << 20];
        for offset in (0..bytes).step_by(zeros.len()) {
            file.write_all_at(&zeros, offset)?;
        }
        file.sync_all()?;
        Ok(OnFile {
            file,
            sectors: bytes / SECTOR,
            flushes: 0,
            bytes_written: 0,
        })
    }
}

impl BlockDevice for OnFile {
    fn sector_count(&self) -> u64 {
        self.sectors
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let read = self.file.read_exact_at(buffer, sector * SECTOR);
        read.map_err(|_| DeviceError::Read)
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.bytes_written += data.len() as u64;
        let written = self.file.write_all_at(data, sector * SECTOR);
        written.map_err(|_| DeviceError::Write)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.flushes += 1;
        self.file.sync_data().map_err(|_| DeviceError::Flush)
    }
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn micros_each(count: u64, time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

/// Appends `count` records, `group` at a time, and returns how long it took.
fn append<D: BlockDevice>(ledger: &mut Ledger<D>, count: u64, group: usize) -> Duration {
    let entries = vec![
        Entry {
            kind: 1,
            payload: &PAYLOAD,
        };
        group
    ];
    let start = Instant::now();
    for _ in 0..count / group as u64 {
        let receipt = ledger.append_group(&entries, Reserve::Emergency);
        assert!(receipt.is_ok(), "the bench's device takes every record");
    }
    start.elapsed()
}

fn in_memory() {
    let records = 8_000;
    for group in [1, 16] {
        let mut device = Memory(vec![0; 64 << 20]);
        let made = format(&mut device, seed(1));
        assert_eq!(made, Ok(()));
        let Ok((mut ledger, _)) = Ledger::open(device) else {
            return;
        };
        let time = append(&mut ledger, records, group);
        println!(
            "append 512 B, memory, groups of {group:2}: {:9.0} records/s, {:6.2} us each",
            rate(records, time),
            micros_each(records, time)
        );
    }
}

fn recovery() {
    let records = 100_000;
    let mut device = Memory(vec![0; 900 << 20]);
    let made = format(&mut device, seed(1));
    assert_eq!(made, Ok(()));
    let Ok((mut ledger, _)) = Ledger::open(device) else {
        return;
    };
    append(&mut ledger, records, 16);
    let mut device = ledger.into_device();
    for turn in 1..=3 {
        let start = Instant::now();
        let opened = Ledger::open(&mut device);
        let time = start.elapsed();
        let records = opened.map_or(0, |(ledger, _)| ledger.records());
        println!(
            "recover {records} records of 512 B, memory, turn {turn}: {:7.1} ms",
            time.as_secs_f64() * 1e3
        );
    }
    let Ok((mut ledger, _)) = Ledger::open(&mut device) else {
        return;
    };
    let start = Instant::now();
    let mut bytes = 0;
    let replayed = ledger.replay(|record| {
        bytes += record.payload.len();
        Ok::<(), ()>(())
    });
    let time = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(replayed, Ok(()));
    println!("replay {records} records ({bytes} bytes), memory: {time:7.1} ms");
}

fn on_file() -> Result<(), Error> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ledger-bench.img");
    let mut device = OnFile::create(&path, 64 << 20)?;
    let count = 300;
    let start = Instant::now();
    for turn in 0..count {
        device
            .file
            .write_all_at(&[u8::from(turn % 2 == 0); 4096], 1 << 20)?;
        device.file.sync_data()?;
    }
    let time = start.elapsed();
    println!(
        "4 KiB write and fdatasync alone:  {:9.0} a second, {:6.0} us each",
        rate(count, time),
        micros_each(count, time)
    );
    for group in [1_u8, 16] {
        let made = format(&mut device, seed(group));
        assert_eq!(made, Ok(()));
        let Ok((mut ledger, _)) = Ledger::open(&mut device) else {
            return Ok(());
        };
        let device_before = ledger.device_mut();
        let (flushes, bytes) = (device_before.flushes, device_before.bytes_written);
        let records = (600 * u64::from(group)).min(4_800);
        let time = append(&mut ledger, records, usize::from(group));
        let device_after = ledger.device_mut();
        println!(
            "append 512 B, file, groups of {group:2}:   {:9.0} records/s, {:6.0} us each, \
             {:.3} flushes and {} bytes written per record",
            rate(records, time),
            micros_each(records, time),
            (device_after.flushes - flushes) as f64 / records as f64,
            (device_after.bytes_written - bytes) / records
        );
    }
    drop(device);
    std::fs::remove_file(&path)
}

fn main() -> Result<(), Error> {
    in_memory();
    on_file()?;
    recovery();
    Ok(())
}

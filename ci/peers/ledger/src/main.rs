//! Durable commits of 512-byte records: the ledger, SQLite and redb, in turn on one file system.
//!
//! `ledger-peers FOLDER [ROUNDS]` makes its files in FOLDER and prints a table; each line of it ends
//! in nanoseconds for one record. Each contestant commits durably: ours writes three copies, flushes
//! with `fdatasync` and reads all of them back; SQLite runs with `synchronous=FULL`, in WAL mode and
//! with a rollback journal; redb with its default, immediate durability. All rounds alternate, and the
//! median counts, so that a slow moment of the disk hits everybody.

mod file;
mod ours;
mod redb_peer;
mod sqlite;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

/// What every record holds.
pub(crate) const PAYLOAD: [u8; 512] = [0x42; 512];
/// Commits of a round: few, so that all contestants meet the same moods of the disk.
const COMMITS: u64 = 10;
/// Rounds for each one that was asked for.
const ROUNDS_EACH: u32 = 12;
/// Records of a commit that carries several.
pub(crate) const GROUP: u64 = 16;

pub(crate) type Failure = Box<dyn Error>;

/// What was spent so far, apart from time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Flushes, where they can be counted.
    pub(crate) flushes: Option<u64>,
    /// Time within flushes, where it can be told apart.
    pub(crate) flushing: Option<Duration>,
}

/// Something that commits records durably.
pub(crate) trait Contestant {
    fn name(&self) -> &'static str;

    /// Commits `records` records at once, and returns when they are durable.
    fn commit(&mut self, records: u64) -> Result<(), Failure>;

    /// What was spent since the beginning.
    fn spent(&self) -> Spent;
}

/// One contestant's rounds with one number of records in a commit.
#[derive(Default)]
struct Score {
    /// Nanoseconds for one record, of each round.
    each_ns: Vec<f64>,
    own_ns: Vec<f64>,
    flushes: Option<f64>,
    bytes: f64,
}

/// Bytes that this process gave to `write` calls so far.
fn bytes_written() -> Result<u64, Failure> {
    let io = std::fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    Ok(line.ok_or("/proc/self/io has no wchar")?.trim().parse()?)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn each(total: f64, count: u64) -> f64 {
    total / count as f64
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

fn round(contestant: &mut dyn Contestant, records: u64, score: &mut Score) -> Result<(), Failure> {
    // One commit that does not count: files grow and caches fill in it.
    contestant.commit(records)?;
    let (before, written) = (contestant.spent(), bytes_written()?);
    let began = Instant::now();
    for _ in 0..COMMITS {
        contestant.commit(records)?;
    }
    let time = began.elapsed();
    let (after, written) = (contestant.spent(), bytes_written()?.saturating_sub(written));
    let total = COMMITS * records;
    score.each_ns.push(each(nanoseconds(time), total));
    if let (Some(before), Some(after)) = (before.flushing, after.flushing) {
        let own = time.saturating_sub(after.saturating_sub(before));
        score.own_ns.push(each(nanoseconds(own), total));
    }
    let flushes = after.flushes.zip(before.flushes);
    score.flushes = flushes.map(|(after, before)| {
        #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
        let count = (after - before) as f64;
        each(count, COMMITS)
    });
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let bytes = written as f64;
    score.bytes = each(bytes, COMMITS);
    Ok(())
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn race(contestants: &mut [Box<dyn Contestant>], records: u64, rounds: u32) -> Result<(), Failure> {
    let mut scores: Vec<Score> = contestants.iter().map(|_| Score::default()).collect();
    for _ in 0..rounds.saturating_mul(ROUNDS_EACH) {
        for (contestant, score) in contestants.iter_mut().zip(&mut scores) {
            round(contestant.as_mut(), records, score)?;
        }
    }
    let noun = if records == 1 { "record" } else { "records" };
    println!("\n{records} {noun} of 512 B in each durable commit");
    let mut ours = None;
    for (contestant, score) in contestants.iter().zip(&mut scores) {
        let Some(each_ns) = median(&mut score.each_ns) else {
            continue;
        };
        let ours = *ours.get_or_insert(each_ns);
        let flushes = score.flushes.map_or_else(
            || String::from("  not counted"),
            |it| format!("{it:5.2} flushes"),
        );
        let own = median(&mut score.own_ns).map_or_else(
            || String::from("                  "),
            |own| format!("{:7.1} us own work", own / 1e3),
        );
        println!(
            "{:<30} {:9.0} records/s  {:5.2} times ours  {flushes} and {:7.0} B a commit  {own}  {each_ns:11.0} ns",
            contestant.name(),
            1e9 / each_ns,
            ours / each_ns,
            score.bytes,
        );
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or("usage: ledger-peers FOLDER [ROUNDS]")?;
    let rounds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut contestants: Vec<Box<dyn Contestant>> = vec![
        Box::new(ours::Ours::create(folder)?),
        Box::new(sqlite::Sqlite::create(folder, sqlite::Journal::Wal)?),
        Box::new(sqlite::Sqlite::create(folder, sqlite::Journal::Rollback)?),
        Box::new(redb_peer::Redb::create(folder)?),
        Box::new(file::Bare::create(folder)?),
    ];
    for records in [1, GROUP] {
        race(&mut contestants, records, rounds)?;
    }
    Ok(())
}

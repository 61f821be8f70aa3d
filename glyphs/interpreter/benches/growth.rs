//! How loading grows with the number of glyphs: `cargo bench -p glyph-interpreter --bench growth`.
//!
//! Prints a table and a plot; with `-- --page` it writes them into `docs/glyphs-performance.md`. Each
//! size is loaded in a process of its own, so that one size's memory does not count for another.
//!
//! The time is what the processor spent, the mean of some rounds; the memory is the most that a load needs beside its files.

#![expect(
    clippy::unwrap_used,
    reason = "a broken expectation stops the benchmark"
)]

#[path = "growth/many.rs"]
mod many;

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

/// Glyphs of each size, and rounds of which the mean is told.
const SIZES: [(usize, u32); 7] = [
    (1_000, 300),
    (3_000, 100),
    (10_000, 30),
    (30_000, 10),
    (100_000, 3),
    (300_000, 1),
    (1_000_000, 1),
];

/// The page, and the marks between which it shows what was measured.
const PAGE: &str = "../../docs/glyphs-performance.md";
const BEGIN: &str =
    "<!-- cargo bench -p glyph-interpreter --bench growth -- --page: from here -->\n";
const END: &str = "<!-- to here -->\n";

/// What loading one vault took.
struct Point {
    glyphs: usize,
    nanoseconds: f64,
    kibibytes: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse().ok());
    if let (Some("--size"), Some(glyphs), Some(rounds)) =
        (arguments.first().map(String::as_str), number(1), number(2))
    {
        measure(glyphs, u32::try_from(rounds).unwrap());
        return;
    }
    let points: Vec<Point> = SIZES.map(|(glyphs, rounds)| apart(glyphs, rounds)).into();
    let shown = shown(&points);
    print!("{shown}");
    println!("growth, all files in memory");
    for point in &points {
        let each = point.nanoseconds / point.glyphs as f64;
        println!("loading each of {} glyphs: {each:.1} ns", point.glyphs);
    }
    if arguments.iter().any(|argument| argument == "--page") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        let page = fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        fs::write(path, format!("{before}{BEGIN}{shown}{END}{after}")).unwrap();
    }
}

/// Measures one size in a process of its own.
fn apart(glyphs: usize, rounds: u32) -> Point {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--size", &glyphs.to_string(), &rounds.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = text
        .split(' ')
        .map(|word| word.trim().parse().unwrap())
        .collect();
    Point {
        glyphs,
        nanoseconds: numbers[0],
        kibibytes: numbers[1],
    }
}

/// Loads `glyphs` glyphs and prints the mean nanoseconds and the kibibytes of the first round.
fn measure(glyphs: usize, rounds: u32) {
    let files = many::files(glyphs);
    // Forgets the peak that making the files had.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let (mut sum, mut kibibytes) = (0.0, 0.0);
    for round in 0..rounds {
        let begin = on_processor();
        let (vault, errors) = many::load(black_box(&files), u64::MAX);
        sum += on_processor() - begin;
        assert!(vault.len() == glyphs && errors == 0);
        if round == 0 {
            kibibytes = status("VmHWM:") - before;
        }
    }
    println!("{} {kibibytes}", sum / f64::from(rounds));
}

/// Nanoseconds that this thread has run so far, as the scheduler counts them: what other programs do
/// costs it none. It counts in steps of some milliseconds, therefore a mean over many rounds is told.
fn on_processor() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// A number of this process's status, in KiB.
fn status(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The table, and the plot: both axes in powers, so that a straight line of this slope is linear growth.
fn shown(points: &[Point]) -> String {
    let mut text =
        String::from("| glyphs | time | a glyph | memory | a glyph |\n|---|---|---|---|---|\n");
    for point in points {
        let glyphs = point.glyphs as f64;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.1} ms | {:.0} ns | {:.1} MiB | {:.0} bytes |",
            point.glyphs,
            point.nanoseconds / 1e6,
            point.nanoseconds / glyphs,
            point.kibibytes / 1024.0,
            point.kibibytes * 1024.0 / glyphs
        );
    }
    text.push_str("\n```text\n");
    text.push_str(&plot(
        "time",
        points,
        |point| point.nanoseconds / 1e6,
        " ms",
    ));
    text.push('\n');
    text.push_str(&plot(
        "memory",
        points,
        |point| point.kibibytes / 1024.0,
        " MiB",
    ));
    text.push_str("```\n");
    text
}

/// A bar for each size, ten columns for each power of ten above the least that is shown.
fn plot(name: &str, points: &[Point], value: impl Fn(&Point) -> f64, unit: &str) -> String {
    let mut text = format!("{name}, ten columns for each power of ten\n");
    let least = points.iter().map(&value).fold(f64::INFINITY, f64::min);
    for point in points {
        let value = value(point);
        let reached = |column: &i32| least * 10_f64.powf(f64::from(*column) / 10.0) <= value;
        let columns = (0..100).filter(reached).count();
        let bar = "#".repeat(columns);
        let _ = writeln!(text, "{:>8} {bar} {value:.1}{unit}", point.glyphs);
    }
    text
}

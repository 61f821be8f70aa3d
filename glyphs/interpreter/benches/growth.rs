//! How loading grows with the number of glyphs: `cargo bench -p glyph-interpreter --bench growth`.
//!
//! Prints a table and a plot; with `-- --page` it writes them into `docs/glyphs-performance.md`. Each
//! load is the first of a process of its own, so that no load finds memory that another left behind: a small
//! vault pays for its pages as a large one does.
//!
//! The time is what the processor spent, the median of some loads; the memory is the most that a load needs
//! beside its files. Instructions are counted by callgrind where there is one, and may not grow: time does
//! with what the caches do not hold, instructions only with more work.

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

/// Glyphs of each size, and loads of which the median is told.
const SIZES: [(usize, u32); 7] = [
    (1_000, 101),
    (3_000, 51),
    (10_000, 31),
    (30_000, 15),
    (100_000, 9),
    (300_000, 7),
    (1_000_000, 5),
];

/// Largest vault of which the instructions are counted: callgrind takes half a minute for it.
const COUNTED_MAX: usize = 100_000;
/// How many times the instructions of the smallest vault a glyph may take.
const INSTRUCTIONS_GROWTH_MAX: f64 = 1.02;
/// Sizes that are loaded with file names that tell nothing of the ids, too.
const SCATTERED: [(usize, u32); 2] = [(10_000, 31), (1_000_000, 5)];

/// The page, and the marks between which it shows what was measured.
const PAGE: &str = "../../docs/glyphs-performance.md";
const BEGIN: &str =
    "<!-- cargo bench -p glyph-interpreter --bench growth -- --page: from here -->\n";
const END: &str = "<!-- to here -->\n";

/// How the files are named.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    /// After the glyphs, as people name them.
    Ids,
    /// So that their order has nothing to do with that of the ids.
    Scattered,
}

impl Names {
    /// As the word that tells a process.
    fn word(self) -> &'static str {
        match self {
            Names::Ids => "ids",
            Names::Scattered => "scattered",
        }
    }

    /// Files of `count` glyphs that are named so.
    fn files(self, count: usize) -> Vec<(String, String)> {
        let mut files = many::files(count);
        if self == Names::Scattered {
            for (n, (name, _)) in files.iter_mut().enumerate() {
                // A prime that divides none of the counts: each number once.
                *name = format!("g{:07}.gdf", n * 104_729 % count);
            }
        }
        files
    }
}

/// What loading one vault took.
struct Point {
    glyphs: usize,
    nanoseconds: f64,
    kibibytes: f64,
    /// For each glyph, where they were counted.
    instructions: Option<f64>,
}

impl Point {
    /// The median of `rounds` loads, each in a process of its own.
    fn measured(glyphs: usize, rounds: u32, names: Names) -> Self {
        let mut loads: Vec<(f64, f64)> = (0..rounds).map(|_| apart(glyphs, names)).collect();
        loads.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (nanoseconds, kibibytes) = loads[loads.len() / 2];
        Point {
            glyphs,
            nanoseconds,
            kibibytes,
            instructions: None,
        }
    }

    fn each(&self, sum: f64) -> f64 {
        sum / self.glyphs as f64
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [task, glyphs, names] = arguments.as_slice()
        && let Some(names) = [Names::Ids, Names::Scattered]
            .into_iter()
            .find(|known| known.word() == names)
    {
        let files = names.files(glyphs.parse().unwrap());
        if task == "load" {
            measure(&files);
        }
        return;
    }
    let mut points: Vec<Point> = SIZES
        .map(|(glyphs, rounds)| Point::measured(glyphs, rounds, Names::Ids))
        .into();
    let scattered =
        SCATTERED.map(|(glyphs, rounds)| Point::measured(glyphs, rounds, Names::Scattered));
    for point in points
        .iter_mut()
        .filter(|point| point.glyphs <= COUNTED_MAX)
    {
        let all = |task| instructions(task, point.glyphs);
        let load = all("load").zip(all("files"));
        point.instructions = load.map(|(load, files)| point.each(load - files));
    }
    let shown = shown(&points, &scattered);
    print!("{shown}");
    println!("growth, all files in memory");
    for point in &points {
        let each = point.each(point.nanoseconds);
        println!("loading each of {} glyphs: {each:.1} ns", point.glyphs);
    }
    let mut counts = points.iter().filter_map(|point| point.instructions);
    let first = counts.next().unwrap_or(0.0);
    assert!(
        counts.all(|count| count <= first * INSTRUCTIONS_GROWTH_MAX),
        "a glyph of a larger vault takes more instructions"
    );
    if arguments.iter().any(|argument| argument == "--page") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        let page = fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        fs::write(path, format!("{before}{BEGIN}{shown}{END}{after}")).unwrap();
    }
}

/// Nanoseconds and kibibytes of one load in a process of its own.
fn apart(glyphs: usize, names: Names) -> (f64, f64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["load", &glyphs.to_string(), names.word()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (nanoseconds, kibibytes) = text.trim().split_once(' ').unwrap();
    (nanoseconds.parse().unwrap(), kibibytes.parse().unwrap())
}

/// Instructions of a process that makes the files, and also loads them if that is its task; `None` without
/// valgrind.
fn instructions(task: &str, glyphs: usize) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args([task, &glyphs.to_string(), Names::Ids.word()])
        .output()
        .ok()?;
    let words = String::from_utf8_lossy(&output.stderr);
    let (_, count) = words.rsplit_once("Collected : ")?;
    count.lines().next()?.trim().parse().ok()
}

/// Loads the files and prints the nanoseconds and the kibibytes that it took.
fn measure(files: &[(String, String)]) {
    // Forgets the peak that making the files had.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let begin = on_processor();
    let (vault, errors) = many::load(black_box(files), u64::MAX);
    let nanoseconds = on_processor() - begin;
    assert!(vault.len() == files.len() && errors == 0);
    println!("{nanoseconds} {}", status("VmHWM:") - before);
}

/// Nanoseconds that this thread has run so far, as the scheduler counts them: what other programs do
/// costs it none but the caches that they share.
fn on_processor() -> f64 {
    // The scheduler brings its count up to date when a thread offers to wait.
    std::thread::yield_now();
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

/// The table, the growth and the plot: both axes in powers, so that a straight line of this slope is linear
/// growth.
fn shown(points: &[Point], scattered: &[Point]) -> String {
    let mut text = String::from(
        "| glyphs | time | a glyph | instructions a glyph | memory | a glyph |\n|---|---|---|---|---|---|\n",
    );
    for point in points {
        let count = point.instructions;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.1} ms | {:.0} ns | {} | {:.1} MiB | {:.0} bytes |",
            point.glyphs,
            point.nanoseconds / 1e6,
            point.each(point.nanoseconds),
            count.map_or(String::from("-"), |count| format!("{count:.0}")),
            point.kibibytes / 1024.0,
            point.each(point.kibibytes * 1024.0)
        );
    }
    let _ = writeln!(
        text,
        "\nBy least squares, time grows with the power {:.3} of the glyphs and memory with the power {:.3}.\n",
        power(points, |point| point.nanoseconds),
        power(points, |point| point.kibibytes)
    );
    for point in scattered {
        let _ = writeln!(
            text,
            "- {} glyphs in files whose names tell nothing of the ids: {:.1} ms, {:.0} ns a glyph",
            point.glyphs,
            point.nanoseconds / 1e6,
            point.each(point.nanoseconds)
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

/// The power of the number of glyphs with which a value grows: the slope of the straight line through the
/// logarithms that is nearest by least squares.
fn power(points: &[Point], value: impl Fn(&Point) -> f64) -> f64 {
    let logarithms = points
        .iter()
        .map(|point| ((point.glyphs as f64).ln(), value(point).ln()));
    let count = points.len() as f64;
    let sum = logarithms
        .clone()
        .fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let mean = (sum.0 / count, sum.1 / count);
    let (products, squares) = logarithms.fold((0.0, 0.0), |(products, squares), (x, y)| {
        let x = x - mean.0;
        (products + x * (y - mean.1), squares + x * x)
    });
    products / squares
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

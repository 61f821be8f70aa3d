//! The substrate's side of a race against `ci/peers/substrate.c`: `cargo xtask bench --only substrate`.
//!
//! Serves requests, a line on standard input each, by lines on standard output:
//! - `time OPERATION SIDE COUNT`: nanoseconds of the processor's time that COUNT operations on
//!   SIDE x SIDE cells took, so that other programs on the machine count for little;
//! - `do OPERATION SIDE COUNT`: the same, with no clock read and no answer but 0;
//! - `form NAME`: sums lines up in that form from the next field on, and tells its name: one of
//!   [`Form`]'s, or `quickest`, as at the start;
//! - `bytes SIDE`: bytes of guarded memory for SIDE x SIDE cells;
//! - `values`: what a fixed session leaves in 64 x 64 cells, a cell a line.
//!
//! Invariant: every operation is the one that the peer has under that name, on the same cells
//! with the same numbers.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark has nobody to hand an error to"
)]

use abi::CellIndex;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::io::Write as _;
use substrate::Substrate;
use vector::Form;

/// Ticks after which magnitudes of 1000 have not yet come to rest.
const TICKS_MAX: u64 = 1000;
/// Ticks after which every line has been settled, and none with less than a full replay.
const WARM_UP_TICKS: u32 = 64;

/// A field, and what was done to it.
struct Racer {
    field: Substrate,
    side: u32,
    /// Operations done, so that the next ones go on with other cells.
    done: u64,
    /// Ticks since every cell was written.
    ticks: u64,
}

/// A cell far from the one before: as the peer has it.
fn scattered(index: u64, cells: u64) -> CellIndex {
    CellIndex(index.wrapping_mul(0x9e37_79b9_7f4a_7c15) % cells)
}

/// The processor's time that this thread has had, in nanoseconds.
fn thread_ns() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

impl Racer {
    fn new(side: u32, form: Option<Form>) -> Self {
        let mut field = Substrate::new(side, side).expect("the grid fits");
        if let Some(form) = form {
            field.set_form(form);
        }
        Racer {
            field,
            side,
            done: 0,
            ticks: TICKS_MAX,
        }
    }

    /// Does `count` operations and tells how many nanoseconds of `clock` they took.
    fn time(&mut self, operation: &str, count: u64, clock: fn() -> i64) -> i64 {
        if operation == "tick" {
            self.keep_from_rest(count);
        }
        let cells = self.field.cell_count();
        let numbers = self.done..self.done + count;
        self.done += count;
        let field = &mut self.field;
        let write = |field: &mut Substrate, cell, i: u64| {
            field
                .write(cell, (i % 1000) as f64, 1.0, 2.0)
                .expect("writable");
        };
        let start = clock();
        match operation {
            "read" => numbers.for_each(|i| {
                let cell = field.read(CellIndex(i % cells)).expect("readable");
                black_box(cell.magnitude);
            }),
            "read-scattered" => numbers.for_each(|i| {
                let cell = field.read(scattered(i, cells)).expect("readable");
                black_box(cell.magnitude);
            }),
            "write" => numbers.for_each(|i| write(field, CellIndex(i % cells), i)),
            "write-scattered" => numbers.for_each(|i| write(field, scattered(i, cells), i)),
            "tick" => numbers.for_each(|_| field.tick(1)),
            "wave" => numbers.for_each(|i| {
                let origin = scattered(i, cells);
                field.wave(origin, 1.0, 440.0).expect("whole");
            }),
            "scrub" => numbers.for_each(|_| {
                black_box(field.scrub_all());
            }),
            _ => panic!("no operation {operation}"),
        }
        clock() - start
    }

    /// Writes every cell before its decay comes to rest, which would make ticks cheaper.
    fn keep_from_rest(&mut self, ticks: u64) {
        if self.ticks + ticks > TICKS_MAX {
            for cell in 0..self.field.cell_count() {
                self.field
                    .write(CellIndex(cell), 1000.0, 1.0, 500.0)
                    .expect("writable");
            }
            (0..WARM_UP_TICKS).for_each(|_| self.field.tick(1));
            self.ticks = u64::from(WARM_UP_TICKS);
        }
        self.ticks += ticks;
    }
}

/// The session that both sides have to agree on.
fn values(output: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut field = Substrate::new(64, 64).expect("the grid fits");
    let cells = field.cell_count();
    for i in 0..600 {
        let cell = scattered(i, cells);
        let value = i as f64;
        field
            .write(cell, value, 0.1 * value - 7.0, 2.0 * value)
            .expect("writable");
        let pushed = CellIndex((cell.0 + 65) % cells);
        field
            .force(pushed, [value, 1.0 - value, 0.5])
            .expect("writable");
        if i % 3 == 0 {
            field.tick(1);
        }
        if i % 10 == 0 {
            let origin = CellIndex((cell.0 + 2080) % cells);
            field
                .wave(origin, 0.25 * value, 0.01 * value)
                .expect("whole");
        }
    }
    for cell in 0..cells {
        let cell = field.read(CellIndex(cell)).expect("readable");
        writeln!(
            output,
            "{:e} {:e} {:e} {}",
            cell.magnitude, cell.phase, cell.coherence, cell.last_update
        )?;
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    let mut racer: Option<Racer> = None;
    let mut form = None;
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let side = |word: &str| word.parse().expect("a number of cells");
        let mut of_side = |side: u32| {
            if racer.as_ref().is_none_or(|racer| racer.side != side) {
                // The one before goes first: there may not be room for both.
                racer = None;
            }
            racer.take().unwrap_or_else(|| Racer::new(side, form))
        };
        match *words {
            [what @ ("time" | "do"), operation, cells, count] => {
                let clock = if what == "time" { thread_ns } else { || 0 };
                let mut one = of_side(side(cells));
                let time = one.time(operation, count.parse().expect("a count"), clock);
                writeln!(output, "{time}")?;
                racer = Some(one);
            }
            ["form", name] => {
                form = Form::named(name);
                racer = None;
                writeln!(output, "{}", form.unwrap_or_else(Form::quickest).name())?;
            }
            ["bytes", cells] => {
                let one = of_side(side(cells));
                writeln!(output, "{}", one.field.memory_bytes())?;
                racer = Some(one);
            }
            ["values"] => values(&mut output)?,
            _ => panic!("no request {line:?}"),
        }
        output.flush()?;
    }
    Ok(())
}

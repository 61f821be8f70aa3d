//! Prints what each operation costs: `cargo bench -p substrate`.
//!
//! The best of several rounds, in nanoseconds, so that other load on the machine shows least.
#![expect(
    clippy::expect_used,
    reason = "a benchmark has nobody to hand an error to"
)]

use abi::CellIndex;
use abi::request::Pair;
use std::hint::black_box;
use std::time::Instant;
use substrate::Substrate;

/// Rounds of which the best is printed.
const ROUNDS: u32 = 15;

/// Times `operation` on a field that `prepare` has made ready, outside of the time taken.
fn measure_on(
    name: &str,
    repeats: u32,
    field: &mut Substrate,
    mut prepare: impl FnMut(&mut Substrate),
    mut operation: impl FnMut(&mut Substrate, u32),
) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        prepare(field);
        let start = Instant::now();
        for index in 0..repeats {
            operation(field, index);
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<44} {:>12.1} ns", best / f64::from(repeats) * 1e9);
}

fn measure(
    name: &str,
    repeats: u32,
    field: &mut Substrate,
    operation: impl FnMut(&mut Substrate, u32),
) {
    measure_on(name, repeats, field, |_| (), operation);
}

fn scattered(index: u32, cells: u64) -> CellIndex {
    CellIndex(u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15) % cells)
}

/// Writes every cell, so that its decay is far from rest.
fn refill(field: &mut Substrate) {
    for cell in 0..field.cell_count() {
        field
            .write(CellIndex(cell), 1000.0, 1.0, 500.0)
            .expect("writable");
    }
}

fn bench_cells(field: &mut Substrate, cells: u64) {
    measure("verified read, scattered", 1 << 16, field, |field, i| {
        black_box(field.read(scattered(i, cells)).expect("readable"));
    });
    measure("verified read, in order", 1 << 12, field, |field, i| {
        black_box(
            field
                .read(CellIndex(u64::from(i) % cells))
                .expect("readable"),
        );
    });
    measure("guarded write, scattered", 1 << 16, field, |field, i| {
        field
            .write(scattered(i, cells), f64::from(i % 1000), 1.0, 2.0)
            .expect("writable");
    });
    measure("guarded write, phase 1e300", 1 << 16, field, |field, i| {
        field
            .write(scattered(i, cells), f64::from(i % 1000), 1e300, 2.0)
            .expect("writable");
    });
    measure("force", 1 << 14, field, |field, i| {
        let cell = scattered(i, cells);
        field.force(cell, [0.1, 0.2, 0.3]).expect("writable");
    });
    measure("wave", 1 << 10, field, |field, i| {
        let origin = scattered(i, cells);
        field.wave(origin, 1.0, 440.0).expect("whole");
    });
}

fn bench_grid(side: u32) {
    let mut field = Substrate::new(side, side).expect("the grid fits");
    let field = &mut field;
    let cells = field.cell_count();
    println!("{side} x {side} cells, {} KiB", field.memory_bytes() / 1024);
    bench_cells(field, cells);
    // 512 ticks take the magnitudes from 1000 to 6: none rests at the floor.
    measure_on("tick", 512, field, refill, |field, _| field.tick(1));
    measure_on("tick and a read", 512, field, refill, |field, i| {
        field.tick(1);
        black_box(field.read(scattered(i, cells)).expect("readable"));
    });
    let pairs = [Pair {
        amplitude: 1.0,
        phase: 2.0,
    }; 8];
    measure("superpose 8 pairs", 1 << 12, field, |field, i| {
        let cell = CellIndex(u64::from(i) % cells);
        field.superpose(cell, &pairs).expect("room");
    });
    measure("status", 4, field, |field, _| {
        black_box(field.status());
    });
    measure("digest", 2, field, |field, _| {
        black_box(field.digest());
    });
    measure("scrub", 4, field, |field, _| {
        black_box(field.scrub_all());
    });
    println!();
}

fn main() {
    println!("checksum: multilinear over halves of words, SSE2 or portable, no run-time choice");
    for side in [64, 256, 1024] {
        bench_grid(side);
    }
}

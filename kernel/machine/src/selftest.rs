//! Checks that a person can ask the running machine for.
//!
//! Owns nothing: each check looks at live state and says what it found.

use core::fmt;

use crate::cpu::stack::{MAIN_STACK_BYTES, main_used_bytes_max};
use crate::entropy::EntropyError;
use crate::memory::{heap, paging};
use crate::{clock, entropy, interrupts};

pub use paging::{Audit, audit as page_table_audit};

/// How far two readings of the clock are apart in the check that it runs.
const CLOCK_LOOK_COUNT_MAX: u32 = 1_000_000;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// The machine does not have what would be checked.
    Absent,
}

/// One check by name.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// What was found.
    pub outcome: Outcome,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Absent => "absent",
        };
        write!(f, "{}: {outcome}", self.name)
    }
}

/// Runs all checks of the machine.
pub fn run() -> [Check; 6] {
    let check = |name, is_good: bool| Check {
        name,
        outcome: if is_good {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
    };
    let random_numbers = match entropy::fill(&mut [0; 32]) {
        Ok(()) => Outcome::Passed,
        Err(EntropyError::Unavailable) => Outcome::Absent,
        Err(EntropyError::Dry | EntropyError::Stuck) => Outcome::Failed,
    };
    let heap = heap::heap_stats();
    let stack_used_bytes = main_used_bytes_max();
    [
        check(
            "page tables: nothing writable and executable, guards unmapped",
            page_table_audit().is_sound(),
        ),
        check("clock advances", is_clock_advancing()),
        check("timer ticks", interrupts::ticks() > 0),
        check(
            "heap within its bound",
            heap.size_bytes > 0 && heap.peak_bytes <= heap.size_bytes,
        ),
        check(
            "main stack less than half used",
            stack_used_bytes < MAIN_STACK_BYTES as u64 / 2,
        ),
        Check {
            name: "random numbers of the processor",
            outcome: random_numbers,
        },
    ]
}

fn is_clock_advancing() -> bool {
    let start = clock::monotonic_ns();
    (0..CLOCK_LOOK_COUNT_MAX).any(|_| clock::monotonic_ns() > start)
}

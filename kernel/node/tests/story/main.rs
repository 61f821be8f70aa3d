//! Stories told to a node on the host, line by line as an operator types them.
//!
//! The machine, its clock and its disk are simulated; everything else is what the kernel runs.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod damaged_vault;
mod emergency;
mod field;
mod filling;
mod metrics;
mod offline;
mod page;
mod policy;
mod recorded;
mod refusals;
mod simulation;
mod substrate_page;
mod trust;
mod vault;

//! The built program, run as an operator runs it.
//!
//! Keys, vaults and images are made here; nodes are a listening socket and the node's own
//! crates. No test asserts how long something takes; waits have limits so that a failure ends.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod activate;
mod backup;
mod bridge;
mod console;
mod export;
mod folder;
mod keys;
mod ledger;
mod program;
mod station;
mod vault;
mod vault_archive;

//! The boot-smoke matrix: the shipped files, started in every way that is promised.
//!
//! Owns the list of cases, what a started node has to do to pass, the stories that are told to a
//! running node, and the controls that show that a broken node does not pass. Called by `cargo xtask smoke`.
//!
//! Invariants:
//! - the files that are tested are the files that ship: no test build, no test option;
//! - each case leaves the whole serial log, passed or failed;
//! - the judge that passes a node is the same function that the controls must fail.

#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod boot_sector;
mod case;
pub mod cases;
mod checks;
mod council;
mod draw;
mod glyphctl;
mod model;
mod replay;
mod runner;
mod screen;
mod told;

pub use case::{Case, Failure, Place, Shipped};
pub use runner::{Summary, run};

//! Machine profiles for QEMU and a runner that starts, talks to and kills a node.
//!
//! Owns the one place where a QEMU command line is built ([`Profile`]), the conversation with a
//! running node ([`Session`]) and the verdict on how a machine ended ([`Ending`]).
//! Called by `smoke` and by `cargo xtask run|bench`.
//!
//! Invariants:
//! - every machine runs on `-accel tcg`: one behaviour on every host;
//! - no wait is without a limit, and silence is a failure, never a pass;
//! - a child QEMU never outlives its [`Session`].

#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod arguments;
mod block_log;
mod ending;
mod error;
mod fault;
mod firmware;
mod profile;
mod qmp;
mod reply;
mod rundir;
mod session;
mod terminal;
mod transcript;

pub use block_log::{BlockLog, Entry, LogError};
pub use ending::{Ending, FAREWELL, Verdict};
pub use error::{ProfileError, SessionError};
pub use fault::{DiskFault, Lasting};
pub use firmware::Ovmf;
pub use profile::{
    Firmware, Machine, Media, Port, Profile, Reset, Rng, Screen, Start, Storage, TimeSource,
};
pub use qmp::Qmp;
pub use reply::{Outcome, READY, Ready, Reply, field};
pub use rundir::RunDirectory;
pub use session::{Limits, Session};
pub use terminal::run_on_terminal;
pub use transcript::Transcript;

/// The emulator that every profile runs under.
pub const QEMU: &str = "qemu-system-x86_64";

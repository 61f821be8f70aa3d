//! Types that every part of GlyphOS shares: ids, requests, responses, faults, limits.
//!
//! An operator's line becomes a typed [`Request`]; the node serves it and gives a
//! [`Response`] or a [`Fault`]; the console renders that. The in-kernel console, a ring-3
//! console, `glyphctl` and the host simulator all speak this one pair of types.
//!
//! Invariants:
//! - no dependency, no clock, no randomness, no unsafe code;
//! - an id that exists has been checked: see [`GlyphId::new`], [`RecordId::from_hex`];
//! - numbers of [`FaultCode`] never change meaning once released.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod checkpoint;
pub mod fault;
pub mod governance;
pub mod id;
pub mod key_file;
pub mod limits;
pub mod request;
pub mod response;
pub mod suggest;
pub mod time;
pub mod vault;

pub use checkpoint::Checkpoint;
pub use fault::{Fault, FaultCode};
pub use id::{CellIndex, GlyphId, GuardianId, RecordId, RecordPrefix};
pub use request::Request;
pub use response::Response;

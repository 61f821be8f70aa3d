//! Who decides what: guardians, approvals, emergency overrides, as a pure state machine.
//!
//! The kernel's node and `glyphctl` run this same machine over the records of the ledger; time
//! and entropy are arguments. The way of a step:
//!
//! ```text
//! let mut governance = Governance::new(epoch);
//! for each record of the ledger: governance.apply(seq, &Event::decode(payload)?)?;
//! governance.start();
//! governance.offer(policy);
//! for event in governance.due(now): record it, then governance.apply(seq, &event)?;
//!
//! let decision = governance.decide(command, &Context { now, entropy });
//! if let Some(event) = decision.event: record it, then governance.apply(seq, &event)?;
//! let answer = decision.outcome.map(|reply| governance.reply(reply, now));
//! ```
//!
//! Invariants:
//! - the state is a function of the records: [`Governance::apply`] judges each by the rules
//!   that decided it, signatures included, and refuses one that breaks them;
//! - one command is one record: see [`event`];
//! - an HMAC secret is in the ledger and in memory, and in no text, view or export; wherever
//!   that is too much, guardians use Ed25519.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod apply;
mod challenge;
mod counts;
mod decide;
mod defect;
mod due;
mod effect;
pub mod event;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "small numbers of the test's own making"
)]
mod explorer;
pub mod known_answers;
pub mod message;
pub mod policy;
mod refused;
mod rules;
pub mod signature;
#[cfg(test)]
mod simulated;
mod state;
#[cfg(test)]
mod story;
pub mod vault;
mod view;
pub mod wire;

pub use apply::ApplyError;
pub use challenge::CHALLENGES_MAX;
pub use counts::Counts;
pub use decide::{Command, Context, Decision, Reply, VaultCommand};
pub use effect::Effect;
pub use event::Event;
pub use message::Message;
pub use policy::Policy;
pub use signature::Key;
pub use state::{Governance, PROPOSED_GUARDIANS};
pub use view::override_to_json;
pub use wire::DecodeError;

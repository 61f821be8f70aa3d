//! What hostile bytes must never bring about, target by target.
//!
//! Owns the targets: functions that take any bytes and panic if a promise is broken. `tests/share.rs`
//! runs them in the gate, on the kept corpus and on a fixed number of seeded mutations of it;
//! `libfuzzer/`, a workspace of its own, runs them guided by coverage (`cargo xtask fuzz`).
//!
//! Invariants:
//! - a target depends on its input alone: the same bytes fail again;
//! - a target that returns has had every promise that it names checked.
#![forbid(unsafe_code)]
#![expect(clippy::panic, reason = "a target fails by panicking")]

mod archive;
mod disk;
mod glyphs;
mod governance_bytes;
mod ledger_image;
mod mutation;
#[path = "../../../glyphs/interpreter/tests/agreement/naive.rs"]
mod naive;
mod text;
mod vault;

pub use archive::archive;
pub use glyphs::glyphs;
pub use governance_bytes::governance;
pub use ledger_image::ledger;
pub use mutation::Mutation;
pub use text::parser;
pub use vault::{compiler, interpreter};

/// Takes any bytes; panics if a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its folder under `corpus/` too.
pub const TARGETS: [(&str, Target); 7] = [
    ("parser", parser),
    ("compiler", compiler),
    ("interpreter", interpreter),
    ("archive", archive),
    ("glyphs", glyphs),
    ("ledger", ledger),
    ("governance", governance),
];

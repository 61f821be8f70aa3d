//! One number for the whole field, to compare by eye and by machine.
//!
//! SHA-256 over this form, all numbers little-endian: the text `glyphos field 1` and a line
//! feed; width and height (32 bits), tick (64 bits); then each cell in order: its flag byte;
//! magnitude, phase, coherence and decay rate (64-bit floating point) and last update
//! (64 bits); if it holds a superposition, the number of pairs (one byte) and each amplitude
//! and phase (64-bit floating point). A poisoned cell is the byte 128 alone; a lost
//! superposition has the byte 255 for its number of pairs, and no pairs.
//!
//! Invariant: equal fields have equal digests, whatever happened to the memory or to the
//! order of superpositions in it.

use crate::Substrate;
use crate::line::{self, DECAY_RATE, LAST_UPDATE, Lane, MAGNITUDE, POISONED, SUPERPOSED};
use crate::line::{COHERENCE, PHASE};
use crate::superposition::pair_count;
use abi::CellIndex;
use sha2::{Digest, Sha256};

/// Names the form that is hashed, and its version.
const FORM: &[u8] = b"glyphos field 1\n";
/// Number of pairs of a superposition that was lost.
const LOST: u8 = 0xff;

/// A digest under way. The field must not be changed before its last step.
#[derive(Debug)]
pub struct DigestWalk {
    hash: Sha256,
    next: usize,
}

impl DigestWalk {
    /// Cells that are in it already.
    #[must_use]
    pub const fn cells_done(&self) -> u64 {
        self.next as u64
    }
}

impl Substrate {
    /// SHA-256 of the whole field, verified.
    pub fn digest(&mut self) -> [u8; 32] {
        let mut walk = self.digest_begin();
        loop {
            if let Some(digest) = self.digest_step(&mut walk, u64::MAX) {
                return digest;
            }
        }
    }

    /// Begins a digest of the field as it is, to be taken in steps.
    #[must_use]
    pub fn digest_begin(&self) -> DigestWalk {
        let mut hash = Sha256::new();
        hash.update(FORM);
        hash.update(self.guard.geometry.width.to_le_bytes());
        hash.update(self.guard.geometry.height.to_le_bytes());
        hash.update(self.guard.now().to_le_bytes());
        DigestWalk { hash, next: 0 }
    }

    /// Takes up to `cells` more cells into a digest; gives it when they were the last.
    pub fn digest_step(&mut self, walk: &mut DigestWalk, cells: u64) -> Option<[u8; 32]> {
        let left = self.guard.geometry.cells.saturating_sub(walk.next);
        let count = usize::try_from(cells).map_or(left, |cells| cells.min(left));
        for index in walk.next..walk.next + count {
            self.hash_cell(index, &mut walk.hash);
        }
        walk.next += count;
        (count == left).then(|| walk.hash.clone().finalize().into())
    }

    fn hash_cell(&mut self, index: usize, hash: &mut Sha256) {
        let lane = Lane::of(index);
        let verified = self.settle(index / line::LANES);
        let line = self.guard.line(&verified);
        let flags = line::flags(line, lane);
        if flags & POISONED != 0 {
            hash.update([POISONED]);
            return;
        }
        hash.update([flags]);
        for column in [MAGNITUDE, PHASE, COHERENCE, DECAY_RATE, LAST_UPDATE] {
            hash.update(line::word(line, lane.word(column)).to_le_bytes());
        }
        if flags & SUPERPOSED == 0 {
            return;
        }
        let hashed = self.with_superposition(CellIndex(index as u64), |line| {
            let count = pair_count(line);
            // At most 8.
            hash.update([u8::try_from(count).unwrap_or(LOST)]);
            for word in line.iter().take(2 * count) {
                hash.update(word.to_le_bytes());
            }
        });
        if hashed.is_err() {
            hash.update([LOST]);
        }
    }
}

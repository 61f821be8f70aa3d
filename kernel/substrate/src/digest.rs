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

impl Substrate {
    /// SHA-256 of the whole field, verified.
    pub fn digest(&mut self) -> [u8; 32] {
        self.settle_all();
        let mut hash = Sha256::new();
        hash.update(FORM);
        hash.update(self.guard.geometry.width.to_le_bytes());
        hash.update(self.guard.geometry.height.to_le_bytes());
        hash.update(self.guard.now.to_le_bytes());
        for index in 0..self.guard.geometry.cells {
            self.hash_cell(index, &mut hash);
        }
        hash.finalize().into()
    }

    fn hash_cell(&mut self, index: usize, hash: &mut Sha256) {
        let lane = Lane::of(index);
        let verified = self.guard.verify(index / line::LANES);
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

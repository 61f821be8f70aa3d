//! The field of cells: guarded by checksums and parity, healed when damaged.
//!
//! Owns the grid, its memory and its operations: spec `substrate`. The node calls it; it
//! knows no clock, no hardware and nobody else. All memory is taken in [`Substrate::new`].
//!
//! Invariants:
//! - nothing of the memory is returned, or changed, that was not verified just before;
//! - damage is repaired or its cells are poisoned: reading them is a typed error until they
//!   are written anew;
//! - numbers, marks and tables beside the lines are kept in a form that shows damage and heals it;
//! - a refused operation changes nothing;
//! - the cost of a read, write or force does not depend on the size of the grid;
//! - the same operations in the same order give the same bits on every machine: one
//!   mathematical library, no fused arithmetic, sums in the order of the cells.
//!
//! Decay is lazy: a tick moves the time and brings a share of the lines up to date, and
//! every access first brings its own line up to date, with the very multiplications that an
//! eager tick would have done. Nobody outside can tell the difference, except by the time.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod census;
mod checksum;
mod cosine;
mod decay;
mod defect;
mod digest;
mod effect;
mod error;
mod event;
mod galois;
mod geometry;
mod guard;
mod kept;
mod line;
mod map;
mod numbers;
mod phase;
mod status;
mod superposition;
mod survey;
mod wave;

pub use digest::DigestWalk;
pub use effect::Effect;
pub use error::SubstrateError;
pub use event::{Action, Counters, EVENTS_MAX, Finding, IntegrityEvent, Place, Repairs};
pub use numbers::Number;

use abi::CellIndex;
use abi::request::Injection;
use abi::response::{CellView, ScrubReport};
use alloc::string::String;
use geometry::{Geometry, Position};
use guard::{Guard, Verified};
use line::{
    COHERENCE, DECAY_RATE, DECAY_RATE_INITIAL, FLAGS, LAST_UPDATE, MAGNITUDE, PHASE, SETTLED,
};
use vector::Form;

/// Share of a force that goes to a cell's magnitude, phase and coherence.
const FORCE_TO_MAGNITUDE: f64 = 0.9;
const FORCE_TO_PHASE: f64 = 0.1;
const FORCE_TO_COHERENCE: f64 = 0.5;

/// A grid of cells in guarded memory.
///
/// Cells are numbered row by row from 0. Reading takes `&mut self`, since it may repair.
#[derive(Debug)]
pub struct Substrate {
    guard: Guard,
    /// Where the search for a free place for a superposition begins.
    slot_hint: usize,
}

/// Magnitude, phase and coherence as a cell can hold them.
#[derive(Clone, Copy, Debug)]
struct Normal {
    magnitude: f64,
    phase: f64,
    coherence: f64,
}

impl Normal {
    /// Clamps and wraps what a write is given.
    fn new(magnitude: f64, phase: f64, coherence: f64) -> Result<Self, SubstrateError> {
        Ok(Normal {
            magnitude: line::level(magnitude).ok_or(SubstrateError::NonFinite("magnitude"))?,
            phase: line::turn(phase).ok_or(SubstrateError::NonFinite("phase"))?,
            coherence: line::level(coherence).ok_or(SubstrateError::NonFinite("coherence"))?,
        })
    }
}

impl Substrate {
    /// Takes memory for `width` by `height` cells: about 308 bytes a cell from 4096 to 65536 cells,
    /// where every cell has room for a superposition; about 75 in much larger grids.
    ///
    /// # Errors
    /// [`SubstrateError::Empty`], [`SubstrateError::TooLarge`] or
    /// [`SubstrateError::OutOfMemory`]: choose another size.
    pub fn new(width: u32, height: u32) -> Result<Self, SubstrateError> {
        Ok(Substrate {
            guard: Guard::new(Geometry::new(width, height)?)?,
            slot_hint: 0,
        })
    }

    /// Bytes of memory that a grid of `width` by `height` cells takes.
    ///
    /// # Errors
    /// [`SubstrateError::Empty`] or [`SubstrateError::TooLarge`].
    pub fn bytes_for(width: u32, height: u32) -> Result<u64, SubstrateError> {
        Ok(Guard::bytes_for(&Geometry::new(width, height)?))
    }

    /// In which form lines are summed up: by the instructions that the processor was quickest
    /// with.
    #[must_use]
    pub fn form(&self) -> &'static str {
        self.guard.form.name()
    }

    /// Sums lines up in another form from now on: all forms give the same bits.
    pub fn set_form(&mut self, form: Form) {
        self.guard.form = form;
    }

    /// Cells in the grid.
    #[must_use]
    pub fn cell_count(&self) -> u64 {
        self.guard.geometry.cells as u64
    }

    /// Cells across.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.guard.geometry.width
    }

    /// Cells down.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.guard.geometry.height
    }

    /// Time in ticks.
    #[must_use]
    pub fn tick_now(&self) -> u64 {
        self.guard.now()
    }

    /// Bytes of guarded memory, checksums and parity included.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.guard.memory_bytes()
    }

    /// Lines of data and parity that a pass of the scrubber visits.
    #[must_use]
    pub fn line_count(&self) -> u64 {
        self.guard.geometry.blocks() as u64
    }

    /// Pages that [`Injection::Page`] can name.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        self.guard.geometry.pages() as u64
    }

    /// Pages that can still be moved to a spare one.
    #[must_use]
    pub fn spare_pages_left(&self) -> u64 {
        self.guard.spares_left()
    }

    /// Counts since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.guard.numbers.counters()
    }

    /// Takes the oldest finding that nobody took yet.
    pub fn take_event(&mut self) -> Option<IntegrityEvent> {
        self.guard.take_event()
    }

    /// Reads one cell.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`]; [`SubstrateError::Poisoned`] until it is written anew.
    #[inline(always)]
    pub fn read(&mut self, cell: CellIndex) -> Result<CellView, SubstrateError> {
        let view = self.look(cell);
        if view.is_ok() {
            self.count_read();
        }
        view
    }

    /// Writes one cell: magnitude and coherence are clamped to 0..=1000, the phase (radians)
    /// is wrapped to one turn, the time is stamped. A superposition of the cell stays.
    ///
    /// A poisoned cell begins anew: initial decay rate, no superposition.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`] or [`SubstrateError::NonFinite`].
    pub fn write(
        &mut self,
        cell: CellIndex,
        magnitude: f64,
        phase: f64,
        coherence: f64,
    ) -> Result<(), SubstrateError> {
        let position = self.guard.geometry.locate(cell)?;
        self.guard.prefetch_parities(position.line);
        let normal = Normal::new(magnitude, phase, coherence)?;
        let verified = self.settle(position.line);
        self.store(&verified, position, normal);
        Ok(())
    }

    /// Pushes a cell: with `f` the length of `vector`, magnitude grows by 0.9 f, the phase by
    /// 0.1 atan2(y, x), coherence by 0.5 f; then the cell is normalized as by a write.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`], [`SubstrateError::Poisoned`], or
    /// [`SubstrateError::NonFinite`] if a component or the length is not finite.
    pub fn force(&mut self, cell: CellIndex, vector: [f64; 3]) -> Result<(), SubstrateError> {
        let position = self.guard.geometry.locate(cell)?;
        self.guard.prefetch_parities(position.line);
        let [x, y, z] = vector;
        if !vector.iter().all(|component| component.is_finite()) {
            return Err(SubstrateError::NonFinite("force"));
        }
        let length = libm::sqrt(x * x + y * y + z * z);
        if !length.is_finite() {
            return Err(SubstrateError::NonFinite("length of the force"));
        }
        let verified = self.settle(position.line);
        let line = self.guard.line(&verified);
        if line::is_poisoned(line, position.lane) {
            return Err(SubstrateError::Poisoned(cell));
        }
        let was = |column| line::number(line, column, position.lane);
        let normal = Normal::new(
            was(MAGNITUDE) + FORCE_TO_MAGNITUDE * length,
            was(PHASE) + FORCE_TO_PHASE * libm::atan2(y, x),
            was(COHERENCE) + FORCE_TO_COHERENCE * length,
        )?;
        self.store(&verified, position, normal);
        Ok(())
    }

    /// Verifies everything, and repairs or poisons what is damaged: one whole pass.
    pub fn scrub_all(&mut self) -> ScrubReport {
        self.guard.scrub_all()
    }

    /// Goes on with a pass for at least `lines` lines, at most to its end.
    pub fn scrub_step(&mut self, lines: u64) -> ScrubReport {
        self.guard.scrub_step(lines)
    }

    /// Damages the memory on purpose, and says what was damaged.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfRange`], [`SubstrateError::NoSuchBit`] or
    /// [`SubstrateError::NoSuchPage`]: nothing was damaged.
    pub fn inject(&mut self, injection: Injection) -> Result<String, SubstrateError> {
        self.guard.inject(injection)
    }

    /// Reads one cell without counting it as a read served.
    #[inline(always)]
    fn look(&mut self, cell: CellIndex) -> Result<CellView, SubstrateError> {
        let position = self.guard.geometry.locate(cell)?;
        match self.guard.verify_current(position.line) {
            Some((_, line)) if !line::has_poison(line) => Ok(line::view(line, position.lane, cell)),
            _ => self.look_closer(position, cell),
        }
    }

    /// Reads a cell whose line is late, or was damaged, or has lost cells.
    #[cold]
    #[inline(never)]
    fn look_closer(
        &mut self,
        position: Position,
        cell: CellIndex,
    ) -> Result<CellView, SubstrateError> {
        let verified = self.settle(position.line);
        let line = self.guard.line(&verified);
        if line::is_poisoned(line, position.lane) {
            return Err(SubstrateError::Poisoned(cell));
        }
        Ok(line::view(line, position.lane, cell))
    }

    /// Stores values in a cell of a settled line, and stamps it.
    fn store(&mut self, verified: &Verified, position: Position, normal: Normal) {
        let lane = position.lane;
        if line::is_poisoned(self.guard.line(verified), lane) {
            self.begin_anew(verified, position);
        }
        let mut editor = self.guard.edit(verified);
        // The line is settled, so this is now.
        let now = line::word(editor.line(), SETTLED);
        editor.set(lane.word(MAGNITUDE), normal.magnitude.to_bits());
        editor.set(lane.word(PHASE), normal.phase.to_bits());
        editor.set(lane.word(COHERENCE), normal.coherence.to_bits());
        editor.set(lane.word(LAST_UPDATE), now);
        drop(editor);
        self.count_written(1);
    }

    /// Gives a lost cell its initial decay rate, and no superposition.
    #[cold]
    #[inline(never)]
    fn begin_anew(&mut self, verified: &Verified, position: Position) {
        let lane = position.lane;
        let mut editor = self.guard.edit(verified);
        let (slot_word, slots) = line::slot_with(editor.line(), lane, None);
        let flags = line::flags_with(editor.line(), lane, 0);
        editor.set(slot_word, slots);
        editor.set(FLAGS, flags);
        editor.set(lane.word(DECAY_RATE), DECAY_RATE_INITIAL.to_bits());
        drop(editor);
        self.guard.census_begins_anew(position);
    }

    fn count_read(&mut self) {
        self.guard.numbers.add(Number::CellsRead, 1);
    }

    fn count_written(&mut self, cells: u64) {
        self.guard.numbers.add(Number::CellsWritten, cells);
    }
}

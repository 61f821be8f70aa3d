//! Reads a zone or the ring in large pieces while recovery walks along it.
//!
//! Owns the buffer of a piece. A piece that cannot be read at once is read frame by frame, so
//! that one bad sector hides one frame and no more.

use alloc::vec::Vec;

use crate::device::BlockDevice;
use crate::frame::Frame;
use crate::geometry::{FRAME_BYTES, FRAME_SECTORS, Geometry, Place};

/// Frames read at once when a walk has come some way.
const WINDOW_FRAMES: usize = 16;
/// Frames read at once when it begins: most ledgers have few records.
const FIRST_FRAMES: usize = 2;

/// A piece of a zone or of the ring.
pub(crate) struct Window {
    place: Place,
    /// Slots of a zone, or positions of the ring.
    end: u64,
    first_slot: u64,
    bytes: Vec<u8>,
    readable: [bool; WINDOW_FRAMES],
    loaded: usize,
    /// Frames to read next time; doubles with each piece.
    ahead: usize,
}

impl Window {
    pub(crate) fn new(place: Place, geometry: &Geometry) -> Self {
        let end = match place {
            Place::Ring => geometry.ring_count,
            Place::ZoneA | Place::ZoneB => geometry.slot_count,
        };
        Window {
            place,
            end,
            first_slot: 0,
            bytes: Vec::new(),
            readable: [false; WINDOW_FRAMES],
            loaded: 0,
            ahead: FIRST_FRAMES,
        }
    }

    /// Makes sure that `slot` is in the window, if it exists.
    pub(crate) fn load<D: BlockDevice>(&mut self, device: &mut D, geometry: &Geometry, slot: u64) {
        if self.position(slot).is_some() {
            return;
        }
        let left = self.end.saturating_sub(slot);
        self.first_slot = slot;
        self.loaded = usize::try_from(left).map_or(self.ahead, |left| left.min(self.ahead));
        self.ahead = self.ahead.saturating_mul(2).min(WINDOW_FRAMES);
        let loaded_bytes = self.loaded.saturating_mul(FRAME_BYTES);
        if self.bytes.len() < loaded_bytes {
            self.bytes.resize(loaded_bytes, 0);
        }
        let Some(bytes) = self.bytes.get_mut(..loaded_bytes) else {
            return;
        };
        let sector = geometry.sector(self.place, slot);
        if !bytes.is_empty() && device.read(sector, bytes).is_ok() {
            self.readable = [true; WINDOW_FRAMES];
            return;
        }
        let frames = bytes.chunks_exact_mut(FRAME_BYTES);
        let mut sector = sector;
        for (frame, readable) in frames.zip(&mut self.readable) {
            *readable = device.read(sector, frame).is_ok();
            sector = sector.saturating_add(FRAME_SECTORS);
        }
    }

    /// The frame of `slot`; `None` if it could not be read or is not in the window.
    pub(crate) fn frame(&self, slot: u64) -> Option<&Frame> {
        let position = self.position(slot)?;
        let readable = *self.readable.get(position)?;
        let (frames, _) = self.bytes.as_chunks::<FRAME_BYTES>();
        frames.get(position).filter(|_| readable)
    }

    fn position(&self, slot: u64) -> Option<usize> {
        let position = usize::try_from(slot.checked_sub(self.first_slot)?).ok()?;
        (position < self.loaded).then_some(position)
    }
}

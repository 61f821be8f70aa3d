//! The interrupt line of a PCI device, for a driver that waits for its device.
//!
//! Owns which lines may be a device's, the count of interrupts of each, and the wait for them.
//! Source of the wiring: PCI Local Bus Specification 3.0, section 6.2.4, "Interrupt Line": firmware
//! writes there which input of the 8259s the device's pin is wired to.
//!
//! Invariants:
//! - a line that interrupts is masked until somebody waits for it again: only its driver knows how to
//!   make the device let go of it, and an unwanted line interrupts once;
//! - a wait ends with the next interrupt of any kind, so with the next tick at the latest;
//! - a wait for a device takes no event from the loop's own wait.

use core::sync::atomic::{AtomicU32, Ordering};

use super::{Wake, pic, processor, ticks, wait_for_first_tick};
use crate::pci::{Function, read32};

/// Inputs that PCI devices are wired to; the others belong to chips with a fixed line.
const LINES: [u8; 4] = [5, 9, 10, 11];
/// Where configuration space says the line, in the lowest byte.
const INTERRUPT_LINE: u8 = 0x3c;

static COUNTS: [AtomicU32; LINES.len()] = [const { AtomicU32::new(0) }; LINES.len()];
static WAKE: Wake = Wake::new();

/// The line of a device. Several devices may have the same.
#[derive(Clone, Copy, Debug)]
pub struct DeviceLine {
    line: u8,
    count: &'static AtomicU32,
}

impl DeviceLine {
    /// The line that firmware wired `function` to, if it is one that a device may have.
    pub fn of(function: Function) -> Option<Self> {
        let [line, ..] = read32(function, INTERRUPT_LINE).to_le_bytes();
        Self::at(line)
    }

    fn at(line: u8) -> Option<Self> {
        let place = LINES.iter().position(|known| *known == line)?;
        let count = COUNTS.get(place)?;
        Some(Self { line, count })
    }

    /// Its input of the 8259s.
    pub fn number(self) -> u8 {
        self.line
    }

    /// Interrupts of the line since boot; wraps around.
    pub fn count(self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Lets the line interrupt and sleeps until anything has interrupted since the last wait. What the
    /// caller waits for may have happened or not.
    pub fn wait(self) {
        if ticks() == 0 {
            wait_for_first_tick();
            return;
        }
        processor::without_interrupts(|| pic::unmask(self.line));
        WAKE.wait();
    }
}

/// Ends every wait for a device: for a handler, when it is done.
pub(super) fn note() {
    WAKE.note();
}

/// Handles the interrupt of a line of the 8259s, if it is one that a device may have.
pub(super) fn handle(line: u8) {
    if let Some(device) = DeviceLine::at(line) {
        pic::mask(line);
        device.count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_fixed_chip_passes_for_that_of_a_device() {
        let found: std::vec::Vec<u8> = (0..=u8::MAX)
            .filter(|line| DeviceLine::at(*line).is_some())
            .collect();
        assert_eq!(found, LINES);
    }
}

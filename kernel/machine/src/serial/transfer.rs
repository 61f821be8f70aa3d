//! Moves bytes between a 16550 and its rings.
//!
//! Owns what an interrupt of a serial port does. Generic over how the registers are reached, so that
//! it runs on a host against a model of the chip.
//!
//! Invariants:
//! - every call is bounded, whatever the chip says;
//! - received bytes that do not fit are dropped, newest first, and reported;
//! - no two bytes are read from one side of a loss and the other without [`BytesLost`] between them.

use uart_16550::Uart16550;
use uart_16550::backend::Backend;
use uart_16550::spec::registers::LSR;

use super::ring::Ring;
use super::{BytesLost, RECEIVE_RING_BYTES, TRANSMIT_RING_BYTES};
use crate::sync::defect::{Defect, planted};

/// The port's FIFO, in bytes.
const FIFO_BYTES: usize = 16;
/// Most bytes that one call takes from a port: more than its FIFO, so that it is drained.
const RECEIVE_BATCH_COUNT_MAX: usize = 64;
/// Most FIFO fills of one call: an emulated port is empty at once, and others want to run too.
const SEND_BURST_COUNT_MAX: usize = 64;
/// Most rounds of one service call; a port that always wants more is served again at the next tick.
const SERVICE_ROUND_COUNT_MAX: usize = 8;
/// How often a waiting writer looks at a port that makes no progress before it gives up. One look
/// is at least one port access, about a microsecond.
pub(super) const STALLED_LOOK_COUNT_MAX: u32 = 200_000;

/// What a port has received and has to send.
pub(super) struct Rings {
    receive: Ring<RECEIVE_RING_BYTES>,
    pub(super) transmit: Ring<TRANSMIT_RING_BYTES>,
    /// Received bytes were lost, and the reader has not been told.
    has_lost: bool,
    /// How often received bytes were lost.
    pub(super) loss_count: u64,
}

impl Rings {
    pub(super) const fn new() -> Self {
        Self {
            receive: Ring::new(),
            transmit: Ring::new(),
            has_lost: false,
            loss_count: 0,
        }
    }

    /// Takes received bytes into `buffer` and says how many; after a loss it takes none, because
    /// where in the stream bytes are missing is unknown, and drops all that wait.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BytesLost> {
        if self.has_lost {
            self.has_lost = false;
            self.receive.discard(RECEIVE_RING_BYTES);
            return Err(BytesLost);
        }
        Ok(self.pop(buffer))
    }

    /// Takes received bytes into `buffer`, whether some were lost or not, and says how many.
    pub(super) fn pop(&mut self, buffer: &mut [u8]) -> usize {
        self.receive.pop(buffer)
    }

    /// Puts a byte where received bytes wait.
    #[cfg(test)]
    pub(super) fn preload(&mut self, byte: u8) {
        self.receive.push(&[byte]);
    }

    /// Whether the reader has something to take, or to be told.
    #[cfg(test)]
    pub(super) fn has_received(&self) -> bool {
        self.has_lost || !self.receive.is_empty()
    }

    /// Takes note that received bytes were lost.
    fn note_loss(&mut self) {
        self.has_lost = true;
        self.loss_count = self.loss_count.saturating_add(1);
    }

    /// The line's status. Reading it takes the port's word of a loss back, so that it is noted here.
    pub(super) fn status<B: Backend>(&mut self, uart: &mut Uart16550<B>) -> LSR {
        let status = uart.lsr();
        if status.contains(LSR::OVERRUN_ERROR) && !planted(Defect::ForgetOverrun) {
            self.note_loss();
        }
        status
    }

    /// Moves bytes both ways until the port wants nothing more.
    pub(super) fn service<B: Backend>(&mut self, uart: &mut Uart16550<B>) {
        for _ in 0..SERVICE_ROUND_COUNT_MAX {
            // Reading the cause also takes back "transmitter empty" when there is nothing to send. A
            // cause left standing would hold the line up, and an edge-triggered controller would
            // never see the next one.
            let cause = uart.isr();
            self.receive(uart);
            self.send(uart);
            if !cause.has_pending_interrupt() || planted(Defect::ServeOnce) {
                break;
            }
        }
    }

    /// Takes what the port received.
    fn receive<B: Backend>(&mut self, uart: &mut Uart16550<B>) {
        let mut has_overflown = false;
        for _ in 0..RECEIVE_BATCH_COUNT_MAX {
            let Ok(byte) = uart.try_receive_byte() else {
                break;
            };
            has_overflown |= self.receive.push(&[byte]) == 0;
        }
        if has_overflown && !planted(Defect::SilentOverflow) {
            self.note_loss();
        }
        self.status(uart);
    }

    /// Fills the port's FIFO as often as it is found empty.
    pub(super) fn send<B: Backend>(&mut self, uart: &mut Uart16550<B>) {
        for _ in 0..SEND_BURST_COUNT_MAX {
            let front = self.transmit.front();
            let burst = front.get(..FIFO_BYTES.min(front.len())).unwrap_or(&[]);
            let count = uart.send_bytes(burst);
            self.transmit.discard(count);
            if count == 0 {
                return;
            }
        }
    }
}

/// Ends a wait for a port that stands still.
pub(super) struct Patience {
    length_before: usize,
    stalled_count: u32,
}

impl Patience {
    pub(super) const fn new() -> Self {
        Self {
            length_before: usize::MAX,
            stalled_count: 0,
        }
    }

    /// Notes how much is left to send, and says if it has been as much for too long.
    pub(super) fn is_over(&mut self, length: usize) -> bool {
        let has_moved = length < self.length_before;
        self.length_before = length;
        self.stalled_count = if has_moved {
            0
        } else {
            self.stalled_count.saturating_add(1)
        };
        self.stalled_count > STALLED_LOOK_COUNT_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    const DATA: u8 = 0;
    const CAUSE: u8 = 2;
    const LINE_STATUS: u8 = 5;

    /// The registers of a 16550 that matter here. `is_busy` stands for a line that never gets free.
    #[derive(Default)]
    struct Chip {
        received: VecDeque<u8>,
        sent: Vec<u8>,
        has_overrun: bool,
        is_busy: bool,
    }

    impl Backend for Chip {
        unsafe fn read(&mut self, register_offset: u8) -> u8 {
            match register_offset {
                DATA => self.received.pop_front().unwrap_or(0),
                CAUSE if self.received.is_empty() => 0xc1,
                CAUSE => 0xc4,
                LINE_STATUS => {
                    let overrun = std::mem::take(&mut self.has_overrun);
                    u8::from(!self.received.is_empty())
                        | u8::from(overrun) << 1
                        | if self.is_busy { 0 } else { 0x60 }
                }
                _ => 0,
            }
        }

        unsafe fn write(&mut self, register_offset: u8, value: u8) {
            if register_offset == DATA {
                self.sent.push(value);
            }
        }
    }

    fn port(chip: Chip) -> Uart16550<Chip> {
        // SAFETY: the model answers at every offset.
        unsafe { Uart16550::new_with_backend(chip) }
    }

    #[test]
    fn bytes_pass_both_ways_in_order() {
        let mut rings = Rings::new();
        let mut uart = port(Chip {
            received: (0..200).collect(),
            ..Chip::default()
        });
        let text: Vec<u8> = (0..100).collect();
        assert_eq!(rings.transmit.push(&text), 100);
        rings.service(&mut uart);
        assert_eq!(uart.backend().sent, text);
        let mut buffer = [0; 256];
        assert_eq!(rings.read(&mut buffer), Ok(200));
        assert!(buffer[..200].iter().copied().eq(0..200));
    }

    #[test]
    fn a_full_ring_drops_the_newest_bytes_and_says_so() {
        let mut rings = Rings::new();
        let old = [b'o'; RECEIVE_RING_BYTES];
        assert_eq!(rings.receive.push(&old[1..]), RECEIVE_RING_BYTES - 1);
        let mut uart = port(Chip {
            received: b"xyz".iter().copied().collect(),
            ..Chip::default()
        });
        rings.service(&mut uart);
        let kept = rings.receive.front();
        assert_eq!(kept.len(), RECEIVE_RING_BYTES);
        assert_eq!(kept[RECEIVE_RING_BYTES - 2..], *b"ox");
        assert_eq!(rings.loss_count, 1);
        let mut buffer = [0; 8];
        assert_eq!(rings.read(&mut buffer), Err(BytesLost));
        assert_eq!(
            rings.read(&mut buffer),
            Ok(0),
            "nothing of before is trusted"
        );
    }

    #[test]
    fn an_overrun_of_the_chip_is_a_loss_once() {
        let mut rings = Rings::new();
        let mut uart = port(Chip {
            has_overrun: true,
            ..Chip::default()
        });
        rings.service(&mut uart);
        rings.service(&mut uart);
        assert_eq!(rings.loss_count, 1);
        assert_eq!(rings.read(&mut []), Err(BytesLost));
        assert_eq!(rings.read(&mut []), Ok(0));
    }

    #[test]
    fn a_line_that_never_gets_free_holds_nobody_up() {
        let mut rings = Rings::new();
        let mut uart = port(Chip {
            is_busy: true,
            ..Chip::default()
        });
        rings.transmit.push(b"hello");
        rings.service(&mut uart);
        assert!(uart.backend().sent.is_empty());
        assert_eq!(rings.transmit.len(), 5);
        let mut patience = Patience::new();
        let looks = (0..).take_while(|_| !patience.is_over(5)).count();
        assert!(looks <= STALLED_LOOK_COUNT_MAX as usize + 1);
    }

    #[test]
    fn a_chip_that_always_has_a_byte_is_left_in_bounded_time() {
        struct Babbler;
        impl Backend for Babbler {
            unsafe fn read(&mut self, _: u8) -> u8 {
                0x01
            }
            unsafe fn write(&mut self, _: u8, _: u8) {}
        }
        let mut rings = Rings::new();
        // SAFETY: the model answers at every offset.
        let mut uart = unsafe { Uart16550::new_with_backend(Babbler) };
        rings.service(&mut uart);
        assert!(rings.receive.len() <= SERVICE_ROUND_COUNT_MAX * RECEIVE_BATCH_COUNT_MAX);
    }
}

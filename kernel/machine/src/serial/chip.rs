//! A model of a 16550 under the model of the processor, for the interleaving tests.
//!
//! Owns the registers that the driver uses: both FIFOs, the causes of an interrupt, the overrun bit.
//! Source: PC16550D data sheet (National Semiconductor, 1995), sections 8.4 and 8.7.
//!
//! Invariants:
//! - bytes arrive and leave at any access, as many as are left to come;
//! - the interrupt line is high while a received byte waits, and from the moment at which the
//!   transmitter ran empty until the driver reads that cause or sends again.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec::Vec;

use uart_16550::backend::Backend;

use crate::sync::model::{self, Device};

/// Bytes of the receive FIFO: few, so that it overflows soon.
const RECEIVE_FIFO_BYTES: usize = 2;

const DATA: u8 = 0;
const CAUSE: u8 = 2;
const LINE_STATUS: u8 = 5;

/// The chip, and the far ends of its line.
#[derive(Default)]
pub(super) struct Chip {
    /// Bytes that the other side is yet to send: each one more than the one before.
    to_come: usize,
    /// The byte that the other side sends next.
    pub(super) next: u8,
    received: VecDeque<u8>,
    has_overrun: bool,
    /// Bytes that the FIFO had no room for.
    pub(super) overrun_count: u64,
    sending: VecDeque<u8>,
    has_run_empty: bool,
    /// What the other side got.
    pub(super) sent: Vec<u8>,
}

impl Chip {
    /// A chip whose other side is yet to send `to_come` bytes, the first of which is `next`.
    pub(super) fn new(to_come: usize, next: u8) -> Self {
        Self {
            to_come,
            next,
            ..Self::default()
        }
    }

    /// Whether it holds a byte for the driver.
    pub(super) fn has_received(&self) -> bool {
        !self.received.is_empty()
    }

    /// Whether it is sending.
    pub(super) fn is_sending(&self) -> bool {
        !self.sending.is_empty()
    }

    fn arrive(&mut self) {
        let byte = self.next;
        self.next = byte.wrapping_add(1);
        self.to_come -= 1;
        if self.received.len() < RECEIVE_FIFO_BYTES {
            self.received.push_back(byte);
        } else {
            self.has_overrun = true;
            self.overrun_count += 1;
        }
    }
}

impl Device for Chip {
    fn event_count(&self) -> usize {
        usize::from(self.to_come > 0) + usize::from(!self.sending.is_empty())
    }

    fn happen(&mut self, event: usize) {
        if event == 0 && self.to_come > 0 {
            self.arrive();
        } else if let Some(byte) = self.sending.pop_front() {
            self.sent.push(byte);
            self.has_run_empty = self.sending.is_empty();
        }
    }

    fn line(&self) -> bool {
        !self.received.is_empty() || self.has_run_empty
    }
}

/// The driver's way to the chip.
pub(super) struct Wire(pub(super) Rc<RefCell<Chip>>);

impl Backend for Wire {
    unsafe fn read(&mut self, register_offset: u8) -> u8 {
        model::point();
        let value = {
            let mut chip = self.0.borrow_mut();
            match register_offset {
                DATA => chip.received.pop_front().unwrap_or(0),
                CAUSE if !chip.received.is_empty() => 0xc4,
                CAUSE if core::mem::take(&mut chip.has_run_empty) => 0xc2,
                CAUSE => 0xc1,
                LINE_STATUS => {
                    let overrun = core::mem::take(&mut chip.has_overrun);
                    u8::from(!chip.received.is_empty())
                        | u8::from(overrun) << 1
                        | if chip.sending.is_empty() { 0x60 } else { 0 }
                }
                _ => 0,
            }
        };
        model::look_at_line();
        value
    }

    unsafe fn write(&mut self, register_offset: u8, value: u8) {
        model::point();
        if register_offset == DATA {
            let mut chip = self.0.borrow_mut();
            chip.sending.push_back(value);
            chip.has_run_empty = false;
        }
        model::look_at_line();
    }
}

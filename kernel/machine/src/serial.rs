//! The serial ports: COM1 for the operator, COM2 for telemetry.
//!
//! Owns both ports and the rings between their interrupts and the loop. A port that is not there reads
//! nothing and swallows what is written. Interrupts move bytes between port and rings; the timer does
//! it too, so that a port whose interrupt never comes still works, only slower.
//!
//! Invariants:
//! - no operation waits without a bound;
//! - an overflow of a receive ring drops the newest bytes and is reported once by
//!   [`Port::overrun_taken`], so that a reader can void the line it was reading.

pub mod ring;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use uart_16550::backend::PioBackend;
use uart_16550::spec::registers::{FifoTriggerLevel, IER, LSR};
use uart_16550::{BaudRate, Config, Uart16550};

use crate::sync::InterruptLock;
use ring::Ring;

/// Capacity of a receive ring, in bytes.
pub const RECEIVE_RING_BYTES: usize = 16 * 1024;
/// Capacity of a transmit ring, in bytes.
pub const TRANSMIT_RING_BYTES: usize = 32 * 1024;

/// The port's FIFO, in bytes.
const FIFO_BYTES: usize = 16;
/// Most bytes that one service call takes from a port: more than its FIFO, so that it is drained.
const RECEIVE_BATCH_COUNT_MAX: usize = 64;
/// How often a waiting writer looks at a port that makes no progress before it gives up. One look
/// is at least one port access, about a microsecond.
const STALLED_LOOK_COUNT_MAX: u32 = 200_000;

struct State {
    uart: Option<Uart16550<PioBackend>>,
    receive: Ring<RECEIVE_RING_BYTES>,
    transmit: Ring<TRANSMIT_RING_BYTES>,
}

/// One serial port.
pub struct Port {
    base: u16,
    is_present: AtomicBool,
    has_overrun: AtomicBool,
    overrun_count: AtomicU64,
    dropped_byte_count: AtomicU64,
    state: InterruptLock<State>,
}

/// The operator's console.
pub static COM1: Port = Port::new(0x3f8);
/// The telemetry line.
pub static COM2: Port = Port::new(0x2f8);

impl Port {
    const fn new(base: u16) -> Self {
        Self {
            base,
            is_present: AtomicBool::new(false),
            has_overrun: AtomicBool::new(false),
            overrun_count: AtomicU64::new(0),
            dropped_byte_count: AtomicU64::new(0),
            state: InterruptLock::new(State {
                uart: None,
                receive: Ring::new(),
                transmit: Ring::new(),
            }),
        }
    }

    /// True if there is such a port.
    pub fn present(&self) -> bool {
        self.is_present.load(Ordering::Relaxed)
    }

    /// Takes received bytes into `buffer` and says how many.
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        self.state.with(|state| state.receive.pop(buffer))
    }

    /// True if received bytes were lost since this was asked last.
    pub fn overrun_taken(&self) -> bool {
        self.has_overrun.swap(false, Ordering::Relaxed)
    }

    /// How many times received bytes were lost.
    pub fn overrun_count(&self) -> u64 {
        self.overrun_count.load(Ordering::Relaxed)
    }

    /// How many bytes were written that the port never took.
    pub fn dropped_byte_count(&self) -> u64 {
        self.dropped_byte_count.load(Ordering::Relaxed)
    }

    /// Queues as many of `bytes` as fit and says how many; never waits. An absent port takes all.
    pub fn write_some(&self, bytes: &[u8]) -> usize {
        if !self.present() {
            return bytes.len();
        }
        self.state.with(|state| {
            let count = state.transmit.push(bytes);
            state.send();
            count
        })
    }

    /// Queues all of `bytes`. While the ring is full it waits for the port, as long as that makes
    /// progress; a port that stands still loses the rest, which is counted.
    pub fn write(&self, bytes: &[u8]) {
        let mut rest = bytes;
        let mut stalled_count = 0;
        while !rest.is_empty() {
            let count = self.write_some(rest);
            rest = rest.get(count..).unwrap_or(&[]);
            stalled_count = if count > 0 { 0 } else { stalled_count + 1 };
            if stalled_count > STALLED_LOOK_COUNT_MAX {
                self.dropped_byte_count
                    .fetch_add(rest.len() as u64, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Waits until all queued bytes are out, as long as the port makes progress.
    pub fn flush(&self) {
        let mut stalled_count = 0;
        let mut length_before = usize::MAX;
        while stalled_count <= STALLED_LOOK_COUNT_MAX {
            let (length, is_idle) = self.state.with(|state| {
                state.send();
                (state.transmit.len(), state.is_idle())
            });
            if length == 0 && is_idle {
                return;
            }
            stalled_count = if length < length_before {
                0
            } else {
                stalled_count + 1
            };
            length_before = length;
        }
    }

    /// Looks for the port and sets it up: 115200 baud, 8 data bits, no parity, 1 stop bit.
    fn init(&self) {
        // SAFETY: the eight ports from this base are a serial port's on every PC, or nobody's.
        let Ok(mut uart) = (unsafe { Uart16550::new_port(self.base) }) else {
            return;
        };
        if !uart.check_present() || !is_drained(&mut uart) {
            return;
        }
        let config = Config {
            fifo_trigger_level: Some(FifoTriggerLevel::Eight),
            baud_rate: BaudRate::Baud115200,
            ..Config::DEFAULT
        };
        if uart.init(config).is_ok() {
            self.state.with(|state| state.uart = Some(uart));
            self.is_present.store(true, Ordering::Relaxed);
        }
    }

    /// Lets the port raise interrupts.
    fn enable_interrupts(&self) {
        self.state.with(|state| {
            if let Some(uart) = &mut state.uart {
                uart.enable_interrupts(IER::DATA_READY | IER::THR_EMPTY);
            }
        });
    }

    /// Moves bytes between the port and the rings; says if bytes arrived.
    fn service(&self) -> bool {
        if !self.present() {
            return false;
        }
        let (has_received, has_lost) = self.state.with(|state| {
            let result = state.receive();
            state.send();
            result
        });
        if has_lost {
            self.has_overrun.store(true, Ordering::Relaxed);
            self.overrun_count.fetch_add(1, Ordering::Relaxed);
        }
        has_received || has_lost
    }

    /// Sends what is queued, for a report on the way to a halt: nothing if the lock is held, and no
    /// more than the port takes without standing still.
    pub(crate) fn drain_raw(&self) {
        self.state.try_with(|state| {
            let mut stalled_count = 0;
            let mut length_before = usize::MAX;
            while !state.transmit.is_empty() && stalled_count <= STALLED_LOOK_COUNT_MAX {
                state.send();
                let length = state.transmit.len();
                stalled_count = if length < length_before {
                    0
                } else {
                    stalled_count + 1
                };
                length_before = length;
            }
        });
    }

    /// Writes without locks and rings, for a report on the way to a halt. Waits a bounded time for
    /// each byte, and gives up on a port that stands still.
    pub(crate) fn write_raw(&self, bytes: &[u8]) {
        // SAFETY: as in `init`. Another user of the port may have been interrupted for good, which
        // at worst mixes their bytes.
        let Ok(mut uart) = (unsafe { Uart16550::new_port(self.base) }) else {
            return;
        };
        if !uart.check_present() {
            return;
        }
        for byte in bytes {
            let sent = (0..STALLED_LOOK_COUNT_MAX).any(|_| uart.try_send_byte(*byte).is_ok());
            if !sent {
                return;
            }
        }
    }
}

impl State {
    /// Takes what the port received: whether there was something, and whether something was lost.
    fn receive(&mut self) -> (bool, bool) {
        let Some(uart) = &mut self.uart else {
            return (false, false);
        };
        let mut has_received = false;
        let mut has_lost = false;
        for _ in 0..RECEIVE_BATCH_COUNT_MAX {
            let Ok(byte) = uart.try_receive_byte() else {
                break;
            };
            has_received = true;
            has_lost |= self.receive.push(&[byte]) == 0;
        }
        has_lost |= uart.lsr().contains(LSR::OVERRUN_ERROR);
        (has_received, has_lost)
    }

    /// Fills the port's FIFO if it is empty.
    fn send(&mut self) {
        let Some(uart) = &mut self.uart else { return };
        // The FIFO takes its fill once; a second round covers the ring's wrap.
        for _ in 0..2 {
            let front = self.transmit.front();
            let burst = front.get(..FIFO_BYTES.min(front.len())).unwrap_or(&[]);
            if burst.is_empty() {
                return;
            }
            let count = uart.send_bytes(burst);
            self.transmit.discard(count);
            if count == 0 {
                return;
            }
        }
    }

    /// True if the port has sent its last bit.
    fn is_idle(&mut self) -> bool {
        match &mut self.uart {
            Some(uart) => uart.lsr().contains(LSR::TRANSMITTER_EMPTY),
            None => true,
        }
    }
}

/// Waits, bounded, until a port that firmware may have used has sent its last bit: a port that never
/// does is broken, and setting it up would wait for it without a bound.
fn is_drained(uart: &mut Uart16550<PioBackend>) -> bool {
    (0..STALLED_LOOK_COUNT_MAX).any(|_| uart.lsr().contains(LSR::TRANSMITTER_EMPTY))
}

/// Looks for both ports. Until [`enable_interrupts`] they work by polling.
pub(crate) fn init() {
    COM1.init();
    COM2.init();
}

/// Lets both ports raise interrupts.
pub(crate) fn enable_interrupts() {
    COM1.enable_interrupts();
    COM2.enable_interrupts();
}

/// Moves bytes of both ports: called by their interrupts and by the timer.
pub(crate) fn service() -> bool {
    // Both are served at each interrupt, because a port can be wired to the other's line.
    let com1 = COM1.service();
    let com2 = COM2.service();
    com1 || com2
}

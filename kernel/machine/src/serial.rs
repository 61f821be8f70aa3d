//! The serial ports: COM1 for the operator, COM2 for telemetry.
//!
//! Owns both ports and the rings between their interrupts and the loop. A port that is not there reads
//! nothing and swallows what is written. Interrupts move bytes between port and rings; the timer does
//! it too, so that a port whose interrupt never comes still works, only slower.
//!
//! Invariants:
//! - no operation waits without a bound;
//! - a loss of received bytes is reported once, by [`Port::read`], before any byte that came after
//!   it, so that a reader can void the line it was reading;
//! - what an interrupt and the loop share of a port is behind its locks.

#[cfg(test)]
mod chip;
#[cfg(test)]
mod interleavings;
pub mod ring;
mod transfer;

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use uart_16550::backend::{Backend, PioBackend};
use uart_16550::spec::registers::{FifoTriggerLevel, IER, LSR};
use uart_16550::{BaudRate, Config, Uart16550};

use crate::sync::InterruptLock;
use crate::sync::defect::{Defect, planted};
use transfer::{Patience, Rings, STALLED_LOOK_COUNT_MAX};

/// Capacity of a receive ring, in bytes.
pub const RECEIVE_RING_BYTES: usize = 16 * 1024;
/// Capacity of a transmit ring, in bytes.
pub const TRANSMIT_RING_BYTES: usize = 32 * 1024;

/// Received bytes were lost, and those around them are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesLost;

impl fmt::Display for BytesLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes were lost on the serial line; send the line again")
    }
}

impl core::error::Error for BytesLost {}

/// One serial port. Only the loop writes the atomics; what handlers touch is locked.
pub struct Port<B: Backend = PioBackend> {
    base: u16,
    is_present: AtomicBool,
    dropped_byte_count: AtomicU64,
    is_stalled: AtomicBool,
    uart: InterruptLock<Option<Uart16550<B>>>,
    rings: &'static InterruptLock<Rings>,
}

// The rings stand apart from the ports, because a value that is all zeros takes no room in the file.
static COM1_RINGS: InterruptLock<Rings> = InterruptLock::new(Rings::new());
static COM2_RINGS: InterruptLock<Rings> = InterruptLock::new(Rings::new());

/// The operator's console.
pub static COM1: Port = Port::new(0x3f8, &COM1_RINGS);
/// The telemetry line.
pub static COM2: Port = Port::new(0x2f8, &COM2_RINGS);

impl<B: Backend> Port<B> {
    const fn new(base: u16, rings: &'static InterruptLock<Rings>) -> Self {
        Self {
            base,
            is_present: AtomicBool::new(false),
            dropped_byte_count: AtomicU64::new(0),
            is_stalled: AtomicBool::new(false),
            uart: InterruptLock::new(None),
            rings,
        }
    }

    /// True if there is such a port.
    pub fn present(&self) -> bool {
        self.is_present.load(Ordering::Relaxed)
    }

    /// Runs `action` on the port, if there is one, and its rings.
    fn with<R>(&self, action: impl FnOnce(&mut Uart16550<B>, &mut Rings) -> R) -> Option<R> {
        self.uart.with(|uart| {
            let uart = uart.as_mut()?;
            Some(self.rings.with(|rings| action(uart, rings)))
        })
    }

    /// Takes received bytes into `buffer` and says how many.
    ///
    /// # Errors
    /// [`BytesLost`], once, if bytes were lost since the last call; what waited around the loss is
    /// dropped.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, BytesLost> {
        if planted(Defect::LossToldBeforeRead) {
            self.rings.with(|rings| rings.read(&mut []))?;
            return Ok(self.rings.with(|rings| rings.pop(buffer)));
        }
        // The loss and the bytes are taken at once: an interrupt between the two could bring
        // bytes from behind a loss that the reader has not been told of.
        self.rings.with(|rings| rings.read(buffer))
    }

    /// How many times received bytes were lost.
    pub fn loss_count(&self) -> u64 {
        self.rings.with(|rings| rings.loss_count)
    }

    /// How many bytes were written that the port never took.
    pub fn dropped_byte_count(&self) -> u64 {
        self.dropped_byte_count.load(Ordering::Relaxed)
    }

    /// Queues as many of `bytes` as fit and says how many; never waits. An absent port takes all.
    pub fn write_some(&self, bytes: &[u8]) -> usize {
        let queued = self.with(|uart, rings| {
            let count = rings.transmit.push(bytes);
            rings.send(uart);
            count
        });
        queued.unwrap_or(bytes.len())
    }

    /// Queues all of `bytes`. While the ring is full it waits for the port, as long as that makes
    /// progress; a port that stands still loses the rest, which is counted, and is not waited for
    /// again until it has moved.
    pub fn write(&self, bytes: &[u8]) {
        let mut rest = bytes;
        let mut stalled_count: u32 = 0;
        while !rest.is_empty() {
            let count = self.write_some(rest);
            rest = rest.get(count..).unwrap_or(&[]);
            if count > 0 {
                self.is_stalled.store(false, Ordering::Relaxed);
                stalled_count = 0;
                continue;
            }
            stalled_count = stalled_count.saturating_add(1);
            let gives_up = stalled_count > STALLED_LOOK_COUNT_MAX;
            if gives_up || self.is_stalled.load(Ordering::Relaxed) {
                self.is_stalled.store(true, Ordering::Relaxed);
                self.dropped_byte_count
                    .fetch_add(rest.len() as u64, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Waits until all queued bytes are out, as long as the port makes progress.
    pub fn flush(&self) {
        let mut patience = Patience::new();
        loop {
            let state = self.with(|uart, rings| {
                rings.send(uart);
                let is_idle = rings.status(uart).contains(LSR::TRANSMITTER_EMPTY);
                (rings.transmit.len(), is_idle)
            });
            match state {
                None | Some((0, true)) => return,
                Some((length, _)) if patience.is_over(length) => return,
                Some(_) => {}
            }
        }
    }

    /// Lets the port raise interrupts.
    fn enable_interrupts(&self) {
        self.with(|uart, _| uart.enable_interrupts(IER::DATA_READY | IER::THR_EMPTY));
    }

    /// Moves bytes between the port and the rings until the port wants nothing more.
    fn service(&self) {
        self.with(|uart, rings| rings.service(uart));
    }
}

impl Port {
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
            self.uart.with(|slot| *slot = Some(uart));
            self.is_present.store(true, Ordering::Relaxed);
        }
    }

    /// Sends what is queued, for a report on the way to a halt: nothing if a lock is held, and no
    /// more than the port takes without standing still.
    pub(crate) fn drain_raw(&self) {
        self.uart.try_with(|uart| {
            self.rings.try_with(|rings| {
                let Some(uart) = uart else { return };
                let mut patience = Patience::new();
                while !rings.transmit.is_empty() && !patience.is_over(rings.transmit.len()) {
                    rings.send(uart);
                }
            })
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
pub(crate) fn service() {
    // Both are served at each interrupt, because a port can be wired to the other's line.
    COM1.service();
    COM2.service();
}

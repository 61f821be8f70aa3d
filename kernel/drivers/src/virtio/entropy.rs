//! Random numbers from virtio-rng, as one of the machine's sources.
//!
//! Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.4.

use super::request::{RequestError, Requests, Shape};
use bitflags::bitflags;
use machine::entropy::{EntropyError, Source};
use machine::interrupts::line::DeviceLine;
use virtio_drivers::transport::Transport;

/// Bytes of one draw.
const DRAW_BYTES: usize = 8;
/// Answers of zero bytes in a row after which the device counts as failed.
const EMPTY_ANSWERS_MAX: u32 = 16;

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Features: u64 {
        const VERSION_1 = 1 << 32;
    }
}

/// A virtio source of entropy.
pub struct VirtioEntropy<T: Transport> {
    transport: T,
    requests: Requests,
}

impl<T: Transport> VirtioEntropy<T> {
    /// Takes the device into use; it interrupts by `line`, and `now_ns` is a monotonic clock for its
    /// deadlines.
    ///
    /// # Errors
    /// The device does not follow the specification, or memory is out.
    pub fn new(
        mut transport: T,
        line: Option<DeviceLine>,
        now_ns: fn() -> u64,
    ) -> Result<Self, virtio_drivers::Error> {
        let _ = transport.begin_init(Features::VERSION_1);
        let requests = Requests::new(&mut transport, line, 1, now_ns)?;
        transport.finish_init();
        Ok(VirtioEntropy {
            transport,
            requests,
        })
    }

    fn ask(&mut self, bytes: usize) -> Result<usize, RequestError> {
        self.requests.run(
            &mut self.transport,
            Shape {
                at: 0,
                to_device: 0,
                from_device: bytes,
            },
        )
    }
}

impl<T: Transport> Source for VirtioEntropy<T> {
    fn name(&self) -> &'static str {
        "virtio-rng"
    }

    fn draw(&mut self) -> Result<u64, EntropyError> {
        let mut value = [0; DRAW_BYTES];
        let mut filled = 0;
        let mut empty_answers = 0;
        while filled < DRAW_BYTES {
            let written = self
                .ask(DRAW_BYTES - filled)
                .map_err(|_| EntropyError::Dry)?;
            let given = self.requests.buffer().map_err(|_| EntropyError::Dry)?;
            let given = given.get_mut(..written).ok_or(EntropyError::Dry)?;
            let place = value
                .get_mut(filled..filled + written)
                .ok_or(EntropyError::Dry)?;
            place.copy_from_slice(given);
            given.fill(0);
            filled += written;
            empty_answers = if written == 0 { empty_answers + 1 } else { 0 };
            if empty_answers >= EMPTY_ANSWERS_MAX {
                return Err(EntropyError::Dry);
            }
        }
        Ok(u64::from_le_bytes(value))
    }
}

//! One request at a time over a virtqueue, with a deadline.
//!
//! Owns the queue and a bounce buffer that the device reads and writes. Because the device
//! only ever sees that buffer, and it is never freed, giving up on a request that the device
//! does not finish is sound: a late answer lands where nobody looks.
//!
//! Invariants:
//! - at most one request is under way;
//! - once a request has timed out or the device has answered nonsense, the queue is not used again.

use super::hal::MachineHal;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::slice;
use machine::memory;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;
use virtio_drivers::{Error, PAGE_SIZE};

/// Descriptors of a queue: a request uses three.
pub(crate) const QUEUE_SIZE: usize = 4;
/// How long a device may take, in nanoseconds: less than the 5 s after which people call it hung.
const DEADLINE_NS: u64 = 4_000_000_000;

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// No answer before the deadline, now or for an earlier request.
    TimedOut,
    /// The answer does not belong to the request.
    Nonsense,
    /// The request does not fit the bounce buffer.
    TooLarge,
}

/// A queue with its bounce buffer.
pub(crate) struct Requests {
    queue: ManuallyDrop<VirtQueue<MachineHal, QUEUE_SIZE>>,
    buffer: NonNull<u8>,
    buffer_bytes: usize,
    now_ns: fn() -> u64,
    broken: Option<RequestError>,
}

/// The parts of the bounce buffer that one request shows to the device, in bytes from its start:
/// first what the device reads, then what it writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Bytes that the device reads.
    pub(crate) to_device: usize,
    /// Bytes that the device writes, right after them.
    pub(crate) from_device: usize,
}

impl Requests {
    /// Sets up queue 0 of a device and a bounce buffer of `pages` pages.
    pub(crate) fn new<T: Transport>(
        transport: &mut T,
        pages: usize,
        now_ns: fn() -> u64,
    ) -> Result<Self, Error> {
        let queue = VirtQueue::new(transport, 0, false, false)?;
        let buffer = memory::dma_allocate(pages).map_err(|_| Error::DmaError)?;
        Ok(Requests {
            queue: ManuallyDrop::new(queue),
            buffer: buffer.pointer,
            buffer_bytes: pages.saturating_mul(PAGE_SIZE),
            now_ns,
            broken: None,
        })
    }

    /// The bounce buffer, while no request is under way.
    pub(crate) fn buffer(&mut self) -> Result<&mut [u8], RequestError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        // SAFETY: the buffer is live, exclusively ours and of that size; the device does not touch
        // it because no request is under way (else `broken` were set).
        Ok(unsafe { slice::from_raw_parts_mut(self.buffer.as_ptr(), self.buffer_bytes) })
    }

    /// Gives the device the bytes that `shape` names and waits until it has used them; says how
    /// many bytes the device wrote.
    pub(crate) fn run<T: Transport>(
        &mut self,
        transport: &mut T,
        shape: Shape,
    ) -> Result<usize, RequestError> {
        let result = self.exchange(transport, shape);
        if let Err(error @ (RequestError::TimedOut | RequestError::Nonsense)) = result {
            self.broken = Some(error);
        }
        result
    }

    fn exchange<T: Transport>(
        &mut self,
        transport: &mut T,
        shape: Shape,
    ) -> Result<usize, RequestError> {
        if shape.to_device.saturating_add(shape.from_device) > self.buffer_bytes {
            return Err(RequestError::TooLarge);
        }
        let start = {
            let buffer = self.buffer()?;
            buffer.as_mut_ptr()
        };
        // SAFETY: the range lies in the bounce buffer (checked above), which is never freed and
        // which nobody else touches until the request is over or the queue is given up.
        let to_device = unsafe { slice::from_raw_parts(start, shape.to_device) };
        // SAFETY: as above, and it does not overlap `to_device`.
        let from_device =
            unsafe { slice::from_raw_parts_mut(start.add(shape.to_device), shape.from_device) };
        let inputs: &[&[u8]] = &[to_device];
        let inputs = if shape.to_device == 0 { &[] } else { inputs };
        let outputs: &mut [&mut [u8]] = &mut [from_device];
        // SAFETY: the buffers outlive the request, see above.
        let token =
            unsafe { self.queue.add(inputs, outputs) }.map_err(|_| RequestError::Nonsense)?;
        if self.queue.should_notify() {
            transport.notify(0);
        }
        let deadline = (self.now_ns)().saturating_add(DEADLINE_NS);
        while !self.queue.can_pop() {
            if (self.now_ns)() > deadline {
                return Err(RequestError::TimedOut);
            }
            core::hint::spin_loop();
        }
        // SAFETY: the same buffers were added under this token.
        let written = unsafe { self.queue.pop_used(token, inputs, outputs) }
            .map_err(|_| RequestError::Nonsense)?;
        let written = usize::try_from(written).map_err(|_| RequestError::Nonsense)?;
        if written > shape.from_device {
            Err(RequestError::Nonsense)
        } else {
            Ok(written)
        }
    }
}

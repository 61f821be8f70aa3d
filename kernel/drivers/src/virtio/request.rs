//! Requests over a virtqueue, a few at once, with a deadline.
//!
//! Owns the queue and a bounce buffer that the device reads and writes. Because the device
//! only ever sees that buffer, and it is never freed, giving up on a request that the device
//! does not finish is sound: a late answer lands where nobody looks.
//!
//! Invariants:
//! - nothing is under way between two calls: each waits for all that it gave the device;
//! - once a request has timed out or the device has answered nonsense, the queue is not used again.

use super::hal::MachineHal;
use super::waiting::{Turn, Waiting};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::slice;
use machine::interrupts::line::DeviceLine;
use machine::memory;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;
use virtio_drivers::{Error, PAGE_SIZE};

/// Descriptors of a queue: a request uses two at most.
pub(crate) const QUEUE_SIZE: usize = 16;
/// Requests that are given to a device at once at most.
pub(crate) const BATCH_MAX: usize = QUEUE_SIZE / 2;
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
    waiting: Waiting,
    broken: Option<RequestError>,
}

/// The parts of the bounce buffer that one request shows to the device: first what the device reads,
/// then what it writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Where in the buffer it begins, in bytes.
    pub(crate) at: usize,
    /// Bytes that the device reads.
    pub(crate) to_device: usize,
    /// Bytes that the device writes, right after them.
    pub(crate) from_device: usize,
}

impl Shape {
    /// Where the last byte of the request is.
    pub(crate) fn last(self) -> usize {
        self.at
            .saturating_add(self.to_device)
            .saturating_add(self.from_device)
            .saturating_sub(1)
    }
}

impl Requests {
    /// Sets up queue 0 of a device that interrupts by `line`, and a bounce buffer of `pages` pages.
    pub(crate) fn new<T: Transport>(
        transport: &mut T,
        line: Option<DeviceLine>,
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
            waiting: Waiting::by(line),
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
        let mut written = [0];
        self.run_all(transport, &[shape], &mut written)?;
        let [written] = written;
        Ok(written)
    }

    /// As [`run`](Self::run) for several requests at once, at most [`BATCH_MAX`], whose parts of the
    /// buffer follow each other. Says of as many as `written` has room for how much the device wrote.
    pub(crate) fn run_all<T: Transport>(
        &mut self,
        transport: &mut T,
        shapes: &[Shape],
        written: &mut [usize],
    ) -> Result<(), RequestError> {
        let result = self.exchange(transport, shapes, written);
        if let Err(error @ (RequestError::TimedOut | RequestError::Nonsense)) = result {
            self.broken = Some(error);
        }
        result
    }

    fn exchange<T: Transport>(
        &mut self,
        transport: &mut T,
        shapes: &[Shape],
        written: &mut [usize],
    ) -> Result<(), RequestError> {
        if shapes.len() > BATCH_MAX || !self.fits(shapes) {
            return Err(RequestError::TooLarge);
        }
        let mut tokens = [None; BATCH_MAX];
        for (token, shape) in tokens.iter_mut().zip(shapes) {
            *token = Some(self.give(*shape)?);
        }
        if self.queue.should_notify() {
            transport.notify(0);
        }
        let deadline = (self.now_ns)().saturating_add(DEADLINE_NS);
        for _ in shapes {
            self.wait_for_answer(transport, deadline)?;
            // The device finishes in any order.
            let token = self.queue.peek_used().ok_or(RequestError::Nonsense)?;
            let index = tokens.iter().position(|given| *given == Some(token));
            let index = index.ok_or(RequestError::Nonsense)?;
            let shape = shapes.get(index).ok_or(RequestError::Nonsense)?;
            let count = self.take(token, *shape)?;
            if let Some(slot) = tokens.get_mut(index) {
                *slot = None;
            }
            if let Some(slot) = written.get_mut(index) {
                *slot = count;
            }
        }
        Ok(())
    }

    /// Waits until the device has finished one request more.
    fn wait_for_answer<T: Transport>(
        &mut self,
        transport: &mut T,
        deadline_ns: u64,
    ) -> Result<(), RequestError> {
        while !self.queue.can_pop() {
            if (self.now_ns)() > deadline_ns {
                return Err(RequestError::TimedOut);
            }
            let queue = &self.queue;
            if self.waiting.turn(|| queue.can_pop()) == Turn::Slept {
                // Makes the device let go of its line, which would interrupt again at once.
                transport.ack_interrupt();
            }
        }
        Ok(())
    }

    /// Whether the parts follow each other inside the bounce buffer.
    fn fits(&self, shapes: &[Shape]) -> bool {
        let mut end: usize = 0;
        shapes.iter().all(|shape| {
            let is_behind = shape.at >= end;
            end = shape
                .at
                .saturating_add(shape.to_device)
                .saturating_add(shape.from_device);
            is_behind && end <= self.buffer_bytes
        })
    }

    /// Puts a request whose parts fit into the queue; the device has it with the next notification,
    /// or sooner.
    fn give(&mut self, shape: Shape) -> Result<u16, RequestError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        // SAFETY: the parts fit, nothing else of them is borrowed, and they are dropped at the end.
        let (to_device, from_device) = unsafe { parts(self.buffer, shape) };
        let inputs = [to_device];
        let inputs = inputs.get(usize::from(to_device.is_empty())..);
        // SAFETY: the buffers lie in the bounce buffer, which is never freed and which nobody else
        // touches until the request is over or the queue is given up.
        unsafe { self.queue.add(inputs.unwrap_or(&[]), &mut [from_device]) }
            .map_err(|_| RequestError::Nonsense)
    }

    /// Takes a finished request out of the queue; the number of bytes that the device wrote.
    fn take(&mut self, token: u16, shape: Shape) -> Result<usize, RequestError> {
        // SAFETY: as in `give`.
        let (to_device, from_device) = unsafe { parts(self.buffer, shape) };
        let inputs = [to_device];
        let inputs = inputs.get(usize::from(to_device.is_empty())..);
        // SAFETY: the same buffers were added under this token.
        let written = unsafe {
            self.queue
                .pop_used(token, inputs.unwrap_or(&[]), &mut [from_device])
        };
        let written = written.map_err(|_| RequestError::Nonsense)?;
        let written = usize::try_from(written).map_err(|_| RequestError::Nonsense)?;
        if written > shape.from_device {
            return Err(RequestError::Nonsense);
        }
        Ok(written)
    }
}

/// The parts of a bounce buffer that the device reads and writes for a request.
///
/// # Safety
/// The request lies inside the buffer, and while the parts live nobody else uses those bytes.
unsafe fn parts<'a>(buffer: NonNull<u8>, shape: Shape) -> (&'a [u8], &'a mut [u8]) {
    // SAFETY: the caller keeps the request, and so its start, inside the buffer.
    let start = unsafe { buffer.as_ptr().add(shape.at) };
    // SAFETY: as above, for its first part.
    let to_device = unsafe { slice::from_raw_parts(start, shape.to_device) };
    // SAFETY: as above, for its second part, which begins where the first one ends.
    let from_device =
        unsafe { slice::from_raw_parts_mut(start.add(shape.to_device), shape.from_device) };
    (to_device, from_device)
}

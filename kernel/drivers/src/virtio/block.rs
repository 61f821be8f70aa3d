//! A disk behind virtio-blk, as the ledger's `BlockDevice`.
//!
//! Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.2. Requests go through a bounce
//! buffer with a deadline, see `request`; an error is reported and never retried here, because
//! a flush that is retried after it failed proves nothing.

use super::request::{BATCH_MAX, RequestError, Requests, Shape};
use alloc::vec::Vec;
use bitflags::bitflags;
use ledger::{BlockDevice, DeviceError};
use machine::interrupts::line::DeviceLine;
use virtio_drivers::transport::Transport;

const SECTOR_BYTES: usize = 512;
/// Bytes of a request's head: type u32, reserved u32, sector u64, little-endian.
const HEAD_BYTES: usize = 16;
/// Bytes of data in one request at most.
const DATA_BYTES_MAX: usize = 64 * 1024;
/// Pages of the bounce buffer: data, heads and statuses.
const BUFFER_PAGES: usize = DATA_BYTES_MAX / virtio_drivers::PAGE_SIZE + 1;

const TYPE_IN: u32 = 0;
const TYPE_OUT: u32 = 1;
const TYPE_FLUSH: u32 = 4;
const STATUS_OK: u8 = 0;

bitflags! {
    /// Features of the device that this driver knows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Features: u64 {
        const READ_ONLY = 1 << 5;
        const FLUSH = 1 << 9;
        const VERSION_1 = 1 << 32;
    }
}

/// A virtio disk.
pub struct VirtioBlock<T: Transport> {
    transport: T,
    requests: Requests,
    sectors: u64,
    features: Features,
}

impl<T: Transport> VirtioBlock<T> {
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
        let wanted = Features::READ_ONLY | Features::FLUSH | Features::VERSION_1;
        let features = transport.begin_init(wanted);
        let sectors = transport.read_consistent(|| {
            // The configuration space is only promised to be aligned to four bytes.
            let low: u32 = transport.read_config_space(0)?;
            let high: u32 = transport.read_config_space(4)?;
            Ok(u64::from(high) << 32 | u64::from(low))
        })?;
        let requests = Requests::new(&mut transport, line, BUFFER_PAGES, now_ns)?;
        transport.finish_init();
        Ok(VirtioBlock {
            transport,
            requests,
            sectors,
            features,
        })
    }

    /// Whether writes reach stable storage only after a flush.
    #[must_use]
    pub fn has_write_cache(&self) -> bool {
        self.features.contains(Features::FLUSH)
    }

    fn check(&self, sector: u64, bytes: usize) -> Result<(), DeviceError> {
        let count = u64::try_from(bytes / SECTOR_BYTES).map_err(|_| DeviceError::OutOfRange)?;
        let whole = bytes != 0 && bytes.is_multiple_of(SECTOR_BYTES);
        match sector.checked_add(count) {
            Some(end) if whole && end <= self.sectors => Ok(()),
            _ => Err(DeviceError::OutOfRange),
        }
    }

    /// Lays the head of a request at `at` into the bounce buffer, and gives what is behind it.
    fn put_head(&mut self, at: usize, kind: u32, sector: u64) -> Result<&mut [u8], DeviceError> {
        let buffer = self.requests.buffer().map_err(gone)?;
        let (head, rest) = buffer
            .get_mut(at..)
            .and_then(|buffer| buffer.split_at_mut_checked(HEAD_BYTES))
            .ok_or(DeviceError::OutOfRange)?;
        let words = kind
            .to_le_bytes()
            .into_iter()
            .chain([0; 4])
            .chain(sector.to_le_bytes());
        head.iter_mut().zip(words).for_each(|(to, from)| *to = from);
        Ok(rest)
    }

    /// Runs the requests and checks the status byte of each, the last that the device writes.
    fn run(&mut self, shapes: &[Shape], failure: DeviceError) -> Result<(), DeviceError> {
        let map = |error| match error {
            RequestError::TimedOut => DeviceError::Timeout,
            RequestError::Nonsense | RequestError::TooLarge => failure,
        };
        for shape in shapes {
            // A status that the device leaves untouched must not read as success.
            let buffer = self.requests.buffer().map_err(map)?;
            *buffer.get_mut(shape.last()).ok_or(failure)? = 0xff;
        }
        self.requests
            .run_all(&mut self.transport, shapes, &mut [])
            .map_err(map)?;
        for shape in shapes {
            match self.requests.buffer().map_err(map)?.get(shape.last()) {
                Some(&STATUS_OK) => {}
                _ => return Err(failure),
            }
        }
        Ok(())
    }
}

/// The shapes of requests that carry `data_bytes` each, one behind the other: as many as go at once.
fn batch(
    data_bytes: impl Iterator<Item = usize>,
    split: impl Fn(usize) -> (usize, usize),
) -> Vec<Shape> {
    let mut at: usize = 0;
    data_bytes
        .take(BATCH_MAX)
        .map_while(|bytes| {
            let (to_device, from_device) = split(bytes);
            let shape = Shape {
                at,
                to_device,
                from_device,
            };
            at = shape.last().saturating_add(1);
            (at <= BUFFER_PAGES * virtio_drivers::PAGE_SIZE).then_some(shape)
        })
        .collect()
}

/// The first sector of the piece after one of `bytes` at `sector`.
fn after(sector: u64, bytes: usize) -> u64 {
    sector.saturating_add((bytes / SECTOR_BYTES) as u64)
}

fn gone(_: RequestError) -> DeviceError {
    DeviceError::Timeout
}

impl<T: Transport> BlockDevice for VirtioBlock<T> {
    fn sector_count(&self) -> u64 {
        self.sectors
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        self.read_all(&mut [(sector, buffer)])
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.write_all(&[(sector, data)])
    }

    fn read_all(&mut self, reads: &mut [(u64, &mut [u8])]) -> Result<(), DeviceError> {
        let mut pieces: Vec<(u64, &mut [u8])> = Vec::new();
        for (sector, buffer) in reads {
            self.check(*sector, buffer.len())?;
            let mut at = *sector;
            for piece in buffer.chunks_mut(DATA_BYTES_MAX) {
                let next = after(at, piece.len());
                pieces.push((at, piece));
                at = next;
            }
        }
        let mut rest = pieces.as_mut_slice();
        while !rest.is_empty() {
            let sizes = rest.iter().map(|(_, piece)| piece.len());
            let shapes = batch(sizes, |bytes| (HEAD_BYTES, bytes + 1));
            let (now, later) = rest
                .split_at_mut_checked(shapes.len().max(1))
                .ok_or(DeviceError::Read)?;
            for (shape, (sector, _)) in shapes.iter().zip(&*now) {
                self.put_head(shape.at, TYPE_IN, *sector)?;
            }
            self.run(&shapes, DeviceError::Read)?;
            let bytes = self.requests.buffer().map_err(gone)?;
            for (shape, (_, piece)) in shapes.iter().zip(now) {
                let start = shape.at + HEAD_BYTES;
                let data = bytes.get(start..start + piece.len());
                piece.copy_from_slice(data.ok_or(DeviceError::Read)?);
            }
            rest = later;
        }
        Ok(())
    }

    fn write_all(&mut self, writes: &[(u64, &[u8])]) -> Result<(), DeviceError> {
        let mut pieces: Vec<(u64, &[u8])> = Vec::new();
        for (sector, data) in writes {
            self.check(*sector, data.len())?;
            let mut at = *sector;
            for piece in data.chunks(DATA_BYTES_MAX) {
                pieces.push((at, piece));
                at = after(at, piece.len());
            }
        }
        if self.features.contains(Features::READ_ONLY) {
            return Err(DeviceError::ReadOnly);
        }
        let mut rest = pieces.as_slice();
        while !rest.is_empty() {
            let sizes = rest.iter().map(|(_, piece)| piece.len());
            let shapes = batch(sizes, |bytes| (HEAD_BYTES + bytes, 1));
            let (now, later) = rest
                .split_at_checked(shapes.len().max(1))
                .ok_or(DeviceError::Write)?;
            for (shape, (sector, piece)) in shapes.iter().zip(now) {
                let room = self.put_head(shape.at, TYPE_OUT, *sector)?;
                room.get_mut(..piece.len())
                    .ok_or(DeviceError::Write)?
                    .copy_from_slice(piece);
            }
            self.run(&shapes, DeviceError::Write)?;
            rest = later;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        // Without the feature the device writes through (VIRTIO 1.2, 5.2.6.2).
        if !self.features.contains(Features::FLUSH) {
            return Ok(());
        }
        self.put_head(0, TYPE_FLUSH, 0)?;
        let shape = Shape {
            at: 0,
            to_device: HEAD_BYTES,
            from_device: 1,
        };
        self.run(&[shape], DeviceError::Flush)
    }
}

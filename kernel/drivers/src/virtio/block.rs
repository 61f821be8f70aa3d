//! A disk behind virtio-blk, as the ledger's `BlockDevice`.
//!
//! Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.2. Requests go through a bounce
//! buffer with a deadline, see `request`; an error is reported and never retried here, because
//! a flush that is retried after it failed proves nothing.

use super::request::{RequestError, Requests, Shape};
use bitflags::bitflags;
use ledger::{BlockDevice, DeviceError};
use virtio_drivers::transport::Transport;

const SECTOR_BYTES: usize = 512;
/// Bytes of a request's head: type u32, reserved u32, sector u64, little-endian.
const HEAD_BYTES: usize = 16;
/// Bytes of data in one request at most.
const DATA_BYTES_MAX: usize = 64 * 1024;
/// Pages of the bounce buffer: data, head and status.
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
    /// Takes the device into use; `now_ns` is a monotonic clock for its deadlines.
    ///
    /// # Errors
    /// The device does not follow the specification, or memory is out.
    pub fn new(mut transport: T, now_ns: fn() -> u64) -> Result<Self, virtio_drivers::Error> {
        let wanted = Features::READ_ONLY | Features::FLUSH | Features::VERSION_1;
        let features = transport.begin_init(wanted);
        let sectors = transport.read_consistent(|| {
            // The configuration space is only promised to be aligned to four bytes.
            let low: u32 = transport.read_config_space(0)?;
            let high: u32 = transport.read_config_space(4)?;
            Ok(u64::from(high) << 32 | u64::from(low))
        })?;
        let requests = Requests::new(&mut transport, BUFFER_PAGES, now_ns)?;
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

    fn put_head(&mut self, kind: u32, sector: u64) -> Result<&mut [u8], RequestError> {
        let buffer = self.requests.buffer()?;
        let (head, rest) = buffer
            .split_at_mut_checked(HEAD_BYTES)
            .ok_or(RequestError::TooLarge)?;
        let words = kind
            .to_le_bytes()
            .into_iter()
            .chain([0; 4])
            .chain(sector.to_le_bytes());
        head.iter_mut().zip(words).for_each(|(to, from)| *to = from);
        Ok(rest)
    }

    /// Runs the request and checks the status byte, the last that the device writes.
    fn run(&mut self, shape: Shape, failure: DeviceError) -> Result<(), DeviceError> {
        let status_at = shape
            .to_device
            .saturating_add(shape.from_device)
            .saturating_sub(1);
        let map = |error| match error {
            RequestError::TimedOut => DeviceError::Timeout,
            RequestError::Nonsense | RequestError::TooLarge => failure,
        };
        // A status that the device leaves untouched must not read as success.
        if let Some(status) = self.requests.buffer().map_err(map)?.get_mut(status_at) {
            *status = 0xff;
        }
        self.requests.run(&mut self.transport, shape).map_err(map)?;
        match self.requests.buffer().map_err(map)?.get(status_at) {
            Some(&STATUS_OK) => Ok(()),
            _ => Err(failure),
        }
    }
}

fn gone(_: RequestError) -> DeviceError {
    DeviceError::Timeout
}

impl<T: Transport> BlockDevice for VirtioBlock<T> {
    fn sector_count(&self) -> u64 {
        self.sectors
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        self.check(sector, buffer.len())?;
        let mut at = sector;
        for piece in buffer.chunks_mut(DATA_BYTES_MAX) {
            self.put_head(TYPE_IN, at).map_err(gone)?;
            let shape = Shape {
                to_device: HEAD_BYTES,
                from_device: piece.len() + 1,
            };
            self.run(shape, DeviceError::Read)?;
            let bytes = self.requests.buffer().map_err(gone)?;
            let data = bytes
                .get(HEAD_BYTES..HEAD_BYTES + piece.len())
                .ok_or(DeviceError::Read)?;
            piece.copy_from_slice(data);
            at = at.saturating_add((piece.len() / SECTOR_BYTES) as u64);
        }
        Ok(())
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.check(sector, data.len())?;
        if self.features.contains(Features::READ_ONLY) {
            return Err(DeviceError::ReadOnly);
        }
        let mut at = sector;
        for piece in data.chunks(DATA_BYTES_MAX) {
            let rest = self.put_head(TYPE_OUT, at).map_err(gone)?;
            rest.get_mut(..piece.len())
                .ok_or(DeviceError::Write)?
                .copy_from_slice(piece);
            let shape = Shape {
                to_device: HEAD_BYTES + piece.len(),
                from_device: 1,
            };
            self.run(shape, DeviceError::Write)?;
            at = at.saturating_add((piece.len() / SECTOR_BYTES) as u64);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        // Without the feature the device writes through (VIRTIO 1.2, 5.2.6.2).
        if !self.features.contains(Features::FLUSH) {
            return Ok(());
        }
        self.put_head(TYPE_FLUSH, 0).map_err(gone)?;
        self.run(
            Shape {
                to_device: HEAD_BYTES,
                from_device: 1,
            },
            DeviceError::Flush,
        )
    }
}

//! Reads untrusted tables out of physical memory, within bounds.
//!
//! Owns the [`PhysicalMemory`] seam: the parsers of boot information and ACPI tables read through it,
//! so that they run on a host over invented bytes.

/// Physical memory that can be looked at.
pub trait PhysicalMemory {
    /// The `length` bytes at `address`, or nothing if they are not all readable.
    fn bytes(&self, address: u64, length: u64) -> Option<&[u8]>;
}

/// The little-endian `u16` at `offset`.
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    array_at(bytes, offset).map(u16::from_le_bytes)
}

/// The little-endian `u32` at `offset`.
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array_at(bytes, offset).map(u32::from_le_bytes)
}

/// The little-endian `u64` at `offset`.
pub fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    array_at(bytes, offset).map(u64::from_le_bytes)
}

/// The `N` bytes at `offset`.
pub fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
pub(crate) mod fake {
    //! Physical memory of a test: one piece of bytes at one address.
    use super::PhysicalMemory;

    pub(crate) struct FakeMemory {
        pub(crate) base: u64,
        pub(crate) bytes: std::vec::Vec<u8>,
    }

    impl FakeMemory {
        pub(crate) fn new(base: u64, length: usize) -> Self {
            Self {
                base,
                bytes: std::vec![0; length],
            }
        }

        pub(crate) fn write(&mut self, address: u64, bytes: &[u8]) {
            let offset = usize::try_from(address - self.base).unwrap();
            self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
    }

    impl PhysicalMemory for FakeMemory {
        fn bytes(&self, address: u64, length: u64) -> Option<&[u8]> {
            let offset = usize::try_from(address.checked_sub(self.base)?).ok()?;
            let end = offset.checked_add(usize::try_from(length).ok()?)?;
            self.bytes.get(offset..end)
        }
    }
}

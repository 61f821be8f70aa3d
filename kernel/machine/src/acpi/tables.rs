//! Finds and checks ACPI tables (ACPI 6.5, section 5.2).

use super::AcpiError;
use crate::memory::physical::{PhysicalMemory, array_at, u32_at, u64_at};

/// Bytes of every table's header.
pub const HEADER_BYTES: usize = 36;
/// Largest table that is read, in bytes: more than any known one.
const TABLE_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// Most tables that a root table may list.
const TABLE_COUNT_MAX: usize = 256;
const ROOT_SIGNATURE: &[u8; 8] = b"RSD PTR ";
const ROOT_BYTES: u64 = 20;
const ROOT_BYTES_EXTENDED: u64 = 36;
/// Where firmware of the BIOS kind puts the root pointer.
const BIOS_AREA: core::ops::Range<u64> = 0xe_0000..0x10_0000;
/// Holds the segment of the extended BIOS data area.
const EXTENDED_DATA_POINTER: u64 = 0x40e;
const EXTENDED_DATA_BYTES: u64 = 1024;
const ROOT_ALIGNMENT: usize = 16;

/// Where the root table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// A table of 32-bit addresses.
    Short(u64),
    /// A table of 64-bit addresses.
    Long(u64),
}

fn is_sum_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// Reads the root pointer at an address.
pub fn read_root_pointer(memory: &impl PhysicalMemory, address: u64) -> Option<Root> {
    let bytes = memory.bytes(address, ROOT_BYTES)?;
    if !bytes.starts_with(ROOT_SIGNATURE) || !is_sum_zero(bytes) {
        return None;
    }
    let short = Root::Short(u64::from(u32_at(bytes, 16)?));
    let revision = *bytes.get(15)?;
    if revision < 2 {
        return Some(short);
    }
    let extended = memory
        .bytes(address, ROOT_BYTES_EXTENDED)
        .filter(|bytes| is_sum_zero(bytes));
    let long = extended
        .and_then(|bytes| u64_at(bytes, 24))
        .filter(|address| *address != 0);
    Some(long.map_or(short, Root::Long))
}

/// Looks for the root pointer where BIOS firmware puts it.
pub fn find_root_pointer(memory: &impl PhysicalMemory) -> Option<Root> {
    let segment = memory
        .bytes(EXTENDED_DATA_POINTER, 2)
        .and_then(|bytes| array_at(bytes, 0));
    let extended = u64::from(segment.map_or(0, u16::from_le_bytes)) << 4;
    let areas = [
        (extended, EXTENDED_DATA_BYTES),
        (
            BIOS_AREA.start,
            BIOS_AREA.end.saturating_sub(BIOS_AREA.start),
        ),
    ];
    areas
        .into_iter()
        .filter(|(start, _)| *start != 0)
        .find_map(|(start, length)| {
            let area = memory.bytes(start, length)?;
            (start..)
                .step_by(ROOT_ALIGNMENT)
                .zip(area.chunks(ROOT_ALIGNMENT))
                .find_map(|(address, chunk)| {
                    chunk
                        .starts_with(ROOT_SIGNATURE)
                        .then(|| read_root_pointer(memory, address))?
                })
        })
}

/// The whole table at an address, if its signature, length and checksum are right.
pub fn table<M: PhysicalMemory>(memory: &M, address: u64, signature: [u8; 4]) -> Option<&[u8]> {
    let header = memory.bytes(address, HEADER_BYTES as u64)?;
    if array_at(header, 0) != Some(signature) {
        return None;
    }
    let length = u32_at(header, 4).filter(|length| *length <= TABLE_BYTES_MAX)?;
    if (length as usize) < HEADER_BYTES {
        return None;
    }
    memory
        .bytes(address, u64::from(length))
        .filter(|bytes| is_sum_zero(bytes))
}

/// The fixed description table that the root table lists.
///
/// # Errors
/// An [`AcpiError`] that names the table that is missing or damaged.
pub fn find_fixed_table<M: PhysicalMemory>(memory: &M, root: Root) -> Result<&[u8], AcpiError> {
    let (address, signature, name, width) = match root {
        Root::Short(address) => (address, *b"RSDT", "RSDT", 4),
        Root::Long(address) => (address, *b"XSDT", "XSDT", 8),
    };
    let root = table(memory, address, signature).ok_or(AcpiError::BadTable { signature: name })?;
    let entries = root.get(HEADER_BYTES..).unwrap_or(&[]);
    for entry in entries.chunks_exact(width).take(TABLE_COUNT_MAX) {
        let address = match width {
            4 => u32_at(entry, 0).map(u64::from),
            _ => u64_at(entry, 0),
        };
        let header = address.and_then(|address| memory.bytes(address, HEADER_BYTES as u64));
        if let (Some(address), Some(header)) = (address, header)
            && header.starts_with(b"FACP")
        {
            return table(memory, address, *b"FACP")
                .ok_or(AcpiError::BadTable { signature: "FACP" });
        }
    }
    Err(AcpiError::NoFixedTable)
}

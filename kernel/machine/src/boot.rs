//! How the kernel was started, in one form for all ways.
//!
//! Owns [`BootFacts`] and the way there from a [`Start`]. What loaders and virtual machine monitors
//! hand over is untrusted: it is checked, bounded and copied before anything uses it.
//!
//! Invariants:
//! - nothing outside this module knows which way the kernel was started, except as a name to print;
//! - the usable memory of [`BootFacts`] holds neither the kernel, nor the ramdisk, nor the first MiB.

pub mod entry;
pub mod loader;
pub mod phases;
pub mod pvh;

use core::fmt;

use crate::memory::ranges::{PhysicalRange, RangeSet, TooManyRanges};
use crate::memory::{LoaderMap, translate};

/// How many separate areas of usable memory are kept.
pub const USABLE_RANGE_COUNT_MAX: usize = 512;
/// Bytes of the command line that are kept.
pub const COMMAND_LINE_BYTES_MAX: usize = 1024;
/// Largest ramdisk that is accepted, in bytes.
pub const RAMDISK_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Memory below this address belongs to the firmware's data and to old devices.
pub const LOW_MEMORY_END: u64 = 0x10_0000;

/// Link addresses of the kernel's segments: text, read-only data, data.
#[derive(Clone, Copy, Debug)]
pub struct ImageLayout {
    /// First byte of the text.
    pub start: u64,
    /// End of the text, start of the read-only data.
    pub text_end: u64,
    /// End of the read-only data, start of the writable data.
    pub rodata_end: u64,
    /// End of the kernel.
    pub end: u64,
}

/// What the entry point was handed. It is used up by reading it, because what it points at goes away
/// with the loader's page tables.
pub struct Start {
    way: Way,
    image: ImageLayout,
}

enum Way {
    Pvh {
        start_info_address: u64,
    },
    Loader {
        info: &'static bootloader_api::BootInfo,
    },
}

impl Start {
    /// A start by PVH, with the physical address of `hvm_start_info`.
    pub fn pvh(start_info_address: u64, image: ImageLayout) -> Self {
        phases::begin();
        Self {
            way: Way::Pvh { start_info_address },
            image,
        }
    }

    /// A start by the boot loader.
    pub fn loader(info: &'static bootloader_api::BootInfo, image: ImageLayout) -> Self {
        phases::begin();
        Self {
            way: Way::Loader { info },
            image,
        }
    }

    /// Reads and checks what the loader handed over.
    ///
    /// # Errors
    /// A [`BootError`] that names what is wrong; the machine cannot be used then.
    pub fn facts(self) -> Result<BootFacts, BootError> {
        let facts = match self.way {
            Way::Pvh { start_info_address } => {
                pvh::facts(&LoaderMap, start_info_address, self.image)
            }
            Way::Loader { info } => loader::facts(info, self.image, translate),
        };
        phases::mark("facts");
        facts
    }
}

/// Who started the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// A virtual machine monitor, directly.
    Pvh,
    /// The boot loader, from BIOS or UEFI.
    Bootloader,
}

impl Loader {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pvh => "pvh",
            Self::Bootloader => "bootloader",
        }
    }
}

/// Order of the colours in a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
    /// One byte of brightness.
    Gray,
}

/// A linear framebuffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramebufferFacts {
    /// Where its bytes are.
    pub range: PhysicalRange,
    /// Visible pixels in a row.
    pub width_pixels: u32,
    /// Rows.
    pub height_pixels: u32,
    /// Pixels from one row's start to the next's.
    pub stride_pixels: u32,
    /// Bytes of one pixel, 1 to 4.
    pub pixel_bytes: u32,
    /// Order of colours.
    pub format: PixelFormat,
}

/// A command line of bounded length; what is no printable ASCII is replaced by `?`.
#[derive(Clone, Debug)]
pub struct CommandLine {
    bytes: [u8; COMMAND_LINE_BYTES_MAX],
    length: usize,
}

impl CommandLine {
    /// The empty command line.
    pub const fn empty() -> Self {
        Self {
            bytes: [0; COMMAND_LINE_BYTES_MAX],
            length: 0,
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = if byte == b' ' || byte.is_ascii_graphic() {
                byte
            } else {
                b'?'
            };
            self.length = self.length.saturating_add(1);
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or(&[]);
        core::str::from_utf8(bytes).unwrap_or("")
    }
}

/// Everything that the kernel knows about its start.
#[derive(Clone, Debug)]
pub struct BootFacts {
    /// Who started it.
    pub loader: Loader,
    /// Where the kernel is linked.
    pub image: ImageLayout,
    /// Memory that is free to use: page-aligned, ascending, disjoint.
    pub usable: RangeSet<USABLE_RANGE_COUNT_MAX>,
    /// All memory that the loader called usable or used itself, in bytes.
    pub total_bytes: u64,
    /// Physical address of the ACPI root pointer, if the loader knows it.
    pub rsdp_address: Option<u64>,
    /// The ramdisk, if there is one.
    pub ramdisk: Option<PhysicalRange>,
    /// The screen, if there is one.
    pub framebuffer: Option<FramebufferFacts>,
    /// The command line; empty when the loader has none.
    pub command_line: CommandLine,
}

/// What is wrong with what the loader handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// A structure lies where no memory can be read.
    Unreadable {
        /// Which structure.
        what: &'static str,
        /// Its physical address.
        address: u64,
    },
    /// The PVH start structure has a wrong magic number.
    WrongMagic {
        /// What stands there.
        found: u32,
    },
    /// The PVH start structure is of a version that has no memory map.
    NoMemoryMap {
        /// Its version.
        version: u32,
    },
    /// There are more memory areas than are accepted.
    TooManyRegions {
        /// How many there are.
        count: u64,
    },
    /// The memory map is too fragmented to keep.
    TooFragmented,
    /// The ramdisk is longer than is accepted, or its end is before its start.
    RamdiskSize {
        /// Its length in bytes.
        bytes: u64,
    },
    /// The ramdisk is not one contiguous piece of mapped memory.
    RamdiskScattered,
    /// There is no physical memory mapping from the boot loader.
    NoDirectMap,
    /// No memory is usable.
    NoMemory,
}

impl From<TooManyRanges> for BootError {
    fn from(_: TooManyRanges) -> Self {
        Self::TooFragmented
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { what, address } => {
                write!(f, "{what} at {address:#x} is outside readable memory")
            }
            Self::WrongMagic { found } => {
                write!(
                    f,
                    "the PVH start information has magic {found:#x}: it is not from a PVH loader"
                )
            }
            Self::NoMemoryMap { version } => {
                write!(
                    f,
                    "PVH start information of version {version} has no memory map: version 1 is needed"
                )
            }
            Self::TooManyRegions { count } => {
                write!(
                    f,
                    "the memory map has {count} regions, more than are accepted"
                )
            }
            Self::TooFragmented => {
                write!(
                    f,
                    "the memory map has more than {USABLE_RANGE_COUNT_MAX} separate usable areas"
                )
            }
            Self::RamdiskSize { bytes } => {
                write!(
                    f,
                    "the ramdisk has {bytes} bytes: at most {RAMDISK_BYTES_MAX} are accepted"
                )
            }
            Self::RamdiskScattered => {
                write!(f, "the ramdisk is not one contiguous piece of memory")
            }
            Self::NoDirectMap => write!(f, "the boot loader mapped no physical memory"),
            Self::NoMemory => write!(f, "no usable memory was reported"),
        }
    }
}

/// Gathers the usable memory: all areas called usable, less all that is not, less what is reserved.
#[derive(Default)]
struct MemoryMapBuilder {
    usable: RangeSet<USABLE_RANGE_COUNT_MAX>,
    total_bytes: u64,
}

impl MemoryMapBuilder {
    /// Takes in all usable areas; call it for every one of them before the first `reserve`.
    fn add_usable(&mut self, range: PhysicalRange) -> Result<(), BootError> {
        let range = range.shrink_to(crate::memory::PAGE_SIZE);
        Ok(self.usable.insert(range)?)
    }

    /// Takes out an area that somebody uses.
    fn reserve(&mut self, range: PhysicalRange) -> Result<(), BootError> {
        Ok(self
            .usable
            .remove(range.grow_to(crate::memory::PAGE_SIZE))?)
    }

    fn note_total(&mut self) {
        self.total_bytes = self.usable.total_bytes();
    }

    fn add_total(&mut self, range: PhysicalRange) {
        self.total_bytes = self.total_bytes.saturating_add(range.bytes());
    }

    fn finish(mut self) -> Result<(RangeSet<USABLE_RANGE_COUNT_MAX>, u64), BootError> {
        self.reserve(PhysicalRange::new(0, LOW_MEMORY_END))?;
        if self.usable.total_bytes() == 0 {
            return Err(BootError::NoMemory);
        }
        Ok((self.usable, self.total_bytes))
    }
}

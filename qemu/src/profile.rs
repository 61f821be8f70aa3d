//! What a virtual machine is made of, as types.
//!
//! Owns the choices; `arguments` turns them into a command line. A [`Profile`] names no run-time
//! file of its own (sockets, firmware variables): those belong to one run and its directory.

use std::path::{Path, PathBuf};

/// The chipset that QEMU emulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// i440fx with PIIX3: the oldest machine that clouds still hand out.
    Pc,
    /// Q35 with ICH9: PCI Express and AHCI.
    Q35,
    /// No PCI, no legacy firmware: the shape of Firecracker's machines. Direct start only.
    Microvm,
}

/// The firmware that starts a boot medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS, which QEMU brings along.
    Bios,
    /// OVMF, from Debian's package `ovmf`.
    Uefi,
}

/// How the boot image is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// A CD drive on the machine's own disk controller.
    Cd,
    /// A USB stick behind an xHCI controller.
    Usb,
    /// A hard disk on the machine's own disk controller: IDE on `pc`, AHCI on `q35`.
    Disk,
}

/// What the machine starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The kernel's ELF by its PVH entry, with the ramdisk as a module; no loader, no medium.
    Direct {
        /// The kernel's ELF file.
        kernel: PathBuf,
        /// The ramdisk: boot options and vault in one tar file.
        ramdisk: Option<PathBuf>,
        /// Boot options as text.
        options: String,
    },
    /// A bootable image through firmware. The image is never written.
    Image {
        /// The image file, the ISO as a rule.
        image: PathBuf,
        /// Which firmware looks for it.
        firmware: Firmware,
        /// As what it is attached.
        media: Media,
    },
}

/// The disk that carries the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// No disk.
    None,
    /// A virtio block device over PCI.
    Virtio {
        /// The raw image file; writes stay.
        file: PathBuf,
    },
    /// As `Virtio`, and every write and flush is logged on its way, in the format of [`BlockLog`](crate::BlockLog).
    Logged {
        /// The raw image file; writes stay.
        file: PathBuf,
        /// The log's file, which has to be there; it is written from its beginning.
        log: PathBuf,
    },
    /// As `Virtio`, past the host's page cache: a flush costs what the host's disk takes for it.
    Uncached {
        /// The raw image file, on a file system that knows `O_DIRECT`; writes stay.
        file: PathBuf,
    },
}

/// A source of entropy beside the processor's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rng {
    /// Only what the processor has.
    Absent,
    /// A virtio entropy device.
    Virtio,
}

/// The graphics adapter. No window is ever opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// No adapter at all. The BIOS loader hangs without one, so an image by BIOS refuses this.
    Absent,
    /// Standard VGA.
    Vga,
}

/// Where a serial port leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// The machine has no such port.
    Absent,
    /// To the [`Session`](crate::Session) that started the machine.
    Session,
    /// To this process's terminal, with QEMU's own keys (Ctrl-A X leaves).
    Terminal,
    /// Output to a file; nothing ever comes in.
    File(PathBuf),
    /// A listening Unix socket that a reader may join and leave.
    Socket(PathBuf),
    /// Present, and connected to nothing.
    Discard,
}

/// What the guest's clocks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The host's time.
    Wall,
    /// Executed instructions, one nanosecond each: repeats on any host.
    Instructions,
}

/// What a reset of the processor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Ends QEMU, so that a triple fault is seen and does not boot again for ever.
    Ends,
    /// Starts the machine again, as a person at a console expects of `reboot`.
    Restarts,
}

/// A whole machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Chipset.
    pub machine: Machine,
    /// What it starts.
    pub start: Start,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// The ledger's disk.
    pub storage: Storage,
    /// Entropy device.
    pub rng: Rng,
    /// Graphics adapter.
    pub screen: Screen,
    /// First serial port: the console.
    pub com1: Port,
    /// Second serial port: telemetry.
    pub com2: Port,
    /// What the clocks count.
    pub time: TimeSource,
    /// What a reset does.
    pub reset: Reset,
    /// Further QEMU arguments, after all others.
    pub extra: Vec<String>,
}

impl Profile {
    /// Memory of a machine when nobody says otherwise, in MiB.
    pub const MEMORY_MIB_DEFAULT: u32 = 256;

    /// A machine that starts `kernel` directly: the quickest way to a running node.
    #[must_use]
    pub fn direct(machine: Machine, kernel: &Path, ramdisk: Option<&Path>) -> Self {
        Self::new(
            machine,
            Start::Direct {
                kernel: kernel.to_owned(),
                ramdisk: ramdisk.map(Path::to_owned),
                options: String::new(),
            },
        )
    }

    /// A machine whose `firmware` boots `image` attached as `media`.
    #[must_use]
    pub fn image(machine: Machine, firmware: Firmware, media: Media, image: &Path) -> Self {
        Self::new(
            machine,
            Start::Image {
                image: image.to_owned(),
                firmware,
                media,
            },
        )
    }

    fn new(machine: Machine, start: Start) -> Self {
        let screen = match start {
            Start::Image { .. } => Screen::Vga,
            Start::Direct { .. } => Screen::Absent,
        };
        Self {
            machine,
            start,
            memory_mib: Self::MEMORY_MIB_DEFAULT,
            storage: Storage::None,
            rng: Rng::Absent,
            screen,
            com1: Port::Session,
            com2: Port::Absent,
            time: TimeSource::Wall,
            reset: Reset::Ends,
            extra: Vec::new(),
        }
    }

    /// Whether the machine needs UEFI firmware files for its run.
    #[must_use]
    pub fn is_uefi(&self) -> bool {
        matches!(
            self.start,
            Start::Image {
                firmware: Firmware::Uefi,
                ..
            }
        )
    }
}

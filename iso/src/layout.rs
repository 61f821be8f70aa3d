//! The hybrid ISO: one file that starts from a CD, a USB stick or a disk, by BIOS or UEFI.
//!
//! Owns the layout. Sector 0 is the loader's boot sector with an MBR partition table:
//!
//! | part | read by | holds |
//! |---|---|---|
//! | boot sector, system area | BIOS on a disk or USB stick; the CD hook | MBR, boot code |
//! | ISO 9660 tree, El Torito catalog | BIOS and UEFI on a CD; people | the CD hook, a manifest |
//! | partition 1, type 0x20 | the boot sector | stage 2 |
//! | partition 2, type 0x0c, FAT12 | stage 2 | stages 3 and 4, kernel, ramdisk, loader options |
//! | partition 3, type 0xef, FAT12 | UEFI | BOOTX64.EFI, kernel, ramdisk, loader options |
//!
//! The kernel lies there twice because stage 2 insists on a FAT type right behind its own partition,
//! UEFI on type 0xef, and UEFI refuses a table whose partitions overlap.
//!
//! Invariants:
//! - the bytes depend on the inputs alone: xorriso works under a fixed SOURCE_DATE_EPOCH;
//! - nobody sees an ISO larger than [`ISO_BYTES_MAX`].

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fat;

/// The largest ISO that is handed out, in bytes.
pub const ISO_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The time stamp of every file and of the ISO itself: 2026-01-01 00:00:00 UTC, in seconds.
const SOURCE_DATE_EPOCH: &str = "1767225600";
/// The serial numbers of the two FAT volumes.
const SERIALS: [u32; 2] = [0x4750_0001, 0x4750_0002];
/// The boot code ends where the MBR's partition table starts.
const BOOT_CODE_BYTES: usize = 446;

/// What goes on an ISO, by path.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The boot sector of the loader, 512 bytes.
    pub boot_sector: PathBuf,
    /// Stage 2, as it stands in its partition.
    pub stage_2: PathBuf,
    /// Stage 3.
    pub stage_3: PathBuf,
    /// Stage 4.
    pub stage_4: PathBuf,
    /// The UEFI application.
    pub uefi: PathBuf,
    /// The CD hook, at most 2048 bytes.
    pub cd_hook: PathBuf,
    /// The kernel.
    pub kernel: PathBuf,
    /// The ramdisk.
    pub ramdisk: PathBuf,
    /// The loader's options, JSON.
    pub loader_options: PathBuf,
    /// What a person finds on the CD: version and checksums.
    pub manifest: PathBuf,
}

impl Parts {
    /// Every path, in a fixed order: what decides the bytes of the ISO.
    #[must_use]
    pub fn paths(&self) -> [&Path; 10] {
        [
            &self.boot_sector,
            &self.stage_2,
            &self.stage_3,
            &self.stage_4,
            &self.uefi,
            &self.cd_hook,
            &self.kernel,
            &self.ramdisk,
            &self.loader_options,
            &self.manifest,
        ]
    }
}

/// Why no ISO was made.
#[derive(Debug)]
pub enum LayoutError {
    /// A file could not be read or written; the path says which.
    File(PathBuf, io::Error),
    /// A file is not of the size that its reader expects.
    BadPart(PathBuf, &'static str),
    /// The FAT writer refused something.
    Volume(io::Error),
    /// A tool is not installed.
    NoTool(&'static str, io::Error),
    /// A tool failed; its own words follow.
    ToolFailed(&'static str, String),
    /// The ISO would be this many bytes.
    TooLarge(u64),
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "cannot use {}: {error}", path.display()),
            Self::BadPart(path, reason) => write!(f, "{}: {reason}", path.display()),
            Self::Volume(error) => write!(f, "cannot make a FAT volume: {error}"),
            Self::NoTool(tool, error) => {
                write!(f, "cannot start {tool} ({error}); run ./scripts/setup")
            }
            Self::ToolFailed(tool, words) => write!(f, "{tool} failed:\n{words}"),
            Self::TooLarge(bytes) => write!(
                f,
                "the ISO would be {bytes} bytes, the limit is {ISO_BYTES_MAX}; use a smaller vault or kernel"
            ),
        }
    }
}

impl std::error::Error for LayoutError {}

/// Packs `parts` and returns the ISO's bytes. `scratch` is a folder that nobody else uses.
///
/// # Errors
/// See [`LayoutError`]; each says which file or tool stands in the way.
pub fn pack(parts: &Parts, scratch: &Path) -> Result<Vec<u8>, LayoutError> {
    let tree = scratch.join("tree");
    fs::create_dir_all(&tree).map_err(on(&tree))?;
    let system_area = scratch.join("system-area");
    write(&system_area, &system_area_of(&parts.boot_sector)?)?;
    let hook = read(&parts.cd_hook)?;
    if hook.is_empty() || hook.len() > 2048 {
        return Err(LayoutError::BadPart(
            parts.cd_hook.clone(),
            "must be 1 to 2048 bytes",
        ));
    }
    write(&tree.join("cdhook.bin"), &hook)?;
    write(&tree.join("manifest.txt"), &read(&parts.manifest)?)?;

    let bios = scratch.join("bios.fat");
    write(&bios, &bios_volume(parts)?)?;
    let uefi = scratch.join("uefi.fat");
    write(&uefi, &uefi_volume(parts)?)?;
    let image = scratch.join("image.iso");
    xorriso(&image, &system_area, &parts.stage_2, &bios, &uefi, &tree)?;
    let bytes = read(&image)?;
    if bytes.len() as u64 > ISO_BYTES_MAX {
        return Err(LayoutError::TooLarge(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The boot code and the signature, without a partition table: xorriso writes that.
fn system_area_of(boot_sector: &Path) -> Result<[u8; 512], LayoutError> {
    let bytes = read(boot_sector)?;
    let (Some(code), Some([0x55, 0xaa]), 512) =
        (bytes.get(..BOOT_CODE_BYTES), bytes.get(510..), bytes.len())
    else {
        return Err(LayoutError::BadPart(
            boot_sector.to_path_buf(),
            "is no boot sector",
        ));
    };
    let mut area = [0; 512];
    area[..BOOT_CODE_BYTES].copy_from_slice(code);
    area[510..].copy_from_slice(&[0x55, 0xaa]);
    Ok(area)
}

/// What stage 2 looks for, in the order it reads it.
fn bios_volume(parts: &Parts) -> Result<Vec<u8>, LayoutError> {
    let files = [
        ("boot-stage-3", &parts.stage_3),
        ("boot-stage-4", &parts.stage_4),
        ("kernel-x86_64", &parts.kernel),
        ("ramdisk", &parts.ramdisk),
        ("boot.json", &parts.loader_options),
    ];
    volume(SERIALS[0], &[], &files)
}

/// What UEFI and the loader's application look for.
fn uefi_volume(parts: &Parts) -> Result<Vec<u8>, LayoutError> {
    let files = [
        ("EFI/BOOT/BOOTX64.EFI", &parts.uefi),
        ("kernel-x86_64", &parts.kernel),
        ("ramdisk", &parts.ramdisk),
        ("boot.json", &parts.loader_options),
    ];
    volume(SERIALS[1], &["EFI", "EFI/BOOT"], &files)
}

fn volume(
    serial: u32,
    folders: &[&str],
    files: &[(&str, &PathBuf)],
) -> Result<Vec<u8>, LayoutError> {
    let mut contents = Vec::new();
    for (name, path) in files {
        contents.push((*name, read(path)?));
    }
    let total = contents.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let borrowed: Vec<_> = contents
        .iter()
        .map(|(name, bytes)| (*name, &bytes[..]))
        .collect();
    fat::volume(serial, folders, &borrowed).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => LayoutError::TooLarge(total),
        _ => LayoutError::Volume(error),
    })
}

fn xorriso(
    image: &Path,
    system_area: &Path,
    stage_2: &Path,
    bios: &Path,
    uefi: &Path,
    tree: &Path,
) -> Result<(), LayoutError> {
    let mut command = Command::new("xorriso");
    // -r records owner 0 and plain permissions, whoever builds.
    command
        .args(["-as", "mkisofs", "-V", "GLYPHOS", "-J", "-r", "-G"])
        .arg(system_area);
    let dates = format!("={SOURCE_DATE_EPOCH}");
    command.args(["--set_all_file_dates", &dates]);
    // Some firmware skips a disk on which no partition is marked bootable.
    command.arg("--mbr-force-bootable");
    command.args(["-b", "cdhook.bin", "-no-emul-boot", "-boot-load-size", "4"]);
    command.args([
        "-eltorito-alt-boot",
        "-e",
        "--interval:appended_partition_3:all::",
    ]);
    command.arg("-no-emul-boot");
    for (number, kind, source) in [
        ("1", "0x20", stage_2),
        ("2", "0x0c", bios),
        ("3", "0xef", uefi),
    ] {
        command
            .args(["-append_partition", number, kind])
            .arg(source);
    }
    command.arg("-o").arg(image).arg(tree);
    tool("xorriso", &mut command)
}

/// Runs a tool silently, under the fixed clock; its words are in the error.
fn tool(name: &'static str, command: &mut Command) -> Result<(), LayoutError> {
    let output = command
        .env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| LayoutError::NoTool(name, error))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned();
    Err(LayoutError::ToolFailed(name, words))
}

fn on(path: &Path) -> impl FnOnce(io::Error) -> LayoutError {
    let path = path.to_path_buf();
    move |error| LayoutError::File(path, error)
}

fn read(path: &Path) -> Result<Vec<u8>, LayoutError> {
    fs::read(path).map_err(on(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    fs::write(path, bytes).map_err(on(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::thread::sleep;
    use std::time::Duration;

    fn parts(folder: &Path) -> Parts {
        fs::create_dir_all(folder).unwrap();
        let part = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let mut boot_sector = [0x90; 512];
        boot_sector[510..].copy_from_slice(&[0x55, 0xaa]);
        Parts {
            boot_sector: part("boot-sector", &boot_sector),
            stage_2: part("stage-2", &[2; 1000]),
            stage_3: part("stage-3", &[3; 1000]),
            stage_4: part("stage-4", &[4; 1000]),
            uefi: part("uefi", &[5; 1000]),
            cd_hook: part("cd-hook", &[6; 2048]),
            kernel: part("kernel", b"the kernel's bytes"),
            ramdisk: part("ramdisk", &[8; 1000]),
            loader_options: part("options", b"{}"),
            manifest: part("manifest", b"text"),
        }
    }

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("iso-layout-{name}-{}", std::process::id()))
    }

    #[test]
    fn the_second_and_the_permissions_do_not_show_in_the_bytes() {
        let place = folder("twice");
        let parts = parts(&place.join("parts"));
        let one = pack(&parts, &place.join("one")).unwrap();
        // ISO 9660 counts time in seconds: another second must not matter.
        sleep(Duration::from_millis(1100));
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&parts.manifest, private).unwrap();
        let two = pack(&parts, &place.join("two")).unwrap();
        assert!(one == two, "the bytes differ");
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn the_partition_table_leads_each_reader_to_its_part() {
        let place = folder("table");
        let iso = pack(&parts(&place.join("parts")), &place.join("scratch")).unwrap();
        let entry = |index: usize| {
            let raw = &iso[446 + 16 * index..][..16];
            let number = |at: usize| u32::from_le_bytes(raw[at..at + 4].try_into().unwrap());
            (raw[0], raw[4], number(8) as usize * 512)
        };
        assert_eq!(&iso[510..512], &[0x55, 0xaa]);
        assert_eq!(iso[0], 0x90);
        assert_eq!([0, 1, 2].map(|index| entry(index).1), [0x20, 0x0c, 0xef]);
        assert!(
            (0..3).any(|index| entry(index).0 == 0x80),
            "no partition is bootable"
        );
        let (stage_2, bios, uefi) = (entry(0).2, entry(1).2, entry(2).2);
        assert_eq!(&iso[stage_2..stage_2 + 1000], &[2; 1000]);
        for volume in [bios, uefi] {
            assert_eq!(volume % 2048, 0, "the CD hook would have to take detours");
            assert_eq!(&iso[volume + 510..volume + 512], &[0x55, 0xaa]);
            let kernel = b"the kernel's bytes";
            assert!(
                iso[volume..]
                    .windows(kernel.len())
                    .any(|window| window == kernel)
            );
        }
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn parts_that_their_readers_would_choke_on_are_refused() {
        let place = folder("refused");
        let scratch = place.join("scratch");
        let good = parts(&place.join("parts"));
        fs::write(&good.cd_hook, [0; 2049]).unwrap();
        assert!(matches!(
            pack(&good, &scratch),
            Err(LayoutError::BadPart(..))
        ));
        fs::write(&good.cd_hook, [0; 2048]).unwrap();
        fs::write(&good.boot_sector, [0; 512]).unwrap();
        assert!(matches!(
            pack(&good, &scratch),
            Err(LayoutError::BadPart(..))
        ));
        let good = parts(&place.join("parts"));
        fs::write(&good.ramdisk, vec![0; 5 << 20]).unwrap();
        assert!(matches!(
            pack(&good, &scratch),
            Err(LayoutError::TooLarge(_))
        ));
        fs::remove_file(&good.kernel).unwrap();
        assert!(matches!(pack(&good, &scratch), Err(LayoutError::File(..))));
        fs::remove_dir_all(&place).unwrap();
    }
}

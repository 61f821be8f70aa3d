//! Debian's cloud kernel with a trivial init, started by the same QEMU with the same flags.
//!
//! Owns how it is fetched and packed: the package by apt, an init of two system calls assembled
//! here, an initial ramdisk with that init and a console. Ours and theirs start in turn, so that
//! load on the host hits both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};
use qemu::{Limits, Machine, Profile, Session, Start};

use super::figures::{Figure, Figures, Unit};
use super::start;
use crate::process;

/// The package that depends on the newest cloud kernel.
const PACKAGE: &str = "linux-image-cloud-amd64";

/// What the init says when it runs.
const INIT_SAYS: &str = "LINUX READY";

/// The init: says its line and sleeps for ever, with no library.
const INIT: &str = r#"
.globl _start
_start:
    mov $1, %eax            # write
    mov $1, %edi
    lea text(%rip), %rsi
    mov $12, %edx
    syscall
sleep:
    mov $34, %eax           # pause
    syscall
    jmp sleep
text:
    .ascii "LINUX READY\n"
"#;

/// Measures both, in turn.
pub(super) fn measure(artifacts: &Artifacts, rounds: u32, figures: &mut Figures) -> Result<()> {
    let folder = folder(artifacts);
    let kernel = kernel(&folder)?;
    let initrd = initrd(&folder)?;
    let ours = start::direct(artifacts, Machine::Pc);
    let mut theirs = ours.clone();
    theirs.start = Start::Direct {
        kernel,
        ramdisk: Some(initrd),
        options: "console=ttyS0 quiet rdinit=/init".to_owned(),
    };
    let (mut our_best, mut their_best) = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds.max(1) {
        our_best = our_best.min(start::once(artifacts, &ours)?.0);
        their_best = their_best.min(boot_linux(&theirs, &folder)?);
    }
    let (our_ms, their_ms) = (
        start::milliseconds(our_best),
        start::milliseconds(their_best),
    );
    let command = "cargo xtask bench, the two in turn";
    figures.add(Figure::new(
        "GlyphOS, qemu -kernel to READY",
        our_ms,
        Unit::Milliseconds,
        command,
    ));
    figures.add(Figure::new(
        "Debian's cloud kernel, qemu -kernel to init",
        their_ms,
        Unit::Milliseconds,
        command,
    ));
    figures.add(Figure::new(
        "GlyphOS is ready sooner by",
        their_ms / our_ms,
        Unit::Times,
        command,
    ));
    Ok(())
}

fn boot_linux(profile: &Profile, folder: &Path) -> Result<Duration> {
    let started = Instant::now();
    let mut session = Session::start(profile, Limits::default(), &folder.join("console.log"))?;
    session.expect(INIT_SAYS, Limits::default().boot)?;
    let wall = started.elapsed();
    session.kill();
    Ok(wall)
}

/// Where the package is unpacked.
pub(super) fn folder(artifacts: &Artifacts) -> PathBuf {
    artifacts.target().join("bench/linux")
}

/// The folder of the kernel's modules, once the kernel is there.
pub(super) fn modules(folder: &Path) -> Result<PathBuf> {
    let modules = folder.join("package/lib/modules");
    fs::read_dir(&modules)?
        .flatten()
        .map(|entry| entry.path())
        .next()
        .context("the package holds no modules")
}

/// The kernel of the package, fetched and unpacked once.
pub(super) fn kernel(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let unpacked = folder.join("package");
    if let Ok(kernel) = find_kernel(&unpacked) {
        return Ok(kernel);
    }
    let depends = process::output(Command::new("apt-cache").args(["depends", PACKAGE]))?;
    let name = depends
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: "))
        .with_context(|| {
            format!("apt knows no kernel under {PACKAGE}; run apt-get update, or use --no-peer")
        })?;
    println!("bench: fetching {name}");
    process::output(
        Command::new("apt-get")
            .args(["download", name])
            .current_dir(folder),
    )
    .context("connect to a network, or use --no-peer")?;
    let package = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get left no package")?;
    process::output(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(&package)
            .arg(&unpacked),
    )?;
    fs::remove_file(&package)?;
    find_kernel(&unpacked)
}

fn find_kernel(unpacked: &Path) -> Result<PathBuf> {
    fs::read_dir(unpacked.join("boot"))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz"))
        })
        .context("the package holds no kernel")
}

/// An initial ramdisk with the init and a console.
fn initrd(folder: &Path) -> Result<PathBuf> {
    let (source, object, init) = (
        folder.join("init.s"),
        folder.join("init.o"),
        folder.join("init"),
    );
    fs::write(&source, INIT)?;
    process::output(Command::new("as").arg(&source).arg("-o").arg(&object))?;
    process::output(Command::new("ld").arg(&object).arg("-o").arg(&init))?;
    let mut archive = Archive::new()?;
    archive.program("init", &fs::read(&init)?)?;
    let path = folder.join("initrd.cpio");
    fs::write(&path, archive.end()?)?;
    Ok(path)
}

/// An initial ramdisk that has a console.
pub(super) struct Archive(Vec<u8>);

impl Archive {
    pub(super) fn new() -> Result<Self> {
        let mut archive = Self(Vec::new());
        archive.folder("dev")?;
        entry(&mut archive.0, "dev/console", 0o020_600, (5, 1), b"")?;
        Ok(archive)
    }

    pub(super) fn folder(&mut self, name: &str) -> Result<()> {
        entry(&mut self.0, name, 0o040_755, (0, 0), b"")
    }

    pub(super) fn file(&mut self, name: &str, content: &[u8]) -> Result<()> {
        entry(&mut self.0, name, 0o100_644, (0, 0), content)
    }

    pub(super) fn program(&mut self, name: &str, content: &[u8]) -> Result<()> {
        entry(&mut self.0, name, 0o100_755, (0, 0), content)
    }

    /// The archive's bytes.
    pub(super) fn end(mut self) -> Result<Vec<u8>> {
        entry(&mut self.0, "TRAILER!!!", 0, (0, 0), b"")?;
        Ok(self.0)
    }
}

/// Appends one file in the "newc" form: thirteen numbers of eight digits, name, content, each part
/// filled up to four bytes.
fn entry(
    archive: &mut Vec<u8>,
    name: &str,
    mode: u32,
    device: (u32, u32),
    content: &[u8],
) -> Result<()> {
    let Ok(size) = u32::try_from(content.len()) else {
        bail!("{name} is too large")
    };
    let name_size = u32::try_from(name.len())? + 1;
    archive.extend(b"070701");
    for number in [
        0, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name_size, 0,
    ] {
        archive.extend(format!("{number:08x}").bytes());
    }
    archive.extend(name.bytes());
    archive.push(0);
    fill(archive);
    archive.extend(content);
    fill(archive);
    Ok(())
}

fn fill(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_entry_has_its_sizes_and_ends_on_four_bytes() {
        let mut archive = Vec::new();
        entry(&mut archive, "init", 0o100_755, (0, 0), b"hello").unwrap();
        assert_eq!(&archive[..6], b"070701");
        assert_eq!(&archive[54..62], b"00000005");
        assert_eq!(&archive[94..102], b"00000005");
        assert_eq!(&archive[110..115], b"init\0");
        assert_eq!(archive.len() % 4, 0);
        assert_eq!(&archive[116..121], b"hello");
    }

    #[test]
    fn the_init_says_what_is_awaited_and_as_long_as_it_tells_the_system() {
        assert!(INIT.contains(INIT_SAYS));
        assert!(INIT.contains(&format!("mov ${}, %edx", INIT_SAYS.len() + 1)));
    }
}

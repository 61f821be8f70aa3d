//! `cargo xtask run`: a node from the ISO, its console on this terminal.
//!
//! Owns the options and their defaults. On a terminal, QEMU itself reads the keys. Standard input
//! that is no terminal is typed at the console in machine mode: a line is sent when the one before
//! was answered, so that nothing is lost; at the end of input the node is told to power off.

use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use qemu::{
    Firmware, Limits, Machine, Media, Port, Profile, Reset, Rng, Session, SessionError, Storage,
    Verdict,
};

use crate::iso::{self, Contents};

/// Size of a disk that is created because it was not there, in bytes.
const DISK_SIZE: u64 = 64 << 20;

/// How to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which firmware boots the image
    #[arg(long, value_enum, default_value_t = FirmwareChoice::Bios)]
    firmware: FirmwareChoice,
    /// As what the image is attached: cd, usb or disk
    #[arg(long, value_parser = media, default_value = "cd")]
    media: Media,
    /// The controller of the ledger's disk: virtio
    #[arg(long, value_parser = storage, default_value = "virtio")]
    storage: Controller,
    /// The chipset
    #[arg(long, value_enum, default_value_t = MachineChoice::Q35)]
    machine: MachineChoice,
    /// The ledger's disk, kept between runs; created empty if it is not there [default:
    /// target/glyphos-disk.img]
    #[arg(long, value_name = "FILE")]
    disk: Option<PathBuf>,
    /// Memory of the machine in MiB
    #[arg(long, value_name = "MIB", default_value_t = Profile::MEMORY_MIB_DEFAULT,
          value_parser = clap::value_parser!(u32).range(64..=65536))]
    memory: u32,
    #[command(flatten)]
    contents: Contents,
    /// Offer the telemetry line at this Unix socket
    #[arg(long, value_name = "SOCKET")]
    telemetry: Option<PathBuf>,
    /// Take target/glyphos.iso as it is
    #[arg(long, conflicts_with_all = ["vault", "options"])]
    no_build: bool,
    /// Further arguments for QEMU
    #[arg(last = true, value_name = "QEMU-ARGS")]
    extra: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FirmwareChoice {
    Bios,
    Uefi,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MachineChoice {
    Pc,
    Q35,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controller {
    Virtio,
}

fn media(word: &str) -> Result<Media, &'static str> {
    match word {
        "cd" => Ok(Media::Cd),
        "usb" => Ok(Media::Usb),
        "disk" => Ok(Media::Disk),
        "pxe" => Err("GlyphOS does not start from a network yet: use cd, usb or disk"),
        _ => Err("use cd, usb or disk"),
    }
}

fn storage(word: &str) -> Result<Controller, &'static str> {
    match word {
        "virtio" => Ok(Controller::Virtio),
        "nvme" | "ahci" => Err("GlyphOS has no driver for this controller yet: use virtio"),
        _ => Err("use virtio"),
    }
}

/// Starts a node and stays with it until it ends.
///
/// # Errors
/// If something cannot be built or started, or the node did not end cleanly.
pub(crate) fn run(artifacts: &Artifacts, arguments: &Arguments) -> Result<()> {
    if !arguments.no_build {
        iso::image(artifacts, &arguments.contents)?;
    }
    let disk = match &arguments.disk {
        Some(disk) => disk.clone(),
        None => artifacts.target().join("glyphos-disk.img"),
    };
    provide_disk(&disk)?;
    let mut profile = profile(artifacts, arguments, disk);
    if io::stdin().is_terminal() {
        profile.com1 = Port::Terminal;
        profile.reset = Reset::Restarts;
        on_terminal(&profile)
    } else {
        let log = artifacts.target().join("glyphos-console.log");
        type_lines(&profile, &log, io::stdin().lock())
    }
}

fn profile(artifacts: &Artifacts, arguments: &Arguments, disk: PathBuf) -> Profile {
    let machine = match arguments.machine {
        MachineChoice::Pc => Machine::Pc,
        MachineChoice::Q35 => Machine::Q35,
    };
    let firmware = match arguments.firmware {
        FirmwareChoice::Bios => Firmware::Bios,
        FirmwareChoice::Uefi => Firmware::Uefi,
    };
    let mut profile = Profile::image(machine, firmware, arguments.media, &artifacts.iso());
    profile.memory_mib = arguments.memory;
    profile.rng = Rng::Virtio;
    profile.storage = match arguments.storage {
        Controller::Virtio => Storage::Virtio { file: disk },
    };
    profile.com2 = match &arguments.telemetry {
        Some(socket) => Port::Socket(socket.clone()),
        None => Port::Discard,
    };
    profile.extra.clone_from(&arguments.extra);
    profile
}

/// Creates the disk if it is not there. It stays without blocks until the node writes to it.
fn provide_disk(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => {
            file.set_len(DISK_SIZE)
                .with_context(|| format!("cannot size {}", path.display()))?;
            eprintln!(
                "run: {} is new and empty; `ledger format` at the console prepares it",
                path.display()
            );
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_file() => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("cannot use {} as a disk", path.display()))
        }
    }
}

fn on_terminal(profile: &Profile) -> Result<()> {
    println!("run: `poweroff` at the console switches the node off; Ctrl-A X leaves QEMU at once");
    match qemu::run_on_terminal(profile)? {
        Some(0) => Ok(()),
        Some(35) => bail!("the kernel panicked; its last words are above"),
        Some(status) => bail!("QEMU ended with status {status}; its message is above"),
        None => bail!("QEMU was ended by a signal"),
    }
}

/// Types `lines` at the console of a new node. A script may take its time between two lines, and a
/// command may take long, but a node that says nothing for minutes is not at work.
fn type_lines(profile: &Profile, log: &Path, lines: impl BufRead) -> Result<()> {
    let limits = Limits {
        reply: Duration::from_secs(600),
        ..Limits::default()
    };
    let start = || -> Result<Session, SessionError> {
        let mut session = Session::start(profile, limits, log)?;
        session.listen(|line| {
            // Whoever closed our output wants no more of it; the node still powers off cleanly.
            let _ = writeln!(io::stdout(), "{line}");
        });
        session.wait_ready()?;
        session.machine_mode()?;
        Ok(session)
    };
    let mut session = start()?;
    for line in lines.split(b'\n') {
        let mut line = line.context("cannot read standard input")?;
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let name = String::from_utf8_lossy(&line).into_owned();
        line.push(b'\n');
        session.send(&line);
        match session.reply(&name) {
            Ok(_) => {}
            Err(SessionError::Ended { ending, .. }) if ending.verdict() == Verdict::PoweredOff => {
                return Ok(());
            }
            // The machine is started anew as a reboot would: same disk, nothing kept in memory.
            Err(SessionError::Ended { ending, .. })
                if ending.verdict() == Verdict::Reset && name.trim() == "reboot" =>
            {
                session = start()?;
            }
            Err(error) => return Err(error.into()),
        }
        match name.trim() {
            "poweroff" => return Ok(session.wait_power_off()?),
            "reboot" => {
                session.wait_end()?;
                session = start()?;
            }
            _ => {}
        }
    }
    Ok(session.power_off()?)
}

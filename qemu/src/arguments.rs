//! From a [`Profile`] to QEMU's command line.
//!
//! Pure: the files of one run (firmware copies, control socket, log) are handed in.
//! Option values are comma-separated lists to QEMU, so that a comma in a path is doubled.

use std::path::{Path, PathBuf};

use crate::error::ProfileError;
use crate::firmware::Ovmf;
use crate::profile::{
    Firmware, Machine, Media, Port, Profile, Reset, Rng, Screen, Start, Storage, TimeSource,
};

/// The files that belong to one run of a machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunFiles {
    /// Firmware code and this run's own copy of its variables.
    pub(crate) firmware: Option<Ovmf>,
    /// Where QEMU listens for control; with one, the machine starts paused.
    pub(crate) qmp: Option<PathBuf>,
    /// Where QEMU copies what the session's port says.
    pub(crate) console_log: Option<PathBuf>,
}

impl Profile {
    /// QEMU's arguments for this machine, the program's name not among them.
    ///
    /// # Errors
    /// [`ProfileError`] if the parts do not go together.
    pub(crate) fn arguments(&self, files: &RunFiles) -> Result<Vec<String>, ProfileError> {
        self.check()?;
        let mut line = Line::default();
        self.machine_arguments(&mut line);
        self.start_arguments(files, &mut line)?;
        storage_arguments(&self.storage, &mut line)?;
        match (self.rng, self.machine) {
            (Rng::Absent, _) => {}
            (Rng::Virtio, Machine::Microvm) => line.add(["-device", "virtio-rng-device"]),
            (Rng::Virtio, Machine::Pc | Machine::Q35) => line.add(["-device", "virtio-rng-pci"]),
        }
        port_arguments("com1", &self.com1, files, &mut line)?;
        port_arguments("com2", &self.com2, files, &mut line)?;
        if let Some(socket) = &files.qmp {
            let socket = value(socket)?;
            line.add(["-qmp", &format!("unix:{socket},server=on,wait=off")]);
            // The machine waits for `cont`, so that no event is missed however soon it ends.
            line.add(["-S"]);
        }
        line.0.extend(self.extra.iter().cloned());
        Ok(line.0)
    }

    fn check(&self) -> Result<(), ProfileError> {
        let by_terminal =
            [&self.com1, &self.com2].map(|port| matches!(port, Port::Session | Port::Terminal));
        if by_terminal == [true, true] {
            return Err(ProfileError::OnePortPerTerminal);
        }
        if self.machine == Machine::Microvm {
            if matches!(self.start, Start::Image { .. }) || self.storage != Storage::None {
                return Err(ProfileError::MicrovmIsDirectOnly);
            }
            if self.com2 != Port::Absent {
                return Err(ProfileError::MicrovmHasOnePort);
            }
        }
        let by_bios = matches!(
            self.start,
            Start::Image {
                firmware: Firmware::Bios,
                ..
            }
        );
        if by_bios && self.screen == Screen::Absent {
            return Err(ProfileError::BiosNeedsScreen);
        }
        Ok(())
    }

    fn machine_arguments(&self, line: &mut Line) {
        let machine = match self.machine {
            Machine::Pc => "pc",
            Machine::Q35 => "q35",
            // The clock chips are optional there; the kernel calibrates against the PIT.
            Machine::Microvm => "microvm,acpi=on,pic=on,pit=on,rtc=on",
        };
        line.add(["-nodefaults", "-no-user-config", "-display", "none"]);
        line.add(["-machine", machine, "-accel", "tcg", "-cpu", "max"]);
        line.add(["-m", &self.memory_mib.to_string()]);
        if self.reset == Reset::Ends {
            line.add(["-no-reboot"]);
        }
        line.add(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]);
        if self.screen == Screen::Vga {
            line.add(["-vga", "std"]);
        }
        if self.time == TimeSource::Instructions {
            line.add(["-icount", "shift=0,sleep=off"]);
        }
    }

    fn start_arguments(&self, files: &RunFiles, line: &mut Line) -> Result<(), ProfileError> {
        match &self.start {
            Start::Direct {
                kernel,
                ramdisk,
                options,
            } => {
                line.add(["-kernel", unicode(kernel)?]);
                if let Some(ramdisk) = ramdisk {
                    line.add(["-initrd", unicode(ramdisk)?]);
                }
                if !options.is_empty() {
                    line.add(["-append", options]);
                }
            }
            Start::Image {
                image,
                firmware,
                media,
            } => {
                if *firmware == Firmware::Uefi {
                    let ovmf = files
                        .firmware
                        .as_ref()
                        .ok_or(ProfileError::NoFirmwareFiles)?;
                    let (code, vars) = (value(&ovmf.code)?, value(&ovmf.vars)?);
                    let pflash = "if=pflash,format=raw";
                    line.add([
                        "-drive",
                        &format!("{pflash},unit=0,readonly=on,file={code}"),
                    ]);
                    line.add(["-drive", &format!("{pflash},unit=1,file={vars}")]);
                }
                media_arguments(*media, &value(image)?, line);
            }
        }
        Ok(())
    }
}

/// The node of a block graph that holds the disk's bytes.
pub(crate) const DISK_NODE: &str = "disk";
/// The node above it that the device of the ledger is on.
pub(crate) const LEDGER_NODE: &str = "ledger";

/// Attaches the ledger's disk as a graph of named nodes, so that faults can be put between them.
fn storage_arguments(storage: &Storage, line: &mut Line) -> Result<(), ProfileError> {
    let (file, cache, log) = match storage {
        Storage::None => return Ok(()),
        Storage::Virtio { file } => (file, "", None),
        Storage::Uncached { file } => (file, ",cache.direct=on,aio=native", None),
        Storage::Logged { file, log } => (file, "", Some(log)),
    };
    let file = value(file)?;
    let disk = format!("driver=file,node-name={DISK_NODE},filename={file}{cache}");
    line.add(["-blockdev", &disk]);
    let raw = |name: &str| format!("driver=raw,node-name={name},file={DISK_NODE}");
    match log {
        None => line.add(["-blockdev", &raw(LEDGER_NODE)]),
        Some(log) => {
            let log = value(log)?;
            line.add(["-blockdev", &raw("unlogged")]);
            line.add([
                "-blockdev",
                &format!("driver=file,node-name=log,filename={log}"),
            ]);
            let graph = "file=unlogged,log=log,log-sector-size=512";
            line.add([
                "-blockdev",
                &format!("driver=blklogwrites,node-name={LEDGER_NODE},{graph}"),
            ]);
        }
    }
    let device = format!("virtio-blk-pci,drive={LEDGER_NODE}");
    line.add(["-device", &device]);
    Ok(())
}

/// Attaches the boot image. A hard disk cannot be read-only to QEMU, so that its writes go to a
/// temporary overlay instead.
fn media_arguments(media: Media, image: &str, line: &mut Line) {
    let (access, device) = match media {
        Media::Cd => (
            "media=cdrom,readonly=on",
            "ide-cd,bus=ide.0,drive=boot,bootindex=0",
        ),
        Media::Usb => {
            line.add(["-device", "qemu-xhci,id=usb"]);
            (
                "snapshot=on",
                "usb-storage,bus=usb.0,drive=boot,bootindex=0,removable=on",
            )
        }
        Media::Disk => ("snapshot=on", "ide-hd,bus=ide.0,drive=boot,bootindex=0"),
    };
    line.add([
        "-drive",
        &format!("if=none,id=boot,format=raw,{access},file={image}"),
    ]);
    line.add(["-device", device]);
}

fn port_arguments(
    name: &str,
    port: &Port,
    files: &RunFiles,
    line: &mut Line,
) -> Result<(), ProfileError> {
    let backend = match port {
        Port::Absent => {
            line.add(["-serial", "none"]);
            return Ok(());
        }
        Port::Discard => {
            line.add(["-serial", "null"]);
            return Ok(());
        }
        Port::Session => {
            let log = match &files.console_log {
                Some(path) => format!(",logfile={}", value(path)?),
                None => String::new(),
            };
            format!("stdio,id={name},signal=off{log}")
        }
        Port::Terminal => {
            line.add(["-mon", &format!("chardev={name},mode=readline")]);
            format!("stdio,id={name},mux=on,signal=off")
        }
        Port::File(path) => format!("file,id={name},path={}", value(path)?),
        Port::Socket(path) => {
            format!("socket,id={name},server=on,wait=off,path={}", value(path)?)
        }
    };
    line.add(["-chardev", &backend, "-serial", &format!("chardev:{name}")]);
    Ok(())
}

#[derive(Default)]
struct Line(Vec<String>);

impl Line {
    fn add<const N: usize>(&mut self, arguments: [&str; N]) {
        self.0.extend(arguments.map(str::to_owned));
    }
}

fn unicode(path: &Path) -> Result<&str, ProfileError> {
    path.to_str()
        .ok_or_else(|| ProfileError::PathNotUnicode(path.to_owned()))
}

/// A path as a value in a QEMU option list.
fn value(path: &Path) -> Result<String, ProfileError> {
    Ok(unicode(path)?.replace(',', ",,"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(machine: Machine, firmware: Firmware, media: Media) -> Profile {
        Profile::image(machine, firmware, media, Path::new("a,b.iso"))
    }

    fn ovmf() -> RunFiles {
        RunFiles {
            firmware: Some(Ovmf {
                code: "code.fd".into(),
                vars: "vars.fd".into(),
            }),
            ..RunFiles::default()
        }
    }

    fn has(arguments: &[String], option: &str, value: &str) -> bool {
        arguments
            .windows(2)
            .any(|pair| pair[0] == option && pair[1] == value)
    }

    #[test]
    fn every_machine_is_emulated_and_exits_instead_of_rebooting() {
        for machine in [Machine::Pc, Machine::Q35, Machine::Microvm] {
            let line = Profile::direct(machine, Path::new("k"), None)
                .arguments(&RunFiles::default())
                .unwrap();
            assert!(has(&line, "-accel", "tcg"));
            assert!(has(&line, "-cpu", "max"));
            assert!(has(
                &line,
                "-device",
                "isa-debug-exit,iobase=0xf4,iosize=0x04"
            ));
            assert!(line.contains(&"-no-reboot".to_owned()));
        }
    }

    #[test]
    fn only_a_person_gets_a_machine_that_restarts() {
        let mut profile = Profile::direct(Machine::Pc, Path::new("k"), None);
        profile.reset = Reset::Restarts;
        let line = profile.arguments(&RunFiles::default()).unwrap();
        assert!(!line.contains(&"-no-reboot".to_owned()));
    }

    #[test]
    fn direct_start_passes_kernel_ramdisk_and_options() {
        let mut profile = Profile::direct(
            Machine::Q35,
            Path::new("kernel.elf"),
            Some(Path::new("ramdisk.tar")),
        );
        let Start::Direct { options, .. } = &mut profile.start else {
            unreachable!()
        };
        "log=debug".clone_into(options);
        let line = profile.arguments(&RunFiles::default()).unwrap();
        assert!(has(&line, "-kernel", "kernel.elf"));
        assert!(has(&line, "-initrd", "ramdisk.tar"));
        assert!(has(&line, "-append", "log=debug"));
        assert!(!line.contains(&"-vga".to_owned()));
    }

    #[test]
    fn a_comma_in_a_path_is_doubled_inside_an_option_list() {
        let line = iso(Machine::Pc, Firmware::Bios, Media::Cd)
            .arguments(&RunFiles::default())
            .unwrap();
        let drive = "if=none,id=boot,format=raw,media=cdrom,readonly=on,file=a,,b.iso";
        assert!(has(&line, "-drive", drive));
    }

    #[test]
    fn each_medium_is_attached_as_what_it_is_and_boots_first() {
        for (media, device) in [
            (Media::Cd, "ide-cd,bus=ide.0,drive=boot,bootindex=0"),
            (
                Media::Usb,
                "usb-storage,bus=usb.0,drive=boot,bootindex=0,removable=on",
            ),
            (Media::Disk, "ide-hd,bus=ide.0,drive=boot,bootindex=0"),
        ] {
            let line = iso(Machine::Q35, Firmware::Bios, media)
                .arguments(&RunFiles::default())
                .unwrap();
            assert!(has(&line, "-device", device), "{media:?}: {line:?}");
        }
    }

    #[test]
    fn uefi_takes_its_own_variables_and_refuses_to_go_without() {
        let profile = iso(Machine::Q35, Firmware::Uefi, Media::Cd);
        let line = profile.arguments(&ovmf()).unwrap();
        assert!(has(
            &line,
            "-drive",
            "if=pflash,format=raw,unit=0,readonly=on,file=code.fd"
        ));
        assert!(has(
            &line,
            "-drive",
            "if=pflash,format=raw,unit=1,file=vars.fd"
        ));
        assert_eq!(
            profile.arguments(&RunFiles::default()),
            Err(ProfileError::NoFirmwareFiles)
        );
    }

    #[test]
    fn bios_without_a_screen_is_refused_and_uefi_without_one_is_not() {
        let mut bios = iso(Machine::Pc, Firmware::Bios, Media::Disk);
        bios.screen = Screen::Absent;
        assert_eq!(
            bios.arguments(&RunFiles::default()),
            Err(ProfileError::BiosNeedsScreen)
        );
        let mut uefi = iso(Machine::Pc, Firmware::Uefi, Media::Disk);
        uefi.screen = Screen::Absent;
        assert!(
            !uefi
                .arguments(&ovmf())
                .unwrap()
                .contains(&"-vga".to_owned())
        );
    }

    #[test]
    fn microvm_refuses_media_disks_and_a_second_port() {
        let image = iso(Machine::Microvm, Firmware::Bios, Media::Disk);
        assert_eq!(
            image.arguments(&RunFiles::default()),
            Err(ProfileError::MicrovmIsDirectOnly)
        );
        let mut disk = Profile::direct(Machine::Microvm, Path::new("k"), None);
        disk.storage = Storage::Virtio {
            file: "d.img".into(),
        };
        assert_eq!(
            disk.arguments(&RunFiles::default()),
            Err(ProfileError::MicrovmIsDirectOnly)
        );
        let mut ports = Profile::direct(Machine::Microvm, Path::new("k"), None);
        ports.com2 = Port::Discard;
        assert_eq!(
            ports.arguments(&RunFiles::default()),
            Err(ProfileError::MicrovmHasOnePort)
        );
    }

    #[test]
    fn a_logged_disk_has_the_log_between_the_device_and_the_file() {
        let mut profile = Profile::direct(Machine::Pc, Path::new("k"), None);
        profile.storage = Storage::Logged {
            file: "a,b.img".into(),
            log: "w.log".into(),
        };
        let line = profile.arguments(&RunFiles::default()).unwrap();
        let disk = "driver=file,node-name=disk,filename=a,,b.img";
        assert!(has(&line, "-blockdev", disk));
        let logged =
            "driver=blklogwrites,node-name=ledger,file=unlogged,log=log,log-sector-size=512";
        assert!(has(&line, "-blockdev", logged));
        assert!(has(&line, "-device", "virtio-blk-pci,drive=ledger"));
    }

    #[test]
    fn a_missing_first_port_leaves_the_second_in_its_place() {
        let mut profile = Profile::direct(Machine::Pc, Path::new("k"), None);
        profile.com1 = Port::Absent;
        profile.com2 = Port::Session;
        let line = profile.arguments(&RunFiles::default()).unwrap();
        let serials: Vec<&str> = line
            .windows(2)
            .filter(|pair| pair[0] == "-serial")
            .map(|pair| pair[1].as_str())
            .collect();
        assert_eq!(serials, ["none", "chardev:com2"]);
    }

    #[test]
    fn two_ports_on_one_terminal_are_refused() {
        let mut profile = Profile::direct(Machine::Pc, Path::new("k"), None);
        profile.com2 = Port::Terminal;
        assert_eq!(
            profile.arguments(&RunFiles::default()),
            Err(ProfileError::OnePortPerTerminal)
        );
    }

    #[test]
    fn a_controlled_machine_starts_paused_and_logs_its_console() {
        let files = RunFiles {
            qmp: Some("q.sock".into()),
            console_log: Some("c.log".into()),
            ..RunFiles::default()
        };
        let line = Profile::direct(Machine::Pc, Path::new("k"), None)
            .arguments(&files)
            .unwrap();
        assert!(has(&line, "-qmp", "unix:q.sock,server=on,wait=off"));
        assert!(line.contains(&"-S".to_owned()));
        assert!(has(
            &line,
            "-chardev",
            "stdio,id=com1,signal=off,logfile=c.log"
        ));
    }

    #[test]
    fn counting_instructions_and_extra_arguments_come_through() {
        let mut profile = Profile::direct(Machine::Pc, Path::new("k"), None);
        profile.time = TimeSource::Instructions;
        profile.extra = vec!["-smp".to_owned(), "1".to_owned()];
        let line = profile.arguments(&RunFiles::default()).unwrap();
        assert!(has(&line, "-icount", "shift=0,sleep=off"));
        assert_eq!(line[line.len() - 2..], ["-smp", "1"]);
    }
}

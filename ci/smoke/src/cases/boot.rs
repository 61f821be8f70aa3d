//! Every way to start: the image by firmware and medium on both machines, and the kernel directly.

use qemu::{Firmware, Machine, Media, Port, Profile, Rng};

use crate::case::Case;
use crate::checks;

/// The ways in.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // UEFI first: it takes longest.
    for firmware in [Firmware::Uefi, Firmware::Bios] {
        for media in [Media::Cd, Media::Usb, Media::Disk] {
            for machine in [Machine::Pc, Machine::Q35] {
                cases.push(by_image(firmware, media, machine));
            }
        }
    }
    cases.extend([Machine::Pc, Machine::Q35, Machine::Microvm].map(directly));
    cases
}

fn by_image(firmware: Firmware, media: Media, machine: Machine) -> Case {
    let name = format!(
        "iso-{}-{}-{}",
        of_firmware(firmware),
        of_media(media),
        of_machine(machine)
    );
    Case::new(name, move |place| {
        let mut profile = Profile::image(machine, firmware, media, &place.shipped.iso);
        profile.com2 = Port::File(place.file("com2"));
        profile.rng = Rng::Virtio;
        checks::boot_and_judge(&profile, checks::limits(), place)
    })
}

fn directly(machine: Machine) -> Case {
    Case::new(format!("direct-{}", of_machine(machine)), move |place| {
        let shipped = place.shipped;
        let mut profile = Profile::direct(machine, &shipped.kernel, Some(&shipped.ramdisk));
        if machine != Machine::Microvm {
            profile.com2 = Port::File(place.file("com2"));
            profile.rng = Rng::Virtio;
        }
        checks::boot_and_judge(&profile, checks::limits(), place)
    })
}

fn of_firmware(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "bios",
        Firmware::Uefi => "uefi",
    }
}

fn of_media(media: Media) -> &'static str {
    match media {
        Media::Cd => "cd",
        Media::Usb => "usb",
        Media::Disk => "disk",
    }
}

fn of_machine(machine: Machine) -> &'static str {
    match machine {
        Machine::Pc => "pc",
        Machine::Q35 => "q35",
        Machine::Microvm => "microvm",
    }
}

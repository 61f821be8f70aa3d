//! Machines with something missing: the node says so, and the rest works.

use qemu::{Firmware, Machine, Media, Port, Profile, Screen, Storage};

use crate::case::{Case, Place};
use crate::checks;

/// A disk large enough for a ledger, in bytes.
const DISK_SIZE: u64 = 64 << 20;

/// The machines.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("uefi-without-screen", |place| {
            let iso = &place.shipped.iso;
            let mut profile = Profile::image(Machine::Q35, Firmware::Uefi, Media::Cd, iso);
            profile.screen = Screen::Absent;
            profile.com2 = Port::File(place.file("com2"));
            checks::boot_and_judge(&profile, checks::limits(), place)
        }),
        Case::new("without-com1", |place| {
            let mut profile = direct(place);
            profile.com1 = Port::Absent;
            profile.com2 = Port::Session;
            checks::boot_and_judge(&profile, checks::limits(), place)
        }),
        Case::new("without-com2", |place| {
            let mut profile = direct(place);
            profile.com2 = Port::Absent;
            checks::boot_and_judge(&profile, checks::limits(), place)
        }),
        Case::new("with-empty-disk", |place| {
            let mut profile = direct(place);
            profile.storage = Storage::Virtio {
                file: place.empty_disk(DISK_SIZE)?,
            };
            checks::boot_and_judge(&profile, checks::limits(), place)
        }),
        Case::new("with-128-mib", |place| {
            let mut profile = direct(place);
            profile.memory_mib = 128;
            checks::boot_and_judge(&profile, checks::limits(), place)
        }),
    ]
}

/// A whole machine without a disk.
fn direct(place: &Place<'_>) -> Profile {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Pc, &shipped.kernel, Some(&shipped.ramdisk));
    profile.com2 = Port::File(place.file("com2"));
    profile
}

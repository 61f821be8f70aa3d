//! Machines with something missing: the node says so, and the rest works.

use std::fs;

use qemu::{Firmware, Machine, Media, Port, Profile, Screen, Storage};

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand};

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
        Case::new("without-disk", |place| {
            let health = [
                ("ledger", "absent"),
                ("governance", "absent"),
                ("substrate", "good"),
            ];
            checks::judge(&direct(place), checks::limits(), place, &health)
        }),
        Case::new("with-empty-disk", with_empty_disk),
        Case::new("without-sha-instructions", without_sha_instructions),
        Case::new("with-128-mib", |place| {
            let mut profile = direct(place);
            profile.memory_mib = 128;
            checks::boot_and_judge(&profile, checks::limits(), place)
        }),
    ]
}

/// SHA-256 gives its published answers by the path for processors without instructions for it; the
/// tests of governance take the other one where they run on a processor that has them.
fn without_sha_instructions(place: &Place<'_>) -> Result<(), Failure> {
    let mut profile = direct(place);
    profile
        .extra
        .extend(["-cpu", "max,-sha-ni"].map(str::to_owned));
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let answer = session.command_ok("selftest")?;
    let tests = answer
        .column("test")
        .into_iter()
        .zip(answer.column("result"));
    let of_hash: Vec<_> = tests.filter(|(test, _)| test == "sha256").collect();
    let is_right = of_hash == [("sha256".to_owned(), "ok".to_owned())];
    demand(is_right, "selftest", &answer)?;
    Ok(session.power_off()?)
}

/// A blank disk is seen and stays blank: nothing is formatted unasked.
fn with_empty_disk(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(DISK_SIZE)?;
    let mut profile = direct(place);
    profile.storage = Storage::Virtio { file: disk.clone() };
    checks::judge(&profile, checks::limits(), place, &[("ledger", "absent")])?;
    let bytes =
        fs::read(&disk).map_err(|error| Failure::Host(format!("{}: {error}", disk.display())))?;
    match bytes.iter().position(|&byte| byte != 0) {
        Some(offset) => Err(Failure::Wrong(format!(
            "the node wrote to a blank disk at {offset}"
        ))),
        None => Ok(()),
    }
}

/// A whole machine without a disk.
fn direct(place: &Place<'_>) -> Profile {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Pc, &shipped.kernel, Some(&shipped.ramdisk));
    profile.com2 = Port::File(place.file("com2"));
    profile
}

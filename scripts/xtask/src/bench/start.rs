//! How long a node takes to be ready: in the host's time, in the node's own, and in instructions.

use std::time::{Duration, Instant};

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};
use qemu::{Firmware, Limits, Machine, Media, Profile, Ready, Session, TimeSource};

use super::figures::{Figure, Figures, Unit};

/// Measures direct starts and starts of the image.
pub(super) fn measure(artifacts: &Artifacts, rounds: u32, figures: &mut Figures) -> Result<()> {
    for machine in [Machine::Pc, Machine::Q35, Machine::Microvm] {
        let (wall, ready) = best(artifacts, &direct(artifacts, machine), rounds)?;
        let name = format!("{machine:?}").to_lowercase();
        figures.add(Figure::new(
            format!("QEMU to READY, direct, {name}"),
            milliseconds(wall),
            Unit::Milliseconds,
            format!("qemu-system-x86_64 -M {name} -accel tcg -kernel target/glyphos/kernel.elf"),
        ));
        figures.add(Figure::new(
            format!("kernel entry to READY, direct, {name}"),
            boot_ms(&ready)?,
            Unit::Milliseconds,
            "boot_ms of the ready line",
        ));
    }
    let mut counted = direct(artifacts, Machine::Pc);
    counted.time = TimeSource::Instructions;
    // Repeats exactly or nearly so; one boot says it.
    let (_, ready) = best(artifacts, &counted, 1)?;
    figures.add(Figure::new(
        "instructions from kernel entry to READY",
        // With one nanosecond an instruction, milliseconds count millions.
        boot_ms(&ready)? * 1e6,
        Unit::Instructions,
        "boot_ms of the ready line under -icount shift=0,sleep=off",
    ));
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        for (machine, media) in [
            (Machine::Q35, Media::Disk),
            (Machine::Q35, Media::Cd),
            (Machine::Q35, Media::Usb),
            (Machine::Pc, Media::Disk),
            (Machine::Pc, Media::Cd),
        ] {
            let profile = Profile::image(machine, firmware, media, &artifacts.iso());
            let (wall, _) = best(artifacts, &profile, rounds.div_ceil(2))?;
            let name = format!("{firmware:?}, {media:?}, {machine:?}").to_lowercase();
            figures.add(Figure::new(
                format!("QEMU to READY, ISO, {name}"),
                milliseconds(wall),
                Unit::Milliseconds,
                "cargo xtask run --firmware F --media M",
            ));
        }
    }
    Ok(())
}

/// The kernel with the ramdisk that ships, on `machine`.
pub(super) fn direct(artifacts: &Artifacts, machine: Machine) -> Profile {
    Profile::direct(machine, &artifacts.kernel(), Some(&artifacts.ramdisk()))
}

/// The quickest of `rounds` boots to the ready line.
fn best(artifacts: &Artifacts, profile: &Profile, rounds: u32) -> Result<(Duration, Ready)> {
    let mut best: Option<(Duration, Ready)> = None;
    for _ in 0..rounds.max(1) {
        let (wall, ready) = once(artifacts, profile)?;
        if best.as_ref().is_none_or(|(quickest, _)| wall < *quickest) {
            best = Some((wall, ready));
        }
    }
    best.context("no boot was measured")
}

/// One boot to the ready line, from the start of QEMU.
pub(super) fn once(artifacts: &Artifacts, profile: &Profile) -> Result<(Duration, Ready)> {
    let log = artifacts.target().join("bench/console.log");
    let started = Instant::now();
    let mut session = Session::start(profile, Limits::default(), &log)?;
    let ready = session.wait_ready()?;
    let wall = started.elapsed();
    session.kill();
    Ok((wall, ready))
}

/// The node's own measurement: microseconds where it gives them, else milliseconds.
fn boot_ms(ready: &Ready) -> Result<f64> {
    let number = |key| ready.get(key).and_then(|text| text.parse::<f64>().ok());
    number("boot_us")
        .map(|microseconds| microseconds / 1000.0)
        .or_else(|| number("boot_ms"))
        .context("the ready line gives no boot_ms")
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

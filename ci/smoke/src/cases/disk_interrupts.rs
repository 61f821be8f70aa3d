//! A node that waits for its disk sleeps, and the disk wakes it: QEMU counts the interrupts.

use qemu::{Machine, Profile, Session, Storage};
use serde_json::json;

use crate::case::{Case, Failure, Place};
use crate::cases::killed::Memory;
use crate::checks;
use crate::council::format_ledger;

/// Size of the disk in bytes.
const DISK_SIZE: u64 = 4 << 20;
/// Commits that are counted.
const COMMITS: u64 = 20;
/// The lines that firmware wires PCI devices to.
const LINES: [&str; 4] = ["5", "9", "10", "11"];

/// One case a machine: each is wired in its own way.
pub(super) fn cases() -> Vec<Case> {
    [(Machine::Pc, "pc"), (Machine::Q35, "q35")]
        .map(|(machine, name)| {
            Case::new(format!("disk-interrupts-{name}"), move |place| {
                wakes(machine, place)
            })
        })
        .into()
}

fn wakes(machine: Machine, place: &Place<'_>) -> Result<(), Failure> {
    let shipped = place.shipped;
    let mut profile = Profile::direct(machine, &shipped.kernel, Some(&shipped.ramdisk));
    profile.storage = Storage::Virtio {
        file: place.empty_disk(DISK_SIZE)?,
    };
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    format_ledger(&mut session)?;
    let mut memory = Memory::default();
    let before = interrupts(&mut session)?;
    for number in 0..COMMITS {
        memory.commit(&mut session, format!("commit {number}"))?;
    }
    let told = interrupts(&mut session)?.saturating_sub(before);
    // Writes, flush and reads: three waits each, of which a quick answer may spare some.
    if told < COMMITS {
        return Err(Failure::Wrong(format!(
            "{COMMITS} commits and {told} interrupts of the disk: the node does not wait for them"
        )));
    }
    place.note(&format!("commits={COMMITS} interrupts={told}\n"))?;
    Ok(session.power_off()?)
}

/// Interrupts of PCI devices so far, as QEMU counts them.
fn interrupts(session: &mut Session) -> Result<u64, Failure> {
    let line = json!({"command-line": "info irq"});
    let told = session.qmp().execute("human-monitor-command", line)?;
    let told = told.as_str().unwrap_or_default();
    count(told).ok_or_else(|| Failure::Host(format!("QEMU counts no interrupts: {told}")))
}

/// The sum over [`LINES`] at the 8259s.
fn count(told: &str) -> Option<u64> {
    let (_, counts) = told.split_once("isa-i8259:")?;
    let of_line = |line: &str| {
        let (number, count) = line.split_once(':')?;
        LINES
            .contains(&number.trim())
            .then(|| count.trim().parse::<u64>().ok())?
    };
    Some(counts.lines().filter_map(of_line).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_pci_devices_at_the_8259s_count() {
        let told = "IRQ statistics for ioapic:\r\n10: 7\r\nIRQ statistics for isa-i8259:\r\n \
                    0: 382\r\n 4: 351\r\n10: 55\r\n11: 2\r\n";
        assert_eq!(count(told), Some(57));
        assert_eq!(count("unknown command"), None);
    }
}

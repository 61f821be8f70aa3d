//! The cases, by what they are about.
//!
//! `boot`: every way to start; `machine`: machines with something missing; `vault`: what it computes and when its memory is damaged,
//! `trust`: whose is taken, `policy`: what it brings to governance, `vault_change`: how a quorum
//! replaces it; `governance`, `killed`, `killed_override`, `damaged_ledger`, `block_log`,
//! `failing_disk`, `filling`, `disk_interrupts`, `bad_input`, `heal`, `large`, `telemetry`, `panic`, `recorded`, `struck` and
//! `typing`: stories told to a running node; `controls`: broken machines that must fail.

mod bad_input;
mod block_log;
mod boot;
mod controls;
mod damaged_ledger;
mod disk_interrupts;
mod failing_disk;
mod filling;
mod governance;
mod heal;
mod killed;
mod killed_override;
mod large;
mod machine;
mod panic;
mod policy;
mod recorded;
mod struck;
mod telemetry;
mod trust;
mod typing;
mod vault;
mod vault_change;

use crate::case::Case;

/// All cases, the slowest first, so that no long one is left alone at the end.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = boot::cases();
    cases.extend(large::cases());
    cases.extend(machine::cases());
    cases.extend(killed::cases());
    cases.extend(killed_override::cases());
    cases.extend(governance::cases());
    cases.extend(damaged_ledger::cases());
    cases.extend(block_log::cases());
    cases.extend(failing_disk::cases());
    cases.extend(filling::cases());
    cases.extend(disk_interrupts::cases());
    cases.extend(telemetry::cases());
    cases.extend(typing::cases());
    cases.extend(bad_input::cases());
    cases.extend(heal::cases());
    cases.extend(panic::cases());
    cases.extend(recorded::cases());
    cases.extend(struck::cases());
    cases.extend(vault::cases());
    cases.extend(trust::cases());
    cases.extend(policy::cases());
    cases.extend(vault_change::cases());
    cases.extend(controls::cases());
    cases
}

/// Stories that take minutes: for `cargo xtask campaign`.
#[must_use]
pub fn campaigns() -> Vec<Case> {
    block_log::campaigns()
}

/// Memory flipped under a live node for `minutes`, the first round from `seed`.
#[must_use]
pub fn memory_campaign(minutes: u64, seed: u64) -> Case {
    struck::campaign(minutes, seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct_because_logs_are_named_after_them() {
        let cases: Vec<Case> = all().into_iter().chain(campaigns()).collect();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
    }

    #[test]
    fn the_image_is_started_in_all_six_ways_on_both_machines() {
        let names: BTreeSet<String> = all().into_iter().map(|case| case.name).collect();
        for firmware in ["bios", "uefi"] {
            for media in ["cd", "usb", "disk"] {
                for machine in ["pc", "q35"] {
                    let name = format!("iso-{firmware}-{media}-{machine}");
                    assert!(names.contains(&name), "{name}");
                }
            }
        }
    }
}

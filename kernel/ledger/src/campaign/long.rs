//! Campaigns that go on for as long as somebody asks: `cargo xtask campaign ledger`.
//!
//! Each round takes everything from its seed, which a failure names: with
//! `GLYPHOS_CAMPAIGN_SEED` the same round comes first.

use alloc::vec;
use alloc::vec::Vec;

use campaign::{Campaign, Size};

use super::crash::{crash_campaign, leftover_campaign, warm_restart_campaign};
use super::crash_states::Effort;
use super::damage::{Bits, single_damage_campaign};
use super::device_faults::{crash_and_damage_campaign, double_fault_session, lying_flush_campaign};
use super::{Outcome, Random, Workload, fresh_disk_of};
use crate::PAYLOAD_BYTES_MAX;
use crate::version::Version;

/// The sizes of an append: mostly a record alone, else some that share a frame or take several.
fn sizes(random: &mut Random) -> Vec<usize> {
    let any = |random: &mut Random| match random.below(6) {
        0 => 0,
        1 => PAYLOAD_BYTES_MAX,
        _ => random.below(PAYLOAD_BYTES_MAX as u64) as usize,
    };
    let small = |random: &mut Random| random.below(500) as usize;
    match random.below(8) {
        0 => (0..2 + random.below(3)).map(|_| any(random)).collect(),
        1 => (0..2 + random.below(6)).map(|_| small(random)).collect(),
        _ => vec![any(random)],
    }
}

/// One session of 1 to 4 appends of any sizes, crashed everywhere, its recoveries two deep; one in eight
/// on a ledger of version 1.
fn crashed_session(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let appends = 1 + random.below(4);
    let version = match random.below(8) {
        0 => Version::One,
        _ => Version::Two,
    };
    let mut workload: Workload = (0..appends).map(|_| sizes(&mut random)).collect();
    if version == Version::One {
        // As many frames as are written at once.
        workload.iter_mut().for_each(|group| group.truncate(4));
    }
    let effort = Effort {
        every_sector_subset: random.below(4) == 0,
        random_states: 16,
        crash_recovery_every: 4_001,
        recovery_depth: 2,
    };
    crash_campaign(&fresh_disk_of(version), &workload, effort, random.next())
}

/// Every kind of fault that has dice in it, once.
fn faulty_devices(seed: u64) -> Outcome {
    let mut random = Random(seed);
    let mut states = warm_restart_campaign(random.next())?;
    states += leftover_campaign(random.next())?;
    states += single_damage_campaign(random.next(), Bits::One)?;
    states += lying_flush_campaign(random.next())?;
    states += crash_and_damage_campaign(random.next())?;
    for _ in 0..1_000 {
        states += double_fault_session(&mut random)?;
    }
    Ok(states)
}

#[test]
fn crashes_of_random_sessions_lose_nothing_for_as_long_as_asked() {
    // With the 214,000 of the other tests, the gate tries a million distinct states.
    let size = Size {
        gate: 800_000,
        campaign: 10_000_000,
    };
    Campaign::begin("ledger: crashes", size).run(crashed_session);
}

#[test]
fn faults_of_a_device_lose_nothing_silently_for_as_long_as_asked() {
    let size = Size {
        gate: 1,
        campaign: 500_000,
    };
    Campaign::begin("ledger: faults", size).run(faulty_devices);
}

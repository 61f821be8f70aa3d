//! The same records in shared frames: for tests of what reads them.
//!
//! Owns how many are appended together. Numbers, kinds and payloads stay; frames and chain differ.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::format::{Seed, format};
use crate::ledger::{Entry, Ledger, Reserve};

use super::SimulatedDisk;

/// Records appended together: two of them or more share a frame if they are short.
const TOGETHER: usize = 4;

/// The records of `original`, some appended together, on a new disk, or behind those that `onto` has.
///
/// # Errors
/// What reading the one or writing to the other came to.
pub fn share_frames(
    original: SimulatedDisk,
    onto: Option<SimulatedDisk>,
) -> Result<SimulatedDisk, String> {
    let sectors = original.visible.sectors();
    let (mut source, _) = Ledger::inspect(original).map_err(|error| error.to_string())?;
    let seed = Seed {
        device_uuid: source.device_uuid(),
        epoch: source.epoch(),
    };
    let target = match onto {
        Some(disk) => disk,
        None => {
            let mut disk = SimulatedDisk::new(sectors);
            format(&mut disk, seed).map_err(|error| error.to_string())?;
            disk
        }
    };
    let (mut ledger, _) = Ledger::open(target).map_err(|error| error.to_string())?;
    let mut records: Vec<(u8, Vec<u8>)> = Vec::new();
    let replayed = source.replay(|record| {
        if record.seq >= ledger.records() {
            records.push((record.kind, record.payload.to_vec()));
        }
        Ok::<(), String>(())
    });
    replayed.map_err(|error| error.to_string())?;
    for group in records.chunks(TOGETHER) {
        let entries: Vec<Entry<'_>> = group
            .iter()
            .map(|(kind, payload)| Entry {
                kind: *kind,
                payload,
            })
            .collect();
        let appended = ledger.append_group(&entries, Reserve::Emergency);
        let _ = appended.map_err(|error| error.to_string())?;
    }
    Ok(ledger.into_device())
}

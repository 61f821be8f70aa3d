//! What a look at the device found, as types and as sentences.
//!
//! Owns the findings of recovery and verification. The list is bounded: a wrecked device has
//! more to tell than a person can read, so the rest is counted.

use alloc::vec::Vec;
use core::fmt;

use crate::device::DeviceError;
use crate::geometry::Place;

/// Most findings that are kept one by one.
pub const FINDINGS_MAX: usize = 64;

/// What a finding means for the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Nothing is wrong.
    Note,
    /// A copy is damaged and another one is whole.
    Repairable,
    /// Something acknowledged is lost or contradicts itself.
    Fatal,
}

/// One thing that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An append that was never acknowledged left pieces; they do not count.
    TornAppend {
        /// Its first record.
        seq: u64,
    },
    /// A slot could not be written and is stepped over from now on.
    SlotSetAside {
        /// Which slot.
        slot: u64,
    },
    /// A superblock copy is damaged or unreadable.
    SuperblockDamaged {
        /// Which copy, from 0.
        copy: usize,
    },
    /// A superblock copy is older than the newest.
    SuperblockOutdated {
        /// Which copy, from 0.
        copy: usize,
    },
    /// One copy of a frame is damaged or unreadable.
    CopyDamaged {
        /// Its first record.
        seq: u64,
        /// Where the copy is.
        place: Place,
    },
    /// A copy was written anew and still does not read back right.
    RepairFailed {
        /// Its first record.
        seq: u64,
        /// Where the copy is.
        place: Place,
    },
    /// Two superblocks of equal standing contradict each other.
    SuperblocksDisagree,
    /// No copy of this record's frame is whole, and later evidence proves that it existed.
    RecordLost {
        /// The first record of the frame; if frames before it are lost too, the least that it can be.
        seq: u64,
    },
    /// A later frame counts these records, which lost frames held besides those that are named.
    RecordsLost {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// A frame does not follow from the one before it, by its chain value or its records' numbers.
    LinkBroken {
        /// Its first record, as it says itself.
        seq: u64,
    },
    /// Two different frames of equal standing claim the same place in the chain.
    Forked {
        /// First record of the one that is taken.
        seq: u64,
    },
    /// A frame is of a later incarnation than any superblock knows.
    IncarnationAhead {
        /// Its first record.
        seq: u64,
    },
    /// No place that could hold the next record can be read, so the end is uncertain.
    EndUnreadable {
        /// The record that may or may not exist.
        seq: u64,
    },
    /// What is on the device is not what this session wrote.
    ChangedUnderneath {
        /// First record that differs, at the latest.
        seq: u64,
    },
    /// The device failed while the ledger was made ready.
    Device(DeviceError),
}

impl Finding {
    /// What it means for the ledger.
    #[must_use]
    pub const fn gravity(&self) -> Gravity {
        match self {
            Finding::TornAppend { .. } | Finding::SlotSetAside { .. } => Gravity::Note,
            Finding::SuperblockDamaged { .. }
            | Finding::SuperblockOutdated { .. }
            | Finding::CopyDamaged { .. }
            | Finding::RepairFailed { .. } => Gravity::Repairable,
            Finding::SuperblocksDisagree
            | Finding::RecordLost { .. }
            | Finding::RecordsLost { .. }
            | Finding::LinkBroken { .. }
            | Finding::Forked { .. }
            | Finding::IncarnationAhead { .. }
            | Finding::EndUnreadable { .. }
            | Finding::ChangedUnderneath { .. }
            | Finding::Device(_) => Gravity::Fatal,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::TornAppend { seq } => {
                write!(out, "pieces of an unacknowledged record {seq} do not count")
            }
            Finding::SlotSetAside { slot } => {
                write!(out, "slot {slot} cannot be written and is stepped over")
            }
            Finding::SuperblockDamaged { copy } => {
                write!(out, "superblock copy {copy} is damaged or unreadable")
            }
            Finding::SuperblockOutdated { copy } => {
                write!(out, "superblock copy {copy} is older than the newest")
            }
            Finding::CopyDamaged { seq, place } => {
                write!(out, "record {seq} is damaged or unreadable in {place}")
            }
            Finding::RepairFailed { seq, place } => {
                write!(out, "record {seq} could not be repaired in {place}")
            }
            Finding::SuperblocksDisagree => {
                out.write_str("two superblocks of equal standing contradict each other")
            }
            Finding::RecordLost { seq } => write!(
                out,
                "record {seq} is lost: no copy is whole, and later writes prove that it existed"
            ),
            Finding::RecordsLost { first, last } if first == last => {
                write!(out, "record {first} is lost with the one before it")
            }
            Finding::RecordsLost { first, last } => write!(
                out,
                "records {first} to {last} are lost with the one before them"
            ),
            Finding::LinkBroken { seq } => {
                write!(out, "record {seq} does not follow from the one before it")
            }
            Finding::Forked { seq } => {
                write!(out, "two different records claim to be record {seq}")
            }
            Finding::IncarnationAhead { seq } => write!(
                out,
                "record {seq} is newer than every superblock: they were put back or lost"
            ),
            Finding::EndUnreadable { seq } => write!(
                out,
                "no copy of a possible record {seq} can be read, so the end is uncertain"
            ),
            Finding::ChangedUnderneath { seq } => write!(
                out,
                "the device does not hold what this session wrote, at record {seq} or before"
            ),
            Finding::Device(error) => write!(out, "{error}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Place::ZoneA => "zone A",
            Place::ZoneB => "zone B",
            Place::Ring => "the ring",
        })
    }
}

/// A bounded list of findings.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Findings {
    list: Vec<Finding>,
    omitted: u64,
    first_fatal: Option<Finding>,
    repairable: u64,
}

impl Findings {
    /// The findings in the order of discovery, at most [`FINDINGS_MAX`].
    #[must_use]
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// How many more there were.
    #[must_use]
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The first finding that stops the ledger from taking records.
    #[must_use]
    pub fn first_fatal(&self) -> Option<Finding> {
        self.first_fatal
    }

    /// Damaged copies and superblocks.
    #[must_use]
    pub fn repairable(&self) -> u64 {
        self.repairable
    }

    /// Whether nothing is wrong: at most notes.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.repairable == 0 && self.first_fatal.is_none()
    }

    /// Whether copy `copy` of the superblock was found damaged or outdated.
    pub(crate) fn is_superblock_odd(&self, copy: usize) -> bool {
        self.list.iter().any(|finding| match finding {
            Finding::SuperblockDamaged { copy: odd }
            | Finding::SuperblockOutdated { copy: odd } => *odd == copy,
            _ => false,
        })
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        match finding.gravity() {
            Gravity::Note => {}
            Gravity::Repairable => self.repairable = self.repairable.saturating_add(1),
            Gravity::Fatal => self.first_fatal = self.first_fatal.or(Some(finding)),
        }
        if self.list.len() < FINDINGS_MAX {
            self.list.push(finding);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    pub(crate) fn absorb(&mut self, other: Findings) {
        for finding in other.list {
            if self.list.len() < FINDINGS_MAX {
                self.list.push(finding);
            } else {
                self.omitted = self.omitted.saturating_add(1);
            }
        }
        self.omitted = self.omitted.saturating_add(other.omitted);
        self.repairable = self.repairable.saturating_add(other.repairable);
        self.first_fatal = self.first_fatal.or(other.first_fatal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_its_weight_is_not() {
        let mut findings = Findings::default();
        for seq in 0..100 {
            findings.add(Finding::CopyDamaged {
                seq,
                place: Place::ZoneA,
            });
        }
        findings.add(Finding::RecordLost { seq: 100 });
        assert_eq!(findings.list().len(), FINDINGS_MAX);
        assert_eq!(findings.omitted(), 37);
        assert_eq!(findings.repairable(), 100);
        assert_eq!(
            findings.first_fatal(),
            Some(Finding::RecordLost { seq: 100 })
        );
    }

    #[test]
    fn notes_leave_a_ledger_sound() {
        let mut findings = Findings::default();
        findings.add(Finding::TornAppend { seq: 1 });
        assert!(findings.is_sound());
        findings.add(Finding::SuperblockDamaged { copy: 1 });
        assert!(!findings.is_sound());
    }
}

//! Makes a ledger ready to take records, or says why not: FORMAT.md, section "Recovery".
//!
//! Owns the order of recovery's writes. Called when a ledger is opened, and again after an
//! append that was not confirmed.
//!
//! Invariants:
//! - nothing is written before the whole device was walked and found free of fatal damage;
//! - when recovery returns a writable ledger, all that it reports is durable, and the new
//!   incarnation is fenced in at least three superblocks;
//! - a crash anywhere in here leaves a device from which recovery reaches the same records.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use crate::defect::{Defect, planted};
use crate::device::{BlockDevice, DeviceError};
use crate::error::{OpenError, ReadOnlyReason};
use crate::examine::{Examination, SuperblockPlaces, examine};
use crate::finding::{Finding, Findings};
use crate::frame::{self, Frame};
use crate::geometry::{FRAME_BYTES, Geometry, Place, SUPERBLOCK_COPIES};
use crate::scan::{Purpose, Reach, Scan, scan};
use crate::superblock::{self, Refusal, Superblock};

/// Superblock copies that have to be sound before a new incarnation takes records.
const SUPERBLOCKS_MIN: usize = 3;
/// Slots tried for the next record before the device is given up.
const SLOT_TRIES: usize = 8;

/// Whether recovery may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Repairs and fences.
    Write,
    /// Reads only, and reports what it would repair.
    Inspect,
}

/// Whether the place of the next record is under suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextSlot {
    /// Nothing is known against it.
    Trusted,
    /// The last append failed there.
    Suspect,
}

/// What recovery found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Records in the ledger. Of a lost frame that no later one tells about, one is counted.
    pub records: u64,
    /// Frames that they take.
    pub frames: u64,
    /// Chain value after the newest record.
    pub chain: [u8; 32],
    /// Copies of records and superblocks written anew.
    pub repaired: u64,
    /// Damage that is still there and can be lived with.
    pub unrepaired: u64,
    /// Why the ledger takes no records, if it takes none.
    pub read_only: Option<ReadOnlyReason>,
    /// Everything found, before any repair.
    pub findings: Findings,
}

/// The state that a ledger goes on from.
pub(crate) struct Recovered {
    pub(crate) superblock: Superblock,
    pub(crate) report: RecoveryReport,
    /// Frames that are lost.
    pub(crate) lost: Vec<Range<u64>>,
}

/// Recovers the ledger on `device`.
pub(crate) fn recover<D: BlockDevice>(
    device: &mut D,
    mode: Mode,
    next_slot: NextSlot,
) -> Result<Recovered, OpenError> {
    let (mut superblock, mut findings) = read_superblocks(device)?;
    let reach = if findings.is_sound() {
        Reach::WhenOdd
    } else {
        Reach::Always
    };
    let superblocks_odd = findings.repairable();
    let first = scan(device, &superblock, Purpose::Look, reach);
    let damaged = first.findings.repairable();
    findings.absorb(first.findings.clone());
    let mut report = RecoveryReport {
        records: first.records,
        frames: first.next_seq,
        chain: first.chain,
        repaired: 0,
        unrepaired: damaged.saturating_add(superblocks_odd),
        read_only: refusal(&superblock, mode, &findings),
        findings,
    };
    if report.read_only.is_none() {
        let mut work = Work {
            device,
            superblock: &mut superblock,
            report: &mut report,
            superblocks_odd,
            encoded: Vec::new(),
        };
        if let Err(error) = work.make_ready(&first, damaged, next_slot) {
            report.read_only = Some(ReadOnlyReason::Device(error));
            report.findings.add(Finding::Device(error));
        }
    }
    Ok(Recovered {
        superblock,
        report,
        lost: first.lost,
    })
}

fn refusal(superblock: &Superblock, mode: Mode, findings: &Findings) -> Option<ReadOnlyReason> {
    if let Some(fatal) = findings.first_fatal() {
        return Some(ReadOnlyReason::Damage(fatal));
    }
    if superblock.features_read_only != 0 {
        return Some(ReadOnlyReason::Feature);
    }
    (mode == Mode::Inspect).then_some(ReadOnlyReason::Inspection)
}

/// Reads the superblocks and picks the newest.
pub(crate) fn read_superblocks<D: BlockDevice>(
    device: &mut D,
) -> Result<(Superblock, Findings), OpenError> {
    let device_sectors = device.sector_count();
    let Some(geometry) = Geometry::for_sectors(device_sectors) else {
        return Err(OpenError::NotALedger(examine(device)));
    };
    let places = SuperblockPlaces::read(device, geometry);
    let newest = places.sound().max_by_key(|copy| copy.sequence).cloned();
    let Some(newest) = newest else {
        return Err(match examine(device) {
            Examination::Unsupported {
                version_major,
                features,
            } => OpenError::Unsupported {
                version_major,
                features,
            },
            other => OpenError::NotALedger(other),
        });
    };
    if newest.geometry.device_sectors > device_sectors {
        return Err(OpenError::Shrunk {
            formatted_sectors: newest.geometry.device_sectors,
            device_sectors,
        });
    }
    let mut findings = Findings::default();
    for (copy, found) in places.copies.iter().enumerate() {
        match found {
            Ok(found) if *found == newest => {}
            Ok(found) if found.epoch != newest.epoch || found.sequence == newest.sequence => {
                findings.add(Finding::SuperblocksDisagree);
            }
            Ok(_) => findings.add(Finding::SuperblockOutdated { copy }),
            Err(Refusal::Unsupported {
                version_major,
                features,
            }) => {
                return Err(OpenError::Unsupported {
                    version_major: *version_major,
                    features: *features,
                });
            }
            Err(_) => findings.add(Finding::SuperblockDamaged { copy }),
        }
    }
    Ok((newest, findings))
}

/// Recovery's writes, in their order.
struct Work<'a, D> {
    device: &'a mut D,
    superblock: &'a mut Superblock,
    report: &'a mut RecoveryReport,
    superblocks_odd: u64,
    /// The four copies of the new superblock, as they have to lie on the device.
    encoded: Vec<Box<Frame>>,
}

impl<D: BlockDevice> Work<'_, D> {
    fn make_ready(
        &mut self,
        first: &Scan,
        damaged: u64,
        next_slot: NextSlot,
    ) -> Result<(), DeviceError> {
        let unrepaired = if damaged == 0 {
            0
        } else {
            self.repair_copies(first)?
        };
        if first.next_unreadable || next_slot == NextSlot::Suspect {
            self.prove_next_slot(first.next_seq)?;
        }
        let repaired_before = self.report.repaired;
        let unsecured = self.begin_incarnation(first)?;
        let unsound = self.complete_superblocks()?;
        self.report.repaired =
            repaired_before.saturating_add(self.superblocks_odd.saturating_sub(unsound));
        self.report.unrepaired = unrepaired.saturating_add(unsecured).saturating_add(unsound);
        Ok(())
    }

    /// Writes damaged copies anew and looks again; returns how many are still damaged.
    fn repair_copies(&mut self, first: &Scan) -> Result<u64, DeviceError> {
        if planted(Defect::SkipRepair) {
            return Ok(0);
        }
        let repair = scan(
            self.device,
            self.superblock,
            Purpose::Repair,
            Reach::WhenOdd,
        );
        flush(self.device)?;
        let after = scan(self.device, self.superblock, Purpose::Look, Reach::WhenOdd);
        if after.next_seq != first.next_seq || after.chain != first.chain {
            // Reads that change from one walk to the next cannot be built upon.
            return Err(DeviceError::Read);
        }
        for finding in after.findings.list() {
            if let Finding::CopyDamaged { seq, place } = *finding {
                self.report
                    .findings
                    .add(Finding::RepairFailed { seq, place });
            }
        }
        self.report.repaired = self.report.repaired.saturating_add(repair.repaired);
        Ok(after.findings.repairable())
    }

    /// Writes zeros to the place of the next frame and reads them back; a slot that fails is
    /// set aside for good.
    fn prove_next_slot(&mut self, next_seq: u64) -> Result<(), DeviceError> {
        for _ in 0..SLOT_TRIES {
            let slot = self.superblock.bad_slots.slot_of(next_seq);
            if slot >= self.superblock.geometry.slot_count || self.slot_takes_writes(slot)? {
                return Ok(());
            }
            if !self.superblock.bad_slots.add(slot) {
                return Err(DeviceError::Write);
            }
            self.report.findings.add(Finding::SlotSetAside { slot });
        }
        Err(DeviceError::Write)
    }

    fn slot_takes_writes(&mut self, slot: u64) -> Result<bool, DeviceError> {
        let geometry = self.superblock.geometry;
        let mut buffer = Box::new([0; FRAME_BYTES]);
        for place in [Place::ZoneA, Place::ZoneB] {
            let sector = geometry.sector(place, slot);
            match self.device.write(sector, buffer.as_slice()) {
                Ok(()) => {}
                Err(DeviceError::ReadOnly) => return Err(DeviceError::ReadOnly),
                Err(_) => return Ok(false),
            }
        }
        flush(self.device)?;
        for place in [Place::ZoneA, Place::ZoneB] {
            let sector = geometry.sector(place, slot);
            let read = self.device.read(sector, buffer.as_mut_slice());
            if read.is_err() || !frame::is_zero(buffer.as_slice()) {
                return Ok(false);
            }
        }
        // The third place holds an older frame, so it is tried by writing that frame again.
        let sector = geometry.sector(Place::Ring, slot);
        let readable = self.device.read(sector, buffer.as_mut_slice()).is_ok();
        Ok(readable && self.device.write(sector, buffer.as_slice()).is_ok())
    }

    /// Secures the newest group, fences it, and begins a new incarnation: one superblock and one
    /// copy of the group at a time, each followed by a flush, damaged superblocks first. So a
    /// crash tears at most one copy that was sound, and never the only one.
    ///
    /// Returns how many copies of the group could not be written.
    fn begin_incarnation(&mut self, first: &Scan) -> Result<u64, DeviceError> {
        // A group of the last incarnation may lie in a volatile cache only, or have been lost by
        // a failed flush: it is written once more before it counts as recovered.
        let secure = first.newest_group >= self.superblock.fence_seq;
        let mut order = [0, 1, 2, 3];
        order.sort_by_key(|copy| !self.report.findings.is_superblock_odd(*copy));
        self.superblock.sequence = self.superblock.sequence.saturating_add(1);
        self.superblock.incarnation = self.superblock.incarnation.saturating_add(1);
        self.superblock.fence_seq = first.next_seq;
        self.superblock.fence_chain = first.chain;
        self.encoded = self.encode_superblocks();
        let mut unsecured: u64 = 0;
        let mut places = Place::ALL.into_iter();
        for copy in order {
            if let Some(place) = places.next().filter(|_| secure) {
                for seq in first.newest_group..first.next_seq {
                    let written = self.write_again(seq, place)?;
                    unsecured = unsecured.saturating_add(u64::from(!written));
                }
            }
            self.write_superblock(copy)?;
            if !planted(Defect::SuperblocksAtOnce) {
                flush(self.device)?;
            }
        }
        Ok(unsecured)
    }

    /// Tries superblocks that do not read back once more; returns how many stay unsound.
    fn complete_superblocks(&mut self) -> Result<u64, DeviceError> {
        let mut sound: usize = 0;
        for copy in 0..SUPERBLOCK_COPIES {
            // A write that was lost once may succeed now; a dead place stays unsound.
            if !self.is_sound(copy) {
                self.write_superblock(copy)?;
                flush(self.device)?;
            }
            sound = sound.saturating_add(usize::from(self.is_sound(copy)));
        }
        if sound < SUPERBLOCKS_MIN {
            return Err(DeviceError::Write);
        }
        Ok(SUPERBLOCK_COPIES.saturating_sub(sound) as u64)
    }

    /// Writes the copy of frame `seq` in `place` once more with the bytes it holds, unless it
    /// is one that could not be repaired. Says whether no write failed.
    fn write_again(&mut self, seq: u64, place: Place) -> Result<bool, DeviceError> {
        let slot = self.superblock.bad_slots.slot_of(seq);
        let sector = self.superblock.geometry.sector(place, slot);
        let mut buffer = Box::new([0; FRAME_BYTES]);
        let read = self.device.read(sector, buffer.as_mut_slice());
        let head = frame::read_whole(&buffer, &self.superblock.epoch, sector);
        if read.is_err() || head.is_none_or(|head| head.seq != seq) {
            return Ok(true);
        }
        match self.device.write(sector, buffer.as_slice()) {
            Err(DeviceError::ReadOnly) => Err(DeviceError::ReadOnly),
            written => Ok(written.is_ok()),
        }
    }

    /// The copies of the superblock as it is now.
    fn encode_superblocks(&self) -> Vec<Box<Frame>> {
        let encode = |copy| {
            let mut frame = Box::new([0; FRAME_BYTES]);
            let sector = self.superblock.geometry.superblock_sector(copy);
            superblock::encode(&mut frame, self.superblock, copy, sector);
            frame
        };
        (0..SUPERBLOCK_COPIES).map(encode).collect()
    }

    /// A superblock place that cannot be written shows when it is read back.
    fn write_superblock(&mut self, copy: usize) -> Result<(), DeviceError> {
        let sector = self.superblock.geometry.superblock_sector(copy);
        let frame = self.encoded.get(copy).ok_or(DeviceError::OutOfRange)?;
        match self.device.write(sector, frame.as_slice()) {
            Err(DeviceError::ReadOnly) => Err(DeviceError::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Whether superblock `copy` reads back as it should be now.
    fn is_sound(&mut self, copy: usize) -> bool {
        let sector = self.superblock.geometry.superblock_sector(copy);
        let mut found = Box::new([0; FRAME_BYTES]);
        self.device.read(sector, found.as_mut_slice()).is_ok()
            && self.encoded.get(copy) == Some(&found)
    }
}

fn flush<D: BlockDevice>(device: &mut D) -> Result<(), DeviceError> {
    if planted(Defect::SkipRecoveryFlush) {
        return Ok(());
    }
    device.flush()
}

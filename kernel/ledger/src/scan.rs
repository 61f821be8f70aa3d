//! Walks all frames of a device and decides what is there: FORMAT.md, section "Recovery".
//!
//! Owns the decision between the end of the log and a hole in it. Reads untrusted frames; with
//! [`Purpose::Repair`] it also writes damaged copies anew from whole ones, and nothing else.
//!
//! Invariants:
//! - a gap is taken for the end only when nothing on the device proves a later frame;
//! - the same bytes give the same decision, whether looking or repairing;
//! - a repair never writes to the copy that it reads from.

mod end;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use crate::defect::{Defect, planted};
use crate::device::BlockDevice;
use crate::finding::{Finding, Findings};
use crate::frame::{self, Frame, Head};
use crate::geometry::{FRAME_BYTES, Place};
use crate::superblock::Superblock;
use crate::window::Window;

/// Whether a walk may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reads only.
    Look,
    /// Writes damaged copies anew.
    Repair,
}

/// How far a walk looks for later records before it takes a gap for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The whole device if anything at all is odd, else the ring and the superblock.
    WhenOdd,
    /// The whole device.
    Always,
}

/// Most runs of lost frames that are kept.
const HOLES_MAX: usize = 1024;

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Number of the next frame, which is the number of frames.
    pub(crate) next_seq: u64,
    /// Number of the next record, which is the number of records.
    pub(crate) records: u64,
    /// Chain value before the next frame.
    pub(crate) chain: [u8; 32],
    /// First frame of the newest group; equal to `next_seq` if there is none.
    pub(crate) newest_group: u64,
    /// Copies written anew.
    pub(crate) repaired: u64,
    /// Whether the place of the next frame cannot be read in some zone.
    pub(crate) next_unreadable: bool,
    /// Runs of frames that are lost, the first [`HOLES_MAX`] of them.
    pub(crate) lost: Vec<Range<u64>>,
    pub(crate) findings: Findings,
}

/// Whether a header may belong to the history that the superblock tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Valid,
    /// Of an append that an earlier recovery decided against, or of another version of the format.
    Leftover,
    /// Of an incarnation that no superblock knows.
    Ahead,
}

pub(crate) fn standing(superblock: &Superblock, head: &Head) -> Standing {
    if head.version != superblock.version {
        return Standing::Leftover;
    }
    if planted(Defect::IgnoreFence) {
        return Standing::Valid;
    }
    if head.incarnation > superblock.incarnation {
        Standing::Ahead
    } else if (head.seq >= superblock.fence_seq) == (head.incarnation == superblock.incarnation) {
        Standing::Valid
    } else {
        Standing::Leftover
    }
}

/// Whether a frame continues a history with that chain value and number of records.
pub(crate) fn follows(head: &Head, chain: [u8; 32], records: u64) -> bool {
    let is_counted = head.record_first == records || planted(Defect::TrustRecordNumber);
    head.previous_chain == chain && is_counted
}

/// A group whose frames are being read.
#[derive(Clone, Copy, Debug)]
struct Group {
    first: u64,
    end: u64,
    chain_before: [u8; 32],
    records_before: u64,
}

/// What the ring holds at one position.
#[derive(Clone, Copy, Debug, Default)]
struct RingEntry {
    head: Option<Head>,
    whole: bool,
    readable: bool,
    /// The frame that the walk accepted and that this is an equal copy of.
    confirmed: Option<u64>,
    /// First record of the newest frame that the walk met and whose copy belongs here.
    record: u64,
}

/// The copies of one frame as found: zone A, zone B, ring.
type Copies = [Option<Head>; 3];

/// Walks the frames of `device`.
pub(crate) fn scan<D: BlockDevice>(
    device: &mut D,
    superblock: &Superblock,
    purpose: Purpose,
    reach: Reach,
) -> Scan {
    let chain = frame::genesis_chain(&superblock.epoch, &superblock.device_uuid);
    let mut walk = Walk {
        device,
        superblock,
        purpose,
        zone_a: Window::new(Place::ZoneA, &superblock.geometry),
        zone_b: Window::new(Place::ZoneB, &superblock.geometry),
        ring: Vec::new(),
        scratch: Box::new([0; FRAME_BYTES]),
        chain: Some(chain),
        last_chain: chain,
        group: None,
        newest_group: 0,
        proven: superblock.fence_seq,
        searched: false,
        odd: reach == Reach::Always,
        seq: 0,
        records: 0,
        repaired: 0,
        lost: Vec::new(),
        findings: Findings::default(),
    };
    walk.load_ring();
    while walk.step() {}
    walk.finish()
}

struct Walk<'a, D> {
    device: &'a mut D,
    superblock: &'a Superblock,
    purpose: Purpose,
    zone_a: Window,
    zone_b: Window,
    ring: Vec<RingEntry>,
    scratch: Box<Frame>,
    /// Chain value that the next frame has to continue; `None` behind a hole.
    chain: Option<[u8; 32]>,
    /// Chain value after the newest accepted frame.
    last_chain: [u8; 32],
    group: Option<Group>,
    newest_group: u64,
    /// All frames before this one are known to have existed.
    proven: u64,
    searched: bool,
    odd: bool,
    /// Number of the next frame.
    seq: u64,
    /// Number of the next record; behind a hole the least that it can be.
    records: u64,
    repaired: u64,
    lost: Vec<Range<u64>>,
    findings: Findings,
}

impl<D: BlockDevice> Walk<'_, D> {
    /// Reads the whole ring once: candidates for the newest frames, and proof of them.
    fn load_ring(&mut self) {
        let geometry = &self.superblock.geometry;
        let mut window = Window::new(Place::Ring, geometry);
        for position in 0..geometry.ring_count {
            let sector = geometry.sector(Place::Ring, position);
            window.load(self.device, geometry, position);
            let frame = window.frame(position);
            let head = frame
                .and_then(|frame| self.head_at(frame, sector))
                .filter(|head| {
                    let slot = self.superblock.bad_slots.slot_of(head.seq);
                    geometry.ring_position(slot) == position
                });
            let whole = frame.and_then(|frame| self.whole_at(frame, sector));
            if let Some(head) = head {
                self.proven = self.proven.max(head.group_first);
            }
            self.ring.push(RingEntry {
                head,
                whole: head.is_some() && whole.is_some(),
                readable: frame.is_some(),
                confirmed: None,
                record: 0,
            });
        }
    }

    /// The header of a frame, unless it is a leftover.
    fn head_at(&self, frame: &Frame, sector: u64) -> Option<Head> {
        frame::read_head(frame, &self.superblock.epoch, sector)
            .filter(|head| standing(self.superblock, head) != Standing::Leftover)
    }

    fn whole_at(&self, frame: &Frame, sector: u64) -> Option<Head> {
        frame::read_whole(frame, &self.superblock.epoch, sector)
            .filter(|head| standing(self.superblock, head) != Standing::Leftover)
    }

    /// Takes one step; `false` at the end.
    fn step(&mut self) -> bool {
        let slot = self.superblock.bad_slots.slot_of(self.seq);
        if slot >= self.superblock.geometry.slot_count {
            return false;
        }
        let copies = self.copies(slot);
        match self.choose(&copies) {
            Some(head) => self.accept(slot, &copies, head),
            None => return self.gap(slot),
        }
        self.seq = self.seq.saturating_add(1);
        true
    }

    /// The whole copies of the frame at `slot`.
    fn copies(&mut self, slot: u64) -> Copies {
        let geometry = &self.superblock.geometry;
        self.zone_a.load(self.device, geometry, slot);
        self.zone_b.load(self.device, geometry, slot);
        let expected = |head: &Head| head.seq == self.seq;
        let sector_a = geometry.sector(Place::ZoneA, slot);
        let sector_b = geometry.sector(Place::ZoneB, slot);
        let frame_a = self.zone_a.frame(slot);
        let frame_b = self.zone_b.frame(slot);
        let a = frame_a.and_then(|frame| self.whole_at(frame, sector_a));
        let b = match (frame_a, a, frame_b) {
            (Some(model), Some(head), Some(frame)) => {
                frame::read_like(frame, &self.superblock.epoch, sector_b, model, &head)
                    .filter(|head| standing(self.superblock, head) != Standing::Leftover)
            }
            (_, _, Some(frame)) => self.whole_at(frame, sector_b),
            _ => None,
        };
        let ring = self.ring_entry(slot).filter(|entry| entry.whole);
        [
            a.filter(expected),
            b.filter(expected),
            ring.and_then(|entry| entry.head).filter(expected),
        ]
    }

    fn ring_entry(&self, slot: u64) -> Option<&RingEntry> {
        let position = self.superblock.geometry.ring_position(slot);
        self.ring.get(usize::try_from(position).ok()?)
    }

    fn ring_entry_mut(&mut self, slot: u64) -> Option<&mut RingEntry> {
        let position = self.superblock.geometry.ring_position(slot);
        self.ring.get_mut(usize::try_from(position).ok()?)
    }

    /// Whether a frame may come next.
    fn is_linked(&self, head: &Head) -> bool {
        let follows = match self.chain {
            Some(chain) => follows(head, chain, self.records),
            None => head.record_first >= self.records,
        };
        follows || planted(Defect::IgnoreLink)
    }

    /// Picks the frame among its copies: linked before unlinked, newer before older.
    fn choose(&mut self, copies: &Copies) -> Option<Head> {
        let linked = |head: &Head| self.is_linked(head);
        let found = || copies.iter().flatten();
        let best = found().max_by_key(|head| (linked(head), head.incarnation))?;
        let rival = found().any(|head| {
            head != best && linked(head) == linked(best) && head.incarnation == best.incarnation
        });
        let (best, is_linked) = (*best, linked(best));
        let seq = best.record_first;
        if rival {
            self.findings.add(Finding::Forked { seq });
        }
        if !is_linked {
            self.link_broken(&best);
        }
        if standing(self.superblock, &best) == Standing::Ahead {
            self.findings.add(Finding::IncarnationAhead { seq });
        }
        Some(best)
    }

    fn accept(&mut self, slot: u64, copies: &Copies, head: Head) {
        if self.seq == self.superblock.fence_seq
            && self
                .chain
                .is_some_and(|chain| chain != self.superblock.fence_chain)
            && !planted(Defect::IgnoreLink)
        {
            self.link_broken(&head);
        }
        if self.chain.is_none() && head.record_first > self.records {
            // Of each lost frame one record is named already; this frame tells of the others.
            self.findings.add(Finding::RecordsLost {
                first: self.records,
                last: head.record_first.saturating_sub(1),
            });
        }
        self.enter_group(&head);
        let [a, b, ring] = copies.map(|copy| copy == Some(head));
        for (sound, place) in [(a, Place::ZoneA), (b, Place::ZoneB)] {
            if !sound {
                self.odd = true;
                self.copy_damaged(slot, place, &head, [a, b, ring]);
            }
        }
        let seq = self.seq;
        if let Some(entry) = self.ring_entry_mut(slot) {
            entry.confirmed = ring.then_some(seq);
            entry.record = head.record_first;
        }
        self.chain = Some(head.chain);
        self.last_chain = head.chain;
        self.records = head.record_end();
        if self.seq.saturating_add(1) == head.group_end() {
            self.group = None;
            self.newest_group = head.group_first;
        }
    }

    /// Keeps where the group of `head` began, to go back there if it has no end.
    fn enter_group(&mut self, head: &Head) {
        let continues = self
            .group
            .is_some_and(|group| group.first == head.group_first && group.end == head.group_end());
        if continues {
            return;
        }
        let starts = head.group_first == self.seq && self.group.is_none();
        if !starts && self.chain.is_some() {
            self.link_broken(head);
        }
        self.group = Some(Group {
            first: head.group_first,
            end: head.group_end(),
            chain_before: head.previous_chain,
            records_before: head.record_first,
        });
    }

    fn link_broken(&mut self, head: &Head) {
        let seq = head.record_first;
        self.findings.add(Finding::LinkBroken { seq });
    }

    /// Reports a damaged copy and, when repairing, writes it anew from a whole one.
    fn copy_damaged(&mut self, slot: u64, place: Place, head: &Head, sound: [bool; 3]) {
        let seq = head.record_first;
        self.findings.add(Finding::CopyDamaged { seq, place });
        if self.purpose == Purpose::Look {
            return;
        }
        let geometry = &self.superblock.geometry;
        let source = Place::ALL
            .into_iter()
            .zip(sound)
            .find(|(_, sound)| *sound)
            .map(|(source, _)| geometry.sector(source, slot));
        if let Some(source) = source {
            self.copy_frame(source, geometry.sector(place, slot));
        }
    }

    fn copy_frame(&mut self, source: u64, target: u64) {
        let read = self.device.read(source, self.scratch.as_mut_slice());
        if read.is_err() || self.whole_at(&self.scratch, source).is_none() {
            return;
        }
        frame::retarget(&mut self.scratch, target);
        // A failed write shows when the copy is looked at again.
        if self.device.write(target, self.scratch.as_slice()).is_ok() {
            self.repaired = self.repaired.saturating_add(1);
        }
    }
}

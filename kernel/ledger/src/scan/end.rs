//! Where the frames end: the proof of later ones, and the state of the ring.
//!
//! Owns the decision between the end and a hole: FORMAT.md, section "Recovery", step 3.

use crate::defect::{Defect, planted};
use crate::device::BlockDevice;
use crate::finding::Finding;
use crate::geometry::Place;

use super::{HOLES_MAX, Purpose, Scan, Walk};

impl<D: BlockDevice> Walk<'_, D> {
    /// No copy is whole: the end, or a hole? `true` to go on behind a hole.
    pub(super) fn gap(&mut self, slot: u64) -> bool {
        if planted(Defect::TruncateAtGap) {
            return false;
        }
        if self.proven <= self.seq && !self.searched && (self.odd || !self.ring_agrees(slot)) {
            self.search_from(slot);
        }
        if self.proven <= self.seq {
            return false;
        }
        let seq = self.records;
        self.findings.add(Finding::RecordLost { seq });
        if let Some(entry) = self.ring_entry_mut(slot) {
            entry.record = seq;
        }
        self.odd = true;
        self.chain = None;
        self.group = None;
        let behind = self.seq.saturating_add(1);
        let holes = self.lost.len();
        match self.lost.last_mut() {
            Some(hole) if hole.end == self.seq => hole.end = behind,
            _ if holes < HOLES_MAX => self.lost.push(self.seq..behind),
            _ => {}
        }
        self.seq = behind;
        // Each frame has one record at least; a later frame tells how many there were.
        self.records = seq.saturating_add(1);
        true
    }

    /// The slots whose third copies the ring should hold when `slot` comes next.
    fn ring_slots(&self, slot: u64) -> impl Iterator<Item = u64> + use<D> {
        slot.saturating_sub(self.superblock.geometry.ring_count)..slot
    }

    fn ring_agrees(&self, slot: u64) -> bool {
        self.ring_slots(slot).all(|slot| {
            let seq = self.superblock.bad_slots.seq_of(slot);
            seq.is_none_or(|seq| self.is_in_ring(slot, seq))
        })
    }

    /// Whether the ring holds an equal copy of frame `seq` in `slot`.
    fn is_in_ring(&self, slot: u64, seq: u64) -> bool {
        self.ring_entry(slot)
            .is_some_and(|entry| entry.confirmed == Some(seq))
    }

    /// Looks at every frame from `slot` on for headers of later frames.
    fn search_from(&mut self, slot: u64) {
        self.searched = true;
        let geometry = &self.superblock.geometry;
        for slot in slot..geometry.slot_count {
            self.zone_a.load(self.device, geometry, slot);
            self.zone_b.load(self.device, geometry, slot);
            for (window, place) in [(&self.zone_a, Place::ZoneA), (&self.zone_b, Place::ZoneB)] {
                let sector = geometry.sector(place, slot);
                let head = window
                    .frame(slot)
                    .and_then(|frame| self.head_at(frame, sector))
                    .filter(|head| self.superblock.bad_slots.seq_of(slot) == Some(head.seq));
                if let Some(head) = head {
                    self.proven = self.proven.max(head.group_first);
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Scan {
        let reached = self.seq;
        let lost = Finding::RecordLost { seq: self.records };
        if self.proven > reached && !planted(Defect::TruncateAtGap) {
            self.findings.add(lost);
        }
        if let Some(group) = self.group.take()
            && !planted(Defect::AcceptPartialGroup)
        {
            if self.proven > group.first {
                // What is proven was acknowledged, and an acknowledged group is whole.
                self.findings.add(lost);
            } else {
                self.seq = group.first;
                self.last_chain = group.chain_before;
                if !planted(Defect::CountTornRecords) {
                    self.records = group.records_before;
                }
                let seq = group.records_before;
                self.findings.add(Finding::TornAppend { seq });
            }
        }
        if self.seq == self.superblock.fence_seq
            && self.chain.is_some()
            && self.last_chain != self.superblock.fence_chain
        {
            self.findings.add(Finding::LinkBroken { seq: self.records });
        }
        let slot = self.superblock.bad_slots.slot_of(self.seq);
        self.check_ring(slot);
        let mut next_unreadable = false;
        if slot < self.superblock.geometry.slot_count {
            next_unreadable = self.check_end(slot, reached);
        }
        Scan {
            next_seq: self.seq,
            records: self.records,
            chain: self.last_chain,
            newest_group: self.newest_group.min(self.seq),
            repaired: self.repaired,
            next_unreadable,
            lost: self.lost,
            findings: self.findings,
        }
    }

    /// Holds the ring against the newest frames, and repairs it.
    fn check_ring(&mut self, slot: u64) {
        let geometry = &self.superblock.geometry;
        for slot in self.ring_slots(slot) {
            let Some(seq) = self.superblock.bad_slots.seq_of(slot) else {
                continue;
            };
            if self.is_in_ring(slot, seq) {
                continue;
            }
            let record = self.ring_entry(slot).map_or(0, |entry| entry.record);
            self.findings.add(Finding::CopyDamaged {
                seq: record,
                place: Place::Ring,
            });
            if self.purpose == Purpose::Repair {
                let target = geometry.sector(Place::Ring, slot);
                let before = self.repaired;
                self.copy_frame(geometry.sector(Place::ZoneA, slot), target);
                if self.repaired == before {
                    self.copy_frame(geometry.sector(Place::ZoneB, slot), target);
                }
            }
        }
    }

    /// Looks at the places of the next frame; says whether a zone is unreadable there.
    fn check_end(&mut self, slot: u64, reached: u64) -> bool {
        let geometry = &self.superblock.geometry;
        let mut unreadable: u32 = 0;
        let mut torn = false;
        for place in [Place::ZoneA, Place::ZoneB] {
            let sector = geometry.sector(place, slot);
            match self.device.read(sector, self.scratch.as_mut_slice()) {
                Ok(()) => torn |= self.head_at(&self.scratch, sector).is_some(),
                Err(_) => unreadable = unreadable.saturating_add(1),
            }
        }
        let ring_readable = self.ring_entry(slot).is_some_and(|entry| entry.readable);
        if unreadable == 2 && !ring_readable {
            self.findings
                .add(Finding::EndUnreadable { seq: self.records });
        } else if torn && reached == self.seq {
            self.findings.add(Finding::TornAppend { seq: self.records });
        }
        unreadable > 0
    }
}

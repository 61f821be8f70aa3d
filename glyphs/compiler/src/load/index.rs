//! Finds candidates by id, in steps whose number does not grow with that of the candidates.
//!
//! A table of slots with linear probing, at most a quarter of them taken. Ids come from untrusted files, and
//! files could be made whose ids all fall on one slot. So the hash promises nothing: an id is sought in
//! [`PROBES_MAX`] slots and, where others have taken them all, by a binary search. No choice of ids costs
//! more than that, and no secret seed is needed.
//!
//! Invariants:
//! - entry `n` of `heads` is the head of candidate `n`, and candidates are sorted by id;
//! - a candidate that is in none of the first [`PROBES_MAX`] slots of its id found all of them taken.

use super::files::Candidate;
use crate::program::position;
use crate::steps::{self, Step};
use crate::texts::Texts;
use alloc::vec;
use alloc::vec::Vec;

/// Slots looked at before the binary search. Of a million ordinary ids, 43 need more than eight and none more
/// than fourteen.
const PROBES_MAX: usize = 16;
/// The number of no candidate.
pub(super) const NONE: u32 = u32::MAX;
/// Ids that are sought at once.
const BATCH: usize = 32;
/// Bytes of an id that its head holds.
const HEAD_BYTES: usize = 16;

/// Where each id is.
pub(super) struct Index {
    /// Side by side, so that telling one id from another mostly touches nothing else.
    heads: Vec<u128>,
    /// Numbers of candidates, or [`NONE`]; a power of two of them.
    slots: Vec<u32>,
}

impl Index {
    pub(super) fn new(candidates: &[Candidate<'_>]) -> Self {
        let mut index = Index {
            heads: candidates.iter().map(|glyph| head(bytes(glyph))).collect(),
            slots: vec![NONE; slot_count(candidates.len())],
        };
        let mut number = 0;
        for batch in candidates.chunks(BATCH) {
            let mut firsts = [0; BATCH];
            for (first, candidate) in firsts.iter_mut().zip(batch) {
                *first = index.first_slot(bytes(candidate));
            }
            for first in firsts.into_iter().take(batch.len()) {
                let free = index.probe(first).find(|slot| index.slots[*slot] == NONE);
                if let Some(slot) = free {
                    index.slots[slot] = position(number);
                }
                number += 1;
            }
        }
        index
    }

    /// The candidate with each of these ids; [`NONE`] where there is none.
    ///
    /// Each id waits for memory twice, for its slot and for a head. A whole [`BATCH`] goes through one step
    /// before the next, so that the processor waits for all of it at once.
    pub(super) fn find_all(&self, candidates: &[Candidate<'_>], ids: &Texts) -> Vec<u32> {
        let mut found = Vec::with_capacity(ids.len());
        for start in (0..ids.len()).step_by(BATCH) {
            let batch = start..ids.len().min(start + BATCH);
            let mut slots = [0; BATCH];
            for (slot, id) in slots.iter_mut().zip(batch.clone()) {
                *slot = self.first_slot(ids.get(id));
            }
            let numbers = slots.map(|slot| self.slots[slot]);
            let heads = numbers.map(|number| self.heads.get(number as usize).copied());
            for ((number, head_found), id) in numbers.into_iter().zip(heads).zip(batch) {
                steps::count(Step::Search);
                let id = ids.get(id);
                let is_it = id.len() < HEAD_BYTES && head_found == Some(head(id));
                found.push(if is_it {
                    number
                } else {
                    self.find(candidates, id).map_or(NONE, position)
                });
            }
        }
        found
    }

    /// The candidate with this id.
    pub(super) fn find(&self, candidates: &[Candidate<'_>], id: &[u8]) -> Option<usize> {
        let wanted = head(id);
        for slot in self.probe(self.first_slot(id)) {
            let number = self.slots[slot];
            if number == NONE {
                return None;
            }
            let number = number as usize;
            let is_whole = id.len() < HEAD_BYTES;
            if self.heads[number] == wanted && (is_whole || bytes(&candidates[number]) == id) {
                return Some(number);
            }
        }
        let order = |glyph: &Candidate<'_>| {
            steps::count(Step::Search);
            bytes(glyph).cmp(id)
        };
        candidates.binary_search_by(order).ok()
    }

    /// The first slot to look at for `id`.
    fn first_slot(&self, id: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        // The mask keeps what a slot's number can be; the rest of the hash is not needed.
        usize::try_from(hash(id) & mask as u64).unwrap_or(0)
    }

    /// The slots to look at from `first` on.
    fn probe(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len() - 1;
        (first..first + PROBES_MAX).map(move |slot| {
            steps::count(Step::Search);
            slot & mask
        })
    }
}

fn bytes<'a>(candidate: &'a Candidate<'_>) -> &'a [u8] {
    candidate.id.as_str().as_bytes()
}

/// Slots for `count` candidates: a power of two, at least four times as many.
fn slot_count(count: usize) -> usize {
    count.saturating_mul(4).next_power_of_two()
}

/// Eight bytes at a time, each step a product of 128 bits folded to 64, as wyhash does it.
fn hash(id: &[u8]) -> u64 {
    // Digits of pi, which follow no pattern of ids.
    const SEED: u64 = 0x243f_6a88_85a3_08d3;
    const FACTOR: u64 = 0x1319_8a2e_0370_7345;
    id.chunks(HEAD_BYTES).fold(SEED, |hash, chunk| {
        let (high, low) = halves(head(chunk));
        [high, low].into_iter().fold(hash, |hash, word| {
            let (high, low) = halves(u128::from(hash ^ word) * u128::from(FACTOR));
            high ^ low
        })
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a half is what is left")]
fn halves(whole: u128) -> (u64, u64) {
    ((whole >> 64) as u64, whole as u64)
}

/// The first sixteen bytes as a number that sorts as they do.
pub(super) fn head(text: &[u8]) -> u128 {
    let mut bytes = [0; HEAD_BYTES];
    let length = text.len().min(HEAD_BYTES);
    bytes[..length].copy_from_slice(&text[..length]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Log;
    use crate::load::files::read;
    use alloc::format;
    use alloc::string::String;

    /// Makes an index of these ids, finds each of them alone and all at once; gives the steps that it took.
    fn steps_of(ids: &[String]) -> u64 {
        let texts: Vec<String> = ids.iter().map(|id| format!("glyph_id: {id}")).collect();
        let names: Vec<String> = ids.iter().map(|id| format!("{id}.gdf")).collect();
        let files = names.iter().map(String::as_str);
        let files = files.zip(texts.iter().map(String::as_bytes)).collect();
        let (candidates, _) = read(files, &mut Log::new(1));
        assert_eq!(candidates.len(), ids.len());
        let mut wanted = Texts::default();
        ids.iter().for_each(|id| wanted.push(id.as_bytes()));
        wanted.push(b"nobody");
        steps::take();
        let index = Index::new(&candidates);
        let found = index.find_all(&candidates, &wanted);
        for (number, id) in found.iter().map(|number| *number as usize).zip(ids) {
            assert_eq!(candidates[number].id.as_str(), id);
            assert_eq!(index.find(&candidates, id.as_bytes()), Some(number));
        }
        assert_eq!(found.last(), Some(&NONE));
        let [searches, ..] = steps::take();
        searches
    }

    #[test]
    fn every_id_is_found_in_a_few_steps_however_many_there_are() {
        let heads_alike = |n| format!("a-name-of-which-the-head-is-the-same-{n}");
        let kinds: [fn(usize) -> String; 3] =
            [|n| format!("g{n:07}"), |n| format!("{n}"), heads_alike];
        for name in kinds {
            for count in [1, 33, 1000, 30_000] {
                let ids: Vec<String> = (0..count).map(name).collect();
                let steps = steps_of(&ids);
                assert!(steps <= 5 * count as u64 + 16, "{steps} for {count}");
            }
        }
    }

    #[test]
    fn ids_made_to_fall_on_one_slot_cost_no_more_than_a_binary_search() {
        const COUNT: usize = 1000;
        let slot_count = slot_count(COUNT) as u64;
        let ids: Vec<String> = (0_u32..)
            .map(|n| format!("x{n}"))
            .filter(|id| hash(id.as_bytes()) % slot_count < 4)
            .take(COUNT)
            .collect();
        let steps = steps_of(&ids);
        // Put in once and sought twice, each time in all slots; where it is sought, eleven comparisons follow.
        let most = (COUNT as u64 + 1) * (3 * PROBES_MAX as u64 + 2 * 11 + 1);
        assert!(steps > most / 2 && steps <= most, "{steps} of {most}");
    }
}

//! The bytes of a simulated disk, cheap to clone.
//!
//! Owns the pages: those of a base that all clones share, and the few that a clone has of its own.
//!
//! Invariants:
//! - a page of a clone's own hides the base's; no write reaches a page that another clone sees.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::device::SECTOR_BYTES;

use super::Sector;

/// Sectors in pages that clones share until one is written: campaigns clone disks by the million.
#[derive(Clone, Debug)]
pub(super) struct Image {
    base: Arc<Vec<Arc<Page>>>,
    /// Pages written since the base, by rising number.
    own: Vec<(usize, Arc<Page>)>,
    sectors: usize,
}

const PAGE_SECTORS: usize = 8;
/// Own pages from which on they are made a new base.
const OWN_PAGES_MAX: usize = 32;
type Page = [Sector; PAGE_SECTORS];

/// What of a run of sectors lies in one page.
struct Piece {
    page: usize,
    /// Which sectors of the page.
    within: Range<usize>,
    /// Which sectors of the run.
    of_run: Range<usize>,
}

/// The pieces of the run of `count` sectors from `first` on.
fn pieces(first: usize, count: usize) -> impl Iterator<Item = Piece> {
    let end = first.saturating_add(count);
    let pages = first / PAGE_SECTORS..end.div_ceil(PAGE_SECTORS);
    pages.map(move |page| {
        let page_first = page.saturating_mul(PAGE_SECTORS);
        let from = first.max(page_first);
        let to = end.min(page_first.saturating_add(PAGE_SECTORS));
        Piece {
            page,
            within: from.saturating_sub(page_first)..to.saturating_sub(page_first),
            of_run: from.saturating_sub(first)..to.saturating_sub(first),
        }
    })
}

impl Image {
    pub(super) fn zeros(sectors: usize) -> Self {
        let zero = Arc::new([[0; SECTOR_BYTES]; PAGE_SECTORS]);
        Image {
            base: Arc::new(vec![zero; sectors.div_ceil(PAGE_SECTORS)]),
            own: Vec::new(),
            sectors,
        }
    }

    pub(super) fn sectors(&self) -> usize {
        self.sectors
    }

    pub(super) fn get(&self, sector: u64) -> Option<&Sector> {
        let sector = self.run(sector, 1)?;
        self.page(sector / PAGE_SECTORS)?.get(sector % PAGE_SECTORS)
    }

    pub(super) fn set(&mut self, sector: u64, bytes: &Sector) {
        // A sector beyond the end is nobody's: the device refuses it before.
        let _ = self.write(sector, core::slice::from_ref(bytes));
    }

    /// Reads the sectors from `sector` on; `None` if they do not all exist.
    pub(super) fn read(&self, sector: u64, room: &mut [Sector]) -> Option<()> {
        let first = self.run(sector, room.len())?;
        pieces(first, room.len()).try_for_each(|piece| {
            let from = self.page(piece.page)?.get(piece.within)?;
            room.get_mut(piece.of_run)?.copy_from_slice(from);
            Some(())
        })
    }

    /// Writes the sectors from `sector` on; `None` if they do not all exist.
    pub(super) fn write(&mut self, sector: u64, sectors: &[Sector]) -> Option<()> {
        let first = self.run(sector, sectors.len())?;
        for piece in pieces(first, sectors.len()) {
            let from = sectors.get(piece.of_run)?;
            let room = self.own_page(piece.page)?.get_mut(piece.within)?;
            room.copy_from_slice(from);
        }
        if self.own.len() > OWN_PAGES_MAX {
            self.found_anew();
        }
        Some(())
    }

    /// The first sector of a run, if all of it exists.
    fn run(&self, sector: u64, count: usize) -> Option<usize> {
        let first = usize::try_from(sector).ok()?;
        (first.checked_add(count)? <= self.sectors).then_some(first)
    }

    fn own(&self, page: usize) -> Result<usize, usize> {
        self.own.binary_search_by_key(&page, |(number, _)| *number)
    }

    fn page(&self, number: usize) -> Option<&Page> {
        match self.own(number) {
            Ok(place) => self.own.get(place).map(|(_, page)| &**page),
            Err(_) => self.base.get(number).map(|page| &**page),
        }
    }

    /// A page that no other clone sees.
    fn own_page(&mut self, number: usize) -> Option<&mut Page> {
        let place = match self.own(number) {
            Ok(place) => place,
            Err(place) => {
                let shared = self.base.get(number).map(Arc::clone)?;
                self.own.insert(place, (number, shared));
                place
            }
        };
        self.own.get_mut(place).map(|(_, page)| Arc::make_mut(page))
    }

    /// Makes the pages as they are now the base.
    fn found_anew(&mut self) {
        let base = Arc::make_mut(&mut self.base);
        for (number, own) in self.own.drain(..) {
            if let Some(page) = base.get_mut(number) {
                *page = own;
            }
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "sectors are told apart by a byte"
)]
mod tests {
    use super::*;

    const SECTORS: usize = 3 * OWN_PAGES_MAX * PAGE_SECTORS;

    fn sector(number: usize) -> Sector {
        [number as u8 | 1; SECTOR_BYTES]
    }

    #[test]
    fn a_clone_keeps_its_bytes_whatever_is_written_to_the_other() {
        let mut image = Image::zeros(SECTORS);
        let mut clones = Vec::new();
        for turn in 0..SECTORS {
            if turn % 37 == 0 {
                clones.push((turn, image.clone()));
            }
            image.set(turn as u64, &sector(turn));
        }
        for (written, clone) in clones {
            for number in 0..SECTORS {
                let is_written = number < written;
                let expected = if is_written {
                    sector(number)
                } else {
                    [0; SECTOR_BYTES]
                };
                assert_eq!(clone.get(number as u64), Some(&expected));
            }
        }
    }

    #[test]
    fn a_run_of_sectors_is_read_as_it_was_written_wherever_it_begins() {
        for first in 0..2 * PAGE_SECTORS {
            for count in 0..3 * PAGE_SECTORS {
                let run: Vec<Sector> = (first..first + count).map(sector).collect();
                let mut image = Image::zeros(SECTORS);
                assert_eq!(image.write(first as u64, &run), Some(()));
                let mut found = vec![[9; SECTOR_BYTES]; count];
                assert_eq!(image.read(first as u64, &mut found), Some(()));
                assert_eq!(found, run);
                let written = (0..SECTORS).filter(|at| image.get(*at as u64) != Some(&[0; 512]));
                assert_eq!(written.count(), count);
            }
        }
    }

    #[test]
    fn no_run_reaches_beyond_the_end() {
        let mut image = Image::zeros(SECTORS);
        let mut two = [[1; SECTOR_BYTES]; 2];
        assert_eq!(image.read(SECTORS as u64 - 1, &mut two), None);
        assert_eq!(image.write(u64::MAX, &two), None);
        assert_eq!(image.get(SECTORS as u64), None);
    }
}

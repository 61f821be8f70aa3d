//! The bytes of a simulated disk, cheap to clone.
//!
//! Owns pages that clones share until one of them is written.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::device::SECTOR_BYTES;

use super::Sector;

/// Sectors in pages that clones share until one is written: campaigns clone disks by the million.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pages: Vec<Arc<Page>>,
    sectors: usize,
}

const PAGE_SECTORS: usize = 8;
type Page = [Sector; PAGE_SECTORS];

impl Image {
    pub(super) fn zeros(sectors: usize) -> Self {
        let zero = Arc::new([[0; SECTOR_BYTES]; PAGE_SECTORS]);
        Image {
            pages: vec![zero; sectors.div_ceil(PAGE_SECTORS)],
            sectors,
        }
    }

    pub(super) fn sectors(&self) -> usize {
        self.sectors
    }

    fn place(&self, sector: u64) -> Option<(usize, usize)> {
        let sector = usize::try_from(sector).ok()?;
        (sector < self.sectors).then_some((sector / PAGE_SECTORS, sector % PAGE_SECTORS))
    }

    pub(super) fn get(&self, sector: u64) -> Option<&Sector> {
        let (page, within) = self.place(sector)?;
        self.pages.get(page)?.get(within)
    }

    pub(super) fn set(&mut self, sector: u64, bytes: &Sector) {
        let page = self
            .place(sector)
            .and_then(|(page, within)| Some((self.pages.get_mut(page)?, within)));
        if let Some((page, within)) = page
            && let Some(place) = Arc::make_mut(page).get_mut(within)
        {
            *place = *bytes;
        }
    }
}

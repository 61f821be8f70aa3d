//! The memory of a new field, all cells at their initial values.
//!
//! Every line of cells is the same line, and a stripe's parities depend only on how many of
//! its members hold cells. So the memory is six runs of equal blocks, and the checksums of a
//! run are one checksum and the share of each address: a large field costs no more than its
//! memory takes to fill.
//!
//! Invariant: the memory is the one that writing every block one by one would give.

use super::aligned::Aligned;
use super::retire::Pages;
use super::{Guard, add};
use crate::census::Census;
use crate::checksum::{Line, WORDS, checksums_of_equal_lines};
use crate::defect::{Defect, planted};
use crate::error::SubstrateError;
use crate::event::EventLog;
use crate::galois::raise;
use crate::geometry::Geometry;
use crate::kept::KeptWords;
use crate::line;
use crate::numbers::Numbers;
use crate::survey::Survey;
use alloc::vec::Vec;
use vector::Form;

impl Guard {
    /// Takes the memory for `geometry`.
    ///
    /// # Errors
    /// [`SubstrateError::OutOfMemory`].
    pub(crate) fn new(geometry: Geometry) -> Result<Self, SubstrateError> {
        let count = geometry.memory_lines();
        let out_of_memory = |()| SubstrateError::OutOfMemory {
            bytes: Self::bytes_for(&geometry),
        };
        let mut blocks: Vec<Aligned> = Vec::new();
        blocks
            .try_reserve_exact(count)
            .map_err(|_| out_of_memory(()))?;
        let mut checksums = Vec::new();
        checksums
            .try_reserve_exact(geometry.blocks())
            .map_err(|_| out_of_memory(()))?;
        for (content, end) in runs(&geometry) {
            let first = blocks.len();
            blocks.resize(end, Aligned(content));
            checksums.extend(checksums_of_equal_lines(&content, first..end));
        }
        blocks.resize(count, Aligned([0; WORDS]));
        let pages = Pages::new(&geometry).ok_or_else(|| out_of_memory(()))?;
        let places = geometry.data_lines + geometry.stripes;
        let mut generations = Vec::new();
        generations
            .try_reserve_exact(places)
            .map_err(|_| out_of_memory(()))?;
        generations.resize(places, 0);
        Ok(Guard {
            geometry,
            size: KeptWords::new([geometry.width.into(), geometry.height.into()]),
            form: Form::quickest(),
            blocks,
            checksums,
            generations,
            numbers: Numbers::new(),
            census: Census::new(&geometry)?,
            totals_are_due: false,
            survey: Survey::of_initial_cells(),
            log: EventLog::default(),
            rebuilt: (usize::MAX, 0),
            pages,
            #[cfg(test)]
            stuck: Vec::new(),
        })
    }
}

/// The runs of equal blocks, in order: the content of each, and the block after its last.
fn runs(geometry: &Geometry) -> [(Line, usize); 6] {
    let data_lines = geometry.data_lines;
    let stripes = geometry.stripes;
    // The first stripes have one line of cells more than the others.
    let (fewer, with_more) = (geometry.cell_lines / stripes, geometry.cell_lines % stripes);
    let more = fewer + usize::from(!planted(Defect::SameFirstParities));
    let (first_more, second_more) = parities(more);
    let (first_fewer, second_fewer) = parities(fewer);
    [
        (line::initial_cells(), geometry.cell_lines),
        ([0; WORDS], data_lines),
        (first_more, data_lines + with_more),
        (first_fewer, data_lines + stripes),
        (second_more, data_lines + stripes + with_more),
        (second_fewer, geometry.blocks()),
    ]
}

/// Both parities of a stripe whose first `count` members are lines of initial cells.
fn parities(count: usize) -> (Line, Line) {
    let cells = line::initial_cells();
    let (mut first, mut second) = ([0; WORDS], [0; WORDS]);
    for _ in 0..count {
        second = raise(&second);
        add(&mut first, &cells);
        add(&mut second, &cells);
    }
    (first, second)
}

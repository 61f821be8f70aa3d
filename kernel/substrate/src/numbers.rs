//! The numbers that the substrate keeps outside of its lines, each by its name.
//!
//! Owns the time, the totals of the census, the positions of walks and the counts since the
//! start. Who may set one, and what becomes of a lost one, says [`crate::guard`]'s `mend`.
//!
//! Invariant: there is a number for each name, and every one is [`Kept`].

use crate::event::{Counters, Repairs};
use crate::kept::Kept;
use core::fmt;

macro_rules! numbers {
    ($($(#[$docs:meta])+ $name:ident $words:literal,)+) => {
        /// A number that the substrate keeps outside of its lines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Number {
            $($(#[$docs])+ $name,)+
        }

        impl Number {
            /// Every number, in the order of their places.
            pub(crate) const ALL: [Number; [$($words),+].len()] = [$(Number::$name),+];

            /// What it is, in words for an operator.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Number::$name => $words,)+
                }
            }
        }
    };
}

numbers! {
    /// Time in ticks.
    Tick "tick",
    /// Cells now lost.
    PoisonedNow "total of poisoned cells",
    /// Cells that hold a superposition.
    SuperposedNow "total of superpositions",
    /// Cells whose superposition is lost.
    LostNow "total of lost superpositions",
    /// Pages that were moved: with none, every block is where its number says.
    MovedPages "total of moved pages",
    /// Stripe that the scrubber visits next.
    ScrubStripe "place of the scrubber",
    /// Line of cells that the next tick brings up to date first.
    SettleNext "place of the ticks",
    /// [`Counters::cells_read`].
    CellsRead "count of cells read",
    /// [`Counters::cells_written`].
    CellsWritten "count of cells written",
    /// [`Counters::checksum_failures`].
    ChecksumFailures "count of checksum failures",
    /// [`Counters::parity_failures`].
    ParityFailures "count of parity failures",
    /// [`Repairs::single_bit`].
    SingleBitRepairs "count of corrected bits",
    /// [`Repairs::line`].
    LineRepairs "count of rebuilt lines",
    /// [`Repairs::page`].
    PageRepairs "count of rebuilt pages",
    /// [`Repairs::checksum`].
    ChecksumRepairs "count of repaired checksums",
    /// [`Repairs::generation`].
    GenerationRepairs "count of repaired generations",
    /// [`Repairs::number`].
    NumberRepairs "count of repaired numbers",
    /// [`Repairs::spare`].
    SparesStruckOff "count of damaged spares",
    /// [`Repairs::retirement`].
    Retirements "count of retired pages",
    /// [`Repairs::parity`].
    ParityRepairs "count of repaired parities",
    /// [`Counters::cells_poisoned`].
    CellsPoisoned "count of cells lost",
    /// [`Counters::superpositions_poisoned`].
    SuperpositionsPoisoned "count of superpositions lost",
    /// [`Counters::scrub_passes`].
    ScrubPasses "count of scrub passes",
    /// [`Counters::scrub_position`].
    ScrubPosition "count of lines scrubbed",
    /// [`Counters::scrub_tick`].
    ScrubTick "tick of the last scrub pass",
    /// [`Counters::events_dropped`].
    EventsDropped "count of dropped events",
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// All the numbers; their products lie apart from them.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    numbers: [u64; Number::ALL.len()],
    products: [u64; Number::ALL.len()],
}

impl Numbers {
    /// All zero.
    pub(crate) const fn new() -> Self {
        Numbers {
            numbers: [0; Number::ALL.len()],
            products: [0; Number::ALL.len()],
        }
    }

    /// A number as it is kept.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "there is a place for each name")]
    pub(crate) fn kept(&self, number: Number) -> Kept {
        Kept {
            number: self.numbers[number as usize],
            product: self.products[number as usize],
        }
    }

    /// Keeps a number as it is given, damaged or not.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "there is a place for each name")]
    pub(crate) fn keep(&mut self, number: Number, kept: Kept) {
        self.numbers[number as usize] = kept.number;
        self.products[number as usize] = kept.product;
    }

    /// A number; 0, where it begins anew, if too many of its bits have flipped.
    #[inline]
    pub(crate) fn get(&self, number: Number) -> u64 {
        self.kept(number).get().unwrap_or(0)
    }

    /// Adds to a number.
    #[inline(always)]
    pub(crate) fn add(&mut self, number: Number, count: u64) {
        let mut kept = self.kept(number);
        kept.add(count);
        self.keep(number, kept);
    }

    /// Sets a number. Damage of it is forgotten: it has to be mended before.
    #[inline]
    pub(crate) fn set(&mut self, number: Number, value: u64) {
        self.keep(number, Kept::new(value));
    }

    /// Flips a bit: of the number from 0 on, of its product from 64 on.
    pub(crate) fn flip(&mut self, number: Number, bit: u32) {
        let mut kept = self.kept(number);
        kept.flip(bit);
        self.keep(number, kept);
    }

    /// The counts since the start.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            cells_read: self.get(Number::CellsRead),
            cells_written: self.get(Number::CellsWritten),
            checksum_failures: self.get(Number::ChecksumFailures),
            parity_failures: self.get(Number::ParityFailures),
            repairs: Repairs {
                single_bit: self.get(Number::SingleBitRepairs),
                line: self.get(Number::LineRepairs),
                page: self.get(Number::PageRepairs),
                checksum: self.get(Number::ChecksumRepairs),
                generation: self.get(Number::GenerationRepairs),
                number: self.get(Number::NumberRepairs),
                spare: self.get(Number::SparesStruckOff),
                retirement: self.get(Number::Retirements),
                parity: self.get(Number::ParityRepairs),
            },
            cells_poisoned: self.get(Number::CellsPoisoned),
            superpositions_poisoned: self.get(Number::SuperpositionsPoisoned),
            scrub_passes: self.get(Number::ScrubPasses),
            scrub_position: self.get(Number::ScrubPosition),
            scrub_tick: self.get(Number::ScrubTick),
            events_dropped: self.get(Number::EventsDropped),
        }
    }
}

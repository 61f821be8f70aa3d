//! What the guard found and did: a bounded log for the node, and counters for its metrics.
//!
//! Invariants:
//! - everything found is counted, whether or not the log had room for it;
//! - a full log drops its oldest event and counts the loss.

use crate::numbers::Number;
use abi::CellIndex;
use core::fmt;
use heapless::Deque;

/// Events kept until the node takes them.
pub const EVENTS_MAX: usize = 64;

/// One thing found in the substrate's memory, and what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegrityEvent {
    /// Time of the substrate, in ticks.
    pub tick: u64,
    /// Where.
    pub place: Place,
    /// What was wrong.
    pub finding: Finding,
    /// What was done.
    pub action: Action,
}

/// A block of the substrate's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of cells.
    Cells {
        /// The line, from 0.
        line: u64,
        /// Its first cell.
        first: CellIndex,
        /// Its cells.
        count: u64,
    },
    /// A line that holds, or could hold, a superposition.
    Superposition {
        /// The line, from 0.
        line: u64,
        /// Its place among the superpositions.
        slot: u64,
    },
    /// A parity line.
    Parity {
        /// The stripe that it guards.
        stripe: u64,
    },
    /// A line of the second parity.
    SecondParity {
        /// The stripe that it guards.
        stripe: u64,
    },
    /// A spare page that waits.
    Spare {
        /// The spare, from 0.
        spare: u64,
    },
    /// Neighbouring lines.
    Page {
        /// The page, from 0.
        page: u64,
    },
    /// A number kept outside of the lines.
    Number(Number),
    /// What is known of a line's cells without looking at the line.
    Marks {
        /// The line, from 0.
        line: u64,
    },
    /// Where a page is.
    Location {
        /// The page, from 0.
        page: u64,
    },
    /// Whose a superposition is.
    Owner {
        /// Its place among the superpositions.
        slot: u64,
    },
    /// Means and extremes of the scrubber's last whole walk.
    Figures,
    /// Sums of the scrubber's walk that runs.
    Sums,
    /// The sizes of the field.
    Size,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A line and its checksum do not match.
    ChecksumMismatch,
    /// All lines of a stripe match their checksums, and the parity does not match the lines.
    ParityMismatch,
    /// Each line of a page had to be rebuilt.
    PageDamaged,
    /// A page's lines had to be repaired again and again.
    RepairedAgain,
    /// A page does not keep what it is given.
    NotKept,
    /// A waiting spare does not hold what it was given.
    SpareDamaged,
    /// A number outside of the lines and its product do not match.
    NotItsProduct,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One bit was turned back, found from the checksum alone.
    BitCorrected {
        /// The word of the line.
        word: u32,
        /// The bit of the word.
        bit: u32,
    },
    /// The line was whole; its checksum was written anew.
    ChecksumRewritten,
    /// The line was whole; its generation was put right by those of its stripe.
    GenerationRewritten,
    /// The line was rebuilt from its stripe.
    LineRebuilt,
    /// The parity was computed anew.
    ParityRebuilt,
    /// The last line of a damaged page was rebuilt.
    PageRebuilt,
    /// The page was moved to a spare one.
    PageRetired,
    /// The page stays where it is, since no spare page is left; said once.
    NoSpareLeft,
    /// The spare will not be used.
    SpareStruckOff,
    /// The content is lost: its cells wait for a write.
    Poisoned,
    /// Flipped bits of a number were turned back.
    BitsTurnedBack,
    /// A number was found anew from lines that are whole.
    Recounted,
    /// A number that nothing else tells was lost, and begins anew at 0.
    BegunAnew,
    /// What a walk had given was lost.
    AwaitsWalk,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Place::Cells { line, first, count } => {
                let last = first.0.saturating_add(count.saturating_sub(1));
                write!(out, "line {line} (cells {first} to {last})")
            }
            Place::Superposition { line, slot } => {
                write!(out, "line {line} (superposition {slot})")
            }
            Place::Parity { stripe } => write!(out, "parity of stripe {stripe}"),
            Place::SecondParity { stripe } => write!(out, "second parity of stripe {stripe}"),
            Place::Spare { spare } => write!(out, "spare page {spare}"),
            Place::Page { page } => write!(out, "page {page}"),
            Place::Number(number) => write!(out, "{number}"),
            Place::Marks { line } => write!(out, "marks of line {line}"),
            Place::Location { page } => write!(out, "location of page {page}"),
            Place::Owner { slot } => write!(out, "owner of superposition {slot}"),
            Place::Figures => out.write_str("means and extremes"),
            Place::Sums => out.write_str("sums of the scrubber"),
            Place::Size => out.write_str("sizes of the field"),
        }
    }
}

impl fmt::Display for IntegrityEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "tick {}: {}: ", self.tick, self.place)?;
        out.write_str(match self.finding {
            Finding::ChecksumMismatch => "checksum does not match: ",
            Finding::ParityMismatch => "parity does not match its lines: ",
            Finding::PageDamaged => "every line damaged: ",
            Finding::RepairedAgain => "repaired again and again: ",
            Finding::NotKept => "does not keep what it is given: ",
            Finding::SpareDamaged => "damaged while it waited: ",
            Finding::NotItsProduct => "does not match its product: ",
        })?;
        match self.action {
            Action::BitCorrected { word, bit } => {
                write!(out, "bit {bit} of word {word} turned back")
            }
            Action::ChecksumRewritten => out.write_str("checksum written anew"),
            Action::GenerationRewritten => out.write_str("generation written anew"),
            Action::LineRebuilt => out.write_str("line rebuilt from its stripe"),
            Action::ParityRebuilt => out.write_str("parity computed anew"),
            Action::PageRebuilt => out.write_str("page rebuilt"),
            Action::PageRetired => out.write_str("moved to a spare page"),
            Action::NoSpareLeft => {
                out.write_str("no spare page is left, it stays: have the machine's memory tested")
            }
            Action::SpareStruckOff => out.write_str("it will not be used"),
            Action::Poisoned => out.write_str("not repairable, poisoned until written anew"),
            Action::BitsTurnedBack => out.write_str("flipped bits turned back"),
            Action::Recounted => out.write_str("found anew from whole lines"),
            Action::BegunAnew => out.write_str("lost, it begins anew at 0"),
            Action::AwaitsWalk => out.write_str("lost, the next walk gives them anew"),
        }
    }
}

/// Repairs since the start, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Lines in which one bit was turned back.
    pub single_bit: u64,
    /// Lines rebuilt from their stripe.
    pub line: u64,
    /// Pages of which every line was rebuilt; their lines count as lines too.
    pub page: u64,
    /// Checksums written anew.
    pub checksum: u64,
    /// Generations of lines written anew.
    pub generation: u64,
    /// Numbers, marks and tables outside of the lines set right.
    pub number: u64,
    /// Spare pages that were found damaged and struck off.
    pub spare: u64,
    /// Pages moved to a spare one, after repairs that count by their own kinds.
    pub retirement: u64,
    /// Parity lines, their checksums or their generations corrected or computed anew.
    pub parity: u64,
}

impl Repairs {
    /// Each kind by its name in the metrics, with its count. A `retirement` is a page taken out of
    /// use: one in use that was moved, or a spare that was struck off.
    #[must_use]
    pub const fn by_kind(&self) -> [(&'static str, u64); 8] {
        [
            ("single_bit", self.single_bit),
            ("line", self.line),
            ("page", self.page),
            ("checksum", self.checksum),
            ("generation", self.generation),
            ("number", self.number),
            ("retirement", self.retirement.wrapping_add(self.spare)),
            ("parity", self.parity),
        ]
    }

    /// Repaired lines, checksums, generations, numbers, parities and spares together; pages only
    /// by their lines.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.single_bit
            .wrapping_add(self.line)
            .wrapping_add(self.checksum)
            .wrapping_add(self.generation)
            .wrapping_add(self.number)
            .wrapping_add(self.spare)
            .wrapping_add(self.parity)
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Reads served: cells and superpositions.
    pub cells_read: u64,
    /// Cells changed by writes, forces, waves and superpositions.
    pub cells_written: u64,
    /// Lines that did not match their checksum, and numbers that did not match their product.
    pub checksum_failures: u64,
    /// Parity lines that did not match their checksum or their stripe.
    pub parity_failures: u64,
    /// Repairs by kind.
    pub repairs: Repairs,
    /// Cells that were lost.
    pub cells_poisoned: u64,
    /// Superposition lines that were lost, in use or not.
    pub superpositions_poisoned: u64,
    /// Complete passes of the scrubber.
    pub scrub_passes: u64,
    /// Lines of data and parity that the scrubber has visited in the pass that runs.
    pub scrub_position: u64,
    /// Tick at which the last complete pass ended; 0 before the first.
    pub scrub_tick: u64,
    /// Events that the log had no room for.
    pub events_dropped: u64,
}

/// The newest events that nobody took yet.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    events: Deque<IntegrityEvent, EVENTS_MAX>,
}

impl EventLog {
    /// Keeps an event; the answer tells whether an older one was dropped for it.
    #[must_use = "a dropped event must be counted"]
    pub(crate) fn push(&mut self, event: IntegrityEvent) -> Option<IntegrityEvent> {
        let dropped = if self.events.is_full() {
            self.events.pop_front()
        } else {
            None
        };
        // There is room now: a full log has just given its oldest event away.
        let refused = self.events.push_back(event).err();
        dropped.or(refused)
    }

    /// Takes the oldest event.
    pub(crate) fn pop(&mut self) -> Option<IntegrityEvent> {
        self.events.pop_front()
    }
}

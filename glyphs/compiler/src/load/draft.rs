//! What a sound file comes to by itself, in columns: all that linking and compiling need of it.
//!
//! A definition is a dozen pieces of memory. It lives only until it is drafted here; what it says is read again
//! from its file where somebody asks for it.
//!
//! Invariant: the mentions of a draft are its parents and then its targets, each in the order of the file.

use crate::program::{Entanglement, Lanes, Op, Place, position};
use crate::texts::Texts;
use abi::response::FieldState;
use alloc::vec::Vec;
use core::ops::Range;
use glyph_parser::{Command, Constraint, Definition};

/// One glyph before its ids are resolved.
pub(crate) struct Draft {
    /// Its own five values.
    pub(crate) own: FieldState,
    /// Its program, in which every `entangle` adds nothing so far.
    pub(crate) program: Place,
    pub(crate) constraints: Range<u32>,
    pub(crate) writes_field_state: bool,
    pub(crate) starts_wave: bool,
    /// Its first mention, and how many parents come before the targets.
    mentions: u32,
    parents: u32,
}

impl Draft {
    /// Its parents among the mentions.
    pub(crate) fn parents(&self) -> Range<usize> {
        self.mentions as usize..self.mentions as usize + self.parents as usize
    }

    /// Its targets among the mentions: one for each `entangle` of its program.
    pub(crate) fn targets(&self) -> Range<usize> {
        let start = self.parents().end;
        start..start + self.program.entangles()
    }
}

/// The drafts of a vault, with what they share.
pub(crate) struct Drafts {
    drafts: Vec<Draft>,
    lanes: Lanes,
    constraints: Vec<Constraint>,
    /// The ids that the drafts name.
    pub(crate) mentions: Texts,
    /// The commands of the program at hand; kept for its memory.
    ops: Vec<Op>,
}

impl Drafts {
    /// No draft yet, and room for `count`.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Drafts {
            drafts: Vec::with_capacity(count),
            lanes: Lanes::default(),
            constraints: Vec::new(),
            mentions: Texts::default(),
            ops: Vec::new(),
        }
    }

    /// The draft of this number.
    pub(crate) fn of(&self, number: u32) -> &Draft {
        &self.drafts[number as usize]
    }

    /// Drafts a definition and gives the draft's number.
    pub(crate) fn push(&mut self, definition: &Definition) -> u32 {
        let number = position(self.drafts.len());
        let mentions = position(self.mentions.len());
        let targets = definition
            .program
            .iter()
            .filter_map(|command| match command {
                Command::Entangle(id) => Some(id),
                _ => None,
            });
        for id in definition.parents.iter().chain(targets) {
            self.mentions.push(id.as_str().as_bytes());
        }
        self.ops.clear();
        self.ops.extend(definition.program.iter().map(Op::alone));
        let constraints = position(self.constraints.len());
        self.constraints.extend_from_slice(&definition.constraints);
        let own = definition.own_state();
        self.drafts.push(Draft {
            own,
            program: self.lanes.push(&own, &self.ops),
            constraints: constraints..position(self.constraints.len()),
            writes_field_state: definition.has_output(Definition::OUTPUT_FIELD_STATE),
            starts_wave: definition.has_output(Definition::OUTPUT_RESONANCE),
            mentions,
            parents: position(definition.parents.len()),
        });
        number
    }

    /// Fills in what each `entangle` of a draft's program adds, in their order.
    pub(crate) fn entangle(&mut self, number: u32, targets: impl Iterator<Item = Entanglement>) {
        let program = &self.drafts[number as usize].program;
        self.lanes.entangle(program, targets);
    }

    /// The lanes and constraints of all drafts.
    pub(crate) fn into_pools(self) -> (Lanes, Vec<Constraint>) {
        (self.lanes, self.constraints)
    }
}

//! Commands on the substrate and on damage to it.

use super::Command;
use super::arguments::{Arguments, Wrong};
use super::system::plain;
use super::table::{Entry, Slot};
use crate::NameKind;
use abi::Request;
use abi::request::{Injection, KernelFault, SubstrateRequest};

/// A command that reads its arguments and has nothing to complete.
macro_rules! reading {
    ($path:expr, $form:literal, $summary:literal, $detail:literal, $read:expr) => {
        Entry {
            path: $path,
            form: $form,
            summary: $summary,
            detail: $detail,
            slots: &[],
            options: &[],
            read: $read,
        }
    };
}

pub(super) const ENTRIES: &[Entry] = &[
    plain!(
        &["substrate", "status"],
        Request::Substrate(SubstrateRequest::Status),
        "Counts, averages, extremes and integrity.",
        ""
    ),
    reading!(
        &["substrate", "read"],
        "N",
        "Shows one cell, verified.",
        "",
        |arguments| node(SubstrateRequest::Read(arguments.cell()?))
    ),
    reading!(
        &["substrate", "write"],
        "N M P C",
        "Writes magnitude, phase and coherence of a cell.",
        "Magnitude M and coherence C are clamped to 0 to 1000, phase P is in radians and \
         wrapped to one turn. Numbers that are not finite are refused.",
        read_write
    ),
    reading!(
        &["substrate", "tick"],
        "[K]",
        "Lets time pass: K ticks, or one.",
        "",
        |arguments| {
            let ticks = if arguments.is_empty() {
                1
            } else {
                arguments.integer("K")?
            };
            node(SubstrateRequest::Tick(ticks))
        }
    ),
    reading!(
        &["substrate", "force"],
        "N X Y Z",
        "Applies a force to a cell.",
        "",
        |arguments| {
            let cell = arguments.cell()?;
            let vector = [
                arguments.number("X")?,
                arguments.number("Y")?,
                arguments.number("Z")?,
            ];
            node(SubstrateRequest::Force { cell, vector })
        }
    ),
    reading!(
        &["substrate", "wave"],
        "N A W",
        "Starts a wave of amplitude A and frequency W.",
        "It reaches every cell at a grid distance of at most 10 from cell N.",
        read_wave
    ),
    reading!(
        &["substrate", "superpose"],
        "N A:P...",
        "Puts up to 8 pairs amplitude:phase on a cell.",
        "As in `substrate superpose 7 0.6:0 0.8:1.5708`; `substrate observe` gives them back.",
        |arguments| {
            let cell = arguments.cell()?;
            let pairs = arguments.pairs()?;
            node(SubstrateRequest::Superpose { cell, pairs })
        }
    ),
    reading!(
        &["substrate", "observe"],
        "N",
        "Shows the superposition of a cell.",
        "",
        |arguments| node(SubstrateRequest::Observe(arguments.cell()?))
    ),
    plain!(
        &["substrate", "scrub"],
        Request::Substrate(SubstrateRequest::Scrub),
        "Verifies all cells and repairs what it can.",
        ""
    ),
    plain!(
        &["substrate", "digest"],
        Request::Substrate(SubstrateRequest::Digest),
        "SHA-256 of the whole field.",
        "The same operations in the same order give the same digest on every machine."
    ),
    plain!(
        &["substrate", "map"],
        Request::Substrate(SubstrateRequest::Map),
        "Draws the field as characters.",
        ""
    ),
    reading!(
        &["inject", "cell"],
        "N BIT",
        "Flips one bit, 0 to 63, of a cell's magnitude.",
        "Needs `drill on`.",
        |arguments| {
            let cell = arguments.cell()?;
            let bit = arguments.integer("BIT")?;
            inject(Injection::Cell { cell, bit })
        }
    ),
    reading!(
        &["inject", "line"],
        "N",
        "Overwrites the line of cells that holds cell N.",
        "Needs `drill on`.",
        |arguments| inject(Injection::Line(arguments.cell()?))
    ),
    reading!(
        &["inject", "page"],
        "N",
        "Overwrites page number N of the substrate.",
        "Needs `drill on`.",
        |arguments| inject(Injection::Page(arguments.integer("N")?))
    ),
    reading!(
        &["inject", "checksum"],
        "N",
        "Damages the checksum of the line of cell N.",
        "Needs `drill on`.",
        |arguments| inject(Injection::Checksum(arguments.cell()?))
    ),
    reading!(
        &["inject", "parity"],
        "N",
        "Overwrites the first parity that guards cell N.",
        "Needs `drill on`.",
        |arguments| inject(Injection::Parity(arguments.cell()?))
    ),
    reading!(
        &["inject", "second-parity"],
        "N",
        "Overwrites the second parity that guards cell N.",
        "Needs `drill on`.",
        |arguments| inject(Injection::SecondParity(arguments.cell()?))
    ),
    reading!(
        &["inject", "generation"],
        "N",
        "Flips a bit of the generation of the line of cell N.",
        "Needs `drill on`. The generation counts the changes of a line.",
        |arguments| inject(Injection::Generation(arguments.cell()?))
    ),
    reading!(
        &["inject", "stale"],
        "N",
        "Puts the line of cell N and its checksum back by one change.",
        "Needs `drill on`. Line and checksum match each other, and not the line's generation.",
        |arguments| inject(Injection::Stale(arguments.cell()?))
    ),
    reading!(
        &["inject", "tick"],
        "BIT",
        "Flips one bit, 0 to 127, of the substrate's time.",
        "Needs `drill on`. From 64 on, of the product that guards it.",
        |arguments| inject(Injection::Tick(arguments.integer("BIT")?))
    ),
    plain!(
        &["inject", "counts"],
        Request::Inject(Injection::Counts),
        "Flips a bit of every total and count of the substrate.",
        "Needs `drill on`."
    ),
    reading!(
        &["inject", "marks"],
        "N",
        "Flips a bit of the map's marks of the line of cell N.",
        "Needs `drill on`. The marks say which cells are poisoned and which hold a superposition.",
        |arguments| inject(Injection::Marks(arguments.cell()?))
    ),
    reading!(
        &["inject", "location"],
        "N",
        "Flips a bit of what says where page number N is.",
        "Needs `drill on`. A page that wore out is at a spare one.",
        |arguments| inject(Injection::Location(arguments.integer("N")?))
    ),
    Entry {
        path: &["inject", "vault"],
        form: "ID BIT",
        summary: "Flips one bit of what is in memory of a glyph.",
        detail: "Needs `drill on`. The first 256 bits are of the numbers that the glyph starts from, as many \
                 of each step of its program, and the last 128 of how often it was activated.",
        slots: &[Slot::Name(NameKind::Glyph), Slot::Free],
        options: &[],
        read: |arguments| {
            let glyph = arguments.glyph()?;
            let bit = arguments.integer("BIT")?;
            Ok(Command::Node(Request::InjectVault { glyph, bit }))
        },
    },
    Entry {
        path: &["inject", "kernel"],
        form: "panic|overflow|execute|write|null",
        summary: "Breaks the kernel, which reports it and stops.",
        detail: "Needs `drill on`. The machine has to be reset afterwards.",
        slots: &[Slot::Words(&[
            "panic", "overflow", "execute", "write", "null",
        ])],
        options: &[],
        read: |arguments| {
            let words = "panic, overflow, execute, write, null";
            let fault = arguments.one_of("FAULT", words, |word| {
                KernelFault::ALL
                    .into_iter()
                    .find(|fault| fault.name() == word)
            })?;
            Ok(Command::Node(Request::Crash(fault)))
        },
    },
];

fn node(request: SubstrateRequest) -> Result<Command, Wrong> {
    Ok(Command::Node(Request::Substrate(request)))
}

fn inject(injection: Injection) -> Result<Command, Wrong> {
    Ok(Command::Node(Request::Inject(injection)))
}

fn read_write(arguments: &mut Arguments) -> Result<Command, Wrong> {
    node(SubstrateRequest::Write {
        cell: arguments.cell()?,
        magnitude: arguments.number("M")?,
        phase: arguments.number("P")?,
        coherence: arguments.number("C")?,
    })
}

fn read_wave(arguments: &mut Arguments) -> Result<Command, Wrong> {
    node(SubstrateRequest::Wave {
        origin: arguments.cell()?,
        amplitude: arguments.number("A")?,
        frequency: arguments.number("W")?,
    })
}

//! `bench`: what the operations cost on this machine, measured on a field of its own.
//!
//! Invariant: the operator's field, vault and ledger are left as they were.

use crate::Node;
use crate::ports::Machine;
use abi::request::Include;
use abi::{CellIndex, Fault, Response};
use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;
use substrate::Substrate;

/// Times each operation is repeated.
const REPEATS: u64 = 2000;
/// The field is as large as the operator's, up to this many cells a side: a larger one would find
/// no memory beside it, and take minutes.
const SIDE_MAX: u32 = 256;
/// Times an operation over the whole field is repeated.
const FIELD_REPEATS: u64 = 20;

impl<M: Machine> Node<M> {
    pub(crate) fn bench(&mut self) -> Result<Response, Fault> {
        self.need_whole_vault()?;
        let (width, height) = (self.substrate.width(), self.substrate.height());
        let mut field = Substrate::new(width.min(SIDE_MAX), height.min(SIDE_MAX))?;
        let cells = field.cell_count();
        let cell = |turn: u64| CellIndex(turn.wrapping_mul(37) % cells);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<24} {}", "substrate_form", field.form());
        self.measure(&mut text, "substrate_read", REPEATS, |turn| {
            let _ = field.read(cell(turn));
        });
        self.measure(&mut text, "substrate_write", REPEATS, |turn| {
            let _ = field.write(cell(turn), 10.0, 1.0, 500.0);
        });
        self.measure(&mut text, "substrate_wave", FIELD_REPEATS, |turn| {
            let _ = field.wave(cell(turn), 1.0, 0.25);
        });
        self.measure(&mut text, "substrate_tick", REPEATS, |_| field.tick(1));
        self.measure(&mut text, "substrate_scrub", FIELD_REPEATS, |_| {
            field.scrub_all();
        });
        let mut interpreter = self.glyphs.interpreter.clone();
        core::mem::swap(&mut interpreter, &mut self.glyphs.interpreter);
        if let Some(glyph) = self
            .glyphs
            .vault
            .glyphs()
            .max_by_key(|glyph| self.glyphs.vault.command_count(*glyph))
        {
            let began = self.machine.monotonic_ns();
            for _ in 0..REPEATS {
                let _ = self.glyphs.activate(&mut field, glyph, Include::No);
            }
            let took = self.machine.monotonic_ns().saturating_sub(began);
            put(&mut text, "glyph_activation", took / REPEATS);
        }
        self.glyphs.interpreter = interpreter;
        Ok(Response::Text(text))
    }

    fn measure(&self, text: &mut String, name: &str, repeats: u64, mut operation: impl FnMut(u64)) {
        let began = self.machine.monotonic_ns();
        (0..repeats).for_each(&mut operation);
        let took = self.machine.monotonic_ns().saturating_sub(began);
        put(text, name, took / repeats.max(1));
    }
}

fn put(text: &mut String, name: &str, nanoseconds: u64) {
    let name = format!("{name}_ns");
    // Writing to a string does not fail.
    let _ = writeln!(text, "{name:<24} {nanoseconds}");
}

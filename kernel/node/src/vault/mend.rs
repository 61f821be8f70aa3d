//! The loaded vault, compared with its sums and loaded anew where memory was damaged.
//!
//! Owns when it is compared, and what becomes of a vault that is not as it was loaded. How often each glyph was
//! activated is looked at together with it.
//!
//! Invariants:
//! - a request reads no part of the vault that was not compared after the request came, and the scrubber
//!   has the whole of it compared in each of its passes;
//! - what takes the place of a damaged vault is the same archive, and its signature holds again;
//! - where that is not to be had, glyphs are refused until a quorum puts a vault in force or the node
//!   starts anew.

use super::Standing;
use crate::Node;
use crate::field::DAMAGE;
use crate::glyphs::Glyphs;
use crate::ports::Machine;
use crate::scrubber::Stretch;
use abi::{Fault, FaultCode, GlyphId, Response};
use alloc::format;
use alloc::string::ToString;
use core::mem;
use core::ops::Range;
use glyph_compiler::{GlyphIndex, Vault};
use telemetry::{Counter, EventKind, Level};

impl<M: Machine> Node<M> {
    /// The glyph with this id, after it and its parents were compared; where there is none, after the whole
    /// vault was.
    pub(crate) fn find_glyph(&mut self, id: &GlyphId) -> Result<GlyphIndex, Fault> {
        self.need_vault(|vault| match vault.find(id) {
            Some(glyph) => vault.is_whole(glyph),
            None => is_whole(vault),
        })?;
        self.glyphs.find(id)
    }

    /// Has the whole vault compared, for who reads more of it than a glyph and its parents.
    pub(crate) fn need_whole_vault(&mut self) -> Result<(), Fault> {
        self.need_vault(is_whole)
    }

    fn need_vault(&mut self, is_whole: impl Fn(&Vault) -> bool) -> Result<(), Fault> {
        self.mend_counts(0..self.glyphs.vault.len());
        if !is_whole(&self.glyphs.vault) {
            self.mend_vault();
        }
        match &self.trust.standing {
            Standing::Damaged(reason) => Err(Fault::new(
                FaultCode::Unavailable,
                format!("{reason}; so glyphs are refused: type `reboot`"),
            )),
            _ => Ok(()),
        }
    }

    /// Compares the part of the vault that is to the whole of it as the scrubber's stretch is to its pass.
    pub(crate) fn compare_vault(&mut self, stretch: &Stretch) {
        let vault = &self.glyphs.vault;
        let place = |line: u64| {
            let part = u128::from(line).saturating_mul(vault.parts() as u128);
            let part = part.checked_div(u128::from(stretch.lines));
            part.and_then(|part| usize::try_from(part).ok())
                .unwrap_or(0)
        };
        let parts = place(stretch.from)..place(stretch.to);
        if vault.damaged(parts.clone()).is_some() {
            self.mend_vault();
        }
        self.mend_counts(parts.start..parts.end.min(self.glyphs.vault.len()));
    }

    /// Lets counts of activations that memory damaged begin anew.
    fn mend_counts(&mut self, positions: Range<usize>) {
        let lost = self.glyphs.interpreter.mend(positions);
        if lost > 0 {
            let text = format!(
                "how often glyphs were activated was damaged in memory: {lost} count as not activated"
            );
            self.tell_vault_damage(Level::Warning, lost, &text);
        }
    }

    /// Loads the damaged vault anew from the archive that it was loaded from, keeps what was active, and tells.
    fn mend_vault(&mut self) {
        let vault = &self.glyphs.vault;
        let is_damaged = |part: &usize| vault.damaged(*part..part.saturating_add(1)).is_some();
        let all = vault.parts();
        let parts = (0..all).filter(is_damaged).count();
        let cells = self.substrate.cell_count();
        let done = match self.trust.read(&mut self.decisions, cells) {
            Ok((digest, opened)) if self.trust.standing == (Standing::InForce { digest }) => {
                let damaged = mem::replace(&mut self.glyphs, opened.glyphs);
                self.glyphs.interpreter = damaged.interpreter;
                Ok("it was loaded anew from its archive, whose signature holds")
            }
            Err(standing) if standing == self.trust.standing => {
                self.glyphs = Glyphs::load(&[], cells);
                Ok("it was emptied again, as no archive is in force")
            }
            Ok(_) => Err("its archive is not the one that was in force".to_string()),
            Err(standing) => Err(standing.reason().to_string()),
        };
        let found = format!("the loaded vault was damaged in memory, in {parts} of {all} parts");
        let (level, text) = match done {
            Ok(done) => (Level::Warning, format!("{found}: {done}")),
            Err(reason) => {
                let reason = format!("{found}, and cannot be loaded anew: {reason}");
                self.glyphs = Glyphs::load(&[], cells);
                self.trust.standing = Standing::Damaged(reason.clone());
                let text = format!("{reason}; so glyphs are refused: type `reboot`");
                (Level::Error, text)
            }
        };
        self.tell_vault_damage(level, parts, &text);
    }

    fn tell_vault_damage(&mut self, level: Level, count: usize, text: &str) {
        let now_ns = self.machine.monotonic_ns();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.journal.metrics().add(Counter::VaultDamages, count);
        self.journal.event(now_ns, EventKind::VaultDamaged, text);
        self.journal.log(now_ns, level, format_args!("{text}"));
    }

    /// Flips a bit of a glyph's program, or behind that of its count, by the operator's word.
    pub(crate) fn inject_vault(&mut self, id: &GlyphId, bit: u32) -> Result<Response, Fault> {
        self.require_drill(DAMAGE)?;
        let glyph = self.find_glyph(id)?;
        let bit = bit as usize;
        let what = match self.glyphs.vault.flip(glyph, bit) {
            Ok(()) => format!("flipped bit {bit} of the program of glyph {id}"),
            Err(bits) => {
                let bit = bit.saturating_sub(bits);
                if !self.glyphs.interpreter.flip(glyph, bit) {
                    let text = format!(
                        "the program of {id} has {bits} bits, and 128 follow of how often it was \
                         activated: choose one of these"
                    );
                    return Err(Fault::new(FaultCode::OutOfRange, text));
                }
                format!("flipped bit {bit} of how often glyph {id} was activated")
            }
        };
        Ok(self.injected(what))
    }
}

fn is_whole(vault: &Vault) -> bool {
    vault.damaged(0..vault.parts()).is_none()
}

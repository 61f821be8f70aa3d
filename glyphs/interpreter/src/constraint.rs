//! Checks what must hold before a glyph may be activated.

use crate::{ActivationError, Interpreter};
use abi::GlyphId;
use alloc::vec::Vec;
use glyph_compiler::{Gate, GlyphIndex, Vault};
use glyph_parser::Constraint;

/// Whether nothing that is known of its constraints and of its parents' activity refuses `glyph`.
#[inline]
pub(crate) fn is_open(interpreter: &Interpreter, vault: &Vault, glyph: GlyphIndex) -> bool {
    match vault.gate(glyph) {
        Gate::Open => true,
        // Parents stay active: a glyph that was activated before is not asked about its own again.
        Gate::Parents => interpreter.is_active(glyph),
        Gate::Closed => false,
    }
}

fn parents_are_active(interpreter: &Interpreter, vault: &Vault, glyph: GlyphIndex) -> bool {
    let mut parents = vault.parents(glyph).iter();
    parents.all(|parent| interpreter.is_active(*parent))
}

/// Checks every constraint of `glyph` on its state after inheritance and its parents' activity, and reads its
/// file again to tell the first that does not hold.
pub(crate) fn check(
    interpreter: &Interpreter,
    vault: &Vault,
    glyph: GlyphIndex,
) -> Result<(), ActivationError> {
    match vault.gate(glyph) {
        Gate::Open => return Ok(()),
        Gate::Parents if parents_are_active(interpreter, vault, glyph) => return Ok(()),
        Gate::Parents | Gate::Closed => {}
    }
    for constraint in &vault.definition(glyph).constraints {
        let (holds, actual) = match constraint {
            Constraint::ParentsActive(_) => (parents_are_active(interpreter, vault, glyph), None),
            Constraint::Compare {
                field,
                comparison,
                number,
            } => {
                let value = field.value(&vault.inherited(glyph));
                // A state that is not finite fails as such, whatever the comparison says.
                let holds = comparison.holds(value, *number) || !value.is_finite();
                (holds, Some(value))
            }
        };
        if !holds {
            return Err(ActivationError::Constraint {
                glyph: vault.id(glyph),
                constraint: *constraint,
                missing: match actual {
                    None => inactive_parents(interpreter, vault, glyph),
                    Some(_) => Vec::new(),
                },
                actual,
            });
        }
    }
    Ok(())
}

/// Parents that are not active, each once, in file order.
fn inactive_parents(interpreter: &Interpreter, vault: &Vault, glyph: GlyphIndex) -> Vec<GlyphId> {
    let mut missing: Vec<GlyphId> = Vec::new();
    for parent in vault.parents(glyph) {
        let id = vault.id(*parent);
        if !interpreter.is_active(*parent) && !missing.contains(&id) {
            missing.push(id);
        }
    }
    missing
}

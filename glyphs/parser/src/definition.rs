//! What a GDF file says, as a value: fields, program, constraints.
//!
//! Owns the types of a definition and their words. Ranges are checked where bytes become a
//! definition, in `parse`; arithmetic is done by the compiler and the interpreter.

use crate::Chronocode;
use crate::number::Number;
use abi::GlyphId;
use abi::response::FieldState;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A glyph's definition: all of its fields, with the defaults of the format where the file is
/// silent.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// `glyph_id`
    pub id: GlyphId,
    /// `chronocode`
    pub chronocode: Option<Chronocode>,
    /// `parent_glyphs`, in the order of the file, at most 16.
    pub parents: Vec<GlyphId>,
    /// `resonance_freq`, hertz, 0 to 100000.
    pub resonance: f64,
    /// `field_magnitude`, 0 to 1000.
    pub magnitude: f64,
    /// `coherence`, percent, 0 to 1000.
    pub coherence: i64,
    /// `contributor_inheritance`, at most 64 bytes.
    pub contributor: String,
    /// `material_spec`, at most 256 bytes.
    pub material: String,
    /// `frequency_signature`, at most 512 bytes.
    pub frequency_signature: String,
    /// `activation_simulation`, at most 64 commands.
    pub program: Vec<Command>,
    /// `entanglement_coeff`, 0 to 1000.
    pub entanglement: f64,
    /// `phase_offset`, degrees, -36000 to 36000.
    pub phase: f64,
    /// `quantum_state`
    pub quantum_state: u8,
    /// `metadata`, at most 256 bytes.
    pub metadata: String,
    /// `dependencies`: kept as data.
    pub dependencies: Vec<GlyphId>,
    /// `outputs`: labels without commas.
    pub outputs: Vec<String>,
    /// `constraints`; all of them must hold.
    pub constraints: Vec<Constraint>,
    /// `gdf_version`: 1 or 2.
    pub gdf_version: u8,
}

impl Definition {
    /// Output label that has the final state written to the home cell.
    pub const OUTPUT_FIELD_STATE: &'static str = "field_state";
    /// Output label that starts a wave at the home cell.
    pub const OUTPUT_RESONANCE: &'static str = "resonance";

    /// A glyph of which only the id is given: everything else is the format's default.
    #[must_use]
    pub fn with_defaults(id: GlyphId) -> Self {
        Definition {
            id,
            chronocode: None,
            parents: Vec::new(),
            resonance: 440.0,
            magnitude: 1.0,
            coherence: 100,
            contributor: String::new(),
            material: String::new(),
            frequency_signature: String::new(),
            program: Vec::new(),
            entanglement: 1.0,
            phase: 0.0,
            quantum_state: 0,
            metadata: String::new(),
            dependencies: Vec::new(),
            outputs: Vec::new(),
            constraints: Vec::new(),
            gdf_version: 2,
        }
    }

    /// The glyph's own five values, from which an activation starts.
    #[must_use]
    pub fn own_state(&self) -> FieldState {
        FieldState {
            resonance: self.resonance,
            magnitude: self.magnitude,
            phase: self.phase,
            coherence: self.coherence,
            entanglement: self.entanglement,
        }
    }

    /// Whether `label` is among the outputs.
    #[must_use]
    pub fn has_output(&self, label: &str) -> bool {
        self.outputs.iter().any(|output| output == label)
    }
}

/// One command of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `resonate(k)`: `R *= k`
    Resonate(f64),
    /// `entangle(id)`: `E += t.entanglement_coeff; R += t.resonance_freq * 0.2`
    Entangle(GlyphId),
    /// `amplify(k)`: `M *= k`
    Amplify(f64),
    /// `phase_shift(d)`: `P += d`, degrees
    PhaseShift(f64),
    /// `stabilize()`: `C = 100 if C > 90 else C + 10`
    Stabilize,
    /// `decay(k)`: `M *= 1 - k; C -= trunc(k * 10)`
    Decay(f64),
}

impl Command {
    /// The words of all commands.
    pub const WORDS: [&'static str; 6] = [
        "resonate",
        "entangle",
        "amplify",
        "phase_shift",
        "stabilize",
        "decay",
    ];
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Resonate(factor) => write!(out, "resonate({})", Number(*factor)),
            Command::Entangle(id) => write!(out, "entangle({id})"),
            Command::Amplify(factor) => write!(out, "amplify({})", Number(*factor)),
            Command::PhaseShift(degrees) => write!(out, "phase_shift({})", Number(*degrees)),
            Command::Stabilize => out.write_str("stabilize()"),
            Command::Decay(share) => write!(out, "decay({})", Number(*share)),
        }
    }
}

/// Something that must hold before a glyph may be activated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constraint {
    /// Every parent has been activated since boot.
    ParentsActive(ParentsWord),
    /// A comparison on the state after inheritance and before the program.
    Compare {
        /// Left side.
        field: StateField,
        /// Operator.
        comparison: Comparison,
        /// Right side.
        number: f64,
    },
}

impl fmt::Display for Constraint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Constraint::ParentsActive(word) => out.write_str(word.name()),
            Constraint::Compare {
                field,
                comparison,
                number,
            } => write!(
                out,
                "{} {} {}",
                field.name(),
                comparison.name(),
                Number(*number)
            ),
        }
    }
}

/// The three spellings of the one constraint that every parent is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentsWord {
    /// `requires_parent_active`
    Parent,
    /// `requires_both_parents_active`
    BothParents,
    /// `requires_all_parents_active`
    AllParents,
}

impl ParentsWord {
    /// Every spelling.
    pub const ALL: [ParentsWord; 3] = [
        ParentsWord::Parent,
        ParentsWord::BothParents,
        ParentsWord::AllParents,
    ];

    /// The word in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ParentsWord::Parent => "requires_parent_active",
            ParentsWord::BothParents => "requires_both_parents_active",
            ParentsWord::AllParents => "requires_all_parents_active",
        }
    }
}

/// A field of the state that a constraint can compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateField {
    /// `coherence`
    Coherence,
    /// `magnitude`
    Magnitude,
    /// `resonance`
    Resonance,
    /// `phase`
    Phase,
    /// `entanglement`
    Entanglement,
}

impl StateField {
    /// Every field of the state.
    pub const ALL: [StateField; 5] = [
        StateField::Coherence,
        StateField::Magnitude,
        StateField::Resonance,
        StateField::Phase,
        StateField::Entanglement,
    ];

    /// The word in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            StateField::Coherence => "coherence",
            StateField::Magnitude => "magnitude",
            StateField::Resonance => "resonance",
            StateField::Phase => "phase",
            StateField::Entanglement => "entanglement",
        }
    }

    /// The field's value in `state`, as a constraint compares it.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a coherence under constraint lies in 0..=1000, where f64 is exact"
    )]
    pub fn value(self, state: &FieldState) -> f64 {
        match self {
            StateField::Coherence => state.coherence as f64,
            StateField::Magnitude => state.magnitude,
            StateField::Resonance => state.resonance,
            StateField::Phase => state.phase,
            StateField::Entanglement => state.entanglement,
        }
    }
}

/// How a constraint compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
    /// `==`
    Equal,
}

impl Comparison {
    /// Every operator.
    pub const ALL: [Comparison; 5] = [
        Comparison::AtLeast,
        Comparison::AtMost,
        Comparison::Above,
        Comparison::Below,
        Comparison::Equal,
    ];

    /// The operator in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Comparison::AtLeast => ">=",
            Comparison::AtMost => "<=",
            Comparison::Above => ">",
            Comparison::Below => "<",
            Comparison::Equal => "==",
        }
    }

    /// Whether `left op right`.
    #[must_use]
    #[expect(
        clippy::float_cmp,
        reason = "`==` of the format compares exactly, as written"
    )]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::AtLeast => left >= right,
            Comparison::AtMost => left <= right,
            Comparison::Above => left > right,
            Comparison::Below => left < right,
            Comparison::Equal => left == right,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comparison_holds_below_at_and_above_as_its_sign_says() {
        for (comparison, below, at, above) in [
            (Comparison::AtLeast, false, true, true),
            (Comparison::AtMost, true, true, false),
            (Comparison::Above, false, false, true),
            (Comparison::Below, true, false, false),
            (Comparison::Equal, false, true, false),
        ] {
            let holds = [1.0, 2.0, 3.0].map(|left| comparison.holds(left, 2.0));
            assert_eq!(holds, [below, at, above], "{}", comparison.name());
        }
    }

    #[test]
    fn a_constraint_compares_the_field_that_it_names() {
        let state = FieldState {
            resonance: 3.0,
            magnitude: 4.0,
            phase: 5.0,
            coherence: 6,
            entanglement: 7.0,
        };
        for (field, value) in StateField::ALL.into_iter().zip([6.0, 4.0, 3.0, 5.0, 7.0]) {
            assert_eq!(field.value(&state).to_bits(), f64::to_bits(value));
        }
    }

    #[test]
    fn an_output_is_a_whole_label() {
        let mut glyph = Definition::with_defaults(GlyphId::new("a").unwrap());
        assert!(!glyph.has_output(Definition::OUTPUT_RESONANCE));
        glyph.outputs.push(String::from("field_state_too"));
        glyph.outputs.push(String::from("resonance"));
        assert!(glyph.has_output(Definition::OUTPUT_RESONANCE));
        assert!(!glyph.has_output(Definition::OUTPUT_FIELD_STATE));
    }
}

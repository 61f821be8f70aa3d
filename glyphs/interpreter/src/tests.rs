//! What an activation computes, refuses and reports.

use super::*;
use abi::{CellIndex, Fault, FaultCode, GlyphId};
use alloc::vec::Vec;
use glyph_compiler::Limits;
use std::format;
use std::string::{String, ToString};

/// A vault of glyphs given as id and further lines.
fn vault(glyphs: &[(&str, &str)]) -> Vault {
    let files: Vec<(String, String)> = glyphs
        .iter()
        .map(|(id, lines)| (format!("{id}.gdf"), format!("glyph_id: {id}\n{lines}\n")))
        .collect();
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (vault, errors) = Vault::load(files, &Limits::default());
    assert!(errors.is_empty(), "{errors:?}");
    vault
}

fn find(vault: &Vault, id: &str) -> GlyphIndex {
    vault.find(&GlyphId::new(id).unwrap()).unwrap()
}

/// Activates one glyph of a fresh node.
fn activate(vault: &Vault, id: &str) -> Result<Outcome, Box<ActivationError>> {
    Interpreter::new(vault).activate(vault, find(vault, id), None)
}

fn state(
    resonance: f64,
    magnitude: f64,
    phase: f64,
    coherence: i64,
    entanglement: f64,
) -> FieldState {
    FieldState {
        resonance,
        magnitude,
        phase,
        coherence,
        entanglement,
    }
}

const EXAMPLE: [(&str, &str); 2] = [
    (
        "a",
        "resonance: 100\nmagnitude: 2\ncoherence: 90\nentanglement: 1.5\nphase: 10\n\
         activation: resonate(2) | stabilize()",
    ),
    (
        "b",
        "parent: a\nresonance: 50\nmagnitude: 0.5\ncoherence: 80\nentanglement: 2\nphase: 5\n\
         activation: entangle(a) | decay(0.25)",
    ),
];

#[test]
fn the_worked_example_of_the_specification_comes_out_exactly() {
    let vault = vault(&EXAMPLE);
    // A coherence of 90 is not above 90: stabilize adds ten.
    assert_eq!(
        activate(&vault, "a").unwrap().state,
        state(200.0, 2.0, 10.0, 100, 1.5)
    );
    assert_eq!(
        activate(&vault, "b").unwrap().state,
        state(195.0, 0.1875, 10.0, 78, 7.3)
    );
}

#[test]
fn a_trace_tells_every_step_with_the_state_after_it() {
    let vault = vault(&EXAMPLE);
    let mut steps: Vec<(String, FieldState)> = Vec::new();
    let outcome = Interpreter::new(&vault)
        .activate(
            &vault,
            find(&vault, "b"),
            Some(&mut |step, state| steps.push((step.to_string(), *state))),
        )
        .unwrap();
    let expected = [
        ("start", state(50.0, 0.5, 5.0, 80, 2.0)),
        ("inherit from a", state(175.0, 0.25, 10.0, 80, 5.8)),
        ("entangle(a)", state(195.0, 0.25, 10.0, 80, 7.3)),
        ("decay(0.25)", state(195.0, 0.1875, 10.0, 78, 7.3)),
    ];
    assert_eq!(steps.len(), expected.len());
    for ((text, state), (expected_text, expected_state)) in steps.iter().zip(expected) {
        assert_eq!((text.as_str(), *state), (expected_text, expected_state));
    }
    assert_eq!(outcome.state, expected[3].1);
}

#[test]
fn stabilize_and_decay_work_on_the_coherence_as_the_specification_says() {
    for (start, program, coherence) in [
        (90, "stabilize()", 100),
        (91, "stabilize()", 100),
        (1000, "stabilize()", 100),
        (0, "stabilize()", 10),
        (80, "stabilize()|stabilize()|stabilize()", 100),
        (50, "decay(0.19)", 49),
        (50, "decay(-0.19)", 51),
        (0, "decay(5)", -50),
        (0, "decay(5)|stabilize()", -40),
    ] {
        let vault = vault(&[("x", &format!("coherence: {start}\nactivation: {program}"))]);
        let outcome = activate(&vault, "x").unwrap();
        assert_eq!(outcome.state.coherence, coherence, "{start} {program}");
    }
}

#[test]
fn constraints_on_parents_hold_once_the_parents_are_active() {
    for word in ["parent", "both_parents", "all_parents"] {
        let vault = vault(&[
            ("a", ""),
            ("b", ""),
            (
                "c",
                &format!("parent: b, a, b\nconstraints: requires_{word}_active"),
            ),
        ]);
        let (a, b, c) = (find(&vault, "a"), find(&vault, "b"), find(&vault, "c"));
        let mut interpreter = Interpreter::new(&vault);
        let error = interpreter.activate(&vault, c, None).unwrap_err();
        let shown = error.to_string();
        assert_eq!(
            shown,
            format!(
                "c has requires_{word}_active, and not active is b, a: try `activate c --with-parents`"
            )
        );
        assert_eq!(error.reason(), "constraint");
        assert_eq!(Fault::from(*error).code, FaultCode::Constraint);
        interpreter.activate(&vault, b, None).unwrap();
        interpreter.commit(b);
        let error = interpreter.activate(&vault, c, None).unwrap_err();
        assert!(error.to_string().contains("not active is a:"), "{error}");
        interpreter.activate(&vault, a, None).unwrap();
        assert!(
            !interpreter.is_active(a),
            "computing alone makes nothing active"
        );
        interpreter.commit(a);
        assert!(interpreter.activate(&vault, c, None).is_ok());
        interpreter.commit(a);
        assert_eq!(
            (interpreter.activations(a), interpreter.activations(c)),
            (2, 0)
        );
    }
    let rootless = vault(&[("x", "constraints: requires_all_parents_active")]);
    assert!(activate(&rootless, "x").is_ok());
}

#[test]
fn what_nothing_refuses_goes_by_lanes() {
    let vault = vault(&[
        (
            "a",
            "outputs: field_state\nactivation: resonate(2)|decay(9e17)",
        ),
        ("b", "parent: a\nconstraints: requires_parent_active"),
        ("c", "constraints: coherence >= 80"),
        ("d", "coherence: 50\nconstraints: coherence >= 80"),
        ("e", "activation: decay(9e17)|decay(9e17)"),
    ]);
    let mut interpreter = Interpreter::new(&vault);
    let goes = |interpreter: &Interpreter, id: &str| {
        let glyph = find(&vault, id);
        let outcome = by_lanes(&vault, glyph);
        let is_open = constraint::is_open(interpreter, &vault, glyph);
        let result = interpreter.activate(&vault, glyph, None).ok();
        assert!(result == outcome || !is_open, "{id}: {result:?}");
        (is_open, outcome.is_some())
    };
    assert_eq!(goes(&interpreter, "a"), (true, true));
    assert_eq!(goes(&interpreter, "b"), (false, true));
    assert_eq!(goes(&interpreter, "c"), (true, true));
    assert_eq!(goes(&interpreter, "d"), (false, true));
    assert_eq!(goes(&interpreter, "e"), (true, false));
    // The first activation asks the parents, and those after it do not.
    interpreter.commit(find(&vault, "a"));
    assert_eq!(goes(&interpreter, "b"), (false, true));
    assert!(
        interpreter
            .activate(&vault, find(&vault, "b"), None)
            .is_ok()
    );
    for glyph in vault.glyphs() {
        interpreter.commit(glyph);
    }
    assert_eq!(goes(&interpreter, "b"), (true, true));
    // Activity opens no closed gate.
    assert_eq!(goes(&interpreter, "d"), (false, true));
}

#[test]
fn comparisons_are_tested_after_inheritance_and_before_the_program() {
    // After inheritance: R 440 + (880 / 2) + 440, M 0.25, P 60, C 80, E 0.5 * 1.3 * 0.5.
    let lines = "parent: a\nmagnitude: 0.5\nphase: 30\ncoherence: 80\nentanglement: 0.5\n\
                 activation: resonate(0)|amplify(0)|phase_shift(-60)|decay(8)\nconstraints: ";
    for (constraint, holds) in [
        ("resonance == 1320", true),
        ("resonance >= 1320", true),
        ("resonance <= 1320", true),
        ("resonance > 1320", false),
        ("resonance < 1320", false),
        ("magnitude == 0.25", true),
        ("magnitude > 0.3", false),
        ("phase >= 60", true),
        ("phase < 60", false),
        ("coherence > 79.5", true),
        ("coherence == 0", false),
        ("entanglement < 0.3251", true),
        ("entanglement > 0.3251", false),
        ("coherence > 1, coherence > 100", false),
    ] {
        let vault = vault(&[("a", ""), ("x", &format!("{lines}{constraint}"))]);
        let result = activate(&vault, "x");
        assert_eq!(result.is_ok(), holds, "{constraint}: {result:?}");
    }
    let vault = vault(&[(
        "x",
        "coherence: 50\nconstraints: phase < 1, coherence >= 80",
    )]);
    assert_eq!(
        activate(&vault, "x").unwrap_err().to_string(),
        "x needs coherence >= 80, but after inheritance it is 50"
    );
}

#[test]
fn arithmetic_that_leaves_the_finite_numbers_names_the_step() {
    let explosive = [
        ("p", "entanglement: 1000"),
        (
            "q",
            "entanglement: 1000\nparent: p,p,p,p,p,p,p,p,p,p,p,p,p,p,p,p",
        ),
        (
            "r",
            "entanglement: 1000\nparent: q,q,q,q,q,q,q,q,q,q,q,q,q,q,q,q",
        ),
    ];
    for (program, step) in [
        (
            "resonate(1e308)|resonate(10)|resonate(0)",
            "command 1, resonate(1e308)",
        ),
        (
            "amplify(1e308)|amplify(1e308)|amplify(0)",
            "command 2, amplify(1e308)",
        ),
        (
            "phase_shift(1.7e308)|phase_shift(1.7e308)",
            "command 2, phase_shift(1.7e308)",
        ),
        ("decay(-1e18)|decay(0)", "command 1, decay(-1e18)"),
        ("decay(1e308)", "command 1, decay(1e308)"),
        ("decay(9e17)|decay(9e17)", "command 2, decay(9e17)"),
    ] {
        let vault = vault(&[("x", &format!("activation: {program}"))]);
        let error = activate(&vault, "x").unwrap_err();
        assert_eq!(error.reason(), "non_finite");
        assert!(error.to_string().contains(step), "{program}: {error}");
        assert_eq!(Fault::from(*error).code, FaultCode::NonFinite);
    }
    let explosive = vault(&explosive);
    assert!(activate(&explosive, "q").is_ok());
    let error = activate(&explosive, "r").unwrap_err();
    assert!(error.to_string().contains("the inheritance"), "{error}");
    let vault = vault(&[("x", "outputs: field_state\nactivation: amplify(1e308)")]);
    let error = activate(&vault, "x").unwrap_err();
    assert!(error.to_string().contains("its home cell"), "{error}");
}

#[test]
fn effects_follow_the_output_labels() {
    let lines = "magnitude: 2\nphase: 180\ncoherence: 95\nresonance: 7\noutputs: ";
    for (outputs, writes, waves) in [
        ("", false, false),
        ("field_state", true, false),
        ("resonance", false, true),
        ("note, resonance, field_state", true, true),
        ("Field_State, resonances", false, false),
    ] {
        let vault = vault(&[("a", ""), ("x", &format!("{lines}{outputs}"))]);
        let effects = activate(&vault, "x").unwrap().effects();
        let write = CellWrite {
            cell: CellIndex(1),
            magnitude: 200.0,
            phase: core::f64::consts::PI,
            coherence: 950.0,
        };
        let wave = Wave {
            origin: CellIndex(1),
            amplitude: 2.0,
            frequency: 7.0,
        };
        assert_eq!(effects.write, writes.then_some(write), "{outputs}");
        assert_eq!(effects.wave, waves.then_some(wave), "{outputs}");
    }
}

#[test]
fn reports_say_what_was_computed_and_what_the_vault_knows() {
    let vault = vault(&EXAMPLE);
    let (a, b) = (find(&vault, "a"), find(&vault, "b"));
    let mut interpreter = Interpreter::new(&vault);
    let report = interpreter
        .activate(&vault, a, None)
        .unwrap()
        .report(vault.id(a), Vec::new());
    assert_eq!(report.glyph.as_str(), "a");
    assert_eq!(report.state, state(200.0, 2.0, 10.0, 100, 1.5));
    assert_eq!((report.cell, report.wave), (None, false));
    interpreter.commit(b);
    let detail = interpreter.detail(&vault, b);
    assert_eq!(detail.summary.home, CellIndex(1));
    assert_eq!(
        (
            detail.summary.generations,
            detail.summary.commands,
            detail.summary.activations
        ),
        (1, 2, 1)
    );
    let shown = glyph_parser::parse("shown.gdf", detail.definition.as_bytes()).unwrap();
    assert_eq!(shown.definition, vault.definition(b));
}

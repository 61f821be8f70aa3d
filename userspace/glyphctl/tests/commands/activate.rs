//! `glyphctl activate`.

use crate::folder::Folder;
use crate::program::glyphctl;

/// The worked example of the format's specification.
const A: &str = "glyph_id: a\nresonance: 100\nmagnitude: 2\ncoherence: 90\nentanglement: 1.5\n\
    phase: 10\nactivation: resonate(2) | stabilize()\n";
const B: &str = "glyph_id: b\nparent: a\nresonance: 50\nmagnitude: 0.5\ncoherence: 80\n\
    entanglement: 2\nphase: 5\nactivation: entangle(a) | decay(0.25)\n\
    constraints: requires_parent_active\noutputs: field_state, resonance\n";

const A_LINE: &str = "{\"glyph_id\":\"a\",\"resonance\":200.0,\"magnitude\":2.0,\"phase\":10.0,\
    \"coherence\":100,\"entanglement\":1.5}\n";
const B_LINE: &str = "{\"glyph_id\":\"b\",\"resonance\":195.0,\"magnitude\":0.1875,\"phase\":10.0,\
    \"coherence\":78,\"entanglement\":7.3}\n";

fn example(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("a.gdf", A);
    folder.write("b.gdf", B);
    folder
}

#[test]
fn the_worked_example_gives_the_promised_lines() {
    let folder = example("worked");
    let run = glyphctl(&["activate", "--vault", folder.shown(), "--json", "a", "b"]);
    assert_eq!(
        (run.status, run.out.as_str()),
        (0, [A_LINE, B_LINE].concat().as_str())
    );
    assert_eq!(run.err, "");
}

#[test]
fn parents_are_activated_first_where_that_is_asked_for() {
    let folder = example("parents");
    let alone = glyphctl(&["activate", "--vault", folder.shown(), "--json", "b"]);
    assert_eq!((alone.status, alone.out.as_str()), (1, ""));
    assert!(
        alone.err.contains("requires_parent_active"),
        "{}",
        alone.err
    );
    let arguments = [
        "activate",
        "--vault",
        folder.shown(),
        "--json",
        "--with-parents",
        "b",
    ];
    assert_eq!(glyphctl(&arguments).out, [A_LINE, B_LINE].concat());
}

#[test]
fn what_was_activated_before_a_refusal_is_told() {
    let folder = example("partial");
    let run = glyphctl(&[
        "activate",
        "--vault",
        folder.shown(),
        "--json",
        "a",
        "nobody",
        "b",
    ]);
    assert_eq!((run.status, run.out.as_str()), (1, A_LINE));
    assert!(run.err.contains("nobody"), "{}", run.err);
}

#[test]
fn a_trace_tells_each_step_before_the_result() {
    let folder = example("trace");
    let run = glyphctl(&[
        "activate",
        "--vault",
        folder.shown(),
        "--json",
        "--trace",
        "a",
    ]);
    let lines: Vec<_> = run.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", run.out);
    assert!(lines[0].starts_with("{\"glyph_id\":\"a\",\"step\":\"start\",\"resonance\":100.0,"));
    assert!(lines[1].contains("\"step\":\"resonate(2)\",\"resonance\":200.0,"));
    assert!(!lines[0].contains("before"), "{}", lines[0]);
    assert!(
        lines[1].contains(",\"before\":{\"resonance\":100.0,"),
        "{}",
        lines[1]
    );
    assert_eq!(format!("{}\n", lines[3]), A_LINE);
    let run = glyphctl(&["activate", "--vault", folder.shown(), "--trace", "a"]);
    let expected = "  resonate(2): R 100 -> 200 M 2 P 10 C 90 E 1.5\n  \
                    stabilize(): R 200 M 2 P 10 C 90 -> 100 E 1.5\n";
    assert!(run.out.contains(expected), "{}", run.out);
}

#[test]
fn people_see_what_a_node_would_do() {
    let folder = example("people");
    let run = glyphctl(&["activate", "--vault", folder.shown(), "--with-parents", "b"]);
    assert!(run.out.contains("glyph a\n") && run.out.contains("resonance     195 Hz"));
    assert!(
        run.out.contains("writes no cell, starts no wave"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("writes cell 1, starts a wave"),
        "{}",
        run.out
    );
}

#[test]
fn a_sound_glyph_is_activated_beside_a_bad_one() {
    let folder = example("beside");
    folder.write("c.gdf", "glyph_id: c\nparent: nowhere\n");
    let run = glyphctl(&["activate", "--vault", folder.shown(), "--json", "a"]);
    assert_eq!((run.status, run.out.as_str()), (0, A_LINE));
    assert!(run.err.contains("1 errors in the vault"), "{}", run.err);
    let run = glyphctl(&["activate", "--vault", folder.shown(), "c"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("not sound"), "{}", run.err);
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    for arguments in [
        &["activate", "a"][..],
        &["activate", "--vault", "x"],
        &["activate", "--vault", "x", "../a"],
        &["nonsense"],
        &[],
    ] {
        let run = glyphctl(arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.err);
    }
}

#[test]
fn every_command_explains_itself() {
    for words in [
        &[][..],
        &["vault"],
        &["vault", "check"],
        &["activate"],
        &["keygen"],
        &["sign"],
        &["ledger"],
        &["ledger", "verify"],
        &["ledger", "show"],
        &["ledger", "export"],
        &["console"],
        &["bridge"],
    ] {
        let run = glyphctl(&[words, &["--help"]].concat());
        assert_eq!(run.status, 0, "{words:?}");
        assert!(run.out.contains("Usage: glyphctl"), "{words:?}");
    }
}

//! What the reader takes and refuses, and what it says.

use super::*;
use crate::limits::PROGRAM_BYTES_MAX;
use crate::{Chronocode, Command, Comparison, Constraint, ParentsWord, StateField, print};
use std::string::{String, ToString};
use std::vec;

fn sound(text: &str) -> Definition {
    match parse("test.gdf", text.as_bytes()) {
        Ok(parsed) => parsed.definition,
        Err(refusal) => panic!("{refusal}"),
    }
}

fn errors(text: &str) -> Vec<Diagnostic> {
    parse("test.gdf", text.as_bytes())
        .expect_err(text)
        .diagnostics
}

/// Error of a file that has a sound id and one bad line.
fn error_of(line: &str) -> String {
    let found = errors(&format!("glyph_id: x\n{line}\n"));
    assert_eq!(found.len(), 1, "{line}: {found:?}");
    assert_eq!(found[0].line, 2, "{line}");
    found[0].headline().to_string()
}

fn id(text: &str) -> GlyphId {
    GlyphId::new(text).unwrap()
}

const FULL: &str = "\
# every field once
glyph_id: full-Glyph_1
chronocode: 20240229_235959
parent_glyphs: a, b ,c
resonance_freq: 99999.5
field_magnitude: 0.25
coherence: 95
contributor_inheritance: someone: with a colon
material_spec: copper
frequency_signature: 440, 880
activation_simulation:  resonate( 2 ) |entangle(5)| amplify(1e-3)|phase_shift(-90) | stabilize( )|decay(.25)
entanglement_coeff: 1.5
phase_offset: -36000
quantum_state: 255
metadata: # not a comment
dependencies: d, e
outputs: field_state, resonance, free text
constraints: requires_both_parents_active, coherence>=80, phase < 1e3
gdf_version: 1
";

#[test]
fn every_field_is_read() {
    let definition = sound(FULL);
    let expected = Definition {
        id: id("full-Glyph_1"),
        chronocode: Chronocode::new("20240229_235959").ok(),
        parents: vec![id("a"), id("b"), id("c")],
        resonance: 99999.5,
        magnitude: 0.25,
        coherence: 95,
        contributor: "someone: with a colon".into(),
        material: "copper".into(),
        frequency_signature: "440, 880".into(),
        program: vec![
            Command::Resonate(2.0),
            Command::Entangle(id("5")),
            Command::Amplify(0.001),
            Command::PhaseShift(-90.0),
            Command::Stabilize,
            Command::Decay(0.25),
        ],
        entanglement: 1.5,
        phase: -36000.0,
        quantum_state: 255,
        metadata: "# not a comment".into(),
        dependencies: vec![id("d"), id("e")],
        outputs: vec!["field_state".into(), "resonance".into(), "free text".into()],
        constraints: vec![
            Constraint::ParentsActive(ParentsWord::BothParents),
            Constraint::Compare {
                field: StateField::Coherence,
                comparison: Comparison::AtLeast,
                number: 80.0,
            },
            Constraint::Compare {
                field: StateField::Phase,
                comparison: Comparison::Below,
                number: 1000.0,
            },
        ],
        gdf_version: 1,
    };
    assert_eq!(definition, expected);
}

#[test]
fn a_file_with_an_id_alone_has_the_defaults() {
    let definition = sound("glyph_id: x");
    assert_eq!(definition, Definition::with_defaults(id("x")));
    assert_eq!(
        sound(
            "glyph_id:x\nconstraints:none\ndependencies: none\nchronocode:\nparent:\nmetadata:\noutputs:\n activation :"
        ),
        definition
    );
}

#[test]
fn aliases_mean_the_same_as_names() {
    let names = "glyph_id: x\nparent_glyphs: a\nresonance_freq: 1\nfield_magnitude: 2\n\
                 contributor_inheritance: c\nmaterial_spec: m\nfrequency_signature: f\n\
                 activation_simulation: stabilize()\nentanglement_coeff: 3\nphase_offset: 4\n";
    let aliases = "glyph_id: x\nparent: a\nresonance: 1\nmagnitude: 2\ncontributor: c\n\
                   material: m\nfreq_sig: f\nactivation: stabilize()\nentanglement: 3\nphase: 4\n";
    assert_eq!(sound(names), sound(aliases));
}

#[test]
fn line_ends_of_either_kind_and_free_space_are_taken() {
    let plain = sound("glyph_id: x\nphase: 1\n\n# c\n");
    assert_eq!(sound("glyph_id: x\r\nphase: 1\r\n\r\n# c\r\n"), plain);
    assert_eq!(sound("\t glyph_id\t:\tx  \n  phase :1\t"), plain);
}

#[test]
fn places_of_ids_and_commands_are_exact() {
    let text = "glyph_id: x\nparent: a,  b\n activation: stabilize() |  entangle(a)\n";
    let places = parse("x.gdf", text.as_bytes()).unwrap().places;
    let place = |line, column| Place { line, column };
    assert_eq!(places.id, place(1, 11));
    assert_eq!(places.parents, [place(2, 9), place(2, 13)]);
    assert_eq!(places.commands, [place(3, 14), place(3, 29)]);
}

#[test]
fn an_error_names_the_place_and_shows_it() {
    let text = "glyph_id: w\u{e4}ter\nparrent: sea\ncoherence: 9O\n";
    let refusal = parse("water.gdf", text.as_bytes()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "water.gdf:1:11: expected a glyph id, 1 to 64 of `A-Z a-z 0-9 _ -`, found `w\u{e4}ter`\n    \
         1 | glyph_id: w\u{e4}ter\n      |           ^\n\
         water.gdf:2:1: expected a field of the format as key, found `parrent`; did you mean `parent`?\n    \
         2 | parrent: sea\n      | ^\n\
         water.gdf:3:12: expected an integer from 0 to 1000 (percent) and nothing else, found `9O`\n    \
         3 | coherence: 9O\n      |            ^"
    );
    assert_eq!(refusal.id, None);
}

#[test]
fn a_refused_file_still_tells_its_id() {
    let refusal = parse("x.gdf", b"glyph_id: x\nphase: east\n").unwrap_err();
    assert_eq!(refusal.id, Some(id("x")));
    assert_eq!(
        refusal.place,
        Place {
            line: 1,
            column: 11
        }
    );
}

#[test]
fn numbers_out_of_range_or_with_other_text_are_refused() {
    for (line, mark) in [
        ("resonance_freq: 100000.1", "0 to 100000"),
        ("resonance_freq: -1", "0 to 100000"),
        ("resonance_freq: 440 Hz", "`440 Hz`"),
        ("resonance_freq: nan", "0 to 100000"),
        ("resonance_freq:", "found nothing"),
        ("field_magnitude: 1000.5", "0 to 1000"),
        ("field_magnitude: inf", "0 to 1000"),
        ("coherence: 1001", "0 to 1000"),
        ("coherence: -1", "0 to 1000"),
        ("coherence: 90.0", "an integer"),
        ("coherence: 99999999999999999999", "an integer"),
        ("entanglement_coeff: 1e4", "0 to 1000"),
        ("phase_offset: 36000.01", "-36000 to 36000"),
        ("quantum_state: 256", "0 to 255"),
        ("gdf_version: 3", "1 to 2"),
        ("gdf_version: 0", "1 to 2"),
        ("chronocode: 20230229_000000", "a day that the month has"),
    ] {
        let error = error_of(line);
        assert!(error.contains(mark), "{error}");
    }
}

#[test]
fn texts_over_their_bytes_are_refused_and_at_the_bound_taken() {
    for (key, bytes_max) in [
        ("contributor", 64),
        ("material", 256),
        ("freq_sig", 512),
        ("metadata", 256),
    ] {
        let within = "x".repeat(bytes_max);
        sound(&format!("glyph_id: x\n{key}: {within}\n"));
        let error = error_of(&format!("{key}: {within}y"));
        assert!(
            error.contains(&format!("at most {bytes_max} bytes")),
            "{error}"
        );
    }
    sound(&format!("glyph_id: {}", "x".repeat(64)));
    assert!(
        errors(&format!("glyph_id: {}", "x".repeat(65)))[0]
            .found
            .contains("...")
    );
}

#[test]
fn ids_with_paths_or_other_characters_are_refused() {
    for bad in [
        "../etc/passwd",
        "/abs",
        "a/b",
        "a\\b",
        "a b",
        "a.b",
        "C:",
        "\u{e4}",
        "",
    ] {
        let found = errors(&format!("glyph_id: {bad}\n"));
        assert_eq!(found[0].field, Some(Field::GlyphId), "{bad}");
        let list = errors(&format!("glyph_id: x\nparent: a,{bad}\n"));
        assert_eq!(list[0].field, Some(Field::ParentGlyphs), "{bad}");
    }
}

#[test]
fn a_field_given_twice_is_refused_also_by_its_alias() {
    assert!(error_of("glyph_id: y").contains("given on line 1"));
    let found = errors("glyph_id: x\nphase: 1\nphase_offset: 1\n");
    assert_eq!((found[0].line, found[0].column), (3, 1));
    assert!(
        found[0]
            .found
            .contains("`phase_offset` was given on line 2"),
        "{found:?}"
    );
}

#[test]
fn lists_have_bounds_and_no_empty_entries() {
    let parents: Vec<String> = (0..16).map(|n| format!("p{n}")).collect();
    sound(&format!("glyph_id: x\nparent: {}", parents.join(",")));
    assert!(error_of(&format!("parent: {},p16", parents.join(","))).contains("at most 16"));
    assert!(error_of("parent: a,,b").contains("between commas"));
    assert!(error_of("parent: a,").contains("between commas"));
    assert!(error_of("dependencies: none, ?").contains("`?`"));
    assert!(error_of("outputs: a,").contains("between commas"));
}

#[test]
fn programs_are_refused_with_the_place_of_the_command() {
    for (program, column, mark) in [
        ("resonate", 13, "name(argument)"),
        ("resonate(2", 23, "`)`"),
        ("resonate(2))", 24, "`|` or the end"),
        ("resonate(2) amplify(2)", 25, "`|` or the end"),
        ("resonate(two)", 22, "a number"),
        ("resonate()", 22, "found nothing"),
        ("resonate(inf)", 22, "a finite number"),
        ("resonte(2)", 13, "did you mean `resonate`?"),
        ("stabilize(1)", 23, "no argument"),
        ("entangle()", 22, "a glyph id"),
        ("entangle(a b)", 22, "a glyph id"),
        ("(2)", 13, "found no name"),
        ("stabilize() | ", 26, "found nothing"),
        ("| stabilize()", 13, "found nothing"),
        ("stabilize() || stabilize()", 26, "found nothing"),
    ] {
        let found = errors(&format!("glyph_id: x\nactivation: {program}"));
        assert_eq!(found.len(), 1, "{program}: {found:?}");
        let error = found[0].headline().to_string();
        assert!(error.contains(mark), "{program}: {error}");
        assert_eq!(found[0].column, column, "{program}: {error}");
    }
    let commands = "stabilize()|".repeat(63);
    sound(&format!("glyph_id: x\nactivation: {commands}stabilize()"));
    assert!(
        error_of(&format!("activation: {commands}stabilize()|decay(1)")).contains("at most 64")
    );
    let long = format!("resonate({}1)", "0".repeat(1014));
    assert!(error_of(&format!("activation: {long}")).contains("1024 bytes"));
    sound(&format!(
        "glyph_id: x\nactivation: {}",
        long.replacen("00", "0", 1)
    ));
}

#[test]
fn constraints_are_refused_with_a_hint() {
    for (text, mark) in [
        ("coherence => 80", "did you mean `>=`?"),
        ("coherence =< 80", "did you mean `<=`?"),
        ("coherence = 80", "did you mean `==`?"),
        ("coherence != 80", "one of the comparisons"),
        ("coherense >= 80", "did you mean `coherence`?"),
        ("coherence >= ", "found nothing"),
        ("coherence >= 80%", "`80%`"),
        ("coherence >= nan", "a finite number"),
        (">= 80", "found nothing"),
        (
            "requires_parents_active",
            "did you mean `requires_parent_active`?",
        ),
        ("none, coherence > 1", "`none` among others"),
        ("coherence > 1,", "between commas"),
    ] {
        let error = error_of(&format!("constraints: {text}"));
        assert!(error.contains(mark), "{text}: {error}");
    }
}

#[test]
fn lines_that_are_not_text_are_refused_and_the_rest_still_read() {
    let refusal = parse("x.gdf", b"glyph_id: x\nmetadata: \xc3\xa4\xff\nphase: up\n").unwrap_err();
    let heads: Vec<String> = refusal
        .diagnostics
        .iter()
        .map(|d| d.headline().to_string())
        .collect();
    assert_eq!(
        heads[0],
        "x.gdf:2:12: expected UTF-8 text, found the byte 0xff"
    );
    assert!(heads[1].starts_with("x.gdf:3:8:"));
    for bad in ["\u{0}", "\u{1b}[2J", "\u{7f}", "\u{85}", "\r"] {
        let found = errors(&format!("glyph_id: x\n# a comment {bad}!\nphase: 1"));
        assert_eq!((found[0].line, found[0].column), (2, 13), "{bad:?}");
        assert!(found[0].found.starts_with("U+00"));
    }
    assert!(error_of("metadata: a\tb").contains("a tab"));
    assert!(
        errors("\u{feff}glyph_id: x")[0]
            .found
            .contains("byte order mark")
    );
}

#[test]
fn a_control_character_is_seen_alone_and_beside_others() {
    for (line, found) in [
        ("\u{1}", "U+0001"),
        ("\u{7f}", "U+007F"),
        ("\u{80}", "U+0080"),
        ("\u{1}\u{2}", "U+0001"),
        ("\u{7f}\u{7f}", "U+007F"),
        ("\u{80}\u{81}", "U+0080"),
        ("\u{1}\u{7f}", "U+0001"),
        ("\u{1}\u{80}", "U+0001"),
        ("\u{7f}\u{80}", "U+007F"),
    ] {
        let at = |diagnostic: &Diagnostic| (diagnostic.line, diagnostic.column);
        let errors = errors(&format!("glyph_id: x\n{line}\n"));
        assert_eq!(errors.len(), 1, "{line:?}");
        assert_eq!((at(&errors[0]), errors[0].found.as_ref()), ((2, 1), found));
    }
}

#[test]
fn a_carriage_return_that_no_line_feed_follows_is_refused() {
    assert_eq!(sound("glyph_id: x\r\nphase: 1\r\n").phase, 1.0);
    let errors = errors("glyph_id: x\r\nphase: 1\r");
    assert_eq!((errors[0].line, errors[0].column), (2, 9));
    assert_eq!(errors[0].found, "U+000D");
}

#[test]
fn lines_without_a_colon_and_unknown_keys_are_refused() {
    assert!(error_of("coherence 80").contains("`key: value`"));
    assert!(error_of("colour: red").contains("a field of the format"));
    assert!(error_of("Coherence: 80").contains("did you mean `coherence`?"));
    assert!(errors("")[0].expected.contains("glyph_id"));
}

#[test]
fn files_over_a_mebibyte_are_refused_and_at_the_bound_taken() {
    let mut bytes = b"glyph_id: x\n#".to_vec();
    bytes.resize(FILE_BYTES_MAX, b'#');
    assert!(parse("x.gdf", &bytes).is_ok());
    bytes.push(b'#');
    let refusal = parse("x.gdf", &bytes).unwrap_err();
    assert!(refusal.to_string().contains("1048577 bytes"), "{refusal}");
}

#[test]
fn all_errors_are_told_up_to_a_bound() {
    let refusal = parse("x.gdf", "?\n".repeat(1000).as_bytes()).unwrap_err();
    assert_eq!(refusal.diagnostics.len(), DIAGNOSTICS_MAX);
    assert_eq!(refusal.omitted, 901);
    assert!(
        refusal
            .to_string()
            .ends_with("901 more errors in this file")
    );
}

#[test]
fn what_is_printed_reads_back_the_same() {
    for text in [
        FULL.to_string(),
        "glyph_id: x".into(),
        "glyph_id: x\nphase: -0\nresonance: 1e-300\nmagnitude: 5e-324\n".into(),
        format!(
            "glyph_id: x\nactivation:{}",
            vec!["decay(12e200)"; 64].join("|")
        ),
        format!(
            "glyph_id: x\nactivation:{}",
            vec!["resonate(12e100)"; 60].join("|")
        ),
        format!("glyph_id: x\noutputs:{}", vec!["ab"; 340_000].join(",")),
        format!(
            "glyph_id: x\nconstraints:{}",
            vec!["phase<12e9"; 95_000].join(",")
        ),
    ] {
        let definition = sound(&text);
        let printed = print(&definition);
        assert!(printed.len() <= FILE_BYTES_MAX);
        assert_eq!(sound(&printed), definition);
        assert_eq!(print(&sound(&printed)), printed);
    }
}

#[test]
fn a_program_is_spelled_to_be_read_where_the_limit_allows() {
    let program = |joint: &str, last: &str| {
        let commands = vec!["phase_shift(0.5)"; 53].join(joint);
        format!("{commands}{joint}phase_shift({last})")
    };
    let printed = |source: &str| print(&sound(&format!("glyph_id: x\nactivation: {source}")));
    let readable = program(" | ", "0.25");
    assert_eq!(readable.len(), PROGRAM_BYTES_MAX);
    assert!(printed(&program("|", "0.25")).contains(&readable));
    let short = program("|", "0.125").replace("0.", ".");
    assert!(printed(&program("|", "0.125")).contains(&short));
}

#[test]
fn the_canonical_form_is_the_one_documented() {
    assert_eq!(
        print(&sound(FULL)),
        "glyph_id: full-Glyph_1\n\
         chronocode: 20240229_235959\n\
         parent_glyphs: a, b, c\n\
         resonance_freq: 99999.5\n\
         field_magnitude: 0.25\n\
         coherence: 95\n\
         contributor_inheritance: someone: with a colon\n\
         material_spec: copper\n\
         frequency_signature: 440, 880\n\
         activation_simulation: resonate(2) | entangle(5) | amplify(0.001) | phase_shift(-90) | stabilize() | decay(0.25)\n\
         entanglement_coeff: 1.5\n\
         phase_offset: -36000\n\
         quantum_state: 255\n\
         metadata: # not a comment\n\
         dependencies: d, e\n\
         outputs: field_state, resonance, free text\n\
         constraints: requires_both_parents_active, coherence >= 80, phase < 1000\n\
         gdf_version: 1\n"
    );
}

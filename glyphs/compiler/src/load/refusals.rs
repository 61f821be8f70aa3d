//! What a vault refuses, and how the refusal reads.

use super::tests::{chain, ids, load, load_glyphs, load_owned};
use super::*;
use std::string::ToString;

fn refused(vault: &Vault) -> Vec<&str> {
    vault.refused().collect()
}

fn lines(errors: &[VaultError]) -> Vec<String> {
    errors
        .iter()
        .map(|e| e.diagnostic.headline().to_string())
        .collect()
}

fn kinds(errors: &[VaultError]) -> Vec<VaultErrorKind> {
    errors.iter().map(|error| error.kind).collect()
}

#[test]
fn one_bad_file_refuses_its_dependents_and_nothing_else() {
    let (vault, errors) = load_glyphs(&[
        ("alone", ""),
        ("bad", "coherence: much"),
        ("child", "parent: alone,bad"),
        ("grandchild", "phase: 1\nparent: child"),
        ("stranger", "activation: amplify(2)|entangle(grandchild)"),
    ]);
    assert_eq!(ids(&vault), ["alone"]);
    assert_eq!(refused(&vault), ["bad", "child", "grandchild", "stranger"]);
    assert!(vault.is_refused(&GlyphId::new("child").unwrap()));
    assert!(!vault.is_refused(&GlyphId::new("nobody").unwrap()));
    assert_eq!(
        lines(&errors),
        [
            "bad.gdf:2:12: expected an integer from 0 to 1000 (percent) and nothing else, found `much`",
            "child.gdf:2:15: expected a glyph that is not refused, found `bad`: child -> bad, see bad.gdf",
            "grandchild.gdf:3:9: expected a glyph that is not refused, found `child`: \
             grandchild -> child -> bad, see bad.gdf",
            "stranger.gdf:2:24: expected a glyph that is not refused, found `grandchild`: \
             stranger -> grandchild -> child -> bad, see bad.gdf",
        ]
    );
    let counts: Vec<(&str, u64)> = vault
        .error_counts()
        .iter()
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(
        counts,
        [
            ("parent_glyphs", 2),
            ("coherence", 1),
            ("activation_simulation", 1)
        ]
    );
}

#[test]
fn missing_parents_and_targets_are_refused_and_missing_dependencies_are_not() {
    let (vault, errors) = load_glyphs(&[
        ("ember", ""),
        ("a", "parent: embers, none\ndependencies: nowhere"),
        ("b", "activation: entangle(nowhere)"),
        ("c", "dependencies: nowhere"),
    ]);
    assert_eq!(ids(&vault), ["c", "ember"]);
    assert_eq!(
        lines(&errors),
        [
            "a.gdf:2:9: expected the id of a glyph in this vault, found `embers`, \
             which no file defines; did you mean `ember`?",
            "a.gdf:2:17: expected the id of a glyph in this vault, found `none`, which no file \
             defines (a glyph without parents leaves the field out)",
            "b.gdf:2:13: expected the id of a glyph in this vault, found `nowhere`, which no file defines",
        ]
    );
    let excerpt = errors[0].to_string();
    assert!(
        excerpt.ends_with("    2 | parent: embers, none\n      |         ^"),
        "{excerpt}"
    );
}

#[test]
fn two_files_with_one_id_are_both_refused_and_both_named() {
    let (vault, errors) = load(&[
        ("one.gdf", "glyph_id: x"),
        ("two.gdf", "glyph_id: x\nphase: bad"),
        ("three.gdf", "glyph_id: x"),
        ("y.gdf", "glyph_id: y\nparent: x"),
    ]);
    assert!(vault.is_empty());
    assert_eq!(
        lines(&errors),
        [
            "one.gdf:1:11: expected an id that no other file has, found `x`, as in three.gdf",
            "three.gdf:1:11: expected an id that no other file has, found `x`, as in one.gdf",
            "two.gdf:1:11: expected an id that no other file has, found `x`, as in one.gdf",
            "two.gdf:2:8: expected a number from -36000 to 36000 (degrees) and nothing else, found `bad`",
            "y.gdf:2:9: expected a glyph that is not refused, found `x`: y -> x, see one.gdf",
        ]
    );
}

#[test]
fn file_names_with_a_path_or_another_ending_are_refused() {
    for name in [
        "../x.gdf",
        "/etc/x.gdf",
        "dir/x.gdf",
        "..\\x.gdf",
        "C:x.gdf",
        "x.txt",
        "x",
        ".gdf",
        "x.gdf\n",
        "x.GDF",
        "x.gdf.bak",
        "a\u{1b}[2J.gdf",
        "",
    ] {
        let (vault, errors) = load(&[(name, "glyph_id: x"), ("y.gdf", "glyph_id: y")]);
        assert_eq!(ids(&vault), ["y"], "{name:?}");
        assert_eq!(kinds(&errors), [VaultErrorKind::FileName], "{name:?}");
        let shown = errors[0].to_string();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
    let (vault, errors) = load(&[("x.gdf", "glyph_id: x"), ("x.gdf", "glyph_id: y")]);
    assert!(vault.is_empty());
    assert_eq!(kinds(&errors), [VaultErrorKind::FileName; 2]);
    assert_eq!(load(&[("a name.of \u{e4}.gdf", "glyph_id: x")]).1, []);
}

#[test]
fn cycles_are_printed_and_refuse_their_descendants() {
    let (vault, errors) = load_glyphs(&[
        ("a", "parent: b"),
        ("b", "parent: root, c"),
        ("c", "parent: a"),
        ("child", "parent: c"),
        ("root", ""),
        ("self", "parent: self"),
    ]);
    assert_eq!(ids(&vault), ["root"]);
    let cycle = "expected parents that do not lead back, found the cycle a -> b -> c -> a";
    assert_eq!(
        lines(&errors),
        [
            format!("a.gdf:2:9: {cycle}"),
            format!("b.gdf:2:15: {cycle}"),
            format!("c.gdf:2:9: {cycle}"),
            "child.gdf:2:9: expected a glyph that is not refused, found `c`: child -> c, see c.gdf"
                .to_string(),
            "self.gdf:2:9: expected parents that do not lead back, found the cycle self -> self"
                .to_string(),
        ]
    );
}

#[test]
fn thirty_two_generations_are_taken_and_thirty_three_refused() {
    let (vault, errors) = load_owned(&chain(33, ""));
    assert_eq!(errors, []);
    let last = vault.glyphs().next_back().unwrap();
    assert_eq!(vault.generations(last), 32);
    assert_eq!(vault.ancestors_in_order(last).len(), 32);
    let (vault, errors) = load_owned(&chain(35, ""));
    assert_eq!(vault.len(), 33);
    assert_eq!(kinds(&errors), [VaultErrorKind::TooDeep; 2]);
    assert_eq!(
        lines(&errors)[0],
        "g000033.gdf:2:9: expected at most 32 generations of ancestors, found 33 by way of `g000032`"
    );
}

#[test]
fn long_chains_of_refusals_and_long_cycles_are_shown_short() {
    let mut glyphs: Vec<(String, String)> = (0..4_000)
        .map(|n| {
            (
                format!("g{n:06}"),
                format!("activation: entangle(g{:06})", n + 1),
            )
        })
        .collect();
    let (vault, errors) = load_owned(&glyphs);
    assert!(vault.is_empty());
    assert_eq!(errors.len(), 1_001);
    assert!(errors[1_000].to_string().ends_with("found 3000 more"));
    assert_eq!(vault.error_counts().total(), 4_000);
    let first = &lines(&errors)[0];
    assert!(
        first.contains("g003011 -> ... 987 more ... -> g003999, see g003999.gdf"),
        "{first}"
    );
    glyphs.iter_mut().for_each(|(_, lines)| {
        *lines = lines
            .replace("activation: entangle(", "parent: ")
            .replace(')', "")
    });
    glyphs[3_999].1 = "parent: g000000".to_string();
    let (_, errors) = load_owned(&glyphs);
    assert_eq!(
        kinds(&errors),
        [
            vec![VaultErrorKind::Cycle; 1_000],
            vec![VaultErrorKind::Vault]
        ]
        .concat()
    );
    let first = &lines(&errors)[0];
    assert!(
        first.ends_with("g000011 -> ... 3988 more ... -> g000000"),
        "{first}"
    );
}

#[test]
fn a_vault_over_a_limit_is_refused_whole() {
    let files = [("a.gdf", "glyph_id: a"), ("b.gdf", "glyph_id: b")];
    let load = |limits: &Limits| Vault::load(files.iter().map(|(n, t)| (*n, t.as_bytes())), limits);
    let limits = Limits {
        cells: 2,
        files_max: 2,
        bytes_max: 22,
        errors_max: 9,
    };
    let (vault, errors) = load(&limits);
    assert_eq!((vault.len(), errors.len()), (2, 0));
    for (limits, mark) in [
        (
            Limits { cells: 1, ..limits },
            "at most 1 glyphs, one for each cell, found 2",
        ),
        (
            Limits {
                files_max: 1,
                ..limits
            },
            "at most 1 files, found more",
        ),
        (
            Limits {
                bytes_max: 21,
                ..limits
            },
            "at most 21 bytes in all files together, found 22 bytes",
        ),
    ] {
        let (vault, errors) = load(&limits);
        assert!(vault.is_empty());
        assert_eq!(kinds(&errors), [VaultErrorKind::Vault]);
        assert!(errors[0].to_string().ends_with(mark), "{}", errors[0]);
        assert_eq!(vault.error_counts().total(), 1);
    }
    let (_, errors) = super::Vault::load(
        [("a.gdf", &b"glyph_id: a"[..]), ("b.gdf", b"?")],
        &Limits { cells: 1, ..limits },
    );
    assert_eq!(kinds(&errors), [VaultErrorKind::Syntax; 2]);
}

#[test]
fn malformed_files_of_every_kind_leave_the_others_standing() {
    let huge = vec![b'#'; (1 << 20) + 1];
    let files: [(&str, &[u8]); 6] = [
        ("empty.gdf", b""),
        ("good.gdf", b"glyph_id: good"),
        ("huge.gdf", &huge),
        ("binary.gdf", b"\x7fELF\x02\x01\x01\x00\xff\xfe"),
        ("latin1.gdf", b"glyph_id: l\xe4tin"),
        ("cut.gdf", b"glyph_id: cut\nactivation: resona"),
    ];
    let (vault, errors) = Vault::load(files, &Limits::default());
    assert_eq!(ids(&vault), ["good"]);
    let mut names: Vec<&str> = errors.iter().map(|e| e.diagnostic.file.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "binary.gdf",
            "cut.gdf",
            "empty.gdf",
            "huge.gdf",
            "latin1.gdf"
        ]
    );
}

#[test]
fn a_slip_in_the_first_letter_finds_the_glyph_that_was_meant() {
    let (_, errors) = load_glyphs(&[
        ("water", ""),
        ("fire", ""),
        ("steam", "parent: eater, fire\nactivation: entangle(dire)"),
    ]);
    let meant: Vec<_> = errors
        .iter()
        .map(|error| error.diagnostic.suggestion.as_deref())
        .collect();
    assert_eq!(meant, [Some("water"), Some("fire")]);
}

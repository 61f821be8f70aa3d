//! `glyphctl vault` and `glyphctl tree`.

use std::fs;
use std::os::unix::fs::symlink;

use crate::folder::Folder;
use crate::program::glyphctl;

fn check(folder: &str) -> crate::program::Run {
    glyphctl(&["vault", "check", folder])
}

#[test]
fn the_vault_that_ships_is_sound() {
    let vault = concat!(env!("CARGO_MANIFEST_DIR"), "/../../glyphs/vault");
    let run = check(vault);
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(run.out.contains(": sound, "), "{}", run.out);
}

#[test]
fn every_error_of_a_vault_is_told_with_its_place() {
    let folder = Folder::new("errors");
    folder.write("good.gdf", "glyph_id: good\n");
    folder.write("key.gdf", "glyph_id: key\ncolour: red\nmagnitude: lots\n");
    folder.write("orphan.gdf", "glyph_id: orphan\nparent: nobody\n");
    folder.write("x.gdf", "glyph_id: x\nparent: y\n");
    folder.write("y.gdf", "glyph_id: y\nparent: x\n");
    folder.write("bytes.gdf", [0xff, 0xfe, b'\n']);
    folder.write("README.md", "not a glyph");
    let run = check(folder.shown());
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    for place in [
        "key.gdf:2:1:",
        "key.gdf:3:",
        "orphan.gdf:2:",
        "bytes.gdf:1:1:",
    ] {
        assert!(run.err.contains(place), "{place}: {}", run.err);
    }
    assert!(
        run.err.contains("nobody") && run.err.contains("x -> y"),
        "{}",
        run.err
    );
    assert!(run.err.contains("1 sound glyphs"), "{}", run.err);
    assert!(!run.err.contains("README"), "{}", run.err);
}

#[test]
fn what_only_looks_like_a_file_of_the_vault_is_refused() {
    let folder = Folder::new("strays");
    let file = folder.write("a.gdf", "glyph_id: a\n");
    assert_eq!(check(folder.shown()).status, 0);
    symlink(&file, folder.path().join("link.gdf")).expect("a link");
    let run = check(folder.shown());
    assert_eq!(run.status, 1);
    assert!(
        run.err.contains("link.gdf") && run.err.contains("symbolic link"),
        "{}",
        run.err
    );
    fs::remove_file(folder.path().join("link.gdf")).expect("removed");
    fs::create_dir(folder.path().join("sub.gdf")).expect("a folder");
    let run = check(folder.shown());
    assert_eq!(run.status, 1);
    assert!(
        run.err.contains("sub.gdf") && run.err.contains("a folder"),
        "{}",
        run.err
    );
}

#[test]
fn a_file_that_is_too_long_is_refused_and_not_read_whole() {
    let folder = Folder::new("long");
    let file = fs::File::create(folder.path().join("long.gdf")).expect("a file");
    // Reading it all would need more memory than there is.
    file.set_len(1 << 42).expect("a hole");
    let run = check(folder.shown());
    assert_eq!(run.status, 1);
    assert!(
        run.err
            .contains("at most 1048576 bytes, found 4398046511104"),
        "{}",
        run.err
    );
}

#[test]
fn advice_is_given_and_refuses_nothing() {
    let folder = Folder::new("advice");
    folder.write("other.gdf", "glyph_id: named\ndependencies: elsewhere\n");
    folder.write(
        "never.gdf",
        "glyph_id: never\ncoherence: 10\nconstraints: coherence >= 50\n",
    );
    let run = check(folder.shown());
    assert_eq!(run.status, 0, "{}", run.err);
    for words in [
        "named.gdf would be",
        "depends on elsewhere",
        "nobody can activate it",
    ] {
        assert!(run.err.contains(words), "{words}: {}", run.err);
    }
}

#[test]
fn a_folder_without_glyphs_is_no_vault() {
    let folder = Folder::new("empty");
    assert_eq!(check(folder.shown()).status, 1);
    let run = check(&folder.entry("missing"));
    assert_eq!(run.status, 1);
    assert!(run.err.contains("cannot be read"), "{}", run.err);
    let file = folder.write("file", "");
    assert_eq!(check(&file).status, 1);
}

#[test]
fn errors_come_as_one_json_object_each() {
    let folder = Folder::new("json");
    folder.write("good.gdf", "glyph_id: good\n");
    assert_eq!(
        glyphctl(&["vault", "check", "--json", folder.shown()]).out,
        ""
    );
    folder.write("key.gdf", "glyph_id: key\nmagnitud: 1\n");
    folder.write("orphan.gdf", "glyph_id: orphan\nparent: goof\n");
    fs::create_dir(folder.path().join("sub.gdf")).expect("a folder");
    let run = glyphctl(&["vault", "check", "--json", folder.shown()]);
    assert_eq!(run.status, 1);
    let lines: Vec<serde_json::Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let kinds: Vec<&serde_json::Value> = lines.iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["entry", "syntax", "missing"]);
    assert_eq!(
        lines[1],
        serde_json::json!({
            "file": "key.gdf", "line": 2, "column": 1, "kind": "syntax",
            "expected": "a field of the format as key", "found": "`magnitud`",
            "suggestion": "magnitude",
        })
    );
    assert_eq!(lines[2]["column"], 9);
    assert_eq!(lines[0]["suggestion"], serde_json::Value::Null);
}

#[test]
fn a_vault_is_rewritten_in_canonical_spelling_with_its_comments() {
    let folder = Folder::new("fmt");
    let rough = folder.write("a.gdf", "# mine\nglyph_id:a\n\nmagnitude: 0.50\n");
    folder.write("b.gdf", "glyph_id: b\n");
    let check = glyphctl(&["vault", "fmt", "--check", folder.shown()]);
    assert_eq!((check.status, check.out), (1, format!("{rough}\n")));
    let source = fs::read_to_string(&rough).expect("the file");
    assert!(source.contains("0.50"), "--check wrote: {source}");
    let run = glyphctl(&["vault", "fmt", folder.shown()]);
    assert_eq!((run.status, run.out), (0, format!("{rough}\n")));
    let tidy = fs::read_to_string(&rough).expect("the file");
    assert_eq!(tidy, "# mine\nglyph_id: a\n\nfield_magnitude: 0.5\n");
    let entries = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(entries, 2, "nothing else is left");
    let again = glyphctl(&["vault", "fmt", "--check", &rough]);
    assert_eq!((again.status, again.out.as_str()), (0, ""));
}

#[test]
fn a_file_with_an_error_or_behind_a_link_is_not_rewritten() {
    let folder = Folder::new("fmtbad");
    let bad = folder.write("bad.gdf", "glyph_id:bad\ncolour:red\n");
    folder.write("good.gdf", "glyph_id:good\n");
    let run = glyphctl(&["vault", "fmt", folder.shown()]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("bad.gdf:2:1:"), "{}", run.err);
    let text = fs::read_to_string(&bad).expect("the file");
    assert_eq!(text, "glyph_id:bad\ncolour:red\n");
    let good = folder.entry("good.gdf");
    let text = fs::read_to_string(&good).expect("the file");
    assert_eq!(text, "glyph_id: good\n");
    symlink(&good, folder.path().join("link")).expect("a link");
    let run = glyphctl(&["vault", "fmt", &folder.entry("link")]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("no regular file"), "{}", run.err);
}

#[test]
fn ancestry_is_drawn_in_text_and_for_graphviz() {
    let folder = Folder::new("tree");
    folder.write("a.gdf", "glyph_id: a\n");
    folder.write("b.gdf", "glyph_id: b\nparent: a\n");
    folder.write("bad.gdf", "glyph_id: bad\nparent: nobody\n");
    let run = glyphctl(&["tree", "--vault", folder.shown(), "b"]);
    assert_eq!((run.status, run.out.as_str()), (0, "b\n`-- a\n"));
    let run = glyphctl(&["tree", "--vault", folder.shown(), "--dot", "b"]);
    assert!(run.out.starts_with("digraph") && run.out.contains("\"b\" -> \"a\";"));
    let run = glyphctl(&["tree", "--vault", folder.shown(), "bad"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("bad is not sound"), "{}", run.err);
}

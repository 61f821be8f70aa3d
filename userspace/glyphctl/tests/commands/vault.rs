//! `glyphctl vault check`.

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

//! Eight attacks that simple glyph loaders fell to, each on a vault with one good glyph.
//!
//! Each is refused with an error that names the file, and the good glyph loads.

use glyph_compiler::{Limits, Vault, VaultErrorKind};

/// Loads the files of an attack beside a good one; gives the kinds of errors.
fn attack(files: &[(&str, &[u8])]) -> Vec<VaultErrorKind> {
    let good: (&str, &[u8]) = ("good.gdf", b"glyph_id: good\n");
    let all = files.iter().copied().chain([good]);
    let (vault, errors) = Vault::load(all, &Limits::default());
    let loaded: Vec<&str> = vault.glyphs().map(|glyph| vault.id_text(glyph)).collect();
    assert_eq!(loaded, ["good"]);
    for error in &errors {
        let shown = error.to_string();
        assert!(!shown.starts_with("good.gdf"), "{shown}");
        assert!(
            shown.contains(".gdf:") || shown.starts_with("/etc/passwd:"),
            "{shown}"
        );
    }
    errors.into_iter().map(|error| error.kind).collect()
}

#[test]
fn path_traversal_in_a_file_name_or_an_id_is_refused() {
    assert_eq!(
        attack(&[
            ("../../boot/evil.gdf", b"glyph_id: evil"),
            ("evil2.gdf", b"glyph_id: ../../etc/shadow"),
            ("evil3.gdf", b"glyph_id: evil3\nparent: ../good"),
        ]),
        [
            VaultErrorKind::FileName,
            VaultErrorKind::Syntax,
            VaultErrorKind::Syntax
        ]
    );
}

#[test]
fn circular_inheritance_is_refused() {
    assert_eq!(
        attack(&[
            ("a.gdf", b"glyph_id: a\nparent: b"),
            ("b.gdf", b"glyph_id: b\nparent: good, a"),
            ("self.gdf", b"glyph_id: self\nparent: self"),
        ]),
        [VaultErrorKind::Cycle; 3]
    );
}

#[test]
fn files_and_fields_over_their_sizes_are_refused() {
    let huge = [b"glyph_id: huge\n#".as_slice(), &vec![b'x'; 1 << 20]].concat();
    let long = [b"glyph_id: long\nmetadata: ".as_slice(), &[b'x'; 257]].concat();
    let busy = [
        b"glyph_id: busy\nactivation: ".as_slice(),
        &b"decay(1)|".repeat(200),
    ]
    .concat();
    assert_eq!(
        attack(&[
            ("huge.gdf", &huge),
            ("long.gdf", &long),
            ("busy.gdf", &busy)
        ]),
        [VaultErrorKind::Syntax; 3]
    );
}

#[test]
fn numbers_out_of_range_are_refused() {
    assert_eq!(
        attack(&[
            ("a.gdf", b"glyph_id: a\nresonance: 1e400"),
            ("b.gdf", b"glyph_id: b\nmagnitude: NaN"),
            ("c.gdf", b"glyph_id: c\ncoherence: 18446744073709551616"),
            ("d.gdf", b"glyph_id: d\nactivation: amplify(-inf)"),
        ]),
        [VaultErrorKind::Syntax; 4]
    );
}

#[test]
fn a_link_read_as_a_file_is_a_path_and_no_glyph() {
    // An archive's link has no content, a checked-out one has its target as content.
    assert_eq!(
        attack(&[("a.gdf", b""), ("b.gdf", b"../../../etc/passwd")]),
        [VaultErrorKind::Syntax; 3]
    );
}

#[test]
fn absolute_paths_are_refused() {
    assert_eq!(
        attack(&[
            ("/etc/passwd", b"glyph_id: a"),
            ("C:\\glyph.gdf", b"glyph_id: b"),
            ("d.gdf", b"glyph_id: /etc/passwd"),
        ]),
        [
            VaultErrorKind::FileName,
            VaultErrorKind::FileName,
            VaultErrorKind::Syntax
        ]
    );
}

#[test]
fn malformed_files_are_refused() {
    assert_eq!(
        attack(&[
            ("binary.gdf", b"\x7fELF\x02\x01\x01\x00"),
            ("latin1.gdf", b"glyph_id: latin1\nmaterial: caf\xe9"),
            ("cut.gdf", b"glyph_id: cut\nactivation: resonate(1.5"),
        ]),
        [VaultErrorKind::Syntax; 4]
    );
}

#[test]
fn bad_ids_are_refused() {
    let long = [b"glyph_id: ".as_slice(), &[b'x'; 65]].concat();
    assert_eq!(
        attack(&[
            ("a.gdf", b"glyph_id:"),
            ("b.gdf", b"glyph_id: two words"),
            ("c.gdf", b"glyph_id: a;rm -rf"),
            ("d.gdf", &long),
            ("e.gdf", b"glyph_id: e\nparent: e\x00"),
        ]),
        [VaultErrorKind::Syntax; 5]
    );
}

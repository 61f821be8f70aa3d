//! Eight attacks by whoever holds the key: an archive that verifies and must not be believed.
//!
//! What is wrong with the archive refuses it whole; what is wrong with a glyph in it is the
//! compiler's to refuse, and the good glyph beside it loads.

use super::*;
use crate::key::{KeyOrigin, public_key};
use crate::ustar::BLOCK_BYTES;
use glyph_compiler::{Limits, Vault, VaultErrorKind};
use std::vec;

const SEED: [u8; 32] = [8; 32];
const GOOD: (&str, &[u8]) = ("good.gdf", b"glyph_id: good\n");

/// Signs a tar as it is and opens it.
fn opened(mut tar: Vec<u8>) -> Result<usize, ArchiveError> {
    seal::close(&mut tar, &SEED);
    let trusted = TrustedKey::new(public_key(&SEED), KeyOrigin::Given).unwrap();
    Archive::open(&tar, &trusted).map(|archive| archive.files().count())
}

/// A tar of the good glyph and of one whose header `forge` changes; the checksum is made to fit.
fn forged(forge: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut tar = Vec::new();
    assert!(ustar::append(&mut tar, GOOD.0, GOOD.1));
    let place = tar.len();
    assert!(ustar::append(&mut tar, "z.gdf", b"glyph_id: z\n"));
    ustar::finish(&mut tar);
    let header = &mut tar[place..][..BLOCK_BYTES];
    forge(header);
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let digits = std::format!("{sum:07o}\0");
    header[148..156].copy_from_slice(digits.as_bytes());
    tar
}

/// A forged tar whose second file has this name.
fn named(name: &[u8]) -> Vec<u8> {
    forged(|header| {
        header[..100].fill(0);
        header[..name.len()].copy_from_slice(name);
    })
}

fn is_refused_for_its_name(name: &[u8]) {
    let refused = opened(named(name)).unwrap_err();
    let is_name = matches!(
        refused,
        ArchiveError::Tar(TarError::Name { .. }) | ArchiveError::Name(_)
    );
    assert!(is_name, "{name:?}: {refused:?}");
}

/// Errors of the glyphs in an archive of these files and the good one, which loads.
fn loaded(files: &[(&str, &[u8])]) -> Vec<VaultErrorKind> {
    let all = files.iter().copied().chain([GOOD]);
    let bytes = pack(all, &SEED).unwrap();
    let trusted = TrustedKey::new(public_key(&SEED), KeyOrigin::Given).unwrap();
    let archive = Archive::open(&bytes, &trusted).unwrap();
    let (vault, errors) = Vault::load(archive.files(), &Limits::default());
    let ids: Vec<&str> = vault.glyphs().map(|glyph| vault.id_text(glyph)).collect();
    assert_eq!(ids, ["good"]);
    errors.into_iter().map(|error| error.kind).collect()
}

#[test]
fn an_archive_without_forgery_opens() {
    assert_eq!(opened(forged(|_| ())), Ok(2));
    assert_eq!(opened(named(b"zz.gdf")), Ok(2));
}

#[test]
fn path_traversal_in_a_name_is_refused() {
    for name in [
        b"../z.gdf".as_slice(),
        b"v/../../z.gdf",
        b"./z.gdf",
        b"v/z.gdf",
        b"..\\z.gdf",
        b"..",
    ] {
        is_refused_for_its_name(name);
    }
    // The other half of a long name, which a header can hold apart.
    let prefixed = forged(|header| header[345..352].copy_from_slice(b"../../x"));
    let refused = opened(prefixed).unwrap_err();
    assert!(matches!(
        refused,
        ArchiveError::Tar(TarError::Header { .. })
    ));
}

#[test]
fn circular_inheritance_is_refused_and_the_rest_loads() {
    let files: [(&str, &[u8]); 3] = [
        ("a.gdf", b"glyph_id: a\nparent: b"),
        ("b.gdf", b"glyph_id: b\nparent: good, a"),
        ("self.gdf", b"glyph_id: self\nparent: self"),
    ];
    assert_eq!(loaded(&files), [VaultErrorKind::Cycle; 3]);
}

#[test]
fn sizes_over_their_limits_are_refused() {
    for digits in [
        b"77777777777\0",
        b"00000100000\0",
        b"\x80\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        let tar = forged(|header| header[124..136].copy_from_slice(digits));
        let refused = opened(tar).unwrap_err();
        assert!(
            matches!(
                refused,
                ArchiveError::Tar(TarError::Cut { .. } | TarError::Header { .. })
            ),
            "{refused:?}"
        );
    }
    let huge = [b"glyph_id: huge\n#".as_slice(), &vec![b'x'; 1 << 20]].concat();
    assert_eq!(loaded(&[("huge.gdf", &huge)]), [VaultErrorKind::Syntax]);
}

#[test]
fn numbers_out_of_range_are_refused_in_headers_and_in_glyphs() {
    for (place, digits) in [
        (124, b"-0000000001\0"),
        (124, b"9999999999 \0"),
        (136, b"77777777777\0"),
    ] {
        let tar = forged(|header| header[place..place + 12].copy_from_slice(digits));
        assert!(opened(tar).is_err(), "{digits:?}");
    }
    let files: [(&str, &[u8]); 2] = [
        ("a.gdf", b"glyph_id: a\nresonance: 1e400"),
        ("b.gdf", b"glyph_id: b\ncoherence: 18446744073709551616"),
    ];
    assert_eq!(loaded(&files), [VaultErrorKind::Syntax; 2]);
}

#[test]
fn a_link_is_refused() {
    // Hard link, symbolic link, devices, folder, pipe, and the extensions that rename what follows.
    for kind in *b"123456xgLKS" {
        let tar = forged(|header| {
            header[156] = kind;
            header[157..168].copy_from_slice(b"/etc/passwd");
        });
        let refused = opened(tar).unwrap_err();
        assert!(
            matches!(refused, ArchiveError::Tar(TarError::NotAFile { .. })),
            "{refused:?}"
        );
    }
    // A target in the header of what calls itself a file.
    let tar = forged(|header| header[157..168].copy_from_slice(b"/etc/passwd"));
    assert!(opened(tar).is_err());
}

#[test]
fn absolute_paths_are_refused() {
    for name in [
        b"/etc/z.gdf".as_slice(),
        b"/z.gdf",
        b"C:\\z.gdf",
        b"//z.gdf",
    ] {
        is_refused_for_its_name(name);
    }
}

#[test]
fn malformed_archives_and_files_are_refused() {
    assert!(opened(Vec::new()).is_err());
    assert!(opened(vec![0; BLOCK_BYTES]).is_err());
    assert!(opened(vec![0xff; 4 * BLOCK_BYTES]).is_err());
    let unended = forged(|_| ());
    assert!(opened(unended[..unended.len() - BLOCK_BYTES].to_vec()).is_err());
    let files: [(&str, &[u8]); 3] = [
        ("binary.gdf", b"\x7fELF\x02\x01\x01\x00"),
        ("cut.gdf", b"glyph_id: cut\nactivation: resonate(1.5"),
        ("empty.gdf", b""),
    ];
    assert!(loaded(&files).len() >= 3);
}

#[test]
fn bad_ids_and_names_are_refused() {
    for name in [
        b"z".as_slice(),
        b"two words.gdf",
        b"z;rm.gdf",
        b"z\x1b.gdf",
        b"caf\xc3\xa9.gdf",
        b"caf\xe9.gdf",
        b"zz.GDF",
    ] {
        is_refused_for_its_name(name);
    }
    let refused = opened(named(b"good.gdf")).unwrap_err();
    assert!(matches!(refused, ArchiveError::Tar(TarError::Order { .. })));
    let files: [(&str, &[u8]); 2] = [
        ("a.gdf", b"glyph_id: two words"),
        ("b.gdf", b"glyph_id: ../good"),
    ];
    assert_eq!(loaded(&files), [VaultErrorKind::Syntax; 2]);
}

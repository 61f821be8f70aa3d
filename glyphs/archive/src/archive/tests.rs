//! What is opened, and all that is not.

use super::*;
use crate::key::{KeyOrigin, public_key};
use crate::ustar::BLOCK_BYTES;
use std::string::ToString as _;

const SEED: [u8; 32] = [42; 32];

fn trusted() -> TrustedKey {
    TrustedKey::new(public_key(&SEED), KeyOrigin::Given).unwrap()
}

fn small() -> Vec<u8> {
    pack([("a.gdf", b"glyph_id: a\n".as_slice())], &SEED).unwrap()
}

/// An archive of a tar that the packer would not make, sealed with the trusted key.
fn sealed(mut tar: Vec<u8>) -> Vec<u8> {
    seal::close(&mut tar, &SEED);
    tar
}

#[test]
fn what_was_packed_opens_with_its_key_and_is_the_same_for_any_order() {
    let files: [(&str, &[u8]); 3] = [("b.gdf", b"B"), ("a.gdf", b""), ("c-1_2.gdf", &[9; 1000])];
    let bytes = pack(files, &SEED).unwrap();
    let archive = Archive::open(&bytes, &trusted()).unwrap();
    let names: Vec<_> = archive.files().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.gdf", "b.gdf", "c-1_2.gdf"]);
    assert_eq!(archive.files().nth(2), Some(files[2]));
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    assert_eq!(archive.digest(), &digest);
    let mut turned = files;
    turned.reverse();
    assert_eq!(pack(turned, &SEED).unwrap(), bytes);
    let none = pack([], &SEED).unwrap();
    assert_eq!(Archive::open(&none, &trusted()).unwrap().files().count(), 0);
}

#[test]
fn every_single_flipped_bit_of_an_archive_is_refused() {
    let bytes = small();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[place] ^= 1 << bit;
            let refused = Archive::open(&altered, &trusted()).unwrap_err();
            let seal = place.checked_sub(bytes.len() - BLOCK_BYTES);
            let expected = match seal {
                Some(0..14) => "unsigned",
                Some(14..16) => "version",
                Some(16..48) => "other_key",
                _ => "altered",
            };
            assert_eq!(refused.name(), expected, "byte {place} bit {bit}");
        }
    }
}

#[test]
fn an_archive_cut_anywhere_or_lengthened_is_refused() {
    let bytes = small();
    for length in 0..bytes.len() {
        let refused = Archive::open(&bytes[..length], &trusted()).unwrap_err();
        assert_eq!(refused, ArchiveError::Unsigned, "{length}");
    }
    for more in [1, 64, BLOCK_BYTES] {
        let mut longer = bytes.clone();
        longer.resize(bytes.len() + more, 0);
        assert!(Archive::open(&longer, &trusted()).is_err(), "{more}");
    }
    // The seal of one archive serves no other.
    let other = pack([("b.gdf", b"glyph_id: b\n".as_slice())], &SEED).unwrap();
    let end = other.len() - BLOCK_BYTES;
    let spliced = [&bytes[..bytes.len() - BLOCK_BYTES], &other[end..]].concat();
    let refused = Archive::open(&spliced, &trusted());
    assert_eq!(refused, Err(ArchiveError::Altered));
}

#[test]
fn another_key_is_named_and_does_not_open() {
    let bytes = pack([("a.gdf", b"glyph_id: a\n".as_slice())], &[1; 32]).unwrap();
    let refused = Archive::open(&bytes, &trusted()).unwrap_err();
    let signed_by = crate::key::fingerprint(&public_key(&[1; 32]));
    assert_eq!(refused, ArchiveError::OtherKey { signed_by });
    assert!(refused.to_string().contains(&Hex(&signed_by).to_string()));
    // Another's signature under the trusted key's name does not hold.
    let mut claimed = bytes;
    let place = claimed.len() - BLOCK_BYTES + 16;
    claimed[place..place + 32].copy_from_slice(trusted().public());
    let refused = Archive::open(&claimed, &trusted());
    assert_eq!(refused, Err(ArchiveError::Altered));
}

#[test]
fn a_plain_tar_is_unsigned_and_a_later_form_is_named_as_such() {
    let mut tar = Vec::new();
    assert!(ustar::append(&mut tar, "a.gdf", b"glyph_id: a\n"));
    ustar::finish(&mut tar);
    assert_eq!(Archive::open(&tar, &trusted()), Err(ArchiveError::Unsigned));
    assert_eq!(Archive::open(&[], &trusted()), Err(ArchiveError::Unsigned));
    let mut later = tar;
    later.extend_from_slice(b"glyphos-vault-2\n");
    later.extend_from_slice(trusted().public());
    later.extend_from_slice(&[0; 400]);
    let signature = crate::key::sign(&SEED, &later);
    later.extend_from_slice(&signature);
    assert_eq!(
        Archive::open(&later, &trusted()),
        Err(ArchiveError::Version)
    );
}

#[test]
fn a_size_over_the_limit_is_refused_before_it_is_hashed() {
    let bytes = std::vec![0; ARCHIVE_BYTES_MAX + 1];
    let refused = Archive::open(&bytes, &trusted());
    let bytes = ARCHIVE_BYTES_MAX + 1;
    assert_eq!(refused, Err(ArchiveError::TooLarge { bytes }));
    let huge = std::vec![b'#'; ARCHIVE_BYTES_MAX];
    let packed = pack([("a.gdf", huge.as_slice())], &SEED);
    assert_eq!(packed, Err(PackError::TooLarge));
}

#[test]
fn files_that_are_no_glyphs_are_neither_packed_nor_opened() {
    for name in [
        "README.md",
        ".gdf",
        "folder/a.gdf",
        "../a.gdf",
        "a b.gdf",
        "",
    ] {
        let packed = pack([(name, b"x".as_slice())], &SEED);
        assert_eq!(packed, Err(PackError::Name(name.into())), "{name}");
    }
    let twice = [("a.gdf", b"1".as_slice()), ("a.gdf", b"2")];
    assert_eq!(pack(twice, &SEED), Err(PackError::Twice("a.gdf".into())));
    for name in ["README.md", ".gdf", "folder/a.gdf"] {
        let mut tar = Vec::new();
        assert!(ustar::append(&mut tar, name, b"x"));
        ustar::finish(&mut tar);
        let bytes = sealed(tar);
        let refused = Archive::open(&bytes, &trusted());
        assert_eq!(refused, Err(ArchiveError::Name(name.into())));
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    for error in [
        ArchiveError::TooLarge { bytes: 1 },
        ArchiveError::Unsigned,
        ArchiveError::Version,
        ArchiveError::OtherKey { signed_by: [0; 8] },
        ArchiveError::Altered,
        ArchiveError::Tar(TarError::Cut { offset: 0 }),
        ArchiveError::Name("x".into()),
    ] {
        let text = error.to_string();
        assert!(text.contains(": "), "{text}");
        assert!(!error.name().is_empty());
    }
}

//! A vault's archive, and the tar inside of it.

use glyph_archive::{Archive, KeyOrigin, TrustedKey, pack, public_key, ustar};

/// What the kept archives are signed with; no kernel trusts it.
const SEED: [u8; 32] = [0x66; 32];

/// Any bytes are an archive or a tar that its writer would write the same, or an error that says why;
/// what a tar's reader finds can be packed, opened and found again.
///
/// # Panics
/// If that is not so.
pub fn archive(input: &[u8]) {
    let trusted = TrustedKey::new(public_key(&SEED), KeyOrigin::Given);
    let Ok(trusted) = trusted else {
        panic!("the seed has no sound key");
    };
    match Archive::open(input, &trusted) {
        Ok(archive) => assert_eq!(pack(archive.files(), &SEED).as_deref(), Ok(input)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let entries = match ustar::entries(input) {
        Ok(entries) => entries,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut again = Vec::new();
    for entry in &entries {
        assert!(ustar::append(&mut again, entry.name, entry.bytes));
    }
    ustar::finish(&mut again);
    assert_eq!(again, input);
    let files: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name, entry.bytes))
        .collect();
    // A tar may hold other names than a vault does.
    let Ok(packed) = pack(files.iter().copied(), &SEED) else {
        return;
    };
    let opened = Archive::open(&packed, &trusted).map(|archive| archive.files().collect());
    assert_eq!(opened, Ok(files));
}

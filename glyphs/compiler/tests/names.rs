//! A name means the glyph of that whole name, and never one that only begins so.

use glyph_compiler::{Limits, Vault, VaultErrorKind};

#[test]
fn a_name_of_sixteen_letters_is_not_found_in_one_of_seventeen() {
    // Names are told apart by their first sixteen bytes first; of so many, some share a slot.
    for letter in ('a'..='z').chain('A'..='Z') {
        let (short, long) = (letter.to_string().repeat(16), letter.to_string().repeat(17));
        let files = [
            ("0.gdf", format!("glyph_id: 0\nparent: {short}")),
            ("1.gdf", format!("glyph_id: 1\nparent: {long}")),
            ("2.gdf", format!("glyph_id: {long}")),
        ];
        let files = files.iter().map(|(name, text)| (*name, text.as_bytes()));
        let (vault, errors) = Vault::load(files, &Limits::default());
        let kinds: Vec<VaultErrorKind> = errors.iter().map(|error| error.kind).collect();
        assert_eq!(kinds, [VaultErrorKind::Missing], "{short}");
        assert_eq!(vault.len(), 2);
    }
}

//! Errors are counted, all of them, also those that nobody keeps.

use glyph_compiler::{Limits, Vault, VaultErrorKind};
use glyph_parser::limits::DIAGNOSTICS_MAX;

#[test]
fn errors_of_a_file_beyond_those_that_are_told_are_counted() {
    let lines = DIAGNOSTICS_MAX + 5;
    let bad = "phase: much\n".repeat(lines);
    let files = [("bad.gdf", bad.as_bytes()), ("good.gdf", b"glyph_id: good")];
    let (vault, errors) = Vault::load(files, &Limits::default());
    assert_eq!(vault.len(), 1);
    // Each line is wrong, and the id is missing.
    assert_eq!(vault.error_counts().total(), lines as u64 + 1);
    assert_eq!(errors.len(), DIAGNOSTICS_MAX + 1);
    let last = errors.last().unwrap();
    assert_eq!(last.kind, VaultErrorKind::Vault);
    assert_eq!(last.diagnostic.found, "6 more");
}

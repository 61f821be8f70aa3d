//! One GDF file.

use glyph_parser::limits::DIAGNOSTICS_MAX;
use glyph_parser::{parse, print, reformat};

/// A file parses or is refused with bounded, printable errors; what parses prints, tidies and
/// reads back as the same definition.
///
/// # Panics
/// If that is not so.
pub fn parser(input: &[u8]) {
    let parsed = match parse("fuzz.gdf", input) {
        Ok(parsed) => parsed,
        Err(refusal) => {
            let count = refusal.diagnostics.len();
            assert!((1..=DIAGNOSTICS_MAX).contains(&count), "{count} errors");
            let shown = refusal.to_string();
            let is_printable = |letter: char| letter == '\n' || !letter.is_control();
            assert!(shown.chars().all(is_printable), "{shown:?}");
            return;
        }
    };
    let definition = parsed.definition;
    assert_eq!(definition.parents.len(), parsed.places.parents.len());
    assert_eq!(definition.program.len(), parsed.places.commands.len());
    let printed = print(&definition);
    let again = parse("printed.gdf", printed.as_bytes()).map(|parsed| parsed.definition);
    assert_eq!(again.as_ref(), Ok(&definition), "{printed}");
    let tidy = reformat("fuzz.gdf", input);
    let Ok(tidy) = tidy else {
        panic!("sound, but not tidied: {tidy:?}");
    };
    let again = parse("tidy.gdf", tidy.as_bytes()).map(|parsed| parsed.definition);
    assert_eq!(again.as_ref(), Ok(&definition), "{tidy}");
    assert_eq!(reformat("tidy.gdf", tidy.as_bytes()), Ok(tidy));
}

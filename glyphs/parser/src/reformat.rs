//! A file in canonical spelling, with the comments and the order that its author gave it.
//!
//! Owns the way from a file's text to its tidy text; how a value is spelled is `print`'s
//! business. Where [`print()`](crate::print()) writes a definition from nothing, this keeps what a
//! definition does not hold: comments, blank lines, the order of fields, a default spelled out.
//!
//! Invariants:
//! - the tidy text parses to the same definition as the file, and is its own tidy text;
//! - every comment stays, in its place, letter for letter but for the space around it.

use crate::limits::FILE_BYTES_MAX;
use crate::print::canonical_value;
use crate::{Field, Refusal, parse};
use alloc::string::String;

/// Gives a file in canonical spelling; `file` is its name for errors.
///
/// Each field stands under its full name, numbers and lists as [`print()`](crate::print()) spells
/// them; lines end with a line feed, and no blank line ends the file. A file whose canonical
/// spelling would be over the format's limit is given back as it is.
///
/// # Errors
/// [`Refusal`] with every error of the file: text that is not understood is not rewritten.
pub fn reformat(file: &str, bytes: &[u8]) -> Result<String, Refusal> {
    let definition = parse(file, bytes)?.definition;
    // The parser takes UTF-8 alone, so nothing is replaced here.
    let source = String::from_utf8_lossy(bytes);
    let mut text = String::with_capacity(source.len());
    for line in source.split('\n') {
        let line = line.trim_matches([' ', '\t', '\r']);
        let field = line
            .split_once(':')
            .filter(|_| !line.starts_with('#'))
            .and_then(|(key, _)| Field::from_key(key.trim_matches([' ', '\t'])));
        match field {
            Some(field) => push_field(&mut text, field, &canonical_value(field, &definition)),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text.truncate(text.trim_end_matches('\n').len());
    text.push('\n');
    if text.len() > FILE_BYTES_MAX {
        return Ok(source.into_owned());
    }
    Ok(text)
}

fn push_field(text: &mut String, field: Field, value: &str) {
    let value = match field {
        Field::Dependencies | Field::Constraints if value.is_empty() => "none",
        _ => value,
    };
    text.push_str(field.name());
    text.push(':');
    if !value.is_empty() {
        text.push(' ');
        text.push_str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    #[test]
    fn a_file_becomes_canonical_and_keeps_comments_order_and_defaults() {
        let source = "\n  # first: a comment\r\ncoherence :100\r\nglyph_id:a\n\n\t#magnitude:1\nmagnitude: 0.50\n\
                      parent:b,c\nactivation: resonate( 2.0 )|stabilize( )\nconstraints:\n\
                      metadata:\nphase: 1e1\n # last \n\n\n";
        let tidy = "\n# first: a comment\ncoherence: 100\nglyph_id: a\n\n#magnitude:1\nfield_magnitude: 0.5\n\
                    parent_glyphs: b, c\nactivation_simulation: resonate(2) | stabilize()\nconstraints: none\n\
                    metadata:\nphase_offset: 10\n# last\n";
        assert_eq!(reformat("a.gdf", source.as_bytes()).unwrap(), tidy);
        assert_eq!(reformat("a.gdf", tidy.as_bytes()).unwrap(), tidy);
    }

    #[test]
    fn a_file_with_an_error_is_refused_and_not_rewritten() {
        let refusal = reformat("a.gdf", b"glyph_id: a\nmagnitud: 1\n").unwrap_err();
        assert!(refusal.to_string().starts_with("a.gdf:2:1:"), "{refusal}");
    }

    #[test]
    fn a_file_that_would_outgrow_the_limit_stays_as_it_is() {
        let ids = format!(
            "glyph_id:a\ndependencies:{}",
            "b,".repeat(FILE_BYTES_MAX / 2 - 20)
        );
        let source = format!("{ids}b");
        assert!(source.len() <= FILE_BYTES_MAX);
        assert_eq!(reformat("a.gdf", source.as_bytes()).unwrap(), source);
        // A blank and a line feed come in.
        let comment = "#".repeat(FILE_BYTES_MAX - "glyph_id: a\n\n".len());
        let fits = reformat("a.gdf", format!("glyph_id:a\n{comment}").as_bytes()).unwrap();
        assert!(fits.starts_with("glyph_id: a\n") && fits.len() == FILE_BYTES_MAX);
    }
}

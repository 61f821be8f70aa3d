//! How a source file looks: its first line, its length, its bytes, and words that must not stay.

use super::Violation;

/// Longest a file may be before its tests begin, in lines.
const LINES_MAX: usize = 600;

/// Words of work that is not finished, or of tests that do not run. Cut in two, so that this list
/// is not its own first find.
const BANNED: [(&str, &str); 8] = [
    ("FIX", "ME"),
    ("TO", "DO"),
    ("XX", "X"),
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("#[ign", "ore"),
    ("for n", "ow"),
];

/// Folders that belong to one person's machine, likewise cut in two.
const PERSONAL: [(&str, &str); 2] = [("/ho", "me/"), ("/ro", "ot/")];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 4] = ["mod", "util", "helpers", "misc"];

/// Whether the rules are for a file of this name.
pub(super) fn is_source(name: &str) -> bool {
    [".rs", ".toml", ".sh", ".s", ".ld", ".json"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Checks one file.
pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let at = |index: usize| format!("{path}:{}", index.saturating_add(1));
    for (index, line) in text.lines().enumerate() {
        if !line.is_ascii() {
            violations.push(Violation::new(at(index), "source is ASCII"));
        }
        if path.ends_with(".rs") {
            violations.extend(check_words(line).map(|rule| Violation::new(at(index), rule)));
        }
    }
    if path.ends_with(".rs") {
        if !text.starts_with("//! ") {
            violations.push(Violation::new(path, "begins with `//!` and what it owns"));
        }
        let lines = text
            .lines()
            .take_while(|line| *line != "mod tests {")
            .count();
        if lines > LINES_MAX {
            let rule =
                format!("has {lines} lines before its tests; split it, {LINES_MAX} is the most");
            violations.push(Violation::new(path, rule));
        }
        let name = path
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".rs");
        if EMPTY_NAMES.contains(&name) {
            violations.push(Violation::new(path, "a file is named after what it owns"));
        }
    }
    violations
}

fn check_words(line: &str) -> impl Iterator<Item = String> {
    let banned = BANNED.iter().map(|(head, tail)| format!("{head}{tail}"));
    let personal = PERSONAL.iter().map(|(head, tail)| format!("{head}{tail}"));
    banned
        .filter(|word| contains_word(line, word))
        .map(|word| format!("`{word}` must not stay in the source"))
        .chain(
            personal
                .filter(|folder| line.contains(folder.as_str()))
                .map(|folder| format!("names a folder under {folder}, which others do not have")),
        )
        .collect::<Vec<_>>()
        .into_iter()
}

/// Whether `word` stands in `line` as a word of its own.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, found)| {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let before = line.get(..start).and_then(|text| text.chars().next_back());
        let after = line
            .get(start.saturating_add(found.len())..)
            .and_then(|text| text.chars().next());
        // A word that ends in a sign needs no end of word after it.
        let ends_in_letter = word.ends_with(|letter: char| letter.is_ascii_alphanumeric());
        let continues = ends_in_letter && after.is_some_and(is_part);
        !(before.is_some_and(is_part) || continues)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> usize {
        check(path, text).len()
    }

    #[test]
    fn a_good_file_is_left_alone() {
        assert_eq!(
            rules("a/src/lib.rs", "//! Owns the cells.\n\nfn todo_list() {}\n"),
            0
        );
        assert_eq!(rules("a/Cargo.toml", "[package]\n"), 0);
    }

    #[test]
    fn a_file_without_a_tagline_is_caught() {
        assert_eq!(rules("a/src/lib.rs", "fn main() {}\n"), 1);
        assert_eq!(rules("a/src/lib.rs", "// not a module comment\n"), 1);
        assert_eq!(rules("a/src/lib.rs", ""), 1);
    }

    #[test]
    fn each_banned_word_is_caught() {
        for (head, tail) in BANNED {
            let text = format!("//! x\n{head}{tail}\n");
            assert!(rules("a/src/x.rs", &text) >= 1, "{head}{tail}");
        }
        for (head, tail) in PERSONAL {
            assert_eq!(
                rules("a/src/x.rs", &format!("//! x\n\"{head}{tail}me\"\n")),
                1
            );
        }
    }

    #[test]
    fn a_banned_word_inside_another_word_is_none() {
        let text = format!("//! x\n{}{}LIST A{}{}\n", "TO", "DO", "XX", "X");
        assert_eq!(rules("a/src/x.rs", &text), 0);
    }

    #[test]
    fn bytes_that_are_not_ascii_are_caught_with_their_line() {
        let found = check("a/x.toml", "a = 1\nb = \"\u{2192}\"\n");
        assert_eq!(found[0].to_string(), "a/x.toml:2: source is ASCII");
    }

    #[test]
    fn a_long_file_is_caught_and_its_tests_do_not_count() {
        let body = "//! x\n".to_owned() + &"\n".repeat(LINES_MAX);
        assert_eq!(rules("a/x.rs", &body), 1);
        let body = "//! x\n".to_owned() + "mod tests {\n" + &"\n".repeat(LINES_MAX) + "}\n";
        assert_eq!(rules("a/x.rs", &body), 0);
    }

    #[test]
    fn names_that_say_nothing_are_caught() {
        assert_eq!(rules("a/src/util.rs", "//! x\n"), 1);
        assert_eq!(rules("a/src/cells/mod.rs", "//! x\n"), 1);
    }
}

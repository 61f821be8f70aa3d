//! Completion of commands, options and names at the end of a text.

use crate::NameKind;
use crate::Names;
use crate::grammar::{Slot, entries, names_below};
use crate::render::COLUMNS;
use crate::words;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Candidates that are listed.
const LISTED_MAX: usize = 200;

/// What can be added at the end of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Text that every candidate agrees on; ends with a blank if there is one candidate only.
    pub(crate) addition: String,
    /// How many candidates there are.
    pub(crate) candidates: usize,
}

/// Finds what can be added.
pub(crate) fn complete(text: &str, names: &dyn Names) -> Completion {
    let typed = word_start(text);
    let mut common: Option<String> = None;
    let mut candidates: usize = 0;
    each(text, names, &mut |candidate| {
        candidates = candidates.saturating_add(1);
        let agreed = match &common {
            None => candidate.len(),
            Some(common) => common
                .bytes()
                .zip(candidate.bytes())
                .take_while(|(a, b)| a == b)
                .count(),
        };
        match &mut common {
            None => common = Some(String::from(candidate)),
            Some(common) => common.truncate(agreed),
        }
    });
    let mut addition = common
        .as_deref()
        .and_then(|common| common.get(text.len().saturating_sub(typed)..))
        .map_or_else(String::new, String::from);
    if candidates == 1 {
        addition.push(' ');
    }
    Completion {
        addition,
        candidates,
    }
}

/// Lists the candidates in columns.
pub(crate) fn list(text: &str, names: &dyn Names, out: &mut dyn fmt::Write) -> fmt::Result {
    let mut widest: usize = 1;
    let mut count: usize = 0;
    each(text, names, &mut |candidate| {
        widest = widest.max(candidate.len());
        count = count.saturating_add(1);
    });
    let cell = widest.saturating_add(2);
    let per_row = (COLUMNS / cell).max(1);
    let mut index: usize = 0;
    let mut result = Ok(());
    each(text, names, &mut |candidate| {
        index = index.saturating_add(1);
        if result.is_err() || index > LISTED_MAX {
            return;
        }
        let is_row_end = index.is_multiple_of(per_row) || index == count.min(LISTED_MAX);
        result = if is_row_end {
            writeln!(out, "{candidate}")
        } else {
            write!(out, "{candidate:cell$}")
        };
    });
    result?;
    match count.checked_sub(LISTED_MAX) {
        Some(more) if more > 0 => writeln!(out, "... and {more} more"),
        _ => Ok(()),
    }
}

/// Where the word at the end of the text begins, in bytes.
fn word_start(text: &str) -> usize {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    text.len().saturating_sub(word.len())
}

/// Visits every candidate for the word at the end of the text.
fn each(text: &str, names: &dyn Names, visit: &mut dyn FnMut(&str)) {
    let (before, typed) = text.split_at(word_start(text));
    // Inside quotes stands free text.
    let Ok(words) = words::split(before) else {
        return;
    };
    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let mut offer = |candidate: &str| {
        if candidate.starts_with(typed) {
            visit(candidate);
        }
    };
    if let [first, topic @ ..] = words.as_slice()
        && matches!(*first, "help" | "?")
    {
        names_below(topic).for_each(&mut offer);
        return;
    }
    let entry = entries().find(|entry| {
        entry.path.len() <= words.len() && entry.path.iter().zip(&words).all(|(a, b)| a == b)
    });
    let Some(entry) = entry else {
        names_below(&words).for_each(&mut offer);
        return;
    };
    if typed.starts_with('-') {
        entry.options.iter().for_each(|option| offer(option));
        return;
    }
    let arguments = words.get(entry.path.len()..).unwrap_or_default();
    let position = arguments
        .iter()
        .filter(|word| !word.starts_with("--"))
        .count();
    match entry.slots.get(position) {
        None | Some(Slot::Free) => {}
        Some(Slot::Words(words)) => words.iter().for_each(|word| offer(word)),
        Some(Slot::Name(kind)) => each_name(*kind, names, &mut offer),
    }
}

/// Visits names that can stand on a line as they are.
fn each_name(kind: NameKind, names: &dyn Names, visit: &mut dyn FnMut(&str)) {
    names.for_each(kind, &mut |name| {
        let is_plain = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if is_plain && !name.is_empty() {
            visit(name);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    struct Known;

    impl Names for Known {
        fn for_each(&self, kind: NameKind, visit: &mut dyn FnMut(&str)) {
            match kind {
                NameKind::Glyph => ["alpha", "alpine", "beta", "bad id", "\u{1b}[31m"]
                    .into_iter()
                    .for_each(visit),
                NameKind::Guardian => visit("galahad"),
                NameKind::Request => visit(&"ab".repeat(16)),
                NameKind::Override | NameKind::GuardianChange => {}
            }
        }
    }

    fn addition(text: &str) -> String {
        complete(text, &Known).addition
    }

    #[test]
    fn commands_and_their_groups_complete() {
        assert_eq!(addition("ac"), "tivate ");
        assert_eq!(addition("substrate sc"), "rub ");
        assert_eq!(addition("su"), "bstrate ");
        assert_eq!(addition("help substrate wr"), "ite ");
        assert_eq!(addition("re"), "");
        assert_eq!(complete("re", &Known).candidates, 2);
        assert_eq!(addition("nonsense wr"), "");
    }

    #[test]
    fn names_options_and_words_complete_in_their_place() {
        assert_eq!(addition("activate al"), "p");
        assert_eq!(addition("activate alpi"), "ne ");
        assert_eq!(addition("activate beta --w"), "ith-parents ");
        assert_eq!(addition("activate --trace b"), "eta ");
        assert_eq!(addition("activate beta a"), "");
        assert_eq!(addition("guardian enrol g"), "alahad ");
        assert_eq!(addition("guardian enrol galahad e"), "thics ");
        assert_eq!(addition("guardian enrol galahad ethics e"), "d25519 ");
        assert_eq!(
            addition("request show a"),
            format!("{} ", "ba".repeat(15) + "b")
        );
        assert_eq!(addition("override show "), "");
    }

    #[test]
    fn text_in_quotes_is_not_completed() {
        assert_eq!(complete("override create ab g \"ac", &Known).candidates, 0);
    }

    #[test]
    fn names_that_could_break_a_line_are_not_offered() {
        assert_eq!(complete("glyph show ", &Known).candidates, 3);
        let mut out = String::new();
        list("glyph show ", &Known, &mut out).unwrap();
        assert_eq!(out, "alpha   alpine  beta\n");
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        struct Many;
        impl Names for Many {
            fn for_each(&self, _: NameKind, visit: &mut dyn FnMut(&str)) {
                (0..1000).for_each(|number| visit(&format!("g{number:04}")));
            }
        }
        let mut out = String::new();
        list("activate ", &Many, &mut out).unwrap();
        assert!(out.lines().all(|line| line.len() <= COLUMNS));
        assert!(out.ends_with("g0199\n... and 800 more\n"), "{out}");
        assert_eq!(addition_of(&Many), "g0");
    }

    fn addition_of(names: &dyn Names) -> String {
        complete("activate ", names).addition
    }
}
